//! What a derived table executes: a path through the program, or any instruction with one flag word.

use super::{DerivedError, MAX_MOVED, MAX_OWNED, MAX_STEPS};
use crate::decode::{Decoded, Flags};
use felt::{Felt, encoding};
use std::fmt;

/// Consecutive steps within the program's own bytecode. The order of the fields is the order of tables in a layout.
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
    /// For each `ret` whose caller's frame does not follow from the path, in order, how far below its own frame the table asserts that
    /// frame to be, which saves a column; 0 if it can be any. What is missing at the end can be any, and the last entry is not 0.
    pub returns: Vec<u32>,
    /// Empty if the table owns no cells. Else one entry for each cell from `ap` before the path to `ap` after it, in order: 0
    /// for a cell that nothing else uses, `n` for one that the table provides as often as its `n`-th column of uses says.
    pub owned: Vec<u8>,
}

/// Any instruction with this flag word, whose unused offsets are −1 as assemblers write them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word {
    /// The 15-bit flag word.
    pub flags: u16,
    /// For a conditional jump, whether it jumps; `None` covers both outcomes and every other instruction.
    pub taken: Option<bool>,
}

/// Any instruction with a word's flags that moves `ap` up by a constant, as a row that owns the cells it moves `ap` over. The order of the fields
/// is the order of tables in a layout.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwningWord {
    /// The word.
    pub word: Word,
    /// The operand (0 for dst, 1 for op0, 2 for op1) that the table takes at `[ap]` only: then the row knows the cell without a lookup. It is relative
    /// to `ap`, and its offset, which would be a column, is 0.
    pub at_ap: Option<u8>,
    /// As in [`Path::owned`], and not empty. If the instruction adds its immediate to `ap`, the table is for those whose immediate is this number of
    /// cells.
    pub owned: Vec<u8>,
}

impl Word {
    /// Whether the table's lookups can match this instruction.
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

impl OwningWord {
    /// The table for this instruction with this word after it, if it moves `ap` up by a constant: the first operand of it that is `[ap]` is taken for
    /// granted. No cell is provided yet.
    pub fn of(word: Word, instruction: &Decoded, next: Option<&Felt>) -> Option<Self> {
        let flags = instruction.flags;
        let cells = match flags.call() {
            true => 2,
            false if adds_immediate(flags) => encoding::to_u64(next?).filter(|cells| *cells <= u64::from(MAX_MOVED))?,
            false => u64::from(flags.ap_add1()),
        };
        let is_at_ap = |index: &u8| {
            is_free_at_ap(flags, *index)
                && instruction.offsets.get(usize::from(*index)).is_some_and(|offset| *offset == 0)
        };
        let at_ap = (0..3).find(is_at_ap);
        (cells > 0 && word.covers(instruction)).then(|| Self { word, at_ap, owned: vec![0; cells as usize] })
    }

    /// Cells that a row provides.
    pub fn provided(&self) -> usize {
        self.owned.iter().filter(|uses| **uses > 0).count()
    }

    /// Appends the encoding: the word, the operand at `[ap]` (3 if there is none), how many cells it owns and up to which of them it has more than
    /// zeros, and these.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.word.encode(out);
        out.push(self.at_ap.unwrap_or(NO_OPERAND));
        out.extend((self.owned.len() as u16).to_le_bytes());
        let last = self.owned.iter().rposition(|uses| *uses > 0).map_or(0, |last| last + 1);
        out.extend((last as u16).to_le_bytes());
        out.extend(self.owned.iter().take(last));
    }

    /// Reads [`OwningWord::encode`] from the front of `bytes` and moves past it. Every owning word has one encoding.
    ///
    /// # Errors
    /// [`DerivedError::Encoding`]; whether a table exists is for [`OwningWord::derive`] to say.
    pub fn decode(bytes: &mut &[u8]) -> Result<Self, DerivedError> {
        let word = Word::decode(bytes)?;
        let at_ap = match take(bytes)? {
            [NO_OPERAND] => None,
            [operand] if operand < NO_OPERAND => Some(operand),
            _ => return Err(DerivedError::Encoding("an operand is none of 0, 1, 2, 3")),
        };
        let cells = count(bytes, MAX_MOVED)? as usize;
        let mut owned = decode_owned(bytes, MAX_MOVED)?;
        if cells == 0 {
            return Err(DerivedError::Encoding("an owning word owns nothing"));
        }
        if owned.len() > cells || owned.last() == Some(&0) {
            return Err(DerivedError::Encoding("the uses of owned cells do not end with one of them that is used"));
        }
        owned.resize(cells, 0);
        Ok(Self { word, at_ap, owned })
    }
}

/// Whether an instruction does nothing to `ap` but to add its immediate.
pub(super) fn adds_immediate(flags: Flags) -> bool {
    flags.ap_add_res() && flags.op1_imm() && !flags.res_add() && !flags.res_mul()
}

/// Stands for no operand.
const NO_OPERAND: u8 = 3;

/// Whether an instruction uses this operand at a free offset from `ap`.
pub(super) fn is_free_at_ap(flags: Flags, index: u8) -> bool {
    let base_is_ap = match index {
        0 => !flags.dst_fp(),
        1 => !flags.op0_fp(),
        _ => flags.op1_ap(),
    };
    base_is_ap && index < NO_OPERAND && super::machine::offset_constant(flags, index).is_none()
}

impl Path {
    /// Appends the encoding: start, steps, frame, outcomes as bits, targets, returns, owned cells.
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
        out.extend((self.returns.len() as u16).to_le_bytes());
        out.extend(self.returns.iter().flat_map(|distance| distance.to_le_bytes()));
        out.extend((self.owned.len() as u16).to_le_bytes());
        out.extend(&self.owned);
    }

    /// Reads [`Path::encode`] from the front of `bytes` and moves past it. Every path has one encoding.
    ///
    /// # Errors
    /// [`DerivedError::Encoding`], also for more than [`MAX_STEPS`] steps, outcomes, targets or returns, or more than [`MAX_OWNED`] owned cells; whether a table exists is
    /// for [`super::path_air`] to say.
    pub fn decode(bytes: &mut &[u8]) -> Result<Self, DerivedError> {
        let pc = u32::from_le_bytes(take(bytes)?);
        let steps = count(bytes, MAX_STEPS)?;
        let frame = match take(bytes)? {
            [0] => None,
            [1] => Some(i32::from_le_bytes(take(bytes)?)),
            _ => return Err(DerivedError::Encoding("a flag is neither 0 nor 1")),
        };
        let outcomes = count(bytes, MAX_STEPS)? as usize;
        let mut taken = Vec::with_capacity(outcomes);
        while taken.len() < outcomes {
            let [byte] = take(bytes)?;
            let bits = (outcomes - taken.len()).min(8);
            if u32::from(byte) >> bits != 0 {
                return Err(DerivedError::Encoding("padding bits are not 0"));
            }
            taken.extend((0..bits).map(|bit| byte >> bit & 1 == 1));
        }
        let targets = (0..count(bytes, MAX_STEPS)?).map(|_| take(bytes).map(u32::from_le_bytes));
        let targets = targets.collect::<Result<_, _>>()?;
        let returns = (0..count(bytes, MAX_STEPS)?).map(|_| take(bytes).map(u32::from_le_bytes));
        let returns = returns.collect::<Result<Vec<_>, _>>()?;
        if returns.last() == Some(&0) {
            return Err(DerivedError::Encoding("the last return says nothing"));
        }
        let owned = decode_owned(bytes, MAX_OWNED)?;
        Ok(Self { pc, frame, steps, taken, targets, returns, owned })
    }
}

/// Numbers of owned cells. Columns of uses are numbered in the order in which they occur.
fn decode_owned(bytes: &mut &[u8], most: u32) -> Result<Vec<u8>, DerivedError> {
    let owned = (0..count(bytes, most)?).map(|_| take(bytes).map(|[uses]| uses)).collect::<Result<Vec<_>, _>>()?;
    let numbered = owned.iter().try_fold(0, |most: u8, uses| match most.checked_add(1) {
        Some(next) if *uses == next => Some(next),
        _ => (*uses <= most).then_some(most),
    });
    match numbered {
        Some(_) => Ok(owned),
        None => Err(DerivedError::Encoding("columns of uses are not numbered in order")),
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], DerivedError> {
    let (head, rest) = bytes.split_first_chunk::<N>().ok_or(DerivedError::Encoding("it ends too early"))?;
    *bytes = rest;
    Ok(*head)
}

fn count(bytes: &mut &[u8], limit: u32) -> Result<u32, DerivedError> {
    let count = u32::from(u16::from_le_bytes(take(bytes)?));
    if count > limit {
        return Err(DerivedError::Encoding("a count is above its limit"));
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

impl fmt::Display for OwningWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "owning {}", self.word)?;
        if Flags(self.word.flags).ap_add_res() {
            write!(f, " over {} cells", self.owned.len())?;
        }
        match self.at_ap {
            Some(0) => f.write_str(" with dst at ap"),
            Some(operand) => write!(f, " with op{} at ap", operand - 1),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "path of {} steps from pc {}", self.steps, self.pc)?;
        if self.owned.is_empty() { Ok(()) } else { write!(f, " with {} cells", self.owned.len()) }
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
            returns: vec![0, 4, 0, 1 << 31],
            owned: vec![0, 1, 0, 2, 1],
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

    #[test]
    fn encodings_of_owning_words_are_canonical() -> Result<(), DerivedError> {
        let word = Word { flags: 0x480a, taken: None };
        for (at_ap, owned) in
            [(None, vec![0]), (Some(0), vec![1]), (Some(1), vec![1, 0]), (Some(2), vec![1, 2]), (None, vec![0; 4096])]
        {
            let owning = OwningWord { word, at_ap, owned };
            let mut bytes = Vec::new();
            owning.encode(&mut bytes);
            let mut rest = bytes.as_slice();
            assert_eq!((OwningWord::decode(&mut rest)?, rest.is_empty()), (owning, true));
            for length in 0..bytes.len() {
                assert!(OwningWord::decode(&mut &bytes[..length]).is_err());
            }
            // Whatever decodes encodes to the bytes that were read.
            for (position, bit) in (0..bytes.len()).flat_map(|position| (0..8).map(move |bit| (position, bit))) {
                let mut changed = bytes.clone();
                changed[position] ^= 1 << bit;
                let mut rest = changed.as_slice();
                if let Ok(owning) = OwningWord::decode(&mut rest) {
                    let mut again = Vec::new();
                    owning.encode(&mut again);
                    assert_eq!(again, changed[..changed.len() - rest.len()]);
                }
            }
        }
        // As the protocol's document has it.
        let mut bytes = Vec::new();
        OwningWord { word: Word { flags: 0x1104, taken: None }, at_ap: None, owned: vec![1, 1] }.encode(&mut bytes);
        assert_eq!(bytes, [4, 17, 0, 3, 2, 0, 2, 0, 1, 1]);
        let mut bytes = Vec::new();
        OwningWord { word: Word { flags: 0x0407, taken: None }, at_ap: None, owned: vec![0, 1, 0, 0] }
            .encode(&mut bytes);
        assert_eq!(bytes, [7, 4, 0, 3, 4, 0, 2, 0, 0, 1]);
        let refused = |bytes: &[u8]| OwningWord::decode(&mut &bytes[..]).err();
        let encoding = |what| Some(DerivedError::Encoding(what));
        assert_eq!(refused(&[4, 17, 0, 4, 1, 0, 1, 0, 1]), encoding("an operand is none of 0, 1, 2, 3"));
        assert_eq!(refused(&[4, 17, 0, 3, 0, 0, 0, 0]), encoding("an owning word owns nothing"));
        assert_eq!(refused(&[4, 17, 0, 3, 2, 0, 2, 0, 0, 2]), encoding("columns of uses are not numbered in order"));
        let ends = "the uses of owned cells do not end with one of them that is used";
        assert_eq!(refused(&[4, 17, 0, 3, 2, 0, 2, 0, 1, 0]), encoding(ends));
        assert_eq!(refused(&[4, 17, 0, 3, 2, 0, 3, 0, 1, 1, 1]), encoding(ends));
        assert_eq!(refused(&[4, 17, 0, 3, 1, 16, 0, 0]), encoding("a count is above its limit"));
        Ok(())
    }

    /// As the protocol's document has it.
    #[test]
    fn the_encoding_is_pinned() {
        let path = Path {
            pc: 7,
            frame: Some(-3),
            steps: 40,
            taken: vec![true, false, true],
            targets: vec![17],
            returns: vec![0, 4],
            owned: vec![0, 1],
        };
        let mut bytes = Vec::new();
        path.encode(&mut bytes);
        let expected: [&[u8]; 6] = [
            &[7, 0, 0, 0, 40, 0],
            &[1, 253, 255, 255, 255],
            &[3, 0, 5],
            &[1, 0, 17, 0, 0, 0],
            &[2, 0, 0, 0, 0, 0, 4, 0, 0, 0],
            &[2, 0, 0, 1],
        ];
        assert_eq!(bytes, expected.concat());
        // A return that says nothing may not be the last.
        let surplus = Path { returns: vec![4, 0], ..path };
        let mut bytes = Vec::new();
        surplus.encode(&mut bytes);
        let refused = DerivedError::Encoding("the last return says nothing");
        assert_eq!(Path::decode(&mut bytes.as_slice()), Err(refused));
    }

    /// Columns of uses have one numbering, and a row does not own more than the bus counts on.
    #[test]
    fn owned_cells_are_numbered_in_order() {
        let decode = |owned: Vec<u8>| {
            let path = Path {
                pc: 7,
                frame: None,
                steps: 1,
                taken: Vec::new(),
                targets: Vec::new(),
                returns: Vec::new(),
                owned,
            };
            let mut bytes = Vec::new();
            path.encode(&mut bytes);
            let mut rest = bytes.as_slice();
            Path::decode(&mut rest).map(|found| assert!(found == path && rest.is_empty()))
        };
        let all: Vec<u8> = (0..=u8::MAX).collect();
        for owned in [vec![], vec![0], vec![0, 0], vec![1], vec![0, 1, 1, 0, 2, 1, 3], all.clone(), vec![0; 1024]] {
            assert_eq!(decode(owned), Ok(()));
        }
        assert_eq!(decode([all, vec![0, 255, 1]].concat()), Ok(()));
        let numbers = DerivedError::Encoding("columns of uses are not numbered in order");
        for owned in
            [vec![2], vec![0, 0, 2], vec![2, 1], vec![1, 3], vec![1, 3, 2], vec![1, 2, 4], vec![255], vec![0, 255]]
        {
            assert_eq!(decode(owned.clone()), Err(numbers.clone()), "{owned:?}");
        }
        let too_long = DerivedError::Encoding("a count is above its limit");
        for owned in [vec![0; 1025], vec![1; 1025], vec![0; 65535]] {
            assert_eq!(decode(owned), Err(too_long.clone()));
        }
    }
}
