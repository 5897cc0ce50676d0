//! Witness of [`cairo_air::components::bitwise`].

use super::counters::{Counters, Tally, pair};
use super::integers::small;
use super::rows::fill_rows;
use super::{Trace, WitnessError, cell};
use cairo_air::Segment;
use cairo_air::components::bitwise::{CELLS, Columns, ROWS};
use felt::{Felt, encoding};
use stark::{Control, MIN_LOG_HEIGHT};
use std::array::from_fn;

/// The table's height for a segment.
pub fn log_height(segment: Segment) -> u32 {
    let instances = ((segment.stop - segment.base) as usize).div_ceil(CELLS as usize);
    (instances * ROWS).max(1 << MIN_LOG_HEIGHT).next_power_of_two().ilog2()
}

/// A word, least significant limb first.
type Word = [u64; 4];

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

fn nibbles(chunk: u16, first: bool) -> [u8; 4] {
    let mut nibbles: [u8; 4] = from_fn(|i| (chunk >> (4 * i)) as u8 & 15);
    if first {
        // See the AIR: the first row takes 11 bits and shows that nibble 2 is below 8.
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

/// One instance of 16 rows after the other; padding repeats the last.
pub fn fill(
    memory: &[Felt],
    segment: Segment,
    log_height: u32,
    counters: &Counters,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let instances = (segment.stop.saturating_sub(segment.base)) / CELLS as u32;
    let last = instances.checked_sub(1).ok_or(WitnessError::Empty("bitwise"))?;
    fill_rows(
        1 << log_height,
        control,
        || State { tally: counters.nibble_and_tally(), inputs: None },
        |state, row| {
            let instance = last.min((row / ROWS) as u32);
            let address = segment.base + instance * CELLS as u32;
            let [x, y] = match state.inputs {
                Some((known, inputs)) if known == address => inputs,
                _ => [input(memory, address)?, input(memory, address + 1)?],
            };
            state.inputs = Some((address, [x, y]));
            let and: Word = from_fn(|i| x[i] & y[i]);
            let position = ROWS - 1 - row % ROWS;
            let is_first = position == ROWS - 1;
            let [x_nibbles, y_nibbles] = [x, y].map(|word| nibbles(chunk(&word, position), is_first));
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

fn input(memory: &[Felt], address: u32) -> Result<Word, WitnessError> {
    let value = cell(memory, u64::from(address))?;
    let word = encoding::canonical_limbs(&value);
    if word[3] >> 59 != 0 {
        return Err(WitnessError::Bitwise { address, value: encoding::to_hex(&value) });
    }
    Ok(word)
}
