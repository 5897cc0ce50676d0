//! The permutation of many states at once, by the kernels.

use super::{CONSTANTS, HALF_FULL_SBOXES, PARTIAL_ROUNDS, SBOXES, State, WIDTH, permute};
use crate::Felt;
use crate::packed::{Packed, WithPacked, dispatch};

/// Packed values of each state element that are permuted side by side. An S-box is a chain of two products, which leaves a kernel time for
/// another one.
const INTERLEAVED: usize = 2;

/// Permutes every state, on this thread.
pub fn permute_all(states: &mut [State]) {
    dispatch(PermuteAll { states });
}

/// The round constants in every lane.
#[derive(Clone, Copy)]
pub struct Prepared<P> {
    constants: [P; SBOXES],
}

impl<P: Packed> Prepared<P> {
    /// Prepares them, which takes as long as some products do: once for many states.
    #[inline(always)]
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        let mut constants = [P::broadcast(&Felt::zero()); SBOXES];
        for (packed, constant) in constants.iter_mut().zip(&CONSTANTS) {
            *packed = P::broadcast(constant);
        }
        Self { constants }
    }
}

/// The permutation of `P::WIDTH` states in each of `states`, lane by lane. Must be inlined into the kernel's entry point, see [`WithPacked`].
#[inline(always)]
pub fn permute_packed<P: Packed, const N: usize>(prepared: &Prepared<P>, states: &mut [[P; WIDTH]; N]) {
    let (first, rest) = prepared.constants.split_at(HALF_FULL_SBOXES);
    let (partial, last) = rest.split_at(PARTIAL_ROUNDS);
    for state in states.iter_mut() {
        for i in 0..WIDTH {
            state[i] = state[i].add(first[i]);
        }
    }
    // From here on the elements that go into an S-box have its constant already: mixing adds it, with one reduction for all.
    full_rounds(states, first);
    for state in states.iter_mut() {
        *state = mix(*state, [None, None, Some(partial[0])]);
    }
    for (round, _) in partial.iter().enumerate() {
        let next = match partial.get(round + 1) {
            Some(constant) => [None, None, Some(*constant)],
            None => [Some(last[0]), Some(last[1]), Some(last[2])],
        };
        for state in states.iter_mut() {
            state[2] = cube(state[2]);
            *state = mix(*state, next);
        }
    }
    full_rounds(states, last);
    for state in states.iter_mut() {
        *state = mix(*state, [None; WIDTH]);
    }
}

/// Four full rounds but for the addition of the first constants and the last mixing.
#[inline(always)]
fn full_rounds<P: Packed, const N: usize>(states: &mut [[P; WIDTH]; N], constants: &[P]) {
    for start in (0..HALF_FULL_SBOXES).step_by(WIDTH) {
        for state in states.iter_mut() {
            if start > 0 {
                *state = mix(*state, [Some(constants[start]), Some(constants[start + 1]), Some(constants[start + 2])]);
            }
            for element in state.iter_mut() {
                *element = cube(*element);
            }
        }
    }
}

#[inline(always)]
fn cube<P: Packed>(x: P) -> P {
    x.square().mul(x)
}

/// The product with the matrix, and constants added to it.
#[inline(always)]
fn mix<P: Packed>([a, b, c]: [P; WIDTH], constants: [Option<P>; WIDTH]) -> [P; WIDTH] {
    let all = P::add_value(P::add_value(P::add_value(P::empty_sum(), a), b), c);
    let sums = [
        P::add_value(P::add_value(all, a), a),
        P::subtract_value(P::subtract_value(all, b), b),
        P::subtract_value(P::subtract_value(P::subtract_value(all, c), c), c),
    ];
    let mut mixed = [a, b, c];
    for i in 0..WIDTH {
        let sum = match constants[i] {
            Some(constant) => P::add_value(sums[i], constant),
            None => sums[i],
        };
        mixed[i] = P::total_of_values(sum);
    }
    mixed
}

struct PermuteAll<'a> {
    states: &'a mut [State],
}

impl WithPacked for PermuteAll<'_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Packed>(self) {
        let (whole, rest) = self.states.split_at_mut(self.states.len() / P::WIDTH * P::WIDTH);
        if !whole.is_empty() {
            let prepared = Prepared::<P>::new();
            let (pairs, single) = whole.split_at_mut(whole.len() / (INTERLEAVED * P::WIDTH) * (INTERLEAVED * P::WIDTH));
            for states in pairs.chunks_exact_mut(INTERLEAVED * P::WIDTH) {
                permute_lanes::<P, INTERLEAVED>(&prepared, states.as_flattened_mut());
            }
            for states in single.chunks_exact_mut(P::WIDTH) {
                permute_lanes::<P, 1>(&prepared, states.as_flattened_mut());
            }
        }
        for state in rest {
            permute(state);
        }
    }
}

/// Permutes `N·P::WIDTH` states that lie one after the other.
#[inline(always)]
fn permute_lanes<P: Packed, const N: usize>(prepared: &Prepared<P>, elements: &mut [Felt]) {
    let mut states = [[P::broadcast(&Felt::zero()); WIDTH]; N];
    for (n, state) in states.iter_mut().enumerate() {
        for (i, element) in state.iter_mut().enumerate() {
            *element = P::load_strided(&elements[n * P::WIDTH * WIDTH + i..], WIDTH);
        }
    }
    permute_packed(prepared, &mut states);
    for (n, state) in states.into_iter().enumerate() {
        for (i, element) in state.into_iter().enumerate() {
            P::store_strided(element.loosen(), &mut elements[n * P::WIDTH * WIDTH + i..], WIDTH);
        }
    }
}
