//! Tables that execute steps.

use super::extensions::separate;
use crate::table_size::log_height;
use cairo_air::TableKind;
use cairo_execution::Execution;

/// An opcode table as planned: which steps it executes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepTable {
    /// Its kind: generic, a word, a path, or one with an opcode extension.
    pub kind: TableKind,
    /// `log2` of its height.
    pub log_height: u32,
    /// For each row that is no padding, the number of its first step, from 0.
    pub starts: Vec<u32>,
}

impl StepTable {
    /// Its kind, and the first step of each row.
    pub fn rows(&self) -> (&TableKind, &[u32]) {
        (&self.kind, &self.starts)
    }
}

/// The cells that a path's rows own.
pub fn owned_cells(kind: &TableKind) -> u32 {
    match kind {
        TableKind::Path(path) => path.owned.len() as u32,
        _ => 0,
    }
}

/// Whether steps of this kind of table look up the instruction table.
pub const fn fetches(kind: &TableKind) -> bool {
    matches!(kind, TableKind::Generic | TableKind::Word(_))
}

/// Leaves every step to the generic table, but for those with an opcode extension.
pub fn all_generic(execution: &Execution) -> Vec<StepTable> {
    let mut starts: Vec<u32> = (0..).take(execution.n_steps()).collect();
    let extended = separate(execution, &mut starts);
    let tables = [(TableKind::Generic, starts)].into_iter().chain(extended);
    let table =
        |(kind, starts): (TableKind, Vec<u32>)| StepTable { kind, log_height: log_height(starts.len() as u64), starts };
    tables.map(table).collect()
}
