//! Numbers and field elements as bytes, each in one form only.

use super::LoadError;
use felt::{Felt, encoding};
use std::io::{self, BufReader, Read, Write};

/// Marks an element that is written as the bytes of its negative.
const NEGATIVE: u8 = 64;

/// Writes and counts.
pub(super) struct Sink<W> {
    writer: W,
    buffer: Vec<u8>,
    written: u64,
}

/// Bytes gathered before they go on.
const BUFFER: usize = 1 << 16;

impl<W: Write> Sink<W> {
    pub(super) fn new(writer: W) -> Self {
        Self { writer, buffer: Vec::with_capacity(BUFFER + 64), written: 0 }
    }

    /// The writer and the bytes written to it.
    pub(super) fn finish(self) -> (W, u64) {
        (self.writer, self.written)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.written += self.buffer.len() as u64;
        self.writer.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    pub(super) fn byte(&mut self, byte: u8) -> io::Result<()> {
        self.buffer.push(byte);
        if self.buffer.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    /// Seven bits a byte, least significant first.
    pub(super) fn number(&mut self, mut number: u64) -> io::Result<()> {
        while number >= 0x80 {
            self.byte(number as u8 | 0x80)?;
            number >>= 7;
        }
        self.byte(number as u8)
    }

    /// A signed number: its sign moves to the lowest bit.
    pub(super) fn difference(&mut self, number: i64) -> io::Result<()> {
        self.number(((number << 1) ^ (number >> 63)) as u64)
    }

    /// Length and bytes of the element or of its negative, whichever is shorter.
    pub(super) fn felt(&mut self, value: &Felt) -> io::Result<()> {
        let form = Form::of(&encoding::canonical_limbs(value));
        self.byte(form.tag())?;
        let bytes = form.limbs.iter().flat_map(|limb| limb.to_le_bytes());
        bytes.take(form.length).try_for_each(|byte| self.byte(byte))
    }
}

/// How an element is written.
struct Form {
    negative: bool,
    length: usize,
    limbs: [u64; 4],
}

impl Form {
    fn of(limbs: &[u64; 4]) -> Self {
        let negated = negate(limbs);
        let (length, negated_length) = (byte_length(limbs), byte_length(&negated));
        if negated_length < length {
            Self { negative: true, length: negated_length, limbs: negated }
        } else {
            Self { negative: false, length, limbs: *limbs }
        }
    }

    const fn tag(&self) -> u8 {
        self.length as u8 | if self.negative { NEGATIVE } else { 0 }
    }
}

fn byte_length(limbs: &[u64; 4]) -> usize {
    let top = limbs.iter().rposition(|limb| *limb != 0);
    top.zip(top.and_then(|top| limbs.get(top)))
        .map_or(0, |(top, limb)| 8 * top + (64 - limb.leading_zeros() as usize).div_ceil(8))
}

/// `p − a`, for `a < p`; for 0 that is `p`, which is longer and so never chosen.
fn negate(limbs: &[u64; 4]) -> [u64; 4] {
    let mut result = [0; 4];
    let mut borrow = false;
    for ((target, modulus), limb) in result.iter_mut().zip(encoding::MODULUS.iter().rev()).zip(limbs) {
        let (difference, first) = modulus.overflowing_sub(*limb);
        let (difference, second) = difference.overflowing_sub(u64::from(borrow));
        (*target, borrow) = (difference, first || second);
    }
    result
}

/// Reads at most the announced bytes.
pub(super) struct Source<R> {
    reader: BufReader<io::Take<R>>,
    remaining: u64,
}

impl<R: Read> Source<R> {
    pub(super) fn new(reader: R, bytes: u64) -> Self {
        Self { reader: BufReader::with_capacity(BUFFER, reader.take(bytes)), remaining: bytes }
    }

    /// Bytes that the body must still have.
    pub(super) const fn remaining(&self) -> u64 {
        self.remaining
    }

    pub(super) fn into_inner(self) -> R {
        self.reader.into_inner().into_inner()
    }

    fn fill(&mut self, target: &mut [u8]) -> Result<(), LoadError> {
        let Some(remaining) = self.remaining.checked_sub(target.len() as u64) else {
            return Err(LoadError::Truncated { part: "body" });
        };
        self.reader.read_exact(target).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => LoadError::Truncated { part: "body" },
            _ => LoadError::Unpack { message: error.to_string() },
        })?;
        self.remaining = remaining;
        Ok(())
    }

    pub(super) fn byte(&mut self) -> Result<u8, LoadError> {
        let mut byte = [0];
        self.fill(&mut byte)?;
        let [byte] = byte;
        Ok(byte)
    }

    pub(super) fn number(&mut self, what: &'static str) -> Result<u64, LoadError> {
        let bad = LoadError::NonCanonicalNumber { what };
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if (bits << shift) >> shift != bits {
                return Err(bad);
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return if byte == 0 && shift > 0 { Err(bad) } else { Ok(number) };
            }
        }
        Err(bad)
    }

    pub(super) fn address(&mut self, what: &'static str) -> Result<u32, LoadError> {
        u32::try_from(self.number(what)?).map_err(|_| LoadError::NonCanonicalNumber { what })
    }

    pub(super) fn difference(&mut self, what: &'static str) -> Result<i64, LoadError> {
        let number = self.number(what)?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// A count of things that take at least `bytes_each` bytes: within its limit and what is left of the body.
    pub(super) fn count(&mut self, what: &'static str, limit: u64, bytes_each: u64) -> Result<usize, LoadError> {
        let found = self.number(what)?;
        super::limit(what, found, limit)?;
        let fits = found.checked_mul(bytes_each).is_some_and(|bytes| bytes <= self.remaining);
        usize::try_from(found).ok().filter(|_| fits).ok_or(LoadError::CountBeyondEnd {
            what,
            found,
            remaining: self.remaining,
        })
    }

    pub(super) fn felt(&mut self, what: &'static str) -> Result<Felt, LoadError> {
        let bad = || LoadError::NonCanonicalFelt { what };
        let tag = self.byte()?;
        let (negative, length) = (tag & NEGATIVE != 0, usize::from(tag & !NEGATIVE));
        let mut bytes = [0; 32];
        self.fill(bytes.get_mut(..length).ok_or_else(bad)?)?;
        let mut limbs = [0; 4];
        for (limb, word) in limbs.iter_mut().zip(bytes.chunks_exact(8)) {
            *limb = super::little_endian(word);
        }
        // 0 is its own negative, and is not written as one.
        if negative && limbs == [0; 4] {
            return Err(bad());
        }
        let value = encoding::from_canonical_limbs(limbs).ok_or_else(bad)?;
        let (value, limbs) = if negative { (-value, negate(&limbs)) } else { (value, limbs) };
        if Form::of(&limbs).tag() != tag {
            return Err(bad());
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    fn written(write: impl Fn(&mut Sink<Vec<u8>>) -> io::Result<()>) -> Vec<u8> {
        let mut sink = Sink::new(Vec::new());
        write(&mut sink).expect("a vector takes all");
        sink.flush().expect("a vector takes all");
        let (bytes, count) = sink.finish();
        assert_eq!(bytes.len() as u64, count);
        bytes
    }

    fn source(bytes: &[u8]) -> Source<&[u8]> {
        Source::new(bytes, bytes.len() as u64)
    }

    #[test]
    fn numbers_come_back() {
        for number in [0, 1, 127, 128, 16383, 16384, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let bytes = written(|sink| sink.number(number));
            assert_eq!(source(&bytes).number("test").ok(), Some(number));
        }
        for number in [0, 1, -1, 63, -64, 64, i64::MAX, i64::MIN] {
            let bytes = written(|sink| sink.difference(number));
            assert_eq!(source(&bytes).difference("test").ok(), Some(number));
        }
    }

    #[test]
    fn overlong_numbers_are_refused() {
        for bytes in
            [&[0x80, 0][..], &[0xff, 0x80, 0], &[0xff; 11], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]]
        {
            assert!(matches!(source(bytes).number("test"), Err(LoadError::NonCanonicalNumber { .. })), "{bytes:?}");
        }
        let address = written(|sink| sink.number(1 << 32));
        assert!(matches!(source(&address).address("test"), Err(LoadError::NonCanonicalNumber { .. })));
    }

    #[test]
    fn felts_come_back_in_few_bytes() {
        let half = Felt::from(2).inv().expect("2 is not 0");
        let cases = [
            (Felt::zero(), 1),
            (Felt::from(1), 2),
            (Felt::from(255), 2),
            (Felt::from(256), 3),
            (-Felt::from(1), 2),
            (-Felt::from(256), 3),
            (Felt::from(u64::MAX), 9),
            (half, 33),
            (half - Felt::from(1), 32 + 1),
        ];
        for (value, length) in cases {
            let bytes = written(|sink| sink.felt(&value));
            assert_eq!(bytes.len(), length, "{}", encoding::to_hex(&value));
            assert_eq!(source(&bytes).felt("test").ok(), Some(value));
        }
    }

    #[test]
    fn other_forms_of_felts_are_refused() {
        let mut modulus = vec![32];
        modulus.extend(encoding::MODULUS.iter().rev().flat_map(|limb| limb.to_le_bytes()));
        let minus_one = {
            let mut bytes = vec![32];
            bytes.extend(negate(&[1, 0, 0, 0]).iter().flat_map(|limb| limb.to_le_bytes()));
            bytes
        };
        let longer_negative = {
            let mut bytes = vec![32 | NEGATIVE];
            bytes.extend(negate(&[1, 0, 0, 0]).iter().flat_map(|limb| limb.to_le_bytes()));
            bytes
        };
        let cases: [&[u8]; 9] =
            [&[1, 0], &[2, 5, 0], &[NEGATIVE], &[33], &[128], &[255], &modulus, &minus_one, &longer_negative];
        for bytes in cases {
            assert!(matches!(source(bytes).felt("test"), Err(LoadError::NonCanonicalFelt { .. })), "{bytes:?}");
        }
        assert!(matches!(source(&[3, 1, 2]).felt("test"), Err(LoadError::Truncated { .. })));
    }

    #[test]
    fn counts_are_bounded() {
        let bytes = written(|sink| sink.number(10));
        assert!(matches!(source(&bytes).count("test", 9, 0), Err(LoadError::TooLarge { found: 10, limit: 9, .. })));
        assert!(matches!(source(&bytes).count("test", 10, 1), Err(LoadError::CountBeyondEnd { found: 10, .. })));
        assert_eq!(source(&bytes).count("test", 10, 0).ok(), Some(10));
    }
}
