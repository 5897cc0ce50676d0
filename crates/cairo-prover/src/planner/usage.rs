//! Which cells are used after a row that owns them: those the row must provide.

use super::blocks::{Blocks, Token, WordItem};
use super::grammar::{Grammar, Rule};
use cairo_air::Builtin;
use cairo_air::components::derived::{Followed, MAX_COLUMNS, Path, TableSize};
use cairo_air::decode::Decoded;
use cairo_air::program::PROGRAM_BASE;
use cairo_execution::Execution;
use felt::Felt;
use felt::integers::to_u64;
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};

/// A table for instructions that skip cells is thought of if there is a skipped cell in so many steps.
const LEAST_SKIPPED: usize = 64;

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

    /// For the instructions that move `ap` by more cells than a call, which of these are used by any step, before or after: all that do so often enough
    /// for a table to be worth it.
    pub fn skipped(&self, blocks: &Blocks) -> BTreeMap<WordItem, Vec<bool>> {
        let item =
            |token: &Token| WordItem::of(token, true).filter(|item| item.own.is_some_and(|(_, cells)| cells > 2));
        let mut items: HashMap<u32, WordItem> = HashMap::new();
        for token in &blocks.tokens {
            items.extend(item(token).map(|item| (token.pc, item)));
        }
        let mut skipped: BTreeMap<WordItem, Vec<bool>> = BTreeMap::new();
        let starts: Vec<(u32, WordItem)> = match items.is_empty() {
            true => Vec::new(),
            false => {
                let trace = self.execution.trace.get(..self.execution.n_steps()).unwrap_or_default();
                trace.iter().filter_map(|state| Some((state.ap, *items.get(&state.pc)?))).collect()
            }
        };
        let cells = |item: &WordItem| item.own.map_or(0, |(_, cells)| cells as usize);
        if starts.iter().map(|(_, item)| cells(item)).sum::<usize>() < self.execution.n_steps() / LEAST_SKIPPED {
            return skipped;
        }
        let (used, is_known) = self.used();
        for (ap, item) in starts {
            let cells = cells(&item);
            let mask = skipped.entry(item).or_insert_with(|| vec![false; cells]);
            for (mask, address) in mask.iter_mut().zip(ap as usize..) {
                *mask |= used.get(address).copied().unwrap_or(true);
            }
        }
        // What a table of another kind reads by a pointer is not known: only few cells may be so.
        let is_read = |builtin: &Builtin| matches!(builtin, Builtin::AddMod | Builtin::MulMod);
        if self.execution.program.builtins().iter().any(is_read) || !is_known {
            skipped.retain(|_, mask| mask.len() <= MAX_COLUMNS / 4);
        }
        skipped
    }

    /// For each address whether any step, or public memory, uses it; and whether all steps are of the plain machine, so that this is known.
    fn used(&self) -> (Vec<bool>, bool) {
        let Execution { memory, trace, program, .. } = self.execution;
        let (mut used, mut is_known) = (vec![false; memory.len()], true);
        let mut note = |address: u32| used.get_mut(address as usize).into_iter().for_each(|used| *used = true);
        let decoded: Vec<Option<Decoded>> = program.bytecode().iter().map(|word| Decoded::new(word).ok()).collect();
        let (end, pointers) = (program.final_pc(), program.builtins().len() as u32 + 2);
        let mut begins = true;
        for (number, state) in trace.iter().enumerate() {
            // The header of a run's stack, and the pointers at both its ends.
            if begins {
                (state.ap.saturating_sub(2)..state.ap.saturating_add(pointers)).for_each(&mut note);
            }
            begins = state.pc == end || number == self.execution.n_steps();
            if begins {
                (state.ap.saturating_sub(pointers)..state.ap).for_each(&mut note);
                continue;
            }
            let index = state.pc.wrapping_sub(PROGRAM_BASE) as usize;
            let Some(Some(Decoded { flags, offsets })) = decoded.get(index) else {
                is_known = false;
                continue;
            };
            let base = |fp: bool| if fp { state.fp } else { state.ap };
            let [dst, op0, op1] = flags.used_operands();
            let [dst_at, op0_at] = [(flags.dst_fp(), offsets[0]), (flags.op0_fp(), offsets[1])]
                .map(|(fp, offset)| base(fp).wrapping_add_signed(offset));
            if dst {
                note(dst_at);
            }
            if op0 {
                note(op0_at);
            }
            if op1 && !flags.op1_imm() {
                let base = match flags.op1_fp() || flags.op1_ap() {
                    true => Some(base(flags.op1_fp())),
                    false => memory.get(op0_at as usize).and_then(address),
                };
                base.into_iter().for_each(|base| note(base.wrapping_add_signed(offsets[2])));
            }
        }
        (used, is_known)
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

#[cfg(test)]
mod tests;
