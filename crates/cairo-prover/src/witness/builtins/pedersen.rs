//! Witness of [`cairo_air::components::pedersen`].

use super::Source;
use crate::error::WitnessError;
use crate::witness::Trace;
use crate::witness::rows::{chunks, zeros};
use cairo_air::components::pedersen::{CELLS, Columns, INPUT_ROWS, PER_ROW, ROWS, WIDTH};
use cairo_air::components::pedersen_points::row;
use cairo_air::{TableEntry, TableKind};
use cairo_execution::cells;
use felt::integers::small;
use felt::{Felt, encoding};
use rayon::prelude::*;
use stark_curve::Word;
use stark_curve::pedersen::{BATCH, DIGITS, Hashes, digit};
use std::array::from_fn;

/// The builtin's table.
pub(super) fn tables(source: &Source<'_>, entries: &[&TableEntry]) -> Result<Vec<Trace>, WitnessError> {
    entries.iter().map(|entry| fill(source, entry.log_height)).collect()
}

/// One instance after the other; padding repeats the last.
fn fill(source: &Source<'_>, log_height: u32) -> Result<Trace, WitnessError> {
    let instances = (source.segment.stop.saturating_sub(source.segment.base)) / CELLS as u32;
    let last = instances.checked_sub(1).ok_or(WitnessError::Empty("pedersen"))?;
    let height = 1 << log_height;
    let mut columns = zeros(WIDTH, height);
    let parts = chunks(&mut columns, height, BATCH * ROWS).into_par_iter().enumerate().with_max_len(1);
    parts.try_for_each(|(number, mut part)| {
        source.control.checkpoint()?;
        let count = part.first().map_or(0, |column| column.len() / ROWS);
        let instance = |i: usize| source.segment.base + last.min((number * BATCH + i) as u32) * CELLS as u32;
        let addresses: Vec<u32> = (0..count).map(instance).collect();
        fill_batch(source, &addresses, &mut part)
    })?;
    Ok(columns)
}

/// Fills the rows of a batch.
fn fill_batch(source: &Source<'_>, addresses: &[u32], part: &mut [&mut [Felt]]) -> Result<(), WitnessError> {
    let memory = &source.execution.memory;
    let inputs: Vec<[Felt; 2]> = addresses.iter().map(|at| cells::pedersen(memory, *at)).collect::<Result<_, _>>()?;
    let hashes = Hashes::new(&inputs);
    let mut points = source.multiplicities.tally(&TableKind::PedersenPoints);
    for (number, (address, input)) in addresses.iter().zip(&inputs).enumerate() {
        cells::pedersen_result(memory, *address, hashes.ends()[number].map(|end| end.x))?;
        (0..CELLS as u32).try_for_each(|offset| source.multiplicities.memory(address + offset, 1))?;
        let words = input.map(|input| encoding::canonical_limbs(&input));
        for (at, values) in rows(*address, &words, &hashes, number).enumerate() {
            for (column, value) in part.iter_mut().zip(values) {
                column[number * ROWS + at] = value;
            }
        }
        for (input, word) in words.iter().enumerate() {
            for place in 0..DIGITS {
                let _ = points.add(row(input, place, digit(word, place)), 1);
            }
        }
    }
    Ok(())
}

/// The rows of an instance with these inputs, whose hash has this number in its batch.
pub fn rows<'a>(
    address: u32,
    words: &'a [Word; 2],
    hashes: &'a Hashes,
    number: usize,
) -> impl Iterator<Item = [Felt; WIDTH]> + 'a {
    (0..ROWS).map(move |at| row_of(address, &words[at / INPUT_ROWS], (hashes, number), at))
}

fn row_of(address: u32, word: &Word, (hashes, number): (&Hashes, usize), at: usize) -> [Felt; WIDTH] {
    let first = at % INPUT_ROWS * PER_ROW;
    let digits: [usize; PER_ROW] = from_fn(|i| digit(word, DIGITS - 1 - first - i));
    let steps: [_; PER_ROW] = from_fn(|i| hashes.step(number, at * PER_ROW + i));
    let columns = Columns {
        address: small(u64::from(address)),
        prefix: prefix(word, first),
        tight: small(u64::from(is_tight(word, at % INPUT_ROWS))),
        digit: digits.map(|digit| small(digit as u64)),
        sum_x: steps.map(|step| step.sum.x),
        sum_y: steps[0].sum.y,
        point_x: steps.map(|step| step.added.x),
        slope: steps.map(|step| step.slope),
    };
    columns.into_row()
}

/// The first `count` of a word's digits, as a number.
fn prefix(word: &Word, count: usize) -> Felt {
    let bits = 4 * (DIGITS - count);
    let (limbs, bits) = (bits / 64, bits % 64);
    let limb = |i: usize| word.get(i).copied().unwrap_or_default();
    let shifted = |i: usize| match bits {
        0 => limb(i + limbs),
        _ => limb(i + limbs) >> bits | limb(i + limbs + 1) << (64 - bits),
    };
    // Below p, as the word is.
    encoding::from_canonical_limbs(from_fn(shifted)).unwrap_or_default()
}

/// Whether a row of an input has the mark that its digits so far are those of `p − 1`: up to place 62 on the rows 0 to 3, up to place 49 on row 4, up
/// to place 48 on the rows after it.
fn is_tight(word: &Word, row: usize) -> bool {
    let places = match row {
        0..=3 => 62,
        4 => 49,
        _ => 48,
    };
    let largest = encoding::canonical_limbs(&-Felt::one());
    (places..DIGITS).all(|place| digit(word, place) == digit(&largest, place))
}
