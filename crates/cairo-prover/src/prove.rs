//! From an execution to a proof.

pub use crate::claim::claim;
pub use crate::planner::all_generic;

use crate::claim::joined;
use crate::disclosed::disclose_short;
use crate::error::ProveError;
use crate::planner::budget::MAX_TERMS;
use crate::planner::tables::other_tables;
use crate::planner::{Assignment, Costs, DEFAULT_BYTE_PRICE_NS, DEFAULT_COLUMNS, Price, StepTable, plan, with_owned};
use crate::table_size::MAX_STEPS;
use crate::witness::{Witness, build, refused};
use cairo_air::fetch::MAX_FETCHES;
use cairo_air::{Built, CairoProof, Layout, MAX_RUNS, TableEntry, TableKind};
use cairo_execution::{Batch, Execution};
use stark::shape::Group;
use stark::{Control, Parameters, Phase, Shape};

/// How to prove.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Parameters of the STARK: security, proof size, speed.
    pub parameters: Parameters,
    /// Threads to use; all of the current rayon pool's if not given.
    pub threads: Option<usize>,
    /// What a byte of the proof is worth, in nanoseconds of one thread: for the next column the planner wants to save as much time as its bytes are
    /// worth. Small proofs, up to about 600 kB, are taken as they are.
    pub byte_price_ns: u32,
    /// Columns that the planner may use, whatever they would save; no limit if not given.
    pub max_columns: Option<usize>,
    /// Most bytes of memory; no limit if not given. Where the columns' extensions do not fit, some are recomputed, which takes longer, or bytes of the
    /// proof are worth less, whichever costs less. If that does not suffice, the proof is refused before the work begins.
    pub max_memory: Option<u64>,
    /// Recompute all extensions, whether memory is short or not. The proof is the same.
    pub least_memory: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            parameters: Parameters::default(),
            threads: None,
            byte_price_ns: DEFAULT_BYTE_PRICE_NS,
            max_columns: None,
            max_memory: None,
            least_memory: false,
        }
    }
}

/// Proves an execution, or a batch of them. The proof is the same whatever the number of threads.
///
/// `prover` is bound to the proof: it is none for another identity.
///
/// # Errors
/// [`ProveError`] if an execution is not provable, or if the control hook cancels.
pub fn prove(
    runs: impl Into<Batch>,
    prover: [u8; 32],
    options: &Options,
    control: &dyn Control,
) -> Result<CairoProof, ProveError> {
    let batch = runs.into();
    in_pool(options, || {
        let assignment = begin(&batch, options, control)?;
        finish(batch, assignment, prover, options, control)
    })
}

/// Proves the first of some executions of one program together: as many as fit in [`Options::max_memory`], and one at least. They are taken from the
/// list when it is known that they fit, and given up when they are copied; the rest is left.
///
/// # Errors
/// [`ProveError`] if one of the executions is not provable or cannot be placed beside the others, if the first one alone takes too much memory, or
/// if the control hook cancels.
pub fn prove_first(
    executions: &mut Vec<Execution>,
    prover: [u8; 32],
    options: &Options,
    control: &dyn Control,
) -> Result<CairoProof, ProveError> {
    in_pool(options, || {
        let mut number = executions.len().min(MAX_RUNS);
        loop {
            let batch = match number {
                1 => executions.remove(0).into(),
                _ => Batch::new(executions.get(..number).unwrap_or_default())?,
            };
            let error = match begin(&batch, options, control) {
                Ok(assignment) => {
                    if number > 1 {
                        executions.drain(..number);
                    }
                    return finish(batch, assignment, prover, options, control);
                }
                Err(error) => error,
            };
            if number == 1 {
                executions.insert(0, batch.into_joined());
            }
            match error {
                // Memory grows with the number of runs, but for what all share.
                ProveError::Memory { estimate, limit } if number > 1 => {
                    let fitting = number as u64 * limit / estimate.max(1);
                    number = usize::try_from(fitting).unwrap_or(1).clamp(1, number - 1);
                }
                ProveError::TooManySteps(_) if number > 1 => number = number.div_ceil(2),
                error => return Err(error),
            }
        }
    })
}

fn in_pool<T: Send>(options: &Options, work: impl FnOnce() -> Result<T, ProveError> + Send) -> Result<T, ProveError> {
    match options.threads {
        None => work(),
        Some(threads) => {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.map_err(|error| ProveError::Threads { threads, error })?.install(work)
        }
    }
}

/// Checks the runs' form and distributes their steps.
fn begin(batch: &Batch, options: &Options, control: &dyn Control) -> Result<Assignment, ProveError> {
    control.progress(Phase::Witness, 0.0);
    // First of all: what comes after may rely on the form of an execution.
    batch.check_form().map_err(|error| refused(batch, error))?;
    if batch.joined().n_steps() > MAX_STEPS {
        return Err(ProveError::TooManySteps(batch.n_steps()));
    }
    assign(batch.joined(), options)
}

fn finish(
    batch: Batch,
    assignment: Assignment,
    prover: [u8; 32],
    options: &Options,
    control: &dyn Control,
) -> Result<CairoProof, ProveError> {
    let parameters = options.parameters;
    let mut made = build(batch, prover, assignment, MAX_FETCHES, control)?;
    disclose_short(&mut made, parameters.queries, MAX_TERMS)?;
    let Witness { statement, claim, layout, tables, public, traces } = made;
    let context = statement.context(&claim, &layout);
    let limit = match options.max_memory {
        _ if options.least_memory => 0,
        Some(limit) => Peak::of_stark(limit),
        None => u64::MAX,
    };
    let proof = stark::prove_within(limit, &tables, traces, &public, &context, &parameters, control)?;
    let bytes = proof.encode(&Shape::new(&tables, &parameters));
    Ok(CairoProof::new(&statement, parameters, claim, layout, bytes))
}

/// Distributes the steps, within the memory that is allowed.
///
/// There are two ways to take less. Extensions are recomputed, as many as must be: that takes time, and the proof is the same. Or bytes are worth less
/// and less: tables of more columns have fewer cells for the same steps. What costs less is taken, by the price of bytes that was asked for.
fn assign(execution: &Execution, options: &Options) -> Result<Assignment, ProveError> {
    let Options { parameters, byte_price_ns, .. } = *options;
    let price = Price { byte_ns: byte_price_ns, parameters };
    let mut byte_ns = byte_price_ns;
    let mut best: Option<(u64, Assignment)> = None;
    let mut least = u64::MAX;
    loop {
        let costs = match options.max_columns {
            Some(columns) => Costs::new(execution, columns),
            None => Costs::priced(execution, DEFAULT_COLUMNS, &Price { byte_ns, parameters }),
        };
        let assignment = plan(execution, &costs).assignment()?;
        let Some(limit) = options.max_memory else { return Ok(assignment) };
        let peak = Peak::new(execution, &assignment, &parameters)?;
        least = least.min(peak.least());
        let wanted = if options.least_memory { peak.least() } else { peak.most() };
        if peak.least() <= limit {
            let cost = peak.cost(limit, &price);
            if best.as_ref().is_none_or(|(best, _)| cost < *best) {
                best = Some((cost, assignment));
            }
        }
        // If nothing more has to give way, the next plan would only have more bytes.
        if wanted <= limit || byte_ns == 0 || options.max_columns.is_some() {
            return match best {
                Some((_, assignment)) => Ok(assignment),
                None => Err(ProveError::Memory { estimate: least, limit }),
            };
        }
        byte_ns /= CHEAPER;
    }
}

/// How much less a byte is worth in the next plan, if one takes too much memory.
const CHEAPER: u32 = 8;

/// Bytes that proving takes at its peak, execution included: about a tenth more than is measured.
///
/// # Errors
/// [`ProveError`] if the run needs tables beyond a limit, or checks the range of a value that is not in it.
pub fn estimate_memory(execution: &Execution, steps: &[StepTable], parameters: &Parameters) -> Result<u64, ProveError> {
    Ok(Peak::new(execution, &Assignment::new(execution, steps.to_vec())?, parameters)?.most())
}

/// The same if all extensions are recomputed.
///
/// # Errors
/// As [`estimate_memory`].
pub fn least_memory(execution: &Execution, steps: &[StepTable], parameters: &Parameters) -> Result<u64, ProveError> {
    Ok(Peak::new(execution, &Assignment::new(execution, steps.to_vec())?, parameters)?.least())
}

/// What the peak of memory follows from.
struct Peak {
    shape: Shape,
    /// Bytes while the tables are filled.
    filling: u64,
}

impl Peak {
    /// The program itself, and what else is always there; with two threads it is 4 MB more than with one.
    const FIXED: u64 = 18 << 20;

    fn new(execution: &Execution, assignment: &Assignment, parameters: &Parameters) -> Result<Self, ProveError> {
        let Assignment { steps, cover } = assignment;
        let mut claim = joined(execution);
        claim.owned_end = cover.owned_end;
        // The instruction table's height is not known yet; it is small, and mostly there is none.
        let mut entries = other_tables(execution, &claim, assignment, 0);
        // The cells of words are provided as a rule, each as often as a column says.
        let kind = |table: &StepTable| match &table.kind {
            TableKind::OwningWord(word) if word.owned.len() <= 2 => {
                with_owned(table.kind.clone(), (1..).take(word.owned.len()).collect())
            }
            kind => kind.clone(),
        };
        entries.extend(steps.iter().map(|table| TableEntry { kind: kind(table), log_height: table.log_height }));
        entries.sort_by(|a, b| a.kind.cmp(&b.kind));
        let layout = Layout { tables: entries, disclosed: Vec::new() };
        let Built { tables, .. } = layout.build(&execution.program, &claim)?;
        let shape = Shape::new(&tables, parameters);
        let main: u64 = shape.groups.iter().map(|group| (group.main_width as u64) << group.log_height).sum();
        // The execution with the plan, its notes on the uses of each cell and the lookup multiplicities, while the tables are filled.
        let filling = (execution.trace.len() * (16 + 4) + execution.memory.len() * (32 + 16)) as u64 + 32 * main;
        Ok(Self { shape, filling })
    }

    /// With all extensions kept.
    fn most(&self) -> u64 {
        self.of_process(stark::peak_memory(&self.shape))
    }

    /// With all extensions recomputed.
    fn least(&self) -> u64 {
        self.of_process(stark::least_memory(&self.shape))
    }

    /// What a proof within so much memory costs.
    fn cost(&self, limit: u64, price: &Price) -> u64 {
        let groups = self.shape.groups.iter();
        let width = |group: &Group| (group.main_width + group.aux_width()) as u64;
        let cells = groups.clone().map(|group| width(group) << group.log_height).sum();
        let recomputed = stark::recomputed_cells(&self.shape, Self::of_stark(limit));
        price.of_proof(cells, recomputed, groups.map(width).sum())
    }

    /// What the process takes if the STARK takes so much: also what the allocator holds beyond what is in use, parts of large pages included.
    fn of_process(&self, stark: u64) -> u64 {
        let peak = stark.max(self.filling);
        peak + peak / 16 + Self::FIXED
    }

    /// What the STARK may take if the process may take so much.
    const fn of_stark(process: u64) -> u64 {
        let rest = process.saturating_sub(Self::FIXED);
        rest - rest / 17
    }
}

/// Fills all tables, with the steps distributed to opcode tables as `steps` says. Up to `max_fetches` distinct instructions of
/// the program are counted in the claim; more than that, or others, get an instruction table. The runs must have passed
/// [`Batch::check_form`].
///
/// # Errors
/// [`ProveError`] if the execution is not provable, or if the control hook cancels.
pub fn witness(
    runs: impl Into<Batch>,
    prover: [u8; 32],
    steps: Vec<StepTable>,
    max_fetches: usize,
    control: &dyn Control,
) -> Result<Witness, ProveError> {
    let batch = runs.into();
    let assignment = Assignment::new(batch.joined(), steps)?;
    build(batch, prover, assignment, max_fetches, control)
}
