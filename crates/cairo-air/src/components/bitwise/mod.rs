//! The bitwise builtin: and, xor, or of 251-bit words, 16 rows an instance. See README.md.

use crate::buses;
use crate::components::columns::columns;
use felt::Felt;
use stark::{Air, AirBuilder, AirError, Expr, Rows};

/// Rows of an instance; each takes 16 bits, the most significant first.
pub const ROWS: usize = 16;

/// Memory cells of an instance: x, y, x & y, x ^ y, x | y.
pub const CELLS: u64 = 5;

/// Nibbles of a row.
pub const NIBBLES: usize = 4;

columns! {
    /// Address of the instance's first cell.
    address,
    /// Nibbles of x in this row, least significant first. In an instance's first row the last one is twice the one before.
    x[4],
    /// The same of y.
    y[4],
    /// Conjunctions of the nibbles.
    and[4],
    /// Bits of x taken so far, as a number.
    x_sum,
    /// The same of y.
    y_sum,
    /// The same of the conjunction.
    and_sum,
}

/// The AIR for the instances in `base..stop`.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air(base: u32, stop: u32) -> Result<Air, AirError> {
    let mut b = AirBuilder::new("bitwise");
    let Columns { address, x, y, and, x_sum, y_sum, and_sum } = Columns::new(&mut b);
    let selector = |row: usize| (0..ROWS).map(|r| if r == row { Felt::one() } else { Felt::zero() }).collect();
    let first: Expr = b.periodic(selector(0));
    let last: Expr = b.periodic(selector(ROWS - 1));

    // Within an instance the address stays, from one instance to the next it moves by one instance or not at all.
    super::constrain_segment(&mut b, &address, CELLS, Some(&last), (base, stop));
    for i in 0..NIBBLES {
        let triple = [x[i].clone(), y[i].clone(), and[i].clone()];
        b.require(format!("nibbles[{i}]"), buses::NIBBLE_AND, Expr::one(), triple);
    }
    // An instance's first row takes 11 bits, so that x and y are integers below 2^251 < p and their bits are unique. Its
    // last nibble is no part of the word but twice nibble 2, which is therefore below 8.
    for (name, nibbles) in [("x", &x), ("y", &y)] {
        b.constrain(format!("first_{name}"), Rows::All, &first * (&nibbles[3] - &nibbles[2] * 2));
    }
    for (name, sum, nibbles) in [("x", &x_sum, &x), ("y", &y_sum, &y), ("and", &and_sum, &and)] {
        let low = &nibbles[0] + &nibbles[1] * 16 + &nibbles[2] * 256;
        let high = &nibbles[3] * 4096;
        b.constrain(format!("start_{name}"), Rows::All, &first * (sum - &low));
        // Height is a multiple of 16, so the row after the last one is an instance's first, where this says nothing.
        let next = b.next(sum) - sum * (1 << 16) - b.next(&low) - b.next(&high);
        b.constrain(format!("add_{name}"), Rows::All, (Expr::one() - &last) * next);
    }
    // Bitwise, x + y = 2·(x & y) + (x ^ y) and x | y = (x & y) + (x ^ y), as integers below 2^252.
    let cells = [
        ("cell_x", x_sum.clone()),
        ("cell_y", y_sum.clone()),
        ("cell_and", and_sum.clone()),
        ("cell_xor", &x_sum + &y_sum - &and_sum * 2),
        ("cell_or", &x_sum + &y_sum - &and_sum),
    ];
    for (offset, (name, value)) in cells.into_iter().enumerate() {
        b.require(name, buses::MEMORY, last.clone(), [&address + offset as u64, value]);
    }
    b.build()
}
