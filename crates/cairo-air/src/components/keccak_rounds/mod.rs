//! The rounds of Keccak-f, five rows each. See README.md.

use super::component::{Component, ComponentError, Context, Occurrence};
use super::keccak_chunks::{Operation, octal, spread};
use super::line::selector;
use crate::buses;
use crate::components::columns::columns;
use crate::keccak::{CONSTANTS, LANE_BITS, LANES, OFFSETS, ROUNDS, SIDE};
use felt::Felt;
use stark::{Air, AirBuilder, AirError, Expr, Rows};
use std::array::from_fn;

/// The kind: it has nothing but its name.
#[derive(Debug, Clone, Copy)]
pub struct Table;

impl Component for Table {
    fn name(&self) -> String {
        "keccak_rounds".to_owned()
    }

    fn code(&self) -> u8 {
        50
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::IfRequired(buses::KECCAK_LANE)
    }

    fn air(&self, _context: Context<'_>) -> Result<Air, ComponentError> {
        Ok(air()?)
    }
}

/// Rows of a permutation.
pub const ROWS: usize = 128;

/// Rows without work, before those of the rounds.
pub const IDLE: usize = ROWS - ROUNDS * SIDE;

/// Places of lanes in a permutation.
pub const PLACES: usize = ROWS * SIDE;

/// The place of the first lane before the first round: the five rows before it give no lanes of their own.
pub const FIRST_PLACE: usize = (IDLE - SIDE) * SIDE;

/// The place of the first lane after the last round.
pub const LAST_PLACE: usize = PLACES - LANES;

/// Digits of a chunk of a moved lane; the last one has one less.
pub const DIGITS: usize = 5;

/// Chunks of a moved lane.
pub const CHUNKS: usize = LANE_BITS.div_ceil(DIGITS);

/// Digits of a chunk of a column's total.
pub const TOTAL_DIGITS: usize = 4;

/// Chunks with bits of round constants.
pub const IOTA_CHUNKS: [usize; SIDE] = [0, 1, 3, 6, 12];

const _: () = assert!(IDLE > SIDE && CHUNKS * DIGITS == LANE_BITS + 1);

columns! {
    /// The row's number.
    row,
    /// The lanes that the row takes, see [`sheet`], and all columns below by the same slots.
    lane[5],
    /// The sum of the lanes of the slot's sheet that the round's rows before took.
    partial[5],
    /// The sum of all lanes of the slot's sheet.
    total[5],
    /// Its parity.
    parity[5],
    /// The parity's highest bit.
    top[5],
    /// The chunks of the first slot's total.
    total_chunk[16],
    /// The chunks of its parity.
    parity_chunk[16],
    /// For each slot the chunks of the lane and of what θ adds to it, moved by ρ.
    sum_chunk[65],
    /// For each slot: in the chunk where the lane's lowest bit is moved to, the number of the digits below it.
    head[5],
    /// The chunks of the lanes after θ and ρ.
    moved_chunk[65],
    /// The chunks of the lanes after χ.
    mixed_chunk[65],
    /// Those of the first slot that ι changes, after it.
    iota_chunk[5],
}

/// The slot from which a sheet comes to the first.
const BEFORE_CHUNKS: usize = 3;

/// Digits of a chunk.
pub const fn digits(chunk: usize) -> usize {
    if chunk + 1 == CHUNKS { DIGITS - 1 } else { DIGITS }
}

/// The sheet of a slot's lane in row `plane` of a round; its plane is the slot. So π moves it to this plane, and in it to the sheet of the slot's
/// number.
pub const fn sheet(plane: usize, slot: usize) -> usize {
    (slot + 3 * plane) % SIDE
}

/// How far a slot's lane is rotated.
pub const fn offset(plane: usize, slot: usize) -> usize {
    OFFSETS[slot][sheet(plane, slot)]
}

/// The chunk of a rotated lane in which the lane's lowest bit is not the lowest, and how many digits of it lie below.
pub const fn cut(plane: usize, slot: usize) -> Option<(usize, usize)> {
    let offset = offset(plane, slot);
    match offset % DIGITS {
        0 => None,
        digits => Some((offset / DIGITS, digits)),
    }
}

/// The round and the plane of one of a permutation's rows; `None` if it is idle.
pub const fn round_of(row: usize) -> Option<(usize, usize)> {
    match row.checked_sub(IDLE) {
        Some(row) => Some((row / SIDE, row % SIDE)),
        None => None,
    }
}

/// The AIR.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air() -> Result<Air, AirError> {
    let mut b = AirBuilder::new(Table.name());
    let columns = Columns::new(&mut b);
    b.constrain("first_row", Rows::First, columns.row.clone());
    b.constrain("next_row", Rows::Transition, b.next(&columns.row) - &columns.row - 1);
    let planes: [Expr; SIDE] =
        from_fn(|plane| selector(&mut b, ROWS, |row| round_of(row).is_some_and(|(_, found)| found == plane)));
    constrain_totals(&mut b, &columns, &planes);
    constrain_moves(&mut b, &columns, &planes);
    let lanes = look_up_chunks(&mut b, &columns);
    look_up_lanes(&mut b, columns, &planes, lanes);
    b.build()
}

/// θ's parities: each row adds its lanes to their sheets' sums, and has the parity of one sheet.
fn constrain_totals(b: &mut AirBuilder, columns: &Columns<Expr>, planes: &[Expr; SIDE]) {
    let Columns { lane, partial, total, parity, top, total_chunk, parity_chunk, .. } = columns;
    let [first, .., last] = planes;
    let not_last = Expr::sum(planes.iter().take(SIDE - 1).cloned());
    for slot in 0..SIDE {
        // Where the slot's sheet is in the next row: sheet(plane, slot) = sheet(plane + 1, next).
        let next = (slot + 2) % SIDE;
        let sum = &partial[slot] + &lane[slot];
        b.constrain(format!("first_partial[{slot}]"), Rows::All, first * &partial[slot]);
        b.constrain(format!("next_partial[{slot}]"), Rows::All, &not_last * (b.next(&partial[next]) - &sum));
        b.constrain(format!("total[{slot}]"), Rows::All, last * (&total[slot] - sum));
        for (name, column) in [("total", total), ("parity", parity), ("top", top)] {
            // A total is of no use before the row that has its chunks, which is always the next one where the sheet is in this slot.
            if name == "total" && slot == BEFORE_CHUNKS {
                continue;
            }
            let difference = b.next(&column[next]) - &column[slot];
            b.constrain(format!("same_{name}[{slot}]"), Rows::All, &not_last * difference);
        }
    }
    let whole = |chunks: &[Expr]| joined(chunks, TOTAL_DIGITS);
    b.constrain("total_chunks", Rows::All, &total[0] - whole(total_chunk));
    b.constrain("parity_chunks", Rows::All, &parity[0] - whole(parity_chunk));
}

/// θ and ρ: a lane with the parities of the sheets beside it is its moved chunks, each from where it came.
fn constrain_moves(b: &mut AirBuilder, columns: &Columns<Expr>, planes: &[Expr; SIDE]) {
    let Columns { lane, parity, top, sum_chunk, head, .. } = columns;
    for slot in 0..SIDE {
        let (before, after) = ((slot + SIDE - 1) % SIDE, (slot + 1) % SIDE);
        // The parity of the sheet after it, rotated by one.
        let rotated = &parity[after] * 8 - &top[after] * (octal(LANE_BITS) - Felt::one());
        let sum = &lane[slot] + &parity[before] + rotated;
        let chunks = &sum_chunk[CHUNKS * slot..CHUNKS * (slot + 1)];
        let moved = planes.iter().enumerate().map(|(plane, on)| on * unmoved(chunks, &head[slot], (plane, slot)));
        let any = Expr::sum(planes.iter().cloned());
        b.constrain(format!("moved[{slot}]"), Rows::All, any * sum - Expr::sum(moved));
    }
}

/// The lane whose moved chunks these are. A chunk that holds the lane's lowest bit above `j` digits of its highest, which are `head`, counts
/// as `8^(64 − j)·head + (chunk − head)/8^j`.
fn unmoved(chunks: &[Expr], head: &Expr, (plane, slot): (usize, usize)) -> Expr {
    let offset = offset(plane, slot);
    Expr::sum(chunks.iter().enumerate().map(|(chunk, value)| match cut(plane, slot) {
        Some((cut, digits)) if cut == chunk => {
            let down = octal(digits).inv().unwrap_or_default();
            value * down + head * (octal(LANE_BITS - digits) - down)
        }
        _ => value * octal((DIGITS * chunk + LANE_BITS - offset) % LANE_BITS),
    }))
}

/// Chunks put together.
fn joined(chunks: &[Expr], digits: usize) -> Expr {
    Expr::sum(chunks.iter().enumerate().map(|(i, chunk)| chunk * octal(digits * i)))
}

/// All that is looked up of chunks; gives the lanes after the round.
fn look_up_chunks(b: &mut AirBuilder, columns: &Columns<Expr>) -> [Expr; SIDE] {
    let Columns { top, total_chunk, parity_chunk, sum_chunk, head, moved_chunk, mixed_chunk, iota_chunk, .. } = columns;
    let chunk = |b: &mut AirBuilder, name: String, operation: Operation, of: Expr, result: &Expr| {
        b.require(name, buses::KECCAK_CHUNK, Expr::one(), [operation.number().into(), of, result.clone()]);
    };
    for (i, (total, parity)) in total_chunk.iter().zip(parity_chunk).enumerate() {
        chunk(b, format!("total_chunk[{i}]"), Operation::Parity4, total.clone(), parity);
    }
    // The highest of the last chunk's four digits: without it eight times the chunk is below 2^12.
    let last = &parity_chunk[LANE_BITS / TOTAL_DIGITS - 1] - &top[0] * octal(TOTAL_DIGITS - 1);
    b.require("top", buses::WORD12, Expr::one(), [last * 8]);
    for (i, (sum, moved)) in sum_chunk.iter().zip(moved_chunk).enumerate() {
        let operation = if digits(i % CHUNKS) == DIGITS { Operation::Parity } else { Operation::Parity4 };
        chunk(b, format!("sum_chunk[{i}]"), operation, sum.clone(), moved);
    }
    for (slot, head) in head.iter().enumerate() {
        b.require(format!("head[{slot}]"), buses::WORD12, Expr::one(), [head.clone()]);
    }
    for (i, mixed) in mixed_chunk.iter().enumerate() {
        let (slot, at) = (i / CHUNKS, i % CHUNKS);
        let bits = |slot: usize| &moved_chunk[slot % SIDE * CHUNKS + at];
        let ones = Operation::Parity.of((1 << (3 * digits(at))) - 1);
        // In each digit 2a + 1 − b + c, which χ is told by: see the operation.
        let of = bits(slot) * 2 + ones - bits(slot + 1) + bits(slot + 2);
        chunk(b, format!("mixed_chunk[{i}]"), Operation::Chi, of, mixed);
    }
    let mut lanes: [Vec<Expr>; SIDE] = from_fn(|slot| mixed_chunk[CHUNKS * slot..CHUNKS * (slot + 1)].to_vec());
    for (i, (at, result)) in IOTA_CHUNKS.into_iter().zip(iota_chunk).enumerate() {
        let constant = b.periodic((0..ROWS).map(|row| Felt::from(constant(row, at))).collect());
        chunk(b, format!("iota_chunk[{i}]"), Operation::Parity, &lanes[0][at] + constant, result);
        lanes[0][at] = result.clone();
    }
    lanes.map(|chunks| joined(&chunks, DIGITS))
}

/// A chunk of what ι adds to the first slot of one of a permutation's rows, its bits spread.
pub fn constant(row: usize, chunk: usize) -> u64 {
    match round_of(row) {
        Some((round, 0)) => spread(CONSTANTS[round] >> (DIGITS * chunk) & ((1 << DIGITS) - 1)),
        _ => 0,
    }
}

/// The row takes lanes of the rows of the round before, and gives its own.
fn look_up_lanes(b: &mut AirBuilder, columns: Columns<Expr>, planes: &[Expr; SIDE], lanes: [Expr; SIDE]) {
    let Columns { row, lane, .. } = columns;
    let any = Expr::sum(planes.iter().cloned());
    for (slot, lane) in lane.into_iter().enumerate() {
        // Of the row of plane `slot` in the round before, the slot of the sheet.
        let back = planes.iter().enumerate().map(|(plane, on)| {
            let sheet = Felt::from(sheet(plane, slot) as u64);
            on * (sheet - Felt::from((SIDE * (plane + SIDE - slot)) as u64))
        });
        let place = &row * SIDE as u64 + Expr::sum(back);
        b.require(format!("lane[{slot}]"), buses::KECCAK_LANE, any.clone(), [place, lane]);
    }
    for (slot, lane) in lanes.into_iter().enumerate() {
        let place = &row * SIDE as u64 + slot as u64;
        b.provide(format!("next_lane[{slot}]"), buses::KECCAK_LANE, any.clone(), [place, lane]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// In the five rows of a round each lane is taken once, and π moves it to the slot that takes it.
    #[test]
    fn each_lane_is_taken_once() {
        let mut lanes = BTreeSet::new();
        for (plane, slot) in (0..SIDE).flat_map(|plane| (0..SIDE).map(move |slot| (plane, slot))) {
            let (x, y) = (sheet(plane, slot), slot);
            assert_eq!(((2 * x + 3 * y) % SIDE, y), (plane, slot));
            // The next row has the same sheet two slots on.
            assert_eq!(sheet(plane + 1, slot + 2), x);
            lanes.insert((x, y));
        }
        assert_eq!(lanes.len(), LANES);
    }

    /// In each sheet some lane has no chunk that is cut: only then is the parity's highest bit what it should be.
    #[test]
    fn each_sheet_has_a_lane_without_a_cut() {
        for x in 0..SIDE {
            let lanes = (0..SIDE).flat_map(|plane| (0..SIDE).map(move |slot| (plane, slot)));
            assert!(lanes.filter(|at| sheet(at.0, at.1) == x).any(|(plane, slot)| cut(plane, slot).is_none()));
        }
    }

    /// Constants have no bits but in the chunks that ι may change.
    #[test]
    fn constants_lie_in_their_chunks() {
        let others: Vec<usize> = (0..CHUNKS).filter(|chunk| !IOTA_CHUNKS.contains(chunk)).collect();
        assert!((0..ROWS).all(|row| others.iter().all(|chunk| constant(row, *chunk) == 0)));
        assert!(IOTA_CHUNKS.into_iter().all(|chunk| (0..ROWS).any(|row| constant(row, chunk) != 0)));
    }
}
