//! Elements for tests: random ones and those at which carries and reductions turn.

// Every test file compiles this module and uses a part of it.
#![allow(dead_code)]

use felt::Felt;
use felt::encoding::{MODULUS, from_montgomery_limbs};
use proptest::prelude::*;
use std::process::Command;

/// Montgomery forms at the edges of limbs (of 52 and of 64 bits) and of the modulus.
pub fn edges() -> Vec<Felt> {
    let top = MODULUS[0];
    let ones = u64::MAX;
    let mut limbs = vec![
        [0, 0, 0, 0],
        [1, 0, 0, 0],
        [2, 0, 0, 0],
        [0, 0, 0, top],
        [ones, ones, ones, top - 1],
        [ones, ones, ones, top - 2],
        [0, ones, ones, top - 1],
        [ones, 0, 0, 0],
        [ones, ones, 0, 0],
        [ones, ones, ones, 0],
        [0, 0, 0, 1],
        [0, 0, 0, 1 << 58],
        [ones, ones, ones, (1 << 59) - 1],
        [0, 0, 0, 1 << 59],
        [0, 0, 0, 16],
        [0, 0, 0, 17],
        [1, 0, 0, 17],
        [ones << 48, 0, 0, 0],
        [0xaaaa_aaaa_aaaa_aaaa, 0x5555_5555_5555_5555, 0xaaaa_aaaa_aaaa_aaaa, 0x0555_5555_5555_5555],
    ];
    for bit in [4, 47, 48, 51, 52, 63, 64, 103, 104, 155, 156, 191, 192, 207, 208, 250] {
        let mut power = [0; 4];
        power[bit / 64] = 1 << (bit % 64);
        limbs.push(power);
    }
    let mut elements: Vec<_> = limbs.into_iter().filter_map(from_montgomery_limbs).collect();
    elements.extend((0..3).flat_map(|i| [Felt::from(i), -Felt::from(i + 1)]));
    elements.push(Felt::from(2).pow(192u64));
    elements
}

/// An edge one time out of three, else anything.
pub fn element() -> impl Strategy<Value = Felt> {
    let random = any::<[u64; 4]>().prop_map(|mut limbs| {
        limbs[3] %= MODULUS[0];
        from_montgomery_limbs(limbs).unwrap_or_else(Felt::zero)
    });
    prop_oneof![1 => proptest::sample::select(edges()), 2 => random]
}

/// `count` elements of a fixed sequence, for lengths at which a strategy would be slow.
pub fn sequence(seed: u64, count: usize) -> Vec<Felt> {
    let mut state = seed;
    let mut next = || {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    (0..count)
        .map(|_| from_montgomery_limbs([next(), next(), next(), next() % MODULUS[0]]).unwrap_or_else(Felt::zero))
        .collect()
}

/// Runs the tests of this binary once more in processes that choose lesser kernels, all but the one that calls this.
pub fn with_other_kernels(caller: &str) {
    for kernel in ["avx2", "portable"] {
        // The binary of a test is there while it runs.
        #[allow(clippy::unwrap_used)]
        let mut command = Command::new(std::env::current_exe().unwrap());
        #[allow(clippy::unwrap_used)]
        let output = command.args(["--skip", caller]).env("CAIRN_KERNEL", kernel).output().unwrap();
        assert!(output.status.success(), "{kernel}: {output:?}");
    }
}
