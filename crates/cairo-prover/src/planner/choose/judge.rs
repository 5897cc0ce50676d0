//! The price of a set of tables, exactly.

use super::Search;
use crate::planner::budget::Budget;
use crate::planner::grammar::Rule;
use crate::table_size::{cells_of_rows, half_columns};

/// Step tables besides paths and words: the generic one and those of the opcode extensions.
const OTHER_STEP_TABLES: usize = 3;

/// Most steps and owned cells of a plan's paths, below [`cairo_air::layout::MAX_DERIVED_STEPS`], of which word tables take a few.
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
    /// The word tables that make the set cheapest.
    pub(super) words: Vec<usize>,
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
        total += (paths.saturating_sub(self.most_planned()) + steps.saturating_sub(MAX_PATH_STEPS)) as u64 * BEYOND;
        if !self.moves.is_empty() {
            let of_paths = self.candidates.iter().zip(&*rows).map(|(candidate, rows)| candidate.rest * rows);
            let of_blocks = self.moves.iter().zip(&*left).map(|(cells, count)| cells * count);
            total += cells_of_rows(self.costs.cell, self.costs.rest + of_paths.chain(of_blocks).sum::<u64>(), padded);
        }
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
            return self.price(total, halves);
        }
        total += cells_of_rows(self.costs.instruction, self.distinct, padded);
        halves += half_columns(self.costs.instruction) + 2 * self.costs.byte;
        let most = self.most_planned().saturating_sub(paths);
        self.judge_words((total, halves), (without, most, budget), padded, counts)
    }

    /// Word tables for what paths leave over, up to so many, in the order of their steps: the first few of them, as many as are cheapest together,
    /// since the generic table's height only falls when enough of it is gone; then each of the others that makes things cheaper by itself.
    fn judge_words(
        &self,
        (total, halves): (u64, usize),
        (without, most, budget): (u64, usize, Budget),
        padded: bool,
        counts: &mut Counts,
    ) -> u64 {
        let Counts { by_word, order, words, .. } = counts;
        order.clear();
        order.extend(by_word.iter().copied().zip(0..).filter(|(steps, _)| *steps > 0));
        order.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let rest = without + by_word.iter().sum::<u64>();
        let start = Words { total, halves, rest, budget };
        let price = |state: &Words| {
            let mut budget = state.budget;
            let (cells, columns) = match state.rest {
                0 => (0, 0),
                steps => self.costs.spend(self.costs.generic, steps, padded, &mut budget),
            };
            self.price(state.total + cells, state.halves + columns)
        };
        let add = |state: &Words, steps: u64, index: usize| {
            let word = self.words.get(index)?;
            let mut budget = state.budget;
            let (cells, columns) = self.costs.spend(word.size, steps, padded, &mut budget);
            Some(Words { total: state.total + cells, halves: state.halves + columns, rest: state.rest - steps, budget })
        };
        let (mut best, mut found, mut first) = (price(&start), start, 0);
        let mut state = start;
        for (number, (steps, index)) in order.iter().enumerate().take(most) {
            let Some(next) = add(&state, *steps, *index) else { break };
            state = next;
            let with = price(&state);
            if with < best {
                (best, found, first) = (with, state, number + 1);
            }
        }
        words.extend(order.iter().take(first).map(|(_, index)| *index));
        for (steps, index) in order.iter().skip(first) {
            if words.len() >= most {
                break;
            }
            let Some(next) = add(&found, *steps, *index) else { continue };
            let with = price(&next);
            if with < best {
                (best, found) = (with, next);
                words.push(*index);
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
    budget: Budget,
}
