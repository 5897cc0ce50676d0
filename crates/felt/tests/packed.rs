//! Every kernel against lambdaworks, one operation at a time and in long chains.

mod common;

use common::{edges, element, with_other_kernels};
use felt::Felt;
use felt::packed::{Packed, WithPacked, compare, dispatch, dispatch_each, kernel_name};
use proptest::prelude::*;

/// Limbs as they are: lambdaworks' equality would do as well, but a form that is not reduced must not pass.
fn raw(results: &[Felt]) -> Vec<[u64; 4]> {
    results.iter().map(|x| x.value().limbs).collect()
}

fn check(a: &[Felt], b: &[Felt]) {
    assert_eq!(compare(a, b), Ok(()));
}

#[test]
fn all_pairs_of_edges() {
    let edges = edges();
    let pairs: Vec<_> = edges.iter().flat_map(|a| edges.iter().map(move |b| (*a, *b))).collect();
    let (a, b): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    check(&a, &b);
}

#[derive(Clone, Copy)]
struct Width;

impl WithPacked for Width {
    type Output = usize;

    #[inline(always)]
    fn run<P: Packed>(self) -> usize {
        P::WIDTH
    }
}

/// The environment names the best kernel that may be chosen.
#[test]
fn choice() {
    let all = dispatch_each(Width);
    let names: Vec<_> = all.iter().map(|(name, _)| *name).collect();
    let best = match std::env::var("CAIRN_KERNEL").as_deref() {
        Ok("portable") => "portable",
        Ok("avx2") if names.contains(&"avx2") => "avx2",
        Ok("avx2") => "portable",
        _ => names[0],
    };
    assert_eq!(kernel_name(), best);
    assert_eq!(names.last(), Some(&"portable"));
    assert!(all.contains(&(best, dispatch(Width))));
}

#[test]
fn other_kernels() {
    with_other_kernels("other_kernels");
}

/// A program of additions, subtractions and so on without any load or store between.
#[derive(Clone, Copy)]
struct Chain<'a>(&'a [Felt; 8], &'a [u8]);

impl WithPacked for Chain<'_> {
    type Output = Vec<Felt>;

    #[inline(always)]
    fn run<P: Packed>(self) -> Vec<Felt> {
        let mut results = [Felt::zero(); 8];
        for at in (0..8).step_by(P::WIDTH) {
            let start = P::load(&self.0[at..]);
            let mut x = start;
            let mut y = P::broadcast(&self.0[0]);
            for step in self.1 {
                let z = match step % 8 {
                    0 => x.add(y),
                    1 => x.sub(y),
                    2 => x.neg(),
                    3 => x.mul(y),
                    4 => x.square(),
                    5 => x.double(),
                    6 => P::sum_of_products([x, y, x, start, y, y, x, x], [y, x, start, y, y, start, x, x]),
                    _ => y.sub(start),
                };
                y = x;
                x = z;
            }
            x.store(&mut results[at..]);
        }
        results.to_vec()
    }
}

fn chain_by_lambdaworks(start: &[Felt; 8], steps: &[u8]) -> Vec<Felt> {
    let lane = |start: &Felt, other: &Felt| {
        let (mut x, mut y) = (*start, *other);
        for step in steps {
            let z = match step % 8 {
                0 => x + y,
                1 => x - y,
                2 => -x,
                3 => x * y,
                4 => x.square(),
                5 => x.double(),
                6 => x * y + y * x + x * start + start * y + y.square() + y * start + x.square() + x.square(),
                _ => y - start,
            };
            y = x;
            x = z;
        }
        x
    };
    start.iter().map(|x| lane(x, &start[0])).collect()
}

proptest! {
    #[test]
    fn operations(pairs in proptest::collection::vec((element(), element()), 1..40)) {
        let (a, b): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        check(&a, &b);
    }

    #[test]
    fn chains(start in proptest::array::uniform8(element()), steps in proptest::collection::vec(any::<u8>(), 0..200)) {
        let expected = raw(&chain_by_lambdaworks(&start, &steps));
        for (kernel, results) in dispatch_each(Chain(&start, &steps)) {
            prop_assert_eq!(raw(&results), expected.clone(), "{}", kernel);
        }
    }

    #[test]
    fn long_sums(start in proptest::array::uniform8(element()), step in 0..8u8) {
        let steps = vec![step; 1000];
        let expected = raw(&chain_by_lambdaworks(&start, &steps));
        for (kernel, results) in dispatch_each(Chain(&start, &steps)) {
            prop_assert_eq!(raw(&results), expected.clone(), "{}", kernel);
        }
    }
}
