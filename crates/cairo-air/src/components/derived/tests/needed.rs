//! Each constraint and each look-up of a derived table is needed: without it a false row passes.

use super::reference::Random;
use super::walk::Walk;
use super::{check, check_owning, row, valid_flags};
use crate::buses;
use crate::components::derived::{Derived, OwningWord, Path, Source, Word};
use crate::decode::{Decoded, Flags};
use felt::{Felt, encoding};
use stark::graph::Input;

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

/// Of an owning word: without the look-up of the instruction another offset passes, of which the row then reads another cell; without a look-up
/// of memory another value in its cell; without a product another value of it.
#[test]
fn every_look_up_of_owning_words_matters() {
    let flags: Vec<Flags> = valid_flags().into_iter().filter(|f| f.call() || f.ap_add1()).collect();
    let mut random = Random(9);
    let (mut instructions, mut cells, mut missed) = (0, 0, 0);
    for seed in 60_000..61_500 {
        let Some(walk) = Walk::new(seed, &flags, None, 1) else { continue };
        let (start, clock, mut memory) = (walk.states[0], 3, walk.memory.clone());
        let decoded = Decoded::new(&memory.get(&start.pc)).expect("it was executed");
        let word = Word { flags: decoded.flags.0, taken: walk.taken.first().copied() };
        let Some(owning) = OwningWord::of(word, &decoded, None) else { continue };
        let owned: Vec<u8> = (1..=owning.owned.len() as u8).collect();
        let derived = OwningWord { owned: owned.clone(), ..owning }.derive().expect("it was executed");
        let honest = row(&derived, &start, clock, &mut memory);
        assert!(check_owning(&derived, &owned, &honest, &start, clock, &mut memory).is_ok());
        let offset = derived.rows.sources.iter().position(|source| matches!(source, Source::Offset(_)));
        for (index, interaction) in derived.air.interactions().iter().enumerate() {
            let reduced = Derived { air: derived.air.without_interaction(index), ..derived.clone() };
            if interaction.bus == buses::INSTRUCTION {
                let Some(offset) = offset else { continue };
                // The row of the instruction with another offset, over a memory whose instruction is still this one.
                let mut altered = honest.clone();
                altered[offset] += random.felt();
                for (column, source) in derived.rows.sources.iter().enumerate() {
                    if let Source::Memory(address) = source {
                        altered[column] = memory.get(&address.evaluate(&altered));
                    }
                }
                let altered = refill(&derived, altered);
                assert!(check_owning(&derived, &owned, &altered, &start, clock, &mut memory.clone()).is_err());
                // What it makes of the cells that it owns is so.
                let mut believed = memory.clone();
                for [address, value] in &derived.rows.owned {
                    believed.set(&address.evaluate(&altered), value.evaluate(&altered));
                }
                instructions += 1;
                let passes = check_owning(&reduced, &owned, &altered, &start, clock, &mut believed).is_ok();
                missed += usize::from(passes);
            } else if interaction.bus == buses::MEMORY && interaction.name.starts_with('[') {
                let values = derived.air.graph().evaluate(|input| match input {
                    Input::Main(column) => honest[column as usize],
                    _ => Felt::zero(),
                });
                let mut other = memory.clone();
                let address = values[interaction.tuple[0].index()];
                let value = other.get(&address) + random.felt();
                other.set(&address, value);
                assert!(check_owning(&derived, &owned, &honest, &start, clock, &mut other).is_err());
                cells += 1;
                missed += usize::from(check_owning(&reduced, &owned, &honest, &start, clock, &mut other).is_ok());
            }
        }
    }
    let deleted = instructions + cells;
    assert!(instructions > 200 && cells > 300 && missed * 10 > deleted * 7, "{missed} of {instructions} and {cells}");
}

/// The row with its products and inverses made anew.
fn refill(derived: &Derived, mut row: Vec<Felt>) -> Vec<Felt> {
    for (index, source) in derived.rows.sources.iter().enumerate() {
        match source {
            Source::Product(a, b) => row[index] = a.evaluate(&row) * b.evaluate(&row),
            Source::Inverse(factors) => {
                let product = factors.iter().fold(Felt::one(), |product, factor| product * factor.evaluate(&row));
                row[index] = product.inv().unwrap_or_default();
            }
            _ => {}
        }
    }
    row
}
