//! All other tables: those of builtins, and those that provide for others.

use super::builtins::{self, Source};
use super::multiplicities::Multiplicities;
use super::{
    Trace, bitwise_row, blake, byte, byte_and, cell, instruction, keccak_lookups, memory, nibble_and, opcode_extension,
    pedersen_points, range, range_row, word12, word16, word96,
};
use crate::error::WitnessError;
use crate::planner::builtins::modular::words;
use crate::planner::extensions::Extensions;
use crate::planner::ownership::Cover;
use cairo_air::components::Limb;
use cairo_air::components::bitwise_row::BitwiseRow;
use cairo_air::components::memory::CELLS;
use cairo_air::components::product::User;
use cairo_air::components::range::Range;
use cairo_air::components::range_row::RangeRow;
use cairo_air::{Builtin, Claim, TableEntry, TableKind};
use cairo_execution::Execution;
use rayon::prelude::*;
use stark::Control;
use std::collections::BTreeMap;

/// When tables are filled: after all that count lookups in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Tables that use others, and are used by steps or by tables of their own builtin at most.
    Users,
    /// Tables that provide for others and use none themselves.
    Providers,
}

/// Where a table's rows come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The run's steps: such tables come first of all, and not from here.
    Steps,
    /// Instructions, cells or words that others use.
    Users,
    /// A builtin, all of whose tables are filled together.
    Builtin(Builtin),
    /// How often others use what the table provides.
    Providers,
}

impl Origin {
    const fn of(kind: &TableKind) -> Self {
        use TableKind as Kind;
        match kind {
            Kind::Generic | Kind::Word(_) | Kind::OwningWord(_) | Kind::Path(_) => Self::Steps,
            Kind::Qm31 | Kind::Blake => Self::Steps,
            Kind::Instruction | Kind::OpcodeExtension | Kind::Range(_) | Kind::Word96(_) => Self::Users,
            Kind::BlakeWord | Kind::BlakeMix | Kind::BitwiseRow(_) | Kind::RangeRow(_) => Self::Users,
            Kind::RangeCheck(_) => Self::Builtin(Builtin::RangeCheck),
            Kind::Bitwise(_) => Self::Builtin(Builtin::Bitwise),
            Kind::Pedersen => Self::Builtin(Builtin::Pedersen),
            Kind::Ecdsa | Kind::Product(User::Ecdsa) => Self::Builtin(Builtin::Ecdsa),
            Kind::EcOp | Kind::Product(User::EcOp) => Self::Builtin(Builtin::EcOp),
            Kind::Keccak | Kind::KeccakRounds => Self::Builtin(Builtin::Keccak),
            Kind::Poseidon => Self::Builtin(Builtin::Poseidon),
            Kind::RangeCheck96(_) => Self::Builtin(Builtin::RangeCheck96),
            Kind::AddMod => Self::Builtin(Builtin::AddMod),
            Kind::MulMod => Self::Builtin(Builtin::MulMod),
            Kind::Memory | Kind::Cell | Kind::Limb(_) | Kind::NibbleAnd | Kind::PedersenPoints => Self::Providers,
            Kind::KeccakChunks | Kind::KeccakBytes => Self::Providers,
            Kind::BlakeSchedule | Kind::ByteAnd => Self::Providers,
        }
    }

    fn stage(self) -> Option<Stage> {
        match self {
            Self::Steps => None,
            Self::Users | Self::Builtin(_) => Some(Stage::Users),
            Self::Providers => Some(Stage::Providers),
        }
    }
}

/// Tables that are filled together: all of a builtin, or a single one. `first` is a memory table's first address, or the number of the first row
/// among those of its kind of a table of cells, ranges, range rows or bitwise rows.
struct Filling<'a> {
    origin: Origin,
    positions: Vec<usize>,
    entries: Vec<&'a TableEntry>,
    first: usize,
    traces: Vec<Trace>,
}

/// Fills the tables of one stage, but for the uses in tables of ranges and rows that own cells, which are known only when everything is counted. Their places in
/// `entries` come with them.
pub fn fill_others(
    execution: &Execution,
    claim: &Claim,
    entries: &[TableEntry],
    (cover, extensions): (&Cover, &Extensions),
    wanted: Stage,
    (multiplicities, control): (&Multiplicities, &dyn Control),
) -> Result<Vec<(usize, Trace)>, WitnessError> {
    let (mut start, mut cell) = (cover.owned_end as usize, 0);
    let mut checked: BTreeMap<Range, usize> = BTreeMap::new();
    let mut worked: BTreeMap<BitwiseRow, usize> = BTreeMap::new();
    let mut checked_rows: BTreeMap<&RangeRow, usize> = BTreeMap::new();
    let mut fillings: Vec<Filling<'_>> = Vec::new();
    for (position, entry) in entries.iter().enumerate() {
        let first = match &entry.kind {
            TableKind::Memory => {
                start += CELLS << entry.log_height;
                start - (CELLS << entry.log_height)
            }
            TableKind::Range(range) => {
                let first: &mut usize = checked.entry(*range).or_default();
                *first += 1 << entry.log_height;
                *first - (1 << entry.log_height)
            }
            TableKind::BitwiseRow(row) => {
                let first: &mut usize = worked.entry(*row).or_default();
                *first += 1 << entry.log_height;
                *first - (1 << entry.log_height)
            }
            TableKind::RangeRow(row) => {
                let first: &mut usize = checked_rows.entry(row).or_default();
                *first += 1 << entry.log_height;
                *first - (1 << entry.log_height)
            }
            TableKind::Cell => {
                cell += 1 << entry.log_height;
                cell - (1 << entry.log_height)
            }
            _ => 0,
        };
        let origin = Origin::of(&entry.kind);
        if origin.stage() != Some(wanted) {
            continue;
        }
        let together = |filling: &&mut Filling<'_>| matches!(origin, Origin::Builtin(_)) && filling.origin == origin;
        match fillings.iter_mut().find(together) {
            Some(filling) => {
                filling.positions.push(position);
                filling.entries.push(entry);
            }
            None => fillings.push(Filling {
                origin,
                positions: vec![position],
                entries: vec![entry],
                first,
                traces: Vec::new(),
            }),
        }
    }
    let rest: Vec<u32> = match wanted {
        Stage::Users => Vec::new(),
        Stage::Providers => cover.rest.iter().flat_map(|[base, stop]| *base..*stop).collect(),
    };
    fillings.par_iter_mut().with_max_len(1).try_for_each(|filling| {
        filling.traces = match (filling.origin, filling.entries.as_slice()) {
            (Origin::Builtin(builtin), tables) => {
                let segment = claim.segment(&execution.program, builtin);
                let segment = segment.ok_or(WitnessError::Empty(builtin.name()))?;
                builtins::fill(builtin, &Source { execution, segment, multiplicities, control }, tables)?
            }
            (_, [entry]) => {
                let cells = match &entry.kind {
                    TableKind::Cell => rest.get(filling.first..).unwrap_or_default(),
                    TableKind::Range(range) => cover.checked(*range, filling.first),
                    TableKind::RangeRow(row) => cover.checked_rows(row, filling.first),
                    TableKind::BitwiseRow(row) => cover.instances(*row, filling.first),
                    _ => &[],
                };
                vec![fill(execution, entry, (filling.first, cells, extensions), (multiplicities, control))?]
            }
            _ => Vec::new(),
        };
        Ok::<_, WitnessError>(())
    })?;
    Ok(fillings.into_iter().flat_map(|filling| filling.positions.into_iter().zip(filling.traces)).collect())
}

fn fill(
    execution: &Execution,
    entry: &TableEntry,
    (first, cells, extensions): (usize, &[u32], &Extensions),
    (multiplicities, control): (&Multiplicities, &dyn Control),
) -> Result<Trace, WitnessError> {
    let (memory, log_height) = (&execution.memory, entry.log_height);
    match &entry.kind {
        TableKind::Memory => memory::fill(memory, first as u64, log_height, multiplicities, control),
        TableKind::Cell => cell::fill(memory, cells, log_height, multiplicities, control),
        TableKind::Range(range) => range::fill(memory, range, cells, log_height, multiplicities, control),
        TableKind::RangeRow(row) => range_row::fill(memory, row, cells, log_height, multiplicities, control),
        TableKind::BitwiseRow(row) => bitwise_row::fill(memory, row, cells, log_height, multiplicities, control),
        TableKind::ByteAnd => Ok(byte_and::fill(multiplicities)),
        TableKind::Instruction => {
            instruction::fill(memory, execution.program.final_pc(), log_height, multiplicities, control)
        }
        TableKind::OpcodeExtension => {
            opcode_extension::fill(memory, &extensions.instructions, log_height, multiplicities, control)
        }
        TableKind::BlakeWord => blake::fill_words(execution, &extensions.blocks, log_height, multiplicities, control),
        TableKind::BlakeMix => blake::fill_mixes(execution, &extensions.blocks, log_height, multiplicities, control),
        TableKind::BlakeSchedule => Ok(blake::fill_schedule(multiplicities)),
        TableKind::Limb(Limb::Bits8) => Ok(byte::fill(multiplicities)),
        TableKind::Limb(Limb::Bits12) => Ok(word12::fill(multiplicities)),
        TableKind::Limb(Limb::Bits16) => Ok(word16::fill(multiplicities)),
        TableKind::NibbleAnd => Ok(nibble_and::fill(multiplicities)),
        TableKind::KeccakChunks => Ok(keccak_lookups::chunks(multiplicities)),
        TableKind::KeccakBytes => Ok(keccak_lookups::bytes(multiplicities)),
        TableKind::PedersenPoints => Ok(pedersen_points::fill(multiplicities)),
        TableKind::Word96(table) => word96::fill(*table, &words(execution), log_height, multiplicities, control),
        // Not filled from here: see `Origin`, which knows every kind.
        _ => Err(WitnessError::Empty("other")),
    }
}
