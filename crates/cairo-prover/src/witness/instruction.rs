//! Witness of [`cairo_air::components::instruction`].

use super::multiplicities::{Multiplicities, Tally};
use super::rows::fill_rows;
use super::{Trace, WitnessError};
use crate::memory::cell;
use cairo_air::TableKind;
use cairo_air::components::Limb;
use cairo_air::components::instruction::{Columns, flag_bits};
use cairo_air::decode::{Decoded, OFFSET_BIAS};
use felt::Felt;
use felt::integers::small;
use stark::Control;
use std::array::from_fn;

/// One row for each looked-up `pc`; padding repeats the first with multiplicity 0.
pub fn fill(
    memory: &[Felt],
    final_pc: u32,
    log_height: u32,
    multiplicities: &Multiplicities,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let instructions = multiplicities.instructions();
    let &(first, _) = instructions.first().ok_or(WitnessError::Empty("instruction"))?;
    let position = cairo_air::components::instruction::Columns::positions().not_final;
    let state = || [multiplicities.tally(&TableKind::Limb(Limb::Bits8)), multiplicities.memory_tally()];
    let mut columns = fill_rows(1 << log_height, control, state, |[bytes, cells], row| {
        let (pc, multiplicity) = instructions.get(row).copied().unwrap_or((first, 0));
        let decoded = decode(memory, pc)?;
        let biased: [u16; 3] = from_fn(|i| (decoded.offsets[i] + OFFSET_BIAS) as u16);
        for [low, high] in biased.map(u16::to_le_bytes) {
            let _ = bytes.add(usize::from(low), 1);
            let _ = bytes.add(usize::from(high), 1);
        }
        count(cells, pc)?;
        let has_immediate = decoded.flags.op1_imm();
        if has_immediate {
            count(cells, pc + 1)?;
        }
        let columns = Columns {
            pc: small(u64::from(pc)),
            flag: flag_bits(decoded.flags.0),
            offset_low: biased.map(|offset| small(u64::from(offset & 255))),
            offset_high: biased.map(|offset| small(u64::from(offset >> 8))),
            immediate: if has_immediate { cell(memory, u64::from(pc) + 1)? } else { Felt::zero() },
            multiplicity: small(u64::from(multiplicity)),
            not_final: small(u64::from(pc)) - small(u64::from(final_pc)),
        };
        Ok(columns.into_row())
    })?;
    felt::vector::batch_inverse(&mut columns[position]);
    Ok(columns)
}

fn count(cells: &mut Tally<'_>, address: u32) -> Result<(), WitnessError> {
    cells.add(address as usize, 1).ok_or(WitnessError::Address(u64::from(address)))
}

/// The instruction at `pc`.
///
/// # Errors
/// If there is none.
pub fn decode(memory: &[Felt], pc: u32) -> Result<Decoded, WitnessError> {
    Decoded::new(&cell(memory, u64::from(pc))?).map_err(|error| WitnessError::Instruction { pc, error })
}
