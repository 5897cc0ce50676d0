//! All other tables: those of builtins, and those that provide for others.

use super::multiplicities::Multiplicities;
use super::{Trace, bitwise, byte, cell, instruction, memory, nibble_and, range, range_check, word12, word16};
use crate::error::WitnessError;
use crate::planner::ownership::Cover;
use cairo_air::components::Limb;
use cairo_air::components::memory::CELLS;
use cairo_air::components::range::Range;
use cairo_air::{Builtin, Claim, TableEntry, TableKind};
use cairo_execution::Execution;
use rayon::prelude::*;
use stark::Control;
use std::collections::BTreeMap;

/// When a table is filled: after all that count lookups in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Tables that use others, and are used by steps at most.
    Users,
    /// Tables that provide for others and use none themselves.
    Providers,
}

/// When a table of this kind is filled; `None` for step tables, which come first of all.
const fn stage(kind: &TableKind) -> Option<Stage> {
    use TableKind::{Bitwise, Cell, Generic, Instruction, Limb, Memory, NibbleAnd, Path, Range, RangeCheck, Word};
    match kind {
        Generic | Word(_) | Path(_) => None,
        Instruction | RangeCheck(_) | Range(_) | Bitwise(_) => Some(Stage::Users),
        Memory | Cell | Limb(_) | NibbleAnd => Some(Stage::Providers),
    }
}

/// A table that is being filled: `first` is a memory table's first address, or the number of a cell or range table's first cell among
/// those of its kind.
struct Filling<'a> {
    entry: &'a TableEntry,
    first: usize,
    trace: Trace,
}

/// Fills the tables of one stage, but for the uses in range tables, which are known only when everything is counted. Gives them with their
/// places in `entries`.
pub fn fill_others(
    execution: &Execution,
    claim: &Claim,
    entries: &[TableEntry],
    cover: &Cover,
    wanted: Stage,
    (multiplicities, control): (&Multiplicities, &dyn Control),
) -> Result<Vec<(usize, Trace)>, WitnessError> {
    let (mut start, mut cell) = (cover.owned_end as usize, 0);
    let mut checked: BTreeMap<Range, usize> = BTreeMap::new();
    let mut fillings = Vec::new();
    for (position, entry) in entries.iter().enumerate() {
        let first = match entry.kind {
            TableKind::Memory => {
                start += CELLS << entry.log_height;
                start - (CELLS << entry.log_height)
            }
            TableKind::Range(range) => {
                let first: &mut usize = checked.entry(range).or_default();
                *first += 1 << entry.log_height;
                *first - (1 << entry.log_height)
            }
            TableKind::Cell => {
                cell += 1 << entry.log_height;
                cell - (1 << entry.log_height)
            }
            _ => 0,
        };
        if stage(&entry.kind) == Some(wanted) {
            fillings.push((position, Filling { entry, first, trace: Trace::new() }));
        }
    }
    let rest: Vec<u32> = match wanted {
        Stage::Users => Vec::new(),
        Stage::Providers => cover.rest.iter().flat_map(|[base, stop]| *base..*stop).collect(),
    };
    fillings.par_iter_mut().with_max_len(1).try_for_each(|(_, filling)| {
        let cells = match filling.entry.kind {
            TableKind::Cell => rest.get(filling.first..).unwrap_or_default(),
            TableKind::Range(range) => cover.checked(range, filling.first),
            _ => &[],
        };
        filling.trace = fill(execution, claim, filling, cells, multiplicities, control)?;
        Ok::<_, WitnessError>(())
    })?;
    Ok(fillings.into_iter().map(|(position, filling)| (position, filling.trace)).collect())
}

fn fill(
    execution: &Execution,
    claim: &Claim,
    filling: &Filling<'_>,
    cells: &[u32],
    multiplicities: &Multiplicities,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let Filling { entry, first, .. } = filling;
    let (memory, log_height) = (&execution.memory, entry.log_height);
    let segment = |builtin, name| claim.segment(&execution.program, builtin).ok_or(WitnessError::Empty(name));
    match entry.kind {
        TableKind::Memory => memory::fill(memory, *first as u64, log_height, multiplicities, control),
        TableKind::Cell => cell::fill(memory, cells, log_height, multiplicities, control),
        TableKind::Range(range) => range::fill(memory, &range, cells, log_height, multiplicities, control),
        TableKind::Instruction => {
            instruction::fill(memory, execution.program.final_pc(), log_height, multiplicities, control)
        }
        TableKind::Limb(Limb::Bits8) => Ok(byte::fill(multiplicities)),
        TableKind::Limb(Limb::Bits12) => Ok(word12::fill(multiplicities)),
        TableKind::Limb(Limb::Bits16) => Ok(word16::fill(multiplicities)),
        TableKind::NibbleAnd => Ok(nibble_and::fill(multiplicities)),
        TableKind::RangeCheck(limbs) => {
            let segment = segment(Builtin::RangeCheck, "range_check")?;
            range_check::fill(limbs, memory, segment, log_height, multiplicities, control)
        }
        TableKind::Bitwise(size) => {
            let segment = segment(Builtin::Bitwise, "bitwise")?;
            bitwise::fill(memory, segment, size, log_height, multiplicities, control)
        }
        TableKind::Generic | TableKind::Word(_) | TableKind::Path(_) => Err(WitnessError::Empty("opcode")),
    }
}
