//! The tables that a run needs besides those that execute its steps.

use super::assignment::Assignment;
use super::builtins;
use super::builtins::bitwise_rows::Instances;
use super::extensions::Extensions;
use super::parts;
use super::range_rows::CheckedRows;
use super::step_table::{StepTable, fetches};
use crate::table_size::{self, cell_log_heights, log_height, memory_log_heights};
use cairo_air::components::{Context, Occurrence, cell, memory};
use cairo_air::program::PROGRAM_BASE;
use cairo_air::{Builtin, Claim, TableEntry, TableKind};
use cairo_execution::Execution;
use stark::Bus;

/// The tables that a run needs besides its opcode tables, heights included, in no particular order. `instructions` is the number of distinct
/// instructions that steps look up.
pub fn other_tables(
    execution: &Execution,
    claim: &Claim,
    assignment: &Assignment,
    instructions: usize,
) -> Vec<TableEntry> {
    let Assignment { steps, cover } = assignment;
    let mut tables: Vec<TableEntry> = Vec::new();
    let mut add = |kind, log_height| tables.push(TableEntry { kind, log_height });
    let above = execution.memory.len().saturating_sub(cover.owned_end as usize);
    if above > 0 {
        memory_parts(above, cover.column).into_iter().for_each(|log_height| add(TableKind::Memory, log_height));
    }
    cell_parts(cover.rest_cells(), execution.n_steps(), cover.column)
        .into_iter()
        .for_each(|log_height| add(TableKind::Cell, log_height));
    if claim.fetches.is_empty() && steps.iter().any(|table| fetches(&table.kind)) {
        add(TableKind::Instruction, log_height(instructions as u64));
    }
    tables.extend(cover.checks.iter().flat_map(|checks| checks.tables(execution.n_steps())));
    tables.extend(cover.rows.iter().flat_map(CheckedRows::tables));
    tables.extend(cover.instances.iter().flat_map(Instances::tables));
    tables.extend(of_builtins(execution, claim, |builtin| match builtin {
        Builtin::RangeCheck => !(cover.checks.is_empty() && cover.rows.is_empty()),
        Builtin::Bitwise => !cover.instances.is_empty(),
        _ => false,
    }));
    tables.extend(Extensions::new(execution, steps.iter().map(StepTable::rows)).tables());
    let context = Context { program: &execution.program, claim, memory_start: 0 };
    // Of the step tables only those with an opcode extension look up anything of one height.
    let extended =
        steps.iter().map(|table| &table.kind).filter(|kind| matches!(kind, TableKind::Qm31 | TableKind::Blake));
    let kinds: Vec<TableKind> = tables.iter().map(|entry| &entry.kind).chain(extended).cloned().collect();
    tables.extend(lookups(&kinds, context));
    tables
}

/// Heights of the memory tables for so many cells; `column` as in [`Cover`](super::ownership::Cover).
pub fn memory_parts(cells: usize, column: Option<u64>) -> Vec<u32> {
    let size = || table_size::size(memory::air(u64::from(PROGRAM_BASE)));
    match column {
        Some(column) => parts::cheapest(size(), cells.div_ceil(memory::CELLS) as u64, column).1.heights().to_vec(),
        None => memory_log_heights(cells),
    }
}

/// Heights of the cell tables for so many cells.
fn cell_parts(cells: usize, steps: usize, column: Option<u64>) -> Vec<u32> {
    match column.filter(|_| cells > 0) {
        Some(column) => parts::cheapest(table_size::size(cell::air()), cells as u64, column).1.heights().to_vec(),
        None => cell_log_heights(cells, steps),
    }
}

/// The builtins' own tables, but for those of builtins whose instances are `elsewhere`: in tables of ranges and range rows or in bitwise row tables.
pub fn of_builtins(execution: &Execution, claim: &Claim, elsewhere: impl Fn(Builtin) -> bool) -> Vec<TableEntry> {
    let program = &execution.program;
    let builtins = program.builtins().iter().filter(|builtin| !elsewhere(**builtin));
    let segments = builtins.filter_map(|builtin| Some((*builtin, claim.segment(program, *builtin)?)));
    let tables = segments.flat_map(|(builtin, segment)| builtins::tables(builtin, &execution.memory, segment));
    // The words of both modular builtins stand in one table.
    tables.chain(builtins::modular::word_table(execution)).collect()
}

/// The lookup tables that these kinds of tables require from: those that are always of one height.
pub fn lookups(kinds: &[TableKind], context: Context<'_>) -> Vec<TableEntry> {
    // A kind that has no AIR is refused when the layout is built.
    let airs: Vec<_> = kinds.iter().filter_map(|kind| kind.component().air(context).ok()).collect();
    let is_required = |bus: Bus| airs.iter().flat_map(|air| air.interactions()).any(|term| term.bus == bus);
    let provider = |kind: TableKind| match (kind.component().occurrence(), kind.component().log_height()) {
        (Occurrence::IfRequired(bus), Some(log_height)) if is_required(bus) => Some(TableEntry { kind, log_height }),
        _ => None,
    };
    TableKind::plain().filter_map(provider).collect()
}
