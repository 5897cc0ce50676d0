//! The bitwise builtin: and, xor, or of words, 1 to 16 rows an instance by the size of the inputs. See README.md.

use super::component::{Component, ComponentError, Context, Family, Occurrence};
use crate::components::columns::columns;
use crate::{Builtin, Segment, buses};
use felt::Felt;
use stark::{Air, AirBuilder, AirError, Expr, Rows};

/// The size of all inputs, which decides how many rows an instance has. Each row takes 16 bits, the most significant first. The order is that
/// of tables in a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BitwiseSize {
    /// Below 2^251, which the builtin demands: 16 rows, the first of which takes 11 bits.
    Any,
    /// Below 2^16: one row.
    Bits16,
    /// Below 2^32: two rows.
    Bits32,
    /// Below 2^64: four rows.
    Bits64,
    /// Below 2^128: eight rows.
    Bits128,
}

impl BitwiseSize {
    /// All sizes, the smallest first.
    pub const ALL: [Self; 5] = [Self::Bits16, Self::Bits32, Self::Bits64, Self::Bits128, Self::Any];

    /// Rows of an instance.
    pub const fn rows(self) -> usize {
        match self {
            Self::Bits16 => 1,
            Self::Bits32 => 2,
            Self::Bits64 => 4,
            Self::Bits128 => 8,
            Self::Any => 16,
        }
    }

    /// Bits of an input.
    pub const fn bits(self) -> u32 {
        match self {
            Self::Any => 251,
            _ => 16 * self.rows() as u32,
        }
    }
}

impl Component for BitwiseSize {
    fn name(&self) -> String {
        match self {
            Self::Any => "bitwise".to_owned(),
            _ => format!("bitwise{}", self.bits()),
        }
    }

    fn code(&self) -> u8 {
        match self {
            Self::Any => 11,
            Self::Bits16 => 14,
            Self::Bits32 => 15,
            Self::Bits64 => 16,
            Self::Bits128 => 17,
        }
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::Builtin(Builtin::Bitwise)
    }

    fn air(&self, context: Context<'_>) -> Result<Air, ComponentError> {
        let Segment { base, stop } = context.segment(Builtin::Bitwise)?;
        Ok(air(*self, base, stop)?)
    }
}

impl Family for BitwiseSize {
    const PLAIN: &'static [Self] = &[Self::Any, Self::Bits16, Self::Bits32, Self::Bits64, Self::Bits128];
}

/// Memory cells of an instance: x, y, x & y, x ^ y, x | y.
pub const CELLS: u64 = Builtin::Bitwise.cells_per_instance() as u64;

/// Nibbles of a row.
pub const NIBBLES: usize = 4;

columns! {
    /// Address of the instance's first cell.
    address,
    /// Nibbles of x in this row, least significant first. If inputs are of any size, the last one in an instance's first row is twice
    /// the one before.
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

/// The AIR for the instances in `base..stop`, whose inputs are of this size.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air(size: BitwiseSize, base: u32, stop: u32) -> Result<Air, AirError> {
    let mut b = AirBuilder::new(size.name());
    let Columns { address, x, y, and, x_sum, y_sum, and_sum } = Columns::new(&mut b);
    let rows = size.rows();
    // If an instance is a single row, every row is its first and its last.
    let mut selector = |row: usize| match rows {
        1 => Expr::one(),
        _ => b.periodic((0..rows).map(|r| if r == row { Felt::one() } else { Felt::zero() }).collect()),
    };
    let (first, last) = (selector(0), selector(rows - 1));

    // Within an instance the address stays, from one instance to the next it moves by one instance or not at all.
    super::constrain_segment(&mut b, &address, CELLS, (rows > 1).then_some(&last), (base, stop));
    for i in 0..NIBBLES {
        let triple = [x[i].clone(), y[i].clone(), and[i].clone()];
        b.require(format!("nibbles[{i}]"), buses::NIBBLE_AND, Expr::one(), triple);
    }
    if size == BitwiseSize::Any {
        // An instance's first row takes 11 bits, so that x and y are integers below 2^251 < p and their bits are unique. Its
        // last nibble is no part of the word but twice nibble 2, which is therefore below 8.
        for (name, nibbles) in [("x", &x), ("y", &y)] {
            b.constrain(format!("first_{name}"), Rows::All, &first * (&nibbles[3] - &nibbles[2] * 2));
        }
    }
    for (name, sum, nibbles) in [("x", &x_sum, &x), ("y", &y_sum, &y), ("and", &and_sum, &and)] {
        let low = &nibbles[0] + &nibbles[1] * 16 + &nibbles[2] * 256;
        let high = &nibbles[3] * 4096;
        let start = if size == BitwiseSize::Any { low.clone() } else { &low + &high };
        b.constrain(format!("start_{name}"), Rows::All, &first * (sum - start));
        if rows > 1 {
            // Height is a multiple of an instance's rows, so the row after the last one is an instance's first, where this says
            // nothing.
            let next = b.next(sum) - sum * (1 << 16) - b.next(&low) - b.next(&high);
            b.constrain(format!("add_{name}"), Rows::All, (Expr::one() - &last) * next);
        }
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
