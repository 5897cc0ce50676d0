//! mul_mod: rows of instances, honest and forged.

use crate::add_mod::common_forgeries;
use crate::instances::{Case, Instances, number, power};
use crate::system::{Forgeries, System};
use crate::two;
use cairo_air::Builtin;
use cairo_air::components::range_check::Limbs;
use felt::{Felt, encoding};
use num_bigint::BigUint;
use proptest::prelude::*;

const MUL_MOD: Builtin = Builtin::MulMod;

fn case(p: &BigUint, a: &BigUint, b: &BigUint, c: &BigUint) -> Case {
    [p, a, b, c].map(Clone::clone)
}

/// Products that hold, at the edges.
fn cases() -> Vec<Case> {
    let (zero, one, max, half) = (number(0), number(1), power(384) - 1_u32, power(192));
    vec![
        case(&zero, &zero, &zero, &zero),
        case(&zero, &half, &(&half - 1_u32), &(&half * (&half - 1_u32))),
        case(&one, &max, &one, &zero),
        case(&one, &max, &one, &max),
        case(&one, &zero, &max, &zero),
        case(&max, &max, &max, &zero),
        case(&max, &max, &max, &max),
        case(&max, &(&max - 1_u32), &(&max - 1_u32), &one),
        case(&power(383), &power(200), &power(183), &zero),
        case(&power(64), &(power(64) - 1_u32), &(power(64) - 1_u32), &one),
        case(&number(7), &number(9), &number(3), &number(20)),
    ]
}

#[test]
fn edges_hold() {
    for limbs in Limbs::ALL {
        let instances = Instances::new(MUL_MOD, &cases(), false);
        assert_eq!(instances.check(), Ok(()));
        let report = instances.system(limbs).unwrap().report();
        assert!(report.is_clean(), "{limbs:?}: {report}");
    }
}

#[test]
fn batches_hold() {
    let p = power(381) + 3_u32;
    let value = |i: u32| (power(380) + 17_u32) / i;
    let batch: Vec<Case> =
        (1..6).map(|i| case(&p, &value(i), &value(i + 1), &(value(i) * value(i + 1) % &p))).collect();
    let instances = Instances::new(MUL_MOD, &batch, true);
    assert_eq!(instances.check(), Ok(()));
    let report = instances.system(Limbs::Words16).unwrap().report();
    assert!(report.is_clean(), "{report}");
    let cut = Instances { count: 4, ..instances };
    assert!(cut.check().unwrap_err().contains("counts n = 2"));
}

impl System {
    /// Writes an instance with its quotient.
    fn set_product(&mut self, row: usize, [p, a, b, c]: &Case, q: &BigUint) {
        self.set_modulus(row, p);
        [a, b, c].into_iter().enumerate().for_each(|(i, value)| self.set_value(row, i, value));
        self.set_digits(row, "q", q);
        self.provide_words(q);
    }

    /// Writes a carry, if it can be, in halves that are some; else the upper one is too large.
    fn set_carry(&mut self, row: usize, carry: usize, value: u64) {
        let shifted = value + (1 << 52);
        self.column(0, &format!("carry[{}]", 2 * carry))[row] = Felt::from(shifted & 31);
        self.column(0, &format!("carry[{}]", 2 * carry + 1))[row] = Felt::from(shifted >> 5);
    }
}

#[test]
fn each_constraint_stands_alone() {
    let honest = Instances::new(MUL_MOD, &cases(), false).system(Limbs::Bytes).unwrap();
    let mut forgeries = Forgeries::new(honest);
    // Of the first instance all numbers are 0, so that halves may be anything.
    common_forgeries(&mut forgeries);
    for k in 0..4 {
        forgeries.expect(&format!("word_q[{k}]"), |system| system.shift_halves(0, "q", k));
    }
    let none = || number(0);
    let set = |p: BigUint, a: BigUint, b: BigUint, c: BigUint, q: BigUint| {
        move |system: &mut System| {
            (0..3).for_each(|carry| system.set_carry(0, carry, 0));
            system.set_product(0, &[p.clone(), a.clone(), b.clone(), c.clone()], &q);
        }
    };
    // Products that are off by one in each chunk of four digits.
    forgeries.expect("chunk[0]", set(none(), none(), none(), number(1), none()));
    forgeries.expect("chunk[1]", set(none(), none(), none(), power(192), none()));
    forgeries.expect("chunk[2]", set(none(), power(192), power(192), none(), none()));
    forgeries.expect("chunk[3]", set(none(), power(336), power(240), none(), none()));
    // −1 in one chunk is modulo p 2^192 times 2^59 + 17, which the next chunk lacks: nothing but the halves of the carry is wrong.
    let wrap = (1 << 59) + 17;
    let [zero, big] = [number(0), number(wrap)];
    let forged = [
        case(&zero, &zero, &zero, &(&big * power(192) + 1_u32)),
        case(&power(192), &zero, &zero, &power(192)),
        case(&power(288), &zero, &zero, &zero),
    ];
    let quotients = [zero, &big * power(192), power(96) + &big * power(288)];
    for (carry, (instance, q)) in forged.iter().zip(&quotients).enumerate() {
        forgeries.expect(&format!("word_carry[{carry}]"), |system| {
            system.set_product(0, instance, q);
            system.set_carry(0, carry, wrap);
        });
    }
    forgeries.finish();
}

/// The row of a known instance: what the columns mean cannot change without notice.
#[test]
fn the_columns_of_a_row_are_pinned() {
    let (p, a, b) = (power(100) + 1_u32, power(300) + 5_u32, power(60) * 3_u32 + 2_u32);
    let product = &a * &b;
    let (q, c) = (&product / &p, &product % &p);
    let system = Instances::new(MUL_MOD, &[case(&p, &a, &b, &c)], false).system(Limbs::Bytes).unwrap();
    let column = |name: &str, row: usize| {
        let position = system.tables[0].air.columns().iter().position(|column| column == name).unwrap();
        encoding::to_u64(&system.traces[0][position][row]).unwrap()
    };
    let value = |name: &str| (0..8).rev().fold(number(0), |sum, i| (sum << 48) + column(&format!("{name}[{i}]"), 0));
    assert_eq!([value("p"), value("a"), value("b"), value("c"), value("q")], [p, a, b, c, q]);
    let carries: Vec<i64> = (0..3)
        .map(|i| (column(&format!("carry[{}]", 2 * i), 0) + 32 * column(&format!("carry[{}]", 2 * i + 1), 0)) as i64)
        .map(|carry| carry - (1 << 52))
        .collect();
    assert_eq!(carries, [-1, 0, 0]);
    let full = power(192) - 1_u32;
    let system = Instances::new(MUL_MOD, &[case(&number(0), &full, &full, &(&full * &full))], false)
        .system(Limbs::Bytes)
        .unwrap();
    let row: Vec<String> = system.traces[0][50..].iter().map(|column| encoding::to_hex(&column[0])).collect();
    assert_eq!(row.join(" "), "0x1b 0x9fffffffffff 0x0 0x800000000000 0x0 0x800000000000");
}

fn any_number() -> impl Strategy<Value = BigUint> {
    (any::<[u32; 12]>(), 0_u32..=384).prop_map(|(limbs, bits)| BigUint::from_slice(&limbs) >> (384 - bits))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    /// Check, witness and constraints agree on random instances, also where the result is off by a little.
    #[test]
    fn random_instances(p in any_number(), a in any_number(), b in any_number(), off in 0_u32..2) {
        let product = &a * &b;
        let c = (if p > number(0) { &product % &p } else { product.clone() } + off) % power(384);
        let rest = (product >= c).then(|| product - &c);
        let holds = rest.is_some_and(|rest| match p > number(0) {
            true => &rest % &p == number(0) && rest / &p < power(384),
            false => rest == number(0),
        });
        let instances = Instances::new(MUL_MOD, &[case(&p, &a, &b, &c)], false);
        prop_assert_eq!(instances.check().is_ok(), holds);
        match instances.system(Limbs::Words12) {
            Ok(system) => prop_assert!(holds && system.report().is_clean()),
            Err(error) => prop_assert!(!holds, "{}", error),
        }
    }
}

/// A carry is below 2^54 in amount if its halves are some, so that no chunk wraps modulo p: the bounds of the README, in numbers.
#[test]
fn chunks_do_not_wrap() {
    let digit = power(48) - 1_u32;
    let chunk = (0..4_u32).fold(number(0), |sum, i| sum + &digit * &digit * 8_u32 * power(48 * i));
    let digits = power(192);
    let carry = power(48) + power(53);
    let most = chunk + digits + &carry + &carry * power(192);
    let p = power(251) + power(192) * 17_u32 + 1_u32;
    assert!(most < p / 2_u32);
    assert!(two(251) + two(192) * Felt::from(17) + Felt::one() == Felt::zero());
}
