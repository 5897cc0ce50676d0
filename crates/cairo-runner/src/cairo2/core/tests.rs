//! Each hint on a machine of its own: what it guesses is what the code around it would accept.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use super::*;
use cairo_vm::types::relocatable::MaybeRelocatable;
use num_bigint::{BigInt, BigUint};
use num_integer::Integer;
use num_traits::{One, Zero};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

/// A machine whose `ap` and `fp` stand at the start of an empty segment.
struct Machine {
    vm: VirtualMachine,
    hints: CoreHints,
}

/// The cell at `ap + offset`.
fn ap(offset: i16) -> Value {
    json!({"register": "AP", "offset": offset})
}

/// An operand that is a number.
fn number(value: &BigUint) -> Value {
    json!({"Immediate": format!("{value:#x}")})
}

/// An operand that is the value of a cell.
fn deref(offset: i16) -> Value {
    json!({"Deref": ap(offset)})
}

impl Machine {
    fn new() -> Self {
        let mut vm = VirtualMachine::new(false, false);
        // Segment 0 would be the program's, 1 is that of `ap` and `fp`.
        vm.add_memory_segment();
        vm.add_memory_segment();
        vm.set_ap(0);
        vm.set_fp(0);
        Self { vm, hints: CoreHints::default() }
    }

    /// Goes on at cells that nobody wrote yet.
    fn advance(&mut self) {
        let next = self.vm.get_ap().offset + 32;
        self.vm.set_ap(next);
    }

    fn execute(&mut self, name: &str, operands: Value) -> Result<(), HintError> {
        let hint: Hint = serde_json::from_value(json!({ name: operands })).unwrap();
        self.hints.execute(&mut self.vm, &hint)
    }

    fn run(&mut self, name: &str, operands: Value) {
        self.execute(name, operands).unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    fn put(&mut self, offset: usize, value: impl Into<MaybeRelocatable>) {
        let cell = (self.vm.get_ap() + offset).unwrap();
        self.vm.insert_value(cell, value.into()).unwrap();
    }

    fn cell(&self, offset: usize) -> BigUint {
        self.vm.get_integer((self.vm.get_ap() + offset).unwrap()).unwrap().to_biguint()
    }

    /// Cells as limbs of 128 bits.
    fn limbs(&self, offsets: &[usize]) -> BigUint {
        let cells = offsets.iter().rev().map(|offset| self.cell(*offset));
        cells.fold(BigUint::zero(), |sum, limb| {
            assert!(limb.bits() <= 128);
            (sum << 128) + limb
        })
    }

    fn pointer(&self, offset: usize) -> Relocatable {
        self.vm.get_relocatable((self.vm.get_ap() + offset).unwrap()).unwrap()
    }
}

/// Numbers of up to so many bits, with those at the ends among them.
fn draw(rng: &mut StdRng, bits: u64) -> BigUint {
    let most = (BigUint::one() << bits) - 1_u32;
    match rng.random_range(0..8) {
        0 => BigUint::zero(),
        1 => BigUint::one(),
        2 => most,
        kind => {
            let bytes: Vec<u8> = (0..bits.div_ceil(8)).map(|_| rng.random()).collect();
            let number = BigUint::from_bytes_le(&bytes) & most;
            if kind == 3 { number >> rng.random_range(0..bits) } else { number }
        }
    }
}

fn split(value: &BigUint) -> [Value; 2] {
    let low = value & ((BigUint::one() << 128) - 1_u32);
    [number(&low), number(&(value >> 128))]
}

const CASES: usize = 200;

#[test]
fn products_quotients_and_roots() {
    let (mut machine, mut rng) = (Machine::new(), StdRng::seed_from_u64(1));
    for _ in 0..CASES {
        let (a, b) = (draw(&mut rng, 128), draw(&mut rng, 128));
        machine.run("WideMul128", json!({"lhs": number(&a), "rhs": number(&b), "high": ap(1), "low": ap(0)}));
        assert_eq!(machine.limbs(&[0, 1]), &a * &b);
        let divided = machine
            .execute("DivMod", json!({"lhs": number(&a), "rhs": number(&b), "quotient": ap(2), "remainder": ap(3)}));
        assert_eq!(divided.is_ok(), !b.is_zero());
        if divided.is_ok() {
            assert_eq!((machine.cell(2), machine.cell(3)), a.div_rem(&b));
        }
        machine.run("SquareRoot", json!({"value": number(&a), "dst": ap(4)}));
        let root = machine.cell(4);
        assert!(&root * &root <= a && (&root + 1_u32) * (&root + 1_u32) > a);
        machine.advance();
    }
}

#[test]
fn wide_quotients_and_roots() {
    let (mut machine, mut rng) = (Machine::new(), StdRng::seed_from_u64(2));
    for _ in 0..CASES {
        let (a, c, b) = (draw(&mut rng, 256), draw(&mut rng, 256), draw(&mut rng, 256) + 1_u32);
        let b = if b.bits() > 256 { BigUint::one() } else { b };
        let ([a0, a1], [a2, a3], [b0, b1]) = (split(&a), split(&c), split(&b));
        machine.run(
            "Uint256DivMod",
            json!({"dividend0": a0, "dividend1": a1, "divisor0": b0, "divisor1": b1, "quotient0": ap(0),
                   "quotient1": ap(1), "remainder0": ap(2), "remainder1": ap(3)}),
        );
        assert_eq!((machine.limbs(&[0, 1]), machine.limbs(&[2, 3])), a.div_rem(&b));
        machine.run(
            "Uint512DivModByUint256",
            json!({"dividend0": a0, "dividend1": a1, "dividend2": a2, "dividend3": a3, "divisor0": b0, "divisor1": b1,
                   "quotient0": ap(4), "quotient1": ap(5), "quotient2": ap(6), "quotient3": ap(7),
                   "remainder0": ap(8), "remainder1": ap(9)}),
        );
        let dividend: BigUint = &a + (&c << 256);
        assert_eq!((machine.limbs(&[4, 5, 6, 7]), machine.limbs(&[8, 9])), dividend.div_rem(&b));
        machine.run(
            "Uint256SquareRoot",
            json!({"value_low": a0, "value_high": a1, "sqrt0": ap(10), "sqrt1": ap(11), "remainder_low": ap(12),
                   "remainder_high": ap(13), "sqrt_mul_2_minus_remainder_ge_u128": ap(14)}),
        );
        let (root, remainder) = ((machine.cell(11) << 64) + machine.cell(10), machine.limbs(&[12, 13]));
        assert!(machine.cell(10).bits() <= 64 && machine.cell(11).bits() <= 64);
        assert_eq!(&root * &root + &remainder, a);
        assert!(remainder <= &root * 2_u32);
        let wide = &root * 2_u32 - &remainder >= BigUint::one() << 128;
        assert_eq!(machine.cell(14), BigUint::from(u32::from(wide)));
        machine.advance();
    }
}

#[test]
fn inverses_and_why_there_is_none() {
    let (mut machine, mut rng) = (Machine::new(), StdRng::seed_from_u64(3));
    let (mut with, mut without) = (0, 0);
    for case in 0..2 * CASES {
        let b = draw(&mut rng, 256);
        let n = match case % 3 {
            0 => draw(&mut rng, 256),
            1 => (draw(&mut rng, 128) + 1_u32) * 6_u32,
            _ => draw(&mut rng, 3),
        };
        let ([b0, b1], [n0, n1]) = (split(&b), split(&n));
        let inverted = machine.execute(
            "U256InvModN",
            json!({"b0": b0, "b1": b1, "n0": n0, "n1": n1, "g0_or_no_inv": ap(0), "g1_option": ap(1),
                   "s_or_r0": ap(2), "s_or_r1": ap(3), "t_or_k0": ap(4), "t_or_k1": ap(5)}),
        );
        assert_eq!(inverted.is_ok(), !n.is_zero());
        if n.is_zero() {
            continue;
        }
        let (x, y) = (machine.limbs(&[2, 3]), machine.limbs(&[4, 5]));
        if machine.cell(0).is_zero() {
            with += 1;
            assert!(n > BigUint::one() && x < n);
            assert_eq!(&x * &b, &y * &n + 1_u32);
        } else {
            without += 1;
            let g = machine.limbs(&[0, 1]);
            assert!(n.is_one() || g > BigUint::one());
            assert!(g.is_odd() || g == BigUint::from(2_u32));
            assert_eq!((&x * &g, &y * &g), (b, n));
        }
        machine.advance();
    }
    assert!(with > 50 && without > 50, "{with} with, {without} without");
}

#[test]
fn splits_and_roots_in_the_field() {
    let (mut machine, mut rng) = (Machine::new(), StdRng::seed_from_u64(4));
    for _ in 0..CASES {
        let (value, scalar) = (draw(&mut rng, 251), draw(&mut rng, 128) + 1_u32);
        let most = draw(&mut rng, 128);
        machine.run(
            "LinearSplit",
            json!({"value": number(&value), "scalar": number(&scalar), "max_x": number(&most), "x": ap(0), "y": ap(1)}),
        );
        let felt = |value: BigUint| Felt252::from(value);
        assert!(machine.cell(0) <= most);
        assert_eq!(felt(machine.cell(0)) * felt(scalar.clone()) + felt(machine.cell(1)), felt(value.clone()));
        if machine.cell(0) < most {
            assert!(machine.cell(1) < scalar);
        }
        machine.run("FieldSqrt", json!({"val": number(&value), "sqrt": ap(2)}));
        let root = felt(machine.cell(2));
        let square = root * root;
        assert!(square == felt(value.clone()) || square == felt(value) * Felt252::THREE);
        assert!(root <= -root);
        machine.advance();
    }
    let zero = number(&BigUint::zero());
    let split = json!({"value": zero, "scalar": zero, "max_x": zero, "x": ap(0), "y": ap(1)});
    assert!(machine.execute("LinearSplit", split).unwrap_err().to_string().contains("by zero"));
}

#[test]
fn comparisons() {
    let mut machine = Machine::new();
    let [one, two] = [1_u32, 2].map(|value| number(&BigUint::from(value)));
    for (lhs, rhs, less, at_most) in [(&one, &two, 1_u32, 1_u32), (&two, &one, 0, 0), (&two, &two, 0, 1)] {
        machine.run("TestLessThan", json!({"lhs": lhs, "rhs": rhs, "dst": ap(0)}));
        machine.run("TestLessThanOrEqual", json!({"lhs": lhs, "rhs": rhs, "dst": ap(1)}));
        assert_eq!([machine.cell(0), machine.cell(1)], [less, at_most].map(BigUint::from));
        machine.advance();
    }
    let segment = machine.vm.add_memory_segment();
    machine.put(0, segment);
    machine.put(1, (segment + 3_usize).unwrap());
    machine.run("TestLessThanOrEqualAddress", json!({"lhs": deref(0), "rhs": deref(1), "dst": ap(2)}));
    machine.run("TestLessThanOrEqualAddress", json!({"lhs": deref(1), "rhs": deref(0), "dst": ap(3)}));
    assert_eq!([machine.cell(2), machine.cell(3)], [1_u32, 0].map(BigUint::from));
}

#[test]
fn arcs_of_a_comparison() {
    let mut rng = StdRng::seed_from_u64(5);
    let limit = BigUint::one() << 128;
    for _ in 0..CASES {
        let (a, b) = (draw(&mut rng, 251), draw(&mut rng, 251));
        let (a, b) = if a <= b { (a, b) } else { (b, a) };
        let mut machine = Machine::new();
        let cells = machine.vm.add_memory_segment();
        machine.put(0, cells);
        machine.run("AssertLeFindSmallArcs", json!({"range_check_ptr": deref(0), "a": number(&a), "b": number(&b)}));
        let part = |index: usize| machine.vm.get_integer((cells + index).unwrap()).unwrap().to_biguint();
        // ⌈⌈p/3⌉/2^128⌉ and ⌈⌈p/2⌉/2^128⌉, as the code has them.
        let thirds = BigUint::from(3_544_607_988_759_775_765_608_368_578_435_044_694_u128);
        let halves = BigUint::from(5_316_911_983_139_663_648_412_552_867_652_567_041_u128);
        assert!((0..4).all(|index| part(index) < limit));
        let (short, long) = (part(1) * thirds + part(0), part(3) * halves + part(2));
        let (a, b) = (Felt252::from(a), Felt252::from(b));
        let arcs = [a, b - a, Felt252::MAX - b].map(|arc| arc.to_biguint());
        machine.run("AssertLeIsFirstArcExcluded", json!({"skip_exclude_a_flag": ap(1)}));
        machine.run("AssertLeIsSecondArcExcluded", json!({"skip_exclude_b_minus_a": ap(2)}));
        let excluded = match (machine.cell(1).is_zero(), machine.cell(2).is_zero()) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 2,
        };
        let mut others: Vec<_> = (0..3).filter(|arc| *arc != excluded).map(|arc| arcs[arc].clone()).collect();
        others.sort();
        assert_eq!([short, long].to_vec(), others);
        assert!(others.iter().all(|arc| *arc <= arcs[excluded]));
    }
}

#[test]
fn segments_and_objects() {
    let mut machine = Machine::new();
    let five = number(&BigUint::from(5_u32));
    machine.run("AllocSegment", json!({"dst": ap(0)}));
    for cell in 1..4 {
        machine.run("AllocConstantSize", json!({"size": five, "dst": ap(cell)}));
    }
    assert_eq!(machine.pointer(2), (machine.pointer(1) + 5_usize).unwrap());
    assert_eq!(machine.pointer(3), (machine.pointer(2) + 5_usize).unwrap());
    assert_ne!(machine.pointer(0).segment_index, machine.pointer(1).segment_index);
    let huge = number(&(BigUint::one() << 200));
    assert!(machine.execute("AllocConstantSize", json!({"size": huge, "dst": ap(4)})).is_err());
}

#[test]
fn points_lie_on_the_curve() {
    use starknet_types_core::curve::AffinePoint;
    let points = |machine: &mut Machine| {
        let point = |machine: &mut Machine| {
            machine.run("RandomEcPoint", json!({"x": ap(0), "y": ap(1)}));
            let point = [machine.cell(0), machine.cell(1)].map(Felt252::from);
            machine.advance();
            point
        };
        [point(machine), point(machine), point(machine)]
    };
    let drawn = points(&mut Machine::new());
    assert!(drawn.iter().all(|[x, y]| AffinePoint::new(*x, *y).is_ok()));
    assert!(drawn[0] != drawn[1] && drawn[1] != drawn[2] && drawn[0] != drawn[2]);
    assert_eq!(drawn, points(&mut Machine::new()), "runs are repeatable");
}

/// Plays random accesses to some dictionaries and squashes each.
#[test]
fn dictionaries_and_their_squashing() {
    let mut rng = StdRng::seed_from_u64(6);
    for round in 0..20 {
        let mut machine = Machine::new();
        let (arena, table) = (machine.vm.add_memory_segment(), machine.vm.add_memory_segment());
        for number in 0..3_usize {
            // The arena: where the table is, how many dictionaries were made, how many squashed.
            let base = (arena + 3 * number).unwrap();
            machine.vm.insert_value(base, table).unwrap();
            machine.vm.insert_value((base + 1_usize).unwrap(), Felt252::from(number)).unwrap();
            machine.put(0, (base + 3_usize).unwrap());
            machine.run("AllocFelt252Dict", json!({"segment_arena_ptr": deref(0)}));
            let start = machine.vm.get_relocatable((table + 3 * number).unwrap()).unwrap();
            assert_eq!(start.segment_index < 0, number > 0, "all but the first are temporary");
            machine.advance();
            play(&mut machine, &mut rng, start, number, round % 2 == 1);
        }
    }
}

fn play(machine: &mut Machine, rng: &mut StdRng, start: Relocatable, number_of_dictionary: usize, big: bool) {
    let mut model: std::collections::BTreeMap<BigUint, Vec<(usize, u64)>> = Default::default();
    let accesses = rng.random_range(1..30_usize);
    for access in 0..accesses {
        let key = BigUint::from(rng.random_range(0..6_u32)) + if big { BigUint::one() << 128 } else { BigUint::zero() };
        let entry = (start + 3 * access).unwrap();
        let value = rng.random::<u64>();
        machine.put(0, entry);
        machine.run("Felt252DictEntryInit", json!({"dict_ptr": deref(0), "key": number(&key)}));
        let previous = machine.vm.get_integer((entry + 1_usize).unwrap()).unwrap().to_biguint();
        let history = model.entry(key.clone()).or_default();
        assert_eq!(previous, history.last().map_or_else(BigUint::zero, |(_, value)| BigUint::from(*value)));
        machine.vm.insert_value(entry, Felt252::from(key)).unwrap();
        machine.put(1, (entry + 3_usize).unwrap());
        let value_operand = number(&BigUint::from(value));
        machine.run("Felt252DictEntryUpdate", json!({"dict_ptr": deref(1), "value": value_operand}));
        history.push((access, value));
        machine.advance();
    }
    machine.put(0, start);
    let segment = machine.vm.add_memory_segment();
    machine.put(1, segment);
    machine.run("GetSegmentArenaIndex", json!({"dict_end_ptr": deref(0), "dict_index": ap(2)}));
    assert_eq!(machine.cell(2), BigUint::from(number_of_dictionary));
    let count = number(&BigUint::from(accesses));
    machine.run(
        "InitSquashData",
        json!({"dict_accesses": deref(0), "ptr_diff": count, "n_accesses": count, "big_keys": ap(3), "first_key": ap(4)}),
    );
    assert_eq!(machine.cell(3), BigUint::from(u32::from(big)));
    let mut key = machine.cell(4);
    let last = model.keys().next_back().cloned().unwrap();
    for (expected, history) in &model {
        assert_eq!(key, *expected);
        let out = machine.vm.add_memory_segment();
        machine.advance();
        machine.put(0, out);
        machine.run("GetCurrentAccessIndex", json!({"range_check_ptr": deref(0)}));
        assert_eq!(machine.vm.get_integer(out).unwrap().to_biguint(), BigUint::from(history[0].0));
        machine.run("ShouldSkipSquashLoop", json!({"should_skip_loop": ap(1)}));
        assert_eq!(machine.cell(1).is_one(), history.len() == 1);
        for (index, pair) in history.windows(2).enumerate() {
            machine.advance();
            machine.run("GetCurrentAccessDelta", json!({"index_delta_minus1": ap(0)}));
            assert_eq!(machine.cell(0), BigUint::from(pair[1].0 - pair[0].0 - 1));
            machine.run("ShouldContinueSquashLoop", json!({"should_continue": ap(1)}));
            assert_eq!(machine.cell(1).is_one(), index + 2 < history.len());
        }
        machine.advance();
        let next = machine.execute("GetNextDictKey", json!({"next_key": ap(0)}));
        assert_eq!(next.is_ok(), *expected != last, "the last key has none behind it");
        key = if next.is_ok() { machine.cell(0) } else { BigUint::zero() };
    }
    machine.advance();
}

#[test]
fn circuits() {
    let mut rng = StdRng::seed_from_u64(7);
    let prime: BigUint = (BigUint::one() << 255) - 19_u32;
    let composite = BigUint::from(3_u32 * 5 * 7);
    for modulus in [prime.clone(), composite.clone()] {
        for _ in 0..20 {
            let (x, y) = (draw(&mut rng, 254) % &modulus, draw(&mut rng, 254) % &modulus);
            let (values, computed) = evaluate(&x, &y, &modulus);
            // Gates: s = x + y; d + y = x; p = x·y; i·y = 1.
            assert_eq!(values[2], (&x + &y) % &modulus);
            assert_eq!((&values[3] + &y) % &modulus, x);
            assert_eq!(values[4], &x * &y % &modulus);
            let invertible = y.gcd(&modulus).is_one();
            assert_eq!(computed, 1 + usize::from(invertible));
            let product = &values[5] * &y % &modulus;
            assert_eq!(product, BigUint::from(u32::from(invertible)));
            assert!(!values[5].is_zero() && values[5] < modulus);
        }
    }
}

/// Values x, y, x + y, x − y, x·y, 1/y and 1 of a circuit, and how many multiplications have an instance.
fn evaluate(x: &BigUint, y: &BigUint, modulus: &BigUint) -> (Vec<BigUint>, usize) {
    let mut machine = Machine::new();
    let [values, offsets, add, mul] = std::array::from_fn(|_| machine.vm.add_memory_segment());
    let write = |machine: &mut Machine, place: Relocatable, value: &BigUint| {
        for word in 0..4_usize {
            let limb: BigUint = (value >> (96 * word)) & ((BigUint::one() << 96) - 1_u32);
            machine.vm.insert_value((place + word).unwrap(), Felt252::from(limb)).unwrap();
        }
    };
    for (index, value) in [(0_usize, x), (1, y), (6, &BigUint::one())] {
        write(&mut machine, (values + 4 * index).unwrap(), value);
    }
    // Inputs, then the result; the second addition and the second product are solved for their first input.
    let gates = [[0, 1, 2], [3, 1, 0], [0, 1, 4], [5, 1, 6]];
    for (index, value) in gates.as_flattened().iter().enumerate() {
        machine.vm.insert_value((offsets + index).unwrap(), Felt252::from(4 * *value)).unwrap();
    }
    write(&mut machine, mul, modulus);
    for (builtin, first) in [(add, 0), (mul, 6_usize)] {
        machine.vm.insert_value((builtin + 4_usize).unwrap(), values).unwrap();
        machine.vm.insert_value((builtin + 5_usize).unwrap(), (offsets + first).unwrap()).unwrap();
    }
    machine.put(0, add);
    machine.put(1, mul);
    let two = number(&BigUint::from(2_u32));
    machine.run(
        "EvalCircuit",
        json!({"n_add_mods": two, "add_mod_builtin": deref(0), "n_mul_mods": two, "mul_mod_builtin": deref(1)}),
    );
    let computed = machine.vm.get_integer((mul + 6_usize).unwrap()).unwrap().to_biguint();
    let computed = usize::try_from(computed).unwrap();
    assert_eq!(machine.vm.get_integer((add + 6_usize).unwrap()).unwrap().to_biguint(), BigUint::from(2_u32));
    assert_eq!(machine.vm.get_integer((add + 13_usize).unwrap()).unwrap().to_biguint(), BigUint::one());
    let read = |index: usize| {
        let words = (0..4_usize)
            .rev()
            .map(|word| machine.vm.get_integer((values + (4 * index + word)).unwrap()).unwrap().to_biguint());
        words.fold(BigUint::zero(), |sum, word| (sum << 96) + word)
    };
    ((0..7).map(read).collect(), computed)
}

#[test]
fn operands_of_the_wrong_kind_are_errors() {
    let mut machine = Machine::new();
    let segment = machine.vm.add_memory_segment();
    machine.put(0, segment);
    machine.put(1, Felt252::from(7));
    let one = number(&BigUint::one());
    let product = json!({"BinOp": {"op": "Mul", "a": ap(0), "b": {"Immediate": "0x2"}}});
    for (name, operands, message) in [
        ("SquareRoot", json!({"value": deref(0), "dst": ap(9)}), "got a pointer"),
        ("SquareRoot", json!({"value": product, "dst": ap(9)}), "multiplies a pointer"),
        ("SquareRoot", json!({"value": deref(8), "dst": ap(9)}), "Unknown memory cell"),
        ("AllocFelt252Dict", json!({"segment_arena_ptr": deref(1)}), "got a number"),
        ("Felt252DictEntryInit", json!({"dict_ptr": deref(0), "key": one}), "points to none"),
        ("GetSegmentArenaIndex", json!({"dict_end_ptr": deref(0), "dict_index": ap(9)}), "points to none"),
        ("GetNextDictKey", json!({"next_key": ap(9)}), "never began"),
        ("ShouldSkipSquashLoop", json!({"should_skip_loop": ap(9)}), "never began"),
        ("AssertLeIsFirstArcExcluded", json!({"skip_exclude_a_flag": ap(9)}), "never began"),
    ] {
        let error = machine.execute(name, operands).unwrap_err().to_string();
        assert!(error.contains(message), "{name}: {error}");
    }
}

#[test]
fn signed_numbers_are_taken_modulo_the_field() {
    let mut machine = Machine::new();
    machine.put(0, Felt252::from(3));
    let sum = json!({"BinOp": {"op": "Add", "a": ap(0), "b": {"Immediate": "-0x3"}}});
    machine.run("SquareRoot", json!({"value": sum, "dst": ap(1)}));
    assert!(machine.cell(1).is_zero());
    assert_eq!(arithmetic::modulo(&BigInt::from(-1), &BigUint::from(7_u32)), BigUint::from(6_u32));
}
