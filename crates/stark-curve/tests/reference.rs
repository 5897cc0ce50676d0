//! Against the arithmetic that cairo-vm computes with.

#![allow(clippy::unwrap_used)]

use felt::{Felt, encoding};
use proptest::prelude::*;
use stark_curve::products::{BITS, Factors, Products, products};
use stark_curve::{BETA, GENERATOR, ORDER, Point, START, Word, double_repeatedly, pedersen};
use starknet_types_core::curve::{AffinePoint, ProjectivePoint};
use starknet_types_core::felt::Felt as Reference;
use starknet_types_core::hash::{Pedersen, StarkHash};

fn reference(felt: &Felt) -> Reference {
    Reference::from_bytes_be(&encoding::to_canonical_be(felt))
}

fn point(point: &Point) -> ProjectivePoint {
    ProjectivePoint::from_affine(reference(&point.x), reference(&point.y)).unwrap()
}

fn same(ours: Option<Point>, theirs: &ProjectivePoint) -> bool {
    match (ours, theirs.to_affine()) {
        (Some(ours), Ok(theirs)) => (reference(&ours.x), reference(&ours.y)) == (theirs.x(), theirs.y()),
        (None, Err(_)) => true,
        _ => false,
    }
}

/// `m·Q` by the reference's additions alone.
fn times(scalar: &Word, base: &ProjectivePoint) -> ProjectivePoint {
    let mut sum = ProjectivePoint::identity();
    for i in (0..256).rev() {
        sum = sum.double();
        if scalar[i / 64] >> (i % 64) & 1 == 1 {
            sum += base;
        }
    }
    sum
}

fn felt() -> impl Strategy<Value = Felt> {
    let word = any::<[u64; 4]>().prop_filter_map("below p", |mut word| {
        word[3] &= (1 << 60) - 1;
        encoding::from_canonical_limbs(word)
    });
    prop_oneof![word, (0..100_u64).prop_map(Felt::from), (0..100_u64).prop_map(|value| -Felt::from(value))]
}

fn on_curve() -> impl Strategy<Value = Point> {
    (felt(), any::<bool>()).prop_filter_map("on the curve", |(x, negated)| {
        Point::with_x(x).map(|point| if negated { -point } else { point })
    })
}

#[test]
fn constants() {
    assert_eq!(reference(&GENERATOR.x), AffinePoint::generator().x());
    assert_eq!(reference(&GENERATOR.y), AffinePoint::generator().y());
    assert!(GENERATOR.is_on_curve() && START.is_on_curve());
    assert!(times(&ORDER, &point(&GENERATOR)).is_identity());
    assert!(pedersen::POINTS.iter().all(Point::is_on_curve));
    // No point has x = 0, and none y = 0: the order would be even.
    assert!(BETA.sqrt().is_none() && ORDER[0] % 2 == 1);
    let text = b"Cairn: products begin here";
    let x = text.iter().fold(Felt::zero(), |x, byte| x * Felt::from(256) + Felt::from(u64::from(*byte)));
    let found = (0..10_u64).find_map(|i| Point::with_x(x + Felt::from(i)));
    assert_eq!(found, Some(START));
}

/// The generator's order is that of the whole group: by Hasse's bound the curve has between `p + 1 − 2√p` and `p + 1 + 2√p` points, with
/// `√p` below 2^126, and no other multiple of `n` lies there.
#[test]
fn all_points_are_multiples_of_the_generator() {
    assert_eq!(ORDER[3], encoding::MODULUS[0] - 1);
    // n > 2^251, so 2·n is beyond p + 2^127.
    assert!(ORDER[3] >= 1 << 59);
}

#[test]
fn doubles() {
    let doubles = double_repeatedly(&START, 252);
    for pair in doubles.windows(2) {
        assert_eq!(pair[0].add(&pair[0]), Some(pair[1]));
    }
    assert!(doubles.iter().all(Point::is_on_curve));
}

#[test]
fn pedersen_table() {
    let table = &*pedersen::TABLE;
    let mut sum = *table.start();
    for input in 0..2 {
        let [low, high] = [pedersen::POINTS[1 + 2 * input], pedersen::POINTS[2 + 2 * input]];
        for place in 0..64 {
            let base = *table.point(input, place, 0);
            sum = sum.add(&base).unwrap();
            let (first, shift) = if place < 62 { (low, place) } else { (high, place - 62) };
            assert_eq!(base, double_repeatedly(&first, 4 * shift + 1)[4 * shift]);
            for value in 1..16 {
                let expected = table.point(input, place, value - 1).add(&base);
                assert_eq!(Some(*table.point(input, place, value)), expected);
            }
        }
    }
    assert_eq!(sum, pedersen::POINTS[0]);
}

#[test]
fn pedersen_at_the_edges() {
    let power = |bits: u64| Felt::from(2).pow(bits);
    let inputs =
        [Felt::zero(), Felt::one(), -Felt::one(), power(248), power(248) - Felt::one(), power(251), power(192)];
    for x in &inputs {
        for y in &inputs {
            let expected = Pedersen::hash(&reference(x), &reference(y));
            let found = pedersen::hashes(&[[*x, *y]]);
            assert_eq!(found[0].map(|hash| reference(&hash)), Some(expected));
        }
    }
}

#[test]
fn products_at_the_edges() {
    let mut scalars: Vec<Word> = vec![[0; 4], [1, 0, 0, 0], ORDER, [ORDER[0] + 1, ORDER[1], ORDER[2], ORDER[3]]];
    scalars.push([u64::MAX, u64::MAX, u64::MAX, (1 << 60) - 1]);
    scalars.push(encoding::canonical_limbs(&-Felt::one()));
    let double = START.add(&START).unwrap();
    // START and (n − 1)·START sum to infinity.
    assert_eq!(products(&[Factors { point: START, scalar: ORDER }]), [None]);
    for base in [GENERATOR, -GENERATOR, double] {
        for scalar in &scalars {
            let ours = products(&[Factors { point: base, scalar: *scalar }])[0];
            let theirs = point(&START) + times(scalar, &point(&base));
            assert!(same(ours, &theirs), "{base:?} {scalar:?}");
        }
    }
    // The sum meets what is added, which is a tangent, and its opposite, which has no sum.
    let one = [1, 0, 0, 0];
    assert_eq!(products(&[Factors { point: START, scalar: one }]), [Some(double)]);
    assert_eq!(products(&[Factors { point: -START, scalar: one }]), [None]);
    // The others of a batch are as they were.
    let factors = [-START, GENERATOR, START].map(|point| Factors { point, scalar: one });
    assert_eq!(products(&factors), [None, START.add(&GENERATOR), Some(double)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn sums(a in on_curve(), b in on_curve()) {
        prop_assert!(same(a.add(&b), &(point(&a) + point(&b))));
        prop_assert!(same(a.add(&a), &point(&a).double()));
        prop_assert_eq!(a.add(&-a), None);
    }

    #[test]
    fn products_are_the_references(factors in prop::collection::vec((on_curve(), felt()), 1..9)) {
        let factors: Vec<_> = factors.iter().map(|(point, m)| {
            Factors { point: *point, scalar: encoding::canonical_limbs(m) }
        }).collect();
        let walked = Products::new(&factors);
        for (i, end) in walked.ends().iter().enumerate() {
            let Factors { point: base, scalar } = &factors[i];
            prop_assert!(same(*end, &(point(&START) + times(scalar, &point(base)))));
            prop_assert_eq!(walked.double(i, 0).point, *base);
            prop_assert_eq!(walked.sum(i, BITS - 1).point, START);
        }
    }

    #[test]
    fn hashes_are_the_references(inputs in prop::collection::vec((felt(), felt()), 1..9)) {
        let pairs: Vec<_> = inputs.iter().map(|(x, y)| [*x, *y]).collect();
        for ([x, y], hash) in pairs.iter().zip(pedersen::hashes(&pairs)) {
            prop_assert_eq!(hash.map(|hash| reference(&hash)), Some(Pedersen::hash(&reference(x), &reference(y))));
        }
    }
}
