//! What can be a table.

use super::{Candidate, Histogram, Item, WordSize};
use crate::planner::blocks::Blocks;
use crate::planner::grammar::{Grammar, Rule, path_of, unrolled};
use crate::planner::usage::{Owning, Usage};
use cairo_air::Program;
use cairo_air::components::derived::{Followed, Word};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Most blocks that can be tables of their own: those with the most steps.
const MAX_LEAVES: usize = 160;

/// Longest unrolling of a loop.
const MAX_UNROLL: u32 = 24;

/// All possible path tables.
pub(super) fn candidates(
    blocks: &Blocks,
    grammar: &Grammar,
    usage: Option<&Usage<'_>>,
    program: &Program,
) -> Vec<Candidate> {
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
pub(super) fn words(blocks: &Blocks) -> (Vec<WordSize>, Vec<Histogram>) {
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
