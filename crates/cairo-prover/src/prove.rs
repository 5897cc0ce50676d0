//! From an execution to a proof.

use crate::open::{MAX_TERMS, open_short};
use crate::planner::{Costs, DEFAULT_COLUMNS, plan};
use crate::witness::counters::Counters;
use crate::witness::owned::{self, Cover};
use crate::witness::range;
use crate::witness::{StepTable, Trace, WitnessError, fill_others, fill_steps, other_tables};
use cairo_air::components::Path;
use cairo_air::components::range::Range;
use cairo_air::fetch::{Fetch, MAX_FETCHES};
use cairo_air::layout::LayoutError;
use cairo_air::{Built, CairoProof, Claim, Layout, Segment, Statement, TableEntry, TableKind, public_tuples};
use cairo_execution::{Execution, ExecutionError};
use stark::{Control, MIN_LOG_HEIGHT, Parameters, Phase, PublicTuple, Shape, Table};
use std::collections::BTreeMap;

/// Most steps of a run: look-up counters have 32 bits, and no table has more rows.
pub const MAX_STEPS: usize = 1 << 28;

/// How to prove.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Parameters of the STARK: security, proof size, speed.
    pub parameters: Parameters,
    /// Threads to use; all of the current rayon pool's if not given.
    pub threads: Option<usize>,
    /// Columns that the planner may use: more make a proof faster to make, and larger.
    pub columns: usize,
    /// Most bytes of memory. A proof that would take more is refused before the work begins; no limit if not given.
    pub max_memory: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self { parameters: Parameters::default(), threads: None, columns: DEFAULT_COLUMNS, max_memory: None }
    }
}

/// Why no proof was made.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The execution does not have the form of a provable run.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// More steps than [`MAX_STEPS`].
    #[error("the run has {0} steps; the limit is {MAX_STEPS}. Split the work into smaller runs")]
    TooManySteps(usize),
    /// A step or a builtin cell that cannot be proven, or the caller cancelled.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// The run needs tables beyond a limit.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The STARK layer.
    #[error(transparent)]
    Stark(#[from] stark::ProveError),
    /// More memory than allowed.
    #[error(
        "the proof would take about {} MB of memory, and {} MB are allowed; allow more, or split the work into smaller runs",
        estimate / 1_000_000, limit / 1_000_000
    )]
    Memory {
        /// Bytes that it would take.
        estimate: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// The threads could not be started.
    #[error("cannot start {threads} threads: {error}")]
    Threads {
        /// How many.
        threads: usize,
        /// Why not.
        error: rayon::ThreadPoolBuildError,
    },
}

/// Everything that the STARK layer needs: what [`prove`] makes of an execution before it proves.
#[derive(Debug, Clone)]
pub struct Witness {
    /// What is proven.
    pub statement: Statement,
    /// What the proof claims.
    pub claim: Claim,
    /// Its tables.
    pub layout: Layout,
    /// The tables with their AIRs.
    pub tables: Vec<Table>,
    /// The public side of the bus sum.
    pub public: Vec<PublicTuple>,
    /// The columns of each table.
    pub traces: Vec<Trace>,
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
    let steps = plan(&execution, &Costs::new(&execution, options.columns)).tables;
    let parameters = options.parameters;
    check_memory(&execution, &steps, options)?;
    let mut made = witness(execution, prover, steps, MAX_FETCHES, control)?;
    open_short(&mut made, parameters.queries, MAX_TERMS)?;
    let Witness { statement, claim, layout, tables, public, traces } = made;
    let context = statement.context(&claim, &layout);
    let proof = stark::prove(&tables, traces, &public, &context, &parameters, control)?;
    let bytes = proof.encode(&Shape::new(&tables, &parameters));
    Ok(CairoProof::new(&statement, parameters, claim, layout, bytes))
}

/// Refuses what would take more memory than allowed.
fn check_memory(execution: &Execution, steps: &[StepTable], options: &Options) -> Result<(), ProveError> {
    let Some(limit) = options.max_memory else { return Ok(()) };
    match estimate_memory(execution, steps, &options.parameters)? {
        estimate if estimate > limit => Err(ProveError::Memory { estimate, limit }),
        _ => Ok(()),
    }
}

/// Bytes that proving takes at its peak, execution included: about a tenth more than is measured.
///
/// # Errors
/// [`ProveError`] if the run needs tables beyond a limit, or checks the range of a value that is not in it.
pub fn estimate_memory(execution: &Execution, steps: &[StepTable], parameters: &Parameters) -> Result<u64, ProveError> {
    let mut claim = claim(execution);
    let mut steps = steps.to_vec();
    let cover = owned::cover(execution, &mut steps)?;
    claim.owned_end = cover.owned_end;
    steps.sort_by(|a, b| a.kind.cmp(&b.kind));
    // The instruction table's height is not known yet; it is small, and mostly there is none.
    let mut entries = other_tables(execution, &claim, &steps, &cover, &Counters::new(0));
    entries.extend(steps.iter().map(|table| TableEntry { kind: table.kind.clone(), log_height: table.log_height }));
    entries.sort_by(|a, b| a.kind.cmp(&b.kind));
    let Built { tables, .. } = Layout { tables: entries, open: Vec::new() }.build(&execution.program, &claim)?;
    let shape = Shape::new(&tables, parameters);
    let main: u64 = shape.groups.iter().map(|group| (group.main_width as u64) << group.log_height).sum();
    // The execution with the plan, its notes on the uses of each cell and the look-up counters, while the tables are filled.
    let filling = (execution.trace.len() * (16 + 4) + execution.memory.len() * (32 + 16)) as u64 + 32 * main;
    let peak = stark::peak_memory(&shape).max(filling);
    // What the allocator holds beyond what is in use, parts of large pages included, and the program itself.
    Ok(peak + peak / 16 + (14 << 20))
}

/// Leaves every step to the generic table.
pub fn all_generic(execution: &Execution) -> Vec<StepTable> {
    let starts: Vec<u32> = (0..).take(execution.n_steps()).collect();
    let log_height = starts.len().max(1 << MIN_LOG_HEIGHT).next_power_of_two().ilog2();
    vec![StepTable { kind: TableKind::Generic, log_height, starts }]
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
    match fill_tables(&execution, prover, steps, max_fetches, control) {
        Ok((witness, counters)) => {
            // Giving back memory takes the system a while.
            rayon::join(|| drop((execution.memory, execution.trace)), || drop(counters));
            Ok(witness)
        }
        Err(error) => Err(named(&execution, error)),
    }
}

/// Says what is wrong with an execution of which no witness was made, if it is no run: a table of paths knows only that a row of its own
/// does not hold.
fn named(execution: &Execution, error: ProveError) -> ProveError {
    use WitnessError::{Address, Instruction, Operand, Step};
    match error {
        ProveError::Witness(Address(_) | Instruction { .. } | Operand { .. } | Step { .. }) => {
            execution.check().map_or_else(|found| WitnessError::Execution(found).into(), |()| error)
        }
        other => other,
    }
}

fn fill_tables(
    execution: &Execution,
    prover: [u8; 32],
    mut steps: Vec<StepTable>,
    max_fetches: usize,
    control: &dyn Control,
) -> Result<(Witness, Counters), ProveError> {
    for table in &mut steps {
        // Which of its cells a path must provide shows when everything is counted.
        if let TableKind::Path(path) = &mut table.kind {
            path.owned.fill(0);
        }
    }
    let cover = owned::cover(execution, &mut steps)?;
    let mut claim = claim(execution);
    claim.owned_end = cover.owned_end;
    let counters = Counters::with_code(execution.memory.len(), execution.program.initial_ap() as usize);
    steps.sort_by(|a, b| a.kind.cmp(&b.kind));
    let mut step_traces = fill_steps(execution, &steps, &counters, control)?;

    let fetches: Vec<_> = counters.instructions().into_iter().map(|(pc, count)| Fetch { pc, count }).collect();
    if fetches.len() <= max_fetches && cairo_air::fetch::check(&fetches, &execution.program).is_ok() {
        claim.fetches = fetches;
    }
    let others = other_tables(execution, &claim, &steps, &cover, &counters);
    let fill = |users| fill_others(execution, &claim, &others, &cover, users, (&counters, control));
    let mut filled = fill(true)?;
    let statement = Statement { program: execution.program.clone(), arguments: execution.arguments.clone(), prover };
    let public = public_tuples(&statement, &claim);
    counters.public(&public)?;
    // Now everything is counted.
    provide_owned(execution, &mut steps, &mut step_traces, &counters)?;
    set_range_uses(&others, &mut filled, &cover, &counters);
    filled.extend(fill(false)?);
    control.progress(Phase::Witness, 1.0);

    let steps = steps.into_iter().map(|table| TableEntry { kind: table.kind, log_height: table.log_height });
    let mut entries: Vec<(TableEntry, Trace)> = steps.zip(step_traces).collect();
    // In the order of chunks.
    filled.sort_by_key(|(position, _)| *position);
    entries.extend(others.iter().cloned().zip(filled.into_iter().map(|(_, trace)| trace)));
    // Stable, so chunks of one kind keep their order.
    entries.sort_by(|(a, _), (b, _)| a.kind.cmp(&b.kind));
    let (entries, traces) = entries.into_iter().unzip();
    let layout = Layout { tables: entries, open: Vec::new() };
    let Built { tables, .. } = layout.build(&execution.program, &claim)?;
    Ok((Witness { statement, claim, layout, tables, public, traces }, counters))
}

/// Completes the range tables.
fn set_range_uses(entries: &[TableEntry], filled: &mut [(usize, Trace)], cover: &Cover, counters: &Counters) {
    let mut before: BTreeMap<Range, usize> = BTreeMap::new();
    // In the order of chunks.
    filled.sort_by_key(|(position, _)| *position);
    for (position, trace) in filled {
        let Some(TableEntry { kind: TableKind::Range(range), log_height }) = entries.get(*position) else { continue };
        let first = before.entry(*range).or_default();
        range::set_uses(trace, cover.checked(*range, *first), counters);
        *first += 1 << log_height;
    }
}

/// Completes the tables of paths that own cells.
fn provide_owned(
    execution: &Execution,
    steps: &mut [StepTable],
    traces: &mut [Trace],
    counters: &Counters,
) -> Result<(), WitnessError> {
    let mut traces = traces.iter_mut();
    for chunks in steps.chunk_by_mut(|a, b| a.kind == b.kind) {
        let traces: Vec<&mut Trace> = traces.by_ref().take(chunks.len()).collect();
        let Some(StepTable { kind: TableKind::Path(path), .. }) = chunks.first() else { continue };
        if path.owned.is_empty() {
            continue;
        }
        let starts: Vec<&[u32]> = chunks.iter().map(|table| table.starts.as_slice()).collect();
        let path = Path { owned: owned::usage(execution, path, &starts, counters)?, ..path.clone() };
        let rows = path.rows(&execution.program).map_err(WitnessError::from)?;
        for (starts, trace) in starts.into_iter().zip(traces) {
            owned::provide(execution, &path, &rows, starts, counters, trace)?;
        }
        for table in chunks {
            table.kind = TableKind::Path(path.clone());
        }
    }
    Ok(())
}

/// What a proof of this execution claims, with an instruction table.
pub fn claim(execution: &Execution) -> Claim {
    let segment = |builtin| {
        let segment = execution.segments.get(builtin);
        segment.map_or(Segment { base: 0, stop: 0 }, |segment| Segment { base: segment.base, stop: segment.stop })
    };
    Claim {
        n_steps: execution.n_steps() as u64,
        owned_end: Cover::NONE.owned_end,
        final_ap: execution.trace.last().map_or(0, |registers| registers.ap),
        segments: execution.program.builtins().iter().map(segment).collect(),
        arguments_start: execution.arguments_start,
        output: execution.output().to_vec(),
        fetches: Vec::new(),
    }
}
