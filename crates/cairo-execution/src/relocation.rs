//! What it takes to place a run at other addresses: where its segments lie, and which of its cells hold addresses in them.
//!
//! A program cannot tell where its segments are (the machine lets it add to addresses and compare those of one segment, and no more), so a run
//! that is moved is a run; and who proves it finds out anyway.

use crate::{Execution, Segment};
use cairo_air::Builtin;
use felt::Felt;
use felt::integers::signed;

/// A memory cell that holds an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pointer {
    /// The cell's own address.
    pub cell: u32,
    /// Index of the segment that it points into, among [`Relocation::segments`]. Addresses in the program are no pointers: it is never moved.
    pub segment: u32,
}

/// Segments and pointers of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relocation {
    /// The segments, each beginning where the one before ends: first the execution segment, just behind the program, then one for each of the program's
    /// builtins in order, then all others up to the end of memory.
    pub segments: Vec<Segment>,
    /// All cells that hold addresses, ascending.
    pub pointers: Vec<Pointer>,
}

/// Why a run cannot be placed beside others.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RelocationError {
    /// Nothing is known about its pointers.
    #[error("it does not say which of its memory cells hold addresses, so it can only be proven alone")]
    Unknown,
    /// A segment that is not where it must be.
    #[error("its segment {segment} lies at {base}..{stop}, but should be {expected}")]
    Segment {
        /// Index of the segment.
        segment: usize,
        /// First address.
        base: u32,
        /// One past the last.
        stop: u32,
        /// Where it should be.
        expected: String,
    },
    /// Too few segments, or some that do not reach to the end of memory.
    #[error(
        "its {segments} segments reach to {stop}; {least} at least are needed, up to {cells}, the end of its memory"
    )]
    Segments {
        /// How many there are.
        segments: usize,
        /// The end of the last one.
        stop: u32,
        /// How many there must be.
        least: usize,
        /// The end of memory.
        cells: u64,
    },
    /// A pointer out of order, outside memory, or into no segment.
    #[error("memory cell {cell} is said to hold an address in segment {segment}, which cannot be: {why}")]
    Pointer {
        /// The cell.
        cell: u32,
        /// The segment.
        segment: u32,
        /// What is wrong.
        why: &'static str,
    },
    /// The runs together have more cells than there are addresses.
    #[error("with it the runs have {cells} memory cells, more than 32-bit addresses reach; prove fewer runs together")]
    TooMuchMemory {
        /// Cells that there would be.
        cells: u64,
    },
}

impl Relocation {
    /// Checks that these are segments and pointers of the execution, as far as can be seen: that a cell that is said to hold an address really does,
    /// only the program could tell.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self, execution: &Execution) -> Result<(), RelocationError> {
        let builtins = execution.program.builtins();
        let cells = execution.memory.len() as u64;
        let stop = self.segments.last().map_or(0, |segment| segment.stop);
        if self.segments.len() <= builtins.len() || u64::from(stop) != cells {
            let least = builtins.len() + 1;
            return Err(RelocationError::Segments { segments: self.segments.len(), stop, least, cells });
        }
        let mut next = execution.program.execution_base();
        for (index, &Segment { base, stop }) in self.segments.iter().enumerate() {
            let error = |expected| RelocationError::Segment { segment: index, base, stop, expected };
            if base != next || stop < base {
                return Err(error(format!("at {next} or from there on")));
            }
            next = stop;
            let builtin = index.checked_sub(1).and_then(|index| builtins.get(index));
            if let Some(used) = builtin.and_then(|builtin| execution.segments.get(builtin))
                && (used.base, used.stop) != (base, stop)
            {
                return Err(error(format!("the used cells of its builtin, {}..{}", used.base, used.stop)));
            }
        }
        let mut least = execution.program.execution_base();
        for &Pointer { cell, segment } in &self.pointers {
            let error = |why| Err(RelocationError::Pointer { cell, segment, why });
            if cell < least {
                return error("it lies in the program, or comes twice or too late in the list");
            }
            if u64::from(cell) >= cells {
                return error("it lies outside memory");
            }
            if segment as usize >= self.segments.len() {
                return error("there is no such segment");
            }
            least = cell + 1;
        }
        Ok(())
    }

    /// The segment that holds a cell.
    pub(crate) fn segment_of(&self, address: u32) -> Option<usize> {
        let index = self.segments.partition_point(|segment| segment.stop <= address);
        self.segments.get(index).filter(|segment| segment.base <= address).map(|_| index)
    }

    /// Copies all cells of a memory to where the segments shall begin, with the addresses that they hold set right.
    pub(crate) fn place(&self, from: &[Felt], bases: &[u32], to: &mut [Felt]) {
        let moves: Vec<i64> =
            self.segments.iter().zip(bases).map(|(segment, base)| i64::from(*base) - i64::from(segment.base)).collect();
        let mut pointers = self.pointers.iter().peekable();
        for (segment, base) in self.segments.iter().zip(bases) {
            let cells = from.get(segment.base as usize..segment.stop as usize).unwrap_or_default();
            let Some(places) = to.get_mut(*base as usize..*base as usize + cells.len()) else { continue };
            places.copy_from_slice(cells);
            while let Some(pointer) = pointers.next_if(|pointer| pointer.cell < segment.stop) {
                let place = pointer.cell.checked_sub(segment.base).and_then(|place| places.get_mut(place as usize));
                if let (Some(place), Some(by)) = (place, moves.get(pointer.segment as usize)) {
                    *place += signed(*by);
                }
            }
        }
    }

    /// Index of a builtin's segment.
    pub(crate) fn index_of(builtins: &[Builtin], builtin: Builtin) -> Option<usize> {
        builtins.iter().position(|other| *other == builtin).map(|position| position + 1)
    }
}
