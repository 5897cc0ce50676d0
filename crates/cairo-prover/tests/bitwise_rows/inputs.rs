//! Inputs that are too large, for the builtin or for a row.

use super::*;

/// Inputs of 2^251 and more, below p: only the top limbs' second lookup tells. Everything else is as the program has it.
#[test]
fn inputs_beyond_251_bits() {
    let beyond = [[0, 0, 0, 1 << 59], [5, 6, 7, 1 << 59 | 16], [0, 0, 0, 1 << 59 | 17]];
    for bits in [4, 8] {
        for (case, large) in beyond.into_iter().enumerate() {
            let mut told = told(bits, case != 1);
            let other = encoding::canonical_limbs(&told.marks[1]);
            // The last time both are too large.
            let inputs = [large, if case == 2 { beyond[1] } else { other }];
            let and: [u64; 4] = std::array::from_fn(|i| inputs[0][i] & inputs[1][i]);
            let words = [inputs[0], inputs[1], and].map(|word| encoding::from_canonical_limbs(word).unwrap());
            for (word, integer) in [inputs[0], inputs[1], and].into_iter().enumerate() {
                told.set(word, &limbs_of(integer, bits, told.kind.limbs()));
            }
            told.say(0, words[0]);
            told.say(1, words[1]);
            told.say_results(words);
            told.forger.refused_but_for(&missing(&["top"]));
        }
    }
}

/// Inputs that need more limbs than the row has, so that the top limb is none; whatever is claimed of them.
#[test]
fn inputs_wider_than_the_row() {
    for ((bits, owned), limbs) in FORMS.into_iter().zip([3, 1, 8, 3]) {
        let mut told = told(bits, owned);
        told.leave_out();
        let owned = owned.then_some([2, 3, 4, 5, 6]);
        let narrow = row(bits, limbs, owned);
        let [x, y, ..] = told.marks;
        // Of the low limbs the conjunction is right.
        let and = told.marks[2] + two(u64::from(bits) * u64::from(limbs - 1));
        told.forger.add_row(narrow, &row_of(narrow, told.address, [x, y, and]));
        told.say_results([x, y, and]);
        let top = format!("limbs[{}]", limbs - 1);
        told.forger.refused_but_for(&missing(&[&top]));
    }
}

/// Inputs and conjunctions whose limbs are not below their radix, or no integers, and make the same words.
#[test]
fn limbs_that_are_none() {
    for bits in [4, 8] {
        let radix = two(u64::from(bits));
        let half = small(2).inv().unwrap();
        let changes = [(radix, Felt::one()), (-radix, -Felt::one()), (half * radix, half)];
        for (word, (change, by)) in changes.into_iter().enumerate() {
            // Each word has two of the changes.
            let (word, owned) = if bits == 4 { (word, true) } else { ((word + 1) % 3, word != 0) };
            let mut told = told(bits, owned);
            let mut limbs = told.get(word);
            limbs[4] += change;
            limbs[5] = limbs[5] - by;
            told.set(word, &limbs);
            told.forger.refused_but_for(&missing(&["limbs[4]", "limbs[5]"]));
        }
    }
}

/// A conjunction that is none, which goes on into the output.
#[test]
fn a_false_conjunction() {
    for ((bits, owned), limb) in FORMS.into_iter().zip([0, 17, 17, 0]) {
        let mut told = told(bits, owned);
        let [x, y, and, ..] = told.marks;
        let mut limbs = told.get(2);
        limbs[limb] += Felt::one();
        told.set(2, &limbs);
        told.say_results([x, y, and + two(u64::from(bits) * limb as u64)]);
        told.forger.refused_but_for(&missing(&[&format!("limbs[{limb}]")]));
    }
}

/// Nothing is wrong with the forger's ways: other inputs, with what follows from them, are proven in any row that holds them.
#[test]
fn the_forger_can_tell_the_truth() {
    for (bits, owned) in FORMS {
        let mut told = told(bits, owned);
        let inputs = [[1 << 40 | 77, 3 << 50, 0, (1 << 59) - 1], [(1 << 63) - 9, u64::MAX, 1 << 44, 5 << 52]];
        let and: [u64; 4] = std::array::from_fn(|i| inputs[0][i] & inputs[1][i]);
        let words = [inputs[0], inputs[1], and].map(|word| encoding::from_canonical_limbs(word).unwrap());
        told.leave_out();
        let full = row(bits, told.kind.limbs() as u8, owned.then_some([2, 3, 4, 5, 6]));
        told.forger.add_row(full, &row_of(full, told.address, words));
        told.say(0, words[0]);
        told.say(1, words[1]);
        told.say_results(words);
        let verified = told.forger.try_it().unwrap();
        assert_eq!(verified.runs[0].output[30], words[2]);
    }
}
