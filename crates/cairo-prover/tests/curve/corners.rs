//! Points that a forger chooses so that a sum on the way meets what is added, or its opposite: there the equations of a line leave the slope open, or
//! ask for one that there is not. All else is made to fit, so that a single constraint, or the two of one line, stand between the forger and a lie.

use crate::ec_op::{self, Instance, PRODUCT};
use crate::forger::Forger;
use crate::scalars::{divided, end, inverse, multiple, times, word};
use crate::{ecdsa, pedersen};
use cairo_air::Builtin;
use cairo_air::components::pedersen::{INPUT_ROWS, ROWS};
use felt::Felt;
use stark_curve::ecdsa::{Steps, minus_twice_start};
use stark_curve::pedersen::{POINTS, TABLE};
use stark_curve::products::Factors;
use stark_curve::{GENERATOR, Point, START};

fn small(value: u64) -> Felt {
    Felt::from(value)
}

fn slope_at(point: &Point) -> Felt {
    let (numerator, denominator) = point.tangent();
    numerator * denominator.inv().unwrap()
}

/// The last two bits of a scalar, which the last row of digits adds.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Bit {
    High,
    Low,
}

impl Bit {
    fn weight(self) -> u64 {
        match self {
            Self::High => 2,
            Self::Low => 1,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Low => "low",
        }
    }
}

/// Instance 1 of ec_op with the scalar `m`, whose product adds one of its last two bits along `slope` and comes to `product`.
fn forged_product(q: Point, m: u64, bit: Bit, slope: Felt, product: Point) -> Forger {
    let mut forger = Forger::new(ec_op::partly());
    Instance::of(POINTS[1], q, small(m), false, product).write(&mut forger, 1);
    ec_op::write_product(&mut forger, 1, Factors { point: q, scalar: [m, 0, 0, 0] });
    let row = 128 + 125;
    // (Where the sum and its point are opposite, the table as it is filled has no sum here.)
    let sum = end(q, [m & !3, 0, 0, 0]);
    let middle = if bit == Bit::High { product } else { sum };
    for (name, value) in [("sum_x", sum.x), ("sum_y", sum.y), ("middle_x", middle.x)] {
        forger.set(&PRODUCT, row, name, value);
    }
    for other in [Bit::High, Bit::Low] {
        let slope = if bit == other { slope } else { Felt::zero() };
        forger.set(&PRODUCT, row, &format!("{}_slope", other.name()), slope);
    }
    for name in ["sum_x", "middle_x"] {
        forger.set(&PRODUCT, row + 1, name, product.x).set(&PRODUCT, row + 2, name, product.x);
    }
    forger.set(&PRODUCT, row + 1, "sum_y", product.y);
    // The last row leads back to where the next product starts.
    let missing = START.add(&-product).unwrap();
    let double = missing.add(&missing).unwrap();
    for (name, value) in [
        ("q_x", missing.x),
        ("q_y", missing.y),
        ("q_slope", slope_at(&missing)),
        ("double_x", double.x),
        ("double_slope", slope_at(&double)),
        ("sum_y", product.y),
        ("low", Felt::one()),
        ("low_slope", product.add_by_slope(&missing).unwrap().0),
    ] {
        forger.set(&PRODUCT, row + 2, name, value);
    }
    ec_op::settle(&mut forger);
    forger
}

/// Multiples of four as the scalar's bits before the last two.
fn bits_before() -> impl Iterator<Item = u64> {
    (0..40).map(|number| 4 * number)
}

/// What the forger writes is taken if it is true.
#[test]
fn true_products_pass() {
    for bit in [Bit::High, Bit::Low] {
        // The sum meets the point itself, and is doubled.
        let q = divided(-START, &[8 - bit.weight(), 0, 0, 0]);
        let sum = multiple(q, [bit.weight(), 0, 0, 0]);
        assert_eq!(end(q, [8, 0, 0, 0]), sum);
        let forger = forged_product(q, 8 + bit.weight(), bit, slope_at(&sum), sum.add(&sum).unwrap());
        assert!(forger.faults().is_empty(), "{bit:?}: {:?}", forger.faults());
        // A bit that is 0, at the opposite point.
        let q = divided(-START, &[8 + bit.weight(), 0, 0, 0]);
        let sum = multiple(-q, [bit.weight(), 0, 0, 0]);
        let forger = forged_product(q, 8, bit, Felt::zero(), sum);
        assert!(forger.faults().is_empty(), "{bit:?}: {:?}", forger.faults());
    }
}

/// A bit that is 0 adds nothing. Where the sum is the opposite of the point that is not added, chord and tangent say so of no slope.
#[test]
fn bits_of_zero_that_add() {
    for bit in [Bit::High, Bit::Low] {
        let found = bits_before().find_map(|before| {
            let q = divided(-START, &[before + bit.weight(), 0, 0, 0]);
            let Point { x, y } = multiple(-q, [bit.weight(), 0, 0, 0]);
            // A slope that leads from the sum to another point of the curve: 3x·slope² + 2y·slope + 3x² + 1 = 0.
            let triple = x * small(3);
            let (root, _) = (y.square() - triple * (triple * x + Felt::one())).sqrt()?;
            let slope = (root - y) * triple.inv().unwrap();
            let product = Point { x: x + slope.square(), y: y - slope.square() * slope };
            assert!(product.is_on_curve());
            Some(forged_product(q, before, bit, slope, product))
        });
        found.unwrap().refused_for(&[&format!("ec_op_product/{}_off", bit.name())]);
    }
}

/// Where the sum is the point that is added, the chord says nothing: with `slope² = 3x` the sum would be the opposite point.
#[test]
fn products_that_meet_their_point() {
    for bit in [Bit::High, Bit::Low] {
        // (With 4 before, the opposite point would be `START`, to which nothing leads back.)
        let found = bits_before().skip(2).find_map(|before| {
            let q = divided(-START, &[before - bit.weight(), 0, 0, 0]);
            let sum = multiple(q, [bit.weight(), 0, 0, 0]);
            let (slope, _) = (sum.x * small(3)).sqrt()?;
            Some(forged_product(q, before + bit.weight(), bit, slope, -sum))
        });
        found.unwrap().refused_for(&[&format!("ec_op_product/{}_tangent", bit.name())]);
    }
}

/// Where the sum is the opposite of the point that is added, there is no sum.
#[test]
fn products_that_meet_the_opposite_point() {
    for bit in [Bit::High, Bit::Low] {
        let q = divided(-START, &[12 + bit.weight(), 0, 0, 0]);
        let sum = multiple(-q, [bit.weight(), 0, 0, 0]);
        assert_eq!(
            stark_curve::products::products(&[Factors { point: q, scalar: [12 + bit.weight(), 0, 0, 0] }]),
            [None]
        );
        let forger = forged_product(q, 12 + bit.weight(), bit, slope_at(&sum), sum.add(&sum).unwrap());
        let name = bit.name();
        forger.refused_for(&[&format!("ec_op_product/{name}_chord"), &format!("ec_op_product/{name}_tangent")]);
    }
}

/// `P = −m·Q`: the result is infinity, and any finite one is refused.
#[test]
fn ec_op_at_infinity() {
    let factors = Factors { point: POINTS[2], scalar: [9, 0, 0, 0] };
    let product = ec_op::end(factors);
    let p = -multiple(factors.point, factors.scalar);
    let (sum_slope, sum) = p.add_by_slope(&product).unwrap();
    assert_eq!(sum, START);
    let r_slope = slope_at(&START);
    let r = START.along(&r_slope, &START.x);
    let instance = Instance { p, q: factors.point, m: small(9), top: false, product, sum_slope, r_slope, r };
    ec_op::forged(&instance, factors).refused_for(&["ec_op/r_chord", "ec_op/r_tangent"]);
}

/// `P + m·Q = −START`: the result is finite, but the sum with the product is not. Such an instance has no row, true or not.
#[test]
fn ec_op_at_the_opposite_of_the_start() {
    let factors = Factors { point: POINTS[2], scalar: [0; 4] };
    let p = -START;
    let (sum_slope, sum) = (slope_at(&p), p.add(&p).unwrap());
    let (r_slope, r) = sum.add_by_slope(&p).unwrap();
    let q = factors.point;
    let instance = Instance { p, q, m: Felt::zero(), top: false, product: START, sum_slope, r_slope, r };
    ec_op::forged(&instance, factors).refused_for(&["ec_op/sum_chord", "ec_op/sum_tangent"]);
}

/// Rows behind the last instance repeat it: another instance's values there are another value for its cells.
#[test]
fn rows_behind_the_last_instance() {
    let mut forger = Forger::new(ec_op::partly());
    for name in forger.columns(&ec_op::OWN).iter().filter(|name| *name != "address") {
        let value = forger.get(&ec_op::OWN, 1, name);
        forger.set(&ec_op::OWN, 40, name, value);
    }
    ec_op::settle(&mut forger);
    forger.refused_for(&["memory"]);

    let steps = stark_curve::ecdsa::steps(&[ecdsa::of_zero()])[0].unwrap();
    let mut forger = ecdsa::forged(&steps, steps.factors());
    let message = forger.get(&ecdsa::OWN, 0, "z");
    assert_ne!(message, forger.get(&ecdsa::OWN, 40, "z"));
    for name in forger.columns(&ecdsa::OWN).iter().filter(|name| *name != "address") {
        let value = forger.get(&ecdsa::OWN, 0, name);
        forger.set(&ecdsa::OWN, 40, name, value);
    }
    ecdsa::settle(&mut forger);
    forger.refused_for(&["memory"]);

    let mut forger = pedersen::forged([[5, 6, 7, 8], [9, 0, 0, 0]]);
    for name in forger.columns(&pedersen::OWN).iter().filter(|name| *name != "address") {
        for row in 0..ROWS {
            let value = forger.get(&pedersen::OWN, ROWS + row, name);
            forger.set(&pedersen::OWN, 7 * ROWS + row, name, value);
        }
    }
    forger.balance();
    forger.refused_for(&["memory"]);
}

/// An instance that no row visits, in the middle of the segment or at its end.
#[test]
fn instances_without_rows() {
    let mut forger = Forger::new(pedersen::partly());
    for name in forger.columns(&pedersen::OWN) {
        for row in 0..ROWS {
            let value = forger.get(&pedersen::OWN, 2 * ROWS + row, &name);
            forger.set(&pedersen::OWN, ROWS + row, &name, value);
        }
    }
    forger.balance();
    forger.refused_for(&["pedersen/next_address"]);

    let mut forger = Forger::new(ecdsa::blank());
    for name in forger.columns(&ecdsa::OWN) {
        let value = forger.get(&ecdsa::OWN, 0, &name);
        for row in 1..forger.height(&ecdsa::OWN) {
            forger.set(&ecdsa::OWN, row, &name, value);
        }
    }
    ecdsa::settle(&mut forger);
    forger.refused_for(&["ecdsa/last_address"]);
}

/// A signature whose parts after the sum `z·G + r·Q` are right, for `w` and a sum that is given; `q` follows from `r`.
fn signature(z: u64, sum_slope: Felt, sum: Point, b_slope: Felt, b: Point, q: impl Fn(&Felt) -> Point) -> Steps {
    let zg = end(GENERATOR, [z, 0, 0, 0]);
    // Some `w` for which `r` is below 2^251.
    let tried = (1..20_u64).find_map(|w| {
        let wb = end(b, [w, 0, 0, 0]);
        let (r_slope, point) = wb.add_by_slope(&-START)?;
        (word(&point.x)[3] >> 59 == 0).then_some((w, wb, r_slope, point.x))
    });
    let (w, wb, r_slope, r) = tried.unwrap();
    let q = q(&r);
    let rq = end(q, word(&r));
    Steps { q, z: small(z), r, w: small(w), zg, rq, sum_slope, sum, b_slope, b, wb, r_slope }
}

/// `B = z·G + r·Q` of a sum, as the table computes it.
fn less_twice_start(sum: &Point) -> (Felt, Point) {
    sum.add_by_slope(&minus_twice_start()).unwrap()
}

/// `z·G = −r·Q`: the nonce's point would be infinity.
#[test]
fn signatures_at_infinity() {
    let twice = -minus_twice_start();
    let slope = slope_at(&twice);
    let b = twice.add(&twice).unwrap();
    let q = |r: &Felt| -multiple(GENERATOR, times(&[7, 0, 0, 0], &inverse(&word(r))));
    let zg = end(GENERATOR, [7, 0, 0, 0]);
    let other = START.add(&-multiple(GENERATOR, [7, 0, 0, 0])).unwrap();
    let (sum_slope, sum) = zg.add_by_slope(&other).unwrap();
    assert_eq!(sum, twice);
    let steps = signature(7, sum_slope, sum, slope, b, q);
    assert_eq!(steps.rq, other);
    ecdsa::forged(&steps, steps.factors()).refused_for(&["ecdsa/b_chord", "ecdsa/b_tangent"]);
}

/// Both products are opposite points: no signature, whatever the sum is said to be.
#[test]
fn signatures_of_opposite_products() {
    let zg = end(GENERATOR, [7, 0, 0, 0]);
    let (slope, sum) = (slope_at(&zg), zg.add(&zg).unwrap());
    let (b_slope, b) = less_twice_start(&sum);
    let q = |r: &Felt| multiple((-zg).add(&-START).unwrap(), inverse(&word(r)));
    let steps = signature(7, slope, sum, b_slope, b, q);
    assert_eq!(steps.rq, -zg);
    ecdsa::forged(&steps, steps.factors()).refused_for(&["ecdsa/sum_chord", "ecdsa/sum_tangent"]);
}

/// Both products are one point: a signature like any other, with the tangent's slope and no other.
#[test]
fn signatures_of_equal_products() {
    let of = |z: u64, slope: Felt, sum: Point| {
        let (b_slope, b) = less_twice_start(&sum);
        let q = |r: &Felt| multiple(GENERATOR, times(&[z, 0, 0, 0], &inverse(&word(r))));
        let steps = signature(z, slope, sum, b_slope, b, q);
        assert_eq!(steps.rq, steps.zg);
        ecdsa::forged(&steps, steps.factors())
    };
    let zg = end(GENERATOR, [7, 0, 0, 0]);
    let forger = of(7, slope_at(&zg), zg.add(&zg).unwrap());
    assert!(forger.faults().is_empty(), "{:?}", forger.faults());
    let found = (1..40).find_map(|z| {
        let zg = end(GENERATOR, [z, 0, 0, 0]);
        let (slope, _) = (zg.x * small(3)).sqrt()?;
        Some(of(z, slope, -zg))
    });
    found.unwrap().refused_for(&["ecdsa/sum_tangent"]);
}

/// `r = 0` would be good for every key: no point of the curve has this `x`.
#[test]
fn an_r_of_zero() {
    let honest = ecdsa::example();
    let (sum_slope, sum) = honest.zg.add_by_slope(&START).unwrap();
    let (b_slope, b) = less_twice_start(&sum);
    let found = (1..40_u64).find_map(|w| {
        let wb = end(b, [w, 0, 0, 0]);
        let (r_slope, _) = (wb.x + START.x).sqrt()?;
        Some(Steps { r: Felt::zero(), rq: START, sum_slope, sum, b_slope, b, w: small(w), wb, r_slope, ..honest })
    });
    let steps = found.unwrap();
    ecdsa::forged(&steps, steps.factors()).refused_for(&["ecdsa/r_chord", "ecdsa/r_tangent"]);
}

/// A product of another base point than the generator.
#[test]
fn another_generator() {
    let honest = ecdsa::example();
    let base = POINTS[2];
    let zg = end(base, word(&honest.z));
    let (sum_slope, sum) = zg.add_by_slope(&honest.rq).unwrap();
    let (b_slope, b) = less_twice_start(&sum);
    let wb = end(b, word(&honest.w));
    let (r_slope, _) = wb.add_by_slope(&-START).unwrap();
    let steps = Steps { zg, sum_slope, sum, b_slope, b, wb, r_slope, ..honest };
    let mut factors = steps.factors();
    factors[0].point = base;
    ecdsa::forged(&steps, factors).refused_for(&["ecdsa/r_x", "ecdsa_product"]);
}

/// `16` in place 0 and nothing in place 1 is the number 16, too; with the point of 15 it would have another hash.
#[test]
fn digits_above_15() {
    let words = [[15, 0, 0, 0], [1, 0, 0, 0]];
    let mut forger = pedersen::forged(words);
    let row = ROWS + INPUT_ROWS - 1;
    forger.set(&pedersen::OWN, row, "digit[3]", small(16));
    assert_eq!(forger.get(&pedersen::OWN, row, "point_x[3]"), TABLE.point(0, 0, 15).x);
    let base = forger.instance(Builtin::Pedersen, 1);
    forger.set_memory(base, small(16)).balance();
    forger.refused_for(&["pedersen_point"]);
}
