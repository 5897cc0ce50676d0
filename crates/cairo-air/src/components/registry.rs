//! The registry: everything that follows from a table's kind stands here once. A further builtin is a folder, a variant of
//! [`TableKind`] and an entry in [`TableKind::component`].

use super::bitwise::Size;
use super::derived::DerivedError;
use super::{TableKind, bitwise, byte, cell, generic, instruction, memory, nibble_and, range_check, word12, word16};
use crate::claim::Claim;
use crate::program::Program;
use crate::{Builtin, buses};
use stark::{Air, AirError, Bus};
use std::fmt;

/// Most tables of one kind, where a kind may be split into chunks of different heights.
pub const MAX_CHUNKS: usize = 4;

/// How many tables of a kind a proof has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occurrence {
    /// Up to [`MAX_CHUNKS`].
    AsNeeded,
    /// One, if some table requires from this bus; else none.
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
    /// `base` and `stop` of a builtin's segment.
    fn segment(&self, builtin: Builtin) -> Result<(u32, u32), ComponentError> {
        let segment = self.claim.segment(self.program, builtin).ok_or(ComponentError::NoSegment(builtin))?;
        Ok((segment.base, segment.stop))
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

type Build<'a> = Box<dyn Fn(Context<'_>) -> Result<Air, ComponentError> + 'a>;

/// What a kind of table is.
pub struct Component<'a> {
    /// How many there are.
    pub occurrence: Occurrence,
    /// The only allowed height as `log2`, if there is one.
    pub log_height: Option<u32>,
    build: Build<'a>,
}

impl fmt::Debug for Component<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Component").field("occurrence", &self.occurrence).field("log_height", &self.log_height).finish()
    }
}

impl Component<'_> {
    /// The AIR.
    ///
    /// # Errors
    /// [`ComponentError`] if the kind does not fit program and claim.
    pub fn air(&self, context: Context<'_>) -> Result<Air, ComponentError> {
        (self.build)(context)
    }
}

fn component<'a>(
    occurrence: Occurrence,
    log_height: impl Into<Option<u32>>,
    build: impl Fn(Context<'_>) -> Result<Air, ComponentError> + 'a,
) -> Component<'a> {
    Component { occurrence, log_height: log_height.into(), build: Box::new(build) }
}

fn bitwise_component<'a>(size: Size) -> Component<'a> {
    component(Occurrence::Builtin(Builtin::Bitwise), None, move |c| {
        let (base, stop) = c.segment(Builtin::Bitwise)?;
        Ok(bitwise::air(size, base, stop)?)
    })
}

impl TableKind {
    /// The registry.
    pub fn component(&self) -> Component<'_> {
        use Occurrence::{AsNeeded, Builtin as Of, IfRequired};
        match self {
            Self::Memory => component(AsNeeded, None, |c| Ok(memory::air(c.memory_start)?)),
            Self::Instruction => {
                component(IfRequired(buses::INSTRUCTION), None, |c| Ok(instruction::air(c.program.final_pc())?))
            }
            Self::Generic => component(AsNeeded, None, |_| Ok(generic::air()?)),
            Self::Word(word) => component(AsNeeded, None, |_| Ok(word.derive()?.air)),
            Self::Path(path) => component(AsNeeded, None, |c| Ok(path.derive(c.program)?.air)),
            Self::Cell => component(AsNeeded, None, |_| Ok(cell::air()?)),
            Self::Byte => component(IfRequired(buses::BYTE), byte::LOG_HEIGHT, |_| Ok(byte::air()?)),
            Self::Word16 => component(IfRequired(buses::WORD16), word16::LOG_HEIGHT, |_| Ok(word16::air()?)),
            Self::Word12 => component(IfRequired(buses::WORD12), word12::LOG_HEIGHT, |_| Ok(word12::air()?)),
            Self::NibbleAnd => {
                component(IfRequired(buses::NIBBLE_AND), nibble_and::LOG_HEIGHT, |_| Ok(nibble_and::air()?))
            }
            Self::RangeCheck8 => component(Of(Builtin::RangeCheck), None, |c| {
                let (base, stop) = c.segment(Builtin::RangeCheck)?;
                Ok(range_check::bytes::air(base, stop)?)
            }),
            Self::RangeCheck12 => component(Of(Builtin::RangeCheck), None, |c| {
                let (base, stop) = c.segment(Builtin::RangeCheck)?;
                Ok(range_check::words12::air(base, stop)?)
            }),
            Self::RangeCheck16 => component(Of(Builtin::RangeCheck), None, |c| {
                let (base, stop) = c.segment(Builtin::RangeCheck)?;
                Ok(range_check::words16::air(base, stop)?)
            }),
            Self::Range(range) => component(AsNeeded, None, |_| Ok(range.air()?)),
            Self::Bitwise => bitwise_component(Size::Any),
            Self::Bitwise16 => bitwise_component(Size::Bits16),
            Self::Bitwise32 => bitwise_component(Size::Bits32),
            Self::Bitwise64 => bitwise_component(Size::Bits64),
            Self::Bitwise128 => bitwise_component(Size::Bits128),
        }
    }

    /// Least numbers of columns and of interactions of a table of this kind, by its description alone.
    pub fn least_size(&self) -> (usize, usize) {
        match self {
            // Enabler, fp, clock and, if the frame is open, ap; a column for each number of uses. Two states.
            Self::Path(path) => {
                let uses = path.owned.iter().copied().max().map_or(0, usize::from);
                let provided = path.owned.iter().filter(|uses| **uses > 0).count();
                let owned = if path.owned.is_empty() { 0 } else { 2 };
                (3 + usize::from(path.frame.is_none()) + uses, 2 + provided + owned)
            }
            // Enabler, fp, ap, clock, pc. Two states and the instruction.
            Self::Word(_) => (5, 3),
            Self::Range(range) => (range.columns(), range.interactions()),
            _ => (1, 1),
        }
    }

    /// What the AIR of a derived table takes to construct, in steps, of which a cell that it provides counts as one; the layout bounds
    /// their total.
    pub fn derived_steps(&self) -> u32 {
        match self {
            Self::Word(_) => 1,
            Self::Path(path) => path.steps.saturating_add(path.owned.iter().filter(|uses| **uses > 0).count() as u32),
            _ => 0,
        }
    }
}
