//! What the rounds of Keccak make of a few digits. See README.md.

use crate::buses;
use crate::components::columns::columns;
use crate::components::component::{Component, ComponentError, Context, Occurrence};
use felt::Felt;
use stark::{Air, AirBuilder, AirError, Expr};

/// `log2` of the number of rows.
pub const LOG_HEIGHT: u32 = 13;

/// The kind: it has nothing but its name.
#[derive(Debug, Clone, Copy)]
pub struct Table;

impl Component for Table {
    fn name(&self) -> String {
        "keccak_chunks".to_owned()
    }

    fn code(&self) -> u8 {
        51
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::IfRequired(buses::KECCAK_CHUNK)
    }

    fn log_height(&self) -> Option<u32> {
        Some(LOG_HEIGHT)
    }

    fn counters(&self) -> usize {
        Operation::ALL.len()
    }

    fn air(&self, _context: Context<'_>) -> Result<Air, ComponentError> {
        Ok(air()?)
    }
}

/// What is done to each digit of a number to the base 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Bit 0 of each of five digits, of which the lowest four are below 5.
    Parity,
    /// Bit 1 of each of such digits.
    Chi,
    /// Bit 0 of each of four digits.
    Parity4,
}

impl Operation {
    /// All of them, in the order of the table's counters.
    pub const ALL: [Self; 3] = [Self::Parity, Self::Chi, Self::Parity4];

    /// The number that stands for it on the bus.
    pub const fn number(self) -> u64 {
        match self {
            Self::Parity => 0,
            Self::Chi => 1,
            Self::Parity4 => 2,
        }
    }

    /// What it makes of a number.
    pub const fn of(self, digits: u64) -> u64 {
        let ones = 0o11111;
        match self {
            Self::Parity | Self::Parity4 => digits & ones,
            Self::Chi => digits >> 1 & ones,
        }
    }

    /// The number of the counter for a number; that of another number, if the table has no row for this one.
    pub const fn counter(self, digits: u64) -> usize {
        let row = match self {
            // Ten bits are the row's place in its block, the rest is the block's number.
            Self::Parity4 => digits as usize % ROWS,
            Self::Parity | Self::Chi => {
                let low = digit(digits, 0) + 5 * digit(digits, 1) + 25 * digit(digits, 2) + 125 * digit(digits, 3);
                digit(digits, 4) * BLOCK + low % BLOCK
            }
        };
        self.number() as usize * ROWS + row
    }
}

const fn digit(number: u64, place: u32) -> usize {
    (number >> (3 * place) & 7) as usize
}

const ROWS: usize = 1 << LOG_HEIGHT;

/// Rows with one top digit.
const BLOCK: usize = ROWS / 8;

/// Numbers of four digits below 5.
const LOW: usize = 625;

/// Row `r` of a block: the number whose four digits to the base 8 are those of `r` to the base 5; 0 where `r` has more.
const fn low(row: usize) -> u64 {
    let row = (if row < LOW { row } else { 0 }) as u64;
    row % 5 + 8 * (row / 5 % 5) + 64 * (row / 25 % 5) + 512 * (row / 125)
}

/// The number whose digits to the base 8 are the bits of a byte.
pub const fn spread(byte: u64) -> u64 {
    let (mut number, mut bit) = (0, 0);
    while bit < 8 {
        number |= (byte >> bit & 1) << (3 * bit);
        bit += 1;
    }
    number
}

/// `8^exponent`.
pub(super) fn octal(exponent: usize) -> Felt {
    Felt::from(8).pow(exponent as u64)
}

columns! {
    /// The bits of the top digit, the lowest first.
    bit[3],
    /// How often what each operation makes of the row's number is required elsewhere.
    multiplicity[3],
}

/// The AIR.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air() -> Result<Air, AirError> {
    let mut b = AirBuilder::new(Table.name());
    let Columns { bit, multiplicity } = Columns::new(&mut b);
    for (i, bit) in bit.iter().enumerate() {
        b.constrain_boolean(format!("boolean_bit[{i}]"), bit);
    }
    let mut fixed = |entry: fn(usize) -> u64| b.periodic((0..BLOCK).map(|row| Felt::from(entry(row))).collect());
    let digits = fixed(low);
    let parity = fixed(|row| Operation::Parity.of(low(row)));
    let chi = fixed(|row| Operation::Chi.of(low(row)));
    let number = fixed(|row| row as u64);
    let parity4 = fixed(|row| Operation::Parity4.of(row as u64));
    let two = &bit[0] + &bit[1] * 2;
    let digits = digits + (&two + &bit[2] * 4) * 4096;
    let tuples = [
        ("parity", digits.clone(), parity + &bit[0] * 4096),
        ("chi", digits, chi + &bit[1] * 4096),
        ("parity4", number + two * BLOCK as u64, parity4),
    ];
    for ((operation, multiplicity), (name, of, result)) in Operation::ALL.into_iter().zip(multiplicity).zip(tuples) {
        b.provide(name, buses::KECCAK_CHUNK, multiplicity, [Expr::from(operation.number()), of, result]);
    }
    b.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each number has a row of its own, which holds what the operation makes of it.
    #[test]
    fn counters_are_rows() {
        for number in 0..1 << 15 {
            let digits: [u64; 5] = std::array::from_fn(|i| number >> (3 * i) & 7);
            if digits[..4].iter().all(|digit| *digit < 5) {
                for operation in [Operation::Parity, Operation::Chi] {
                    let row = operation.counter(number) - operation.number() as usize * ROWS;
                    assert!(row < ROWS && row % BLOCK < LOW, "{number}");
                    assert_eq!(low(row % BLOCK) + 4096 * (row / BLOCK) as u64, number);
                }
            }
        }
        for number in 0..1 << 12 {
            let row = Operation::Parity4.counter(number) - 2 * ROWS;
            assert_eq!((row % BLOCK + row / BLOCK * BLOCK) as u64, number);
        }
    }

    #[test]
    fn operations() {
        assert_eq!(Operation::Parity.of(0o43210), 0o01010);
        // χ of 2a + 1 − b + c, where a, b and c are bits: a ⊕ (¬b ∧ c).
        for (a, b, c) in (0..8).map(|bits| (bits & 1, bits >> 1 & 1, bits >> 2)) {
            assert_eq!(Operation::Chi.of(2 * a + 1 - b + c), a ^ ((1 - b) & c));
        }
        assert_eq!(spread(0b1010_0110), 0o10100110);
    }
}
