//! Instances of the bitwise builtin, one a row, by the size of their inputs. See README.md.

use super::component::{Component, ComponentError, Context, Family, Occurrence};
use super::derived::TableSize;
use super::uses;
use crate::codec::{CodecError, Reader};
use crate::{Builtin, buses};
use stark::{Air, AirBuilder, AirError, Bus, Expr};
use std::fmt;

/// Memory cells of an instance: x, y, x & y, x ^ y, x | y.
pub const CELLS: usize = Builtin::Bitwise.cells_per_instance() as usize;

/// Bits of the builtin's inputs.
const WORD_BITS: u32 = 251;

pub use super::uses::{FIRST_COLUMN, ONCE, UNUSED};

/// The instances that a table has: both inputs have so many limbs. The order of the fields is the order of tables in a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BitwiseRow {
    bits: u8,
    limbs: u8,
    owned: Option<[u8; CELLS]>,
}

impl BitwiseRow {
    /// 1 on rows in use.
    pub const ENABLER: usize = 0;
    /// Address of the instance's first cell.
    pub const ADDRESS: usize = 1;
    /// The first limb of x; the others follow, the least significant first, then those of y, then those of the conjunction.
    pub const LIMBS: usize = 2;

    /// Inputs of so many limbs of 4 or 8 bits each. `owned` is given if the rows own the instances' cells, and says how often each is used
    /// by others: [`UNUSED`], [`ONCE`], or one of the columns from [`FIRST_COLUMN`] on, which are numbered in the order of the cells. `None` if
    /// there is no such table: without limbs, with more than the builtin's 251 bits take, or with other numbers.
    pub fn new(bits: u8, limbs: u8, owned: Option<[u8; CELLS]>) -> Option<Self> {
        let row = Self { bits, limbs, owned };
        let known = matches!(bits, 4 | 8) && limbs > 0 && u32::from(limbs) <= WORD_BITS.div_ceil(u32::from(bits));
        (known && uses::are_numbered(owned.into_iter().flatten())).then_some(row)
    }

    /// Bits of a limb: 4 or 8.
    pub const fn bits(&self) -> u8 {
        self.bits
    }

    /// Limbs of an input: up to 63 or 32.
    pub const fn limbs(&self) -> usize {
        self.limbs as usize
    }

    /// Whose uses stand where, if the rows own the cells.
    pub const fn owned(&self) -> Option<[u8; CELLS]> {
        self.owned
    }

    /// The same instances, whose cells are the rows' with these uses, or others'.
    pub fn with_owned(self, owned: Option<[u8; CELLS]>) -> Option<Self> {
        Self::new(self.bits, self.limbs, owned)
    }

    /// Bits that inputs have at most.
    pub fn width(&self) -> u32 {
        (u32::from(self.bits) * u32::from(self.limbs)).min(WORD_BITS)
    }

    /// Bits that the top limb has too many, if any: all limbs together may have as many as an input, and not one more.
    pub fn excess(&self) -> Option<u32> {
        (u32::from(self.bits) * u32::from(self.limbs)).checked_sub(WORD_BITS).filter(|excess| *excess > 0)
    }

    /// Position of the first column of uses. There is one for each number.
    pub const fn uses(&self) -> usize {
        Self::LIMBS + 3 * self.limbs()
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.uses() + uses::columns(self.owned.into_iter().flatten())
    }

    /// Number of interactions.
    pub fn interactions(&self) -> usize {
        let cells = self.owned.map_or(CELLS, |owned| owned.into_iter().filter(|uses| *uses != UNUSED).count());
        2 + self.limbs() + usize::from(self.excess().is_some()) + cells
    }

    /// The bus of the limbs.
    pub const fn bus(&self) -> Bus {
        match self.bits {
            4 => buses::NIBBLE_AND,
            _ => buses::BYTE_AND,
        }
    }

    /// The AIR.
    ///
    /// # Errors
    /// None in practice: every such table has one.
    pub fn air(&self) -> Result<Air, AirError> {
        let mut b = AirBuilder::new(self.to_string());
        let enabler = b.column("enabler");
        let address = b.column("address");
        let mut limbs = |name: &str| (0..self.limbs()).map(|i| b.column(format!("{name}[{i}]"))).collect::<Vec<_>>();
        let [x, y, and] = ["x", "y", "and"].map(&mut limbs);
        let uses: Vec<Expr> =
            (self.uses()..self.columns()).enumerate().map(|(i, _)| b.column(format!("uses[{i}]"))).collect();
        b.constrain_boolean("boolean_enabler", &enabler);
        // A row in use requires its address, so it alone has it: see the bus. A row of padding has no terms at all.
        b.require("visits", buses::BITWISE, &enabler, [address.clone()]);
        b.provide("visited", buses::BITWISE, &enabler, [&address + CELLS as u64]);
        let bus = self.bus();
        for (i, ((x, y), and)) in x.iter().zip(&y).zip(&and).enumerate() {
            b.require(format!("limbs[{i}]"), bus, &enabler, [x.clone(), y.clone(), and.clone()]);
        }
        // The top limbs' own lookup makes them integers below 2^bits, so times 2^excess they are integers below 2^(2·bits) and no
        // others modulo p; these are below 2^bits exactly if the limbs are below 2^(bits − excess). Then x and y are below 2^251 < p, and
        // their bits are unique.
        if let (Some(excess), [.., x], [.., y], [.., and]) = (self.excess(), &x[..], &y[..], &and[..]) {
            b.require("top", bus, &enabler, [x, y, and].map(|limb| limb * (1_u64 << excess)));
        }
        let radix = 1_u64 << self.bits;
        let [x, y, and] =
            [x, y, and].map(|limbs| limbs.iter().rev().fold(Expr::zero(), |word, limb| word * radix + limb));
        // Bitwise, x + y = 2·(x & y) + (x ^ y) and x | y = (x & y) + (x ^ y), as integers below 2^252.
        let cells = [
            ("cell_x", x.clone()),
            ("cell_y", y.clone()),
            ("cell_and", and.clone()),
            ("cell_xor", &x + &y - &and * 2),
            ("cell_or", &x + &y - &and),
        ];
        for (offset, (name, value)) in cells.into_iter().enumerate() {
            let tuple = [&address + offset as u64, value];
            match self.owned.and_then(|owned| owned.get(offset).copied()) {
                None => b.require(name, buses::MEMORY, &enabler, tuple),
                Some(number) => super::uses::provide(&mut b, name, (&enabler, &uses), number, tuple),
            }
        }
        b.build()
    }
}

impl Component for BitwiseRow {
    fn name(&self) -> String {
        self.to_string()
    }

    fn code(&self) -> u8 {
        CODE
    }

    fn describe(&self, out: &mut Vec<u8>) {
        out.extend([self.bits, self.limbs, u8::from(self.owned.is_some())]);
        out.extend(self.owned.into_iter().flatten());
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::AsNeeded
    }

    fn air(&self, _context: Context<'_>) -> Result<Air, ComponentError> {
        Ok(Self::air(self)?)
    }

    fn size(&self, _context: Context<'_>) -> Result<TableSize, ComponentError> {
        Ok(TableSize { columns: self.columns(), interactions: self.interactions() })
    }

    fn least_size(&self) -> (usize, usize) {
        (self.columns(), self.interactions())
    }
}

const CODE: u8 = 53;

impl Family for BitwiseRow {
    const PLAIN: &'static [Self] = &[];

    fn decode(code: u8, reader: &mut Reader<'_>, _position: usize) -> Option<Result<Self, CodecError>> {
        (code == CODE).then(|| read(reader))
    }
}

fn read(reader: &mut Reader<'_>) -> Result<BitwiseRow, CodecError> {
    let what = "size of a bitwise row";
    let offset = reader.offset();
    let [bits, limbs] = [reader.u8(what)?, reader.u8(what)?];
    let owned = match reader.flag(what)? {
        true => Some(reader.array::<CELLS>(what)?),
        false => None,
    };
    let row = BitwiseRow::new(bits, limbs, owned);
    row.ok_or(CodecError::Unknown { what, found: u64::from(bits) << 8 | u64::from(limbs), offset })
}

impl fmt::Display for BitwiseRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limbs = if self.bits == 4 { "nibbles" } else { "bytes" };
        write!(f, "bitwise row of {} {limbs}", self.limbs)?;
        match self.owned {
            Some([x, y, and, xor, or]) => write!(f, " with cells {x} {y} {and} {xor} {or}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn sizes_are_the_tables() {
        let owned =
            [None, Some([0; 5]), Some([1; 5]), Some([1, 1, 2, 0, 3]), Some([2, 3, 4, 5, 6]), Some([0, 2, 0, 2, 1])];
        for (bits, most) in [(4, 63), (8, 32)] {
            for limbs in 1..=most {
                for owned in owned {
                    let row = BitwiseRow::new(bits, limbs, owned).unwrap();
                    let air = row.air().unwrap();
                    assert_eq!((air.width(), air.interactions().len()), (row.columns(), row.interactions()), "{row}");
                    assert_eq!(air.columns()[BitwiseRow::ADDRESS], "address");
                    assert_eq!(air.columns()[BitwiseRow::LIMBS + row.limbs()], "y[0]");
                    let all = u32::from(bits) * u32::from(limbs);
                    assert_eq!(
                        (row.width(), row.excess()),
                        (all.min(251), all.checked_sub(251).filter(|excess| *excess > 0))
                    );
                }
            }
            assert_eq!(
                BitwiseRow::new(bits, most, None).unwrap().excess(),
                Some(u32::from(most) * u32::from(bits) - 251)
            );
            assert_eq!(BitwiseRow::new(bits, most - 1, None).unwrap().excess(), None);
        }
    }

    #[test]
    fn rows_that_are_none() {
        for (bits, limbs) in [(4, 0), (4, 64), (8, 0), (8, 33), (0, 1), (1, 8), (3, 2), (12, 2), (16, 1), (255, 255)] {
            assert_eq!(BitwiseRow::new(bits, limbs, None), None, "{bits} {limbs}");
        }
        let numbered = |owned| BitwiseRow::new(8, 4, Some(owned)).is_some();
        for owned in [[0, 1, 0, 1, 0], [2, 2, 2, 2, 2], [1, 2, 1, 3, 2], [2, 3, 4, 5, 6], [0, 0, 0, 0, 2]] {
            assert!(numbered(owned), "{owned:?}");
        }
        for owned in
            [[3, 0, 0, 0, 0], [1, 1, 1, 1, 3], [3, 2, 0, 0, 0], [2, 4, 3, 0, 0], [2, 3, 4, 5, 7], [255, 0, 0, 0, 0]]
        {
            assert!(!numbered(owned), "{owned:?}");
        }
    }
}
