//! All tables of a run.

use super::multiplicities::Multiplicities;
use super::others::{Stage, fill_others};
use super::steps::fill_steps;
use super::{Trace, blake, owned, range, uses};
use crate::claim::claim;
use crate::error::{ProveError, WitnessError};
use crate::planner::builtins::bitwise_rows::Instances;
use crate::planner::extensions::Extensions;
use crate::planner::ownership::Cover;
use crate::planner::range_rows::CheckedRows;
use crate::planner::tables::other_tables;
use crate::planner::{Assignment, StepTable, owned_cells, with_owned};
use cairo_air::components::range::Range;
use cairo_air::components::range_row::MAX_CELLS;
use cairo_air::fetch::Fetch;
use cairo_air::{Built, Claim, Layout, Statement, TableEntry, TableKind, public_tuples};
use cairo_execution::{Batch, BatchError, Execution};
use stark::{Control, Phase, PublicTuple, Table};
use std::collections::BTreeMap;

/// Everything that the STARK layer needs: what [`prove`](fn@crate::prove) makes of an execution before it proves.
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

/// Fills all tables, as the assignment says. Up to `max_fetches` distinct instructions of the program are counted in the claim; more than
/// that, or others, get an instruction table. The runs must have passed [`Batch::check_form`].
///
/// # Errors
/// [`ProveError`] if the execution is not provable, or if the control hook cancels.
pub fn build(
    runs: impl Into<Batch>,
    prover: [u8; 32],
    assignment: Assignment,
    max_fetches: usize,
    control: &dyn Control,
) -> Result<Witness, ProveError> {
    let batch = runs.into();
    match fill_tables(&batch, prover, assignment, max_fetches, control) {
        Ok((witness, multiplicities)) => {
            let execution = batch.into_joined();
            // Giving back memory takes the system a while.
            rayon::join(|| drop((execution.memory, execution.trace)), || drop(multiplicities));
            Ok(witness)
        }
        Err(error) => Err(named(&batch, error)),
    }
}

/// Says what is wrong with an execution of which no witness was made, if it is no run: a table of paths knows only that a row of its own
/// does not hold.
fn named(batch: &Batch, error: ProveError) -> ProveError {
    use WitnessError::{Address, Instruction, Operand, Step};
    match error {
        ProveError::Witness(Address(_) | Instruction { .. } | Operand { .. } | Step { .. }) => {
            batch.check().map_or_else(|found| refused(batch, found), |()| error)
        }
        other => other,
    }
}

/// What is wrong with a run, and which of several it is.
pub fn refused(batch: &Batch, error: BatchError) -> ProveError {
    match error {
        BatchError::Execution { error, .. } if batch.runs().len() == 1 => WitnessError::Execution(error).into(),
        error => error.into(),
    }
}

fn fill_tables(
    batch: &Batch,
    prover: [u8; 32],
    mut assignment: Assignment,
    max_fetches: usize,
    control: &dyn Control,
) -> Result<(Witness, Multiplicities), ProveError> {
    let execution = batch.joined();
    let mut claim = claim(batch);
    claim.owned_end = assignment.cover.owned_end;
    let extensions = Extensions::new(execution, assignment.steps.iter().map(StepTable::rows));
    blake::check_number(&extensions.blocks)?;
    let multiplicities = Multiplicities::with_code(execution.memory.len(), execution.program.initial_ap() as usize);
    let mut step_traces = fill_steps(execution, &assignment.steps, &multiplicities, control)?;

    let fetches: Vec<_> = multiplicities.instructions().into_iter().map(|(pc, count)| Fetch { pc, count }).collect();
    let instructions = fetches.len();
    if instructions <= max_fetches && cairo_air::fetch::check(&fetches, &execution.program).is_ok() {
        claim.fetches = fetches;
    }
    // The order matters from here on: the instruction table counts bytes and memory, range tables limbs, and the public side memory. A table
    // that provides is filled when the last of its users is.
    let mut others = other_tables(execution, &claim, &assignment, instructions);
    let Assignment { steps, cover, .. } = &mut assignment;
    let fill = |others: &[TableEntry], cover: &Cover, stage| {
        fill_others(execution, &claim, others, (cover, &extensions), stage, (&multiplicities, control))
    };
    let mut filled = fill(&others, cover, Stage::Users)?;
    let statement = {
        let runs = batch.runs().map(|run| run.arguments.to_vec()).collect();
        Statement { program: execution.program.clone(), runs, prover }
    };
    // Whichever columns bitwise rows get below, whether they own their cells is decided.
    let public = public_tuples(&statement, &claim, &Layout { tables: others.clone(), disclosed: Vec::new() });
    multiplicities.public(&public)?;
    // Now everything is counted, and nothing below counts any more.
    provide_owned(execution, steps, &mut step_traces, &multiplicities)?;
    set_range_uses(&others, &mut filled, cover, &multiplicities);
    provide_rows(&mut others, &mut filled, cover, &multiplicities)?;
    filled.extend(fill(&others, cover, Stage::Providers)?);
    control.progress(Phase::Witness, 1.0);

    let steps = assignment.steps.into_iter().map(|table| TableEntry { kind: table.kind, log_height: table.log_height });
    let mut entries: Vec<(TableEntry, Trace)> = steps.zip(step_traces).collect();
    // In the order of chunks.
    filled.sort_by_key(|(position, _)| *position);
    entries.extend(others.iter().cloned().zip(filled.into_iter().map(|(_, trace)| trace)));
    // Stable, so chunks of one kind keep their order.
    entries.sort_by(|(a, _), (b, _)| a.kind.cmp(&b.kind));
    let (entries, traces) = entries.into_iter().unzip();
    let layout = Layout { tables: entries, disclosed: Vec::new() };
    let Built { tables, .. } = layout.build(&execution.program, &claim)?;
    Ok((Witness { statement, claim, layout, tables, public, traces }, multiplicities))
}

/// Completes the range tables.
fn set_range_uses(
    entries: &[TableEntry],
    filled: &mut [(usize, Trace)],
    cover: &Cover,
    multiplicities: &Multiplicities,
) {
    let mut before: BTreeMap<Range, usize> = BTreeMap::new();
    // In the order of chunks.
    filled.sort_by_key(|(position, _)| *position);
    for (position, trace) in filled {
        let Some(TableEntry { kind: TableKind::Range(range), log_height }) = entries.get(*position) else { continue };
        let first = before.entry(*range).or_default();
        range::set_uses(trace, cover.checked(*range, *first), multiplicities);
        *first += 1 << log_height;
    }
}

/// Completes the range row tables, and the bitwise row tables that own their cells: which columns of uses they have shows only now.
fn provide_rows(
    entries: &mut [TableEntry],
    filled: &mut [(usize, Trace)],
    cover: &Cover,
    multiplicities: &Multiplicities,
) -> Result<(), WitnessError> {
    // In the order of chunks.
    filled.sort_by_key(|(position, _)| *position);
    let mut complete = |before: TableKind, after: TableKind, provide: &dyn Fn(&mut Trace, usize)| {
        let mut first = 0;
        for (position, trace) in &mut *filled {
            let Some(entry) = entries.get_mut(*position).filter(|entry| entry.kind == before) else { continue };
            provide(trace, first);
            entry.kind = after.clone();
            first += 1 << entry.log_height;
        }
    };
    for CheckedRows { row, addresses, .. } in &cover.rows {
        let uses = uses::usage::<MAX_CELLS>(addresses, multiplicities);
        let uses = uses.get(..row.cells()).unwrap_or_default();
        let used = row.with_uses(uses).ok_or(WitnessError::Empty("range row"))?;
        complete(TableKind::RangeRow(row.clone()), TableKind::RangeRow(used), &|trace, first| {
            uses::provide(trace, uses, addresses.get(first..).unwrap_or_default(), multiplicities);
        });
    }
    for Instances { row, addresses, .. } in cover.instances.iter().filter(|all| all.row.owned().is_some()) {
        let uses = uses::usage(addresses, multiplicities);
        let used = row.with_owned(Some(uses)).ok_or(WitnessError::Empty("bitwise row"))?;
        complete(TableKind::BitwiseRow(*row), TableKind::BitwiseRow(used), &|trace, first| {
            uses::provide(trace, &uses, addresses.get(first..).unwrap_or_default(), multiplicities);
        });
    }
    Ok(())
}

/// Completes the tables of paths and words that own cells.
fn provide_owned(
    execution: &Execution,
    steps: &mut [StepTable],
    traces: &mut [Trace],
    multiplicities: &Multiplicities,
) -> Result<(), WitnessError> {
    let mut traces = traces.iter_mut();
    for chunks in steps.chunk_by_mut(|a, b| a.kind == b.kind) {
        let traces: Vec<&mut Trace> = traces.by_ref().take(chunks.len()).collect();
        let Some(kind) = chunks.first().map(|table| &table.kind) else { continue };
        let cells = owned_cells(kind) as usize;
        if cells == 0 {
            continue;
        }
        let starts: Vec<&[u32]> = chunks.iter().map(|table| table.starts.as_slice()).collect();
        let kind = with_owned(kind.clone(), owned::usage(execution, cells, &starts, multiplicities)?);
        let (rows, ap) = match &kind {
            TableKind::Path(path) => (path.rows(&execution.program), owned::ap(path.frame)),
            TableKind::OwningWord(word) => (word.rows(), owned::ap(None)),
            _ => continue,
        };
        let rows = rows.map_err(WitnessError::from)?;
        for (starts, trace) in starts.into_iter().zip(traces) {
            owned::provide(execution, &ap, &rows, starts, multiplicities, trace)?;
        }
        for table in chunks {
            table.kind = kind.clone();
        }
    }
    Ok(())
}
