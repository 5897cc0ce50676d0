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
                if padded && work > 0 && self.sweep(&mut chosen, &mut current, &mut work, &mut counts) {
                    continue;
                }
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

    /// Leaves several candidates out at once, or takes several in, where none alone helps: a height only falls when enough rows are gone, and a
    /// table that has become too small for its columns is not given up as long as its rows would double another one. What helps least, or most,
    /// without powers of two comes first, and as many follow as is cheapest. Says whether that helped.
    fn sweep(&self, chosen: &mut Vec<bool>, current: &mut u64, work: &mut usize, counts: &mut Counts) -> bool {
        let smooth = self.judge(chosen, false, counts);
        let mut helped = false;
        for wanted in [false, true] {
            let others: Vec<usize> = (0..chosen.len()).filter(|index| chosen.get(*index) == Some(&!wanted)).collect();
            *work = work.saturating_sub(2 * others.len());
            let change = |index: usize| {
                let mut changed = chosen.clone();
                flip(&mut changed, &[index]);
                changed
            };
            let mut order: Vec<(u64, usize)> =
                others.into_iter().map(|index| (self.judge(&change(index), false, counts), index)).collect();
            // Taken in only if it helps without powers of two.
            order.retain(|(price, _)| !wanted || *price < smooth);
            order.sort_unstable();
            let mut trial = chosen.clone();
            for (_, index) in order {
                flip(&mut trial, &[index]);
                let price = self.judge(&trial, true, counts);
                if price < *current {
                    (*current, helped) = (price, true);
                    chosen.clone_from(&trial);
                }
            }
        }
        helped
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
