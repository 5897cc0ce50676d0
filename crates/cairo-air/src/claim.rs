//! What a proof says about its runs beyond the verifier's own record: of each the number of steps, final `ap`, builtin segments, where
//! the arguments stand and the output; and of all together who owns memory and how often some instructions are executed.

use crate::Builtin;
use crate::codec::{CodecError, Reader, Write};
use crate::fetch::{self, Fetch, FetchError};
use crate::program::{ArgumentBinding, PROGRAM_BASE, Program};
use crate::version::{MAX_RUNS, Version};
use felt::{Felt, encoding};

/// Most output cells that the runs of a proof may have together.
pub const MAX_OUTPUT: usize = 1 << 20;

/// Most steps that a proof may claim, over all runs. The table heights bound them more tightly; this keeps clocks far below `p`.
pub const MAX_STEPS: u64 = 1 << 40;

/// Addresses `base..stop` that a builtin's used instances take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// First address.
    pub base: u32,
    /// One past the last used address.
    pub stop: u32,
}

/// What a proof says about one of its runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunClaim {
    /// How far its execution segment begins after that of the first run; 0 for the first.
    pub offset: u32,
    /// Steps to the first arrival at the program's end.
    pub n_steps: u64,
    /// `ap` at that time.
    pub final_ap: u32,
    /// One segment for each of the program's builtins, in the same order: the run's part of what all runs have of it.
    pub segments: Vec<Segment>,
    /// Address of the first argument, for programs with [`ArgumentBinding::Pointers`].
    pub arguments_start: Option<u32>,
    /// The cells of the output segment.
    pub output: Vec<Felt>,
}

/// What a proof says about its runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The runs, one at least: their execution segments lie behind each other in this order, and so do their parts of each builtin's segment.
    pub runs: Vec<RunClaim>,
    /// The cells below this address are provided by the rows of path, cell, range and range row tables that own them; 1 if there are none. Memory tables have
    /// the others.
    pub owned_end: u32,
    /// The instructions that generic and word tables execute, ascending; empty if an instruction table provides them.
    pub fetches: Vec<Fetch>,
}

/// Why a claim cannot be true of any runs of the program on the arguments.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// Another number of runs than the statement has.
    #[error("this is a proof of {found} runs; {expected} are expected")]
    Runs {
        /// Runs claimed.
        found: usize,
        /// Runs of the statement.
        expected: usize,
    },
    /// Something is wrong about one of several runs.
    #[error("run {run} of the proof (the first is 0): {error}")]
    Run {
        /// Index from 0.
        run: usize,
        /// What is wrong.
        error: Box<ClaimError>,
    },
    /// An execution segment that begins where the one before does not yet end; or a first one that does not begin behind the program.
    #[error("the proof's execution segment begins {found} cells after the first run's; it must be {expected}")]
    Offset {
        /// The claimed value.
        found: u32,
        /// What it may be.
        expected: String,
    },
    /// A part of a builtin's segment that does not follow the part of the run before.
    #[error(
        "the proof's part of the segment of `{builtin}` begins at {found}, but that of the run before ends at {expected}"
    )]
    Part {
        /// The builtin.
        builtin: Builtin,
        /// Where it begins.
        found: u32,
        /// Where the one before ends.
        expected: u32,
    },
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

impl RunClaim {
    /// Where the run's execution segment begins: the first two cells are the frame that the program's header stands on.
    pub fn execution_base(&self, program: &Program) -> u64 {
        u64::from(program.execution_base()) + u64::from(self.offset)
    }

    /// `ap` and `fp` at the beginning.
    pub fn initial_ap(&self, program: &Program) -> u64 {
        u64::from(program.initial_ap()) + u64::from(self.offset)
    }

    /// The run's part of a builtin's segment; `None` if the program does not have it.
    pub fn segment(&self, program: &Program, builtin: Builtin) -> Option<Segment> {
        let position = program.builtins().iter().position(|b| *b == builtin)?;
        self.segments.get(position).copied()
    }

    fn check(&self, program: &Program, arguments: &[Felt], memory_end: u64) -> Result<(), ClaimError> {
        if !(1..=MAX_STEPS).contains(&self.n_steps) {
            return Err(ClaimError::Steps(self.n_steps));
        }
        self.check_segments(program)?;
        self.check_output(program)?;
        self.check_arguments(program, arguments)?;
        self.check_addresses(program, arguments.len(), memory_end)
    }

    fn check_segments(&self, program: &Program) -> Result<(), ClaimError> {
        let builtins = program.builtins();
        // The stop pointers stand below the final ap, above the bases that stand from the initial ap on.
        let least = self.initial_ap(program) + 2 * builtins.len() as u64;
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
        inside("program", u64::from(program.initial_ap()), end)?;
        inside("final ap", u64::from(self.final_ap), end)?;
        for segment in &self.segments {
            inside("builtin segment", u64::from(segment.stop), end)?;
        }
        if let (ArgumentBinding::Pointers { cell }, Some(start)) = (program.arguments(), self.arguments_start) {
            inside("argument segment", u64::from(start) + arguments as u64, end)?;
            inside("pair of argument pointers", self.initial_ap(program) + u64::from(cell) + 2, end)?;
        }
        Ok(())
    }

    fn encode(&self, version: Version, out: &mut Vec<u8>) {
        out.u64(self.segments.len() as u64);
        for segment in &self.segments {
            out.u32(segment.base);
            out.u32(segment.stop);
        }
        out.u8(u8::from(self.arguments_start.is_some()));
        out.u32(self.arguments_start.unwrap_or(0));
        match version {
            Version::Single => out.felts(&self.output),
            Version::Batch => {
                out.u64(self.output.len() as u64);
                self.output.iter().for_each(|value| out.small_felt(value));
            }
        }
    }

    /// `left` is the number of output cells that it may have.
    fn decode(
        reader: &mut Reader<'_>,
        version: Version,
        (offset, n_steps, final_ap): (u32, u64, u32),
        left: usize,
    ) -> Result<Self, CodecError> {
        let count = reader.length("list of builtin segments", Builtin::ALL.len(), 8)?;
        let mut segments = Vec::with_capacity(count);
        for _ in 0..count {
            let base = reader.u32("list of builtin segments")?;
            segments.push(Segment { base, stop: reader.u32("list of builtin segments")? });
        }
        let has_arguments = reader.flag("argument flag")?;
        let place = reader.offset();
        let start = reader.u32("argument address")?;
        if !has_arguments && start != 0 {
            return Err(CodecError::Unknown { what: "argument address", found: u64::from(start), offset: place });
        }
        let output = match version {
            Version::Single => reader.felts("output", left)?,
            Version::Batch => {
                // Every element takes a byte at least.
                let length = reader.length("output", left, 1)?;
                (0..length).map(|_| reader.small_felt("output")).collect::<Result<_, _>>()?
            }
        };
        Ok(Self { offset, n_steps, final_ap, segments, arguments_start: has_arguments.then_some(start), output })
    }
}

fn inside(what: &'static str, stop: u64, end: u64) -> Result<(), ClaimError> {
    if stop <= end { Ok(()) } else { Err(ClaimError::OutsideMemory { what, address: stop - 1, end }) }
}

impl Claim {
    /// The segment of a builtin: all runs' parts of it; `None` if the program does not have it.
    pub fn segment(&self, program: &Program, builtin: Builtin) -> Option<Segment> {
        let part = |run: Option<&RunClaim>| run.and_then(|run| run.segment(program, builtin));
        let (first, last) = (part(self.runs.first())?, part(self.runs.last())?);
        Some(Segment { base: first.base, stop: last.stop })
    }

    /// The segment of range_check, if range and range row tables own it: if it is not empty and lies among the owned cells. For a claim that has
    /// passed [`Claim::check`].
    pub fn owned_range(&self, program: &Program) -> Option<Segment> {
        let segment = self.segment(program, Builtin::RangeCheck)?;
        (segment.base < segment.stop && segment.stop <= self.owned_end).then_some(segment)
    }

    /// The clock at which each run begins: its runs' steps one after another, with one clock more at each end, which is the final state's.
    pub fn clocks(&self) -> impl Iterator<Item = (u64, &RunClaim)> {
        self.runs.iter().scan(0, |next: &mut u64, run| {
            let clock = *next;
            *next = next.saturating_add(run.n_steps).saturating_add(1);
            Some((clock, run))
        })
    }

    /// Steps of all runs.
    pub fn total_steps(&self) -> u64 {
        self.runs.iter().fold(0, |sum, run| sum.saturating_add(run.n_steps))
    }

    /// Checks everything about the claim that needs no proof. `arguments` are those of each run; `memory_end` is one past the last cell of the
    /// proof's memory.
    ///
    /// # Errors
    /// The first [`ClaimError`] found.
    pub fn check(&self, program: &Program, arguments: &[Vec<Felt>], memory_end: u64) -> Result<(), ClaimError> {
        if self.runs.len() != arguments.len() {
            return Err(ClaimError::Runs { found: self.runs.len(), expected: arguments.len() });
        }
        if self.owned_end < PROGRAM_BASE {
            return Err(ClaimError::OwnedEnd);
        }
        let outputs: usize = self.runs.iter().map(|run| run.output.len()).sum();
        if outputs > MAX_OUTPUT {
            return Err(ClaimError::OutputTooLong(outputs));
        }
        let mut before = None;
        for (index, (run, arguments)) in self.runs.iter().zip(arguments).enumerate() {
            let checked = run.check(program, arguments, memory_end).and_then(|()| run.follows(before, program));
            checked.map_err(|error| match self.runs.len() {
                1 => error,
                _ => ClaimError::Run { run: index, error: Box::new(error) },
            })?;
            before = Some(run);
        }
        if self.total_steps() > MAX_STEPS {
            return Err(ClaimError::Steps(self.total_steps()));
        }
        Ok(fetch::check(&self.fetches, program)?)
    }

    pub(crate) fn encode(&self, version: Version, out: &mut Vec<u8>) {
        if let (Version::Single, [run]) = (version, self.runs.as_slice()) {
            out.u64(run.n_steps);
            out.u32(run.final_ap);
            out.u32(self.owned_end);
            run.encode(version, out);
        } else {
            out.u32(self.owned_end);
            out.u64(self.runs.len() as u64);
            for run in &self.runs {
                out.u32(run.offset);
                out.u64(run.n_steps);
                out.u32(run.final_ap);
                run.encode(Version::Batch, out);
            }
        }
        fetch::encode(&self.fetches, out);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>, version: Version) -> Result<Self, CodecError> {
        let (owned_end, runs) = match version {
            Version::Single => {
                let n_steps = reader.u64("number of steps")?;
                let final_ap = reader.u32("final ap")?;
                let owned_end = reader.u32("end of owned cells")?;
                (owned_end, vec![RunClaim::decode(reader, version, (0, n_steps, final_ap), MAX_OUTPUT)?])
            }
            Version::Batch => {
                let owned_end = reader.u32("end of owned cells")?;
                let count = reader.length("list of runs", MAX_RUNS, RunClaim::LEAST_LEN)?;
                let mut runs: Vec<RunClaim> = Vec::with_capacity(count);
                let mut left = MAX_OUTPUT;
                for _ in 0..count {
                    let offset = reader.u32("offset of a run")?;
                    let n_steps = reader.u64("number of steps")?;
                    let final_ap = reader.u32("final ap")?;
                    let run = RunClaim::decode(reader, version, (offset, n_steps, final_ap), left)?;
                    left -= run.output.len();
                    runs.push(run);
                }
                (owned_end, runs)
            }
        };
        Ok(Self { runs, owned_end, fetches: fetch::decode(reader)? })
    }
}

impl RunClaim {
    /// Fewest bytes of one in a proof file: without builtins and output.
    const LEAST_LEN: usize = 4 + 8 + 4 + 8 + 1 + 4 + 8;

    /// Whether it lies behind the run before: its execution segment behind that run's final ap, its parts of the builtins' segments just behind that
    /// run's parts, so that the segments of all runs together have instances all over and nothing else.
    fn follows(&self, before: Option<&Self>, program: &Program) -> Result<(), ClaimError> {
        let Some(before) = before else {
            return match self.offset {
                0 => Ok(()),
                found => Err(ClaimError::Offset { found, expected: "0".into() }),
            };
        };
        if self.execution_base(program) < u64::from(before.final_ap) {
            let least = u64::from(before.final_ap).saturating_sub(u64::from(program.execution_base()));
            return Err(ClaimError::Offset { found: self.offset, expected: format!("at least {least}") });
        }
        let parts = before.segments.iter().zip(&self.segments);
        for (&builtin, (before, part)) in program.builtins().iter().zip(parts) {
            if before.stop != part.base {
                return Err(ClaimError::Part { builtin, found: part.base, expected: before.stop });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
