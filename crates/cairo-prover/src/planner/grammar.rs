//! Repeated sequences of blocks: pairs that are often neighbours become symbols, runs of one symbol are counted.
//!
//! Each round takes the most frequent pair of neighbours and replaces it by a symbol of its own, as in byte-pair encoding; a pair of
//! equal symbols becomes a run with its length. A loop's iterations turn into one symbol after as many rounds as it
//! has blocks, and the sequence shrinks as fast, so the rounds together cost a few passes over it.

use super::blocks::Blocks;
use cairo_air::Program;
use cairo_air::components::derived::{Followed, Path};
use std::collections::{HashMap, HashSet};

/// Most steps of a pair. A longer path would need more columns than it is worth.
const MAX_PATH: usize = 160;

/// Widest path, in main and LogUp columns.
pub const MAX_WIDTH: usize = 90;

/// Most rounds.
const MAX_ROUNDS: usize = 96;

/// Rounds end when they have looked at this many symbols for each one of the first sequence.
const MAX_PASSES: usize = 16;

/// A pair that occurs less often is not worth a table.
const MIN_COUNT: u32 = 24;

/// What a symbol stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A block.
    Block(u32),
    /// Two symbols one after the other.
    Pair(u32, u32),
    /// A symbol as many times.
    Run(u32, u32),
}

/// A symbol.
#[derive(Debug, Clone)]
pub struct Symbol {
    /// What it stands for; it refers to earlier symbols.
    pub rule: Rule,
    /// How often it occurs in the final sequence.
    pub count: u32,
    /// Steps of one occurrence.
    pub steps: usize,
}

/// The run as a sequence of symbols.
#[derive(Debug)]
pub struct Grammar {
    /// Blocks first, under their own numbers.
    pub symbols: Vec<Symbol>,
    /// The run.
    pub sequence: Vec<u32>,
    /// The paths of the pairs.
    paths: HashMap<u32, Followed>,
}

impl Grammar {
    /// Merges until nothing is frequent.
    pub fn new(blocks: &Blocks, program: &Program) -> Self {
        let leaf = |index: usize| Symbol {
            rule: Rule::Block(index as u32),
            count: 0,
            steps: blocks.block(index as u32).len(),
        };
        let symbols = (0..blocks.blocks.len()).map(leaf).collect();
        let mut grammar = Self { symbols, sequence: blocks.sequence.clone(), paths: HashMap::new() };
        grammar.merge(blocks, program);
        let mut counts = vec![0; grammar.symbols.len()];
        for symbol in &grammar.sequence {
            if let Some(count) = counts.get_mut(*symbol as usize) {
                *count += 1;
            }
        }
        for (symbol, count) in grammar.symbols.iter_mut().zip(counts) {
            symbol.count = count;
        }
        grammar
    }

    fn merge(&mut self, blocks: &Blocks, program: &Program) {
        let mut refused: HashSet<(u32, u32)> = HashSet::new();
        let mut work = self.sequence.len() * MAX_PASSES;
        let least = MIN_COUNT.max((self.sequence.len() >> 13) as u32);
        for _ in 0..MAX_ROUNDS {
            let Some(left) = work.checked_sub(2 * self.sequence.len()) else { break };
            work = left;
            // Counted anew each round. Re-Pair keeps counts up to date under replacement (Larsson and Moffat, "Off-line dictionary-based
            // compression", 2000), with lists of all positions; here the sequence shrinks so fast that a few passes over it do.
            let counts = count_pairs(&self.sequence);
            let (pair, path) = loop {
                let usable = |entry: &&Neighbours| entry.count >= least && !refused.contains(&entry.pair);
                // The most frequent; of equals the first seen, so that plans are reproducible. A pair that has no path is refused for good: no
                // later round can make it shorter.
                let best = counts.iter().filter(usable).min_by_key(|entry| (u32::MAX - entry.count, entry.first));
                let Some(best) = best else { return };
                match self.path(best.pair, blocks, program) {
                    Some(path) => break (best.pair, path),
                    None => refused.insert(best.pair),
                };
            };
            // A run keeps its length, since a loop's iterations pair up badly: 7 of them as pairs of pairs would be three symbols.
            if pair.0 == pair.1 {
                self.replace_runs(pair.0);
            } else {
                let merged = self.replace_pair(pair);
                self.paths.insert(merged, path);
            }
        }
    }

    /// Two symbols as one path. Runs can never be part of one: their lengths vary.
    fn path(&self, (a, b): (u32, u32), blocks: &Blocks, program: &Program) -> Option<Followed> {
        let mut list = Vec::new();
        let fits = self.blocks_of(a, &mut list) && self.blocks_of(b, &mut list);
        fits.then(|| path_of(&list, blocks, program)).flatten().filter(fits_width)
    }

    /// The path of a pair.
    pub fn path_of_pair(&self, symbol: u32) -> Option<&Followed> {
        self.paths.get(&symbol)
    }

    /// Appends the blocks of a symbol; false if there are too many or it is a run.
    pub fn blocks_of(&self, symbol: u32, out: &mut Vec<u32>) -> bool {
        let mut stack = vec![symbol];
        while let Some(symbol) = stack.pop() {
            match self.symbols.get(symbol as usize).map(|symbol| symbol.rule) {
                Some(Rule::Block(block)) => out.push(block),
                Some(Rule::Pair(a, b)) => stack.extend([b, a]),
                Some(Rule::Run(..)) | None => return false,
            }
            if out.len() > MAX_PATH {
                return false;
            }
        }
        true
    }

    fn add(&mut self, rule: Rule) -> u32 {
        let steps = |symbol: u32| self.symbols.get(symbol as usize).map_or(0, |symbol| symbol.steps);
        let steps = match rule {
            Rule::Block(block) => steps(block),
            Rule::Pair(a, b) => steps(a) + steps(b),
            Rule::Run(a, times) => steps(a) * times as usize,
        };
        self.symbols.push(Symbol { rule, count: 0, steps });
        self.symbols.len() as u32 - 1
    }

    fn replace_pair(&mut self, (a, b): (u32, u32)) -> u32 {
        let merged = self.add(Rule::Pair(a, b));
        let sequence = &mut self.sequence;
        let (mut read, mut write) = (0, 0);
        while let Some(&symbol) = sequence.get(read) {
            let fits = symbol == a && sequence.get(read + 1) == Some(&b);
            if let Some(slot) = sequence.get_mut(write) {
                *slot = if fits { merged } else { symbol };
            }
            read += 1 + usize::from(fits);
            write += 1;
        }
        sequence.truncate(write);
        merged
    }

    fn replace_runs(&mut self, a: u32) {
        let mut lengths: HashMap<u32, u32> = HashMap::new();
        let mut out = Vec::with_capacity(self.sequence.len() / 2);
        let sequence = std::mem::take(&mut self.sequence);
        for run in sequence.chunk_by(|x, y| *x == a && *y == a) {
            match *run {
                [symbol] => out.push(symbol),
                _ => {
                    let length = run.len() as u32;
                    let symbol = match lengths.get(&length) {
                        Some(symbol) => *symbol,
                        None => self.add(Rule::Run(a, length)),
                    };
                    lengths.insert(length, symbol);
                    out.push(symbol);
                }
            }
        }
        self.sequence = out;
    }
}

/// Where some blocks lead: the pcs, the outcomes of their conditional jumps, and the first token's `ap − fp`.
fn route(list: &[u32], blocks: &Blocks) -> Option<(Vec<u32>, Vec<bool>, Option<i32>)> {
    let tokens: Option<Vec<_>> =
        list.iter().flat_map(|block| blocks.block(*block)).map(|token| blocks.token(*token)).collect();
    let tokens = tokens?;
    let first = tokens.first()?;
    if tokens.len() > MAX_PATH || !tokens.iter().all(|token| token.inside) {
        return None;
    }
    let taken = tokens.iter().filter_map(|token| token.taken).collect();
    Some((tokens.iter().map(|token| token.pc).collect(), taken, first.frame))
}

/// Whether a path is not too wide, if it need not provide what it owns.
fn fits_width(followed: &Followed) -> bool {
    let owned = followed.cells.iter().filter(|known| **known).count();
    followed.size.width() <= MAX_WIDTH + owned / 2
}

/// The path through some blocks.
pub fn path_of(list: &[u32], blocks: &Blocks, program: &Program) -> Option<Followed> {
    let (pcs, taken, frame) = route(list, blocks)?;
    Path::follow(program, &pcs, taken, frame, |from, to| blocks.distance(from, to)).ok()
}

/// The paths through some blocks twice, three times and so on, up to `longest` times, as far as they are not too long or too wide.
pub fn unrolled(list: &[u32], longest: u32, blocks: &Blocks, program: &Program) -> Vec<(u32, Followed)> {
    let Some((pcs, taken, frame)) = route(list, blocks) else { return Vec::new() };
    let longest = longest.min((MAX_PATH / pcs.len().max(1)) as u32);
    let returns = |from, to| blocks.distance(from, to);
    (1..).zip(Path::follow_again(program, &pcs, &taken, frame, longest, returns, fits_width)).skip(1).collect()
}

/// Two neighbours, how often they are, and where first.
struct Neighbours {
    pair: (u32, u32),
    count: u32,
    first: u32,
}

/// A hash table of pairs by open addressing. Beyond its capacity new pairs are not counted: a sequence with so many
/// different neighbours has no frequent ones.
fn count_pairs(sequence: &[u32]) -> Vec<Neighbours> {
    const MAX_LOG_SLOTS: u32 = 16;
    const CAPACITY: usize = 3 << (MAX_LOG_SLOTS - 2);
    const EMPTY: u32 = u32::MAX;
    // Up to a limit two to four times as many as there are pairs: the sequence gets shorter with each round, and each clears them.
    let log_slots = (2 * sequence.len().max(1)).next_power_of_two().ilog2().min(MAX_LOG_SLOTS);
    let last = (1 << log_slots) - 1;
    let mut slots = vec![EMPTY; 1 << log_slots];
    let mut entries: Vec<Neighbours> = Vec::new();
    let mut skip = false;
    for (position, neighbours) in sequence.windows(2).enumerate() {
        let [a, b] = *neighbours else { continue };
        // In a run of equal symbols every other pair counts.
        skip = a == b && !skip;
        if a == b && !skip {
            continue;
        }
        let key = u64::from(a) << 32 | u64::from(b);
        let mut at = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - log_slots)) as usize;
        while let Some(slot) = slots.get_mut(at) {
            match entries.get_mut(*slot as usize) {
                Some(entry) if entry.pair == (a, b) => {
                    entry.count += 1;
                    break;
                }
                Some(_) => at = (at + 1) & last,
                None => {
                    if entries.len() < CAPACITY {
                        *slot = entries.len() as u32;
                        entries.push(Neighbours { pair: (a, b), count: 1, first: position as u32 });
                    }
                    break;
                }
            }
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;
    use cairo_runner::{Arguments, RunLimits, RunnableProgram, run, unwatched};

    #[test]
    fn unrolled_paths_are_those_of_the_repeated_blocks() {
        let mut found = 0;
        for name in ["bench/fib_2p14", "bench/primes_2p14", "cairo0/mixed_2p12"] {
            let file = format!("{}/../../programs/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
            let program = RunnableProgram::from_json(&std::fs::read(file).unwrap()).unwrap();
            let execution = run(&program, &Arguments::none(), &RunLimits::default(), &mut unwatched).unwrap();
            let blocks = Blocks::new(&execution);
            let grammar = Grammar::new(&blocks, &execution.program);
            for symbol in 0..grammar.symbols.len() as u32 {
                let mut once = Vec::new();
                if !grammar.blocks_of(symbol, &mut once) {
                    continue;
                }
                let expected = (2..=24).map_while(|times| {
                    let path = path_of(&once.repeat(times as usize), &blocks, &execution.program)?;
                    fits_width(&path).then_some((times, path))
                });
                let expected: Vec<_> = expected.collect();
                assert_eq!(unrolled(&once, 24, &blocks, &execution.program), expected, "{name}, symbol {symbol}");
                found += expected.len();
            }
        }
        assert!(found > 20, "{found}");
    }
}
