//! Witness of [`cairo_air::components::bitwise`].

use super::counters::{Counters, Tally, pair};
use super::rows::fill_rows;
use super::{Trace, WitnessError, cell};
use cairo_air::Segment;
use cairo_air::components::bitwise::{CELLS, Columns, Size};
use cairo_execution::cells::{self, Word};
use felt::integers::small;
use felt::{Felt, encoding};
use stark::{Control, MIN_LOG_HEIGHT};
use std::array::from_fn;

/// The smallest size that all inputs of a segment have. What is no input of any size counts as one: filling the table reports it.
pub fn size(memory: &[Felt], segment: Segment) -> Size {
    let cells = memory.get(segment.base as usize..segment.stop as usize).unwrap_or_default();
    let inputs = cells.chunks(CELLS as usize).flat_map(|instance| instance.iter().take(2));
    let word = inputs.map(encoding::canonical_limbs).fold([0; 4], |all: Word, word| from_fn(|i| all[i] | word[i]));
    Size::ALL.into_iter().find(|size| fits(&word, *size)).unwrap_or(Size::Any)
}

/// Whether a word has no bits beyond those of a size.
fn fits(word: &Word, size: Size) -> bool {
    let (limb, bit) = (size.bits() as usize / 64, size.bits() % 64);
    word[limb] >> bit == 0 && word[limb + 1..].iter().all(|limb| *limb == 0)
}

/// The table's height for a segment.
pub fn log_height(segment: Segment, size: Size) -> u32 {
    let instances = ((segment.stop - segment.base) as usize).div_ceil(CELLS as usize);
    (instances * size.rows()).max(1 << MIN_LOG_HEIGHT).next_power_of_two().ilog2()
}

/// Bits `16·chunk ..` of a word, from the least significant chunk.
const fn chunk(word: &Word, chunk: usize) -> u16 {
    (word[chunk / 4] >> (16 * (chunk % 4))) as u16
}

/// Bits of a word from chunk `from` on, as a number.
fn shifted(word: &Word, from: usize) -> Felt {
    let (limbs, bits) = (from / 4, 16 * (from % 4));
    let mut out = [0; 4];
    for (i, limb) in out.iter_mut().enumerate().take(4 - limbs) {
        *limb = word[i + limbs] >> bits;
        if bits > 0 && i + limbs < 3 {
            *limb |= word[i + limbs + 1] << (64 - bits);
        }
    }
    // Below 2^251 < p.
    encoding::from_canonical_limbs(out).unwrap_or_default()
}

fn nibbles(chunk: u16, takes_11_bits: bool) -> [u8; 4] {
    let mut nibbles: [u8; 4] = from_fn(|i| (chunk >> (4 * i)) as u8 & 15);
    if takes_11_bits {
        // See the AIR: such a row shows that nibble 2 is below 8.
        nibbles[3] = 2 * nibbles[2];
    }
    nibbles
}

/// What rows of one chunk share.
struct State<'a> {
    tally: Tally<'a>,
    /// Address and inputs of the last row's instance.
    inputs: Option<(u32, [Word; 2])>,
}

/// One instance after the other; padding repeats the last.
pub fn fill(
    memory: &[Felt],
    segment: Segment,
    size: Size,
    log_height: u32,
    counters: &Counters,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let instances = (segment.stop.saturating_sub(segment.base)) / CELLS as u32;
    let last = instances.checked_sub(1).ok_or(WitnessError::Empty("bitwise"))?;
    let rows = size.rows();
    fill_rows(
        1 << log_height,
        control,
        || State { tally: counters.nibble_and_tally(), inputs: None },
        |state, row| {
            let instance = last.min((row / rows) as u32);
            let address = segment.base + instance * CELLS as u32;
            let [x, y] = match state.inputs {
                Some((known, inputs)) if known == address => inputs,
                _ => inputs(memory, address, size)?,
            };
            state.inputs = Some((address, [x, y]));
            let and: Word = from_fn(|i| x[i] & y[i]);
            let position = rows - 1 - row % rows;
            let takes_11_bits = size == Size::Any && position == rows - 1;
            let [x_nibbles, y_nibbles] = [x, y].map(|word| nibbles(chunk(&word, position), takes_11_bits));
            let and_nibbles: [u8; 4] = from_fn(|i| x_nibbles[i] & y_nibbles[i]);
            for (a, b) in x_nibbles.into_iter().zip(y_nibbles) {
                let _ = state.tally.add(pair(a, b), 1);
            }
            if position == 0 {
                (0..CELLS as u32).try_for_each(|offset| counters.memory(address + offset, 1))?;
            }
            let columns = Columns {
                address: small(u64::from(address)),
                x: x_nibbles.map(|nibble| small(u64::from(nibble))),
                y: y_nibbles.map(|nibble| small(u64::from(nibble))),
                and: and_nibbles.map(|nibble| small(u64::from(nibble))),
                x_sum: shifted(&x, position),
                y_sum: shifted(&y, position),
                and_sum: shifted(&and, position),
            };
            Ok(columns.into_row())
        },
    )
}

/// The inputs of an instance, whose results are right.
fn inputs(memory: &[Felt], address: u32, size: Size) -> Result<[Word; 2], WitnessError> {
    let inputs = cells::bitwise(memory, address)?;
    match (address..).zip(inputs).find(|(_, word)| !fits(word, size)) {
        None => Ok(inputs),
        Some((address, _)) => {
            let value = encoding::to_hex(&cell(memory, u64::from(address))?);
            Err(WitnessError::Bitwise { address, bits: size.bits(), value })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let power = |bits: u64| Felt::from(2).pow(bits);
        let segment = Segment { base: 2, stop: 12 };
        let with = |at: usize, value: Felt| {
            let mut memory = vec![-Felt::one(); 20];
            memory[2..12].fill(Felt::from(3));
            memory[at] = value;
            size(&memory, segment)
        };
        for (bits, at_most, beyond) in [
            (16, Size::Bits16, Size::Bits32),
            (32, Size::Bits32, Size::Bits64),
            (64, Size::Bits64, Size::Bits128),
            (128, Size::Bits128, Size::Any),
            (251, Size::Any, Size::Any),
        ] {
            // Inputs are the first two cells of an instance.
            for at in [2, 3, 7, 8] {
                assert_eq!(with(at, power(bits) - Felt::one()), at_most, "{bits}");
                assert_eq!(with(at, power(bits)), beyond, "{bits}");
            }
            assert_eq!(with(4, power(bits)), Size::Bits16, "no input");
        }
        assert_eq!(with(2, -Felt::one()), Size::Any);
    }
}
