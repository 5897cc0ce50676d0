//! Witness of [`cairo_air::components::range_check`].

use super::counters::{Counters, Tally};
use super::integers::{integer, small};
use super::rows::fill_rows;
use super::{Trace, WitnessError, cell};
use cairo_air::Segment;
use cairo_air::components::range_check::{bytes, words};
use felt::{Felt, encoding};
use stark::{Control, MIN_LOG_HEIGHT};
use std::array::from_fn;

/// Cells up to which bytes cost less: the word16 table has 2^16 rows of 3 cells, and a row of words 12 cells less than one
/// of bytes.
const MAX_CELLS_FOR_BYTES: u32 = 1 << 14;

/// Whether to take 16-bit limbs for a segment of this many cells.
pub const fn takes_words(cells: u32) -> bool {
    cells > MAX_CELLS_FOR_BYTES
}

/// The table's height for a segment.
pub fn log_height(segment: Segment) -> u32 {
    (segment.stop - segment.base).max(1 << MIN_LOG_HEIGHT).next_power_of_two().ilog2()
}

/// The address and value of the segment's cell `row`, or of its last one; counts the look-up.
fn value(memory: &[Felt], segment: Segment, row: usize, cells: &mut Tally<'_>) -> Result<(u32, u128), WitnessError> {
    let last =
        segment.stop.checked_sub(1).filter(|last| *last >= segment.base).ok_or(WitnessError::Empty("range_check"))?;
    let address = last.min(segment.base.saturating_add(u32::try_from(row).unwrap_or(u32::MAX)));
    cells.add(address as usize, 1).ok_or(WitnessError::Address(u64::from(address)))?;
    let value = cell(memory, u64::from(address))?;
    if let Some(Ok(value)) = integer(&value).map(u128::try_from) {
        return Ok((address, value));
    }
    match encoding::canonical_limbs(&value) {
        [low, high, 0, 0] => Ok((address, u128::from(low) | u128::from(high) << 64)),
        _ => Err(WitnessError::RangeCheck { address, value: encoding::to_hex(&value) }),
    }
}

/// With bytes as limbs.
pub fn fill_bytes(
    memory: &[Felt],
    segment: Segment,
    log_height: u32,
    counters: &Counters,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let state = || [counters.memory_tally(), counters.byte_tally()];
    fill_rows(1 << log_height, control, state, |[cells, bytes], row| {
        let (address, value) = value(memory, segment, row, cells)?;
        let limb = value.to_le_bytes();
        for limb in limb {
            let _ = bytes.add(usize::from(limb), 1);
        }
        let columns =
            bytes::Columns { address: small(u64::from(address)), limb: limb.map(|limb| small(u64::from(limb))) };
        Ok(columns.into_row())
    })
}

/// With 16-bit words as limbs.
pub fn fill_words(
    memory: &[Felt],
    segment: Segment,
    log_height: u32,
    counters: &Counters,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let state = || [counters.memory_tally(), counters.word16_tally()];
    fill_rows(1 << log_height, control, state, |[cells, words], row| {
        let (address, value) = value(memory, segment, row, cells)?;
        let limb: [u16; 8] = from_fn(|i| (value >> (16 * i)) as u16);
        for limb in limb {
            let _ = words.add(usize::from(limb), 1);
        }
        let columns =
            words::Columns { address: small(u64::from(address)), limb: limb.map(|limb| small(u64::from(limb))) };
        Ok(columns.into_row())
    })
}
