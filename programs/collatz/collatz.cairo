// Arguments lo, hi with 1 <= lo < hi; output lo, hi, the start in [lo, hi) whose Collatz chain is the longest (the smallest
// of them), the number of its steps to 1, and the largest number on any chain.
//
// A step halves an even number and takes an odd n to 3n + 1. Chains are followed in u128, which panics rather than
// wraps.

/// Steps from `start` to 1, and the largest number on the way.
fn chain(start: u128) -> (u32, u128) {
    let mut n = start;
    let mut steps: u32 = 0;
    let mut peak = start;
    let two: NonZero<u128> = 2;
    while n != 1 {
        let (half, odd) = DivRem::div_rem(n, two);
        if odd == 0 {
            n = half;
        } else {
            n = 3 * n + 1;
            if n > peak {
                peak = n;
            }
        }
        steps += 1;
    }
    (steps, peak)
}

#[executable]
fn main(lo: u128, hi: u128) -> (u128, u128, u128, u32, u128) {
    assert(lo != 0, 'lo must be at least 1');
    assert(lo < hi, 'lo must be below hi');
    let mut longest: u128 = lo;
    let mut longest_steps: u32 = 0;
    let mut highest: u128 = 0;
    let mut n = lo;
    while n != hi {
        let (steps, peak) = chain(n);
        if n == lo || steps > longest_steps {
            longest = n;
            longest_steps = steps;
        }
        if peak > highest {
            highest = peak;
        }
        n += 1;
    }
    (lo, hi, longest, longest_steps, highest)
}
