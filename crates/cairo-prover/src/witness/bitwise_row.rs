//! Witness of [`cairo_air::components::bitwise_row`].

use super::multiplicities::{Multiplicities, pair};
use super::rows::{chunks, zeros};
use super::{Trace, WitnessError};
use cairo_air::TableKind;
use cairo_air::components::bitwise_row::{BitwiseRow, CELLS};
use cairo_air::components::byte_and::counter;
use cairo_execution::cells::{self, Word};
use felt::integers::small;
use felt::{Felt, encoding};
use rayon::prelude::*;
use stark::Control;

/// Rows that one thread fills at a time; between them it visits the control hook.
const CHUNK: usize = 1 << 10;

/// Limb number `i` of a word, of 4 or 8 bits.
fn limb(word: &Word, bits: usize, i: usize) -> u8 {
    let shift = bits * i;
    let limb = word.get(shift / 64).map_or(0, |word| word >> (shift % 64)) as u8;
    if bits == 4 { limb & 15 } else { limb }
}

/// A table with the instances at `addresses`, at least one; padding repeats the first. Counts limbs, and cells unless they are the rows' own: then
/// the columns of uses are left for [`super::uses::provide`].
///
/// # Errors
/// If a cell of an instance is not what it must be, or an input has more limbs.
pub fn fill(
    memory: &[Felt],
    row: &BitwiseRow,
    addresses: &[u32],
    log_height: u32,
    multiplicities: &Multiplicities,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let first = *addresses.first().ok_or(WitnessError::Empty("bitwise row"))?;
    let (bits, limbs) = (usize::from(row.bits()), row.limbs());
    let table = if bits == 4 { TableKind::NibbleAnd } else { TableKind::ByteAnd };
    let entry = |a: u8, b: u8| if bits == 4 { pair(a, b) } else { counter(a, b) };
    let height = 1 << log_height;
    let mut columns = zeros(row.uses(), height);
    let filled = chunks(&mut columns, height, CHUNK).into_par_iter().enumerate().with_max_len(1);
    filled.try_for_each(|(number, mut chunk)| {
        control.checkpoint()?;
        let mut tally = multiplicities.tally(&table);
        let len = chunk.first().map_or(0, |part| part.len());
        for at in 0..len {
            let used = addresses.get(number * CHUNK + at);
            let address = *used.unwrap_or(&first);
            let [x, y] = inputs(memory, address, row)?;
            let mut set = |column: usize, value: u64| {
                if let Some(cell) = chunk.get_mut(column).and_then(|part| part.get_mut(at)) {
                    *cell = small(value);
                }
            };
            set(BitwiseRow::ENABLER, u64::from(used.is_some()));
            set(BitwiseRow::ADDRESS, u64::from(address));
            for i in 0..limbs {
                let [a, b] = [&x, &y].map(|word| limb(word, bits, i));
                for (place, limb) in [a, b, a & b].into_iter().enumerate() {
                    set(BitwiseRow::LIMBS + place * limbs + i, u64::from(limb));
                }
                if used.is_some() {
                    let _ = tally.add(entry(a, b), 1);
                    if let Some(excess) = row.excess().filter(|_| i + 1 == limbs) {
                        let _ = tally.add(entry(a << excess, b << excess), 1);
                    }
                }
            }
            if used.is_some() && row.owned().is_none() {
                (0..CELLS as u32).try_for_each(|offset| multiplicities.memory(address + offset, 1))?;
            }
        }
        Ok::<_, WitnessError>(())
    })?;
    Ok(columns)
}

/// The inputs of an instance, whose results are right.
fn inputs(memory: &[Felt], address: u32, row: &BitwiseRow) -> Result<[Word; 2], WitnessError> {
    let inputs = cells::bitwise(memory, address)?;
    let (limb, bit) = (row.width() as usize / 64, row.width() % 64);
    let fits = |word: &Word| {
        word.get(limb).is_none_or(|word| word >> bit == 0) && word.iter().skip(limb + 1).all(|word| *word == 0)
    };
    match (address..).zip(inputs).find(|(_, word)| !fits(word)) {
        None => Ok(inputs),
        Some((address, word)) => {
            let value = encoding::to_hex(&encoding::from_canonical_limbs(word).unwrap_or_default());
            Err(WitnessError::Bitwise { address, bits: row.width(), value })
        }
    }
}
