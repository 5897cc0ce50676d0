//! The table of QM31: honest rows of every form, each rule broken by itself, and false results in whole proofs.

use crate::cheating::{Alone, every_cell_counts, forge, halve, is_refused};
use crate::runs::{
    ADD, AP_ADD1, ASSERT_EQ, DST_FP, MUL, OP0_FP, OP1_AP, OP1_FP, OP1_IMM, Word, execution, frame, made, word,
};
use crate::system::System;
use cairo_air::components::qm31::{ORDER, QUOTIENT_BIAS};
use cairo_air::decode::Extension;
use cairo_air::{Policy, Statement, TableKind, verify};
use cairo_execution::Execution;
use cairo_execution::extended::qm31::Qm31;
use cairo_prover::{Options, Witness, prove};
use felt::Felt;
use proptest::prelude::*;
use stark::{NoControl, Preset};
use testkit::proofs::CHEAP;

const KIND: TableKind = TableKind::Qm31;
const LAST: u32 = ORDER as u32 - 1;

/// Sums and products of values, one after the other: each has three cells of its own, or two and an immediate. `res` may be another than the
/// right one.
fn run(operations: &[(Qm31, Qm31, u16)], res: impl Fn(usize, Qm31) -> Qm31) -> Execution {
    let mut words = Vec::new();
    let mut cells = Vec::new();
    // What `ap` has moved so far.
    let mut moved = 0;
    for (number, (x, y, flags)) in operations.iter().enumerate() {
        let right = if flags & MUL == 0 { *x + *y } else { *x * *y };
        let place = |is_fp: bool, at: i32| if is_fp { at } else { at - moved };
        let first = cells.len() as i32;
        let is_immediate = flags & OP1_IMM != 0;
        let op1 = if is_immediate { 1 } else { place(flags & OP1_FP != 0, first + 2) };
        let offsets = [place(flags & DST_FP != 0, first), place(flags & OP0_FP != 0, first + 1), op1];
        let Word(instruction, _) = word(Extension::Qm31, ASSERT_EQ | flags, offsets);
        words.push(Word(instruction, is_immediate.then(|| y.pack())));
        cells.extend([res(number, right), *x, *y].map(|value| value.pack()));
        moved += i32::from(flags & AP_ADD1 != 0);
    }
    // So much that `ap` stays inside.
    cells.extend([Felt::zero(); 32]);
    execution(&words, &cells)
}

fn honest_run(operations: &[(Qm31, Qm31, u16)]) -> Execution {
    let execution = run(operations, |_, right| right);
    execution.check().unwrap();
    execution
}

/// Values whose coordinates are at the edges or anywhere.
fn value() -> impl Strategy<Value = Qm31> {
    proptest::array::uniform4(prop_oneof![0..=LAST, 0..3_u32, LAST - 2..=LAST]).prop_map(Qm31)
}

fn flags() -> impl Strategy<Value = u16> {
    let bases = prop_oneof![Just(0), Just(DST_FP), Just(OP0_FP), Just(DST_FP | OP0_FP)];
    let (source, res) = (prop_oneof![Just(OP1_IMM), Just(OP1_FP), Just(OP1_AP)], prop_oneof![Just(ADD), Just(MUL)]);
    (bases, source, res, prop_oneof![Just(0), Just(AP_ADD1)]).prop_map(|(a, b, c, d)| a | b | c | d)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is added or multiplied has a witness, and a proof that is verified.
    #[test]
    fn any_values(operations in proptest::collection::vec((value(), value(), flags()), 1..12)) {
        let execution = honest_run(&operations);
        let report = crate::common::report(&made(&execution));
        prop_assert!(report.is_clean(), "{report}");
        let statement = Statement::single(execution.program.clone(), Vec::new(), [7; 32]);
        let proof = prove(execution, [7; 32], &Options { parameters: CHEAP, ..Options::default() }, &NoControl).unwrap();
        let policy = Policy { min_conjectured_bits: 0.0, ..Policy::default() };
        prop_assert!(verify(&statement, &proof.encode(), &policy).is_ok());
    }
}

/// A sum of four coordinates each that are neither at the edges nor 0 in any limb, a product of the same, a sum and a product of zeros.
fn few() -> Vec<(Qm31, Qm31, u16)> {
    let [x, y] = [
        Qm31([0x1234_5678, 0x2345_6789, 0x3456_789a, 0x4567_89ab]),
        Qm31([0x5678_9abc, 0x1789_abcd, 0x289a_bcde, 0x39ab_cdef]),
    ];
    let zero = Qm31::default();
    vec![
        (x, y, ADD | OP1_FP),
        (x, y, MUL | OP1_AP | DST_FP),
        (zero, zero, ADD | OP1_FP),
        (zero, zero, MUL | OP1_IMM | OP0_FP),
    ]
}

fn honest() -> Witness {
    made(&honest_run(&few()))
}

#[test]
fn every_cell_of_a_row_counts() {
    every_cell_counts(&honest(), &KIND, &[0, 1]);
}

const ADDED: usize = 0;
const MULTIPLIED: usize = 1;
const ZEROS: usize = 2;
const NO_PRODUCT: usize = 3;

fn get(system: &mut System, row: usize, name: &str) -> Felt {
    system.column(0, name)[row]
}

fn add(system: &mut System, row: usize, name: &str, value: Felt) {
    system.column(0, name)[row] += value;
}

/// Gives the inverses of a row what its coordinates demand, where they can have any.
fn invert(system: &mut System, row: usize) {
    let two = |bits: u64| Felt::from(2).pow(bits);
    for (i, name) in ["dst", "op0", "op1"].into_iter().enumerate() {
        for half in 0..2 {
            let difference = |system: &mut System, coordinate: usize| {
                let limb = |k: usize| get(system, row, &format!("{name}[{}]", 3 * coordinate + k));
                let [a, b, c] = [0, 1, 2].map(limb);
                a + b * two(12) + c * two(24) - Felt::from(ORDER)
            };
            let product = difference(system, 2 * half) * difference(system, 2 * half + 1);
            system.column(0, &format!("apart[{}]", 2 * i + half))[row] = product.inv().unwrap_or_default();
        }
    }
}

/// Adds the order to a coordinate, in its limbs and in the quotient.
fn enlarge(system: &mut System, row: usize, operand: &str, coordinate: usize) {
    let from = Felt::from(2).pow(12_u64);
    let mut value = 0;
    for k in (0..3).rev() {
        let limb = felt::integers::to_u64(&get(system, row, &format!("{operand}[{}]", 3 * coordinate + k))).unwrap();
        value = value * 4096 + limb;
    }
    value += ORDER;
    for (k, limb) in [value & 4095, value >> 12 & 4095, value >> 24].into_iter().enumerate() {
        system.column(0, &format!("{operand}[{}]", 3 * coordinate + k))[row] = Felt::from(limb);
    }
    let by = if operand == "dst" { -Felt::one() } else { Felt::one() };
    // The quotient of a sum is 0 or 1 and biased by 2^35: its lowest limb can take one more, and with a borrow one less.
    let lowest = format!("quotient[{}]", 3 * coordinate);
    if by == -Felt::one() && get(system, row, &lowest) == Felt::zero() {
        add(system, row, &lowest, from - Felt::one());
        // 2^35 is 2048 in the highest limb: the middle one has to borrow, too.
        add(system, row, &format!("quotient[{}]", 3 * coordinate + 1), from - Felt::one());
        add(system, row, &format!("quotient[{}]", 3 * coordinate + 2), -Felt::one());
    } else {
        add(system, row, &lowest, by);
    }
    invert(system, row);
}

#[test]
fn each_rule_stands_alone() {
    let mut alone = Alone::new(&honest(), &KIND);
    let two = |bits: u64| Felt::from(2).pow(bits);
    alone.expect("boolean_enabler", |system| halve(system, 0, 63));
    for name in ["dst_fp", "op0_fp", "op1_imm", "op1_fp", "ap_add1"] {
        alone.expect(&format!("boolean_{name}"), |system| add(system, 0, name, Felt::from(2)));
    }
    alone.expect("boolean_res_mul", |system| add(system, ZEROS, "res_mul", Felt::from(2)));
    for (i, name) in ["dst", "op0", "op1"].into_iter().enumerate() {
        for half in 0..2 {
            // The order itself, in place of 0.
            alone.expect(&format!("reduced[{}]", 2 * i + half), |system| enlarge(system, ZEROS, name, 2 * half + 1));
        }
        for coordinate in 0..4 {
            let limb = |k: usize| format!("{name}[{}]", 3 * coordinate + k);
            // One limb too large, the next one less by it.
            for k in 0..2 {
                alone.expect(&format!("limb_{}", limb(k)), |system| {
                    add(system, ADDED, &limb(k), two(12));
                    add(system, ADDED, &limb(k + 1), -Felt::one());
                });
            }
            // A part of one in the highest limb, of which 32 times is an integer.
            alone.expect(&format!("limb_{}", limb(2)), |system| {
                add(system, ADDED, &limb(2), two(5).inv().unwrap());
                add(system, ADDED, &limb(1), -two(7));
            });
            // A coordinate above the order that stands for the same.
            alone.expect(&format!("top_{}", limb(2)), |system| enlarge(system, ADDED, name, coordinate));
        }
    }
    for coordinate in 0..4 {
        alone.expect(&format!("result[{coordinate}]"), |system| {
            add(system, ADDED, &format!("dst[{}]", 3 * coordinate), Felt::one());
            invert(system, ADDED);
        });
        let limb = |k: usize| format!("quotient[{}]", 3 * coordinate + k);
        for k in 0..2 {
            alone.expect(&format!("limb_{}", limb(k)), |system| {
                add(system, MULTIPLIED, &limb(k), two(12));
                add(system, MULTIPLIED, &limb(k + 1), -Felt::one());
            });
        }
        // Whatever dst is, some element times the order makes up for it.
        alone.expect(&format!("limb_{}", limb(2)), |system| {
            add(system, ADDED, &format!("dst[{}]", 3 * coordinate), Felt::one());
            let quotient = -Felt::from(ORDER).inv().unwrap();
            add(system, ADDED, &limb(2), quotient * two(24).inv().unwrap());
            invert(system, ADDED);
        });
    }
    alone.finish();
}

#[test]
fn quotients_fit_their_limbs() {
    // Products at the edges: seven times (2^31 − 2)^2 up, five times down.
    let bound = 7 * i128::from(LAST) * i128::from(LAST) / i128::from(ORDER);
    assert!(bound < i128::from(QUOTIENT_BIAS));
    for x in 0..16_u32 {
        for y in 0..16_u32 {
            let edges = |bits: u32| Qm31(std::array::from_fn(|i| if bits >> i & 1 == 1 { LAST } else { 0 }));
            let numbers = edges(x).unreduced(edges(y), true);
            assert!(numbers.iter().all(|number| number.abs() / i128::from(ORDER) <= bound));
        }
    }
}

/// A false result, an operand that is not reduced, a sum passed off as a product: each forged with all that follows in the row and in memory, and
/// made into a proof.
#[test]
fn false_results_are_refused_in_a_proof() {
    let operations = few();
    let honest = honest();
    let execution = honest_run(&operations);
    let words: Vec<Word> = operations
        .iter()
        .map(|(.., flags)| {
            let Word(instruction, _) = word(Extension::Qm31, ASSERT_EQ | flags, [0; 3]);
            Word(instruction, (flags & OP1_IMM != 0).then(Felt::zero))
        })
        .collect();
    let fp = frame(&words);
    let dst = |number: u32| fp + 3 * number;
    // One more in the first coordinate of the sum, and of the product.
    for number in [0, 1] {
        let cell = execution.memory[dst(number) as usize];
        let system = crate::cheating::alone(&honest, &KIND);
        let limb = system.traces[0][14][number as usize] + Felt::one();
        let forged = forge(&honest, &KIND, number as usize, &[("dst[0]", limb)], &[(dst(number), cell + Felt::one())]);
        is_refused(forged);
    }
    // The order for 0.
    let limbs = [("op0[0]", 4095), ("op0[1]", 4095), ("op0[2]", 127), ("quotient[0]", 1)]
        .map(|(name, v)| (name, Felt::from(v)));
    let forged = forge(&honest, &KIND, ZEROS, &limbs, &[(dst(2) + 1, Felt::from(ORDER))]);
    is_refused(forged);
    // Without its row at all.
    is_refused(forge(&honest, &KIND, NO_PRODUCT, &[("enabler", Felt::zero())], &[]));
}

/// The check names what is wrong, and the prover says the same.
#[test]
fn false_results_are_named() {
    for (number, operation) in few().into_iter().enumerate() {
        let wrong = run(&[operation], |_, right| Qm31([right.0[0] + 1, right.0[1], right.0[2], right.0[3]]));
        let error = wrong.check().unwrap_err().to_string();
        assert!(error.contains("asserted value"), "{number}: {error}");
        let options = Options { parameters: Preset::Bench96.parameters(), ..Options::default() };
        assert_eq!(prove(wrong, [7; 32], &options, &NoControl).unwrap_err().to_string(), error);
    }
    let mut wrong = honest_run(&few());
    let last = wrong.memory.len() - 32 - 1;
    wrong.memory[last - 3] += Felt::from(ORDER);
    assert!(wrong.check().unwrap_err().to_string().contains("QM31"));
}
