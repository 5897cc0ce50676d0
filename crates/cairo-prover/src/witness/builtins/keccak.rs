//! Witness of [`cairo_air::components::keccak`] and of its rounds.

use super::Source;
use crate::error::WitnessError;
use crate::witness::Trace;
use crate::witness::multiplicities::{Multiplicities, Tally};
use crate::witness::rows::fill_rows;
use cairo_air::components::keccak_chunks::{Operation, spread};
use cairo_air::components::{Limb, keccak, keccak_chunks, keccak_rounds};
use cairo_air::keccak::{Round, SIDE, State, WORD_BYTES, WORDS, permute, rounds};
use cairo_air::{TableEntry, TableKind};
use cairo_execution::cells;
use felt::integers::small;
use felt::{Felt, encoding};
use keccak_rounds::{CHUNKS, DIGITS, IOTA_CHUNKS, TOTAL_DIGITS, constant, cut, digits, offset, round_of, sheet};
use std::array::from_fn;

/// The builtin's tables.
pub(super) fn tables(source: &Source<'_>, entries: &[&TableEntry]) -> Result<Vec<Trace>, WitnessError> {
    let instances = Instances::new(source)?;
    let table = |entry: &&TableEntry| match entry.kind {
        TableKind::Keccak => instances.cells(source, 1 << entry.log_height),
        _ => instances.rounds(source, 1 << entry.log_height),
    };
    entries.iter().map(table).collect()
}

/// The instances of a segment; padding repeats the last.
struct Instances<'a> {
    memory: &'a [Felt],
    base: u32,
    last: u32,
}

impl<'a> Instances<'a> {
    fn new(source: &Source<'a>) -> Result<Self, WitnessError> {
        let instances = source.segment.stop.saturating_sub(source.segment.base) / keccak::CELLS as u32;
        let last = instances.checked_sub(1).ok_or(WitnessError::Empty("keccak"))?;
        Ok(Self { memory: &source.execution.memory, base: source.segment.base, last })
    }

    fn address(&self, number: usize) -> u32 {
        self.base + self.last.min(number as u32) * keccak::CELLS as u32
    }

    /// The state before the permutation.
    fn state(&self, number: usize) -> Result<State, WitnessError> {
        Ok(cells::keccak(self.memory, self.address(number))?)
    }

    fn cells(&self, source: &Source<'_>, height: usize) -> Result<Trace, WitnessError> {
        let multiplicities = source.multiplicities;
        let state = || (None, multiplicities.tally(&TableKind::KeccakBytes));
        fill_rows(height, source.control, state, |(known, bytes), row| {
            let (number, row) = (row / keccak::ROWS, row % keccak::ROWS);
            let states = match known {
                Some((known, states)) if *known == number => states,
                _ => {
                    let before = self.state(number)?;
                    &mut known.insert((number, [before, permute(before)])).1
                }
            };
            let columns = cell_row(self.address(number), number, row, &states[row / WORDS]);
            for byte in &columns.byte {
                let _ = bytes.add(felt::integers::to_u64(byte).unwrap_or_default() as usize, 1);
            }
            multiplicities.memory(self.address(number) + row as u32, 1)?;
            Ok(columns.into_row())
        })
    }

    fn rounds(&self, source: &Source<'_>, height: usize) -> Result<Trace, WitnessError> {
        let state = || RoundRows { known: None, counts: Counts::new(source.multiplicities) };
        fill_rows(height, source.control, state, |RoundRows { known, counts }, row| {
            let number = row / keccak_rounds::ROWS;
            let rounds = match known {
                Some((known, rounds)) if *known == number => rounds,
                _ => &mut known.insert((number, rounds(self.state(number)?).collect::<Vec<Round>>())).1,
            };
            Ok(round_row(row, rounds, counts).into_row())
        })
    }
}

/// A row of the builtin's table: that of a word of a state.
fn cell_row(address: u32, number: usize, row: usize, state: &State) -> keccak::Columns<Felt> {
    let word = row % WORDS;
    let all: Vec<u8> = state.iter().flat_map(|lane| lane.to_le_bytes()).collect();
    let byte: [u64; WORD_BYTES] = from_fn(|i| all.get(WORD_BYTES * word + i).copied().map_or(0, u64::from));
    let next = state.get(3 * word + 3).copied().unwrap_or_default();
    let begun = if word + 1 == WORDS { next } else { next & ((1 << (8 * (word + 1))) - 1) };
    keccak::Columns {
        address: small(u64::from(address)),
        place: small((number * keccak_rounds::PLACES) as u64),
        byte: byte.map(small),
        spread: byte.map(|byte| small(spread(byte))),
        lane: from_fn(|i| spread_lane(state[3 * word + i])),
        rest: spread_lane(begun),
    }
}

/// The number whose digits to the base 8 are the bits of a lane.
fn spread_lane(lane: u64) -> Felt {
    let mut limbs = [0_u64; 4];
    for (i, byte) in lane.to_le_bytes().into_iter().enumerate() {
        let (limb, bit) = (24 * i / 64, 24 * i % 64);
        let bits = spread(u64::from(byte));
        limbs[limb] |= bits << bit;
        if bit > 40 {
            limbs[limb + 1] |= bits >> (64 - bit);
        }
    }
    // Below 2^192 and so below p.
    encoding::from_canonical_limbs(limbs).unwrap_or_default()
}

/// What a thread fills rows of rounds with.
struct RoundRows<'a> {
    known: Option<(usize, Vec<Round>)>,
    counts: Counts<'a>,
}

/// Lookups of one thread. Every row makes so many that they are added up before they are counted for all.
struct Counts<'a> {
    multiplicities: &'a Multiplicities,
    chunks: Vec<u32>,
    words: Tally<'a>,
}

impl<'a> Counts<'a> {
    fn new(multiplicities: &'a Multiplicities) -> Self {
        let chunks = vec![0; Operation::ALL.len() << keccak_chunks::LOG_HEIGHT];
        Self { multiplicities, chunks, words: multiplicities.tally(&TableKind::Limb(Limb::Bits12)) }
    }

    /// Looks up what an operation makes of a number.
    fn look_up(&mut self, operation: Operation, number: u64) -> u64 {
        if let Some(count) = self.chunks.get_mut(operation.counter(number)) {
            *count += 1;
        }
        operation.of(number)
    }

    fn word(&mut self, word: u64) {
        let _ = self.words.add(word as usize, 1);
    }
}

impl Drop for Counts<'_> {
    fn drop(&mut self) {
        let mut tally = self.multiplicities.tally(&TableKind::KeccakChunks);
        for (counter, count) in self.chunks.iter().enumerate().filter(|(_, count)| **count > 0) {
            let _ = tally.add(counter, *count);
        }
    }
}

/// Some of a lane's bits, spread.
const fn chunk(lane: u64, chunk: usize, digits: usize) -> u64 {
    spread(lane >> (chunk * digits) & ((1 << digits) - 1))
}

/// A row of a permutation.
fn round_row(row: usize, rounds: &[Round], counts: &mut Counts<'_>) -> keccak_rounds::Columns<Felt> {
    const NONE: Round = Round {
        before: [0; SIDE * SIDE],
        parity: [0; SIDE],
        moved: [0; SIDE * SIDE],
        mixed: [0; SIDE * SIDE],
        after: [0; SIDE * SIDE],
    };
    let in_permutation = row % keccak_rounds::ROWS;
    // An idle row is that of a round of zeros, but for what χ would make of them.
    let (number, plane) = round_of(in_permutation).unwrap_or((rounds.len(), 0));
    let round = rounds.get(number).unwrap_or(&NONE);
    let lane = |sheet: usize, plane: usize| round.before[SIDE * plane + sheet];
    let sheets: [usize; SIDE] = from_fn(|slot| sheet(plane, slot));
    let spread_sum = |sheet: usize, planes: &mut dyn Iterator<Item = usize>| {
        planes.fold(Felt::zero(), |sum, plane| sum + spread_lane(lane(sheet, plane)))
    };
    // The plane whose lane of a sheet a row takes is the slot that the sheet has there.
    let taken = |sheet: usize, row: usize| (sheet + 2 * row) % SIDE;
    let first = sheets[0];
    let total_chunk = from_fn(|i| (0..SIDE).map(|plane| chunk(lane(first, plane), i, TOTAL_DIGITS)).sum::<u64>());
    let parity_chunk = total_chunk.map(|total| counts.look_up(Operation::Parity4, total));
    let top = |sheet: usize| round.parity[sheet] >> 63;
    counts.word(8 * (parity_chunk[parity_chunk.len() - 1] - (top(first) << 9)));

    let mut sum_chunk = [0; SIDE * CHUNKS];
    let mut moved_chunk = [0; SIDE * CHUNKS];
    let mut head = [0; SIDE];
    for (slot, sheet) in sheets.into_iter().enumerate() {
        let by = offset(plane, slot) as u32;
        let terms = [
            lane(sheet, slot),
            round.parity[(sheet + SIDE - 1) % SIDE],
            round.parity[(sheet + 1) % SIDE].rotate_left(1),
        ];
        let terms = terms.map(|term| term.rotate_left(by));
        for at in 0..CHUNKS {
            let sum = terms.iter().map(|term| chunk(*term, at, DIGITS)).sum();
            let operation = if digits(at) == DIGITS { Operation::Parity } else { Operation::Parity4 };
            sum_chunk[CHUNKS * slot + at] = sum;
            moved_chunk[CHUNKS * slot + at] = counts.look_up(operation, sum);
        }
        if let Some((at, digits)) = cut(plane, slot) {
            head[slot] = sum_chunk[CHUNKS * slot + at] & ((1 << (3 * digits)) - 1);
        }
        counts.word(head[slot]);
    }
    let mixed_chunk: [u64; SIDE * CHUNKS] = from_fn(|i| {
        let (slot, at) = (i / CHUNKS, i % CHUNKS);
        let bits = |slot: usize| moved_chunk[slot % SIDE * CHUNKS + at];
        let ones = Operation::Parity.of((1 << (3 * digits(at))) - 1);
        counts.look_up(Operation::Chi, 2 * bits(slot) + (ones - bits(slot + 1)) + bits(slot + 2))
    });
    let iota_chunk =
        IOTA_CHUNKS.map(|at| counts.look_up(Operation::Parity, mixed_chunk[at] + constant(in_permutation, at)));
    keccak_rounds::Columns {
        row: small(row as u64),
        lane: from_fn(|slot| spread_lane(lane(sheets[slot], slot))),
        partial: sheets.map(|sheet| spread_sum(sheet, &mut (0..plane).map(|row| taken(sheet, row)))),
        total: sheets.map(|sheet| spread_sum(sheet, &mut (0..SIDE))),
        parity: sheets.map(|sheet| spread_lane(round.parity[sheet])),
        top: sheets.map(|sheet| small(top(sheet))),
        total_chunk: total_chunk.map(small),
        parity_chunk: parity_chunk.map(small),
        sum_chunk: sum_chunk.map(small),
        head: head.map(small),
        moved_chunk: moved_chunk.map(small),
        mixed_chunk: mixed_chunk.map(small),
        iota_chunk: iota_chunk.map(small),
    }
}
