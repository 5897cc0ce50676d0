//! Opcode extensions: our decoder and our check are of one mind with cairo-vm, which runs them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use cairo_air::decode::{Decoded, Extended, Extension, Flags};
use cairo_execution::ExecutionError;
use cairo_runner::{Execution, RunError};
use cairo_vm::vm::decoding::decoder::decode_instruction;
use common::{PUSH, RETURN, cairo0, execute, load_json};
use felt::{Felt, encoding};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use starknet_types_core::qm31::QM31;

const LAST: u32 = (1 << 31) - 2;

#[test]
fn words_are_those_of_the_machine() {
    let mut taken = 0;
    for number in 1..6_u128 {
        for flags in 0..1 << 15 {
            let low = Decoded { flags: Flags(flags), offsets: [3, -4, 1] }.encode();
            let word = number << 63 | u128::from(low);
            let theirs = decode_instruction(word).is_ok();
            let high = Felt::from((word >> 64) as u64) * Felt::from(2).pow(64_u64);
            let ours = Extended::new(&(high + Felt::from(word as u64)));
            assert_eq!(ours.is_ok(), theirs, "{word:#x}: {ours:?}");
            taken += u32::from(theirs);
        }
    }
    assert_eq!(taken, 16 + 16 + 48);
}

fn value(random: &mut StdRng) -> [u32; 4] {
    std::array::from_fn(|_| match random.random_range(0..4) {
        0 => random.random_range(0..3),
        1 => LAST - random.random_range(0..3),
        _ => random.random_range(0..=LAST),
    })
}

fn hex(value: [u32; 4]) -> String {
    QM31::from_coefficients(value[0], value[1], value[2], value[3]).pack_into_felt().to_hex_string()
}

/// The run of a `main` that pushes two values and executes a word.
fn run(values: [&str; 2], flags: u16, offsets: [i32; 3]) -> Result<Execution, RunError> {
    let word = Extended { extension: Extension::Qm31, flags: Flags(flags), offsets }.encode();
    let [x, y] = values;
    let program = cairo0(&[], &[PUSH, x, PUSH, y, &encoding::to_hex(&word), RETURN]);
    execute(&load_json(&program).unwrap(), "[]")
}

const ADD: u16 = 1 << 5;
const MUL: u16 = 1 << 6;
/// dst, op0 and op1 at ap; an assertion, and ap moved by one.
const AT_AP: u16 = 1 << 4 | 1 << 11 | 1 << 14;

/// Sums, products, differences and quotients, the last two found as op0 and op1 by the machine.
#[test]
fn what_the_machine_computes_passes_the_check() {
    let mut random = StdRng::seed_from_u64(31);
    for _ in 0..150 {
        let [x, y] = [value(&mut random), value(&mut random)];
        let [a, b] = [x, y].map(|[a, b, c, d]| QM31::from_coefficients(a, b, c, d));
        let mut expected = vec![(ADD, [0, -2, -1], a.clone() + b.clone()), (MUL, [0, -2, -1], a.clone() * b.clone())];
        expected.push((ADD, [-2, 0, -1], a.clone() - b.clone()));
        expected.push((ADD, [-2, -1, 0], a.clone() - b.clone()));
        if let Ok(quotient) = a / b {
            expected.push((MUL, [-2, 0, -1], quotient.clone()));
            expected.push((MUL, [-2, -1, 0], quotient));
        }
        for (res, offsets, expected) in expected {
            let execution = run([&hex(x), &hex(y)], AT_AP | res, offsets).unwrap();
            execution.check().unwrap();
            let found = execution.memory[execution.trace[4].ap as usize];
            let (a, b, c, d) = expected.to_coefficients();
            let order = LAST + 1;
            let expected = hex([a, b, c, d].map(|coordinate| coordinate % order));
            assert_eq!(encoding::to_hex(&found), expected, "{x:?} {y:?} {res:#x} {offsets:?}");
        }
    }
}

#[test]
fn what_is_no_value_ends_the_run() {
    let good = hex([1, 2, 3, 4]);
    for bad in
        ["0x7fffffff", "0x80000000", "0x800000000", "0x7fffffff000000000", "0x7fffffff000000000000000000000000000"]
    {
        for values in [[bad, &good], [&good, bad]] {
            for (res, offsets) in [(ADD, [0, -2, -1]), (MUL, [0, -2, -1]), (ADD, [-2, 0, -1]), (MUL, [-2, -1, 0])] {
                let refused = run(values, AT_AP | res, offsets);
                assert!(matches!(refused, Err(RunError::Vm { step: 4, .. })), "{bad} {offsets:?}: {refused:?}");
            }
        }
    }
}

/// What cairo-vm ran and somebody altered is refused by name.
#[test]
fn an_altered_run_is_refused() {
    let execution = run([&hex([5; 4]), &hex([LAST; 4])], AT_AP | MUL, [0, -2, -1]).unwrap();
    for place in 0..3 {
        let mut altered = execution.clone();
        let at = altered.trace[4].ap as usize - 2 + place;
        altered.memory[at] += Felt::one();
        assert!(matches!(altered.check(), Err(ExecutionError::Step { .. })), "{place}");
    }
}
