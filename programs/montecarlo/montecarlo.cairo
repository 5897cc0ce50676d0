// Arguments lo, hi with lo <= hi < 2^64; output lo, hi and the number of samples with index in [lo, hi) that hit the
// quarter disc.
//
// Samples come from one sequence, that of the linear congruential generator x -> a x + c modulo 2^64 with Knuth's
// constants, started at SEED. Sample i is the state after i + 1 steps: its top 16 bits are one coordinate, the next 16
// the other. A unit jumps to its start with about log2(lo) compositions of the step with itself, so units are pieces
// of one sequence and together give exactly what one long run would.

use core::num::traits::WideMul;

const MULTIPLIER: u64 = 6364136223846793005;
const INCREMENT: u64 = 1442695040888963407;
const SEED: u64 = 88172645463325252;
const TWO_64: NonZero<u128> = 0x10000000000000000;
const TWO_32: NonZero<u64> = 0x100000000;
const TWO_16: NonZero<u64> = 0x10000;
const RADIUS_SQUARED: u128 = 0x100000000;

/// The map x -> multiplier x + increment modulo 2^64.
#[derive(Copy, Drop)]
struct Step {
    multiplier: u64,
    increment: u64,
}

/// a b + c modulo 2^64. The sum fits into 128 bits: (2^64 - 1)^2 + 2^64 - 1 < 2^128.
fn multiply_add(a: u64, b: u64, c: u64) -> u64 {
    let (_, low) = DivRem::div_rem(a.wide_mul(b) + c.into(), TWO_64);
    low.try_into().unwrap()
}

fn apply(step: Step, state: u64) -> u64 {
    multiply_add(step.multiplier, state, step.increment)
}

/// First `first`, then `second`.
fn compose(first: Step, second: Step) -> Step {
    Step {
        multiplier: multiply_add(first.multiplier, second.multiplier, 0),
        increment: apply(second, first.increment),
    }
}

/// The state after `count` steps from the seed.
fn jump(count: u64) -> u64 {
    let mut state = SEED;
    let mut rest = count;
    let mut step = Step { multiplier: MULTIPLIER, increment: INCREMENT };
    while rest != 0 {
        let (half, odd) = DivRem::div_rem(rest, 2);
        if odd != 0 {
            state = apply(step, state);
        }
        step = compose(step, step);
        rest = half;
    }
    state
}

#[executable]
fn main(lo: u64, hi: u64) -> (u64, u64, u64) {
    assert(lo <= hi, 'lo must not be above hi');
    let step = Step { multiplier: MULTIPLIER, increment: INCREMENT };
    let mut state = jump(lo);
    let mut hits: u64 = 0;
    let mut index = lo;
    while index != hi {
        state = apply(step, state);
        let (high, _) = DivRem::div_rem(state, TWO_32);
        let (x, y) = DivRem::div_rem(high, TWO_16);
        if x.wide_mul(x) + y.wide_mul(y) < RADIUS_SQUARED {
            hits += 1;
        }
        index += 1;
    }
    (lo, hi, hits)
}
