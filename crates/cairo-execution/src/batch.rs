//! Several runs of one program in one memory, for one proof.
//!
//! The program comes first, then the execution segments of all runs one after another, then for each builtin the parts of all runs, so that tables see one
//! stack and one segment of each builtin; then everything else. The trace has the runs' states one after another. So step numbers are clocks: between two runs
//! the trace leads from the program's end to its beginning, which is no step.

use crate::relocation::{Relocation, RelocationError};
use crate::{Execution, ExecutionError, Registers, Run, Segment};
use cairo_air::program::PROGRAM_BASE;
use cairo_air::verify::hex;
use cairo_air::{ArgumentBinding, Builtin, MAX_RUNS, Program};
use felt::Felt;
use felt::encoding::to_u64;
use std::collections::BTreeMap;

/// Runs of one program, in one memory.
#[derive(Debug, Clone)]
pub struct Batch {
    joined: Execution,
    parts: Vec<Part>,
}

/// What is a run's own.
#[derive(Debug, Clone)]
struct Part {
    arguments: Vec<Felt>,
    offset: u32,
    /// Number of its first state.
    first: usize,
    states: usize,
    segments: BTreeMap<Builtin, Segment>,
    arguments_start: Option<u32>,
    /// Number of its first signature.
    first_signature: usize,
    signatures: usize,
}

/// Why runs cannot be proven together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// No run.
    #[error("a batch needs one run at least")]
    Empty,
    /// More than [`MAX_RUNS`].
    #[error("a batch has at most {MAX_RUNS} runs; these are {0}")]
    TooManyRuns(usize),
    /// A run of another program than the first.
    #[error(
        "run {run} (the first is 0) is one of another program: its hash is {found}, that of the first run's is {expected}"
    )]
    OtherProgram {
        /// Index from 0.
        run: usize,
        /// Its program's hash.
        found: String,
        /// That of the first.
        expected: String,
    },
    /// A run that is none, or not in its form.
    #[error("run {run} (the first is 0): {error}")]
    Execution {
        /// Index from 0.
        run: usize,
        /// What is wrong with it.
        error: ExecutionError,
    },
    /// A run that cannot be placed beside others.
    #[error("run {run} (the first is 0) cannot be proven together with others: {error}")]
    Relocation {
        /// Index from 0.
        run: usize,
        /// Why.
        error: RelocationError,
    },
}

impl From<Execution> for Batch {
    fn from(execution: Execution) -> Self {
        let part = Part {
            arguments: execution.arguments.clone(),
            offset: 0,
            first: 0,
            states: execution.trace.len(),
            segments: execution.segments.clone(),
            arguments_start: execution.arguments_start,
            first_signature: 0,
            signatures: execution.signatures.len(),
        };
        Self { joined: execution, parts: vec![part] }
    }
}

impl Batch {
    /// Places copies of runs beside each other. A single one stays as it is.
    ///
    /// What the runs say of themselves is checked as far as [`Execution::check_form`] and [`Relocation::check`] do.
    ///
    /// # Errors
    /// The first run that does not fit, and why.
    pub fn new(executions: &[Execution]) -> Result<Self, BatchError> {
        let program = match executions {
            [] => return Err(BatchError::Empty),
            [execution] => return Ok(execution.clone().into()),
            [first, ..] if executions.len() <= MAX_RUNS => first.program.clone(),
            _ => return Err(BatchError::TooManyRuns(executions.len())),
        };
        let places = Places::new(executions, &program)?;
        let mut memory = felt::memory::zeros(places.cells as usize);
        let mut trace = Vec::with_capacity(executions.iter().map(|execution| execution.trace.len()).sum());
        let mut signatures = Vec::new();
        let mut parts = Vec::with_capacity(executions.len());
        for (place, word) in memory.iter_mut().skip(PROGRAM_BASE as usize).zip(program.bytecode()) {
            *place = *word;
        }
        for (execution, bases) in executions.iter().zip(&places.bases) {
            let Some(relocation) = &execution.relocation else { continue };
            relocation.place(&execution.memory, bases, &mut memory);
            let base = |index: usize| bases.get(index).copied().unwrap_or_default();
            let builtins = program.builtins();
            let segment = |(builtin, segment): (&Builtin, &Segment)| {
                let base = base(Relocation::index_of(builtins, *builtin).unwrap_or_default());
                (*builtin, Segment { base, stop: base + (segment.stop - segment.base) })
            };
            let offset = base(0).saturating_sub(program.execution_base());
            let (first, states) = (trace.len(), execution.trace.len());
            trace.extend(execution.trace.iter().map(|state| moved(state, offset, relocation, bases)));
            parts.push(Part {
                offset,
                first,
                states,
                segments: execution.segments.iter().map(segment).collect(),
                arguments_start: arguments_start(&program, offset, &memory),
                first_signature: signatures.len(),
                signatures: execution.signatures.len(),
                arguments: execution.arguments.clone(),
            });
            signatures.extend_from_slice(&execution.signatures);
        }
        let whole = |builtin: &Builtin| {
            let part = |part: Option<&Part>| part.and_then(|part| part.segments.get(builtin)).copied();
            let (first, last) = (part(parts.first())?, part(parts.last())?);
            Some((*builtin, Segment { base: first.base, stop: last.stop }))
        };
        let segments = program.builtins().iter().filter_map(whole).collect();
        let joined = Execution {
            program,
            arguments: Vec::new(),
            trace,
            memory,
            segments,
            arguments_start: None,
            signatures,
            relocation: None,
        };
        Ok(Self { joined, parts })
    }

    /// All runs as one: what the tables of a proof are filled from. Where a state stands at the program's end, the next one, if there is one, is the first of
    /// another run.
    pub const fn joined(&self) -> &Execution {
        &self.joined
    }

    /// The same, for who needs the batch no more.
    pub fn into_joined(self) -> Execution {
        self.joined
    }

    /// The runs, in order.
    pub fn runs(&self) -> impl ExactSizeIterator<Item = Run<'_>> {
        self.parts.iter().map(|part| Run {
            program: &self.joined.program,
            arguments: &part.arguments,
            offset: part.offset,
            trace: self.joined.trace.get(part.first..part.first + part.states).unwrap_or_default(),
            memory: &self.joined.memory,
            segments: &part.segments,
            arguments_start: part.arguments_start,
            signatures: self
                .joined
                .signatures
                .get(part.first_signature..part.first_signature + part.signatures)
                .unwrap_or_default(),
        })
    }

    /// Steps of all runs.
    pub fn n_steps(&self) -> usize {
        self.parts.iter().map(|part| part.states.saturating_sub(1)).sum()
    }

    /// Checks the form of each run: see [`Execution::check_form`].
    ///
    /// # Errors
    /// The first run that is wrong, and how.
    pub fn check_form(&self) -> Result<(), BatchError> {
        self.each(|run| run.check_form())
    }

    /// Checks each run: see [`Execution::check`].
    ///
    /// # Errors
    /// The first run that is wrong, and how.
    pub fn check(&self) -> Result<(), BatchError> {
        self.each(|run| run.check())
    }

    fn each(&self, check: impl Fn(&Run<'_>) -> Result<(), ExecutionError>) -> Result<(), BatchError> {
        for (run, view) in self.runs().enumerate() {
            check(&view).map_err(|error| BatchError::Execution { run, error })?;
        }
        Ok(())
    }
}

/// Where each run's segments begin.
struct Places {
    bases: Vec<Vec<u32>>,
    /// Cells of the whole memory.
    cells: u32,
}

impl Places {
    fn new(executions: &[Execution], program: &Program) -> Result<Self, BatchError> {
        let mut lengths: Vec<Vec<u64>> = Vec::with_capacity(executions.len());
        for (run, execution) in executions.iter().enumerate() {
            if execution.program.hash() != program.hash() {
                let [found, expected] = [&execution.program, program].map(|program| hex(&program.hash()));
                return Err(BatchError::OtherProgram { run, found, expected });
            }
            execution.check_form().map_err(|error| BatchError::Execution { run, error })?;
            let relocation = execution.relocation.as_ref().ok_or(RelocationError::Unknown);
            let relocation = relocation.and_then(|relocation| relocation.check(execution).map(|()| relocation));
            let relocation = relocation.map_err(|error| BatchError::Relocation { run, error })?;
            lengths.push(relocation.segments.iter().map(|segment| u64::from(segment.stop - segment.base)).collect());
        }
        let fixed = program.builtins().len() + 1;
        let mut bases: Vec<Vec<u32>> = vec![Vec::new(); executions.len()];
        let mut next = u64::from(program.execution_base());
        let refused = |run| move |error| BatchError::Relocation { run, error };
        for index in 0..fixed {
            for (run, (bases, lengths)) in bases.iter_mut().zip(&lengths).enumerate() {
                place(bases, &mut next, lengths.get(index).copied().unwrap_or_default()).map_err(refused(run))?;
            }
        }
        for (run, (bases, lengths)) in bases.iter_mut().zip(&lengths).enumerate() {
            for length in lengths.iter().skip(fixed) {
                place(bases, &mut next, *length).map_err(refused(run))?;
            }
        }
        // All fit, or `place` would have said so.
        Ok(Self { bases, cells: u32::try_from(next).unwrap_or(u32::MAX) })
    }
}

/// Gives a segment the next addresses.
fn place(bases: &mut Vec<u32>, next: &mut u64, length: u64) -> Result<(), RelocationError> {
    let cells = next.saturating_add(length);
    match u32::try_from(*next) {
        // A run that ends at the last address would have its registers beyond it.
        Ok(base) if cells < u64::from(u32::MAX) => bases.push(base),
        _ => return Err(RelocationError::TooMuchMemory { cells }),
    }
    *next = cells;
    Ok(())
}

/// A state in its new place. The program stays where it is; code elsewhere moves with its segment.
fn moved(state: &Registers, offset: u32, relocation: &Relocation, bases: &[u32]) -> Registers {
    let pc = relocation.segment_of(state.pc).and_then(|index| {
        let (segment, base) = (relocation.segments.get(index)?, bases.get(index)?);
        Some(state.pc - segment.base + base)
    });
    // The registers stand in the execution segment or at its end.
    let at = |address: u32| address.saturating_add(offset);
    Registers { pc: pc.unwrap_or(state.pc), ap: at(state.ap), fp: at(state.fp) }
}

/// Where a run's arguments stand, by the cell that points to them.
fn arguments_start(program: &Program, offset: u32, memory: &[Felt]) -> Option<u32> {
    let ArgumentBinding::Pointers { cell } = program.arguments() else { return None };
    let pointer = u64::from(program.initial_ap()) + u64::from(offset) + u64::from(cell);
    let start = usize::try_from(pointer).ok().and_then(|pointer| memory.get(pointer)).and_then(to_u64);
    // 0 is no address: the check of the run's form then says what is missing.
    Some(start.and_then(|start| u32::try_from(start).ok()).unwrap_or_default())
}

#[cfg(test)]
mod tests;
