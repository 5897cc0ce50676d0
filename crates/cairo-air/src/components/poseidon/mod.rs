//! The poseidon builtin: one permutation in eight rows. See README.md.

use super::component::{Component, ComponentError, Context, Occurrence};
use crate::components::columns::columns;
use crate::{Builtin, Segment, buses};
use felt::Felt;
use felt::poseidon::{CONSTANTS, HALF_FULL_SBOXES, PARTIAL_ROUNDS, SBOXES, WIDTH as ELEMENTS};
use stark::{Air, AirBuilder, AirError, Expr, Rows};

/// The kind: it has nothing but its name.
#[derive(Debug, Clone, Copy)]
pub struct Table;

impl Component for Table {
    fn name(&self) -> String {
        "poseidon".to_owned()
    }

    fn code(&self) -> u8 {
        48
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::Builtin(Builtin::Poseidon)
    }

    fn air(&self, context: Context<'_>) -> Result<Air, ComponentError> {
        let Segment { base, stop } = context.segment(Builtin::Poseidon)?;
        Ok(air(base, stop)?)
    }
}

/// Memory cells of an instance: three inputs, three outputs.
pub const CELLS: u64 = Builtin::Poseidon.cells_per_instance() as u64;

/// Rows of an instance: one of the first full rounds, six of partial rounds, one of the last full rounds.
pub const ROWS: usize = 8;

/// S-boxes in a row.
pub const SLOTS: usize = 14;

/// Rows with a part in this module's constraints.
const FIRST: usize = 0;
const LAST_PARTIAL: usize = ROWS - 2;
const LAST: usize = ROWS - 1;

/// The slot of the last partial round in its row.
const LAST_PARTIAL_SLOT: usize = (PARTIAL_ROUNDS - 1) % SLOTS;

// 83 partial rounds fill six rows but for one slot, and four full rounds fit into one.
const _: () = assert!(LAST_PARTIAL_SLOT == SLOTS - 2 && PARTIAL_ROUNDS.div_ceil(SLOTS) == ROWS - 2);
const _: () = assert!(HALF_FULL_SBOXES <= SLOTS && SBOXES == 2 * HALF_FULL_SBOXES + PARTIAL_ROUNDS);

columns! {
    /// Address of the instance's first cell.
    address,
    /// Inputs of S-boxes, round constants included; 0 where a row has fewer.
    input[14],
    /// In rows of partial rounds: the sum of the first two elements before the row's first round. In the first row the instance's first
    /// input, in the last its first output.
    sum,
    /// In rows of partial rounds: half the difference of the first two elements before the row's first round, which is the sum one round
    /// earlier. In the last row the third output.
    before,
    /// Inputs and outputs that are looked up in rows with no other place for them: in the first two rows the second and third input, in the
    /// last two the third and second output.
    cell,
}

/// The number of the S-box that a row has in a slot, in the order of the permutation.
pub const fn sbox(row: usize, slot: usize) -> Option<usize> {
    match row {
        FIRST if slot < HALF_FULL_SBOXES => Some(slot),
        LAST if slot < HALF_FULL_SBOXES => Some(HALF_FULL_SBOXES + PARTIAL_ROUNDS + slot),
        FIRST | LAST => None,
        _ => {
            let round = (row - 1) * SLOTS + slot;
            if round < PARTIAL_ROUNDS { Some(HALF_FULL_SBOXES + round) } else { None }
        }
    }
}

/// The constant that is part of the input in a slot; 0 in slots without an S-box.
fn constant(row: usize, slot: usize) -> Felt {
    sbox(row % ROWS, slot).and_then(|index| CONSTANTS.get(index)).copied().unwrap_or_default()
}

/// The AIR for the instances in `base..stop`.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air(base: u32, stop: u32) -> Result<Air, AirError> {
    let mut b = AirBuilder::new(Table.name());
    let columns = Columns::new(&mut b);
    let rows = Selectors::new(&mut b);
    super::constrain_segment(&mut b, &columns.address, CELLS, Some(&rows.last), (base, stop));
    let raw = Raw::new(&mut b, &columns);
    constrain_sboxes(&mut b, &columns, &rows, &raw);
    constrain_cells(&mut b, &columns, &rows, &raw);
    look_up(&mut b, columns, &rows);
    b.build()
}

/// Periodic columns that are 1 in one row of an instance, and what follows from them.
struct Selectors {
    first: Expr,
    last_partial: Expr,
    last: Expr,
    /// 1 in rows of partial rounds.
    partial: Expr,
    /// 1 in rows of partial rounds but the last of them.
    chained: Expr,
}

impl Selectors {
    fn new(b: &mut AirBuilder) -> Self {
        let mut selector = |row| b.periodic((0..ROWS).map(|r| Felt::from(u64::from(r == row))).collect());
        let (first, last_partial, last) = (selector(FIRST), selector(LAST_PARTIAL), selector(LAST));
        let partial = Expr::one() - &first - &last;
        let chained = &partial - &last_partial;
        Self { first, last_partial, last, partial, chained }
    }
}

/// Elements of the state as the mixing leaves them, before constants are added.
struct Raw {
    /// Those that become the inputs of a row's slots.
    here: Vec<Expr>,
    /// The same of the next row's first three slots.
    next: Vec<Expr>,
}

impl Raw {
    fn new(b: &mut AirBuilder, columns: &Columns<Expr>) -> Self {
        let inputs = columns.input.iter().enumerate();
        let constants: Vec<Expr> =
            inputs.clone().map(|(slot, _)| b.periodic((0..ROWS).map(|row| constant(row, slot)).collect())).collect();
        let here = columns.input.iter().zip(&constants).map(|(input, constant)| input - constant).collect();
        // Periodic columns have no next row: these are the same constants one row earlier.
        let next = inputs.take(ELEMENTS).map(|(slot, input)| {
            let constant = b.periodic((0..ROWS).map(|row| constant(row + 1, slot)).collect());
            b.next(input) - constant
        });
        Self { here, next: next.collect() }
    }
}

/// Eight times the cubes of a full round's three inputs, if the mixing makes these elements of them: the inverse of the matrix.
fn cubes_of_mixed([a, b, c]: [&Expr; ELEMENTS]) -> [Expr; ELEMENTS] {
    [a + b * 3 + c * 2, a * 3 - b * 7 - c * 2, (a - b - c * 2) * 2]
}

/// Every S-box: forty times the cube of an input is what the state after its round says that it is. No selector switches the cube off: where a
/// slot has no S-box, the other side is 0 and so is the input.
fn constrain_sboxes(b: &mut AirBuilder, columns: &Columns<Expr>, rows: &Selectors, raw: &Raw) {
    let (sums, _) = five_sums(columns, raw);
    let full = &rows.first + &rows.last;
    // The next row begins with sum and half difference of the first two elements, in place of these: the same inverse.
    let (s, d, w) = (b.next(&columns.sum), b.next(&columns.before), &raw.next[0]);
    let after_first = [(&s - &d + w) * 2, &d * 10 - &s * 2 - w * 2, (&d - w) * 4];
    let after_last = cubes_of_mixed([&columns.sum, &columns.cell, &columns.before]);
    for (slot, input) in columns.input.iter().enumerate() {
        // A partial round: w = s − 2·input³ for the last element w after it.
        let next = raw.here.get(slot + 1).unwrap_or(&raw.next[0]);
        let after_partial = (&sums[slot] - next * 5) * 4;
        let mut cubes = match slot {
            // The last partial round is followed by a full one, in whose first three slots the state is.
            LAST_PARTIAL_SLOT => &rows.partial * after_partial - &rows.last_partial * &raw.next[2] * 20,
            _ if slot > LAST_PARTIAL_SLOT => &rows.chained * after_partial,
            _ => &rows.partial * after_partial,
        };
        let (round, element) = (slot / ELEMENTS, slot % ELEMENTS);
        if slot + ELEMENTS < HALF_FULL_SBOXES {
            let start = (round + 1) * ELEMENTS;
            let mixed = cubes_of_mixed([&raw.here[start], &raw.here[start + 1], &raw.here[start + 2]]);
            cubes = cubes + &full * &mixed[element] * 5;
        } else if slot < HALF_FULL_SBOXES {
            cubes = cubes + (&rows.first * &after_first[element] + &rows.last * &after_last[element]) * 5;
        }
        b.constrain(format!("sbox[{slot}]"), Rows::All, input * input * input * 40 - cubes);
    }
}

/// In a row of partial rounds: five times the sum of the first two elements before the round of each slot, and after the last one as far as
/// this row tells it (with no more than 0 for the element that goes into the next row).
///
/// Let `s` be the sum of the first two elements before a round and `d` half their difference, so that the elements are `s/2 + d` and `s/2 − d`;
/// `y` the cube, and `w` the last element after the round: `w = s − 2y`. After it their sum is `4·(s/2 + d) + 2y = 3s + 4d − w`, and half their
/// difference `s`. So `d` is the sum one round earlier, and all follows from the sums and the last elements, linearly. With `f = s + d` and
/// `g = s − 4d` that becomes `4f − w` and `−g − w`, and `5s = 4f + g`.
fn five_sums(columns: &Columns<Expr>, raw: &Raw) -> (Vec<Expr>, Expr) {
    let mut f = &columns.sum + &columns.before;
    let mut g = &columns.sum - &columns.before * 4;
    let mut sums = vec![&f * 4 + &g];
    for last in raw.here.iter().skip(1) {
        (f, g) = (f * 4 - last, -g - last);
        sums.push(&f * 4 + &g);
    }
    // After the last slot: f becomes 4f and g becomes −g.
    (sums, f * 16 - g)
}

/// How rows go on from one to the next, and where inputs and outputs are.
fn constrain_cells(b: &mut AirBuilder, columns: &Columns<Expr>, rows: &Selectors, raw: &Raw) {
    let Columns { sum, before, cell, .. } = columns;
    let (sums, after) = five_sums(columns, raw);
    let last_sum = &sums[SLOTS - 1];
    // From one row of partial rounds to the next. The element that goes there counts −1 in the sum, so −5 here.
    let sum_after = after - &raw.next[0] * 5;
    let (next_sum, next_before, next_cell) = (b.next(sum), b.next(before), b.next(cell));
    b.constrain("next_sum", Rows::All, &rows.chained * (&next_sum * 5 - sum_after));
    b.constrain("next_before", Rows::All, &rows.chained * (&next_before * 5 - last_sum));
    // To the full rounds: the last slot of that row has no S-box, so its sum lacks the last element, which is the third of the next row.
    let half_difference = &sums[LAST_PARTIAL_SLOT];
    let sum_after = last_sum - &raw.next[2] * 5;
    let twice = [&raw.next[0] * 10, &raw.next[1] * 10];
    let elements = [&sum_after + half_difference * 2, &sum_after - half_difference * 2];
    for (i, (twice, element)) in twice.into_iter().zip(elements).enumerate() {
        b.constrain(format!("full_round[{i}]"), Rows::All, &rows.last_partial * (twice - element));
    }
    // Inputs and outputs, to where they are looked up.
    b.constrain("first_input", Rows::All, &rows.first * (sum - &raw.here[0]));
    b.constrain("second_input", Rows::All, &rows.first * (cell - &raw.here[1]));
    b.constrain("third_input", Rows::All, &rows.first * (next_cell - &raw.here[2]));
    b.constrain("third_output", Rows::All, &rows.last_partial * (cell - next_before));
}

/// The six cells: two by the column `sum`, four by the column `cell`.
fn look_up(b: &mut AirBuilder, columns: Columns<Expr>, rows: &Selectors) {
    let Columns { address, sum, cell, .. } = columns;
    let mut periodic = |values: [u64; ROWS]| b.periodic(values.map(Felt::from).to_vec());
    let looked_up = periodic([1, 1, 0, 0, 0, 0, 1, 1]);
    let offset = periodic([1, 2, 0, 0, 0, 0, 5, 4]);
    b.require("cell_sum", buses::MEMORY, &rows.first + &rows.last, [&address + &rows.last * 3, sum]);
    b.require("cell", buses::MEMORY, looked_up, [address + offset, cell]);
}
