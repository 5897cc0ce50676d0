//! Changes to the bytes of a proof.

use felt::{Felt, encoding};
use std::ops::Range;

/// A change at a position, which is taken modulo the length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mutation {
    /// Flips one bit.
    Flip { at: usize, bit: u8 },
    /// Overwrites one byte.
    Set { at: usize, byte: u8 },
    /// Exchanges two 32-byte words.
    Swap { a: usize, b: usize },
    /// Copies one 32-byte word over another.
    Copy { from: usize, to: usize },
    /// Takes a range from the same place of another proof.
    Splice { at: usize, length: usize },
    /// Cuts the end off.
    Truncate { length: usize },
    /// Appends bytes.
    Extend { count: usize, byte: u8 },
    /// Adds one to the field element of a 32-byte word, if it holds one.
    Increment { word: usize },
    /// Adds the modulus to the integer of a 32-byte word: the same element, not reduced.
    AddModulus { word: usize },
    /// Zeros a range.
    Zero { at: usize, length: usize },
    /// Sets one byte of the nonce or of a query index.
    Integer { at: usize, byte: u8 },
}

/// The start of a 32-byte word. Words stand one after the other but for the integers (nonce and query indices) in their midst.
fn word_start(word: usize, length: usize, integers: &Range<usize>) -> Option<usize> {
    let words = length.checked_sub(integers.len())? / 32;
    let start = word.checked_rem(words)? * 32;
    let start = if start >= integers.start { start + integers.len() } else { start };
    (start + 32 <= length).then_some(start)
}

impl Mutation {
    /// Applies the change. `integers` is where the proof's nonce and query indices stand.
    pub fn apply(&self, bytes: &mut Vec<u8>, other: &[u8], integers: &Range<usize>) {
        let length = bytes.len();
        if length == 0 {
            return;
        }
        let range = |at: usize, count: usize| at % length..(at % length + count % 512).min(length);
        let word = |word: usize| word_start(word, length, integers);
        match *self {
            Self::Flip { at, bit } => bytes[at % length] ^= 1 << (bit % 8),
            Self::Set { at, byte } => bytes[at % length] = byte,
            Self::Swap { a, b } => {
                if let (Some(a), Some(b)) = (word(a), word(b)) {
                    (0..32).for_each(|i| bytes.swap(a + i, b + i));
                }
            }
            Self::Copy { from, to } => {
                if let (Some(from), Some(to)) = (word(from), word(to)) {
                    bytes.copy_within(from..from + 32, to);
                }
            }
            Self::Splice { at, length } => {
                let range = range(at, length);
                if let Some(source) = other.get(range.clone()) {
                    bytes[range].copy_from_slice(source);
                }
            }
            Self::Truncate { length: keep } => bytes.truncate(keep % length),
            Self::Extend { count, byte } => bytes.resize(length + count % 512, byte),
            Self::Increment { word: at } => change_word(bytes, word(at), |element| {
                encoding::from_bytes(&element).map(|element| encoding::to_bytes(&(element + Felt::one())))
            }),
            Self::AddModulus { word: at } => change_word(bytes, word(at), |element| Some(add_modulus(element))),
            Self::Zero { at, length } => bytes[range(at, length)].fill(0),
            Self::Integer { at, byte } => {
                if let Some(place) = bytes.get_mut(integers.start + at % integers.len()) {
                    *place = byte;
                }
            }
        }
    }
}

fn change_word(bytes: &mut [u8], start: Option<usize>, change: impl FnOnce([u8; 32]) -> Option<[u8; 32]>) {
    if let Some(word) = start.and_then(|start| bytes[start..].first_chunk_mut::<32>())
        && let Some(changed) = change(*word)
    {
        *word = changed;
    }
}

/// The 256-bit little-endian integer plus the field's modulus, wrapping around.
pub fn add_modulus(word: [u8; 32]) -> [u8; 32] {
    let mut sum = [0; 32];
    let mut carry = false;
    for (i, limb) in encoding::MODULUS.iter().rev().enumerate() {
        let mut own = [0; 8];
        own.copy_from_slice(&word[8 * i..8 * i + 8]);
        let (partial, first) = u64::from_le_bytes(own).overflowing_add(*limb);
        let (total, second) = partial.overflowing_add(u64::from(carry));
        carry = first | second;
        sum[8 * i..8 * i + 8].copy_from_slice(&total.to_le_bytes());
    }
    sum
}
