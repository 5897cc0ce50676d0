//! Which candidates become tables: local search over sets of them, with the exact cost of each set.
//!
//! Given a set, the grammar says how often each of its tables is used without looking at the run again: from the last symbol
//! to the first, a symbol in the set is a row of its table, any other passes its occurrences on to its parts. Blocks that
//! nothing covers are left to word tables and the generic table.

use super::blocks::{Block, Blocks};
use super::budget::Budget;
use super::cost::Costs;
use super::grammar::{Grammar, Rule, path_of, unrolled};
use super::usage::{Owning, Usage};
use crate::table_size::{cells_of_rows, half_columns};
use cairo_air::Program;
use cairo_air::components::derived::{Followed, Path, Size, Word};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Most blocks that can be tables of their own: those with the most steps.
const MAX_LEAVES: usize = 160;

/// Longest unrolling of a loop.
const MAX_UNROLL: u32 = 24;

/// Most path and word tables of a plan. Each may be cut in two, and there are a few others; [`cairo_air::layout::MAX_TABLES`] bounds them all.
const MAX_PLANNED: usize = 54;

/// Most steps and owned cells of a plan's paths, below [`cairo_air::layout::MAX_DERIVED_STEPS`], of which word tables take a few.
const MAX_PATH_STEPS: usize = 1920;

/// The price of each path or step beyond.
const BEYOND: u64 = 1 << 40;

/// Moves that the search may look at, times the number of symbols.
const WORK: usize = 10_000_000;

/// What a table can execute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// A symbol.
    Symbol(u32),
    /// A symbol this many times, within runs of it.
    Unrolled(u32, u32),
}

/// A possible path table.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// What it executes.
    pub item: Item,
    /// How.
    pub path: Path,
    /// Its size.
    pub size: Size,
    /// Cells that a row moves `ap` over without owning them.
    pub rest: u64,
}

/// A word with the size of its table.
#[derive(Debug, Clone, Copy)]
pub struct WordSize {
    /// The word.
    pub word: Word,
    /// Its table's size.
    pub size: Size,
}

/// A choice of tables.
#[derive(Debug)]
pub struct Choice {
    /// The chosen paths.
    pub paths: Vec<Candidate>,
    /// The chosen words.
    pub words: Vec<WordSize>,
    /// Whether the instruction table is needed, and with how many rows.
    pub instructions: Option<u64>,
}

/// Steps by word, and steps that have no word.
type Histogram = (Vec<(usize, u64)>, u64);

struct Search<'a> {
    grammar: &'a Grammar,
    costs: &'a Costs,
    candidates: Vec<Candidate>,
    /// Candidate of each symbol.
    of_symbol: Vec<Option<usize>>,
    /// For each symbol the candidates that unroll it, longest first.
    unrolled: Vec<Vec<(u32, usize)>>,
    words: Vec<WordSize>,
    /// Of each block.
    histogram: Vec<Histogram>,
    /// Cells that each block moves `ap` over, if rows can own cells.
    moves: Vec<u64>,
    steps: u64,
    distinct: u64,
}

impl Choice {
    /// Searches for the cheapest set.
    pub fn new(
        blocks: &Blocks,
        grammar: &Grammar,
        usage: Option<&Usage<'_>>,
        program: &Program,
        costs: &Costs,
    ) -> Self {
        let search = Search::new(blocks, grammar, usage, program, costs);
        let nothing = vec![false; search.candidates.len()];
        let is_leaf = |candidate: &Candidate| match candidate.item {
            Item::Symbol(symbol) => (symbol as usize) < blocks.blocks.len(),
            Item::Unrolled(..) => false,
        };
        let leaves: Vec<bool> = search.candidates.iter().map(is_leaf).collect();
        // Powers of two make the way down bumpy: without them first, then with them, or with them at once.
        let starts = [(nothing.clone(), true), (nothing, false), (leaves, false)];
        let found = starts.into_par_iter().with_max_len(1).map(|(start, is_smooth)| {
            let start = if is_smooth { search.descend(start, false).0 } else { start };
            search.descend(start, true)
        });
        let best = found.collect::<Vec<_>>().into_iter().min_by_key(|(_, price)| *price);
        let Some((chosen, _)) = best else {
            return Self { paths: Vec::new(), words: Vec::new(), instructions: None };
        };
        let mut counts = Counts::default();
        search.judge(&chosen, true, &mut counts);
        let used = search.candidates.iter().zip(&counts.rows).filter(|(_, rows)| **rows > 0);
        Self {
            paths: used.map(|(candidate, _)| candidate.clone()).collect(),
            words: counts.words.iter().filter_map(|word| search.words.get(*word)).copied().collect(),
            instructions: counts.instructions.then_some(search.distinct),
        }
    }
}

impl<'a> Search<'a> {
    fn new(
        blocks: &'a Blocks,
        grammar: &'a Grammar,
        usage: Option<&Usage<'_>>,
        program: &'a Program,
        costs: &'a Costs,
    ) -> Self {
        let candidates = candidates(blocks, grammar, usage, program);
        let moves = |block: &Block| {
            block.tokens.iter().filter_map(|token| blocks.token(*token)).map(|token| u64::from(token.advance)).sum()
        };
        let moves = usage.map_or_else(Vec::new, |_| blocks.blocks.iter().map(moves).collect());
        let mut of_symbol = vec![None; grammar.symbols.len()];
        let mut unrolled = vec![Vec::new(); grammar.symbols.len()];
        for (index, candidate) in candidates.iter().enumerate() {
            match candidate.item {
                Item::Symbol(symbol) => {
                    if let Some(slot) = of_symbol.get_mut(symbol as usize) {
                        *slot = Some(index);
                    }
                }
                Item::Unrolled(symbol, times) => {
                    if let Some(list) = unrolled.get_mut(symbol as usize) {
                        list.push((times, index));
                    }
                }
            }
        }
        for list in &mut unrolled {
            list.sort_unstable_by(|a, b| b.cmp(a));
        }
        let (words, histogram) = words(blocks);
        let steps = blocks.sequence.iter().map(|block| blocks.block(*block).len() as u64).sum();
        let distinct = blocks.tokens.iter().map(|token| token.pc).collect::<BTreeSet<_>>().len() as u64;
        Self { grammar, costs, candidates, of_symbol, unrolled, words, histogram, moves, steps, distinct }
    }

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
        let columns = half_columns.div_ceil(2);
        let excess = columns.saturating_sub(self.costs.columns) as u64;
        let beyond = excess * (self.steps / self.costs.steps_per_excess_column.max(1)).max(1 << 12);
        cells + columns as u64 * self.costs.cells_per_column + beyond
    }

    /// The price of a set; which word tables it takes is then in `counts`.
    fn judge(&self, chosen: &[bool], padded: bool, counts: &mut Counts) -> u64 {
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
        total += (paths.saturating_sub(MAX_PLANNED) + steps.saturating_sub(MAX_PATH_STEPS)) as u64 * BEYOND;
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
        let most = MAX_PLANNED.saturating_sub(paths);
        self.judge_words((total, halves), (without, most, budget), padded, counts)
    }

    /// Word tables for what paths leave over, up to so many: taken in the order of their steps as long as each makes things cheaper; or all.
    fn judge_words(
        &self,
        (total, halves): (u64, usize),
        (without, most, budget): (u64, usize, Budget),
        padded: bool,
        counts: &mut Counts,
    ) -> u64 {
        let Counts { by_word, order, words, .. } = counts;
        let generic = |steps: u64, mut budget: Budget| match steps {
            0 => (0, 0),
            _ => self.costs.spend(self.costs.generic, steps, padded, &mut budget),
        };
        order.clear();
        order.extend(by_word.iter().copied().zip(0..).filter(|(steps, _)| *steps > 0));
        order.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut rest = without + by_word.iter().sum::<u64>();
        let price = |total: u64, halves: usize, rest: u64, budget: Budget| {
            let (cells, columns) = generic(rest, budget);
            self.price(total + cells, halves + columns)
        };
        let mut best = price(total, halves, rest, budget);
        let (mut total, mut halves) = (total, halves);
        let mut all = (total, halves);
        let (mut left, mut left_of_all) = (budget, budget);
        for (steps, index) in &*order {
            let Some(word) = self.words.get(*index) else { continue };
            let (more, columns) = self.costs.spend(word.size, *steps, padded, &mut left_of_all);
            all = (all.0 + more, all.1 + columns);
            let mut less = left;
            let (more, columns) = self.costs.spend(word.size, *steps, padded, &mut less);
            let with = price(total + more, halves + columns, rest - steps, less);
            if with < best && words.len() < most {
                (total, halves, rest) = (total + more, halves + columns, rest - steps);
                (best, left) = (with, less);
                words.push(*index);
            }
        }
        let with_all = price(all.0, all.1, without, left_of_all);
        if with_all < best && order.len() <= most {
            best = with_all;
            words.clear();
            words.extend(order.iter().map(|(_, index)| *index));
        }
        best
    }

    /// Makes changes that help until none does: of those that would help alone the best first, then the others as long as they still do.
    fn descend(&self, mut chosen: Vec<bool>, padded: bool) -> (Vec<bool>, u64) {
        let mut counts = Counts::default();
        let mut current = self.judge(&chosen, padded, &mut counts);
        let mut work = WORK / (self.grammar.symbols.len() + self.words.len() + 1);
        let mut changes = Vec::new();
        let mut helpful: Vec<(u64, Change)> = Vec::new();
        loop {
            for candidate in 0..self.candidates.len() {
                self.changes(&chosen, candidate, &mut changes);
                for change in changes.drain(..) {
                    work = work.saturating_sub(1);
                    flip(&mut chosen, &change);
                    let price = self.judge(&chosen, padded, &mut counts);
                    flip(&mut chosen, &change);
                    if price < current {
                        helpful.push((price, change));
                    }
                }
            }
            if helpful.is_empty() {
                return (chosen, current);
            }
            // Stable, so that plans are reproducible.
            helpful.sort_by_key(|(price, _)| *price);
            for (_, change) in helpful.drain(..) {
                flip(&mut chosen, &change);
                match self.judge(&chosen, padded, &mut counts) {
                    price if price < current => current = price,
                    _ => flip(&mut chosen, &change),
                }
            }
            if work == 0 {
                return (chosen, current);
            }
        }
    }

    /// What to change about one candidate, about the unrolling of one symbol, or to have a symbol's parts instead of it.
    fn changes(&self, chosen: &[bool], candidate: usize, changes: &mut Vec<Change>) {
        changes.push(vec![candidate]);
        let differs = |(index, value): (usize, bool)| (chosen.get(index) == Some(&!value)).then_some(index);
        let change: Change = match self.candidates.get(candidate).map(|candidate| candidate.item) {
            Some(Item::Symbol(symbol)) => {
                let Some(Rule::Pair(a, b)) = self.grammar.symbols.get(symbol as usize).map(|symbol| symbol.rule) else {
                    return;
                };
                // Two different symbols: equal ones become runs.
                let parts = [(symbol, false), (a, true), (b, true)];
                let slot = |(part, value): &(u32, bool)| {
                    self.of_symbol.get(*part as usize).copied().flatten().map(|index| (index, *value))
                };
                parts.iter().filter_map(slot).filter_map(differs).collect()
            }
            Some(Item::Unrolled(symbol, _)) => {
                let siblings = self.unrolled.get(symbol as usize).map_or(&[][..], |list| list);
                siblings.iter().map(|(_, sibling)| (*sibling, *sibling == candidate)).filter_map(differs).collect()
            }
            None => return,
        };
        if !change.is_empty() && change != [candidate] {
            changes.push(change);
        }
    }
}

/// Candidates that a change takes in or leaves out.
type Change = Vec<usize>;

fn flip(chosen: &mut [bool], change: &[usize]) {
    for index in change {
        chosen.get_mut(*index).into_iter().for_each(|slot| *slot = !*slot);
    }
}

/// What a set comes to; kept from one set to the next for its memory.
#[derive(Debug, Default)]
struct Counts {
    /// Rows of each candidate.
    rows: Vec<u64>,
    /// How often each symbol is still to be covered.
    pending: Vec<u64>,
    /// How often each block is left over.
    left: Vec<u64>,
    /// Steps left over for each word.
    by_word: Vec<u64>,
    order: Vec<(u64, usize)>,
    /// The word tables that make the set cheapest.
    words: Vec<usize>,
    /// Whether steps are left to word tables or the generic table.
    instructions: bool,
}

fn zeros(list: &mut Vec<u64>, len: usize) {
    list.clear();
    list.resize(len, 0);
}

/// All possible path tables.
fn candidates(blocks: &Blocks, grammar: &Grammar, usage: Option<&Usage<'_>>, program: &Program) -> Vec<Candidate> {
    let new = |item: Item, symbol: u32, followed: Followed| match usage {
        Some(usage) => {
            let Owning { path, size, rest } = usage.own(followed, symbol);
            Candidate { item, path, size, rest }
        }
        None => Candidate { item, path: followed.path, size: followed.size, rest: 0 },
    };

    let mut uses: Vec<u64> = grammar.symbols.iter().map(|symbol| u64::from(symbol.count)).collect();
    let mut bases = BTreeSet::new();
    let mut longest: BTreeMap<u32, u32> = BTreeMap::new();
    for index in (0..grammar.symbols.len()).rev() {
        let (Some(symbol), Some(count)) = (grammar.symbols.get(index), uses.get(index).copied()) else { continue };
        let parts = match symbol.rule {
            Rule::Block(_) => [None, None],
            Rule::Pair(a, b) => [Some((a, 1)), Some((b, 1))],
            Rule::Run(a, times) => {
                bases.insert(a);
                let entry = longest.entry(a).or_default();
                *entry = times.max(*entry);
                [Some((a, u64::from(times))), None]
            }
        };
        for (part, times) in parts.into_iter().flatten() {
            if let Some(slot) = uses.get_mut(part as usize) {
                *slot += count * times;
            }
        }
    }
    let mut leaves: Vec<(u64, u32)> = (0..blocks.blocks.len() as u32)
        .map(|block| (uses.get(block as usize).copied().unwrap_or(0) * blocks.block(block).len() as u64, block))
        .collect();
    leaves.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let leaves = leaves.into_iter().take(MAX_LEAVES).map(|(_, block)| block);
    let pairs =
        (0..).zip(&grammar.symbols).filter(|(_, symbol)| matches!(symbol.rule, Rule::Pair(..))).map(|(index, _)| index);
    let singles: Vec<u32> = leaves.chain(pairs).collect();
    let single =
        |symbol: u32| Some(new(Item::Symbol(symbol), symbol, path_of_symbol(symbol, blocks, grammar, program)?));
    let unroll = |symbol: u32| {
        let mut once = Vec::new();
        if !grammar.blocks_of(symbol, &mut once) {
            return Vec::new();
        }
        let longest = longest.get(&symbol).copied().unwrap_or(1).min(MAX_UNROLL);
        let unrolled = unrolled(&once, longest, blocks, program).into_iter();
        unrolled.map(|(times, followed)| new(Item::Unrolled(symbol, times), symbol, followed)).collect()
    };
    let (mut out, unrolled): (Vec<Candidate>, Vec<Vec<Candidate>>) = rayon::join(
        || singles.into_par_iter().filter_map(single).collect(),
        || bases.into_iter().collect::<Vec<_>>().into_par_iter().map(unroll).collect(),
    );
    out.extend(unrolled.into_iter().flatten());
    out
}

fn path_of_symbol(symbol: u32, blocks: &Blocks, grammar: &Grammar, program: &Program) -> Option<Followed> {
    if let Some(followed) = grammar.path_of_pair(symbol) {
        return Some(followed.clone());
    }
    let mut blocks_of = Vec::new();
    if !grammar.blocks_of(symbol, &mut blocks_of) {
        return None;
    }
    path_of(&blocks_of, blocks, program)
}

/// The words that occur, and for each block its steps by word and those without one.
fn words(blocks: &Blocks) -> (Vec<WordSize>, Vec<Histogram>) {
    let mut sizes: BTreeMap<Word, Option<usize>> = BTreeMap::new();
    let mut list: Vec<WordSize> = Vec::new();
    let mut index_of = |word: Word| {
        *sizes.entry(word).or_insert_with(|| {
            let size = word.size().ok()?;
            list.push(WordSize { word, size });
            Some(list.len() - 1)
        })
    };
    let mut histogram = Vec::with_capacity(blocks.blocks.len());
    for block in &blocks.blocks {
        let mut counts: BTreeMap<usize, u64> = BTreeMap::new();
        let mut without = 0;
        for token in &block.tokens {
            match blocks.token(*token).and_then(|token| token.word).and_then(&mut index_of) {
                Some(word) => *counts.entry(word).or_default() += 1,
                None => without += 1,
            }
        }
        histogram.push((counts.into_iter().collect(), without));
    }
    (list, histogram)
}
