//! All pairs of bytes with their conjunction. See README.md.

use crate::buses;
use crate::components::columns::columns;
use crate::components::component::{Component, ComponentError, Context, Occurrence};
use felt::Felt;
use stark::{Air, AirBuilder, AirError, Rows};

/// `log2` of the number of rows.
pub const LOG_HEIGHT: u32 = 12;

const ROWS: usize = 1 << LOG_HEIGHT;

/// Low bits of each byte that a row's number says.
const LOW_BITS: u32 = 5;

/// Rows with one bit 5 of each byte.
const BLOCK: usize = 1 << (2 * LOW_BITS);

/// What the two top bits of a byte may be.
const TOPS: usize = 4;

/// The kind: it has nothing but its name.
#[derive(Debug, Clone, Copy)]
pub struct Table;

impl Component for Table {
    fn name(&self) -> String {
        "byte_and".to_owned()
    }

    fn code(&self) -> u8 {
        54
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::IfRequired(buses::BYTE_AND)
    }

    fn log_height(&self) -> Option<u32> {
        Some(LOG_HEIGHT)
    }

    fn counters(&self) -> usize {
        TOPS * TOPS
    }

    fn air(&self, _context: Context<'_>) -> Result<Air, ComponentError> {
        Ok(air()?)
    }
}

columns! {
    /// Bit 5 of a, of b, and of their conjunction.
    bit[3],
    /// How often the row's triple is required elsewhere, for each pair of the bytes' two top bits, those of b first.
    multiplicity[16],
}

/// The bits 5 of the bytes of a row.
pub const fn bits(row: usize) -> [usize; 2] {
    [row / BLOCK / 2 % 2, row / BLOCK % 2]
}

/// The number of the counter for a pair of bytes: row by row for each pair of top bits.
pub const fn counter(a: u8, b: u8) -> usize {
    let (a, b) = (a as usize, b as usize);
    let low = 1 << LOW_BITS;
    let row = (a / low % 2 * 2 + b / low % 2) * BLOCK + a % low * low + b % low;
    (a / (2 * low) * TOPS + b / (2 * low)) * ROWS + row
}

/// The AIR.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air() -> Result<Air, AirError> {
    let mut builder = AirBuilder::new("byte_and");
    let Columns { bit, multiplicity } = Columns::new(&mut builder);
    let [a, b, and] = &bit;
    builder.constrain_boolean("boolean_a", a);
    builder.constrain_boolean("boolean_b", b);
    builder.constrain("conjunction", Rows::All, and - a * b);
    // The five low bits are the verifier's own.
    let mut fixed =
        |entry: fn(usize) -> usize| builder.periodic((0..BLOCK).map(|row| Felt::from(entry(row) as u64)).collect());
    let low = [fixed(|row| row >> LOW_BITS), fixed(|row| row & 31), fixed(|row| (row >> LOW_BITS) & row & 31)];
    for (top, multiplicity) in multiplicity.iter().enumerate() {
        let (top_a, top_b) = (top / TOPS, top % TOPS);
        let tops = [top_a, top_b, top_a & top_b];
        let triple: [_; 3] =
            std::array::from_fn(|i| &low[i] + &bit[i] * (1 << LOW_BITS) + (tops[i] << (LOW_BITS + 1)) as u64);
        builder.provide(format!("triple[{top}]"), buses::BYTE_AND, multiplicity, triple);
    }
    builder.build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Each pair of bytes has a counter of its own, whose row has the bits of the pair.
    #[test]
    fn counters_are_pairs() {
        let mut seen = BTreeSet::new();
        for a in 0..=u8::MAX {
            for b in 0..=u8::MAX {
                let counter = counter(a, b);
                let (top, row) = (counter / ROWS, counter % ROWS);
                let [bit_a, bit_b] = bits(row);
                let byte = |top: usize, bit: usize, low: usize| top << 6 | bit << 5 | low;
                assert_eq!(byte(top / 4, bit_a, (row % BLOCK) >> 5), usize::from(a));
                assert_eq!(byte(top % 4, bit_b, (row % BLOCK) & 31), usize::from(b));
                assert!(top < 16 && seen.insert(counter), "{a} {b}");
            }
        }
        assert_eq!(seen.len(), TOPS * TOPS * ROWS);
    }
}
