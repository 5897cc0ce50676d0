//! A program as the verifier knows it: the bytecode with its proof-mode header, its builtins, and how arguments
//! reach it.

use crate::builtin::Builtin;
use felt::{Felt, encoding};
use stark::hash::Parts;
use std::sync::{Arc, OnceLock};

/// Address of the first word of the program segment.
pub const PROGRAM_BASE: u32 = 1;

/// Words of the proof-mode header: `ap += n; call main; jmp rel 0`.
pub const HEADER_WORDS: usize = 6;

/// Offset of the closing `jmp rel 0` from the first word.
pub const END_OFFSET: u32 = 4;

/// Most words a program may have.
pub const MAX_BYTECODE: usize = 1 << 20;

const AP_ADD_IMM: u64 = 0x0407_8001_7fff_7fff;
const CALL_REL_IMM: u64 = 0x1104_8001_8001_8000;
const JMP_REL_IMM: u64 = 0x0107_8001_7fff_7fff;

/// How a proof binds the run's arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgumentBinding {
    /// Cairo 0: the output begins with the arguments, in order.
    OutputPrefix,
    /// Cairo 2: the entry wrapper holds the start and the end of the argument segment in the cells at
    /// `initial ap + cell` and `initial ap + cell + 1`.
    Pointers {
        /// Offset of the first of the two cells from the initial `ap`.
        cell: u32,
    },
}

/// Why words cannot be a provable program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// The words do not begin with the header that proof mode needs.
    #[error(
        "word {offset} of the program is {found}, but a provable program begins with `ap += {builtins}; call main; jmp rel 0` \
         (compile Cairo 0 with --proof_mode; build Cairo 2 as a standalone executable)"
    )]
    Header {
        /// Word index from the program's start.
        offset: usize,
        /// What stands there, in hexadecimal.
        found: String,
        /// Number of declared builtins.
        builtins: usize,
    },
    /// Fewer words than the header has.
    #[error("the program has {0} words; a provable program has at least {HEADER_WORDS}")]
    TooShort(usize),
    /// More words than [`MAX_BYTECODE`].
    #[error("the program has {0} words; the limit is {MAX_BYTECODE}")]
    TooLong(usize),
    /// Builtins repeated or out of order.
    #[error(
        "builtin `{second}` is declared after `{first}`; the order is: output, pedersen, range_check, ecdsa, bitwise, ec_op, keccak, poseidon, range_check96, add_mod, mul_mod"
    )]
    BuiltinOrder {
        /// The builtin declared first.
        first: Builtin,
        /// The builtin that must not follow it.
        second: Builtin,
    },
}

/// A program in the proof-mode shape: header words checked, builtins in canonical order.
///
/// It may declare builtins that no run uses: their segments are empty, and they have no tables. It need not declare `output`: a proof then
/// shows that it ran to its end on its arguments.
///
/// Clones share all of it, and the hash too once one of them has computed it: whoever verifies many proofs of one program keeps it, and gives each
/// statement a clone.
#[derive(Debug, Clone)]
pub struct Program(Arc<Content>);

#[derive(Debug)]
struct Content {
    bytecode: Vec<Felt>,
    builtins: Vec<Builtin>,
    arguments: ArgumentBinding,
    hash: OnceLock<[u8; 32]>,
}

impl PartialEq for Program {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (&*self.0, &*other.0);
        Arc::ptr_eq(&self.0, &other.0)
            || (a.arguments == b.arguments && a.builtins == b.builtins && a.bytecode == b.bytecode)
    }
}

impl Eq for Program {}

impl Program {
    /// Checks the shape. `bytecode[i]` stands at address `PROGRAM_BASE + i`.
    ///
    /// # Errors
    /// Each [`ProgramError`] as its text says.
    pub fn new(bytecode: Vec<Felt>, builtins: Vec<Builtin>, arguments: ArgumentBinding) -> Result<Self, ProgramError> {
        if bytecode.len() < HEADER_WORDS {
            return Err(ProgramError::TooShort(bytecode.len()));
        }
        if bytecode.len() > MAX_BYTECODE {
            return Err(ProgramError::TooLong(bytecode.len()));
        }
        let header =
            [Some(AP_ADD_IMM), Some(builtins.len() as u64), Some(CALL_REL_IMM), None, Some(JMP_REL_IMM), Some(0)];
        for (offset, (word, expected)) in bytecode.iter().zip(header).enumerate() {
            if expected.is_some_and(|expected| encoding::to_u64(word) != Some(expected)) {
                let found = encoding::to_hex(word);
                return Err(ProgramError::Header { offset, found, builtins: builtins.len() });
            }
        }
        for pair in builtins.windows(2) {
            if let [first, second] = *pair
                && first >= second
            {
                return Err(ProgramError::BuiltinOrder { first, second });
            }
        }
        Ok(Self(Arc::new(Content { bytecode, builtins, arguments, hash: OnceLock::new() })))
    }

    /// The words; word `i` stands at address `PROGRAM_BASE + i`.
    pub fn bytecode(&self) -> &[Felt] {
        &self.0.bytecode
    }

    /// Declared builtins, in canonical order.
    pub fn builtins(&self) -> &[Builtin] {
        &self.0.builtins
    }

    /// How the arguments are bound.
    pub fn arguments(&self) -> ArgumentBinding {
        self.0.arguments
    }

    /// `pc` of the first instruction.
    pub const fn initial_pc(&self) -> u32 {
        PROGRAM_BASE
    }

    /// `pc` of the closing `jmp rel 0`, where a run ends.
    pub const fn final_pc(&self) -> u32 {
        PROGRAM_BASE + END_OFFSET
    }

    /// Address of the first cell of the execution segment, which follows the program.
    pub fn execution_base(&self) -> u32 {
        PROGRAM_BASE + self.bytecode().len() as u32
    }

    /// Initial `ap`, initial `fp` and final `fp`: two cells into the execution segment.
    pub fn initial_ap(&self) -> u32 {
        self.execution_base() + 2
    }

    /// Identity: BLAKE3 over builtins, argument binding and bytecode. Computed once for all clones.
    pub fn hash(&self) -> [u8; 32] {
        *self.0.hash.get_or_init(|| self.0.hash())
    }
}

impl Content {
    fn hash(&self) -> [u8; 32] {
        let mut parts = Parts::new(blake3::Hasher::new_derive_key("cairn program identity v1"));
        parts.push(&(self.builtins.len() as u64).to_le_bytes());
        for builtin in &self.builtins {
            parts.push(&(builtin.name().len() as u64).to_le_bytes());
            parts.push(builtin.name().as_bytes());
        }
        match self.arguments {
            ArgumentBinding::OutputPrefix => parts.push(&[0]),
            ArgumentBinding::Pointers { cell } => {
                parts.push(&[1]);
                parts.push(&cell.to_le_bytes());
            }
        }
        parts.push(&(self.bytecode.len() as u64).to_le_bytes());
        for word in &self.bytecode {
            parts.push(&encoding::to_canonical_be(word));
        }
        *parts.finish().finalize().as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    /// The definition, in one piece.
    fn plain_hash(program: &Program) -> [u8; 32] {
        let mut bytes = (program.builtins().len() as u64).to_le_bytes().to_vec();
        for builtin in program.builtins() {
            bytes.extend((builtin.name().len() as u64).to_le_bytes());
            bytes.extend(builtin.name().as_bytes());
        }
        match program.arguments() {
            ArgumentBinding::OutputPrefix => bytes.push(0),
            ArgumentBinding::Pointers { cell } => bytes.extend([&[1], &cell.to_le_bytes()[..]].concat()),
        }
        bytes.extend((program.bytecode().len() as u64).to_le_bytes());
        bytes.extend(program.bytecode().iter().flat_map(encoding::to_canonical_be));
        blake3::derive_key("cairn program identity v1", &bytes)
    }

    #[test]
    fn clones_share_the_hash() {
        for (words, binding) in [(1, ArgumentBinding::OutputPrefix), (5000, ArgumentBinding::Pointers { cell: 3 })] {
            let words = || (0..words).map(|word: u64| word.wrapping_mul(u64::MAX / 3));
            let make = |binding| fixture::program(&[Builtin::Output, Builtin::RangeCheck], words(), binding);
            let program = make(binding);
            let clone = program.clone();
            assert_eq!(program.hash(), plain_hash(&program));
            assert_eq!(clone.0.hash.get(), Some(&program.hash()));
            // Programs are what they say, whether their hash is known or not.
            assert_eq!(make(binding), program);
            assert_ne!(make(ArgumentBinding::Pointers { cell: 4 }), program);
        }
    }
}
