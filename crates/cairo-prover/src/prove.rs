//! From an execution to a proof.

pub use crate::claim::claim;
pub use crate::planner::all_generic;

use crate::disclosed::disclose_short;
use crate::error::ProveError;
use crate::planner::budget::MAX_TERMS;
use crate::planner::tables::other_tables;
use crate::planner::{Assignment, Costs, DEFAULT_BYTE_PRICE_NS, DEFAULT_COLUMNS, Price, StepTable, plan};
use crate::table_size::MAX_STEPS;
use crate::witness::{Witness, build};
use cairo_air::fetch::MAX_FETCHES;
use cairo_air::{Built, CairoProof, Layout, TableEntry};
use cairo_execution::Execution;
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
    /// Most bytes of memory. A proof that would take more is refused before the work begins; no limit if not given.
    pub max_memory: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            parameters: Parameters::default(),
            threads: None,
            byte_price_ns: DEFAULT_BYTE_PRICE_NS,
            max_columns: None,
            max_memory: None,
        }
    }
}

/// Proves an execution. The proof is the same whatever the number of threads.
///
/// `prover` is bound to the proof: it is none for another identity.
///
/// # Errors
/// [`ProveError`] if the execution is not provable, or if the control hook cancels.
pub fn prove(
    execution: Execution,
    prover: [u8; 32],
    options: &Options,
    control: &dyn Control,
) -> Result<CairoProof, ProveError> {
    match options.threads {
        None => prove_here(execution, prover, options, control),
        Some(threads) => {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let pool = pool.map_err(|error| ProveError::Threads { threads, error })?;
            pool.install(|| prove_here(execution, prover, options, control))
        }
    }
}

fn prove_here(
    execution: Execution,
    prover: [u8; 32],
    options: &Options,
    control: &dyn Control,
) -> Result<CairoProof, ProveError> {
    control.progress(Phase::Witness, 0.0);
    // First of all: what comes after may rely on the form of an execution.
    execution.check_form()?;
    if execution.n_steps() > MAX_STEPS {
        return Err(ProveError::TooManySteps(execution.n_steps()));
    }
    let parameters = options.parameters;
    let assignment = assign(&execution, options)?;
    let mut made = build(execution, prover, assignment, MAX_FETCHES, control)?;
    disclose_short(&mut made, parameters.queries, MAX_TERMS)?;
    let Witness { statement, claim, layout, tables, public, traces } = made;
    let context = statement.context(&claim, &layout);
    let proof = stark::prove(&tables, traces, &public, &context, &parameters, control)?;
    let bytes = proof.encode(&Shape::new(&tables, &parameters));
    Ok(CairoProof::new(&statement, parameters, claim, layout, bytes))
}

/// Distributes the steps, within the memory that is allowed.
///
/// More columns take less memory: their tables have fewer cells for the same steps. So where a plan takes too much, bytes are worth less and less
/// until one fits, or bytes are worth nothing.
fn assign(execution: &Execution, options: &Options) -> Result<Assignment, ProveError> {
    let mut byte_ns = options.byte_price_ns;
    let mut least: Option<u64> = None;
    loop {
        let costs = match options.max_columns {
            Some(columns) => Costs::new(execution, columns),
            None => Costs::priced(execution, DEFAULT_COLUMNS, &Price { byte_ns, parameters: options.parameters }),
        };
        let assignment = plan(execution, &costs).assignment()?;
        let Some(limit) = options.max_memory else { return Ok(assignment) };
        let peak = peak_memory(execution, &assignment, &options.parameters)?;
        if peak <= limit {
            return Ok(assignment);
        }
        let estimate = least.map_or(peak, |least| least.min(peak));
        if byte_ns == 0 || options.max_columns.is_some() {
            return Err(ProveError::Memory { estimate, limit });
        }
        least = Some(estimate);
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
    peak_memory(execution, &Assignment::new(execution, steps.to_vec())?, parameters)
}

fn peak_memory(execution: &Execution, assignment: &Assignment, parameters: &Parameters) -> Result<u64, ProveError> {
    let Assignment { steps, cover } = assignment;
    let mut claim = claim(execution);
    claim.owned_end = cover.owned_end;
    // The instruction table's height is not known yet; it is small, and mostly there is none.
    let mut entries = other_tables(execution, &claim, assignment, 0);
    entries.extend(steps.iter().map(|table| TableEntry { kind: table.kind.clone(), log_height: table.log_height }));
    entries.sort_by(|a, b| a.kind.cmp(&b.kind));
    let Built { tables, .. } = Layout { tables: entries, disclosed: Vec::new() }.build(&execution.program, &claim)?;
    let shape = Shape::new(&tables, parameters);
    let main: u64 = shape.groups.iter().map(|group| (group.main_width as u64) << group.log_height).sum();
    // The execution with the plan, its notes on the uses of each cell and the lookup multiplicities, while the tables are filled.
    let filling = (execution.trace.len() * (16 + 4) + execution.memory.len() * (32 + 16)) as u64 + 32 * main;
    let peak = stark::peak_memory(&shape).max(filling);
    // What the allocator holds beyond what is in use, parts of large pages included, and the program itself.
    Ok(peak + peak / 16 + (14 << 20))
}

/// Fills all tables, with the steps distributed to opcode tables as `steps` says. Up to `max_fetches` distinct instructions of
/// the program are counted in the claim; more than that, or others, get an instruction table. The execution must have passed
/// [`Execution::check_form`].
///
/// # Errors
/// [`ProveError`] if the execution is not provable, or if the control hook cancels.
pub fn witness(
    execution: Execution,
    prover: [u8; 32],
    steps: Vec<StepTable>,
    max_fetches: usize,
    control: &dyn Control,
) -> Result<Witness, ProveError> {
    let assignment = Assignment::new(&execution, steps)?;
    build(execution, prover, assignment, max_fetches, control)
}
