//! Word, owning word and path tables in the registry.

use super::{OwningWord, Path, TableSize, Word};
use crate::codec::{CodecError, Reader};
use crate::components::component::{Component, ComponentError, Context, Family, Occurrence};
use stark::Air;

const WORD: u8 = 4;
const PATH: u8 = 5;
const OWNING_WORD: u8 = 20;

impl Component for Word {
    fn name(&self) -> String {
        self.to_string()
    }

    fn code(&self) -> u8 {
        WORD
    }

    fn describe(&self, out: &mut Vec<u8>) {
        self.encode(out);
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::AsNeeded
    }

    fn air(&self, _context: Context<'_>) -> Result<Air, ComponentError> {
        Ok(self.derive()?.air)
    }

    fn size(&self, _context: Context<'_>) -> Result<TableSize, ComponentError> {
        Ok(Self::size(self)?)
    }

    /// Enabler, fp, ap, clock, pc. Two states and the instruction.
    fn least_size(&self) -> (usize, usize) {
        (5, 3)
    }

    fn derived_steps(&self) -> u32 {
        1
    }
}

impl Family for Word {
    const PLAIN: &'static [Self] = &[];

    fn decode(code: u8, reader: &mut Reader<'_>, position: usize) -> Option<Result<Self, CodecError>> {
        let read = || reader.with(Self::decode).map_err(|error| CodecError::Derived { position, error });
        (code == WORD).then(read)
    }
}

impl Component for OwningWord {
    fn name(&self) -> String {
        self.to_string()
    }

    fn code(&self) -> u8 {
        OWNING_WORD
    }

    fn describe(&self, out: &mut Vec<u8>) {
        self.encode(out);
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::AsNeeded
    }

    fn air(&self, _context: Context<'_>) -> Result<Air, ComponentError> {
        Ok(self.derive()?.air)
    }

    fn size(&self, _context: Context<'_>) -> Result<TableSize, ComponentError> {
        Ok(Self::size(self)?)
    }

    /// Enabler, fp, ap, clock, pc; a column for each number of uses. Two states, the instruction, the owned bus twice.
    fn least_size(&self) -> (usize, usize) {
        (5 + uses(&self.owned), 5 + provided(&self.owned))
    }

    fn derived_steps(&self) -> u32 {
        1 + provided(&self.owned) as u32
    }
}

impl Family for OwningWord {
    const PLAIN: &'static [Self] = &[];

    fn decode(code: u8, reader: &mut Reader<'_>, position: usize) -> Option<Result<Self, CodecError>> {
        let read = || reader.with(Self::decode).map_err(|error| CodecError::Derived { position, error });
        (code == OWNING_WORD).then(read)
    }
}

impl Component for Path {
    fn name(&self) -> String {
        self.to_string()
    }

    fn code(&self) -> u8 {
        PATH
    }

    fn describe(&self, out: &mut Vec<u8>) {
        self.encode(out);
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::AsNeeded
    }

    fn air(&self, context: Context<'_>) -> Result<Air, ComponentError> {
        Ok(self.derive(context.program)?.air)
    }

    fn size(&self, context: Context<'_>) -> Result<TableSize, ComponentError> {
        Ok(Self::size(self, context.program)?)
    }

    /// Enabler, fp, clock and, if the frame is open, ap; a column for each number of uses. Two states.
    fn least_size(&self) -> (usize, usize) {
        let owned = if self.owned.is_empty() { 0 } else { 2 };
        (3 + usize::from(self.frame.is_none()) + uses(&self.owned), 2 + provided(&self.owned) + owned)
    }

    fn derived_steps(&self) -> u32 {
        self.steps.saturating_add(provided(&self.owned) as u32)
    }
}

/// Cells that a row provides.
fn provided(owned: &[u8]) -> usize {
    owned.iter().filter(|uses| **uses > 0).count()
}

/// Columns of their uses.
fn uses(owned: &[u8]) -> usize {
    owned.iter().copied().max().map_or(0, usize::from)
}

impl Family for Path {
    const PLAIN: &'static [Self] = &[];

    fn decode(code: u8, reader: &mut Reader<'_>, position: usize) -> Option<Result<Self, CodecError>> {
        let read = || reader.with(Self::decode).map_err(|error| CodecError::Derived { position, error });
        (code == PATH).then(read)
    }
}
