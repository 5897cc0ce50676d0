//! add_mod: rows of instances, honest and forged.

use crate::instances::{BASE, Case, Instances, number, power, write};
use crate::system::{Forgeries, System};
use crate::two;
use cairo_air::Builtin;
use cairo_air::components::range_check::Limbs;
use felt::{Felt, encoding};
use num_bigint::BigUint;
use proptest::prelude::*;

const ADD_MOD: Builtin = Builtin::AddMod;

fn case(p: &BigUint, a: &BigUint, b: &BigUint, c: &BigUint) -> Case {
    [p, a, b, c].map(Clone::clone)
}

/// Sums that hold, at the edges.
fn cases() -> Vec<Case> {
    let (zero, one, max, half) = (number(0), number(1), power(384) - 1_u32, power(192));
    vec![
        case(&zero, &zero, &zero, &zero),
        case(&zero, &number(5), &number(7), &number(12)),
        case(&one, &zero, &one, &zero),
        case(&one, &max, &zero, &max),
        case(&max, &max, &max, &max),
        case(&max, &max, &zero, &zero),
        case(&number(5), &number(7), &zero, &number(7)),
        case(&number(5), &number(7), &number(3), &number(5)),
        // The lower half carries 1, and −1.
        case(&max, &(&half - 1_u32), &one, &half),
        case(&(&half - 1_u32), &half, &zero, &one),
        case(&(&max - 1_u32), &(&max - 1_u32), &one, &one),
    ]
}

#[test]
fn edges_hold() {
    for limbs in Limbs::ALL {
        let instances = Instances::new(ADD_MOD, &cases(), false);
        assert_eq!(instances.check(), Ok(()));
        let report = instances.system(limbs).unwrap().report();
        assert!(report.is_clean(), "{limbs:?}: {report}");
    }
}

/// One batch, whose instances have one modulus.
fn batch() -> Vec<Case> {
    let p = power(96) * 3_u32 + power(48) + 10_u32;
    let value = |i: u64| power(96) * i + power(48) * i + i;
    (1..5).map(|i| case(&p, &value(i), &value(i + 1), &(value(2 * i + 1) % &p))).collect()
}

#[test]
fn batches_hold() {
    let batch: Vec<Case> = batch().into_iter().take(2).collect();
    let instances = Instances::new(ADD_MOD, &batch, true);
    assert_eq!(instances.check(), Ok(()));
    let report = instances.system(Limbs::Bytes).unwrap().report();
    assert!(report.is_clean(), "{report}");
}

/// What of the walk, the cells and the words both modular builtins have.
pub fn common_forgeries(forgeries: &mut Forgeries) {
    // Rows of padding that are in use 5 and −5 times.
    forgeries.expect("boolean_enabler", |system| {
        system.column(0, "enabler")[20] = Felt::from(5);
        system.column(0, "enabler")[21] = -Felt::from(5);
    });
    // The first instance counts two, and the next one is of another batch.
    forgeries.expect("last_of_batch", |system| {
        system.column(0, "n")[0] = Felt::from(2);
        system.set_memory(BASE + 6, Felt::from(2));
    });
    // The first instance has one before it; the last goes on.
    forgeries.refused("before", |system| system.column(0, "joins")[0] = Felt::one());
    forgeries.refused("after", |system| {
        let last = last_row(system);
        system.column(0, "goes_on")[last] = Felt::one();
    });
    let mut cell = |what: String, address: usize| {
        forgeries.expect(&what, |system| system.set_memory(address, two(200)));
    };
    for k in 0..4 {
        cell(format!("p[{k}]"), BASE + k);
    }
    for (what, k) in [("values_ptr", 4), ("offsets_ptr", 5), ("n", 6)] {
        cell(what.to_owned(), BASE + k);
    }
    for (i, value) in ["a", "b", "c"].into_iter().enumerate() {
        cell(format!("offset[{i}]"), Instances::offset_place(0, i));
        for k in 0..4 {
            cell(format!("{value}[{k}]"), Instances::place(0, i, k));
        }
    }
    for value in ["p", "a", "b", "c"] {
        for k in 0..4 {
            forgeries.expect(&format!("word_{value}[{k}]"), |system| system.shift_halves(0, value, k));
        }
    }
}

pub fn last_row(system: &System) -> usize {
    system.traces[0][0].iter().filter(|enabler| **enabler == Felt::one()).count() - 1
}

#[test]
fn each_constraint_stands_alone() {
    let honest = Instances::new(ADD_MOD, &cases(), false).system(Limbs::Bytes).unwrap();
    let mut forgeries = Forgeries::new(honest);
    common_forgeries(&mut forgeries);
    let set = |p: BigUint, a: BigUint, b: BigUint, c: BigUint, reduces: u64, carry: Felt| {
        move |system: &mut System| {
            system.set_modulus(1, &p);
            [&a, &b, &c].into_iter().enumerate().for_each(|(i, value)| system.set_value(1, i, value));
            system.column(0, "reduces")[1] = Felt::from(reduces);
            system.column(0, "carry")[1] = carry;
        }
    };
    let none = || number(0);
    // 7 + 4 − 1 is twice the modulus.
    forgeries.expect("boolean_reduces", set(number(5), number(7), number(4), number(1), 2, Felt::zero()));
    // 0 + 0 is 1 + (2^59 + 17)·2^192: the lower half is −1, which modulo p is 2^192 times what the upper half lacks.
    let wrap = (number(1) << 59) + 17_u32;
    let carry = two(59) + Felt::from(17);
    forgeries.expect("carry_of_one", set(none(), none(), none(), power(192) * &wrap + 1_u32, 0, carry));
    forgeries.expect("low", set(none(), none(), none(), number(1), 0, Felt::zero()));
    forgeries.expect("high", set(none(), none(), none(), power(192), 0, Felt::zero()));
    forgeries.finish();
}

/// Without the walk an instance that does not hold need have no row.
#[test]
fn without_the_walk() {
    let honest = Instances::new(ADD_MOD, &cases(), false).system(Limbs::Bytes).unwrap();
    let mut forged = honest;
    let last = last_row(&forged);
    forged.column(0, "enabler")[last] = Felt::zero();
    forged.set_memory(Instances::place(last, 2, 0), Felt::from(99));
    forged.balance();
    assert!(forged.faults().contains("after"));
    let mut without = forged.without("before").without("after");
    without.public.clear();
    without.balance();
    let report = without.report();
    assert!(report.is_clean(), "{report}");
}

/// Two values for one cell: b stands where a does, and has other digits.
#[test]
fn two_values_for_a_cell() {
    let mut instances = Instances::new(ADD_MOD, &[case(&number(0), &number(5), &number(5), &number(10))], false);
    instances.memory[Instances::offset_place(0, 1)] = instances.memory[Instances::offset_place(0, 0)];
    let mut forged = instances.system(Limbs::Bytes).unwrap();
    assert!(forged.report().is_clean());
    forged.set_digits(0, "b", &number(6));
    forged.set_value(0, 2, &number(11));
    forged.provide_words(&number(6));
    forged.balance();
    assert_eq!(forged.faults(), ["b[0]".to_owned()].into());
}

/// Batches that are none: another modulus, pointer or count in the second instance; a count of 0, of more than there are, of fewer.
#[test]
fn batches_that_are_torn() {
    let honest = Instances::new(ADD_MOD, &batch()[..2], true);
    for (place, value) in [
        (7, Felt::from(3)),
        (8, Felt::from(4)),
        (9, Felt::from(3)),
        (10, Felt::from(3)),
        (11, Felt::from(359)),
        (12, Felt::from(300)),
        (13, Felt::from(2)),
        (13, Felt::zero()),
        (6, Felt::zero()),
        (6, Felt::from(3)),
        (6, -Felt::one()),
    ] {
        let mut instances = honest.clone();
        instances.memory[BASE + place] = value;
        assert!(instances.check().is_err(), "{place}");
        // A prover that fills the rows regardless is refused, whether the batch shall go on or not.
        for goes_on in [0, 1] {
            let mut forged = honest.system(Limbs::Bytes).unwrap();
            forged.set_memory(BASE + place, value);
            let (row, column) = (place / 7, ["p", "p", "p", "p", "values_ptr", "offsets_ptr", "n"][place % 7]);
            match place % 7 {
                word @ 0..4 => {
                    forged.column(0, &format!("{column}[{}]", 2 * word))[row] = value;
                    forged.column(0, &format!("{column}[{}]", 2 * word + 1))[row] = Felt::zero();
                    forged.provide_pair(encoding::to_u64(&value).unwrap(), 0);
                }
                _ => forged.column(0, column)[row] = value,
            }
            forged.column(0, "goes_on")[0] = Felt::from(goes_on);
            forged.column(0, "joins")[1] = Felt::from(goes_on);
            forged.balance();
            assert!(!forged.report().is_clean(), "{place}");
        }
    }
}

/// The row of a known instance: what the columns mean cannot change without notice.
#[test]
fn the_columns_of_a_row_are_pinned() {
    let (p, a) = (power(384) - 1_u32, (power(192) - 1_u32) * power(192) + (power(48) * 3_u32 + 7_u32));
    let c = &a + power(100) * 5_u32;
    let system =
        Instances::new(ADD_MOD, &[case(&p, &a, &(power(100) * 5_u32), &c)], false).system(Limbs::Bytes).unwrap();
    let row: Vec<String> = system.traces[0].iter().map(|column| encoding::to_hex(&column[0])).collect();
    let expected = "0x1 0x9 0x0 0x0 0x168 0x12c 0x1 0x0 0x4 0x8 \
                    0xffffffffffff 0xffffffffffff 0xffffffffffff 0xffffffffffff \
                    0xffffffffffff 0xffffffffffff 0xffffffffffff 0xffffffffffff \
                    0x7 0x3 0x0 0x0 0xffffffffffff 0xffffffffffff 0xffffffffffff 0xffffffffffff \
                    0x0 0x0 0x50 0x0 0x0 0x0 0x0 0x0 \
                    0x7 0x3 0x50 0x0 0xffffffffffff 0xffffffffffff 0xffffffffffff 0xffffffffffff 0x0 0x0";
    assert_eq!(row.join(" "), expected);
}

fn any_number() -> impl Strategy<Value = BigUint> {
    (any::<[u32; 12]>(), 0_u32..=384).prop_map(|(limbs, bits)| BigUint::from_slice(&limbs) >> (384 - bits))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    /// Check, witness and constraints agree on random instances, also where the result is off by a little.
    #[test]
    fn random_instances(p in any_number(), a in any_number(), b in any_number(), off in 0_u32..3) {
        let mut c = &a + &b;
        if c >= power(384) && c >= p {
            c -= &p;
        }
        c = (c + off) % power(384);
        let holds = &a + &b == c || &a + &b == &c + &p;
        let instances = Instances::new(ADD_MOD, &[case(&p, &a, &b, &c)], false);
        prop_assert_eq!(instances.check().is_ok(), holds);
        match instances.system(Limbs::Words12) {
            Ok(system) => prop_assert!(holds && system.report().is_clean()),
            Err(error) => prop_assert!(!holds, "{}", error),
        }
    }
}

/// Words of 2^96 and more are refused, wherever they stand.
#[test]
fn words_are_bounded() {
    let honest = Instances::new(ADD_MOD, &cases(), false);
    for address in (0..4).map(|k| BASE + k).chain((0..12).map(|k| Instances::place(0, 0, k))) {
        for value in [two(96), two(96) + Felt::one(), -Felt::one(), two(250)] {
            let mut instances = honest.clone();
            instances.memory[address] = value;
            let error = instances.check().unwrap_err();
            assert!(error.contains(&format!("memory cell {address} is a word")), "{error}");
        }
    }
    // Pointers that lead nowhere, and beyond memory.
    for (place, value) in [(4, two(32)), (4, -Felt::from(1)), (5, two(200)), (5, Felt::from(511)), (5, Felt::zero())] {
        let mut instances = honest.clone();
        instances.memory[BASE + place] = value;
        assert!(instances.check().is_err(), "{place}");
    }
    let mut instances = honest;
    write(&mut instances.memory, BASE, &(power(96) - 1_u32));
    assert!(instances.check().is_ok(), "0 + 0 is 0 modulo anything");
}
