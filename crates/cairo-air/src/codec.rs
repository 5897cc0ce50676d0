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
    /// A field element that is not below the modulus, or not written in the only way that it may be.
    #[error(
        "the proof file's {what} has a field element at byte {offset} that is not below the modulus, or not in its one form"
    )]
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
    fn small_felt(&mut self, value: &Felt);
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
    fn small_felt(&mut self, value: &Felt) {
        let limbs = encoding::canonical_limbs(value);
        if let [low @ 0..POSITIVE, 0, 0, 0] = limbs {
            return self.push(low as u8);
        }
        let (first, limbs) = match is_half(&limbs) {
            true => (POSITIVE, limbs),
            false => (NEGATIVE, encoding::canonical_limbs(&-*value)),
        };
        let bytes = limbs.map(u64::to_le_bytes);
        let bytes = bytes.as_flattened();
        // Not zero, or it would be its own first byte.
        let len = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0) + 1;
        self.push(first as u8 + (len - 1) as u8);
        self.extend(&bytes[..len]);
    }
}

/// An element that is likely small: an integer below this is its own byte. From here on a byte says how many bytes less one follow, of an
/// integer below `p/2`, …
const POSITIVE: u64 = 0xc0;
/// … or from here on, of the negative of one.
const NEGATIVE: u64 = 0xe0;

/// Whether an integer, least significant limb first, is at most `(p − 1)/2`, so that its negative modulo `p` is larger.
fn is_half([l0, l1, l2, l3]: &[u64; 4]) -> bool {
    [*l3, *l2, *l1, *l0] <= [0x0400_0000_0000_0008, 1 << 63, 0, 0]
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
        self.fits(what, length.saturating_mul(size))?;
        Ok(length)
    }

    /// Whether so many bytes are left.
    pub fn fits(&self, what: &'static str, size: usize) -> Result<(), CodecError> {
        if size > self.bytes.len() {
            return Err(CodecError::Truncated { what, offset: self.offset + self.bytes.len() });
        }
        Ok(())
    }

    /// What [`Write::small_felt`] writes, and nothing else.
    pub fn small_felt(&mut self, what: &'static str) -> Result<Felt, CodecError> {
        let offset = self.offset;
        let first = u64::from(self.u8(what)?);
        if first < POSITIVE {
            return Ok(felt::integers::small(first));
        }
        let mut limbs = [0; 4];
        let mut last = 0;
        for place in 0..=(first % (NEGATIVE - POSITIVE)) as usize {
            last = u64::from(self.u8(what)?);
            limbs[place / 8] |= last << (8 * (place % 8));
        }
        let is_negative = first >= NEGATIVE;
        // Nothing shorter says the same, and the other sign does not.
        let is_single = matches!(limbs, [0..POSITIVE, 0, 0, 0]) && !is_negative;
        let integer = encoding::from_canonical_limbs(limbs).filter(|_| last != 0 && !is_single && is_half(&limbs));
        let value = integer.map(|integer| if is_negative { -integer } else { integer });
        value.ok_or(CodecError::NonCanonical { what, offset })
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn encoded(value: &Felt) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.small_felt(value);
        bytes
    }

    fn decoded(bytes: &[u8]) -> Result<Felt, CodecError> {
        let mut reader = Reader::new(bytes);
        let value = reader.small_felt("cell")?;
        assert_eq!(reader.offset() + reader.rest().len(), bytes.len());
        Ok(value)
    }

    #[test]
    fn small_elements_are_few_bytes() {
        let felt = |value: u64| Felt::from(value);
        let half = (felt(2).inv().unwrap(), -felt(2).inv().unwrap());
        for (value, bytes) in [
            (felt(0), vec![0]),
            (felt(0xbf), vec![0xbf]),
            (felt(0xc0), vec![0xc0, 0xc0]),
            (felt(0x1234), vec![0xc1, 0x34, 0x12]),
            (felt(1 << 32), vec![0xc4, 0, 0, 0, 0, 1]),
            (-felt(1), vec![0xe0, 1]),
            (-felt(0x10000), vec![0xe2, 0, 0, 1]),
        ] {
            assert_eq!(encoded(&value), bytes);
            assert_eq!(decoded(&bytes), Ok(value));
        }
        // (p + 1)/2 is the negative of (p − 1)/2, the largest there is.
        assert_eq!((encoded(&half.0)[0], encoded(&half.1)[0]), (0xff, 0xdf));
        assert_eq!((decoded(&encoded(&half.0)), decoded(&encoded(&half.1))), (Ok(half.0), Ok(half.1)));
    }

    #[test]
    fn elements_have_one_encoding() {
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        };
        for round in 0..20_000 {
            let limbs = [random() << 33 | random(), random() << 33, random() << 40, random() >> 5];
            let keep = round % 33;
            let mut bytes = limbs.map(u64::to_le_bytes).concat();
            bytes[keep..].fill(0);
            let limbs: Vec<u64> = bytes.chunks(8).map(|c| u64::from_le_bytes(c.try_into().unwrap())).collect();
            let Some(value) = encoding::from_canonical_limbs(limbs.try_into().unwrap()) else { continue };
            for value in [value, -value] {
                assert_eq!(decoded(&encoded(&value)), Ok(value));
                assert!(encoded(&value).len() <= 33);
            }
        }
        // Whatever bytes are read as an element are those that it is written in.
        for _ in 0..200_000 {
            let first = (random() % 0x48 + 0xb8) as u8;
            let mut bytes = vec![first];
            bytes.extend((0..32).map(|_| [0, 1, 0xbf, 0xc0, 0xff, random() as u8][random() as usize % 6]));
            if let Ok(value) = decoded(&bytes) {
                assert_eq!(bytes[..encoded(&value).len()], encoded(&value));
                let length = if first < 0xc0 { 1 } else { usize::from(first % 32) + 2 };
                assert_eq!(encoded(&value).len(), length);
            }
        }
        let refused = Err(CodecError::NonCanonical { what: "cell", offset: 0 });
        for bytes in [&[0xc0, 0xbf][..], &[0xc0, 0], &[0xc1, 0xc0, 0], &[0xe0, 0], &[0xe1, 1, 0]] {
            assert_eq!(decoded(bytes), refused);
        }
        let mut modulus = vec![0xdf];
        modulus.extend(encoding::MODULUS.iter().rev().flat_map(|limb| limb.to_le_bytes()));
        assert_eq!(decoded(&modulus), refused);
        assert_eq!(decoded(&[0xc3, 1, 2]), Err(CodecError::Truncated { what: "cell", offset: 3 }));
    }
}
