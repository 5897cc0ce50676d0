//! Why a derived table does not exist.

use crate::decode::DecodeError;

/// Why a word or a path is no table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DerivedError {
    /// A path without steps, or longer than the limit.
    #[error("a path has {0} steps; it must have 1 to {limit}", limit = super::MAX_STEPS)]
    Steps(u32),
    /// More columns than the limit.
    #[error("a derived table needs more than {limit} columns", limit = super::MAX_COLUMNS)]
    Columns,
    /// A path leaves the bytecode.
    #[error("a path executes pc {pc}, which is not wholly inside the program's bytecode")]
    OutsideProgram {
        /// Where.
        pc: String,
    },
    /// A path executes the program's last instruction, which no proof may count.
    #[error("a path executes pc {0}, the program's end")]
    ExecutesEnd(u32),
    /// A word of the path is no instruction.
    #[error("pc {pc} of a path is no instruction: {error}")]
    Instruction {
        /// Where.
        pc: u32,
        /// Why.
        error: DecodeError,
    },
    /// The flag word of a word table is no instruction.
    #[error("the flag word {flags:#06x} is no instruction: {error}")]
    Flags {
        /// The word.
        flags: u16,
        /// Why.
        error: DecodeError,
    },
    /// The path says nothing about a conditional jump before its last step.
    #[error("a path has no outcome for the conditional jump at pc {pc}")]
    MissingOutcome {
        /// Where.
        pc: String,
    },
    /// The path has no target for a computed jump before its last step.
    #[error("a path has no target for the computed jump at pc {pc}")]
    MissingTarget {
        /// Where.
        pc: String,
    },
    /// Outcomes, targets or returns that no instruction takes up.
    #[error(
        "a path has {outcomes} outcomes, {targets} targets and {returns} returns more than its instructions take up"
    )]
    Unused {
        /// Outcomes left over.
        outcomes: usize,
        /// Targets left over.
        targets: usize,
        /// Returns left over.
        returns: usize,
    },
    /// A path or a word that does not move `ap` by as many cells as it says that it owns.
    #[error("a path or a word says that it owns {owned} cells, but moves ap by {moves}")]
    Owned {
        /// Cells that it says it owns.
        owned: usize,
        /// What it adds to `ap`.
        moves: String,
    },
    /// An owning word that owns no cells.
    #[error("the owning word {0:#06x} owns no cells")]
    OwnsNothing(u16),
    /// An operand that cannot be one at `[ap]`, or is nowhere else.
    #[error(
        "the flag word {flags:#06x} does not use operand {operand} at an offset of its own from ap, so it cannot be fixed at [ap]"
    )]
    NotAtAp {
        /// The word.
        flags: u16,
        /// The operand: 0 for dst, 1 for op0, 2 for op1.
        operand: u8,
    },
    /// An outcome for an instruction that is no conditional jump.
    #[error("the flag word {0:#06x} is no conditional jump, so it has no outcome")]
    NoOutcome(u16),
    /// No execution can follow the path.
    #[error("no execution follows the path: the instruction at pc {pc} contradicts what the path fixes")]
    Contradiction {
        /// Where.
        pc: String,
    },
    /// Bytes that encode no path and no word.
    #[error("the encoding of a derived table is malformed: {0}")]
    Encoding(&'static str),
    /// The construction broke a rule of the STARK layer.
    #[error(transparent)]
    Air(#[from] stark::AirError),
}
