//! The kinds of tables a proof can have.

use super::derived::{Path, Word};
use super::range::Range;
use crate::codec::{CodecError, Reader, Write};
use std::fmt;

/// A table's kind. Together with program and claim it determines the AIR ([`TableKind::component`] is the registry), so it
/// is all that a proof says about a table besides its height.
///
/// The order of the variants is the order of tables in a layout, whatever the bytes that stand for them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TableKind {
    /// Eight memory cells a row.
    Memory,
    /// One row for each distinct instruction that a generic or word table executes.
    Instruction,
    /// Any instruction, one step a row.
    Generic,
    /// One instruction word, one step a row.
    Word(Word),
    /// A path through the program's own bytecode, one pass a row.
    Path(Path),
    /// One memory cell a row, of those that are owned.
    Cell,
    /// The values below 2^8.
    Byte,
    /// The values below 2^16.
    Word16,
    /// The values below 2^12.
    Word12,
    /// All pairs of nibbles with their conjunction.
    NibbleAnd,
    /// The range_check builtin with bytes as limbs.
    RangeCheck8,
    /// The range_check builtin with 12-bit limbs.
    RangeCheck12,
    /// The range_check builtin with 16-bit limbs.
    RangeCheck16,
    /// Owned cells of the range_check builtin with values in a range.
    Range(Range),
    /// The bitwise builtin, whose inputs are of any size.
    Bitwise,
    /// The bitwise builtin with all inputs below 2^16.
    Bitwise16,
    /// The bitwise builtin with all inputs below 2^32.
    Bitwise32,
    /// The bitwise builtin with all inputs below 2^64.
    Bitwise64,
    /// The bitwise builtin with all inputs below 2^128.
    Bitwise128,
}

impl TableKind {
    /// The kinds that have nothing but their name, with the byte that stands for them in a proof file.
    const PLAIN: [(u8, Self); 16] = [
        (1, Self::Memory),
        (2, Self::Instruction),
        (3, Self::Generic),
        (6, Self::Byte),
        (7, Self::Word16),
        (8, Self::NibbleAnd),
        (9, Self::RangeCheck8),
        (10, Self::RangeCheck16),
        (11, Self::Bitwise),
        (12, Self::Word12),
        (13, Self::RangeCheck12),
        (14, Self::Bitwise16),
        (15, Self::Bitwise32),
        (16, Self::Bitwise64),
        (17, Self::Bitwise128),
        (18, Self::Cell),
    ];
    const WORD: u8 = 4;
    const PATH: u8 = 5;
    const RANGE: u8 = 19;

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Word(word) => {
                out.u8(Self::WORD);
                word.encode(out);
            }
            Self::Path(path) => {
                out.u8(Self::PATH);
                path.encode(out);
            }
            Self::Range(range) => {
                out.u8(Self::RANGE);
                range.encode(out);
            }
            plain => out.extend(Self::PLAIN.iter().filter(|(_, kind)| kind == plain).map(|(byte, _)| *byte)),
        }
    }

    /// `position` is the table's, for messages.
    pub(crate) fn decode(reader: &mut Reader<'_>, position: usize) -> Result<Self, CodecError> {
        let offset = reader.offset();
        let derived = |error| CodecError::Derived { position, error };
        match reader.u8("table kind")? {
            Self::WORD => reader.with(Word::decode).map(Self::Word).map_err(derived),
            Self::PATH => reader.with(Path::decode).map(Self::Path).map_err(derived),
            Self::RANGE => {
                let what = "range of a range table";
                let offset = reader.offset();
                let [bits, width] = [reader.u8(what)?, reader.u8(what)?];
                let mut bytes = [0; 16];
                for byte in &mut bytes {
                    *byte = reader.u8(what)?;
                }
                let range = Range::decode(bits, width, bytes);
                range.map(Self::Range).ok_or(CodecError::Unknown {
                    what,
                    found: u64::from(bits) << 8 | u64::from(width),
                    offset,
                })
            }
            found => match Self::PLAIN.into_iter().find(|(byte, _)| *byte == found) {
                Some((_, kind)) => Ok(kind),
                None => Err(CodecError::Unknown { what: "table kind", found: u64::from(found), offset }),
            },
        }
    }
}

impl fmt::Display for TableKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::Instruction => f.write_str("instruction"),
            Self::Generic => f.write_str("generic"),
            Self::Word(word) => word.fmt(f),
            Self::Path(path) => path.fmt(f),
            Self::Cell => f.write_str("cell"),
            Self::Byte => f.write_str("byte"),
            Self::Word16 => f.write_str("word16"),
            Self::Word12 => f.write_str("word12"),
            Self::NibbleAnd => f.write_str("nibble_and"),
            Self::RangeCheck8 => f.write_str("range_check8"),
            Self::RangeCheck12 => f.write_str("range_check12"),
            Self::RangeCheck16 => f.write_str("range_check16"),
            Self::Range(range) => range.fmt(f),
            Self::Bitwise => f.write_str("bitwise"),
            Self::Bitwise16 => f.write_str("bitwise16"),
            Self::Bitwise32 => f.write_str("bitwise32"),
            Self::Bitwise64 => f.write_str("bitwise64"),
            Self::Bitwise128 => f.write_str("bitwise128"),
        }
    }
}
