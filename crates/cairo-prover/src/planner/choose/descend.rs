//! The search for a set: from one to the next by moves that help.

use super::judge::Counts;
use super::{Item, Search};
use crate::planner::grammar::Rule;

/// Moves that the search may look at, times the number of symbols.
const WORK: usize = 10_000_000;

impl Search<'_> {
    /// Makes changes that help until none does: of those that would help alone the best first, then the others as long as they still do.
    pub(super) fn descend(&self, mut chosen: Vec<bool>, padded: bool) -> (Vec<bool>, u64) {
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
