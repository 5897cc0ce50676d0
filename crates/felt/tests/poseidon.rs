//! The Poseidon permutation against another implementation of it, its constants against their definition, every kernel against the scalar one.

mod common;

use common::{edges, element, sequence, with_other_kernels};
use felt::poseidon::{CONSTANTS, PARTIAL_ROUNDS, SBOXES, State, permute, permute_all, sboxes};
use felt::{Felt, encoding};
use lambdaworks_crypto::hash::poseidon::Poseidon;
use lambdaworks_crypto::hash::poseidon::starknet::PoseidonCairoStark252;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

fn reference(mut state: State) -> State {
    PoseidonCairoStark252::hades_permutation(&mut state);
    state
}

fn permuted(mut state: State) -> State {
    permute(&mut state);
    state
}

/// The hash of a text as an integer modulo `p`.
fn hashed(text: &str) -> Felt {
    let digest = Sha256::digest(text);
    digest.iter().fold(Felt::zero(), |sum, byte| sum * Felt::from(256) + Felt::from(u64::from(*byte)))
}

fn mix([a, b, c]: State) -> State {
    let two = Felt::from(2);
    [a * Felt::from(3) + b + c, a - b + c, a + b - two * c]
}

/// The definition: three constants in every round.
fn by_definition(mut state: State) -> State {
    for round in 0..8 + PARTIAL_ROUNDS {
        for (i, element) in state.iter_mut().enumerate() {
            *element += hashed(&format!("Hades{}", 3 * round + i));
            if i == 2 || !(4..4 + PARTIAL_ROUNDS).contains(&round) {
                *element = element.pow(3_u64);
            }
        }
        state = mix(state);
    }
    state
}

/// From the definition: what partial rounds add to elements without an S-box goes on to the next round.
#[test]
fn constants_are_those_of_the_definition() {
    let mut expected = Vec::new();
    let mut carried = [Felt::zero(); 3];
    for round in 0..8 + PARTIAL_ROUNDS {
        let all: State = std::array::from_fn(|i| carried[i] + hashed(&format!("Hades{}", 3 * round + i)));
        if (4..4 + PARTIAL_ROUNDS).contains(&round) {
            expected.push(all[2]);
            carried = mix([all[0], all[1], Felt::zero()]);
        } else {
            expected.extend(all);
            carried = [Felt::zero(); 3];
        }
    }
    assert_eq!(CONSTANTS.to_vec(), expected);
}

/// The value of the permutation at `(0, 0, 0)`, as a program in another language finds it from the definition.
#[test]
fn a_known_value() {
    let expected = [
        "0x79e8d1e78258000a28fc9d49e233bc6852357968577b1e386550ed6a9086133",
        "0x3840d003d0f3f96dbb796ff6aa6a63be5b5404b91ccaabca256154cbb6fb984",
        "0x1eb39da3f7d3b04142d0ac83d9da00c9325a61fb2ef326e50b70eaa8a3c7cc7",
    ];
    assert_eq!(permuted([Felt::zero(); 3]).map(|element| encoding::to_hex(&element)), expected);
}

#[test]
fn edges_of_the_field() {
    for (i, x) in edges().into_iter().enumerate() {
        let state = [x, edges()[(7 * i + 3) % edges().len()], -x];
        assert_eq!(permuted(state), reference(state));
    }
}

/// Numbers of states that fill lanes of no kernel, of one, of interleaved ones, and leave some over.
#[test]
fn many_states() {
    for count in [0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 40, 100] {
        let elements = sequence(count as u64, 3 * count);
        let mut states: Vec<State> = elements.chunks_exact(3).map(|s| [s[0], s[1], s[2]]).collect();
        let expected: Vec<State> = states.iter().map(|state| reference(*state)).collect();
        permute_all(&mut states);
        assert_eq!(states, expected, "{count} states");
    }
}

#[test]
fn other_kernels() {
    with_other_kernels("other_kernels");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn permutations_agree(a in element(), b in element(), c in element()) {
        let state = [a, b, c];
        let expected = reference(state);
        prop_assert_eq!(permuted(state), expected);
        prop_assert_eq!(by_definition(state), expected);
        let mut states = [state; 19];
        states[18] = [c, a, b];
        permute_all(&mut states);
        prop_assert_eq!(states[..18].to_vec(), vec![expected; 18]);
        prop_assert_eq!(states[18], reference([c, a, b]));

        let (inputs, result) = sboxes(state);
        prop_assert_eq!(result, expected);
        let cube = |i: usize| inputs[i].pow(3_u64);
        prop_assert_eq!(mix([cube(SBOXES - 3), cube(SBOXES - 2), cube(SBOXES - 1)]), result);
        prop_assert_eq!([0, 1, 2].map(|i| inputs[i] - CONSTANTS[i]), state);
    }
}
