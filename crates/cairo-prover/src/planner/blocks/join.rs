//! From chunks, each with numbers of its own, to tokens and blocks of the whole run.

use super::chunk::{Chunk, note};
use super::place::Place;
use super::{Block, MANY, NONE, Token};
use cairo_air::Program;
use cairo_air::components::derived::{MAX_STEPS, OwningWord, Word};
use cairo_air::program::PROGRAM_BASE;

/// Longest block. Longer chains are cut, so that no single table becomes too wide.
const MAX_BLOCK: usize = 64;

/// The distinct tokens of the run, in the order in which they first occur, and for each chunk their numbers in place of its own.
pub(super) fn number(program: &Program, chunks: &[Chunk]) -> (Vec<Token>, Vec<Vec<u32>>) {
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
    let word = word.filter(|(word, decoded)| word.covers(decoded));
    let next = program.bytecode().get(place.index + 1);
    let owning = word.and_then(|(word, decoded)| OwningWord::of(word, &decoded, next));
    let own = owning.map(|owning| (owning.at_ap, owning.owned.len() as u32));
    let word = word.map(|(word, _)| word);
    Token { pc: place.pc, taken, word, own, inside, frame: None, advance: place.advance }
}

/// For each token the one that always follows, and the one that always comes before.
pub(super) struct Neighbours {
    successor: Vec<u32>,
    predecessor: Vec<u32>,
}

pub(super) fn neighbours(tokens: usize, chunks: &[Chunk], names: &[Vec<u32>]) -> Neighbours {
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
pub(super) fn chain(tokens: &[Token], neighbours: &Neighbours) -> (Vec<Block>, Vec<u32>) {
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
