//! What a proof says about the run beyond the verifier's own record: number of steps, final `ap`, builtin segments, where
//! the arguments stand, the output, and how often some instructions are executed.

use crate::Builtin;
use crate::codec::{CodecError, Reader, Write};
use crate::fetch::{self, Fetch, FetchError};
use crate::program::{ArgumentBinding, PROGRAM_BASE, Program};
use felt::{Felt, encoding};

/// Most output cells that a proof may have.
pub const MAX_OUTPUT: usize = 1 << 20;

/// Most steps that a proof may claim. The table heights bound them more tightly; this keeps clocks far below `p`.
pub const MAX_STEPS: u64 = 1 << 40;

/// Addresses `base..stop` that a builtin's used instances take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// First address.
    pub base: u32,
    /// One past the last used address.
    pub stop: u32,
}

/// What a proof says about the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Steps to the first arrival at the program's end.
    pub n_steps: u64,
    /// `ap` at that time.
    pub final_ap: u32,
    /// The cells below this address are provided by the rows of path, cell and range tables that own them; 1 if there are none. Memory tables have
    /// the others.
    pub owned_end: u32,
    /// One segment for each of the program's builtins, in the same order.
    pub segments: Vec<Segment>,
    /// Address of the first argument, for programs with [`ArgumentBinding::Pointers`].
    pub arguments_start: Option<u32>,
    /// The cells of the output segment.
    pub output: Vec<Felt>,
    /// The instructions that generic and word tables execute, ascending; empty if an instruction table provides them.
    pub fetches: Vec<Fetch>,
}

/// Why a claim cannot be true of any run of the program on the arguments.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// No step, or more than [`MAX_STEPS`].
    #[error("the proof claims {0} steps; a run has between 1 and 2^40")]
    Steps(u64),
    /// A final `ap` too small to leave room for the stop pointers.
    #[error("the proof claims a final ap of {found}; a run of this program ends at {least} or above")]
    FinalAp {
        /// The claimed value.
        found: u32,
        /// The least possible one.
        least: u64,
    },
    /// Owned cells that end before the first address.
    #[error("the proof claims that cells up to address 0 have owners; addresses begin at {PROGRAM_BASE}")]
    OwnedEnd,
    /// Another number of segments than builtins.
    #[error("the proof claims {found} builtin segments; the program has {expected} builtins")]
    SegmentCount {
        /// Segments claimed.
        found: usize,
        /// Builtins of the program.
        expected: usize,
    },
    /// A segment that begins at 0 or after its end.
    #[error("the proof claims the segment {base}..{stop} for `{builtin}`, which is no range of addresses")]
    SegmentOrder {
        /// The builtin.
        builtin: Builtin,
        /// First address.
        base: u32,
        /// One past the last.
        stop: u32,
    },
    /// A segment that is no whole number of instances.
    #[error("the proof claims {cells} cells for `{builtin}`, which is no multiple of the {instance} of one instance")]
    SegmentSize {
        /// The builtin.
        builtin: Builtin,
        /// Cells claimed.
        cells: u32,
        /// Cells of an instance.
        instance: u32,
    },
    /// Another number of output values than cells of the output segment.
    #[error("the proof has {found} output values, but claims an output segment of {expected} cells")]
    OutputLength {
        /// Values given.
        found: usize,
        /// Cells of the segment.
        expected: u32,
    },
    /// More output than [`MAX_OUTPUT`].
    #[error("the proof has {0} output values; the limit is {MAX_OUTPUT}")]
    OutputTooLong(usize),
    /// Less output than arguments.
    #[error(
        "the proof's output has {output} values and cannot begin with the {arguments} arguments, as this program's must"
    )]
    OutputTooShort {
        /// Output values.
        output: usize,
        /// Arguments.
        arguments: usize,
    },
    /// The output does not begin with the arguments.
    #[error(
        "the proof's output begins with other arguments: value {index} is {found}, but argument {index} is {expected}"
    )]
    OutputPrefix {
        /// Index from 0.
        index: usize,
        /// The output value.
        found: String,
        /// The argument.
        expected: String,
    },
    /// An argument segment for a program that has none.
    #[error("the proof names an argument segment, but this program shows its arguments in its output")]
    ArgumentsStartUnexpected,
    /// No argument segment for a program that has one.
    #[error("the proof does not say where its argument segment starts")]
    ArgumentsStartMissing,
    /// A list of fetches that is not one of this program.
    #[error("the proof's list of fetches is wrong: {0}")]
    Fetches(#[from] FetchError),
    /// An address outside the memory that the proof has.
    #[error("the proof's {what} reaches to address {address}, but its memory ends at {end}")]
    OutsideMemory {
        /// What lies outside.
        what: &'static str,
        /// Its last address.
        address: u64,
        /// One past the last cell.
        end: u64,
    },
}

impl Claim {
    /// The segment of a builtin; `None` if the program does not have it.
    pub fn segment(&self, program: &Program, builtin: Builtin) -> Option<Segment> {
        let position = program.builtins().iter().position(|b| *b == builtin)?;
        self.segments.get(position).copied()
    }

    /// The segment of range_check, if range tables own it: if it is not empty and lies among the owned cells. For a claim that has
    /// passed [`Claim::check`].
    pub fn owned_range(&self, program: &Program) -> Option<Segment> {
        let segment = self.segment(program, Builtin::RangeCheck)?;
        (segment.base < segment.stop && segment.stop <= self.owned_end).then_some(segment)
    }

    /// Checks everything about the claim that needs no proof. `memory_end` is one past the last cell of the proof's memory.
    ///
    /// # Errors
    /// The first [`ClaimError`] found.
    pub fn check(&self, program: &Program, arguments: &[Felt], memory_end: u64) -> Result<(), ClaimError> {
        if !(1..=MAX_STEPS).contains(&self.n_steps) {
            return Err(ClaimError::Steps(self.n_steps));
        }
        if self.owned_end < PROGRAM_BASE {
            return Err(ClaimError::OwnedEnd);
        }
        self.check_segments(program)?;
        self.check_output(program)?;
        self.check_arguments(program, arguments)?;
        fetch::check(&self.fetches, program)?;
        self.check_addresses(program, arguments.len(), memory_end)
    }

    fn check_segments(&self, program: &Program) -> Result<(), ClaimError> {
        let builtins = program.builtins();
        // The stop pointers stand below the final ap, above the bases that stand from the initial ap on.
        let least = u64::from(program.initial_ap()) + 2 * builtins.len() as u64;
        if u64::from(self.final_ap) < least {
            return Err(ClaimError::FinalAp { found: self.final_ap, least });
        }
        if self.segments.len() != builtins.len() {
            return Err(ClaimError::SegmentCount { found: self.segments.len(), expected: builtins.len() });
        }
        for (&builtin, &Segment { base, stop }) in builtins.iter().zip(&self.segments) {
            if base == 0 || base > stop {
                return Err(ClaimError::SegmentOrder { builtin, base, stop });
            }
            let (cells, instance) = (stop - base, builtin.cells_per_instance());
            if !cells.is_multiple_of(instance) {
                return Err(ClaimError::SegmentSize { builtin, cells, instance });
            }
        }
        Ok(())
    }

    fn check_output(&self, program: &Program) -> Result<(), ClaimError> {
        if self.output.len() > MAX_OUTPUT {
            return Err(ClaimError::OutputTooLong(self.output.len()));
        }
        let expected = self.segment(program, Builtin::Output).map_or(0, |segment| segment.stop - segment.base);
        if self.output.len() != expected as usize {
            return Err(ClaimError::OutputLength { found: self.output.len(), expected });
        }
        Ok(())
    }

    fn check_arguments(&self, program: &Program, arguments: &[Felt]) -> Result<(), ClaimError> {
        match (program.arguments(), self.arguments_start) {
            (ArgumentBinding::OutputPrefix, Some(_)) => return Err(ClaimError::ArgumentsStartUnexpected),
            (ArgumentBinding::Pointers { .. }, None) => return Err(ClaimError::ArgumentsStartMissing),
            (ArgumentBinding::Pointers { .. }, Some(_)) => return Ok(()),
            (ArgumentBinding::OutputPrefix, None) => {}
        }
        if self.output.len() < arguments.len() {
            return Err(ClaimError::OutputTooShort { output: self.output.len(), arguments: arguments.len() });
        }
        for (index, (found, expected)) in self.output.iter().zip(arguments).enumerate() {
            if found != expected {
                let (found, expected) = (encoding::to_hex(found), encoding::to_hex(expected));
                return Err(ClaimError::OutputPrefix { index, found, expected });
            }
        }
        Ok(())
    }

    /// The buses would refuse a public cell outside memory too, but could not say which one.
    fn check_addresses(&self, program: &Program, arguments: usize, end: u64) -> Result<(), ClaimError> {
        let inside = |what, stop: u64| match stop {
            stop if stop <= end => Ok(()),
            stop => Err(ClaimError::OutsideMemory { what, address: stop - 1, end }),
        };
        inside("program", u64::from(program.initial_ap()))?;
        inside("final ap", u64::from(self.final_ap))?;
        for segment in &self.segments {
            inside("builtin segment", u64::from(segment.stop))?;
        }
        if let (ArgumentBinding::Pointers { cell }, Some(start)) = (program.arguments(), self.arguments_start) {
            inside("argument segment", u64::from(start) + arguments as u64)?;
            inside("pair of argument pointers", u64::from(program.initial_ap()) + u64::from(cell) + 2)?;
        }
        Ok(())
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.u64(self.n_steps);
        out.u32(self.final_ap);
        out.u32(self.owned_end);
        out.u64(self.segments.len() as u64);
        for segment in &self.segments {
            out.u32(segment.base);
            out.u32(segment.stop);
        }
        out.u8(u8::from(self.arguments_start.is_some()));
        out.u32(self.arguments_start.unwrap_or(0));
        out.felts(&self.output);
        fetch::encode(&self.fetches, out);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let n_steps = reader.u64("number of steps")?;
        let final_ap = reader.u32("final ap")?;
        let owned_end = reader.u32("end of owned cells")?;
        let count = reader.length("list of builtin segments", Builtin::ALL.len(), 8)?;
        let mut segments = Vec::with_capacity(count);
        for _ in 0..count {
            let base = reader.u32("list of builtin segments")?;
            segments.push(Segment { base, stop: reader.u32("list of builtin segments")? });
        }
        let has_arguments = reader.flag("argument flag")?;
        let offset = reader.offset();
        let start = reader.u32("argument address")?;
        if !has_arguments && start != 0 {
            return Err(CodecError::Unknown { what: "argument address", found: u64::from(start), offset });
        }
        let output = reader.felts("output", MAX_OUTPUT)?;
        let fetches = fetch::decode(reader)?;
        Ok(Self {
            n_steps,
            final_ap,
            owned_end,
            segments,
            arguments_start: has_arguments.then_some(start),
            output,
            fetches,
        })
    }
}

#[cfg(test)]
mod tests;
