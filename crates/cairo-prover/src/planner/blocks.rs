//! The run as a sequence of blocks: maximal chains of instructions that were always executed one after another.

use cairo_air::Program;
use cairo_air::components::derived::{MAX_STEPS, Word};
use cairo_air::decode::Decoded;
use cairo_air::program::PROGRAM_BASE;
use cairo_execution::{Execution, Registers};
use felt::Felt;
use felt::integers::natural;
use rayon::prelude::*;
use std::collections::HashMap;

/// Longest block. Longer chains are cut, so that no single table becomes too wide.
const MAX_BLOCK: usize = 64;

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
    /// Whether a path may execute it: it lies inside the bytecode.
    pub inside: bool,
    /// `ap − fp` before it, if that was always the same.
    pub frame: Option<i32>,
    /// How far it moves `ap`, as far as the instruction says.
    pub advance: u32,
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

/// How to see the outcome of the instruction at a pc.
#[derive(Clone, Copy)]
enum Kind {
    Plain,
    Return,
    /// A conditional jump that was taken if the next pc is not this one.
    Jump(u32),
    /// A conditional jump whose target may be the next instruction.
    Unclear(Decoded),
}

/// What is known about a pc.
#[derive(Clone, Copy)]
struct Place {
    /// Its place in the bytecode, or the bytecode's length for everything outside.
    index: usize,
    pc: u32,
    kind: Kind,
    decoded: Option<Decoded>,
    frame: i64,
    uniform: bool,
    advance: u32,
    /// Tokens of the outcomes not taken (or plain) and taken.
    tokens: [u16; 2],
    /// Of a return, where it led last, and how far below its frame the caller's was.
    returned: Option<(u32, Option<u32>)>,
}

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
        Some(decoded) if decoded.flags.ret() => Kind::Return,
        _ => Kind::Plain,
    };
    Place {
        index: index.min(program.bytecode().len()),
        pc,
        kind,
        decoded,
        frame: 0,
        uniform: true,
        advance: decoded.map_or(0, |decoded| advance(&decoded, program.bytecode().get(index + 1))),
        tokens: [u16::MAX; 2],
        returned: None,
    }
}

/// How far an instruction moves `ap`; 0 if that is not constant.
fn advance(decoded: &Decoded, immediate: Option<&Felt>) -> u32 {
    let flags = decoded.flags;
    if flags.call() {
        return 2;
    }
    if flags.ap_add_res() && flags.op1_imm() && !flags.res_add() && !flags.res_mul() {
        return immediate.and_then(natural).and_then(|cells| u32::try_from(cells).ok()).unwrap_or(0);
    }
    u32::from(flags.ap_add1())
}

/// Whether a conditional jump was taken, by the cell that it tests.
fn tests_nonzero(decoded: &Decoded, registers: &Registers, memory: &[Felt]) -> bool {
    let base = if decoded.flags.dst_fp() { registers.fp } else { registers.ap };
    let [off0, ..] = decoded.offsets;
    let cell = base.checked_add_signed(off0).and_then(|address| memory.get(address as usize));
    cell.is_some_and(|cell| *cell != Felt::zero())
}

/// Some steps of the run. Its tokens have numbers of their own, in the order in which they first occur.
struct Chunk {
    places: Vec<Place>,
    /// Place and outcome of each token.
    tokens: Vec<(u16, Option<bool>)>,
    sequence: Vec<u16>,
    /// Of each token the one that always follows, and the one that always comes before, within the chunk.
    successor: Vec<u32>,
    predecessor: Vec<u32>,
    returns: Distances,
}

/// The token that followed another, and what a state and the next look like if it is this one again, with nothing new about it.
#[derive(Clone, Copy)]
struct Guess {
    token: u16,
    /// Whether it may be followed by `after`, and by something else.
    outcomes: [bool; 2],
    pc: u32,
    after: u32,
    frame: i64,
    /// All ones, or zero if the place is known to have several frames.
    frame_mask: i64,
}

impl Guess {
    /// Never right.
    const NONE: Self = Self { token: 0, outcomes: [false; 2], pc: 0, after: 0, frame: 0, frame_mask: 0 };

    fn new(place: &Place, token: u16, taken: Option<bool>) -> Self {
        let (after, outcomes) = match place.kind {
            Kind::Plain => (0, [true; 2]),
            Kind::Jump(after) => (after, [taken == Some(false), taken == Some(true)]),
            // These take a closer look.
            Kind::Return | Kind::Unclear(_) => return Self::NONE,
        };
        Self { token, outcomes, pc: place.pc, after, frame: place.frame, frame_mask: -i64::from(place.uniform) }
    }

    fn is_right(&self, registers: &Registers, next: &Registers) -> bool {
        let frame = (ap_minus_fp(registers) ^ self.frame) & self.frame_mask == 0;
        let [stays, jumps] = self.outcomes;
        (registers.pc == self.pc) & frame & if next.pc == self.after { stays } else { jumps }
    }
}

fn ap_minus_fp(registers: &Registers) -> i64 {
    i64::from(registers.ap) - i64::from(registers.fp)
}

/// Notes a neighbour: the first one, or that there are several.
const fn note(slot: &mut u32, value: u32) {
    *slot = if *slot == NONE || *slot == value { value } else { MANY };
}

impl Chunk {
    /// Reads the steps from each of the states to the next. A `pc` outside the bytecode gives a token that no path and no word
    /// executes.
    fn new(execution: &Execution, states: &[Registers]) -> Self {
        let program = &execution.program;
        let outside = program.bytecode().len();
        // For each word of the bytecode one more than the number of its place, 0 if it has none yet. The last stands for all outside.
        let mut place_of = vec![0_u16; outside + 1];
        let mut chunk = Self {
            places: Vec::new(),
            tokens: Vec::new(),
            sequence: Vec::with_capacity(states.len()),
            successor: Vec::new(),
            predecessor: Vec::new(),
            returns: Distances::new(),
        };
        let mut before = None;
        // What followed each token last: most of a run is loops.
        let mut guesses: Vec<Guess> = Vec::new();
        for pair in states.windows(2) {
            let [registers, next] = pair else { continue };
            let guess = before.and_then(|before| guesses.get(usize::from(before)));
            if let Some(guess) = guess.filter(|guess| guess.is_right(registers, next)) {
                before = Some(guess.token);
                chunk.sequence.push(guess.token);
                continue;
            }
            let index = (registers.pc.wrapping_sub(PROGRAM_BASE) as usize).min(outside);
            let Some(number) = place_of.get_mut(index) else { continue };
            let frame = ap_minus_fp(registers);
            if *number == 0 {
                chunk.places.push(Place { frame, ..place(program, registers.pc) });
                *number = chunk.places.len() as u16;
            }
            let number = *number - 1;
            let Some(place) = chunk.places.get_mut(usize::from(number)) else { continue };
            place.uniform &= place.frame == frame;
            let taken = match place.kind {
                Kind::Plain => None,
                Kind::Return => {
                    let distance = registers.fp.checked_sub(next.fp).filter(|distance| *distance > 0);
                    // Mostly the same again.
                    if place.returned != Some((next.pc, distance)) {
                        place.returned = Some((next.pc, distance));
                        agree(chunk.returns.entry((registers.pc, next.pc)).or_insert(distance), distance);
                    }
                    None
                }
                Kind::Jump(after) => Some(next.pc != after),
                Kind::Unclear(decoded) => Some(tests_nonzero(&decoded, registers, &execution.memory)),
            };
            let [plain, jumping] = &mut place.tokens;
            let token = if taken == Some(true) { jumping } else { plain };
            if *token == u16::MAX {
                *token = chunk.tokens.len() as u16;
                chunk.tokens.push((number, taken));
                chunk.successor.push(NONE);
                chunk.predecessor.push(NONE);
                guesses.push(Guess::NONE);
            }
            let token = *token;
            let guess = Guess::new(place, token, taken);
            if let Some(before) = before {
                chunk.successor.get_mut(usize::from(before)).into_iter().for_each(|slot| note(slot, u32::from(token)));
                chunk
                    .predecessor
                    .get_mut(usize::from(token))
                    .into_iter()
                    .for_each(|slot| note(slot, u32::from(before)));
                guesses.get_mut(usize::from(before)).into_iter().for_each(|slot| *slot = guess);
            }
            before = Some(token);
            chunk.sequence.push(token);
        }
        chunk
    }

    /// The chunk in blocks: those of which the first token lies in it.
    fn runs(&self, names: &[u32], begins: &[u32]) -> Vec<u32> {
        let begins: Vec<u32> = names.iter().map(|token| begins.get(*token as usize).copied().unwrap_or(NONE)).collect();
        let blocks = self.sequence.iter().filter_map(|token| begins.get(usize::from(*token)));
        blocks.copied().filter(|block| *block != NONE).collect()
    }
}

/// The distinct tokens of the run, in the order in which they first occur, and for each chunk their numbers in place of its own.
fn number(program: &Program, chunks: &[Chunk]) -> (Vec<Token>, Vec<Vec<u32>>) {
    let outside = program.bytecode().len();
    let mut seen = vec![[NONE; 2]; outside + 1];
    let mut tokens: Vec<Token> = Vec::new();
    let mut frames: Vec<Option<i64>> = Vec::new();
    let mut names = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        let mut name = |(number, taken): &(u16, Option<bool>)| {
            let place = chunk.places.get(usize::from(*number))?;
            let slot = seen.get_mut(place.index)?.get_mut(usize::from(*taken == Some(true)))?;
            if *slot == NONE {
                *slot = tokens.len() as u32;
                tokens.push(token(program, place, *taken));
            }
            Some(*slot)
        };
        names.push(chunk.tokens.iter().map(|token| name(token).unwrap_or(NONE)).collect::<Vec<_>>());
    }
    // Both tokens of a place must have the same frame in all chunks.
    frames.resize(outside + 1, None);
    let mut uniform = vec![true; outside + 1];
    for place in chunks.iter().flat_map(|chunk| &chunk.places) {
        let (Some(frame), Some(uniform)) = (frames.get_mut(place.index), uniform.get_mut(place.index)) else {
            continue;
        };
        *uniform &= place.uniform && *frame.get_or_insert(place.frame) == place.frame;
    }
    for token in &mut tokens {
        let index = (token.pc.wrapping_sub(PROGRAM_BASE) as usize).min(outside);
        let frame = frames.get(index).copied().flatten().filter(|_| uniform.get(index) == Some(&true));
        token.frame = frame.and_then(|frame| i32::try_from(frame).ok());
    }
    (tokens, names)
}

fn token(program: &Program, place: &Place, taken: Option<bool>) -> Token {
    let inside = place.index < program.bytecode().len() && place.decoded.is_some() && place.pc != program.final_pc();
    let word = place.decoded.filter(|_| inside).map(|decoded| (Word { flags: decoded.flags.0, taken }, decoded));
    let word = word.filter(|(word, decoded)| word.covers(decoded)).map(|(word, _)| word);
    Token { pc: place.pc, taken, word, inside, frame: None, advance: place.advance }
}

/// For each token the one that always follows, and the one that always comes before.
struct Neighbours {
    successor: Vec<u32>,
    predecessor: Vec<u32>,
}

fn neighbours(tokens: usize, chunks: &[Chunk], names: &[Vec<u32>]) -> Neighbours {
    let (mut successor, mut predecessor) = (vec![NONE; tokens], vec![NONE; tokens]);
    let note_at = |slots: &mut [u32], at: u32, value: u32| {
        slots.get_mut(at as usize).into_iter().for_each(|slot| note(slot, value));
    };
    let mut before = None;
    for (chunk, names) in chunks.iter().zip(names) {
        let name = |token: usize| names.get(token).copied().unwrap_or(NONE);
        for (slots, own) in [(&mut successor, &chunk.successor), (&mut predecessor, &chunk.predecessor)] {
            for (token, neighbour) in own.iter().enumerate().filter(|(_, neighbour)| **neighbour != NONE) {
                note_at(slots, name(token), if *neighbour == MANY { MANY } else { name(*neighbour as usize) });
            }
        }
        let ends =
            [chunk.sequence.first(), chunk.sequence.last()].map(|token| token.map(|token| name(usize::from(*token))));
        if let (Some(a), [Some(b), _]) = (before, ends) {
            note_at(&mut successor, a, b);
            note_at(&mut predecessor, b, a);
        }
        before = ends[1].or(before);
    }
    // The run's beginning and end are neighbours, too.
    let first =
        chunks.first().zip(names.first()).and_then(|(chunk, names)| names.get(usize::from(*chunk.sequence.first()?)));
    if let (Some(first), Some(last)) = (first, before) {
        note_at(&mut predecessor, *first, MANY);
        note_at(&mut successor, last, MANY);
    }
    Neighbours { successor, predecessor }
}

/// The blocks, and for each token the block that it begins or belongs to.
fn chain(tokens: &[Token], neighbours: &Neighbours) -> (Vec<Block>, Vec<u32>) {
    let Neighbours { successor, predecessor } = neighbours;
    let get = |slots: &[u32], at: u32| slots.get(at as usize).copied().unwrap_or(MANY);
    let inside = |at: u32| tokens.get(at as usize).is_some_and(|token| token.inside);
    let follows = |a: u32| {
        let b = get(successor, a);
        (b < MANY && get(predecessor, b) == a && inside(a) && inside(b)).then_some(b)
    };
    let mut blocks = Vec::new();
    let mut block_of = vec![NONE; tokens.len()];
    for token in 0..tokens.len() as u32 {
        let before = get(predecessor, token);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;
    use crate::fixture::execution;
    use cairo_air::Builtin;
    use cairo_runner::{Arguments, Limits, RunnableProgram, run, unwatched};

    /// Executions of two programs, and one of them with states in disorder and outside the bytecode.
    fn executions() -> Vec<Execution> {
        let mut executions = Vec::new();
        for name in ["bench/primes_2p14", "cairo0/mixed_2p12"] {
            let file = format!("{}/../../programs/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
            let program = RunnableProgram::from_json(&std::fs::read(file).unwrap()).unwrap();
            executions.push(run(&program, &Arguments::none(), &Limits::default(), &mut unwatched).unwrap());
        }
        let mut shuffled = executions[1].clone();
        let mut state = 1_u64;
        for registers in &mut shuffled.trace {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            match state >> 60 {
                0 => registers.pc = (state >> 40) as u32 % 200,
                1 => registers.pc = u32::MAX - (state >> 40) as u32 % 3,
                2 => registers.fp ^= 1,
                _ => {}
            }
        }
        executions.push(shuffled);
        executions
    }

    #[test]
    fn chunks_make_no_difference() {
        for execution in executions() {
            let expected = Blocks::in_chunks(&execution, CHUNK);
            for len in [1, 2, 7, 100, 1000, 4095] {
                let found = Blocks::in_chunks(&execution, len);
                assert_eq!(format!("{:?}", found.tokens), format!("{:?}", expected.tokens));
                assert_eq!(format!("{:?}", found.blocks), format!("{:?}", expected.blocks));
                assert_eq!(found.sequence, expected.sequence);
                assert_eq!(found.returns, expected.returns);
            }
        }
    }

    /// Both outcomes lead to the same place, so only the cell tells them apart, each time anew.
    #[test]
    fn a_jump_to_the_next_instruction_is_told_by_its_cell() {
        // jmp rel 2 if [ap - 1] != 0; jmp rel -2.
        let [jump_if, jump] = [0x0206_8001_7fff_7fff_u64, 0x0107_8001_7fff_7fff].map(Felt::from);
        let words = [jump_if, Felt::from(2_u64), jump, -Felt::from(2_u64)];
        let jumps: Vec<bool> = (0..300).map(|round| round % 7 < 3 || round % 2 == 0).collect();
        let memory: Vec<Felt> =
            std::iter::repeat_n(false, 20).chain(jumps.clone()).map(|x| Felt::from(u64::from(x))).collect();
        let round = |ap: u32| [7, 9].map(|pc| Registers { pc, ap, fp: 12 });
        let execution = execution(&[Builtin::Output], &words, (21..=321).flat_map(round).collect(), memory);
        let blocks = Blocks::new(&execution);
        let tokens = blocks.sequence.iter().flat_map(|block| blocks.block(*block));
        let found: Vec<bool> = tokens.filter_map(|token| blocks.token(*token).unwrap().taken).take(300).collect();
        assert_eq!(found, jumps);
    }

    #[test]
    fn distances_are_those_of_all_returns() {
        let mut known = 0;
        for execution in executions() {
            let blocks = Blocks::new(&execution);
            let bytecode = execution.program.bytecode();
            let is_return = |pc: u32| {
                let word = bytecode.get(pc.wrapping_sub(PROGRAM_BASE) as usize);
                word.and_then(|word| Decoded::new(word).ok()).is_some_and(|decoded| decoded.flags.ret())
            };
            let mut found: HashMap<(u32, u32), Vec<i64>> = HashMap::new();
            for pair in execution.trace.windows(2).filter(|pair| is_return(pair[0].pc)) {
                let distance = i64::from(pair[0].fp) - i64::from(pair[1].fp);
                found.entry((pair[0].pc, pair[1].pc)).or_default().push(distance);
            }
            for ((from, to), distances) in &found {
                let same = distances.iter().all(|distance| distance == &distances[0] && *distance > 0);
                let expected = same.then(|| distances[0] as u32);
                assert_eq!(blocks.distance(*from, *to), expected, "{from} to {to}");
                known += usize::from(same);
            }
            assert_eq!(blocks.distance(1, 1), None);
        }
        assert!(known > 10, "{known}");
    }

    #[test]
    fn blocks_are_the_run() {
        for execution in executions() {
            let blocks = Blocks::new(&execution);
            let tokens = blocks.sequence.iter().flat_map(|block| blocks.block(*block));
            let pcs: Vec<u32> = tokens.map(|token| blocks.token(*token).unwrap().pc).collect();
            let program = &execution.program;
            let clamp = |pc: u32| (pc.wrapping_sub(PROGRAM_BASE) as usize).min(program.bytecode().len());
            let steps = execution.trace.split_last().unwrap().1;
            assert!(pcs.iter().map(|pc| clamp(*pc)).eq(steps.iter().map(|state| clamp(state.pc))));
        }
    }
}
