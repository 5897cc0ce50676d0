//! The keccak builtin: its cells, in 16 rows an instance. See README.md.

use super::component::{Component, ComponentError, Context, Occurrence};
use super::keccak_chunks::octal;
use super::keccak_rounds;
use super::line::selector;
use crate::components::columns::columns;
use crate::keccak::{LANE_BITS, LANES, WORD_BYTES, WORDS};
use crate::{Builtin, Segment, buses};
use felt::Felt;
use stark::{Air, AirBuilder, AirError, Expr, Rows};

/// The kind: it has nothing but its name.
#[derive(Debug, Clone, Copy)]
pub struct Table;

impl Component for Table {
    fn name(&self) -> String {
        "keccak".to_owned()
    }

    fn code(&self) -> u8 {
        49
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::Builtin(Builtin::Keccak)
    }

    fn air(&self, context: Context<'_>) -> Result<Air, ComponentError> {
        let Segment { base, stop } = context.segment(Builtin::Keccak)?;
        Ok(air(base, stop)?)
    }
}

/// Memory cells of an instance: the state before the permutation, the state after it.
pub const CELLS: u64 = Builtin::Keccak.cells_per_instance() as u64;

/// Rows of an instance: one for each cell.
pub const ROWS: usize = CELLS as usize;

/// Bytes of a lane.
const LANE_BYTES: usize = LANE_BITS / 8;

/// Places of an instance's lanes on the bus, see [`keccak_rounds`].
const PLACES: u64 = keccak_rounds::PLACES as u64;

columns! {
    /// Address of the instance's first cell.
    address,
    /// The first place of the instance's lanes.
    place,
    /// The bytes of the row's cell, the lowest first.
    byte[25],
    /// The same with their bits spread.
    spread[25],
    /// The three lanes that end in this cell and begin in it or in the one before.
    lane[3],
    /// What the cell has of a further lane; all of it in the last cell of a state.
    rest,
}

/// The AIR for the instances in `base..stop`.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air(base: u32, stop: u32) -> Result<Air, AirError> {
    let mut b = AirBuilder::new(Table.name());
    let columns = Columns::new(&mut b);
    let end = selector(&mut b, ROWS, |row| row + 1 == ROWS);
    super::constrain_segment(&mut b, &columns.address, CELLS, Some(&end), (base, stop));
    b.constrain("next_place", Rows::Transition, b.next(&columns.place) - &columns.place - end * PLACES);
    constrain_lanes(&mut b, &columns);
    look_up(&mut b, columns);
    b.build()
}

/// The lanes made of spread bytes. A cell has 25 bytes and three lanes 24: cell `i` of a state begins with the last `8 − i` bytes of a lane.
fn constrain_lanes(b: &mut AirBuilder, columns: &Columns<Expr>) {
    let Columns { spread, lane, rest, .. } = columns;
    let words: Vec<Expr> = (0..WORDS).map(|word| selector(b, WORDS, |row| row == word)).collect();
    // Bytes of a cell from one on as the lowest bytes of a lane, or as those from `at` on.
    let joined = |spread: &[Expr], from: usize, count: usize, at: usize| {
        let bytes = spread.iter().skip(from).take(count).enumerate();
        Expr::sum(bytes.map(|(i, byte)| byte * octal(8 * (at + i))))
    };
    let next_spread: Vec<Expr> = spread.iter().map(|byte| b.next(byte)).collect();
    let by_word = |of: &dyn Fn(usize) -> Expr| Expr::sum(words.iter().enumerate().map(|(word, on)| on * of(word)));
    let first = by_word(&|word| {
        let next = (word + 1) % WORDS;
        let begun = if next == 0 { Expr::zero() } else { rest.clone() };
        begun + joined(&next_spread, 0, LANE_BYTES - next, next)
    });
    b.constrain("lane[0]", Rows::All, b.next(&lane[0]) - first);
    for (i, lane) in lane.iter().enumerate().skip(1) {
        let whole = by_word(&|word| joined(spread, LANE_BYTES * i - word, LANE_BYTES, 0));
        b.constrain(format!("lane[{i}]"), Rows::All, lane - whole);
    }
    let begun = by_word(&|word| joined(spread, LANE_BYTES * 3 - word, word + 1, 0));
    b.constrain("rest", Rows::All, rest - begun);
}

fn look_up(b: &mut AirBuilder, columns: Columns<Expr>) {
    let Columns { address, place, byte, spread, lane, rest } = columns;
    let number = b.periodic((0..ROWS as u64).map(Felt::from).collect());
    let cell = Expr::sum(byte.iter().enumerate().map(|(i, byte)| byte * Felt::from(2).pow(8 * i as u64)));
    b.require("cell", buses::MEMORY, Expr::one(), [address + number, cell]);
    for (i, (byte, spread)) in byte.into_iter().zip(spread).enumerate() {
        b.require(format!("byte[{i}]"), buses::KECCAK_BYTE, Expr::one(), [byte, spread]);
    }
    // The rounds take lanes of the state before them, and give those of the state after them.
    let side = |row: usize| if row < WORDS { Felt::one() } else { -Felt::one() };
    let first = |row: usize| {
        let start = if row < WORDS { keccak_rounds::FIRST_PLACE } else { keccak_rounds::LAST_PLACE };
        Felt::from((start + 3 * (row % WORDS)) as u64)
    };
    let given = b.periodic((0..ROWS).map(side).collect());
    let last = |row: usize| if row % WORDS == WORDS - 1 { side(row) } else { Felt::zero() };
    let last_given = b.periodic((0..ROWS).map(last).collect());
    let place = place + b.periodic((0..ROWS).map(first).collect());
    for (i, lane) in lane.into_iter().enumerate() {
        b.provide(format!("lane[{i}]"), buses::KECCAK_LANE, given.clone(), [&place + i as u64, lane]);
    }
    b.provide("last_lane", buses::KECCAK_LANE, last_given, [place + 3, rest]);
}

// Three lanes end in each cell, and one more in the last.
const _: () = assert!(3 * WORDS + 1 == LANES && WORDS * WORD_BYTES == LANES * LANE_BYTES);
