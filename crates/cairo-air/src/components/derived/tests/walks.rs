//! Tables of random walks are the machine: over memories that are altered in places, and with cells of their own.

use super::reference::{Memory, Random, State};
use super::walk::Walk;
use super::{WORDS, check, check_owning, row, valid_flags};
use crate::components::derived::{Derived, Followed, Linear, OwningWord, Path, Source, Word};
use crate::decode::{Decoded, Flags};
use felt::{Felt, encoding};
use stark::graph::Input;

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

/// The tables of owning words, with their cells provided or not, alone or with one column of uses for both.
#[test]
fn random_owning_words_are_the_machines() {
    let flags: Vec<Flags> = valid_flags()
        .into_iter()
        .filter(|flags| flags.call() || flags.ap_add1() || flags.ap_add_res() && flags.op1_imm())
        .collect();
    let mut random = Random(6);
    let (mut covered, mut others, mut at_ap, mut unknown, mut moved) = (0, 0, [0; 3], 0, 0);
    for seed in 40_000..46_000 {
        let Some(walk) = Walk::new(seed, &flags, None, 1) else { continue };
        let mut memory = walk.memory.clone();
        let decoded = Decoded::new(&memory.get(&walk.states[0].pc)).expect("it was executed");
        let open = walk.ends_open && random.chance(30);
        let word = Word { flags: decoded.flags.0, taken: walk.taken.first().copied().filter(|_| !open) };
        let next = memory.get(&(walk.states[0].pc + Felt::one()));
        let Some(owning) = OwningWord::of(word, &decoded, Some(&next)) else { continue };
        let owned = random_owned(owning.owned.len(), &mut random);
        let owning = OwningWord { owned: owned.clone(), ..owning };
        let derived = owning.derive().expect("it was executed");
        assert!(derived.rows.fetches && derived.rows.sources.len() == derived.air.width());
        let size = owning.size().expect("it was executed");
        assert_eq!((size.columns, size.interactions), (derived.air.width(), derived.air.interactions().len()));
        covered += 1;
        owning.at_ap.into_iter().for_each(|operand| at_ap[usize::from(operand)] += 1);
        // No operand of it is known to be at ap: then the cell has a column, if it is provided.
        unknown += usize::from(owning.at_ap.is_none() && !decoded.flags.call() && owned != [0]);
        moved += usize::from(owned.len() > 2);
        let taken = if open { &[][..] } else { &walk.taken };
        others += examine(&derived, &owned, &walk, taken, open, &mut random);
        let honest = row(&derived, &walk.states[0], 17, &mut memory);
        assert!(is_silent(&derived, &honest));
    }
    println!(
        "{covered} rows, operands at ap: {at_ap:?}, {unknown} unknown cells, {moved} that add more to ap, {others} other memories"
    );
    assert!(covered > 1000 && moved > 20 && at_ap.iter().all(|count| *count > 50) && unknown > 100);
}
