//! Starkware's Poseidon permutation: Hades (eprint 2019/458; 2019/1107) on three elements, with the S-box `x³`, 4 full, 83 partial and 4 full
//! rounds.
//!
//! A round adds its constants, takes the S-box of all three elements (a partial round: of the last one) and mixes by the matrix
//! `((3, 1, 1), (1, −1, 1), (1, 1, −2))`. Constants of partial rounds are moved on to where an S-box needs them, see [`CONSTANTS`].

mod constants;
mod packed;

pub use constants::CONSTANTS;
pub use packed::{Prepared, permute_all, permute_packed};

use crate::Felt;
use crate::scalar::product;

/// Elements of a state.
pub const WIDTH: usize = 3;

/// Full rounds at the beginning, and as many at the end.
pub const HALF_FULL_ROUNDS: usize = 4;

/// Partial rounds, between the full ones.
pub const PARTIAL_ROUNDS: usize = 83;

/// S-boxes of the full rounds at the beginning, and of those at the end.
pub const HALF_FULL_SBOXES: usize = WIDTH * HALF_FULL_ROUNDS;

/// S-boxes of a permutation.
pub const SBOXES: usize = 2 * HALF_FULL_SBOXES + PARTIAL_ROUNDS;

/// A state.
pub type State = [Felt; WIDTH];

/// The permutation of one state.
pub fn permute(state: &mut State) {
    *state = run(*state, |_, _| {});
}

/// The inputs of all S-boxes, constants included: three for each full round, one for each partial round, in order; and the result.
pub fn sboxes(state: State) -> ([Felt; SBOXES], State) {
    let mut inputs = [Felt::zero(); SBOXES];
    let result = run(state, |index, input| {
        if let Some(cell) = inputs.get_mut(index) {
            *cell = input;
        }
    });
    (inputs, result)
}

/// `visit` sees the number and the input of every S-box.
#[inline(always)]
fn run(mut state: State, mut visit: impl FnMut(usize, Felt)) -> State {
    let (first, rest) = CONSTANTS.split_at(HALF_FULL_SBOXES);
    let (partial, last) = rest.split_at(PARTIAL_ROUNDS);
    let mut index = 0;
    let mut sbox = |element: &Felt, constant: &Felt| {
        let input = element + constant;
        visit(index, input);
        index += 1;
        product(&product(&input, &input), &input)
    };
    for constants in first.chunks_exact(WIDTH) {
        state = mix(std::array::from_fn(|i| sbox(&state[i], &constants[i])));
    }
    for constant in partial {
        let [a, b, c] = state;
        state = mix([a, b, sbox(&c, constant)]);
    }
    for constants in last.chunks_exact(WIDTH) {
        state = mix(std::array::from_fn(|i| sbox(&state[i], &constants[i])));
    }
    state
}

/// The product with the matrix.
#[inline(always)]
fn mix([a, b, c]: State) -> State {
    let all = a + b + c;
    [all + a.double(), all - b.double(), all - c.double() - c]
}
