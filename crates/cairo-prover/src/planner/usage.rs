//! Which cells are used after a row that owns them: those the row must provide.

use super::grammar::{Grammar, Rule};
use cairo_air::components::derived::{Followed, MAX_COLUMNS, Path, TableSize};
use cairo_air::decode::Decoded;
use cairo_air::program::PROGRAM_BASE;
use cairo_execution::Execution;
use felt::Felt;
use felt::integers::to_u64;
use rayon::prelude::*;

/// Occurrences of a symbol that are looked at.
const SAMPLES: usize = 16;

/// About how many symbols of the sequence occurrences are taken from.
const VISITS: usize = 1 << 8;

/// Parts of the run whose uses are noted separately, each by a thread. A part takes four bytes for each memory cell, so they are few.
const PARTS: usize = 2;

/// What the choice of tables needs to know about the cells that rows may own.
#[derive(Debug)]
pub struct Usage<'a> {
    execution: &'a Execution,
    /// For each address the last step of each part of the run that uses it, counted from 1; 0 if there is none. Uses relative to `ap` count
    /// only once `ap` is past the cell.
    last: Vec<Vec<u32>>,
    /// For each symbol some steps at which it begins.
    samples: Vec<Vec<u32>>,
}

impl<'a> Usage<'a> {
    /// Reads the run.
    pub fn new(execution: &'a Execution, grammar: &Grammar) -> Self {
        let steps = execution.n_steps();
        let part = steps.div_ceil(PARTS).max(1);
        let last = (0..PARTS).into_par_iter().with_max_len(1).map(|number| {
            let first = (number * part).min(steps);
            last_uses(execution, first, (first + part).min(steps))
        });
        Self { execution, last: last.collect(), samples: samples(grammar) }
    }

    /// The last step that uses a cell, counted from 1, as far as it is noted.
    fn last(&self, address: usize) -> u32 {
        self.last.iter().rev().filter_map(|part| part.get(address)).copied().find(|step| *step > 0).unwrap_or(0)
    }

    /// The same path with the cells that it moves `ap` over as its own, and about what its table's size is then. `symbol` is where the path
    /// occurs, or the first of some times that it occurs.
    pub fn own(&self, followed: Followed, symbol: u32) -> Owning {
        let Followed { mut path, size, cells } = followed;
        let known = cells.iter().filter(|known| **known).count();
        // Which cells are used later is only sampled here, and known when the witness is made; so a path may own its cells only if it would
        // keep within the limit even if each of them were provided with a column of uses of its own.
        let most = size.columns + cells.len() + (cells.len() - known);
        if cells.is_empty() || most > MAX_COLUMNS {
            let rest = if cells.is_empty() { self.advance(symbol, path.steps) } else { cells.len() as u64 };
            return Owning { path, size, rest };
        }
        let mut provided = vec![false; cells.len()];
        for start in self.samples.get(symbol as usize).into_iter().flatten() {
            let Some(registers) = self.execution.trace.get(*start as usize) else { continue };
            for (place, provided) in provided.iter_mut().enumerate() {
                *provided |= self.last(registers.ap as usize + place) > start + path.steps;
            }
        }
        let both =
            |known: bool| cells.iter().zip(&provided).filter(|(cell, provided)| **cell == known && **provided).count();
        let (known_provided, unknown_provided) = (both(true), both(false));
        // Most cells are used equally often, or always at the same time.
        let uses = (known_provided + unknown_provided).min(1 + (known_provided + unknown_provided) / 8);
        path.owned = vec![0; cells.len()];
        let size = TableSize {
            columns: size.columns + unknown_provided + uses,
            interactions: size.interactions - (known - known_provided) + unknown_provided + 2,
        };
        Owning { path, size, rest: 0 }
    }

    /// How far `ap` moves in so many steps from where a symbol begins.
    fn advance(&self, symbol: u32, steps: u32) -> u64 {
        let start = self.samples.get(symbol as usize).and_then(|samples| samples.first());
        let ap = |clock: u32| self.execution.trace.get(clock as usize).map(|registers| u64::from(registers.ap));
        start.and_then(|start| Some(ap(start + steps)?.saturating_sub(ap(*start)?))).unwrap_or(0)
    }
}

/// A path and what it costs.
#[derive(Debug, Clone)]
pub struct Owning {
    /// The path, with the cells that it owns.
    pub path: Path,
    /// The size of its table.
    pub size: TableSize,
    /// Cells that a row moves `ap` over without owning them.
    pub rest: u64,
}

/// [`Usage::last`] of the steps from `first` to before `end`.
fn last_uses(execution: &Execution, first: usize, end: usize) -> Vec<u32> {
    let memory = &execution.memory;
    // One more, for operands that are not used.
    let unused = memory.len() as u32;
    let mut last: Vec<u32> = vec![0; memory.len() + 1];
    let operands = |word: &Felt| Decoded::new(word).ok().map(Operands::new);
    let operands: Vec<Option<Operands>> = execution.program.bytecode().iter().map(operands).collect();
    let mut note = |address: u32, step: u32| last.get_mut(address as usize).into_iter().for_each(|slot| *slot = step);
    for (step, registers) in (first as u32 + 1..).zip(execution.trace.get(first..end).unwrap_or_default()) {
        let index = registers.pc.wrapping_sub(PROGRAM_BASE) as usize;
        let Some(Some(operands)) = operands.get(index) else { continue };
        let bases = [registers.ap, registers.fp, unused];
        let at = |(base, offset): (Base, u32)| bases[base].wrapping_add(offset);
        operands.at.into_iter().for_each(|operand| note(at(operand), step));
        if let Some(op0) = operands.indirect {
            let pointer = memory.get(at(op0) as usize).and_then(address);
            note(pointer.map_or(unused, |pointer| pointer.wrapping_add(operands.off2)), step);
        }
    }
    last.truncate(memory.len());
    last
}

fn address(cell: &Felt) -> Option<u32> {
    to_u64(cell).and_then(|value| u32::try_from(value).ok())
}

/// Which register an address is relative to: [`AP`], [`FP`], or none, if the operand is not used.
type Base = usize;
const AP: Base = 0;
const FP: Base = 1;
const UNUSED: Base = 2;

/// What an instruction uses. Offsets are added modulo 2^32.
struct Operands {
    /// Of `dst`, `op0`, and `op1` where it is relative to a register.
    at: [(Base, u32); 3],
    /// Of the cell that `op1` is relative to, if it is to one.
    indirect: Option<(Base, u32)>,
    off2: u32,
}

impl Operands {
    fn new(decoded: Decoded) -> Self {
        let flags = decoded.flags;
        let [off0, off1, off2] = decoded.offsets.map(i32::cast_unsigned);
        let [dst, op0, op1] = flags.used_operands();
        let base = |fp: bool| if fp { FP } else { AP };
        // What `ap` has not moved over yet is used before the end of the row that moves it there, and need not be noted: `ap` never falls
        // in a run whose rows may own cells.
        let later = |fp: bool, offset: u32| !fp && offset.cast_signed() >= 0;
        let at = |used: bool, fp: bool, offset: u32| match used && !later(fp, offset) {
            true => (base(fp), offset),
            false => (UNUSED, 0),
        };
        let direct = op1 && (flags.op1_fp() || flags.op1_ap());
        Self {
            at: [at(dst, flags.dst_fp(), off0), at(op0, flags.op0_fp(), off1), at(direct, flags.op1_fp(), off2)],
            indirect: (op1 && !direct && !flags.op1_imm()).then_some((base(flags.op0_fp()), off1)),
            off2,
        }
    }
}

/// Steps at which each symbol begins, from all over the run.
fn samples(grammar: &Grammar) -> Vec<Vec<u32>> {
    let steps = |symbol: u32| grammar.symbols.get(symbol as usize).map_or(0, |symbol| symbol.steps as u32);
    let len = grammar.sequence.len();
    let mut seen = vec![false; grammar.symbols.len()];
    let mut samples: Vec<Vec<u32>> = vec![Vec::new(); grammar.symbols.len()];
    let mut stack = Vec::new();
    let mut clock = 0;
    for (position, symbol) in grammar.sequence.iter().enumerate() {
        let is_new = seen.get_mut(*symbol as usize).is_some_and(|seen| !std::mem::replace(seen, true));
        if is_new || position.is_multiple_of((len / VISITS).max(1)) || position + 1 == len {
            stack.push((*symbol, clock));
        }
        while let Some((symbol, begin)) = stack.pop() {
            samples.get_mut(symbol as usize).into_iter().for_each(|list| list.push(begin));
            match grammar.symbols.get(symbol as usize).map(|symbol| symbol.rule) {
                Some(Rule::Pair(a, b)) => stack.extend([(a, begin), (b, begin + steps(a))]),
                Some(Rule::Run(a, times)) => {
                    stack.extend([0, times / 2, times.saturating_sub(1)].map(|number| (a, begin + number * steps(a))));
                }
                Some(Rule::Block(_)) | None => {}
            }
        }
        clock += steps(*symbol);
    }
    for list in &mut samples {
        let len = list.len();
        if len > SAMPLES {
            *list = (0..SAMPLES).filter_map(|k| list.get(k * (len - 1) / (SAMPLES - 1)).copied()).collect();
        }
    }
    samples
}
