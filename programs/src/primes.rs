//! Primes by the sieve of Eratosthenes.

/// `lo, hi`, number and sum of the primes in `[lo, hi)`.
pub fn output(arguments: &[u64]) -> Vec<u128> {
    let &[lo, hi] = arguments else { return Vec::new() };
    let found: Vec<u64> = sieve(hi).into_iter().filter(|prime| *prime >= lo).collect();
    vec![lo.into(), hi.into(), found.len() as u128, found.iter().map(|prime| u128::from(*prime)).sum()]
}

/// All primes below `end`.
pub fn sieve(end: u64) -> Vec<u64> {
    let mut composite = vec![false; end as usize];
    let mut primes = Vec::new();
    for number in 2..composite.len() {
        if !composite[number] {
            primes.push(number as u64);
            composite.iter_mut().skip(number * number).step_by(number).for_each(|flag| *flag = true);
        }
    }
    primes
}
