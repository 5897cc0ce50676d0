//! A part of the trace, read by one thread.

use super::place::{Kind, Place, place, tests_nonzero};
use super::{Distances, MANY, NONE, agree};
use cairo_air::program::PROGRAM_BASE;
use cairo_execution::{Execution, Registers};

/// Some steps of the run. Its tokens have numbers of their own, in the order in which they first occur.
pub(super) struct Chunk {
    pub(super) places: Vec<Place>,
    /// Place and outcome of each token.
    pub(super) tokens: Vec<(u16, Option<bool>)>,
    pub(super) sequence: Vec<u16>,
    /// Of each token the one that always follows, and the one that always comes before, within the chunk.
    pub(super) successor: Vec<u32>,
    pub(super) predecessor: Vec<u32>,
    pub(super) returns: Distances,
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
pub(super) const fn note(slot: &mut u32, value: u32) {
    *slot = if *slot == NONE || *slot == value { value } else { MANY };
}

impl Chunk {
    /// Reads the steps from each of the states to the next. A `pc` outside the bytecode gives a token that no path and no word
    /// executes.
    pub(super) fn new(execution: &Execution, states: &[Registers]) -> Self {
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
    pub(super) fn runs(&self, names: &[u32], begins: &[u32]) -> Vec<u32> {
        let begins: Vec<u32> = names.iter().map(|token| begins.get(*token as usize).copied().unwrap_or(NONE)).collect();
        let blocks = self.sequence.iter().filter_map(|token| begins.get(usize::from(*token)));
        blocks.copied().filter(|block| *block != NONE).collect()
    }
}
