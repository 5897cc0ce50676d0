//! The tables of blake2s: honest rows, each rule of each table broken by itself, and false results in whole proofs.

use crate::cheating::{Alone, every_cell_counts, forge, halve, is_refused};
use crate::runs::{AP_ADD1, DST_FP, OP0_FP, OP1_AP, OP1_FP, Word, execution, frame, made, word};
use crate::system::System;
use cairo_air::components::blake::{MESSAGE_WORDS, STATE_WORDS};
use cairo_air::decode::Extension;
use cairo_air::{Policy, Statement, TableKind, verify};
use cairo_execution::Execution;
use cairo_execution::extended::blake::{Block, MIXES};
use cairo_prover::{Options, Witness, prove};
use felt::Felt;
use felt::integers::to_u64;
use proptest::prelude::*;
use stark::NoControl;
use testkit::proofs::CHEAP;

/// Cells of a block: the counter, two pointers, the state, the message and the result.
const CELLS: usize = 3 + STATE_WORDS + MESSAGE_WORDS + STATE_WORDS;

/// Where the cells of a block begin, counted from `fp`. Before them are those that `ap` points to, one for each block.
fn place(blocks: usize, number: usize) -> usize {
    blocks + 1 + number * CELLS
}

/// One block after the other.
fn run(blocks: &[(Block, u16)], result: impl Fn(usize, &Block) -> [u32; STATE_WORDS]) -> Execution {
    let words: Vec<Word> = (0..)
        .zip(blocks)
        .map(|(number, (block, bases))| {
            let first = place(blocks.len(), number as usize) as i32;
            let extension = if block.is_last { Extension::BlakeFinalize } else { Extension::Blake };
            // `ap` moves by one each.
            let at = |is_fp: bool, offset: i32| if is_fp { offset } else { offset - number };
            let (dst_fp, op0_fp, op1_fp) = (bases & DST_FP != 0, bases & OP0_FP != 0, bases & OP1_FP != 0);
            let source = if op1_fp { OP1_FP } else { OP1_AP };
            let flags = (bases & (DST_FP | OP0_FP)) | source | AP_ADD1;
            word(extension, flags, [at(dst_fp, first), at(op0_fp, first + 1), at(op1_fp, first + 2)])
        })
        .collect();
    let fp = frame(&words) as usize;
    let small = |value: usize| Felt::from(value as u64);
    let base = |number: usize| fp + place(blocks.len(), number) + 3;
    let mut cells: Vec<Felt> =
        (0..blocks.len()).map(|number| small(base(number) + STATE_WORDS + MESSAGE_WORDS)).collect();
    cells.push(Felt::zero());
    for (number, (block, _)) in blocks.iter().enumerate() {
        cells.extend([block.counter as usize, base(number), base(number) + STATE_WORDS].map(small));
        let words = block.state.into_iter().chain(block.message).chain(result(number, block));
        cells.extend(words.map(|word| Felt::from(u64::from(word))));
    }
    execution(&words, &cells)
}

fn honest_run(blocks: &[(Block, u16)]) -> Execution {
    let execution = run(blocks, |_, block| block.result());
    execution.check().unwrap();
    execution
}

fn block(state: [u32; STATE_WORDS], message: [u32; MESSAGE_WORDS], counter: u32, is_last: bool) -> Block {
    Block { addresses: [0; 3], state, message, counter, is_last }
}

/// Words at the edges, or any.
fn words() -> impl Strategy<Value = u32> {
    prop_oneof![any::<u32>(), Just(0), Just(u32::MAX), Just(1), Just(1 << 31)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn any_blocks(
        blocks in proptest::collection::vec(
            (
                proptest::array::uniform8(words()),
                proptest::array::uniform16(words()),
                words(),
                any::<bool>(),
                (0..1_u16 << 4).prop_map(|bits| bits & (DST_FP | OP0_FP | OP1_FP)),
            ),
            1..4,
        ),
    ) {
        let blocks: Vec<(Block, u16)> = blocks
            .into_iter()
            .map(|(state, message, counter, is_last, bases)| (block(state, message, counter, is_last), bases))
            .collect();
        let execution = honest_run(&blocks);
        let report = crate::common::report(&made(&execution));
        prop_assert!(report.is_clean(), "{report}");
        let statement = Statement::single(execution.program.clone(), Vec::new(), [7; 32]);
        let proof = prove(execution, [7; 32], &Options { parameters: CHEAP, ..Options::default() }, &NoControl).unwrap();
        let policy = Policy { min_conjectured_bits: 0.0, ..Policy::default() };
        prop_assert!(verify(&statement, &proof.encode(), &policy).is_ok());
    }
}

fn two() -> Vec<(Block, u16)> {
    let state = std::array::from_fn(|i| 0x89ab_cdef_u32.wrapping_mul(2 * i as u32 + 1));
    let message = std::array::from_fn(|i| 0x1234_5679_u32.wrapping_mul(i as u32 + 3));
    vec![
        (block(state, message, 64, false), DST_FP),
        (block(message[..8].try_into().unwrap(), message, 67, true), OP1_FP),
    ]
}

fn honest() -> Witness {
    made(&honest_run(&two()))
}

const KINDS: [TableKind; 3] = [TableKind::Blake, TableKind::BlakeWord, TableKind::BlakeMix];

#[test]
fn every_cell_of_a_row_counts() {
    let honest = honest();
    for kind in &KINDS {
        every_cell_counts(&honest, kind, &[1]);
    }
}

fn get(system: &mut System, row: usize, name: &str) -> Felt {
    system.column(0, name)[row]
}

fn add(system: &mut System, row: usize, name: &str, value: Felt) {
    system.column(0, name)[row] += value;
}

fn number(system: &mut System, row: usize, name: &str) -> u64 {
    to_u64(&get(system, row, name)).unwrap()
}

#[test]
fn each_rule_of_blake_stands_alone() {
    let mut alone = Alone::new(&honest(), &TableKind::Blake);
    alone.expect("boolean_enabler", |system| halve(system, 0, 63));
    for name in ["dst_fp", "op0_fp", "op1_fp", "ap_add1", "finalize"] {
        alone.expect(&format!("boolean_{name}"), |system| add(system, 0, name, Felt::from(2)));
    }
    for i in 0..8 {
        alone.expect(&format!("and_counter[{i}]"), |system| add(system, 0, &format!("and[{i}]"), Felt::one()));
    }
    alone.finish();
}

#[test]
fn each_rule_of_its_words_stands_alone() {
    let mut alone = Alone::new(&honest(), &TableKind::BlakeWord);
    alone.expect("boolean_enabler", |system| halve(system, 3, 63));
    for i in 0..8 {
        // Another conjunction, which flips a bit of the exclusive or; the next one fits that.
        alone.expect(&format!("and_low[{i}]"), |system| {
            let [h, low, high] = ["h", "low", "high"].map(|name| number(system, 3, &format!("{name}[{i}]")));
            let half = (h ^ low) ^ 2;
            let and = (Felt::from(h + low) - Felt::from(half)) * Felt::from(2).inv().unwrap();
            system.column(0, &format!("and_low[{i}]"))[3] = and;
            system.column(0, &format!("and_high[{i}]"))[3] = Felt::from(half & high);
        });
        alone.expect(&format!("and_high[{i}]"), |system| add(system, 3, &format!("and_high[{i}]"), Felt::one()));
        alone.expect(&format!("byte[{i}]"), |system| add(system, 3, &format!("bytes[{i}]"), Felt::from(256)));
    }
    alone.finish();
}

/// Writes a call of the mixing function with everything that follows from its inputs, but for one bit of one exclusive or.
fn mix(system: &mut System, row: usize, flipped: Option<(usize, usize)>) {
    let word = |system: &mut System, name: &str| {
        (0..8).map(|i| number(system, row, &format!("{name}[{i}]")) << (4 * i)).sum::<u64>()
    };
    let (b, d) = (word(system, "b"), word(system, "d"));
    let [a, c, m0, m1] = ["a", "c", "message[0]", "message[1]"].map(|name| number(system, row, name));
    let flip = |which: usize, word: u64| match flipped {
        Some((at, nibble)) if at == which => word ^ (2 << (4 * nibble)),
        _ => word,
    };
    let rotate = |word: u64, by: u32| u64::from((word as u32).rotate_right(by));
    let low = |sum: u64| sum & u64::from(u32::MAX);
    let sum0 = a + b + m0;
    let x1 = flip(0, d ^ low(sum0));
    let d1 = rotate(x1, 16);
    let sum1 = c + d1;
    let x2 = flip(1, b ^ low(sum1));
    let b1 = rotate(x2, 12);
    let sum2 = low(sum0) + b1 + m1;
    let x3 = flip(2, d1 ^ low(sum2));
    let sum3 = low(sum1) + rotate(x3, 8);
    let x4 = flip(3, b1 ^ low(sum3));
    let half = Felt::from(2).inv().unwrap();
    for (i, (name, sum, other, xor)) in
        [("a1", sum0, d, x1), ("c1", sum1, b, x2), ("a2", sum2, d1, x3), ("c2", sum3, b1, x4)].into_iter().enumerate()
    {
        for k in 0..8 {
            let [nibble, other, xor] = [sum, other, xor].map(|word| word >> (4 * k) & 15);
            system.column(0, &format!("{name}[{k}]"))[row] = Felt::from(nibble);
            system.column(0, &format!("and_{name}[{k}]"))[row] = (Felt::from(nibble + other) - Felt::from(xor)) * half;
        }
        system.column(0, &format!("carry[{i}]"))[row] = Felt::from(sum >> 32);
    }
    system.column(0, "top")[row] = Felt::from(rotate(x4, 7) & 1);
}

#[test]
fn each_rule_of_its_mixing_stands_alone() {
    let honest = honest();
    let mut again = crate::cheating::alone(&honest, &TableKind::BlakeMix);
    let before = again.traces[0].clone();
    mix(&mut again, 5, None);
    assert_eq!(again.traces[0], before);
    let mut alone = Alone::new(&honest, &TableKind::BlakeMix);
    let carry = Felt::from(2).pow(32_u64);
    alone.expect("boolean_enabler", |system| halve(system, 5, 255));
    // What a carry has too much is in a word that is too large; the last sum has no word that gives way.
    for (i, word, most) in [(0, "a", 3), (1, "c", 2), (2, "message[1]", 3)] {
        alone.expect(&format!("carry[{i}]"), |system| {
            let more = Felt::from(most) - get(system, 5, &format!("carry[{i}]"));
            add(system, 5, &format!("carry[{i}]"), more);
            add(system, 5, word, more * carry);
        });
        alone.expect(&format!("sum[{i}]"), |system| add(system, 5, word, Felt::one()));
    }
    // The lowest nibble of the last sum, with its conjunction.
    let other_sum = |system: &mut System| {
        let [b, c1, c2] = ["b[3]", "c1[3]", "c2[0]"].map(|name| number(system, 5, name));
        // The nibble of the new b is the exclusive or of those three places up.
        let other = c2 ^ 1;
        system.column(0, "c2[0]")[5] = Felt::from(other);
        system.column(0, "and_c2[0]")[5] = Felt::from((b ^ c1) & other);
        Felt::from(c2) - Felt::from(other)
    };
    alone.expect("sum[3]", |system| {
        other_sum(system);
    });
    alone.expect("carry[3]", |system| {
        let less = other_sum(system);
        add(system, 5, "carry[3]", less * carry.inv().unwrap());
    });
    alone.expect("boolean_top", |system| system.column(0, "top")[5] = Felt::from(2));
    alone.expect("schedule", |system| add(system, 5, "version", Felt::from(100)));
    for (which, name) in ["a1", "c1", "a2", "c2"].into_iter().enumerate() {
        for k in 0..8 {
            alone.expect(&format!("and_{name}[{k}]"), |system| mix(system, 5, Some((which, k))));
        }
    }
    alone.finish();
}

/// The other bit at the top makes no word of 32 bits, which is why nothing else has to look at it.
#[test]
fn the_bit_at_the_top_is_unique() {
    for word in [0_u64, 1, (1 << 31) - 1, 1 << 31, u64::from(u32::MAX)] {
        let rotated = |top: u64| 2 * i128::from(word) - i128::from(top) * i128::from(u32::MAX);
        let fits = |value: i128| u32::try_from(value).is_ok();
        let (right, wrong) = (word >> 31, 1 - (word >> 31));
        assert_eq!(rotated(right), i128::from((word as u32).rotate_left(1)));
        assert!(!fits(rotated(wrong)), "{word:x}");
    }
}

/// The address of a cell of the second block.
fn cell(execution: &Execution, offset: usize) -> u32 {
    (execution.memory.len() - CELLS + offset) as u32
}

/// Forged with all that follows in the row and in memory, and made into a proof.
#[test]
fn false_blocks_are_refused_in_a_proof() {
    let execution = honest_run(&two());
    let honest = made(&execution);
    // The last word of the second block's result.
    let result = cell(&execution, CELLS - 1);
    let mut words = crate::cheating::alone(&honest, &TableKind::BlakeWord);
    let and = get(&mut words, 15, "and_high[0]") + Felt::one();
    let value = execution.memory[result as usize] - Felt::from(2);
    is_refused(forge(&honest, &TableKind::BlakeWord, 15, &[("and_high[0]", and)], &[(result, value)]));
    // A message of which a word has another value, and one of 33 bits.
    let message = cell(&execution, 3 + STATE_WORDS);
    for (byte, more) in [(0, 1), (3, 256)] {
        let name = format!("bytes[{byte}]");
        let value = get(&mut words, 8, &name) + Felt::from(more);
        let shifted = Felt::from(more << (8 * byte));
        let memory = [(message, execution.memory[message as usize] + shifted)];
        is_refused(forge(&honest, &TableKind::BlakeWord, 8, &[(&name, value)], &memory));
    }
    // Another counter, the other kind of block, another pointer.
    let counter = cell(&execution, 0);
    let more = execution.memory[counter as usize] + Felt::one();
    is_refused(forge(
        &honest,
        &TableKind::Blake,
        1,
        &[("counter[0]", Felt::from(4)), ("and[0]", Felt::from(4))],
        &[(counter, more)],
    ));
    is_refused(forge(&honest, &TableKind::Blake, 1, &[("finalize", Felt::zero())], &[]));
    is_refused(forge(&honest, &TableKind::Blake, 1, &[("output", Felt::from(u64::from(counter)))], &[]));
    // Without its row at all, and without the mixing of the second block.
    is_refused(forge(&honest, &TableKind::Blake, 1, &[("enabler", Felt::zero())], &[]));
    let mut skipped = honest.clone();
    let (names, trace) = crate::common::table(&mut skipped, &TableKind::BlakeMix);
    let enabler = names.iter().position(|name| name == "enabler").unwrap();
    trace[enabler][MIXES..].fill(Felt::zero());
    is_refused(skipped);
}

/// The check names what is wrong, and the prover says the same.
#[test]
fn false_blocks_are_named() {
    let wrong = run(&two(), |number, block| block.result().map(|word| word ^ number as u32));
    let error = wrong.check().unwrap_err().to_string();
    assert!(error.contains("blake's result"), "{error}");
    let options = Options { parameters: CHEAP, ..Options::default() };
    assert_eq!(prove(wrong, [7; 32], &options, &NoControl).unwrap_err().to_string(), error);
}
