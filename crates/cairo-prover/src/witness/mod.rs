//! The columns of every table, one file per component of `cairo_air::components`.
//!
//! Tables that use others come first, so that every look-up is counted before the table that provides for it is filled.

pub mod bitwise;
pub mod byte;
pub mod counters;
pub mod derived;
pub mod generic;
pub mod instruction;
pub mod memory;
pub mod nibble_and;
pub mod owned;
pub mod range;
pub mod range_check;
mod rows;
pub mod word12;
pub mod word16;

use cairo_air::components::bitwise::Size;
use cairo_air::components::memory::CELLS;
use cairo_air::components::range::Range;
use cairo_air::program::PROGRAM_BASE;
use cairo_air::{Builtin, Claim, TableEntry, TableKind};
use cairo_execution::{Execution, ExecutionError};
use counters::Counters;
use felt::Felt;
pub(crate) use felt::integers::natural;
use owned::Cover;
use range_check::Limbs;
use rayon::prelude::*;
use stark::{Cancelled, Control, Phase};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Why no witness exists for an execution.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitnessError {
    /// The control hook cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// A step or a builtin cell that is none of a run.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// An address that no memory table has.
    #[error("the run uses memory cell {0}, which does not exist")]
    Address(u64),
    /// A word that is no instruction.
    #[error("the word at pc {pc} is no instruction: {error}")]
    Instruction {
        /// Where.
        pc: u32,
        /// Why.
        error: cairo_air::decode::DecodeError,
    },
    /// An operand outside memory.
    #[error("step {clock} uses an operand at address {address}, which is none")]
    Operand {
        /// The step, from 0.
        clock: u32,
        /// The address.
        address: String,
    },
    /// Steps that the machine does not make, or that are not those of the row which should execute them.
    #[error("the row that begins with step {clock}, at pc {pc}, does not execute the run's steps: {what}")]
    Step {
        /// The row's first step, from 0.
        clock: u32,
        /// Its pc.
        pc: u32,
        /// What is wrong.
        what: &'static str,
    },
    /// A step outside the trace.
    #[error("there is no step {0}")]
    Clock(u32),
    /// An input of the bitwise builtin that is too large for the table that it was given.
    #[error("memory cell {address} is an input of the bitwise builtin but holds {value}, which is not below 2^{bits}")]
    Bitwise {
        /// Its address.
        address: u32,
        /// Bits that inputs may have in this table.
        bits: u32,
        /// Its value.
        value: String,
    },
    /// A table in the layout that has nothing to hold.
    #[error("the layout has a table of kind {0} that the run does not need")]
    Empty(&'static str),
    /// A derived table that does not exist.
    #[error(transparent)]
    Derived(#[from] cairo_air::components::derived::DerivedError),
}

/// An opcode table as planned: which steps it executes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepTable {
    /// Its kind: generic, a word or a path.
    pub kind: TableKind,
    /// `log2` of its height.
    pub log_height: u32,
    /// For each row that is no padding, the number of its first step, from 0.
    pub starts: Vec<u32>,
}

/// A table's columns.
pub type Trace = Vec<Vec<Felt>>;

/// The memory cell at an address.
pub(crate) fn cell(memory: &[Felt], address: u64) -> Result<Felt, WitnessError> {
    let index = usize::try_from(address).ok().filter(|index| *index >= PROGRAM_BASE as usize);
    match index.and_then(|index| memory.get(index)) {
        Some(cell) => Ok(*cell),
        None => Err(WitnessError::Address(address)),
    }
}

/// Fills the opcode tables and counts what they look up.
pub fn fill_steps(
    execution: &Execution,
    tables: &[StepTable],
    counters: &Counters,
    control: &dyn Control,
) -> Result<Vec<Trace>, WitnessError> {
    let steps: usize = tables.iter().map(|table| table.starts.len()).sum();
    let done = Mutex::new(0);
    let fill = |table: &StepTable| {
        let StepTable { kind, log_height, starts } = table;
        let trace = match kind {
            TableKind::Generic => generic::fill(execution, starts, *log_height, counters, control)?,
            TableKind::Word(word) => derived::fill(execution, &word.rows()?, starts, *log_height, counters, control)?,
            TableKind::Path(path) => {
                derived::fill(execution, &path.rows(&execution.program)?, starts, *log_height, counters, control)?
            }
            _ => return Err(WitnessError::Empty("other than opcode")),
        };
        // Reported under the lock: otherwise two threads could report in the wrong order.
        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
        *done += starts.len();
        control.progress(Phase::Witness, 0.5 * *done as f64 / steps.max(1) as f64);
        Ok(trace)
    };
    tables.par_iter().with_max_len(1).map(fill).collect()
}

/// The tables that a run needs besides its opcode tables, heights included, once those are counted, in no particular order.
pub fn other_tables(
    execution: &Execution,
    claim: &Claim,
    steps: &[StepTable],
    cover: &Cover,
    counters: &Counters,
) -> Vec<TableEntry> {
    let mut tables: Vec<TableEntry> = Vec::new();
    let mut add = |kind, log_height| tables.push(TableEntry { kind, log_height });
    let above = execution.memory.len().saturating_sub(cover.owned_end as usize);
    if above > 0 {
        memory::log_heights(above).into_iter().for_each(|log_height| add(TableKind::Memory, log_height));
    }
    let heights = owned::log_heights(cover.rest_cells(), execution.n_steps());
    heights.into_iter().for_each(|log_height| add(TableKind::Cell, log_height));
    let fetches = steps.iter().any(|table| matches!(table.kind, TableKind::Generic | TableKind::Word(_)));
    let mut bytes = fetches && claim.fetches.is_empty();
    if bytes {
        add(TableKind::Instruction, instruction::log_height(counters));
    }
    let segment = |builtin| claim.segment(&execution.program, builtin).filter(|segment| segment.stop > segment.base);
    for checks in &cover.checks {
        for log_height in owned::log_heights(checks.addresses.len(), execution.n_steps()) {
            add(TableKind::Range(checks.range), log_height);
        }
    }
    if let Some(limb) = cover.checks.first().map(|checks| checks.range.bits()) {
        match range::limb_table(limb) {
            (TableKind::Byte, ..) => bytes = true,
            (kind, _, log_height) => add(kind, log_height),
        }
    } else if let Some(segment) = segment(Builtin::RangeCheck) {
        let limbs = Limbs::cheapest(segment.stop - segment.base);
        add(limbs.table(), range_check::log_height(segment));
        match limbs {
            Limbs::Bytes => bytes = true,
            Limbs::Words12 | Limbs::Words16 => add(limbs.range(), limbs.range_log_height()),
        }
    }
    if let Some(segment) = segment(Builtin::Bitwise) {
        let size = bitwise::size(&execution.memory, segment);
        add(size.kind(), bitwise::log_height(segment, size));
        add(TableKind::NibbleAnd, cairo_air::components::nibble_and::LOG_HEIGHT);
    }
    if bytes {
        add(TableKind::Byte, cairo_air::components::byte::LOG_HEIGHT);
    }
    tables
}

/// Whether a table of this kind provides for others but uses none itself, so that it is filled last.
const fn only_provides(kind: &TableKind) -> bool {
    use TableKind::{Byte, Cell, Memory, NibbleAnd, Word12, Word16};
    matches!(kind, Memory | Cell | Byte | Word12 | Word16 | NibbleAnd)
}

/// A table that is being filled: `first` is a memory table's first address, or the number of a cell or range table's first cell among
/// those of its kind.
struct Filling<'a> {
    entry: &'a TableEntry,
    first: usize,
    trace: Trace,
}

/// Fills tables other than opcode tables, but for the uses in range tables: those that use others when `users`, else those that provide
/// for others only, which is for when everything is counted. Gives them with their places in `entries`.
pub fn fill_others(
    execution: &Execution,
    claim: &Claim,
    entries: &[TableEntry],
    cover: &Cover,
    users: bool,
    (counters, control): (&Counters, &dyn Control),
) -> Result<Vec<(usize, Trace)>, WitnessError> {
    let (mut start, mut cell) = (cover.owned_end as usize, 0);
    let mut checked: BTreeMap<Range, usize> = BTreeMap::new();
    let mut fillings = Vec::new();
    for (position, entry) in entries.iter().enumerate() {
        let first = match entry.kind {
            TableKind::Memory => {
                start += CELLS << entry.log_height;
                start - (CELLS << entry.log_height)
            }
            TableKind::Range(range) => {
                let first: &mut usize = checked.entry(range).or_default();
                *first += 1 << entry.log_height;
                *first - (1 << entry.log_height)
            }
            TableKind::Cell => {
                cell += 1 << entry.log_height;
                cell - (1 << entry.log_height)
            }
            _ => 0,
        };
        if only_provides(&entry.kind) != users {
            fillings.push((position, Filling { entry, first, trace: Trace::new() }));
        }
    }
    let rest: Vec<u32> = match users {
        true => Vec::new(),
        false => cover.rest.iter().flat_map(|[base, stop]| *base..*stop).collect(),
    };
    fillings.par_iter_mut().with_max_len(1).try_for_each(|(_, filling)| {
        let cells = match filling.entry.kind {
            TableKind::Cell => rest.get(filling.first..).unwrap_or_default(),
            TableKind::Range(range) => cover.checked(range, filling.first),
            _ => &[],
        };
        filling.trace = fill(execution, claim, filling, cells, counters, control)?;
        Ok::<_, WitnessError>(())
    })?;
    Ok(fillings.into_iter().map(|(position, filling)| (position, filling.trace)).collect())
}

fn fill(
    execution: &Execution,
    claim: &Claim,
    filling: &Filling<'_>,
    cells: &[u32],
    counters: &Counters,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let Filling { entry, first, .. } = filling;
    let (memory, log_height) = (&execution.memory, entry.log_height);
    let segment = |builtin, name| claim.segment(&execution.program, builtin).ok_or(WitnessError::Empty(name));
    let bitwise = |size| {
        let segment = segment(Builtin::Bitwise, "bitwise")?;
        bitwise::fill(memory, segment, size, log_height, counters, control)
    };
    let range_check = || segment(Builtin::RangeCheck, "range_check");
    match entry.kind {
        TableKind::Memory => memory::fill(memory, *first as u64, log_height, counters, control),
        TableKind::Cell => owned::fill(memory, cells, log_height, counters, control),
        TableKind::Range(range) => range::fill(memory, &range, cells, log_height, counters, control),
        TableKind::Instruction => {
            instruction::fill(memory, execution.program.final_pc(), log_height, counters, control)
        }
        TableKind::Byte => Ok(byte::fill(counters)),
        TableKind::Word16 => Ok(word16::fill(counters)),
        TableKind::Word12 => Ok(word12::fill(counters)),
        TableKind::NibbleAnd => Ok(nibble_and::fill(counters)),
        TableKind::RangeCheck8 => range_check::fill_bytes(memory, range_check()?, log_height, counters, control),
        TableKind::RangeCheck12 => range_check::fill_words12(memory, range_check()?, log_height, counters, control),
        TableKind::RangeCheck16 => range_check::fill_words16(memory, range_check()?, log_height, counters, control),
        TableKind::Bitwise => bitwise(Size::Any),
        TableKind::Bitwise16 => bitwise(Size::Bits16),
        TableKind::Bitwise32 => bitwise(Size::Bits32),
        TableKind::Bitwise64 => bitwise(Size::Bits64),
        TableKind::Bitwise128 => bitwise(Size::Bits128),
        TableKind::Generic | TableKind::Word(_) | TableKind::Path(_) => Err(WitnessError::Empty("opcode")),
    }
}
