//! Tables that execute steps.

use super::extensions::separate;
use crate::table_size::log_height;
use cairo_air::TableKind;
use cairo_execution::Execution;
use std::collections::BTreeMap;

/// An opcode table as planned: which steps it executes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepTable {
    /// Its kind: generic, a word, an owning word, a path, or one with an opcode extension.
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

/// The cells that the rows of a path or an owning word own, as its table says.
pub fn owned(kind: &TableKind) -> &[u8] {
    match kind {
        TableKind::Path(path) => &path.owned,
        TableKind::OwningWord(word) => &word.owned,
        _ => &[],
    }
}

/// How many cells each of them owns.
pub fn owned_cells(kind: &TableKind) -> u32 {
    owned(kind).len() as u32
}

/// The same kind of table with other numbers for the cells that its rows own.
pub fn with_owned(mut kind: TableKind, owned: Vec<u8>) -> TableKind {
    match &mut kind {
        TableKind::Path(path) => path.owned = owned,
        TableKind::OwningWord(word) => word.owned = owned,
        _ => {}
    }
    kind
}

/// Makes of tables whose rows own cells the same without. What owning words execute goes to plain ones.
pub fn disown(steps: &mut Vec<StepTable>) {
    let mut words: BTreeMap<TableKind, Vec<u32>> = BTreeMap::new();
    steps.retain_mut(|table| {
        if let TableKind::Path(path) = &mut table.kind {
            path.owned = Vec::new();
        }
        if let TableKind::OwningWord(owning) = &table.kind {
            words.entry(TableKind::Word(owning.word)).or_default().append(&mut table.starts);
        }
        !matches!(table.kind, TableKind::OwningWord(_))
    });
    for (kind, mut starts) in words {
        // Together with those that are there: a kind may have few tables only.
        steps.retain_mut(|table| {
            let is_same = table.kind == kind;
            if is_same {
                starts.append(&mut table.starts);
            }
            !is_same
        });
        starts.sort_unstable();
        steps.push(StepTable { kind, log_height: log_height(starts.len() as u64), starts });
    }
}

/// Whether steps of this kind of table look up the instruction table.
pub const fn fetches(kind: &TableKind) -> bool {
    matches!(kind, TableKind::Generic | TableKind::Word(_) | TableKind::OwningWord(_))
}

/// Leaves every step to the generic table, but for those with an opcode extension.
pub fn all_generic(execution: &Execution) -> Vec<StepTable> {
    let end = execution.program.final_pc();
    let steps = (0..).zip(&execution.trace).take(execution.n_steps());
    // Between two runs the trace goes from the program's end to its beginning.
    let mut starts: Vec<u32> = steps.filter(|(_, registers)| registers.pc != end).map(|(step, _)| step).collect();
    let extended = separate(execution, &mut starts);
    let tables = [(TableKind::Generic, starts)].into_iter().chain(extended);
    let table =
        |(kind, starts): (TableKind, Vec<u32>)| StepTable { kind, log_height: log_height(starts.len() as u64), starts };
    tables.map(table).collect()
}
