//! The tables that a run needs besides those that execute its steps.

use super::assignment::Assignment;
use super::builtins;
use super::builtins::bitwise_rows::Instances;
use super::extensions::Extensions;
use super::step_table::{StepTable, fetches};
use crate::table_size::{cell_log_heights, log_height, memory_log_heights};
use cairo_air::components::{Context, Occurrence};
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
        memory_log_heights(above).into_iter().for_each(|log_height| add(TableKind::Memory, log_height));
    }
    let heights = cell_log_heights(cover.rest_cells(), execution.n_steps());
    heights.into_iter().for_each(|log_height| add(TableKind::Cell, log_height));
    if claim.fetches.is_empty() && steps.iter().any(|table| fetches(&table.kind)) {
        add(TableKind::Instruction, log_height(instructions as u64));
    }
    for checks in &cover.checks {
        for log_height in cell_log_heights(checks.addresses.len(), execution.n_steps()) {
            add(TableKind::Range(checks.range), log_height);
        }
    }
    tables.extend(cover.instances.iter().flat_map(Instances::tables));
    tables.extend(of_builtins(execution, claim, |builtin| match builtin {
        Builtin::RangeCheck => !cover.checks.is_empty(),
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

/// The builtins' own tables, but for those of builtins whose instances are `elsewhere`: in range tables or in bitwise row tables.
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
