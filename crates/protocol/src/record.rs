//! A program's *record*: the canonical bytes of [`cairo_air::Program`], all that a verifier needs to know of a program.
//!
//! The distributor stores records and verifies proofs against them; it never reads program files. Donors and uploaders
//! read the program file themselves and check that its record is the one that the distributor has.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `CAIRNREC` |
//! | 4 | version 1, little-endian |
//! | 1 | number of builtins, then one byte each: the place in [`Builtin::ALL`] |
//! | 1 | argument binding: 0 output prefix, 1 pointers; then for 1 the cell, 4 bytes little-endian |
//! | 4 | number of words, little-endian, then 32 bytes big-endian each |

use crate::ids::{Digest, ProgramHash};
use cairo_air::program::MAX_BYTECODE;
use cairo_air::{ArgumentBinding, Builtin, Program, ProgramError};
use felt::{Felt, encoding};

/// First bytes of a record.
pub const MAGIC: [u8; 8] = *b"CAIRNREC";

/// The only version so far.
pub const VERSION: u32 = 1;

/// Most bytes of a record.
pub const MAX_RECORD_BYTES: usize = 64 + MAX_BYTECODE * encoding::BYTES;

/// Why bytes are no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Other first bytes.
    #[error("this is no program record: it does not begin with `CAIRNREC`")]
    Magic,
    /// Another version.
    #[error("the program record has version {0}; this program reads version {VERSION}")]
    Version(u32),
    /// Fewer bytes than announced.
    #[error("the program record ends within its {0}")]
    Truncated(&'static str),
    /// More bytes than announced.
    #[error("{0} bytes follow the end of the program record")]
    Trailing(usize),
    /// A byte without a meaning.
    #[error("the program record's {what} is {found}, which has no meaning")]
    Unknown {
        /// The field.
        what: &'static str,
        /// Its value.
        found: u8,
    },
    /// A word that is not below the modulus.
    #[error("word {0} of the program record is not below the modulus")]
    NonCanonical(usize),
    /// Words or builtins that no provable program has.
    #[error(transparent)]
    Program(#[from] ProgramError),
}

/// The record of a program.
pub fn encode_program(program: &Program) -> Vec<u8> {
    let (bytecode, builtins) = (program.bytecode(), program.builtins());
    let mut out = Vec::with_capacity(64 + bytecode.len() * encoding::BYTES);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    // `Program` holds at most one of each of the eleven builtins and at most 2^20 words.
    out.push(builtins.len() as u8);
    out.extend(builtins.iter().map(|builtin| *builtin as u8));
    match program.arguments() {
        ArgumentBinding::OutputPrefix => out.push(0),
        ArgumentBinding::Pointers { cell } => {
            out.push(1);
            out.extend_from_slice(&cell.to_le_bytes());
        }
    }
    out.extend_from_slice(&(bytecode.len() as u32).to_le_bytes());
    for word in bytecode {
        out.extend_from_slice(&encoding::to_canonical_be(word));
    }
    out
}

/// Reads a record, with every check of [`Program::new`].
///
/// # Errors
/// Each [`RecordError`] as its text says.
pub fn decode_program(bytes: &[u8]) -> Result<Program, RecordError> {
    let mut rest = bytes;
    if take::<8>(&mut rest, "first bytes").ok() != Some(MAGIC) {
        return Err(RecordError::Magic);
    }
    let version = u32::from_le_bytes(take(&mut rest, "version")?);
    if version != VERSION {
        return Err(RecordError::Version(version));
    }
    let [count] = take(&mut rest, "builtins")?;
    let mut builtins = Vec::new();
    for _ in 0..count {
        let [found] = take(&mut rest, "builtins")?;
        let builtin = Builtin::ALL.get(usize::from(found));
        builtins.push(*builtin.ok_or(RecordError::Unknown { what: "builtin", found })?);
    }
    let arguments = match take(&mut rest, "argument binding")? {
        [0] => ArgumentBinding::OutputPrefix,
        [1] => ArgumentBinding::Pointers { cell: u32::from_le_bytes(take(&mut rest, "argument binding")?) },
        [found] => return Err(RecordError::Unknown { what: "argument binding", found }),
    };
    let words = u32::from_le_bytes(take(&mut rest, "number of words")?) as usize;
    let bytecode = words_of(rest, words)?;
    Ok(Program::new(bytecode, builtins, arguments)?)
}

fn words_of(bytes: &[u8], words: usize) -> Result<Vec<Felt>, RecordError> {
    if words > MAX_BYTECODE {
        return Err(ProgramError::TooLong(words).into());
    }
    let length = words * encoding::BYTES;
    if bytes.len() < length {
        return Err(RecordError::Truncated("words"));
    }
    if bytes.len() > length {
        return Err(RecordError::Trailing(bytes.len() - length));
    }
    let (chunks, _) = bytes.as_chunks::<{ encoding::BYTES }>();
    let word = |(index, chunk)| encoding::from_canonical_be(chunk).ok_or(RecordError::NonCanonical(index));
    chunks.iter().enumerate().map(word).collect()
}

fn take<const N: usize>(rest: &mut &[u8], what: &'static str) -> Result<[u8; N], RecordError> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(RecordError::Truncated(what))?;
    *rest = tail;
    Ok(*head)
}

/// A program's identity as proofs see it.
pub fn program_hash(program: &Program) -> ProgramHash {
    ProgramHash::from_bytes(program.hash())
}

/// The address of a program's record.
pub fn record_digest(program: &Program) -> Digest {
    Digest::of(&encode_program(program))
}
