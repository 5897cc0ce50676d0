//! Witness of [`cairo_air::components::bitwise`].

use super::Source;
use crate::error::WitnessError;
use crate::memory::cell;
use crate::planner::builtins::bitwise::fits;
use crate::witness::Trace;
use crate::witness::multiplicities::{Multiplicities, Tally, pair};
use crate::witness::rows::fill_rows;
use cairo_air::components::bitwise::{BitwiseSize, CELLS, Columns};
use cairo_air::{Segment, TableEntry, TableKind};
use cairo_execution::cells::{self, Word};
use felt::integers::small;
use felt::{Felt, encoding};
use stark::Control;
use std::array::from_fn;

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

/// The builtin's table.
pub(super) fn tables(source: &Source<'_>, entries: &[&TableEntry]) -> Result<Vec<Trace>, WitnessError> {
    let table = |entry: &&TableEntry| {
        let TableKind::Bitwise(size) = entry.kind else { return Err(WitnessError::Empty("bitwise")) };
        let Source { execution, segment, multiplicities, control } = source;
        fill(&execution.memory, *segment, size, entry.log_height, multiplicities, *control)
    };
    entries.iter().map(table).collect()
}

/// One instance after the other; padding repeats the last.
pub fn fill(
    memory: &[Felt],
    segment: Segment,
    size: BitwiseSize,
    log_height: u32,
    multiplicities: &Multiplicities,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let instances = (segment.stop.saturating_sub(segment.base)) / CELLS as u32;
    let last = instances.checked_sub(1).ok_or(WitnessError::Empty("bitwise"))?;
    let rows = size.rows();
    fill_rows(
        1 << log_height,
        control,
        || State { tally: multiplicities.tally(&TableKind::NibbleAnd), inputs: None },
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
            let takes_11_bits = size == BitwiseSize::Any && position == rows - 1;
            let [x_nibbles, y_nibbles] = [x, y].map(|word| nibbles(chunk(&word, position), takes_11_bits));
            let and_nibbles: [u8; 4] = from_fn(|i| x_nibbles[i] & y_nibbles[i]);
            for (a, b) in x_nibbles.into_iter().zip(y_nibbles) {
                let _ = state.tally.add(pair(a, b), 1);
            }
            if position == 0 {
                (0..CELLS as u32).try_for_each(|offset| multiplicities.memory(address + offset, 1))?;
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
fn inputs(memory: &[Felt], address: u32, size: BitwiseSize) -> Result<[Word; 2], WitnessError> {
    let inputs = cells::bitwise(memory, address)?;
    match (address..).zip(inputs).find(|(_, word)| !fits(word, size)) {
        None => Ok(inputs),
        Some((address, _)) => {
            let value = encoding::to_hex(&cell(memory, u64::from(address))?);
            Err(WitnessError::Bitwise { address, bits: size.bits(), value })
        }
    }
}
