//! Steps with an opcode extension: they have tables of their own, whatever the plan, and those have others behind them.

use crate::table_size::log_height;
use cairo_air::components::blake::STATE_WORDS;
use cairo_air::decode::{Extended, Extension};
use cairo_air::program::PROGRAM_BASE;
use cairo_air::{TableEntry, TableKind};
use cairo_execution::Execution;
use cairo_execution::extended::blake::MIXES;
use felt::Felt;
use std::collections::BTreeMap;

/// The steps with an opcode extension.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extensions {
    /// Their distinct instructions by address, ascending, with the number of times that each is executed.
    pub instructions: Vec<(u32, u32)>,
    /// The steps that hash a block of blake, in the order of their rows.
    pub blocks: Vec<u32>,
}

impl Extensions {
    /// Those of step tables, of which the kind and the first step of each row are given.
    pub fn new<'a>(execution: &Execution, steps: impl Iterator<Item = (&'a TableKind, &'a [u32])>) -> Self {
        let mut instructions: BTreeMap<u32, u32> = BTreeMap::new();
        let mut blocks = Vec::new();
        for (kind, starts) in steps {
            if !matches!(kind, TableKind::Qm31 | TableKind::Blake) {
                continue;
            }
            for registers in starts.iter().filter_map(|start| execution.trace.get(*start as usize)) {
                *instructions.entry(registers.pc).or_default() += 1;
            }
            if *kind == TableKind::Blake {
                blocks.extend_from_slice(starts);
            }
        }
        Self { instructions: instructions.into_iter().collect(), blocks }
    }

    /// The tables behind those that execute the steps, but for lookup tables of one height.
    pub fn tables(&self) -> Vec<TableEntry> {
        let mut tables = Vec::new();
        let mut add = |kind, rows: usize| {
            if rows > 0 {
                tables.push(TableEntry { kind, log_height: log_height(rows as u64) });
            }
        };
        add(TableKind::OpcodeExtension, self.instructions.len());
        add(TableKind::BlakeWord, self.blocks.len() * STATE_WORDS);
        add(TableKind::BlakeMix, self.blocks.len() * MIXES);
        tables
    }
}

/// The kind of table that executes a word, if it has an opcode extension.
fn kind(word: &Felt) -> Option<TableKind> {
    Extended::new(word).ok().map(|extended| match extended.extension {
        Extension::Qm31 => TableKind::Qm31,
        Extension::Blake | Extension::BlakeFinalize => TableKind::Blake,
    })
}

/// Takes the steps with an opcode extension out of some steps. Those of each kind of table.
pub fn separate(execution: &Execution, starts: &mut Vec<u32>) -> Vec<(TableKind, Vec<u32>)> {
    let known: Vec<Option<TableKind>> = execution.program.bytecode().iter().map(kind).collect();
    let mut found: BTreeMap<TableKind, Vec<u32>> = BTreeMap::new();
    starts.retain(|start| {
        let Some(registers) = execution.trace.get(*start as usize) else { return true };
        let index = registers.pc.wrapping_sub(PROGRAM_BASE) as usize;
        let kind = match known.get(index) {
            Some(kind) => kind.clone(),
            None => execution.memory.get(registers.pc as usize).and_then(kind),
        };
        let Some(kind) = kind else { return true };
        found.entry(kind).or_default().push(*start);
        false
    });
    found.into_iter().collect()
}
