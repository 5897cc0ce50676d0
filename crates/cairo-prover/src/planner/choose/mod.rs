//! Which candidates become tables: local search over sets of them, with the exact cost of each set.
//!
//! Given a set, the grammar says how often each of its tables is used without looking at the run again: from the last symbol
//! to the first, a symbol in the set is a row of its table, any other passes its occurrences on to its parts. Blocks that
//! nothing covers are left to word tables and the generic table.
//!
//! A greedy search alone gets stuck: two halves of a loop pay only together, and heights are powers of two, so that one row too many doubles
//! a table. Hence several starts, a smooth price before the exact one ([`descend`]), and moves that replace a symbol by its parts.

mod candidates;
mod descend;
mod judge;

use super::blocks::{Blocks, WordItem};
use super::cost::Costs;
use super::grammar::Grammar;
use super::usage::Usage;
use cairo_air::Program;
use cairo_air::TableKind;
use cairo_air::components::derived::{OwningWord, Path, TableSize};
use candidates::{candidates, words};
use judge::Counts;
use rayon::prelude::*;
use std::collections::BTreeSet;

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
    pub size: TableSize,
    /// Cells that a row moves `ap` over without owning them.
    pub rest: u64,
}

/// An owning word with the size of its table.
#[derive(Debug, Clone)]
pub struct OwningSize {
    /// The word.
    pub word: OwningWord,
    /// Its table's size.
    pub size: TableSize,
    /// Its cells.
    pub cells: u64,
    /// Those of them that are used.
    pub provided: u64,
}

/// Instructions with the sizes of the tables that they may have.
#[derive(Debug, Clone)]
pub struct WordSize {
    /// Which.
    pub item: WordItem,
    /// The plain table's size.
    pub size: TableSize,
    /// The owning one's.
    pub owning: Option<OwningSize>,
    /// Whether there are others with this word, which are in the same plain table.
    pub is_shared: bool,
}

/// Instructions with the table that is chosen for them.
#[derive(Debug, Clone)]
pub struct ChosenWord {
    /// Which.
    pub item: WordItem,
    /// The table.
    pub kind: TableKind,
    /// Its size.
    pub size: TableSize,
}

impl WordSize {
    /// With one of its tables.
    fn chosen(&self, owns: bool) -> ChosenWord {
        match self.owning.as_ref().filter(|_| owns) {
            Some(owning) => {
                ChosenWord { item: self.item, kind: TableKind::OwningWord(owning.word.clone()), size: owning.size }
            }
            None => ChosenWord { item: self.item, kind: TableKind::Word(self.item.word), size: self.size },
        }
    }
}

/// A choice of tables.
#[derive(Debug)]
pub struct Choice {
    /// The chosen paths.
    pub paths: Vec<Candidate>,
    /// The chosen words.
    pub words: Vec<ChosenWord>,
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
    /// Cells that each block moves `ap` over, if rows can own cells; but for those that owning words may own.
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
            words: {
                let word = |(word, owns): &(usize, bool)| Some(search.words.get(*word)?.chosen(*owns));
                counts.words.iter().filter_map(word).collect()
            },
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
        let moves = |block: u32| {
            let tokens = blocks.block(block).iter().filter_map(|token| blocks.token(*token));
            let others =
                tokens.filter(|token| WordItem::of(token, costs.own_words).is_none_or(|item| item.own.is_none()));
            others.map(|token| u64::from(token.advance)).sum()
        };
        let moves = usage.map_or_else(Vec::new, |_| (0..blocks.blocks.len() as u32).map(moves).collect());
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
        let usage = usage.filter(|_| costs.own_words);
        let (words, histogram) = words(blocks, usage);
        let steps = blocks.sequence.iter().map(|block| blocks.block(*block).len() as u64).sum();
        let distinct = blocks.tokens.iter().map(|token| token.pc).collect::<BTreeSet<_>>().len() as u64;
        Self { grammar, costs, candidates, of_symbol, unrolled, words, histogram, moves, steps, distinct }
    }
}
