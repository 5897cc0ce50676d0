//! The panic data of Cairo 2 programs as text.

use felt::{Felt, encoding};

/// What a serialised `ByteArray` begins with in panic data.
const BYTE_ARRAY_MAGIC: &str = "0x46a6158a16a947e5916b2a2ca68501a45e93d7110e81aa2d6438b1c57c879a3";

/// Bytes of a full word of a `ByteArray`.
const WORD_BYTES: usize = 31;

/// The data as text, items parted by `, `: short strings and byte arrays. `None` unless all of it is printable.
pub(crate) fn text(data: &[Felt]) -> Option<String> {
    let mut items = Vec::new();
    let mut rest = data;
    while let [first, tail @ ..] = rest {
        if encoding::to_hex(first) == BYTE_ARRAY_MAGIC
            && let Some((item, after)) = byte_array(tail)
        {
            items.push(item);
            rest = after;
        } else {
            items.push(short_string(first)?);
            rest = tail;
        }
    }
    (!items.is_empty()).then(|| items.join(", "))
}

/// `[full words, word…, pending word, its length]`, and what follows it.
fn byte_array(data: &[Felt]) -> Option<(String, &[Felt])> {
    let (count, rest) = data.split_first()?;
    let count = usize::try_from(encoding::to_u64(count)?).ok()?;
    let (words, rest) = rest.split_at_checked(count)?;
    let [pending, length, rest @ ..] = rest else { return None };
    let length = usize::try_from(encoding::to_u64(length)?).ok().filter(|length| *length < WORD_BYTES)?;
    let mut text = String::new();
    for word in words {
        text.push_str(&printable(word, WORD_BYTES)?);
    }
    text.push_str(&printable(pending, length)?);
    Some((text, rest))
}

/// A felt that holds printable ASCII, without leading zeros.
fn short_string(value: &Felt) -> Option<String> {
    let bytes = encoding::to_canonical_be(value);
    let length = bytes.iter().position(|&byte| byte != 0).map(|zeros| bytes.len() - zeros)?;
    printable(value, length)
}

/// The last `length` bytes as ASCII, if they are printable and all bytes before them 0.
fn printable(value: &Felt, length: usize) -> Option<String> {
    let bytes = encoding::to_canonical_be(value);
    let (zeros, text) = bytes.split_at_checked(bytes.len().checked_sub(length)?)?;
    let plain = |&byte: &u8| byte.is_ascii_graphic() || byte == b' ' || byte == b'\n';
    (zeros.iter().all(|&byte| byte == 0) && text.iter().all(plain))
        .then(|| text.iter().map(|&byte| char::from(byte)).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    fn word(text: &str) -> Felt {
        let mut bytes = [0; 32];
        for (target, byte) in bytes.iter_mut().rev().zip(text.bytes().rev()) {
            *target = byte;
        }
        encoding::from_canonical_be(&bytes).expect("at most 31 characters")
    }

    fn magic() -> Felt {
        let digits = BYTE_ARRAY_MAGIC.trim_start_matches("0x");
        let mut bytes = [0; 32];
        let digits = format!("{digits:0>64}");
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[2 * index..2 * index + 2], 16).expect("hexadecimal digits");
        }
        encoding::from_canonical_be(&bytes).expect("below the modulus")
    }

    #[test]
    fn short_strings() {
        assert_eq!(text(&[word("u32_sub Overflow")]).as_deref(), Some("u32_sub Overflow"));
        assert_eq!(text(&[word("one"), word("two")]).as_deref(), Some("one, two"));
        assert_eq!(text(&[Felt::from(1)]), None);
        assert_eq!(text(&[Felt::zero()]), None);
        assert_eq!(text(&[]), None);
    }

    #[test]
    fn byte_arrays() {
        let full = "a full word of thirty-one chars";
        let data = [magic(), Felt::from(1), word(full), word(" and more"), Felt::from(9)];
        assert_eq!(text(&data), Some(format!("{full} and more")));
        let empty = [magic(), Felt::zero(), Felt::zero(), Felt::zero()];
        assert_eq!(text(&empty).as_deref(), Some(""));
        // A count beyond the data, and a length beyond a word: no byte array, and the magic is not printable.
        assert_eq!(text(&[magic(), Felt::from(u64::MAX), word("x"), Felt::from(1)]), None);
        assert_eq!(text(&[magic(), Felt::zero(), word("x"), Felt::from(31)]), None);
    }
}
