//! Derived tables against the reference machine: an honest row passes, an altered row does not, and over altered memory a row
//! passes exactly if the machine takes the same steps.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod equivalence;
mod pinned;
mod reference;

use super::{Derived, Followed, Linear, Path, Source, Word};
use crate::buses;
use crate::decode::{Decoded, Flags, signed};
use crate::program::{ArgumentBinding, Program};
use crate::{Builtin, decode};
use felt::{Felt, encoding};
use reference::{Memory, Random, State};
use stark::graph::Input;
use std::collections::HashMap;

/// Words of a test program.
const WORDS: usize = 80;

/// First word after the header.
const FIRST: u64 = 7;

fn program(bytecode: &[Felt]) -> Program {
    let mut words = bytecode.to_vec();
    let header = [0x0407_8001_7fff_7fff_u64, 1, 0x1104_8001_8001_8000, 4, 0x0107_8001_7fff_7fff, 0];
    for (word, header) in words.iter_mut().zip(header) {
        *word = Felt::from(header);
    }
    Program::new(words, vec![Builtin::Output], ArgumentBinding::OutputPrefix).expect("the header is right")
}

/// The row that the sources give.
fn row(derived: &Derived, start: &State, clock: u64, memory: &mut Memory) -> Vec<Felt> {
    let word = memory.get(&start.pc);
    let mut row = Vec::new();
    for source in &derived.rows.sources {
        let value = match source {
            Source::Enabler => Felt::one(),
            Source::Ap => start.ap,
            Source::Fp => start.fp,
            Source::Clock => Felt::from(clock),
            Source::Pc => start.pc,
            Source::Offset(i) => {
                Decoded::new(&word).map_or(Felt::zero(), |decoded| signed(i64::from(decoded.offsets[usize::from(*i)])))
            }
            Source::Immediate => memory.get(&(start.pc + Felt::one())),
            Source::Memory(address) => memory.get(&address.evaluate(&row)),
            Source::Product(a, b) => a.evaluate(&row) * b.evaluate(&row),
            Source::Inverse(factors) => {
                let product = factors.iter().fold(Felt::one(), |product, factor| product * factor.evaluate(&row));
                product.inv().unwrap_or_default()
            }
            Source::Uses(address) => uses(&address.evaluate(&row)),
        };
        row.push(value);
    }
    row
}

/// What is wrong with a row of a table that owns no cells, given the state that it must start from, and the state that it provides.
fn check(derived: &Derived, row: &[Felt], start: &State, clock: u64, memory: &mut Memory) -> Result<State, String> {
    check_owning(derived, &[], row, start, clock, memory)
}

/// The same for a row that owns these cells; it must provide what it has to as often as [`row`] says.
fn check_owning(
    derived: &Derived,
    owned: &[u8],
    row: &[Felt],
    start: &State,
    clock: u64,
    memory: &mut Memory,
) -> Result<State, String> {
    let air = &derived.air;
    let values = air.graph().evaluate(|input| match input {
        Input::Main(column) => row[column as usize],
        _ => Felt::zero(),
    });
    for constraint in air.constraints() {
        if values[constraint.expression.index()] != Felt::zero() {
            return Err(format!("constraint {}", constraint.name));
        }
    }
    let mut end = Err("no state provided".to_owned());
    let (mut required, mut provided_addresses, mut provided) = (Vec::new(), Vec::new(), Vec::new());
    for interaction in air.interactions() {
        let multiplicity = values[interaction.multiplicity.index()];
        let tuple: Vec<Felt> = interaction.tuple.iter().map(|entry| values[entry.index()]).collect();
        let fails = if interaction.bus == buses::STATE && multiplicity == Felt::one() {
            end = Ok(State { pc: tuple[0], ap: tuple[1], fp: tuple[2] });
            tuple[3] != Felt::from(clock + u64::from(derived.rows.steps))
        } else if interaction.bus == buses::OWNED {
            let side = if multiplicity == Felt::one() { &mut provided_addresses } else { &mut required };
            side.extend_from_slice(&tuple);
            multiplicity != Felt::one() && multiplicity != -Felt::one()
        } else if interaction.bus == buses::MEMORY && multiplicity != -Felt::one() {
            provided.push((tuple[0], tuple[1], multiplicity));
            false
        } else if multiplicity != -Felt::one() {
            true
        } else if interaction.bus == buses::STATE {
            tuple != [start.pc, start.ap, start.fp, Felt::from(clock)]
        } else if interaction.bus == buses::MEMORY {
            memory.get(&tuple[0]) != tuple[1]
        } else {
            instruction(&tuple[0], memory).is_none_or(|expected| tuple != expected)
        };
        if fails {
            return Err(format!("interaction {}", interaction.name));
        }
    }
    if owned.is_empty() {
        return if required.is_empty() && provided_addresses.is_empty() && provided.is_empty() {
            end
        } else {
            Err("it owns".to_owned())
        };
    }
    let at = |place: usize| start.ap + Felt::from(place as u64);
    if (&required[..], &provided_addresses[..]) != (&[start.ap][..], &[at(owned.len())][..]) {
        return Err(format!("it owns from {required:?} to {provided_addresses:?}"));
    }
    // One column of uses for each number, filled for the first cell that has it.
    let uses =
        |number: u8| owned.iter().position(|other| *other == number).map_or(Felt::zero(), |first| uses(&at(first)));
    let expected = owned.iter().enumerate().filter(|(_, number)| **number > 0);
    let expected: Vec<_> = expected.map(|(place, number)| (at(place), memory.get(&at(place)), uses(*number))).collect();
    if provided != expected {
        return Err("it provides something else".to_owned());
    }
    end
}

/// How often a cell is used. Any number will do.
fn uses(address: &Felt) -> Felt {
    address * Felt::from(7_u64)
}

/// The tuple that the instruction table provides for a pc.
fn instruction(pc: &Felt, memory: &mut Memory) -> Option<Vec<Felt>> {
    let Decoded { flags, offsets } = Decoded::new(&memory.get(pc)).ok()?;
    let immediate = if flags.op1_imm() { memory.get(&(pc + Felt::one())) } else { Felt::zero() };
    let mut tuple = vec![*pc, Felt::from(u64::from(flags.0))];
    tuple.extend(offsets.map(|offset| decode::signed(i64::from(offset))));
    tuple.push(immediate);
    Some(tuple)
}

/// A random walk over a program that is written on the way.
struct Walk {
    program: Program,
    memory: Memory,
    states: Vec<State>,
    taken: Vec<bool>,
    /// Whether the last step is a conditional jump.
    ends_open: bool,
    /// Steps that return, with the distance to the caller's frame that the path asserts.
    asserted: Vec<(usize, u32)>,
}

fn index(pc: &Felt) -> Option<usize> {
    let index = encoding::to_u64(pc)?.checked_sub(1)? as usize;
    (index + 1 < WORDS && index as u64 + 1 >= FIRST).then_some(index)
}

fn random_instruction(random: &mut Random, flags: &[Flags], pc: u64) -> (Felt, Option<Felt>) {
    let flags = flags[random.below(flags.len() as u64) as usize];
    let mut offsets = [(); 3].map(|()| random.below(9) as i32 - 5);
    if flags.call() {
        (offsets[0], offsets[1]) = (0, 1);
    }
    if flags.ret() {
        (offsets[0], offsets[2]) = (-2, -1);
    }
    for (index, offset) in (0..).zip(&mut offsets) {
        if let Some(fixed) = super::machine::offset_constant(flags, index)
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
    fn new(seed: u64, flags: &[Flags], frame: Option<i32>, length: usize) -> Option<Self> {
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

    fn pcs(&self) -> Vec<u32> {
        let steps = self.states.len() - 1;
        self.states[..steps].iter().map(|state| encoding::to_u64(&state.pc).unwrap_or(0) as u32).collect()
    }

    /// How far below its own frame each step finds the next one's, if it is and that is always the same from one pc to the other.
    fn distances(&self) -> HashMap<(u32, u32), Option<u32>> {
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
    fn note_asserted(&mut self, derived: &Derived) {
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
    fn again(&self, memory: &mut Memory, taken: &[bool], last_is_free: bool) -> Option<State> {
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

fn valid_flags() -> Vec<Flags> {
    (0..1 << 15).map(Flags).filter(|flags| flags.check().is_ok()).collect()
}

/// What a row says about the cells that it owns but does not provide is so: no one else says anything about them.
fn believe(derived: &Derived, owned: &[u8], start: &State, row: &[Felt], memory: &mut Memory) {
    for [address, value] in &derived.rows.owned {
        let address = address.evaluate(row);
        let place = encoding::to_u64(&(address - start.ap)).and_then(|place| owned.get(place as usize));
        if place == Some(&0) {
            memory.set(&address, value.evaluate(row));
        }
    }
}

/// Honest row, altered rows, altered memories. Gives how many altered rows hold for another private cell.
fn examine(derived: &Derived, owned: &[u8], walk: &Walk, taken: &[bool], open: bool, random: &mut Random) -> usize {
    let (start, clock) = (walk.states[0], 17);
    let mut memory = walk.memory.clone();
    let honest = row(derived, &start, clock, &mut memory);
    let verdict = check_owning(derived, owned, &honest, &start, clock, &mut memory);
    assert_eq!(verdict.as_ref(), walk.states.last().ok_or(&String::new()));
    let mut others = 0;
    for (column, source) in derived.rows.sources.iter().enumerate() {
        let mut altered = honest.clone();
        altered[column] += Felt::one() + Felt::from(random.below(3));
        // The inverse column of an open jump with dst = 0 may hold anything, which changes nothing.
        let free = matches!(source, Source::Inverse(_)) && honest[column] == Felt::zero();
        let mut memory = walk.memory.clone();
        believe(derived, owned, &start, &altered, &mut memory);
        let verdict = check_owning(derived, owned, &altered, &start, clock, &mut memory);
        // The machine may get to the same place over the memory that the row speaks of, which differs in private cells only.
        let other = matches!(source, Source::Memory(_))
            && memory.cells != walk.memory.cells
            && row(derived, &start, clock, &mut memory.clone()) == altered;
        let expected = if other { walk.again(&mut memory, taken, open) } else { None };
        assert_eq!(
            verdict.is_ok(),
            free || expected.is_some(),
            "column {column} ({}), {source:?}: {verdict:?}",
            derived.air.columns()[column]
        );
        if let Some(end) = expected {
            assert_eq!(verdict, Ok(end));
            others += 1;
        }
    }
    let touched: Vec<Felt> = walk.memory.cells.keys().filter_map(|key| encoding::from_canonical_limbs(*key)).collect();
    let beyond: Vec<&Felt> =
        touched.iter().filter(|address| encoding::to_u64(address).is_none_or(|a| a > WORDS as u64)).collect();
    let mut beyond = beyond.into_iter().copied().collect::<Vec<_>>();
    beyond.sort_by_key(encoding::canonical_limbs);
    for address in beyond {
        let mut memory = walk.memory.clone();
        let value = match random.below(3) {
            0 => Felt::zero(),
            1 => memory.get(&address) + Felt::one(),
            _ => random.felt(),
        };
        memory.set(&address, value);
        // What a private cell's value follows from may be the same cell under another name.
        let settled = (0..4).find_map(|_| {
            let row = row(derived, &start, clock, &mut memory);
            let before = memory.cells.clone();
            believe(derived, owned, &start, &row, &mut memory);
            (memory.cells == before).then_some(row)
        });
        let Some(row) = settled else { continue };
        let expected = walk.again(&mut memory, taken, open);
        let verdict = check_owning(derived, owned, &row, &start, clock, &mut memory);
        assert_eq!(verdict.clone().ok(), expected, "{verdict:?} with [{}] altered", encoding::to_hex(&address));
    }
    others
}

#[test]
fn random_paths_are_the_machines() {
    let flags = valid_flags();
    let mut busy: Vec<Flags> = flags.iter().copied().filter(|f| f.ret() || f.pc_jnz() || f.call()).collect();
    let plain = |f: &Flags| f.assert_eq() && !f.pc_abs() && !f.pc_rel() || (f.pc_rel() || f.pc_jnz()) && f.op1_imm();
    (0..6).for_each(|_| busy.extend(flags.iter().copied().filter(plain)));
    // One instruction in three returns.
    let mut returning: Vec<Flags> = flags.iter().copied().filter(plain).collect();
    let rets = flags.iter().copied().filter(|f| f.ret()).cycle();
    returning.extend(rets.take(returning.len() / 2));
    let mut random = Random(1);
    let (mut steps, mut rows, mut targets, mut returns) = (0, 0, 0, 0);
    for seed in 0..1500 {
        let frame = random.chance(50).then(|| random.below(5) as i32 - 1);
        let set = [&flags, &busy, &busy, &returning][random.below(4) as usize];
        let length = 1 + random.below(24) as usize;
        let Some(mut walk) = Walk::new(seed, set, frame, length) else { continue };
        let distances = walk.distances();
        let some = random.chance(80);
        let known = |from, to| distances.get(&(from, to)).copied().flatten().filter(|_| some);
        let Followed { mut path, size, .. } =
            Path::follow(&walk.program, &walk.pcs(), walk.taken.clone(), frame, known).expect("a walk is a path");
        let mut open = false;
        if walk.ends_open && random.chance(40) {
            path.taken.pop();
            open = true;
        }
        let derived = path.derive(&walk.program).expect("a walk is a path");
        assert_eq!(derived.air.width(), derived.rows.sources.len());
        if !open {
            assert_eq!((size.columns, size.interactions), (derived.air.width(), derived.air.interactions().len()));
        }
        if !path.returns.is_empty() {
            assert!(path.returns.last() != Some(&0));
            walk.note_asserted(&derived);
            assert!(walk.asserted.len() >= path.returns.iter().filter(|distance| **distance != 0).count());
        }
        returns += walk.asserted.len();
        (steps, rows, targets) = (steps + walk.states.len() - 1, rows + 1, targets + path.targets.len());
        examine(&derived, &[], &walk, &path.taken, open, &mut random);
    }
    assert!(steps > 4 * rows && rows > 1000 && targets > 100, "{steps} steps in {rows} rows, {targets} targets");
    assert!(returns > 100, "{returns} returns");
}

/// Whether a row has no terms on any bus once it is padding.
fn is_silent(derived: &Derived, row: &[Felt]) -> bool {
    let values = derived.air.graph().evaluate(|input| match input {
        Input::Main(0) => Felt::zero(),
        Input::Main(column) => row[column as usize],
        _ => Felt::zero(),
    });
    derived.rows.sources[0] == Source::Enabler
        && derived.air.interactions().iter().all(|i| values[i.multiplicity.index()] == Felt::zero())
}

/// Numbers for so many cells: none, all with numbers of their own, or any. Columns of uses are numbered as they come.
fn random_owned(cells: usize, random: &mut Random) -> Vec<u8> {
    let (provided, shared) = [(0, 0), (100, 0), (50, 0), (50, 50), (20, 80)][random.below(5) as usize];
    // Not more than fit into a table.
    let provided = if cells > 60 { 10 } else { provided };
    let mut most = 0;
    let number = |_| match (random.chance(provided), random.chance(shared)) {
        (true, true) if most > 0 => 1 + random.below(most) as u8,
        (true, _) => {
            most += 1;
            most as u8
        }
        _ => 0,
    };
    (0..cells).map(number).collect()
}

/// The tables of paths that own the cells that they move `ap` over, with any of them provided.
#[test]
fn random_paths_that_own_cells() {
    let flags = valid_flags();
    let plain = |f: &Flags| f.assert_eq() && !f.pc_abs() && !f.pc_rel() && !f.ret();
    let mut stack: Vec<Flags> = flags.iter().copied().filter(|f| f.call() || f.pc_jnz()).collect();
    (0..12).for_each(|_| stack.extend(flags.iter().copied().filter(|f| plain(f) && f.ap_add1())));
    (0..4).for_each(|_| stack.extend(flags.iter().copied().filter(plain)));
    // One instruction in eight returns.
    stack.extend(flags.iter().copied().filter(|f| f.ret()).cycle().take(stack.len() / 7));
    let mut random = Random(5);
    let (mut rows, mut others, mut wide, mut again, mut returns) = (0, 0, 0, 0, 0);
    // Private cells that the row knows, and that it does not; provided ones.
    let (mut private, mut unknown, mut provided, mut unknown_provided, mut shared) = (0, 0, 0, 0, 0);
    for seed in 20_000..22_000 {
        let frame = random.chance(50).then(|| random.below(5) as i32 - 1);
        let set = if random.chance(80) { &stack } else { &flags };
        let length = 1 + random.below(16) as usize;
        let Some(mut walk) = Walk::new(seed, set, frame, length) else { continue };
        let distances = walk.distances();
        let known = |from, to| distances.get(&(from, to)).copied().flatten();
        let Followed { mut path, size, cells } =
            Path::follow(&walk.program, &walk.pcs(), walk.taken.clone(), frame, known).expect("a walk is a path");
        let moves = walk.states.last().map(|state| state.ap - walk.states[0].ap);
        if cells.is_empty() {
            continue;
        }
        assert_eq!(Some(Felt::from(cells.len() as u64)), moves);
        let mut open = false;
        if walk.ends_open && random.chance(40) {
            path.taken.pop();
            open = true;
        }
        let plain = path.derive(&walk.program).expect("a walk is a path");
        path.owned = random_owned(cells.len(), &mut random);
        let derived = path.derive(&walk.program).expect("it owns what it moves over");
        let owned = &path.owned;
        walk.note_asserted(&derived);
        returns += walk.asserted.len();

        // What others look up is looked up no more, but for the same cells under other names; the rest is.
        let place = |address: &Linear| {
            let ap = frame.map_or_else(|| Linear::column(2), |frame| Linear::column(1).offset(i64::from(frame)));
            let distance = (address - &ap).as_constant().and_then(|distance| encoding::to_u64(&distance));
            distance.map(|distance| distance as usize).filter(|distance| *distance < owned.len())
        };
        let (mine, rest): (Vec<_>, Vec<_>) =
            plain.rows.lookups.iter().cloned().partition(|[address, _]| place(address).is_some());
        assert_eq!(derived.rows.lookups, rest);
        let known: Vec<usize> = mine.iter().filter_map(|[address, _]| place(address)).collect();
        assert!(cells.iter().enumerate().all(|(place, is_known)| known.contains(&place) == *is_known));
        let numbers = owned.iter().copied().max().unwrap_or(0);
        let all =
            |of: &dyn Fn(bool, u8) -> bool| cells.iter().zip(owned).filter(|(known, uses)| of(**known, **uses)).count();
        let [known_private, unknown_private] = [true, false].map(|is| all(&|known, uses| known == is && uses == 0));
        let [known_provided, new] = [true, false].map(|is| all(&|known, uses| known == is && uses > 0));
        // One column for each provided cell that the row does not know anyway, and for each number of uses.
        assert_eq!(derived.rows.sources.len(), plain.rows.sources.len() + new + usize::from(numbers));
        assert_eq!(derived.rows.sources[..plain.rows.sources.len()], plain.rows.sources);
        let interactions = plain.air.interactions().len() - mine.len() + known_provided + new + 2;
        assert_eq!(derived.air.interactions().len(), interactions);
        assert_eq!(derived.air.width(), derived.rows.sources.len());
        let found = path.size(&walk.program).expect("it exists");
        assert_eq!((found.columns, found.interactions), (derived.air.width(), interactions));
        assert!(open || size.columns == plain.rows.sources.len());

        rows += 1;
        (private, unknown) = (private + known_private, unknown + unknown_private);
        (provided, unknown_provided) = (provided + known_provided, unknown_provided + new);
        shared += usize::from(usize::from(numbers) < known_provided + new);
        wide += usize::from(cells.len() > 8);
        // A cell of its own under another name, which only a lookup can tell.
        let honest = row(&derived, &walk.states[0], 17, &mut walk.memory.clone());
        again += derived
            .rows
            .lookups
            .iter()
            .filter(|[address, _]| {
                let distance = encoding::to_u64(&(address.evaluate(&honest) - walk.states[0].ap));
                distance.is_some_and(|distance| distance < owned.len() as u64)
            })
            .count();
        others += examine(&derived, owned, &walk, &path.taken, open, &mut random);
        assert!(is_silent(&derived, &honest));
    }
    println!(
        "{rows} rows, {wide} of them long; {private} + {unknown} private cells, {provided} + {unknown_provided} provided, \
         {shared} rows that share columns of uses, {again} lookups of own cells, {others} other memories"
    );
    assert!(rows > 600 && wide > 50 && private > 500 && unknown > 50 && provided > 500 && unknown_provided > 50);
    assert!(
        shared > 50 && again > 10 && others > 20 && returns > 20,
        "{again} again, {others} others, {returns} returns"
    );
}

#[test]
fn random_words_are_the_machines() {
    let flags = valid_flags();
    let mut random = Random(2);
    let mut covered = 0;
    for seed in 0..3000 {
        let Some(walk) = Walk::new(seed, &flags, None, 1) else { continue };
        let mut memory = walk.memory.clone();
        let decoded = Decoded::new(&memory.get(&walk.states[0].pc)).expect("it was executed");
        let open = walk.ends_open && random.chance(30);
        let word = Word { flags: decoded.flags.0, taken: walk.taken.first().copied().filter(|_| !open) };
        let derived = word.derive().expect("it was executed");
        assert!(derived.rows.fetches);
        if !word.covers(&decoded) {
            let row = row(&derived, &walk.states[0], 17, &mut memory);
            assert!(check(&derived, &row, &walk.states[0], 17, &mut memory).is_err());
            continue;
        }
        covered += 1;
        let taken = if open { &[][..] } else { &walk.taken };
        examine(&derived, &[], &walk, taken, open, &mut random);
    }
    assert!(covered > 500, "{covered}");
}

/// A memory lookup that is gone no longer notices another value in its cell.
#[test]
fn every_look_up_matters() {
    let flags: Vec<Flags> = valid_flags().into_iter().filter(|f| f.assert_eq() || f.call() || f.pc_jnz()).collect();
    let mut random = Random(3);
    let (mut deleted, mut missed) = (0, 0);
    for seed in 5000..5150 {
        let Some((walk, derived)) = walk_and_table(seed, &flags, 6) else { continue };
        let (start, clock) = (walk.states[0], 3);
        let honest = row(&derived, &start, clock, &mut walk.memory.clone());
        let values = derived.air.graph().evaluate(|input| match input {
            Input::Main(column) => honest[column as usize],
            _ => Felt::zero(),
        });
        for (index, interaction) in derived.air.interactions().iter().enumerate() {
            if interaction.bus != buses::MEMORY {
                continue;
            }
            let reduced = Derived { air: derived.air.without_interaction(index), ..derived.clone() };
            let mut memory = walk.memory.clone();
            let address = values[interaction.tuple[0].index()];
            let value = memory.get(&address) + random.felt();
            memory.set(&address, value);
            assert!(check(&derived, &honest, &start, clock, &mut memory).is_err());
            deleted += 1;
            // Another lookup may have the same address at run time.
            missed += usize::from(check(&reduced, &honest, &start, clock, &mut memory).is_ok());
        }
    }
    assert!(deleted > 300 && missed * 10 > deleted * 8, "{missed} of {deleted}");
}

/// For at least nine in ten of the constraints but the enabler's, changing one value or register gives a row, with a memory that
/// agrees with all its lookups, that this constraint alone refuses. (The others share their columns with further ones.)
#[test]
fn every_constraint_matters() {
    let flags: Vec<Flags> = valid_flags().into_iter().filter(|f| f.assert_eq() || f.call() || f.pc_jnz()).collect();
    let mut random = Random(4);
    let (mut constraints, mut alone) = (0, 0);
    for seed in 7000..9000 {
        let Some((walk, derived)) = walk_and_table(seed, &flags, 2) else { continue };
        let honest = row(&derived, &walk.states[0], 3, &mut walk.memory.clone());
        let mut needed = vec![false; derived.air.constraints().len()];
        for (column, source) in derived.rows.sources.iter().enumerate() {
            if !matches!(source, Source::Memory(_) | Source::Ap | Source::Fp) {
                continue;
            }
            for value in dishonest_values(&derived, &honest, column, &mut random) {
                let altered = with_value(&derived, &honest, column, value);
                if let [index] = failing(&derived, &altered)[..] {
                    needed[index] |= agrees(&derived, &altered);
                }
            }
        }
        constraints += needed.len() - 1;
        alone += needed.iter().filter(|needed| **needed).count();
    }
    assert!(constraints > 300 && alone * 10 > constraints * 9, "{alone} of {constraints}");
}

/// A random value, and those that make an expression 0 that must not be.
fn dishonest_values(derived: &Derived, honest: &[Felt], column: usize, random: &mut Random) -> Vec<Felt> {
    let mut values = vec![random.felt()];
    for source in &derived.rows.sources {
        let Source::Inverse(factors) = source else { continue };
        for factor in factors {
            let coefficient = factor.terms().iter().find(|(term, _)| *term as usize == column);
            let inverse = coefficient.and_then(|(_, coefficient)| coefficient.inv().ok());
            values.extend(inverse.map(|inverse| honest[column] - factor.evaluate(honest) * inverse));
        }
    }
    values
}

/// The row with another value in a memory column; products and inverses follow.
fn with_value(derived: &Derived, honest: &[Felt], column: usize, value: Felt) -> Vec<Felt> {
    let mut altered = honest.to_vec();
    altered[column] = value;
    for (index, source) in derived.rows.sources.iter().enumerate() {
        match source {
            Source::Product(a, b) => altered[index] = a.evaluate(&altered) * b.evaluate(&altered),
            Source::Inverse(factors) => {
                let product = factors.iter().fold(Felt::one(), |product, factor| product * factor.evaluate(&altered));
                altered[index] = product.inv().unwrap_or_default();
            }
            _ => {}
        }
    }
    altered
}

/// The constraints that a row breaks.
fn failing(derived: &Derived, row: &[Felt]) -> Vec<usize> {
    let values = derived.air.graph().evaluate(|input| match input {
        Input::Main(column) => row[column as usize],
        _ => Felt::zero(),
    });
    let broken = derived.air.constraints().iter().enumerate();
    broken
        .filter(|(_, constraint)| values[constraint.expression.index()] != Felt::zero())
        .map(|(index, _)| index)
        .collect()
}

/// Whether some memory agrees with all lookups of a row.
fn agrees(derived: &Derived, row: &[Felt]) -> bool {
    let mut memory = std::collections::HashMap::new();
    derived.rows.lookups.iter().all(|[address, value]| {
        let (address, value) = (encoding::canonical_limbs(&address.evaluate(row)), value.evaluate(row));
        *memory.entry(address).or_insert(value) == value
    })
}

fn walk_and_table(seed: u64, flags: &[Flags], length: usize) -> Option<(Walk, Derived)> {
    let walk = Walk::new(seed, flags, Some(0), length)?;
    let path = Path::follow(&walk.program, &walk.pcs(), walk.taken.clone(), Some(0), |_, _| None).ok()?.path;
    let derived = path.derive(&walk.program).ok()?;
    Some((walk, derived))
}
