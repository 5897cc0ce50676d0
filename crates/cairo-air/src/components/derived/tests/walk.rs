//! A random walk over a program that is written on the way.

use super::reference::{Memory, Random, State};
use super::{FIRST, WORDS, program, row};
use crate::components::derived::Derived;
use crate::decode::{Decoded, Flags, signed};
use crate::program::Program;
use felt::{Felt, encoding};
use std::collections::HashMap;

/// A random walk over a program that is written on the way.
pub struct Walk {
    pub program: Program,
    pub memory: Memory,
    pub states: Vec<State>,
    pub taken: Vec<bool>,
    /// Whether the last step is a conditional jump.
    pub ends_open: bool,
    /// Steps that return, with the distance to the caller's frame that the path asserts.
    pub asserted: Vec<(usize, u32)>,
}

pub fn index(pc: &Felt) -> Option<usize> {
    let index = encoding::to_u64(pc)?.checked_sub(1)? as usize;
    (index + 1 < WORDS && index as u64 + 1 >= FIRST).then_some(index)
}

pub fn random_instruction(random: &mut Random, flags: &[Flags], pc: u64) -> (Felt, Option<Felt>) {
    let flags = flags[random.below(flags.len() as u64) as usize];
    let mut offsets = [(); 3].map(|()| random.below(9) as i32 - 5);
    if flags.call() {
        (offsets[0], offsets[1]) = (0, 1);
    }
    if flags.ret() {
        (offsets[0], offsets[2]) = (-2, -1);
    }
    for (index, offset) in (0..).zip(&mut offsets) {
        if let Some(fixed) = crate::components::derived::machine::offset_constant(flags, index)
            && random.chance(70)
        {
            *offset = fixed;
        }
    }
    if flags.op1_imm() {
        offsets[2] = 1;
    }
    let word = Felt::from(Decoded { flags, offsets }.encode());
    let target = FIRST + random.below(WORDS as u64 - FIRST);
    let immediate = match random.below(4) {
        0 => Felt::from(random.below(4)),
        1 if flags.pc_abs() => Felt::from(target),
        _ if flags.pc_rel() || flags.pc_jnz() => Felt::from(target) - Felt::from(pc),
        _ => random.felt(),
    };
    (word, flags.op1_imm().then_some(immediate))
}

impl Walk {
    pub fn new(seed: u64, flags: &[Flags], frame: Option<i32>, length: usize) -> Option<Self> {
        let mut random = Random(seed);
        let mut memory = Memory { cells: Default::default(), seed: random.next() };
        let mut bytecode = vec![Felt::zero(); WORDS];
        for (index, word) in program(&bytecode).bytecode().iter().take(6).enumerate() {
            memory.set(&Felt::from(index as u64 + 1), *word);
            bytecode[index] = *word;
        }
        let fp = Felt::from(120_u64);
        let ap = fp + frame.map_or_else(|| Felt::from(random.below(6)), |frame| signed(i64::from(frame)));
        let mut states = vec![State { pc: Felt::from(FIRST + random.below(40)), ap, fp }];
        let (mut taken, mut ends_open) = (Vec::new(), false);
        let mut written = vec![false; WORDS];
        while states.len() <= length {
            let state = *states.last()?;
            let Some(at) = index(&state.pc) else { break };
            let tries = if written[at] { 1 } else { 60 };
            let step = (0..tries).find_map(|_| {
                let saved = (memory.clone(), bytecode.clone(), written.clone());
                if !written[at] {
                    let (word, immediate) = random_instruction(&mut random, flags, at as u64 + 1);
                    if immediate.is_some() && (written[at + 1] || at + 2 >= WORDS) {
                        return None;
                    }
                    for (offset, word) in [Some(word), immediate].into_iter().flatten().enumerate() {
                        bytecode[at + offset] = word;
                        written[at + offset] = true;
                        memory.set(&Felt::from((at + offset + 1) as u64), word);
                    }
                }
                memory.make_return_likely(&state, &mut random);
                let step = memory.step(&state, true);
                // Words that the walk has not fixed must not have been read as data.
                let clean =
                    (0..WORDS).all(|i| written[i] || i < 6 || !memory.cells.contains_key(&[i as u64 + 1, 0, 0, 0]));
                if step.is_none() || !clean {
                    (memory, bytecode, written) = saved;
                    return None;
                }
                step
            });
            let Some(step) = step else { break };
            taken.extend(step.taken);
            ends_open = step.taken.is_some();
            states.push(step.next);
        }
        for (index, word) in bytecode.iter().enumerate() {
            memory.set(&Felt::from(index as u64 + 1), *word);
        }
        (states.len() > 1).then(|| Self {
            program: program(&bytecode),
            memory,
            states,
            taken,
            ends_open,
            asserted: Vec::new(),
        })
    }

    pub fn pcs(&self) -> Vec<u32> {
        let steps = self.states.len() - 1;
        self.states[..steps].iter().map(|state| encoding::to_u64(&state.pc).unwrap_or(0) as u32).collect()
    }

    /// How far below its own frame each step finds the next one's, if it is and that is always the same from one pc to the other.
    pub fn distances(&self) -> HashMap<(u32, u32), Option<u32>> {
        let mut distances = HashMap::new();
        for (pcs, states) in self.pcs().windows(2).zip(self.states.windows(2)) {
            let [from, to] = pcs else { continue };
            let distance = encoding::to_u64(&(states[0].fp - states[1].fp)).and_then(|d| u32::try_from(d).ok());
            let entry = distances.entry((*from, *to)).or_insert(distance);
            *entry = entry.filter(|known| Some(*known) == distance && *known != 0);
        }
        distances
    }

    /// Notes which returns a table asserts: its row says of the caller's frame that it is so far below, and looks that up.
    pub fn note_asserted(&mut self, derived: &Derived) {
        let honest = row(derived, &self.states[0], 17, &mut self.memory.clone());
        let says = |fp: Felt, distance: u32| {
            derived.rows.lookups.iter().chain(&derived.rows.owned).any(|[address, value]| {
                let expected = address.offset(2 - i64::from(distance));
                address.as_constant().is_none() && address.evaluate(&honest) == fp - Felt::from(2) && *value == expected
            })
        };
        let steps = self.states.len() - 2;
        let distances = self.distances();
        for (index, pcs) in self.pcs().windows(2).enumerate().take(steps) {
            let Some(Some(distance)) = distances.get(&(pcs[0], pcs[1])) else { continue };
            if says(self.states[index].fp, *distance) {
                self.asserted.push((index, *distance));
            }
        }
    }

    /// Whether the machine takes the same steps over another memory, and where it then is.
    pub fn again(&self, memory: &mut Memory, taken: &[bool], last_is_free: bool) -> Option<State> {
        let mut state = self.states[0];
        let mut outcomes = taken.iter();
        let steps = self.states.len() - 1;
        for index in 0..steps {
            if state.pc != self.states[index].pc {
                return None;
            }
            let step = memory.step(&state, false)?;
            if let Some(outcome) = step.taken {
                match outcomes.next() {
                    Some(expected) if *expected != outcome => return None,
                    None if !(last_is_free && index + 1 == steps) => return None,
                    _ => {}
                }
            }
            let asserted = self.asserted.iter().find(|(step, _)| *step == index);
            if asserted.is_some_and(|(_, distance)| state.fp - step.next.fp != Felt::from(u64::from(*distance))) {
                return None;
            }
            state = step.next;
        }
        Some(state)
    }
}
