//! What can be a table.

use super::{Candidate, Histogram, Item, OwningSize, WordSize};
use crate::planner::blocks::{Blocks, WordItem};
use crate::planner::grammar::{Grammar, Rule, path_of, unrolled};
use crate::planner::usage::{Owning, Usage};
use cairo_air::Program;
use cairo_air::components::derived::{Followed, MAX_COLUMNS, OwningWord, Word};
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

/// The words that occur, and for each block its steps by word and those without one. With `usage` words may own cells: those that may are told apart by
/// what they have at `[ap]`, or by how many cells they move it over.
pub(super) fn words(blocks: &Blocks, usage: Option<&Usage<'_>>) -> (Vec<WordSize>, Vec<Histogram>) {
    let mut sizes: BTreeMap<WordItem, Option<usize>> = BTreeMap::new();
    let mut list: Vec<WordSize> = Vec::new();
    let own = usage.is_some();
    let skipped = usage.map(|usage| usage.skipped(blocks)).unwrap_or_default();
    let mut index_of = |item: WordItem| {
        *sizes.entry(item).or_insert_with(|| {
            let WordItem { word, own } = item;
            let size = word.size().ok()?;
            let owning = own.and_then(|(at_ap, cells)| {
                // As if each used cell were used otherwise than the others.
                let owned = match skipped.get(&item) {
                    Some(used) => numbered(used)?,
                    None if cells <= 2 => (1..=cells as u8).collect(),
                    None => return None,
                };
                let owning = OwningWord { word, at_ap, owned };
                let (size, provided) = (owning.size().ok()?, owning.provided() as u64);
                let word = OwningWord { owned: vec![0; cells as usize], ..owning };
                Some(OwningSize { word, size, cells: u64::from(cells), provided })
            });
            list.push(WordSize { item, size, owning, is_shared: false });
            Some(list.len() - 1)
        })
    };
    let mut histogram = Vec::with_capacity(blocks.blocks.len());
    for block in &blocks.blocks {
        let mut counts: BTreeMap<usize, u64> = BTreeMap::new();
        let mut without = 0;
        for token in &block.tokens {
            match blocks.token(*token).and_then(|token| WordItem::of(token, own)).and_then(&mut index_of) {
                Some(word) => *counts.entry(word).or_default() += 1,
                None => without += 1,
            }
        }
        histogram.push((counts.into_iter().collect(), without));
    }
    let mut seen: BTreeMap<Word, usize> = BTreeMap::new();
    list.iter().for_each(|word| *seen.entry(word.item.word).or_default() += 1);
    for word in &mut list {
        word.is_shared = seen.get(&word.item.word).is_some_and(|items| *items > 1);
    }
    (list, histogram)
}

/// Numbers for the cells that are used; none if there may be more of them than a table has columns for.
fn numbered(used: &[bool]) -> Option<Vec<u8>> {
    // Each has its value and its uses; and what public memory alone uses is not counted.
    const MOST: usize = (MAX_COLUMNS - 64) / 2;
    let mut most = 0_u8;
    let mut number = |used: &bool| {
        most += u8::from(*used);
        if *used { most } else { 0 }
    };
    let few = used.len() <= MOST || used.iter().filter(|used| **used).count() <= MOST;
    few.then(|| used.iter().map(&mut number).collect())
}
