//! What a derived table executes: a path through the program, or any instruction with one flag word.

use super::{DerivedError, MAX_STEPS};
use crate::decode::Decoded;
use std::fmt;

/// Consecutive steps within the program's own bytecode.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    /// `pc` of the first instruction.
    pub pc: u32,
    /// `Some(d)`: the table takes only states with `ap − fp = d`, which saves a column. At a function's entry `d = 0`.
    pub frame: Option<i32>,
    /// Number of instructions.
    pub steps: u32,
    /// For each conditional jump on the path, in order, whether it jumps. At the last step it may be missing: then both
    /// outcomes are covered.
    pub taken: Vec<bool>,
    /// For each jump whose target does not follow from the path, in order, the target that the table asserts. At the last
    /// step it may be missing: then the target can be anything.
    pub targets: Vec<u32>,
}

/// Any instruction with this flag word, whose unused offsets are −1 as assemblers write them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word {
    /// The 15-bit flag word.
    pub flags: u16,
    /// For a conditional jump, whether it jumps; `None` covers both outcomes and every other instruction.
    pub taken: Option<bool>,
}

impl Word {
    /// Whether the table's look-ups can match this instruction.
    pub fn covers(&self, instruction: &Decoded) -> bool {
        let flags = instruction.flags;
        let fixed = |index| super::machine::offset_constant(flags, index);
        flags.0 == self.flags
            && (0..).zip(instruction.offsets).all(|(index, offset)| fixed(index).is_none_or(|fixed| fixed == offset))
    }

    /// Appends the encoding: 3 bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.flags.to_le_bytes());
        out.push(match self.taken {
            None => 0,
            Some(false) => 1,
            Some(true) => 2,
        });
    }

    /// Reads [`Word::encode`] from the front of `bytes` and moves past it.
    ///
    /// # Errors
    /// [`DerivedError::Encoding`]; whether a table exists is for [`super::word_air`] to say.
    pub fn decode(bytes: &mut &[u8]) -> Result<Self, DerivedError> {
        let flags = u16::from_le_bytes(take(bytes)?);
        let taken = match take(bytes)? {
            [0] => None,
            [1] => Some(false),
            [2] => Some(true),
            _ => return Err(DerivedError::Encoding("an outcome is none of 0, 1, 2")),
        };
        Ok(Self { flags, taken })
    }
}

impl Path {
    /// Appends the encoding: start, steps, frame, outcomes as bits, targets.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.pc.to_le_bytes());
        out.extend((self.steps as u16).to_le_bytes());
        out.push(u8::from(self.frame.is_some()));
        out.extend(self.frame.iter().flat_map(|frame| frame.to_le_bytes()));
        out.extend((self.taken.len() as u16).to_le_bytes());
        let byte = |bits: &[bool]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
        out.extend(self.taken.chunks(8).map(byte));
        out.extend((self.targets.len() as u16).to_le_bytes());
        out.extend(self.targets.iter().flat_map(|target| target.to_le_bytes()));
    }

    /// Reads [`Path::encode`] from the front of `bytes` and moves past it. Every path has one encoding.
    ///
    /// # Errors
    /// [`DerivedError::Encoding`], also for more than [`MAX_STEPS`] steps, outcomes or targets; whether a table exists is
    /// for [`super::path_air`] to say.
    pub fn decode(bytes: &mut &[u8]) -> Result<Self, DerivedError> {
        let pc = u32::from_le_bytes(take(bytes)?);
        let steps = count(bytes)?;
        let frame = match take(bytes)? {
            [0] => None,
            [1] => Some(i32::from_le_bytes(take(bytes)?)),
            _ => return Err(DerivedError::Encoding("a flag is neither 0 nor 1")),
        };
        let outcomes = count(bytes)? as usize;
        let mut taken = Vec::with_capacity(outcomes);
        while taken.len() < outcomes {
            let [byte] = take(bytes)?;
            let bits = (outcomes - taken.len()).min(8);
            if u32::from(byte) >> bits != 0 {
                return Err(DerivedError::Encoding("padding bits are not 0"));
            }
            taken.extend((0..bits).map(|bit| byte >> bit & 1 == 1));
        }
        let targets = (0..count(bytes)?).map(|_| take(bytes).map(u32::from_le_bytes)).collect::<Result<_, _>>()?;
        Ok(Self { pc, frame, steps, taken, targets })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], DerivedError> {
    let (head, rest) = bytes.split_first_chunk::<N>().ok_or(DerivedError::Encoding("it ends too early"))?;
    *bytes = rest;
    Ok(*head)
}

fn count(bytes: &mut &[u8]) -> Result<u32, DerivedError> {
    let count = u32::from(u16::from_le_bytes(take(bytes)?));
    if count > MAX_STEPS {
        return Err(DerivedError::Encoding("a path is longer than the limit"));
    }
    Ok(count)
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.taken {
            None => "",
            Some(true) => " (jumps)",
            Some(false) => " (falls through)",
        };
        write!(f, "word {:#06x}{outcome}", self.flags)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "path of {} steps from pc {}", self.steps, self.pc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_canonical() -> Result<(), DerivedError> {
        let path = Path {
            pc: 7,
            frame: Some(-3),
            steps: 40,
            taken: [true, false, true].repeat(6),
            targets: vec![17, 1 << 19],
        };
        let mut bytes = Vec::new();
        path.encode(&mut bytes);
        Word { flags: 0x480a, taken: Some(true) }.encode(&mut bytes);
        let mut rest = bytes.as_slice();
        assert_eq!(Path::decode(&mut rest)?, path);
        assert_eq!(Word::decode(&mut rest)?, Word { flags: 0x480a, taken: Some(true) });
        assert!(rest.is_empty());
        for length in 0..bytes.len() - 3 {
            assert!(Path::decode(&mut &bytes[..length]).is_err());
        }
        // Whatever decodes encodes to the bytes that were read.
        for (position, bit) in (0..bytes.len() - 3).flat_map(|position| (0..8).map(move |bit| (position, bit))) {
            let mut changed = bytes.clone();
            changed[position] ^= 1 << bit;
            let mut rest = changed.as_slice();
            if let Ok(path) = Path::decode(&mut rest) {
                let mut again = Vec::new();
                path.encode(&mut again);
                assert_eq!(again, changed[..changed.len() - rest.len()]);
            }
        }
        Ok(())
    }
}
