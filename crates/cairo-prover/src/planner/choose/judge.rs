//! The price of a set of tables, exactly.

use super::Search;
use crate::planner::budget::Budget;
use crate::planner::grammar::Rule;
use crate::planner::parts::cheapest;
use crate::table_size::{cells, cells_of_rows, half_columns};
use cairo_air::components::derived::TableSize;
use cairo_air::layout::MAX_DERIVED_STEPS;

/// Step tables besides paths and words: the generic one and those of the opcode extensions.
const OTHER_STEP_TABLES: usize = 3;

/// Most steps and owned cells of a plan's paths, below [`cairo_air::layout::MAX_DERIVED_STEPS`], of which word tables take a few and
/// range rows their cells.
const MAX_PATH_STEPS: usize = 1920;

/// The price of each path or step beyond.
const BEYOND: u64 = 1 << 40;

/// What a set comes to; kept from one set to the next for its memory.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Rows of each candidate.
    pub(super) rows: Vec<u64>,
    /// How often each symbol is still to be covered.
    pending: Vec<u64>,
    /// How often each block is left over.
    left: Vec<u64>,
    /// Steps left over for each word.
    by_word: Vec<u64>,
    order: Vec<(u64, usize)>,
    /// The words whose tables make the set cheapest, and whether those own cells.
    pub(super) words: Vec<(usize, bool)>,
    /// Whether steps are left to word tables or the generic table.
    pub(super) instructions: bool,
}

fn zeros(list: &mut Vec<u64>, len: usize) {
    list.clear();
    list.resize(len, 0);
}

impl Search<'_> {
    /// Rows of each candidate, and how often each block is left over.
    fn count(&self, chosen: &[bool], counts: &mut Counts) {
        let is_chosen = |candidate: usize| chosen.get(candidate).copied().unwrap_or(false);
        let Counts { rows, pending, left, .. } = counts;
        zeros(rows, self.candidates.len());
        zeros(left, self.histogram.len());
        pending.clear();
        pending.extend(self.grammar.symbols.iter().map(|symbol| u64::from(symbol.count)));
        let add = |slots: &mut [u64], at: usize, count: u64| {
            if let Some(slot) = slots.get_mut(at) {
                *slot += count;
            }
        };
        for (index, symbol) in self.grammar.symbols.iter().enumerate().rev() {
            let count = pending.get(index).copied().unwrap_or(0);
            if count == 0 {
                continue;
            }
            if let Some(candidate) = self.of_symbol.get(index).copied().flatten().filter(|c| is_chosen(*c)) {
                add(rows, candidate, count);
                continue;
            }
            match symbol.rule {
                Rule::Block(block) => add(left, block as usize, count),
                Rule::Pair(a, b) => {
                    add(pending, a as usize, count);
                    add(pending, b as usize, count);
                }
                Rule::Run(a, times) => {
                    let mut rest = times;
                    for (unroll, candidate) in self.unrolled.get(a as usize).map_or(&[][..], |list| list) {
                        if is_chosen(*candidate) {
                            add(rows, *candidate, count * u64::from(rest / unroll));
                            rest %= unroll;
                        }
                    }
                    add(pending, a as usize, count * u64::from(rest));
                }
            }
        }
    }

    /// The price of some cells and half columns.
    fn price(&self, cells: u64, half_columns: usize) -> u64 {
        cells + self.costs.of_columns(half_columns.div_ceil(2), self.steps)
    }

    /// Most path and word tables.
    fn most_planned(&self) -> usize {
        self.costs.tables.saturating_sub(OTHER_STEP_TABLES)
    }

    /// The price of a set; which word tables it takes is then in `counts`.
    pub(super) fn judge(&self, chosen: &[bool], padded: bool, counts: &mut Counts) -> u64 {
        self.count(chosen, counts);
        let Counts { rows, left, by_word, .. } = counts;
        let (mut total, mut halves) = (0, 0);
        let (mut paths, mut steps) = (0_usize, 0_usize);
        let mut budget = self.costs.budget();
        for (candidate, rows) in self.candidates.iter().zip(&*rows).filter(|(_, rows)| **rows > 0) {
            let (cells, columns) = self.costs.spend(candidate.size, *rows, padded, &mut budget);
            (total, halves) = (total + cells, halves + columns);
            (paths, steps) = (paths + 1, steps + candidate.path.steps as usize + candidate.path.owned.len());
        }
        // No plan that is possible costs as much.
        let checked = self.costs.checked.as_ref().map_or(0, |checked| checked.cells_of_kinds());
        let most_steps = MAX_PATH_STEPS - checked.min(MAX_PATH_STEPS);
        total += (paths.saturating_sub(self.most_planned()) + steps.saturating_sub(most_steps)) as u64 * BEYOND;
        let of_paths = self.candidates.iter().zip(&*rows).map(|(candidate, rows)| candidate.rest * rows);
        let of_blocks = self.moves.iter().zip(&*left).map(|(cells, count)| cells * count);
        let others = self.costs.rest + of_paths.chain(of_blocks).sum::<u64>();
        zeros(by_word, self.words.len());
        let mut without = 0;
        for ((words, none), count) in self.histogram.iter().zip(&*left).filter(|(_, count)| **count > 0) {
            without += none * count;
            for (word, steps) in words {
                if let Some(slot) = by_word.get_mut(*word) {
                    *slot += steps * count;
                }
            }
        }
        counts.words.clear();
        counts.instructions = without > 0 || by_word.iter().any(|steps| *steps > 0);
        if !counts.instructions {
            return self.price(total + self.cell_table(others, padded), halves);
        }
        total += cells_of_rows(self.costs.instruction, self.distinct, padded);
        halves += half_columns(self.costs.instruction) + 2 * self.costs.byte;
        let most = self.most_planned().saturating_sub(paths);
        // A set whose paths have too many has its price for that already.
        let steps = (MAX_DERIVED_STEPS as usize).saturating_sub(checked + steps.min(most_steps)) as u64;
        let owning = self.words.iter().map(|word| word.owning.as_ref().map_or(0, |owning| owning.cells));
        let rest = without + by_word.iter().sum::<u64>();
        let others = others + owning.zip(&*by_word).map(|(cells, steps)| cells * steps).sum::<u64>();
        self.judge_words(Words { total, halves, rest, others, steps, budget }, most, padded, counts)
    }

    /// Cells of the cell table for so many that no row owns; none if the rows of this plan own nothing.
    fn cell_table(&self, others: u64, padded: bool) -> u64 {
        if self.moves.is_empty() {
            return 0;
        }
        match self.costs.column().filter(|_| self.costs.own_words && padded) {
            Some(_) if others == 0 => 0,
            Some(column) => {
                let (_, parts) = cheapest(self.costs.cell, others, column);
                parts.heights().iter().map(|log_height| cells(self.costs.cell, *log_height)).sum()
            }
            None => cells_of_rows(self.costs.cell, others, padded),
        }
    }

    /// Word tables for what paths leave over, up to so many, in the order of their steps: the first few of them, as many as are cheapest together,
    /// since the generic table's height only falls when enough of it is gone; then each of the others that makes things cheaper by itself. Of a plain and an
    /// owning table it is the one that leaves things cheaper without powers of two, as long as nothing else is decided.
    fn judge_words(&self, start: Words, most: usize, padded: bool, counts: &mut Counts) -> u64 {
        let Counts { by_word, order, words, .. } = counts;
        order.clear();
        order.extend(by_word.iter().copied().zip(0..).filter(|(steps, _)| *steps > 0));
        order.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let price_of = |state: &Words, padded: bool| {
            let mut budget = state.budget;
            let (cells, columns) = match state.rest {
                0 => (0, 0),
                steps => self.costs.spend(self.costs.generic, steps, padded, &mut budget),
            };
            self.price(state.total + cells + self.cell_table(state.others, padded), state.halves + columns)
        };
        let price = |state: &Words| price_of(state, padded);
        // A table with so many rows in place of one of its kind with those that it has already.
        let with = |state: &Words, size: TableSize, (before, rows): (u64, u64), (cells, provided): (u64, u64)| {
            let mut budget = state.budget;
            let (less, fewer) = match before {
                0 => (0, 0),
                before => self.costs.spend(size, before, padded, &mut Budget { ..state.budget }),
            };
            let (more, columns) = self.costs.spend(size, before + rows, padded, &mut budget);
            Some(Words {
                total: (state.total + more).saturating_sub(less),
                halves: (state.halves + columns).saturating_sub(fewer),
                rest: state.rest - rows,
                others: state.others.saturating_sub(cells * rows),
                steps: state.steps.checked_sub(1 + provided)?,
                budget,
            })
        };
        let add = |state: &Words, rows: u64, index: usize, words: &[(usize, bool)]| {
            let word = self.words.get(index)?;
            let same = |index: usize| self.words.get(index).is_some_and(|other| other.item.word == word.item.word);
            let before = match word.is_shared {
                true => {
                    let plain = words.iter().filter(|(index, owns)| !owns && same(*index));
                    plain.filter_map(|(index, _)| by_word.get(*index)).sum()
                }
                false => 0,
            };
            let plain = with(state, word.size, (before, rows), (0, 0));
            let owning = word
                .owning
                .as_ref()
                .and_then(|owning| with(state, owning.size, (0, rows), (owning.cells, owning.provided)));
            match (plain, owning) {
                (Some(plain), Some(owning)) if price_of(&owning, false) >= price_of(&plain, false) => {
                    Some((plain, false))
                }
                (_, Some(owning)) => Some((owning, true)),
                (plain, None) => plain.map(|plain| (plain, false)),
            }
        };
        words.clear();
        let (mut best, mut found, mut first) = (price(&start), start, 0);
        let mut state = start;
        for (number, (steps, index)) in order.iter().enumerate().take(most) {
            let Some((next, owns)) = add(&state, *steps, *index, words) else { break };
            state = next;
            words.push((*index, owns));
            let with = price(&state);
            if with < best {
                (best, found, first) = (with, state, number + 1);
            }
        }
        words.truncate(first);
        for (steps, index) in order.iter().skip(first) {
            if words.len() >= most {
                break;
            }
            let Some((next, owns)) = add(&found, *steps, *index, words) else { continue };
            let with = price(&next);
            if with < best {
                (best, found) = (with, next);
                words.push((*index, owns));
            }
        }
        best
    }
}

/// What some word tables come to.
#[derive(Debug, Clone, Copy)]
struct Words {
    total: u64,
    halves: usize,
    /// Steps that are left to the generic table.
    rest: u64,
    /// Cells that are left to the cell table.
    others: u64,
    /// Steps and provided cells that derived tables may still have.
    steps: u64,
    budget: Budget,
}
