//! The run as a sequence of blocks: maximal chains of instructions that were always executed one after another.
//!
//! The trace is read in chunks, on all threads ([`chunk`]); what is distinct in them is then given common numbers ([`join`]). All that
//! searches works on blocks, of which even long runs have a few hundred.

mod chunk;
mod join;
mod place;
#[cfg(test)]
mod tests;

use cairo_air::components::derived::Word;
use cairo_execution::Execution;
use chunk::Chunk;
use join::{chain, neighbours, number};
use rayon::prelude::*;
use std::collections::HashMap;

/// Steps that one thread reads at a time; so few that 16 bits number what is distinct in them.
const CHUNK: usize = 1 << 15;

const NONE: u32 = u32::MAX;
const MANY: u32 = u32::MAX - 1;

/// An executed instruction with its outcome.
#[derive(Debug, Clone, Copy)]
pub struct Token {
    /// Address of the instruction.
    pub pc: u32,
    /// Outcome, of a conditional jump.
    pub taken: Option<bool>,
    /// The word table that can execute it, if its unused offsets are as such a table demands.
    pub word: Option<Word>,
    /// If it moves `ap` up by a constant, what the owning word that can execute it takes at `[ap]`, and its cells.
    pub own: Option<(Option<u8>, u32)>,
    /// Whether a path may execute it: it lies inside the bytecode.
    pub inside: bool,
    /// `ap − fp` before it, if that was always the same.
    pub frame: Option<i32>,
    /// How far it moves `ap`, as far as the instruction says.
    pub advance: u32,
}

/// Instructions that word tables do not tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WordItem {
    /// The word.
    pub word: Word,
    /// What the owning word takes at `[ap]`, and its cells, if there is one and it matters.
    pub own: Option<(Option<u8>, u32)>,
}

impl WordItem {
    /// That of a token, if a word table can execute it. `own`: whether rows of such tables may own cells.
    pub fn of(token: &Token, own: bool) -> Option<Self> {
        Some(Self { word: token.word?, own: token.own.filter(|_| own) })
    }
}

/// A chain of tokens.
#[derive(Debug, Clone)]
pub struct Block {
    /// The tokens, as indices into [`Blocks::tokens`].
    pub tokens: Vec<u32>,
}

/// The run in blocks.
#[derive(Debug)]
pub struct Blocks {
    /// The distinct tokens.
    pub tokens: Vec<Token>,
    /// The distinct blocks.
    pub blocks: Vec<Block>,
    /// The run as indices into `blocks`.
    pub sequence: Vec<u32>,
    /// For the `ret` at one pc and the pc that it leads to, how far below its own frame it finds its caller's, if that was always the same.
    returns: Distances,
}

/// Distances between frames by the pcs of a return; `None` if there are several, or none that is a positive number.
type Distances = HashMap<(u32, u32), Option<u32>>;

impl Blocks {
    /// Reads the trace.
    pub fn new(execution: &Execution) -> Self {
        Self::in_chunks(execution, CHUNK)
    }

    /// Reads the trace in chunks of at most [`CHUNK`] steps, which makes no difference for the result.
    fn in_chunks(execution: &Execution, len: usize) -> Self {
        let states = &execution.trace;
        let steps = states.len().saturating_sub(1);
        let read = |chunk: usize| {
            let last = (chunk + 1).saturating_mul(len).min(steps);
            Chunk::new(execution, states.get(chunk * len..=last).unwrap_or_default())
        };
        let chunks: Vec<Chunk> = (0..steps.div_ceil(len)).into_par_iter().with_max_len(1).map(read).collect();
        let (mut tokens, names) = number(&execution.program, &chunks);
        let (blocks, block_of) = chain(&tokens, &neighbours(tokens.len(), &chunks, &names));
        // A block is always executed as a whole: where its first token is, there is all of it.
        let mut begins = vec![NONE; tokens.len()];
        for (token, slot) in (0..).zip(&mut begins) {
            let block = block_of.get(token as usize).copied().unwrap_or(NONE);
            let first = blocks.get(block as usize).and_then(|block: &Block| block.tokens.first());
            *slot = if first == Some(&token) { block } else { NONE };
        }
        let runs: Vec<Vec<u32>> =
            chunks.par_iter().zip(&names).map(|(chunk, names)| chunk.runs(names, &begins)).collect();
        tokens.shrink_to_fit();
        let mut returns = Distances::new();
        for (pcs, distance) in chunks.iter().flat_map(|chunk| &chunk.returns) {
            agree(returns.entry(*pcs).or_insert(*distance), *distance);
        }
        Self { tokens, blocks, sequence: runs.concat(), returns }
    }

    /// How far below its own frame a `ret` from one pc to another finds its caller's, if that was always the same.
    pub fn distance(&self, from: u32, to: u32) -> Option<u32> {
        self.returns.get(&(from, to)).copied().flatten()
    }

    /// The token of an index.
    pub fn token(&self, index: u32) -> Option<&Token> {
        self.tokens.get(index as usize)
    }

    /// The tokens of a block.
    pub fn block(&self, index: u32) -> &[u32] {
        self.blocks.get(index as usize).map_or(&[], |block| &block.tokens)
    }
}

/// Keeps a distance if it is this one.
fn agree(known: &mut Option<u32>, distance: Option<u32>) {
    *known = known.filter(|known| Some(*known) == distance);
}
