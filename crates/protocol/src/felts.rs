//! Lists of field elements: arguments and outputs.

use crate::ids::Digest;
use felt::{Felt, encoding};
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Most elements of a list on the wire: a proof's output may have this many.
pub const MAX_FELTS: usize = 1 << 20;

/// Field elements, each written as `0x…` in lower-case hexadecimal without leading zeros.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = Vec<String>))]
pub struct Felts(pub Vec<Felt>);

impl Felts {
    /// The elements as 32 bytes each, big-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(encoding::to_canonical_be).collect()
    }

    /// A digest that tells lists apart.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_bytes())
    }

    /// Reads [`to_bytes`](Self::to_bytes); `None` for a broken length or an element that is not below the modulus.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (chunks, rest) = bytes.as_chunks::<{ encoding::BYTES }>();
        if !rest.is_empty() {
            return None;
        }
        chunks.iter().map(encoding::from_canonical_be).collect::<Option<_>>().map(Self)
    }
}

/// Reads `0x` and up to 64 hexadecimal digits; `None` unless it is below the modulus.
pub fn felt_from_hex(text: &str) -> Option<Felt> {
    let digits = text.strip_prefix("0x")?;
    if digits.is_empty() || digits.len() > 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let padded = format!("{:0>64}", digits.to_ascii_lowercase());
    encoding::from_canonical_be(&crate::hex::decode(&padded)?)
}

impl Serialize for Felts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(encoding::to_hex))
    }
}

impl<'de> Deserialize<'de> for Felts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(FeltsVisitor)
    }
}

struct FeltsVisitor;

impl<'de> Visitor<'de> for FeltsVisitor {
    type Value = Felts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of field elements, each a text `0x…`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Felts, A::Error> {
        let mut felts = Vec::new();
        while let Some(text) = sequence.next_element::<std::borrow::Cow<'de, str>>()? {
            if felts.len() == MAX_FELTS {
                return Err(A::Error::custom(format_args!("more than {MAX_FELTS} field elements")));
            }
            let felt = felt_from_hex(&text).ok_or_else(|| {
                let found = crate::hex::shorten(&text);
                A::Error::custom(format_args!(
                    "element {} must be `0x` and hexadecimal digits of a number below 2^251 + 17·2^192 + 1, but is `{found}`",
                    felts.len()
                ))
            })?;
            felts.push(felt);
        }
        Ok(Felts(felts))
    }
}
