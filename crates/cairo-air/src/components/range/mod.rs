//! Owned cells of the range_check builtin, by the size of their values. See README.md.

use super::Limb;
use super::component::{Component, ComponentError, Context, Family, Occurrence};
use super::derived::TableSize;
use crate::buses;
use crate::codec::{CodecError, Reader};
use felt::Felt;
use stark::{Air, AirBuilder, AirError, Expr};
use std::fmt;

/// What the cells of a table hold: values from `offset` to below `offset + 2^width`. The order of the fields is the order of tables in
/// a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Range {
    bits: u8,
    width: u8,
    offset: u128,
}

impl Range {
    /// 1 on rows in use.
    pub const ENABLER: usize = 0;
    /// Address of the checked cell.
    pub const ADDRESS: usize = 1;
    /// How often the cell is required elsewhere.
    pub const USES: usize = 2;
    /// The first limb of the value less the offset; the other limbs follow, most significant last.
    pub const LIMBS: usize = 3;

    /// Number of columns.
    pub const fn columns(&self) -> usize {
        Self::LIMBS + self.limbs()
    }

    /// Number of interactions.
    pub const fn interactions(&self) -> usize {
        3 + self.limbs() + self.excess().is_some() as usize
    }
}

impl Range {
    /// Values below `2^width` above `offset`, in limbs of `bits` bits. `None` if limbs of that many bits have no table, or not all these values are
    /// below `2^128`, or there are none.
    pub const fn new(bits: u8, width: u8, offset: u128) -> Option<Self> {
        let known = Limb::from_bits(bits).is_some();
        let fits = match width {
            1..=127 => offset <= u128::MAX - ((1 << width) - 1),
            128 => offset == 0,
            _ => false,
        };
        if known && fits { Some(Self { bits, width, offset }) } else { None }
    }

    /// Bits of a limb: 8, 12 or 16.
    pub const fn bits(&self) -> u8 {
        self.bits
    }

    /// Bits of a value less the offset: 1 to 128.
    pub const fn width(&self) -> u8 {
        self.width
    }

    /// The least value.
    pub const fn offset(&self) -> u128 {
        self.offset
    }

    /// The greatest value.
    pub const fn last(&self) -> u128 {
        self.offset + (u128::MAX >> (128 - self.width))
    }

    /// Number of limbs: 1 to 16.
    pub const fn limbs(&self) -> usize {
        self.width.div_ceil(self.bits) as usize
    }

    /// Bits that the top limb has too many, if any.
    pub const fn excess(&self) -> Option<u8> {
        match self.width % self.bits {
            0 => None,
            rest => Some(self.bits - rest),
        }
    }

    /// Whether a value is one of the table's.
    pub const fn contains(&self, value: u128) -> bool {
        match value.checked_sub(self.offset) {
            Some(rest) => self.width == 128 || rest >> self.width == 0,
            None => false,
        }
    }

    /// One of the limbs.
    pub const fn limb(&self) -> Limb {
        match Limb::from_bits(self.bits) {
            Some(limb) => limb,
            // There is no range with other limbs.
            None => Limb::Bits16,
        }
    }

    /// The value whose limbs these are, as the AIR has it. They have at most 8·16, 12·11 or 16·8 = 132 bits together, and the offset 128: the sum
    /// is an integer below p.
    pub(super) fn value(&self, limbs: &[Expr]) -> Expr {
        let radix = Expr::from(1_u64 << self.bits);
        limbs.iter().rev().fold(Expr::zero(), |value, limb| value * &radix + limb) + wide(self.offset)
    }

    /// The AIR.
    ///
    /// # Errors
    /// None in practice: every range has one.
    pub fn air(&self) -> Result<Air, AirError> {
        let mut b = AirBuilder::new(self.to_string());
        let enabler = b.column("enabler");
        let address = b.column("address");
        let uses = b.column("uses");
        let limbs: Vec<Expr> = (0..self.limbs()).map(|i| b.column(format!("limb[{i}]"))).collect();
        b.constrain_boolean("boolean_enabler", &enabler);
        // A row in use requires its address, so it alone has it: see the bus. A row of padding has no terms at all.
        b.require("checks", buses::RANGE, &enabler, [address.clone()]);
        b.provide("checked", buses::RANGE, &enabler, [&address + 1]);
        b.provide("cell", buses::MEMORY, &enabler * &uses, [address, self.value(&limbs)]);
        let bus = self.limb().bus();
        for (i, limb) in limbs.iter().enumerate() {
            b.require(format!("limb[{i}]"), bus, &enabler, [limb.clone()]);
        }
        // The top limb's own lookup makes it an integer below 2^bits, so times 2^excess it is an integer below 2^(2·bits) and no
        // other modulo p; that is below 2^bits exactly if the limb is below 2^(bits − excess).
        if let (Some(excess), Some(top)) = (self.excess(), limbs.last()) {
            b.require("top", bus, &enabler, [top * (1_u64 << excess)]);
        }
        b.build()
    }

    /// Appends the encoding: bits, width, offset.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend([self.bits, self.width]);
        out.extend(self.offset.to_le_bytes());
    }

    /// Reads [`Range::encode`]; `None` if there is no such range.
    pub const fn decode(bits: u8, width: u8, offset: [u8; 16]) -> Option<Self> {
        Self::new(bits, width, u128::from_le_bytes(offset))
    }

    /// Reads [`Range::encode`] from a file.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let what = "range of a range table";
        let offset = reader.offset();
        let [bits, width] = [reader.u8(what)?, reader.u8(what)?];
        let range = Self::decode(bits, width, reader.array::<16>(what)?);
        range.ok_or(CodecError::Unknown { what, found: u64::from(bits) << 8 | u64::from(width), offset })
    }
}

impl Component for Range {
    fn name(&self) -> String {
        self.to_string()
    }

    fn code(&self) -> u8 {
        CODE
    }

    fn describe(&self, out: &mut Vec<u8>) {
        self.encode(out);
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

const CODE: u8 = 19;

impl Family for Range {
    const PLAIN: &'static [Self] = &[];

    fn decode(code: u8, reader: &mut Reader<'_>, _position: usize) -> Option<Result<Self, CodecError>> {
        (code == CODE).then(|| Self::read(reader))
    }
}

/// The integer as a field element.
fn wide(value: u128) -> Felt {
    let shift = Felt::from(1_u64 << 32);
    Felt::from(value as u64) + Felt::from((value >> 64) as u64) * shift * shift
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "range of {} bits in limbs of {}", self.width, self.bits)?;
        if self.offset > 0 { write!(f, " from {:#x}", self.offset) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn only_values_below_2_to_the_128() {
        for (bits, width, offset) in
            [(8, 1, 0), (12, 128, 0), (16, 128, 0), (16, 16, u128::MAX - 0xffff), (8, 127, 1 << 127)]
        {
            let range = Range::new(bits, width, offset).unwrap();
            let mut bytes = Vec::new();
            range.encode(&mut bytes);
            assert_eq!(Range::decode(bytes[0], bytes[1], bytes[2..].try_into().unwrap()), Some(range));
            let last = offset + (u128::MAX >> (128 - width));
            assert!(range.contains(offset) && range.contains(last));
            assert!(offset == 0 || !range.contains(offset - 1));
            assert!(last == u128::MAX || !range.contains(last + 1));
        }
        for (bits, width, offset) in [
            (8, 0, 0),
            (8, 129, 0),
            (8, 128, 1),
            (16, 16, u128::MAX - 0xfffe),
            (8, 127, (1 << 127) + 1),
            (4, 8, 0),
            (13, 8, 0),
        ] {
            assert_eq!(Range::new(bits, width, offset), None, "{bits} {width} {offset}");
        }
    }

    #[test]
    fn sizes_are_the_tables() {
        for bits in [8, 12, 16] {
            for width in 1..=128 {
                let range = Range::new(bits, width, 0).unwrap();
                let air = range.air().unwrap();
                assert_eq!((air.width(), air.interactions().len()), (range.columns(), range.interactions()), "{range}");
                assert_eq!(range.limbs() * usize::from(bits), usize::from(width + range.excess().unwrap_or(0)));
            }
        }
    }
}
