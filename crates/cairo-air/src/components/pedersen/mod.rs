//! The pedersen builtin: 32 rows an instance, four digits each. See README.md.

use super::component::{Component, ComponentError, Context, Occurrence};
use super::line::{At, Line, selector};
use crate::components::columns::columns;
use crate::{Builtin, Segment, buses};
use felt::Felt;
use stark::{Air, AirBuilder, AirError, Expr, Rows};
use stark_curve::pedersen::{DIGITS, TABLE};

/// The kind: it has nothing but its name.
#[derive(Debug, Clone, Copy)]
pub struct Table;

impl Component for Table {
    fn name(&self) -> String {
        "pedersen".to_owned()
    }

    fn code(&self) -> u8 {
        34
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::Builtin(Builtin::Pedersen)
    }

    fn air(&self, context: Context<'_>) -> Result<Air, ComponentError> {
        let Segment { base, stop } = context.segment(Builtin::Pedersen)?;
        Ok(air(base, stop)?)
    }
}

/// Memory cells of an instance: `x`, `y`, the hash.
pub const CELLS: u64 = Builtin::Pedersen.cells_per_instance() as u64;

/// Digits of a row.
pub const PER_ROW: usize = 4;

/// Rows of an input.
pub const INPUT_ROWS: usize = DIGITS / PER_ROW;

/// Rows of an instance.
pub const ROWS: usize = 2 * INPUT_ROWS;

/// Added to the number of an input's place 62 where its digit is 8: see [`pedersen_points`](super::pedersen_points).
pub const TIGHT: u64 = 2 * DIGITS as u64;

columns! {
    /// Address of the instance's first cell.
    address,
    /// The digits of the rows before, of the same input, as a number.
    prefix,
    /// 1 if the input's digits so far are those of `p − 1`.
    tight,
    /// Digits, the most significant first.
    digit[4],
    /// `x` of the sums before the digits' points are added.
    sum_x[4],
    /// `y` of the first of them.
    sum_y,
    /// `x` of the digits' points.
    point_x[4],
    /// The slopes of the lines through sums and points.
    slope[4],
}

/// The AIR for the instances in `base..stop`.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air(base: u32, stop: u32) -> Result<Air, AirError> {
    let mut b = AirBuilder::new("pedersen");
    let columns = Columns::new(&mut b);
    let end = selector(&mut b, ROWS, |row| row + 1 == ROWS);
    super::constrain_segment(&mut b, &columns.address, CELLS, Some(&end), (base, stop));
    let hash = constrain_sums(&mut b, &columns, &end);
    let input_end = selector(&mut b, INPUT_ROWS, |row| row + 1 == INPUT_ROWS);
    let input = constrain_digits(&mut b, &columns, &input_end);
    let second = selector(&mut b, ROWS, |row| row >= INPUT_ROWS);
    let Columns { address, .. } = columns;
    b.require("input", buses::MEMORY, input_end, [&address + second, input]);
    b.require("hash", buses::MEMORY, end, [address + 2, hash]);
    b.build()
}

/// The sum goes on by a point for each digit. Gives `x` of the sum behind the row.
fn constrain_sums(b: &mut AirBuilder, columns: &Columns<Expr>, end: &Expr) -> Expr {
    let Columns { tight, digit, sum_x, sum_y, point_x, slope, .. } = columns;
    let start = selector(b, ROWS, |row| row == 0);
    b.constrain("start_x", Rows::All, &start * (&sum_x[0] - Expr::from(TABLE.start().x)));
    b.constrain("start_y", Rows::All, &start * (sum_y - Expr::from(TABLE.start().y)));
    // The number of the row's first place among those of both inputs; an input's places count down from 63.
    let place = |row: usize| (row / INPUT_ROWS * DIGITS + DIGITS - 1 - row % INPUT_ROWS * PER_ROW) as u64;
    let place = b.periodic((0..ROWS).map(|row| Felt::from(place(row))).collect());
    let input_start = selector(b, INPUT_ROWS, |row| row == 0);
    let mut sum = At::new(&sum_x[0], sum_y);
    let mut behind = Vec::new();
    for i in 0..PER_ROW {
        // The point's y is what the chord makes of it, and its lookup says that it is. So the chord needs no constraint of its own.
        let point = At { y: &sum.y - &slope[i] * (&sum.x - &point_x[i]), x: point_x[i].clone() };
        let line = Line { slope: &slope[i], a: &sum, b: &point };
        line.constrain_tangent(b, &format!("sum[{i}]"));
        let marked = if i == 1 { &input_start * tight * TIGHT } else { Expr::zero() };
        let number = &place - i as u64 + marked;
        b.require(
            format!("point[{i}]"),
            buses::PEDERSEN_POINT,
            Expr::one(),
            [number, digit[i].clone(), point.x.clone(), point.y.clone()],
        );
        let next_x = if i + 1 < PER_ROW { sum_x[i + 1].clone() } else { b.next(&sum_x[0]) };
        behind.push((next_x.clone(), line.sum_x()));
        sum = At { y: line.sum_y(&next_x), x: next_x };
    }
    for (i, (next_x, expected)) in behind.iter().enumerate().take(PER_ROW - 1) {
        b.constrain(format!("sum_x[{}]", i + 1), Rows::All, next_x - expected);
    }
    let last = behind.pop().map_or_else(Expr::zero, |(_, expected)| expected);
    let not_end = Expr::one() - end;
    b.constrain("next_sum_x", Rows::All, &not_end * (&sum.x - &last));
    b.constrain("next_sum_y", Rows::All, &not_end * (b.next(sum_y) - &sum.y));
    last
}

/// The digits make up the input, and are those of an integer below `p`. Gives the number of the digits up to this row's.
fn constrain_digits(b: &mut AirBuilder, columns: &Columns<Expr>, input_end: &Expr) -> Expr {
    let Columns { prefix, tight, digit, .. } = columns;
    let number = digit.iter().fold(prefix.clone(), |number, digit| number * 16 + digit);
    let not_end = Expr::one() - input_end;
    b.constrain("next_prefix", Rows::All, b.next(prefix) - &not_end * &number);

    // The digits of p − 1 = 2^251 + 17·2^192 are 8 at place 62 (row 0), 1 at 49 and 48 (row 3), and 0. An input is at most that if, as long as its
    // digits are the same, none is larger. While they are, `tight` is 1. See README.md.
    b.constrain_boolean("boolean_tight", tight);
    let selector_of = |b: &mut AirBuilder, rows: fn(usize) -> bool| selector(b, INPUT_ROWS, rows);
    let stays = selector_of(b, |row| ![3, 4, INPUT_ROWS - 1].contains(&row));
    let place_49 = selector_of(b, |row| row == 3);
    let place_47 = selector_of(b, |row| row == 4);
    let upper_zero = selector_of(b, |row| row != 0 && row != 4);
    let lower_zero = selector_of(b, |row| row != 3 && row != 4);
    let zeros = upper_zero * (&digit[0] + &digit[1]) + lower_zero * (&digit[2] + &digit[3]);
    b.constrain("tight_zeros", Rows::All, tight * zeros);
    let next_tight = b.next(tight);
    b.constrain("same_tight", Rows::All, stays * (&next_tight - tight));
    b.constrain("tight_49", Rows::All, place_49 * (&next_tight - tight * &digit[2]));
    // On row 4 the prefix is that of p − 1 before its last 1, or one more, if it is tight up to place 49.
    let before = Felt::from(2).pow(59_u64) + Felt::from(16);
    b.constrain("tight_48", Rows::All, &place_47 * (&next_tight - tight * (prefix - Expr::from(before))));
    let all = Expr::sum(digit.iter().cloned());
    b.constrain("tight_47", Rows::All, place_47 * next_tight * all);
    number
}
