//! The run as a sequence of blocks: maximal chains of instructions that were always executed one after another.

use cairo_air::Program;
use cairo_air::components::derived::{MAX_STEPS, Word};
use cairo_air::decode::Decoded;
use cairo_air::program::PROGRAM_BASE;
use cairo_execution::{Execution, Registers};
use felt::Felt;

/// Longest block. Longer chains are cut, so that no single table becomes too wide.
const MAX_BLOCK: usize = 64;

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
    /// Whether a path may execute it: it lies inside the bytecode.
    pub inside: bool,
    /// `ap − fp` before it, if that was always the same.
    pub frame: Option<i32>,
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
}

/// How to see the outcome of the instruction at a pc.
#[derive(Clone, Copy)]
enum Kind {
    Unseen,
    Plain,
    /// A conditional jump that was taken if the next pc is not this one.
    Jump(u32),
    /// A conditional jump whose target may be the next instruction.
    Unclear(Decoded),
}

/// Per pc what the trace pass needs.
#[derive(Clone, Copy)]
struct Place {
    kind: Kind,
    /// Token of the outcomes not taken (or plain) and taken.
    tokens: [u32; 2],
    decoded: Option<Decoded>,
    frame: i64,
    uniform: bool,
}

impl Blocks {
    /// Reads the trace.
    pub fn new(execution: &Execution) -> Self {
        let (mut tokens, sequence) = tokenise(execution);
        let (blocks, block_of) = chain(&tokens, &sequence);
        let mut runs = Vec::with_capacity(sequence.len() / 4);
        let mut at = 0;
        while let Some(token) = sequence.get(at) {
            let Some(block) = block_of.get(*token as usize) else { break };
            runs.push(*block);
            at += blocks.get(*block as usize).map_or(1, |block: &Block| block.tokens.len());
        }
        tokens.shrink_to_fit();
        Self { tokens, blocks, sequence: runs }
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

fn place(program: &Program, pc: u32) -> Place {
    let index = pc.wrapping_sub(PROGRAM_BASE) as usize;
    let decoded = program.bytecode().get(index).and_then(|word| Decoded::new(word).ok());
    let kind = match decoded {
        Some(decoded) if decoded.flags.pc_jnz() => {
            let immediate = decoded.flags.op1_imm().then(|| program.bytecode().get(index + 1)).flatten();
            let size = decoded.flags.size();
            match immediate {
                Some(immediate) if *immediate != Felt::from(u64::from(size)) => Kind::Jump(pc.wrapping_add(size)),
                _ => Kind::Unclear(decoded),
            }
        }
        _ => Kind::Plain,
    };
    Place { kind, tokens: [NONE; 2], decoded, frame: 0, uniform: true }
}

/// Whether a conditional jump was taken, by the cell that it tests.
fn tests_nonzero(decoded: &Decoded, registers: &Registers, memory: &[Felt]) -> bool {
    let base = if decoded.flags.dst_fp() { registers.fp } else { registers.ap };
    let [off0, ..] = decoded.offsets;
    let cell = base.checked_add_signed(off0).and_then(|address| memory.get(address as usize));
    cell.is_some_and(|cell| *cell != Felt::zero())
}

/// The distinct tokens, and the run in tokens. A `pc` outside the bytecode gives a token that no path and no word executes.
fn tokenise(execution: &Execution) -> (Vec<Token>, Vec<u32>) {
    let program = &execution.program;
    let last_inside = program.bytecode().len();
    let unseen = Place { kind: Kind::Unseen, tokens: [NONE; 2], decoded: None, frame: 0, uniform: true };
    // The last place stands for everything outside.
    let mut places = vec![unseen; last_inside + 1];
    let mut tokens: Vec<Token> = Vec::new();
    let mut sequence = Vec::with_capacity(execution.n_steps());
    for pair in execution.trace.windows(2) {
        let [registers, next] = pair else { continue };
        let index = (registers.pc.wrapping_sub(PROGRAM_BASE) as usize).min(last_inside);
        let Some(slot) = places.get_mut(index) else { continue };
        let frame = i64::from(registers.ap) - i64::from(registers.fp);
        if matches!(slot.kind, Kind::Unseen) {
            *slot = Place { frame, ..place(program, registers.pc) };
        }
        slot.uniform &= slot.frame == frame;
        let taken = match slot.kind {
            Kind::Unseen | Kind::Plain => None,
            Kind::Jump(after) => Some(next.pc != after),
            Kind::Unclear(decoded) => Some(tests_nonzero(&decoded, registers, &execution.memory)),
        };
        let Some(token) = slot.tokens.get_mut(usize::from(taken == Some(true))) else { continue };
        if *token == NONE {
            *token = tokens.len() as u32;
            let inside = index < last_inside && slot.decoded.is_some() && registers.pc != program.final_pc();
            let word = slot.decoded.filter(|_| inside).map(|decoded| (Word { flags: decoded.flags.0, taken }, decoded));
            let word = word.filter(|(word, decoded)| word.covers(decoded)).map(|(word, _)| word);
            tokens.push(Token { pc: registers.pc, taken, word, inside, frame: None });
        }
        sequence.push(*token);
    }
    for token in &mut tokens {
        let index = (token.pc.wrapping_sub(PROGRAM_BASE) as usize).min(last_inside);
        let uniform = places.get(index).filter(|place| place.uniform);
        token.frame = uniform.and_then(|place| i32::try_from(place.frame).ok());
    }
    (tokens, sequence)
}

/// The blocks, and for each token the block that it begins or belongs to.
fn chain(tokens: &[Token], sequence: &[u32]) -> (Vec<Block>, Vec<u32>) {
    let (mut successor, mut predecessor) = (vec![NONE; tokens.len()], vec![NONE; tokens.len()]);
    let note = |slots: &mut [u32], at: u32, value: u32| {
        if let Some(slot) = slots.get_mut(at as usize) {
            *slot = if *slot == NONE || *slot == value { value } else { MANY };
        }
    };
    for pair in sequence.windows(2) {
        if let [a, b] = *pair {
            note(&mut successor, a, b);
            note(&mut predecessor, b, a);
        }
    }
    // The run's beginning and end are neighbours, too.
    if let (Some(first), Some(last)) = (sequence.first(), sequence.last()) {
        note(&mut predecessor, *first, MANY);
        note(&mut successor, *last, MANY);
    }
    let get = |slots: &[u32], at: u32| slots.get(at as usize).copied().unwrap_or(MANY);
    let inside = |at: u32| tokens.get(at as usize).is_some_and(|token| token.inside);
    let follows = |a: u32| {
        let b = get(&successor, a);
        (b < MANY && get(&predecessor, b) == a && inside(a) && inside(b)).then_some(b)
    };
    let mut blocks = Vec::new();
    let mut block_of = vec![NONE; tokens.len()];
    for token in 0..tokens.len() as u32 {
        let before = get(&predecessor, token);
        let begins = before >= MANY || follows(before) != Some(token);
        if !begins {
            continue;
        }
        let mut chain = vec![token];
        let mut at = token;
        while let Some(next) = follows(at) {
            chain.push(next);
            at = next;
        }
        for part in chain.chunks(MAX_BLOCK.min(MAX_STEPS as usize)) {
            for token in part {
                if let Some(slot) = block_of.get_mut(*token as usize) {
                    *slot = blocks.len() as u32;
                }
            }
            blocks.push(Block { tokens: part.to_vec() });
        }
    }
    (blocks, block_of)
}
