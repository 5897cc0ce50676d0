//! The tables that a run needs besides those that execute its steps.

use super::assignment::Assignment;
use super::limbs::Limbs;
use super::step_table::fetches;
use super::{bitwise_size, ranges};
use crate::table_size::{cell_log_heights, log_height, memory_log_heights};
use cairo_air::components::{byte, nibble_and};
use cairo_air::{Builtin, Claim, TableEntry, TableKind};
use cairo_execution::Execution;

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
    let fetches = steps.iter().any(|table| fetches(&table.kind));
    let mut bytes = fetches && claim.fetches.is_empty();
    if bytes {
        add(TableKind::Instruction, log_height(instructions as u64));
    }
    let segment = |builtin| claim.segment(&execution.program, builtin).filter(|segment| segment.stop > segment.base);
    for checks in &cover.checks {
        for log_height in cell_log_heights(checks.addresses.len(), execution.n_steps()) {
            add(TableKind::Range(checks.range), log_height);
        }
    }
    if let Some(limb) = cover.checks.first().map(|checks| checks.range.bits()) {
        match ranges::limb_table(limb) {
            (TableKind::Byte, ..) => bytes = true,
            (kind, _, log_height) => add(kind, log_height),
        }
    } else if let Some(segment) = segment(Builtin::RangeCheck) {
        let limbs = Limbs::cheapest(segment.stop - segment.base);
        add(limbs.table(), log_height(u64::from(segment.stop - segment.base)));
        match limbs {
            Limbs::Bytes => bytes = true,
            Limbs::Words12 | Limbs::Words16 => add(limbs.range(), limbs.range_log_height()),
        }
    }
    if let Some(segment) = segment(Builtin::Bitwise) {
        let size = bitwise_size::size(&execution.memory, segment);
        add(size.kind(), bitwise_size::log_height(segment, size));
        add(TableKind::NibbleAnd, nibble_and::LOG_HEIGHT);
    }
    if bytes {
        add(TableKind::Byte, byte::LOG_HEIGHT);
    }
    tables
}
