//! The byte format of everything in a proof file but the STARK proof: little-endian integers, length-prefixed lists. The
//! same bytes are absorbed into the transcript, so each value has exactly one encoding.

use crate::components::derived::DerivedError;
use felt::{Felt, encoding};

/// Why bytes are not what a proof file must hold at that place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The file ends within a field.
    #[error("the proof file ends at byte {offset}, within its {what}; it is cut off")]
    Truncated {
        /// The field.
        what: &'static str,
        /// Bytes there are.
        offset: usize,
    },
    /// A list longer than allowed.
    #[error("the proof file's {what} has {found} entries at byte {offset}; the limit is {limit}")]
    TooLong {
        /// The list.
        what: &'static str,
        /// Entries announced.
        found: u64,
        /// Most allowed.
        limit: u64,
        /// Where the length stands.
        offset: usize,
    },
    /// A field element that is not below the modulus.
    #[error("the proof file's {what} has a field element at byte {offset} that is not below the modulus")]
    NonCanonical {
        /// The field.
        what: &'static str,
        /// Where it stands.
        offset: usize,
    },
    /// A byte with a meaning that this version does not know.
    #[error("the proof file's {what} at byte {offset} is {found}, which has no meaning")]
    Unknown {
        /// The field.
        what: &'static str,
        /// Its value.
        found: u64,
        /// Where it stands.
        offset: usize,
    },
    /// A word or path table that cannot be read.
    #[error("table {position} in the proof file's list: {error}")]
    Derived {
        /// Position of the table.
        position: usize,
        /// What is wrong.
        error: DerivedError,
    },
}

/// Appends values to bytes.
pub(crate) trait Write {
    fn u8(&mut self, value: u8);
    fn u32(&mut self, value: u32);
    fn u64(&mut self, value: u64);
    fn felts(&mut self, values: &[Felt]);
}

impl Write for Vec<u8> {
    fn u8(&mut self, value: u8) {
        self.push(value);
    }
    fn u32(&mut self, value: u32) {
        self.extend_from_slice(&value.to_le_bytes());
    }
    fn u64(&mut self, value: u64) {
        self.extend_from_slice(&value.to_le_bytes());
    }
    fn felts(&mut self, values: &[Felt]) {
        self.u64(values.len() as u64);
        for value in values {
            self.extend_from_slice(&encoding::to_canonical_be(value));
        }
    }
}

/// Takes values from the front of bytes.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Lets a decoder that takes bytes from the front of a slice do so.
    pub fn with<T>(&mut self, decode: impl FnOnce(&mut &'a [u8]) -> T) -> T {
        let before = self.bytes.len();
        let value = decode(&mut self.bytes);
        self.offset += before.saturating_sub(self.bytes.len());
        value
    }

    /// Everything that is left.
    pub const fn rest(self) -> &'a [u8] {
        self.bytes
    }

    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], CodecError> {
        let Some((head, tail)) = self.bytes.split_first_chunk::<N>() else {
            return Err(CodecError::Truncated { what, offset: self.offset + self.bytes.len() });
        };
        self.bytes = tail;
        self.offset += N;
        Ok(*head)
    }

    pub fn u8(&mut self, what: &'static str) -> Result<u8, CodecError> {
        self.array::<1>(what).map(|[byte]| byte)
    }

    pub fn u32(&mut self, what: &'static str) -> Result<u32, CodecError> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub fn u64(&mut self, what: &'static str) -> Result<u64, CodecError> {
        self.array(what).map(u64::from_le_bytes)
    }

    /// A byte that is 0 or 1.
    pub fn flag(&mut self, what: &'static str) -> Result<bool, CodecError> {
        let offset = self.offset;
        match self.u8(what)? {
            0 => Ok(false),
            1 => Ok(true),
            found => Err(CodecError::Unknown { what, found: u64::from(found), offset }),
        }
    }

    /// The length of a list. No list of it can be longer than the bytes left allow, `size` bytes an entry.
    pub fn length(&mut self, what: &'static str, limit: usize, size: usize) -> Result<usize, CodecError> {
        let offset = self.offset;
        let found = self.u64(what)?;
        let length = usize::try_from(found).ok().filter(|length| *length <= limit);
        let Some(length) = length else {
            return Err(CodecError::TooLong { what, found, limit: limit as u64, offset });
        };
        if length.saturating_mul(size) > self.bytes.len() {
            return Err(CodecError::Truncated { what, offset: self.offset + self.bytes.len() });
        }
        Ok(length)
    }

    pub fn felts(&mut self, what: &'static str, limit: usize) -> Result<Vec<Felt>, CodecError> {
        let length = self.length(what, limit, encoding::BYTES)?;
        let mut values = Vec::with_capacity(length);
        for _ in 0..length {
            let offset = self.offset;
            let bytes = self.array(what)?;
            values.push(encoding::from_canonical_be(&bytes).ok_or(CodecError::NonCanonical { what, offset })?);
        }
        Ok(values)
    }
}
