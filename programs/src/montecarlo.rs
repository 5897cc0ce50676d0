//! The samples one after the other, from the very first.

/// `lo, hi`, and the number of samples with index in `[lo, hi)` within the quarter disc.
pub fn output(arguments: &[u64]) -> Vec<u128> {
    let &[lo, hi] = arguments else { return Vec::new() };
    let mut state: u64 = 88_172_645_463_325_252;
    let mut hits = 0;
    for index in 0..hi {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (x, y) = (state >> 48, state >> 32 & 0xffff);
        if index >= lo && x * x + y * y < 1 << 32 {
            hits += 1;
        }
    }
    vec![lo.into(), hi.into(), hits]
}
