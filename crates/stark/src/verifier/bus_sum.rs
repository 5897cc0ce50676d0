//! The bus sum, for public terms by the hundred thousand.
//!
//! With `β = 1/α` a tuple of `k` entries has the denominator `z − (b + α·t_1 + … + α^k·t_k) = α^k·D`, where
//! `D = (z − b)·β^k − (β^(k−1)·t_1 + … + β·t_(k−1) + t_k)` takes a product less than the tuple has entries. Terms of one length share the power of `α`,
//! which is applied to their sum. Sums are kept as fractions, which takes two products a term and no inversion: one is zero if its
//! numerator is, and one of its terms has no inverse if its denominator is zero.

use super::VerifyError;
use crate::air::Bus;
use crate::composition::BusChallenges;
use crate::public::{PublicTerms, Terms};
use crate::shape::Shape;
use felt::vector::{Fraction, horner_differences_portable};
use felt::{Felt, encoding, product};
use std::collections::BTreeMap;

/// Denominators at once: they stay in a core's first cache.
const BLOCK: usize = 1 << 8;

/// Checks that the totals of all groups and the public terms sum to zero.
///
/// # Errors
/// [`VerifyError::IdleTotal`], [`VerifyError::PublicDenominator`] with the first such term, [`VerifyError::BusSum`].
pub(super) fn check_bus_sum(
    shape: &Shape,
    public: &PublicTerms,
    bus: &BusChallenges,
    totals: &[Felt],
) -> Result<(), VerifyError> {
    for (group, total) in shape.groups.iter().zip(totals) {
        if group.batches.is_empty() && *total != Felt::zero() {
            return Err(VerifyError::IdleTotal(group.log_height));
        }
    }
    let mut sum = sum(public, bus);
    if encoding::is_zero(&sum.denominator) {
        return Err(VerifyError::PublicDenominator(first_zero(public, bus)));
    }
    let total = totals.iter().fold(Felt::zero(), |sum, total| sum + total);
    sum.add_portable(&total, &[Felt::one()]);
    if encoding::is_zero(&sum.numerator) { Ok(()) } else { Err(VerifyError::BusSum) }
}

/// The terms of one bus with tuples of one length.
struct Side {
    /// `(z − b)·β^k`
    constant: Felt,
    /// Without the power of `α`.
    sum: Fraction,
}

/// The sum of the public terms.
fn sum(public: &PublicTerms, bus: &BusChallenges) -> Fraction {
    let (beta, known) = bus.alpha.inv().map_or_else(|_| (Felt::zero(), false), |beta| (beta, true));
    let mut sides: BTreeMap<(u32, usize), Side> = BTreeMap::new();
    let mut block = Vec::with_capacity(BLOCK);
    for Terms { bus: Bus { id, .. }, multiplicity, width, count, entries } in public.runs() {
        // If α is zero, entries do not count.
        let width = if known { width } else { 0 };
        let Side { constant, sum } = sides.entry((id, width)).or_insert_with(|| {
            let constant = product(&(bus.z - Felt::from(u64::from(id))), &beta.pow(width));
            Side { constant, sum: Fraction::zero() }
        });
        if width == 0 {
            sum.add_portable(&(multiplicity * Felt::from(count as u64)), &[*constant]);
            continue;
        }
        for rows in entries.chunks(BLOCK * width) {
            block.clear();
            horner_differences_portable(rows, width, &beta, constant, &mut block);
            sum.add_portable(&multiplicity, &block);
        }
    }
    let mut total = Fraction::zero();
    for ((_, width), side) in &sides {
        total.add_scaled(&beta.pow(*width), &side.sum);
    }
    total
}

/// The position of the first term whose denominator is zero, if there is one.
fn first_zero(public: &PublicTerms, bus: &BusChallenges) -> usize {
    let terms = public.runs().flat_map(|terms| terms.tuples().map(move |tuple| (terms.bus, tuple)));
    let zero = |(of, tuple): (_, &[Felt])| encoding::is_zero(&bus.difference(of, tuple.iter()));
    terms.map(zero).position(|is_zero| is_zero).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::{AirBuilder, AirError};
    use crate::parameters::Parameters;
    use crate::table::{PublicTuple, Table};
    use std::sync::Arc;

    const BUS: Bus = Bus { id: 5, name: "bus", arity: 2 };

    fn shape() -> Result<Shape, AirError> {
        let mut b = AirBuilder::new("test");
        b.provide("entry", BUS, 1, [0.into(), 0.into()]);
        let table = Table { air: Arc::new(b.build()?), log_height: 6 };
        Ok(Shape::new(&[table], &Parameters::default()))
    }

    /// A challenge that meets a tuple, which no transcript can be made to give.
    #[test]
    fn a_public_tuple_that_meets_the_challenge() -> Result<(), AirError> {
        let shape = shape()?;
        let tuple = |a: u64, b: u64| [Felt::from(a), Felt::from(b)];
        // 5 + 10·3 + 100·4
        let bus = BusChallenges { z: Felt::from(435u64), alpha: Felt::from(10u64) };
        let mut public = PublicTerms::new();
        public.provide(BUS, tuple(1, 2));
        // Beside the next one it counts: 1/(435 − 215) and the group's total.
        let total = -Felt::from(220u64).inv().unwrap_or_default();
        assert_eq!(check_bus_sum(&shape, &public, &bus, &[total]), Ok(()));
        assert_eq!(check_bus_sum(&shape, &public, &bus, &[-total]), Err(VerifyError::BusSum));
        public.require(BUS, tuple(3, 4));
        let refused = check_bus_sum(&shape, &public, &bus, &[Felt::zero()]);
        assert_eq!(refused, Err(VerifyError::PublicDenominator(1)));
        // In a run, whose other terms are none.
        public.require_each(BUS, [[5, 6], [3, 4], [7, 8]].into_iter().map(|[a, b]| tuple(a, b)));
        let last = PublicTerms::from(&public.to_tuples()[2..]);
        let refused = check_bus_sum(&shape, &last, &bus, &[Felt::zero()]);
        assert_eq!(refused, Err(VerifyError::PublicDenominator(1)));
        Ok(())
    }

    /// Terms that are none, that are there several times, or that take each other away.
    #[test]
    fn terms_that_repeat() -> Result<(), AirError> {
        let shape = shape()?;
        let [a, b] = [[1, 2], [3, 4]].map(|tuple: [u64; 2]| tuple.map(Felt::from));
        let bus = BusChallenges { z: Felt::from(1000u64), alpha: Felt::from(10u64) };
        let sum = |public: &PublicTerms, total: Felt| check_bus_sum(&shape, public, &bus, &[total]);
        // 5 + 10·1 + 100·2, 5 + 10·3 + 100·4
        let [of_a, of_b] = [215u64, 435].map(|f| Felt::from(1000 - f).inv().unwrap_or_default());
        // Without terms nothing stands against the total.
        let empty = PublicTerms::new();
        assert_eq!(sum(&empty, Felt::zero()), Ok(()));
        assert_eq!(sum(&empty, Felt::one()), Err(VerifyError::BusSum));
        let mut none = PublicTerms::new();
        none.require_each(BUS, std::iter::empty::<[Felt; 2]>());
        assert_eq!((none.len(), sum(&none, Felt::zero())), (0, Ok(())));
        // Each counts, in any order and in runs of any length.
        for count in [1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK] {
            let [mut apart, mut once] = [PublicTerms::new(), PublicTerms::new()];
            (0..count).for_each(|_| apart.provide(BUS, a));
            apart.require(BUS, b);
            once.require(BUS, b);
            once.push(BUS, Felt::from(count as u64), a);
            let expected = of_a * Felt::from(count as u64) - of_b;
            for public in [apart, once] {
                assert_eq!(sum(&public, -expected), Ok(()));
                assert_eq!(sum(&public, -expected - of_a), Err(VerifyError::BusSum));
            }
        }
        let mut both = PublicTerms::new();
        both.provide(BUS, a);
        both.require(BUS, a);
        both.push(BUS, Felt::zero(), b);
        assert_eq!(sum(&both, Felt::zero()), Ok(()));
        assert_eq!(sum(&both, of_b), Err(VerifyError::BusSum));
        // What meets the challenge is refused, though it were taken away again, or counted not at all.
        for z in [215u64, 435] {
            let bus = BusChallenges { z: Felt::from(z), ..bus };
            let refused = check_bus_sum(&shape, &both, &bus, &[Felt::zero()]);
            assert_eq!(refused, Err(VerifyError::PublicDenominator(if z == 215 { 0 } else { 2 })));
        }
        Ok(())
    }

    /// What the definition says, one term at a time.
    fn reference(tuples: &[PublicTuple], bus: &BusChallenges) -> Option<Felt> {
        let term = |PublicTuple { bus: Bus { id, .. }, multiplicity, tuple }: &PublicTuple| {
            let mut power = Felt::one();
            let mut fingerprint = Felt::from(u64::from(*id));
            for entry in tuple {
                power *= bus.alpha;
                fingerprint += power * entry;
            }
            (bus.z - fingerprint).inv().ok().map(|inverse| inverse * multiplicity)
        };
        tuples.iter().map(term).try_fold(Felt::zero(), |sum, term| Some(sum + term?))
    }

    /// Random terms: long runs, and neighbours that differ in one respect only.
    #[test]
    fn sums_are_those_of_the_definition() -> Result<(), AirError> {
        let shape = shape()?;
        let mut number = 0_u64;
        let mut random = |end: u64| {
            number += 1;
            let digest = *blake3::hash(&number.to_le_bytes()).as_bytes();
            u64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|i| digest[i])) % end
        };
        for case in 0..60 {
            let mut tuples = Vec::new();
            for _ in 0..random(40) {
                let bus = Bus { id: 1 + random(3) as u32, name: "bus", arity: random(5) as usize };
                let multiplicity = match random(4) {
                    0 => Felt::one(),
                    1 => -Felt::one(),
                    2 => Felt::from(random(3)),
                    _ => Felt::from(random(u64::MAX)) * Felt::from(random(u64::MAX)),
                };
                let count = if random(6) == 0 { BLOCK as u64 * 2 + random(3) } else { 1 + random(3) };
                for _ in 0..count {
                    let tuple = (0..bus.arity).map(|_| Felt::from(random(u64::MAX)) * Felt::from(random(1 << 50)));
                    tuples.push(PublicTuple { bus, multiplicity, tuple: tuple.collect() });
                }
            }
            let terms = PublicTerms::from(tuples.as_slice());
            assert_eq!(terms.len(), tuples.len());
            assert_eq!(terms.to_tuples(), tuples);
            let z = Felt::from(random(u64::MAX)) * Felt::from(random(u64::MAX));
            let alpha = if case % 8 == 7 { Felt::zero() } else { Felt::from(random(u64::MAX)) };
            let bus = BusChallenges { z, alpha };
            let expected = reference(&tuples, &bus).unwrap_or_default();
            assert_eq!(check_bus_sum(&shape, &terms, &bus, &[-expected]), Ok(()), "{case}");
            let wrong = check_bus_sum(&shape, &terms, &bus, &[Felt::one() - expected]);
            assert_eq!(wrong, Err(VerifyError::BusSum), "{case}");
            // A challenge that some of them meet: the first of these is named.
            let Some(met) = tuples.get(random(1 + tuples.len() as u64) as usize) else { continue };
            let bus = BusChallenges { z: z - bus.difference(met.bus, met.tuple.iter()), alpha };
            let first = tuples.iter().position(|tuple| bus.denominator(tuple) == Felt::zero()).unwrap_or_default();
            let refused = check_bus_sum(&shape, &terms, &bus, &[Felt::zero()]);
            assert_eq!(refused, Err(VerifyError::PublicDenominator(first)), "{case}");
        }
        Ok(())
    }
}
