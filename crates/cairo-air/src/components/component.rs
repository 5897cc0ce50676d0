//! What a table has to say about itself.

use super::derived::{DerivedError, TableSize};
use crate::Builtin;
use crate::claim::{Claim, Segment};
use crate::codec::{CodecError, Reader};
use crate::program::Program;
use stark::{Air, AirError, Bus};

/// Most tables of one kind, where a kind may be split into chunks of different heights.
pub const MAX_CHUNKS: usize = 4;

/// How many tables of a kind a proof has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occurrence {
    /// Up to [`MAX_CHUNKS`].
    AsNeeded,
    /// One, if some table of another kind requires from this bus, for which this kind alone provides; else none. So lookup tables come and
    /// go with those that use them, and so do the further tables of a builtin that has several.
    IfRequired(Bus),
    /// One of all kinds with this builtin, if its segment is not empty; else none.
    Builtin(Builtin),
}

/// What the AIR of a table depends on besides its kind.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The program.
    pub program: &'a Program,
    /// The claim, for builtin segments.
    pub claim: &'a Claim,
    /// For a memory table, the address of its first cell.
    pub memory_start: u64,
}

impl Context<'_> {
    /// A builtin's segment.
    ///
    /// # Errors
    /// [`ComponentError::NoSegment`] if the program does not declare it.
    pub fn segment(&self, builtin: Builtin) -> Result<Segment, ComponentError> {
        self.claim.segment(self.program, builtin).ok_or(ComponentError::NoSegment(builtin))
    }
}

/// Why a table has no AIR.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComponentError {
    /// A builtin's table, but the program does not have the builtin.
    #[error("it belongs to the builtin `{0}`, which the program does not declare")]
    NoSegment(Builtin),
    /// A path or a word that has no table.
    #[error(transparent)]
    Derived(#[from] DerivedError),
    /// A mistake in an AIR.
    #[error(transparent)]
    Air(#[from] AirError),
}

/// A kind of table. Layout, file format, verifier, planner and documents know of it what it says here, and nothing else.
pub trait Component {
    /// What it is called, in messages and in `docs/TABLES.md`.
    fn name(&self) -> String;

    /// The byte that stands for it, or for its family, in a proof file. Bytes belong to the protocol: none is ever given to another.
    fn code(&self) -> u8;

    /// Appends what a proof file has to say besides that byte.
    fn describe(&self, _out: &mut Vec<u8>) {}

    /// How many there are.
    fn occurrence(&self) -> Occurrence;

    /// The only allowed height as `log2`, if there is one.
    fn log_height(&self) -> Option<u32> {
        None
    }

    /// Columns of a lookup table that count how often what a row provides is required elsewhere.
    fn counters(&self) -> usize {
        1
    }

    /// The AIR.
    ///
    /// # Errors
    /// [`ComponentError`] if the kind does not fit program and claim.
    fn air(&self, context: Context<'_>) -> Result<Air, ComponentError>;

    /// Its columns and interactions: those of the AIR, perhaps found without it.
    ///
    /// # Errors
    /// As [`air`](Self::air).
    fn size(&self, context: Context<'_>) -> Result<TableSize, ComponentError> {
        Ok(TableSize::of(&self.air(context)?))
    }

    /// Least numbers of columns and of interactions, by the description alone. A bound on what a proof file can be, before an AIR is
    /// constructed: the larger, the earlier a file is refused that is too short.
    fn least_size(&self) -> (usize, usize) {
        (1, 1)
    }

    /// What the AIR of a table that its description makes takes to construct, in derived steps, of which a cell that it provides counts as one, and a cell of
    /// a range row; the layout bounds their total.
    fn derived_steps(&self) -> u32 {
        0
    }
}

/// The kinds of tables that stand under one name in the registry.
pub(crate) trait Family: Component + Clone + Sized + 'static {
    /// Those that have nothing but their code, in the order that they have in layouts.
    const PLAIN: &'static [Self];

    /// Reads one by its code, if it is of this family. `position` is the table's, for messages.
    fn decode(code: u8, _reader: &mut Reader<'_>, _position: usize) -> Option<Result<Self, CodecError>> {
        Self::PLAIN.iter().find(|kind| kind.code() == code).cloned().map(Ok)
    }
}
