//! Witness of [`cairo_air::components::opcode_extension`].

use super::multiplicities::Multiplicities;
use super::rows::fill_rows;
use super::{Trace, WitnessError};
use crate::memory::cell;
use cairo_air::TableKind;
use cairo_air::components::Limb;
use cairo_air::components::opcode_extension::{Columns, WIDTH};
use cairo_air::decode::{Extended, Extension, OFFSET_BIAS};
use felt::Felt;
use felt::integers::small;
use stark::Control;
use std::array::from_fn;

/// One row for each instruction; padding is 0.
pub fn fill(
    memory: &[Felt],
    instructions: &[(u32, u32)],
    log_height: u32,
    multiplicities: &Multiplicities,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let state = || [multiplicities.tally(&TableKind::Limb(Limb::Bits8)), multiplicities.memory_tally()];
    fill_rows(1 << log_height, control, state, |[bytes, cells], row| {
        let Some(&(pc, multiplicity)) = instructions.get(row) else { return Ok([Felt::zero(); WIDTH]) };
        let word = cell(memory, u64::from(pc))?;
        let Extended { extension, flags, offsets } =
            Extended::new(&word).map_err(|error| WitnessError::Instruction { pc, error })?;
        let biased: [u16; 3] = offsets.map(|offset| (offset + OFFSET_BIAS) as u16);
        for byte in biased.into_iter().flat_map(u16::to_le_bytes) {
            let _ = bytes.add(usize::from(byte), 1);
        }
        cells.add(pc as usize, 1).ok_or(WitnessError::Address(u64::from(pc)))?;
        let bit = |bit: bool| small(u64::from(bit));
        let columns = Columns {
            enabler: Felt::one(),
            pc: small(u64::from(pc)),
            qm31: bit(extension == Extension::Qm31),
            finalize: bit(extension == Extension::BlakeFinalize),
            dst_fp: bit(flags.dst_fp()),
            op0_fp: bit(flags.op0_fp()),
            op1_imm: bit(flags.op1_imm()),
            op1_fp: bit(flags.op1_fp()),
            res_mul: bit(flags.res_mul()),
            ap_add1: bit(flags.ap_add1()),
            offset_low: from_fn(|i| small(u64::from(biased[i] & 255))),
            offset_high: from_fn(|i| small(u64::from(biased[i] >> 8))),
            multiplicity: small(u64::from(multiplicity)),
        };
        Ok(columns.into_row())
    })
}
