//! Collatz chains, each followed only until it falls below its start, where a table knows the rest.

/// `lo, hi`, the smallest start in `[lo, hi)` with the longest chain, its steps, and the largest number on any chain.
pub fn output(arguments: &[u64]) -> Vec<u128> {
    let &[lo, hi] = arguments else { return Vec::new() };
    let table = chains(hi);
    let range = || (lo..hi).zip(table.iter().skip(lo as usize));
    let steps = range().map(|(_, chain)| chain.0).max().unwrap_or(0);
    let start = range().find(|(_, chain)| chain.0 == steps).map_or(lo, |(start, _)| start);
    let peak = range().map(|(_, chain)| chain.1).max().unwrap_or(0);
    vec![lo.into(), hi.into(), start.into(), steps.into(), peak]
}

/// Steps and peak of the chain from each start below `end`; entry 0 stands for nothing.
fn chains(end: u64) -> Vec<(u64, u128)> {
    let mut table: Vec<(u64, u128)> = vec![(0, 0), (0, 1)];
    for start in 2..end {
        let (mut number, mut steps, mut peak) = (u128::from(start), 0, u128::from(start));
        while number >= u128::from(start) {
            number = if number.is_multiple_of(2) { number / 2 } else { 3 * number + 1 };
            peak = peak.max(number);
            steps += 1;
        }
        let (rest, rest_peak) = table[number as usize];
        table.push((steps + rest, peak.max(rest_peak)));
    }
    table
}
