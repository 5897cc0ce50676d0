//! Instructions that a proof counts in its claim, instead of in an instruction table.

use crate::codec::{CodecError, Reader, Write};
use crate::decode::{DecodeError, Decoded, signed};
use crate::program::{PROGRAM_BASE, Program};
use felt::Felt;
use felt::integers::small;

/// Most entries of a proof's list of fetches. Beyond, the instruction table is cheaper to verify.
pub const MAX_FETCHES: usize = 1 << 10;

/// An instruction of the program and how often generic and word tables execute it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetch {
    /// Its address.
    pub pc: u32,
    /// How often it is executed; at least 1.
    pub count: u32,
}

/// Why a list of fetches is not one of this program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// An address that does not come after the one before.
    #[error("its address {0} does not come after the one before")]
    Order(u32),
    /// An instruction that is never executed.
    #[error("it lists the instruction at address {0} but counts no execution")]
    Unused(u32),
    /// An address outside the program.
    #[error("address {0} is outside the program")]
    Outside(u32),
    /// The closing `jmp rel 0`: a run ends at its first arrival there.
    #[error("address {0} is the program's end, which is never executed")]
    Final(u32),
    /// A word that is no instruction.
    #[error("the word at address {pc} is no instruction: {error}")]
    Instruction {
        /// Its address.
        pc: u32,
        /// Why.
        error: DecodeError,
    },
}

impl Fetch {
    /// The entry of the instruction bus: `(pc, flags, off0, off1, off2, immediate)`, offsets as signed integers, 0 where there
    /// is no immediate.
    ///
    /// # Errors
    /// [`FetchError`] if the program has no such instruction, or never executes it.
    pub fn tuple(&self, program: &Program) -> Result<[Felt; 6], FetchError> {
        let pc = self.pc;
        let word = |address: u32| {
            let index = address.checked_sub(PROGRAM_BASE).map(|index| index as usize);
            index.and_then(|index| program.bytecode().get(index)).ok_or(FetchError::Outside(address))
        };
        let decoded = Decoded::new(word(pc)?).map_err(|error| FetchError::Instruction { pc, error })?;
        if pc == program.final_pc() {
            return Err(FetchError::Final(pc));
        }
        let immediate = if decoded.flags.op1_imm() { *word(pc.saturating_add(1))? } else { Felt::zero() };
        let [off0, off1, off2] = decoded.offsets.map(|offset| signed(i64::from(offset)));
        Ok([small(u64::from(pc)), small(u64::from(decoded.flags.0)), off0, off1, off2, immediate])
    }
}

/// Checks that every entry is an instruction of the program, each once, in ascending order.
///
/// # Errors
/// The first [`FetchError`] found.
pub fn check(fetches: &[Fetch], program: &Program) -> Result<(), FetchError> {
    let mut last = 0;
    for fetch in fetches {
        if fetch.pc <= last {
            return Err(FetchError::Order(fetch.pc));
        }
        if fetch.count == 0 {
            return Err(FetchError::Unused(fetch.pc));
        }
        fetch.tuple(program)?;
        last = fetch.pc;
    }
    Ok(())
}

pub(crate) fn encode(fetches: &[Fetch], out: &mut Vec<u8>) {
    out.u64(fetches.len() as u64);
    for fetch in fetches {
        out.u32(fetch.pc);
        out.u32(fetch.count);
    }
}

pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Vec<Fetch>, CodecError> {
    let count = reader.length("list of fetches", MAX_FETCHES, 8)?;
    let mut fetches = Vec::with_capacity(count);
    for _ in 0..count {
        let pc = reader.u32("list of fetches")?;
        fetches.push(Fetch { pc, count: reader.u32("list of fetches")? });
    }
    Ok(fetches)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::ArgumentBinding;
    use crate::{Builtin, buses, fixture};

    /// After the header `main: [ap] = 7; ap++`, a word that is none, `ret`, and an instruction whose
    /// immediate lies beyond the end.
    fn program() -> Program {
        let store = 0x4806_8001_7fff_8000;
        let words = [store, 7, u64::MAX, fixture::RET, store];
        fixture::program(&[Builtin::Output], words, ArgumentBinding::OutputPrefix)
    }

    fn at(pc: u32) -> Fetch {
        Fetch { pc, count: 1 }
    }

    #[test]
    fn each_error() {
        let program = program();
        let failure = |fetches: &[Fetch]| check(fetches, &program).expect_err("refused");
        assert_eq!(check(&[at(1), at(3), at(7), at(10)], &program), Ok(()));
        assert_eq!(failure(&[at(7), at(7)]), FetchError::Order(7));
        assert_eq!(failure(&[at(7), at(3)]), FetchError::Order(3));
        assert_eq!(failure(&[at(0)]), FetchError::Order(0));
        assert_eq!(failure(&[Fetch { pc: 7, count: 0 }]), FetchError::Unused(7));
        assert_eq!(failure(&[at(12)]), FetchError::Outside(12));
        assert_eq!(failure(&[at(u32::MAX)]), FetchError::Outside(u32::MAX));
        assert_eq!(failure(&[at(11)]), FetchError::Outside(12), "its immediate");
        assert_eq!(failure(&[at(5)]), FetchError::Final(5));
        let error = DecodeError::NotAnInstruction;
        assert_eq!(failure(&[at(9)]), FetchError::Instruction { pc: 9, error });
    }

    #[test]
    fn tuples_are_those_of_the_decoder() {
        let felt = |value: i64| signed(value);
        let program = program();
        let store = [7, 0x4806, 0, -1, 1, 7].map(felt);
        assert_eq!(at(7).tuple(&program), Ok(store));
        let ret = [10, 0x208b, -2, -1, -1, 0].map(felt);
        assert_eq!(at(10).tuple(&program), Ok(ret));
        assert_eq!(buses::INSTRUCTION.arity, 6);
    }
}
