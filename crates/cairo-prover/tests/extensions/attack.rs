//! Blocks of blake2s hashed by other rules than those of RFC 7693: the forger follows them to the end, through all tables and memory, and makes a whole
//! new proof.

use crate::cheating::is_refused;
use crate::forger::Forger;
use crate::runs::{AP_ADD1, DST_FP, OP0_FP, OP1_FP, execution, frame, made, word};
use cairo_air::TableKind;
use cairo_air::components::blake::{IV, MESSAGE_WORDS, STATE_WORDS};
use cairo_air::components::blake_schedule::{ROUNDS, SIGMA};
use cairo_air::decode::Extension;
use cairo_execution::Execution;
use cairo_prover::prove::{all_generic, witness};
use cairo_prover::witness::blake::{MAX_BLOCKS, check_number};
use cairo_prover::{ProveError, Witness, WitnessError};
use felt::Felt;
use felt::integers::to_u64;
use stark::NoControl;
use std::sync::OnceLock;

const BLAKE: TableKind = TableKind::Blake;
const WORD: TableKind = TableKind::BlakeWord;
const MIX: TableKind = TableKind::BlakeMix;

/// Blocks of the run: the second is the last of its message.
const BLOCKS: usize = 2;

/// Cells of a block: the counter, two pointers, the state, the message and the result.
const CELLS: usize = 3 + STATE_WORDS + MESSAGE_WORDS + STATE_WORDS;

const CALLS: usize = 8;

/// How a block is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// As it should be.
    Right,
    /// Two rounds take the message in each other's order.
    Order,
    /// The diagonals of a round are columns once more.
    Columns,
    /// A round takes a word of the message that the message does not have.
    Told,
    /// There is one round less.
    Short,
    /// The last block is hashed as if others followed.
    Open,
}

/// What is hashed.
#[derive(Clone)]
struct Block {
    state: [u32; STATE_WORDS],
    message: [u32; MESSAGE_WORDS],
    counter: u32,
    is_last: bool,
}

/// A call of the mixing function: its version, places, numbers of message words, and all words that it has.
struct Mixed {
    version: u64,
    position: [usize; 4],
    index: [usize; 2],
    message: [u32; 2],
    words: [u32; 4],
    call: Call,
}

/// What the function makes of its words.
struct Call {
    mixed: [u32; 4],
    sums: [u32; 4],
    carries: [u64; 4],
    /// What is exclusively or-ed.
    pairs: [[u32; 2]; 4],
    top: u32,
}

impl Call {
    /// RFC 7693, section 3.1, with the rotations of blake2s.
    fn new([a, b, c, d]: [u32; 4], [x, y]: [u32; 2]) -> Self {
        let sum = |terms: &[u32]| {
            let sum = terms.iter().map(|term| u64::from(*term)).sum::<u64>();
            (sum as u32, sum >> 32)
        };
        let (a1, carry0) = sum(&[a, b, x]);
        let d1 = (d ^ a1).rotate_right(16);
        let (c1, carry1) = sum(&[c, d1]);
        let b1 = (b ^ c1).rotate_right(12);
        let (a2, carry2) = sum(&[a1, b1, y]);
        let d2 = (d1 ^ a2).rotate_right(8);
        let (c2, carry3) = sum(&[c1, d2]);
        let last = b1 ^ c2;
        Self {
            mixed: [a2, last.rotate_right(7), c2, d2],
            sums: [a1, c1, a2, c2],
            carries: [carry0, carry1, carry2, carry3],
            pairs: [[d, a1], [b, c1], [d1, a2], [b1, c2]],
            // The last rotation is one by 8 to the right and one by 1 to the left.
            top: last.rotate_right(8) >> 31,
        }
    }
}

/// RFC 7693, section 3.2, but for the rule: the calls, and the working words after them.
fn hash(block: &Block, rule: Rule) -> (Vec<Mixed>, [u32; 16]) {
    let mut all = [0; 16];
    all[..8].copy_from_slice(&block.state);
    all[8..].copy_from_slice(&IV);
    all[12] ^= block.counter;
    if block.is_last && rule != Rule::Open {
        all[14] = !all[14];
    }
    let mut calls = Vec::new();
    let rounds = if rule == Rule::Short { ROUNDS - 1 } else { ROUNDS };
    for round in 0..rounds {
        let order = match (rule, round) {
            (Rule::Order, 3) => 6,
            (Rule::Order, 6) => 3,
            _ => round,
        };
        for call in 0..CALLS {
            let (diagonal, column) = (call / 4, call % 4);
            let shift = if rule == Rule::Columns && round == 5 { 0 } else { diagonal };
            let position: [usize; 4] = std::array::from_fn(|row| 4 * row + (column + row * shift) % 4);
            let index = [0, 1].map(|i| usize::from(SIGMA[order][2 * call + i]));
            let told = |i: usize| u32::from(rule == Rule::Told && round == 7 && i == 9);
            let message = index.map(|i| block.message[i] ^ told(i));
            let words = position.map(|at| all[at]);
            let call = Call::new(words, message);
            position.into_iter().zip(call.mixed).for_each(|(at, word)| all[at] = word);
            let version = (2 * round + diagonal) as u64;
            calls.push(Mixed { version, position, index, message, words, call });
        }
    }
    (calls, all)
}

fn small(value: u32) -> Felt {
    Felt::from(u64::from(value))
}

fn number(value: usize) -> Felt {
    Felt::from(value as u64)
}

fn blocks() -> [Block; BLOCKS] {
    let message = std::array::from_fn(|i| 0x1234_5679_u32.wrapping_mul(i as u32 + 3));
    let first = Block { state: IV, message, counter: 64, is_last: false };
    let state = message[..STATE_WORDS].try_into().unwrap();
    let message = std::array::from_fn(|i| 0x89ab_cdef_u32.wrapping_mul(2 * i as u32 + 1));
    [first, Block { state, message, counter: 67, is_last: true }]
}

fn result(block: &Block, rule: Rule) -> [u32; STATE_WORDS] {
    let (_, all) = hash(block, rule);
    std::array::from_fn(|i| block.state[i] ^ all[i] ^ all[8 + i])
}

/// From `fp` on the addresses of the results; then one block after the other.
fn run() -> Execution {
    let place = |block: usize| (BLOCKS + 1 + block * CELLS) as i32;
    let words = |(i, block): (usize, &Block)| {
        let extension = if block.is_last { Extension::BlakeFinalize } else { Extension::Blake };
        word(extension, DST_FP | OP0_FP | OP1_FP | AP_ADD1, [place(i), place(i) + 1, place(i) + 2])
    };
    let words: Vec<_> = blocks().iter().enumerate().map(words).collect();
    let base = |block: usize| frame(&words) as usize + place(block) as usize + 3;
    let results = |block: usize| base(block) + STATE_WORDS + MESSAGE_WORDS;
    let mut cells: Vec<Felt> = (0..BLOCKS).map(|block| number(results(block))).collect();
    cells.push(Felt::zero());
    for (i, block) in blocks().iter().enumerate() {
        cells.extend([block.counter as usize, base(i), base(i) + STATE_WORDS].map(number));
        let words = block.state.into_iter().chain(block.message).chain(result(block, Rule::Right));
        cells.extend(words.map(small));
    }
    execution(&words, &cells)
}

fn honest() -> &'static Witness {
    static WITNESS: OnceLock<Witness> = OnceLock::new();
    WITNESS.get_or_init(|| {
        let execution = run();
        execution.check().unwrap();
        made(&execution)
    })
}

fn nibbles(word: u32) -> impl Iterator<Item = Felt> {
    (0..8).map(move |i| small(word >> (4 * i) & 15))
}

fn set_nibbles(forger: &mut Forger, kind: &TableKind, row: usize, name: &str, word: u32) {
    for (i, nibble) in nibbles(word).enumerate() {
        forger.set(kind, row, &format!("{name}[{i}]"), nibble);
    }
}

fn pointer(forger: &mut Forger, block: usize, name: &str) -> u64 {
    to_u64(&forger.get(&BLAKE, block, name)).unwrap()
}

/// Writes all rows of a block but that of its step, and the cells of its message and its result where the step's pointers lead.
fn write(forger: &mut Forger, number_of: usize, block: &Block, rule: Rule) {
    let (calls, all) = hash(block, rule);
    for call in 0..ROUNDS * CALLS {
        let row = ROUNDS * CALLS * number_of + call;
        let Some(mixed) = calls.get(call) else {
            forger.set(&MIX, row, "enabler", Felt::zero());
            continue;
        };
        let Mixed { version, position, index, message, words, call } = mixed;
        let Call { sums, carries, pairs, top, .. } = call;
        forger.set(&MIX, row, "version", Felt::from(*version));
        for (i, position) in position.iter().enumerate() {
            forger.set(&MIX, row, &format!("position[{i}]"), number(*position));
        }
        for i in 0..2 {
            forger.set(&MIX, row, &format!("index[{i}]"), number(index[i]));
            forger.set(&MIX, row, &format!("message[{i}]"), small(message[i]));
        }
        forger.set(&MIX, row, "a", small(words[0])).set(&MIX, row, "c", small(words[2]));
        set_nibbles(forger, &MIX, row, "b", words[1]);
        set_nibbles(forger, &MIX, row, "d", words[3]);
        for (i, name) in ["a1", "c1", "a2", "c2"].into_iter().enumerate() {
            set_nibbles(forger, &MIX, row, name, sums[i]);
            set_nibbles(forger, &MIX, row, &format!("and_{name}"), pairs[i][0] & pairs[i][1]);
            forger.set(&MIX, row, &format!("carry[{i}]"), Felt::from(carries[i]));
        }
        forger.set(&MIX, row, "top", small(*top));
    }
    let [message, output] = ["message", "output"].map(|name| pointer(forger, number_of, name));
    for i in 0..STATE_WORDS {
        let row = STATE_WORDS * number_of + i;
        let (h, low, high) = (block.state[i], all[i], all[8 + i]);
        for (name, word) in
            [("h", h), ("low", low), ("high", high), ("and_low", h & low), ("and_high", (h ^ low) & high)]
        {
            set_nibbles(forger, &WORD, row, name, word);
        }
        let words = [block.message[2 * i], block.message[2 * i + 1]];
        for (at, byte) in words.into_iter().flat_map(u32::to_le_bytes).enumerate() {
            forger.set(&WORD, row, &format!("bytes[{at}]"), small(u32::from(byte)));
        }
        for (k, word) in words.into_iter().enumerate() {
            forger.set_memory(message + (2 * i + k) as u64, small(word));
        }
        forger.set_memory(output + i as u64, small(h ^ low ^ high));
    }
}

/// The second block, hashed by a rule.
fn forged(rule: Rule) -> Forger {
    let mut forger = Forger::new(honest());
    let block = &blocks()[1];
    write(&mut forger, 1, block, rule);
    if rule != Rule::Right {
        assert_ne!(result(block, rule), result(block, Rule::Right), "{rule:?}: nothing is forged");
    }
    forger
}

/// Expects these faults alone, and that no proof passes, with disclosed rows or without.
fn refused(mut forger: Forger, faults: &[&str]) {
    forger.balance().refused_for(faults);
    is_refused(forger.0);
}

/// What the forger writes is what the prover would, and a block that is another one is proven.
#[test]
fn blocks_by_the_rules_are_proven() {
    let mut forger = forged(Rule::Right);
    assert!(forger.balance().0.traces == honest().traces);
    forger.accepted();
    let mut other = blocks()[1].clone();
    other.message[9] ^= 1 << 31;
    write(&mut forger, 1, &other, Rule::Right);
    forger.balance().accepted();
}

#[test]
fn blocks_by_other_rules_are_refused() {
    refused(forged(Rule::Order), &["blake_schedule"]);
    refused(forged(Rule::Columns), &["blake_schedule"]);
    refused(forged(Rule::Told), &["blake_message"]);
    refused(forged(Rule::Short), &["blake_message", "blake_word"]);
}

/// A last block that is hashed as one that is none, in three steps: its row says so, its decoding too, and the word that is decoded.
#[test]
fn another_kind_of_block_is_refused() {
    let mut forger = forged(Rule::Open);
    forger.set(&BLAKE, 1, "finalize", Felt::zero());
    refused(forger.clone(), &["opcode_extension"]);
    let decoding = TableKind::OpcodeExtension;
    let pc = forger.get(&BLAKE, 1, "pc");
    let row = (0..BLOCKS).find(|row| forger.get(&decoding, *row, "pc") == pc).unwrap();
    forger.set(&decoding, row, "finalize", Felt::zero());
    refused(forger.clone(), &["memory"]);
    // Then it is a run of another program.
    let at = to_u64(&pc).unwrap();
    let word = honest().statement.program.bytecode()[at as usize - 1] - Felt::from(1_u64 << 63);
    forger.set_memory(at, word);
    refused(forger, &["memory"]);
}

/// Words of a block that are read or written elsewhere than its pointers say.
#[test]
fn words_of_other_cells_are_refused() {
    // Two words of the result exchanged.
    let mut forger = Forger::new(honest());
    let (rows, block) = ([STATE_WORDS + 2, STATE_WORDS + 3], &blocks()[1]);
    let words = result(block, Rule::Right);
    let output = pointer(&mut forger, 1, "output");
    for (row, other, word) in [(rows[0], 3, words[2]), (rows[1], 2, words[3])] {
        forger.set(&WORD, row, "output", Felt::from(output + other));
        forger.set_memory(output + other, small(word));
    }
    refused(forger, &["blake_cells"]);
    // A message of which two pairs of words are exchanged, which hashes to something else.
    let mut other = block.clone();
    for (a, b) in [(0, 2), (1, 3)] {
        other.message.swap(a, b);
    }
    let mut forger = Forger::new(honest());
    write(&mut forger, 1, &other, Rule::Right);
    let message = pointer(&mut forger, 1, "message");
    for (row, place) in [(0, 2), (1, 0)] {
        forger.set(&WORD, STATE_WORDS + row, "message", Felt::from(message + place));
    }
    for (i, word) in block.message.into_iter().enumerate() {
        forger.set_memory(message + i as u64, small(word));
    }
    refused(forger, &["blake_cells"]);
}

/// Lets the second block's result go to another address.
fn moved(output: u64) -> Forger {
    let mut forger = Forger::new(honest());
    // The cell at `ap` in the second step.
    let cell = to_u64(&forger.get(&BLAKE, 1, "ap")).unwrap();
    forger.set_memory(cell, Felt::from(output)).set(&BLAKE, 1, "output", Felt::from(output));
    for i in 0..STATE_WORDS {
        forger.set(&WORD, STATE_WORDS + i, "output", Felt::from(output + i as u64));
    }
    forger
}

/// A result that would be written over other words, which have two values then: the state, or all but one of the first block's result.
#[test]
fn results_over_other_words_are_refused() {
    // Cells behind all others, which nothing holds.
    let end = run().memory.len() as u64;
    let mut forger = moved(end);
    for (i, word) in result(&blocks()[1], Rule::Right).into_iter().enumerate() {
        forger.set_memory(end + i as u64, small(word));
    }
    forger.balance().accepted();
    for (block, name, offset) in [(1, "state", 0), (1, "message", 3), (0, "output", 0), (0, "output", 1)] {
        let at = pointer(&mut Forger::new(honest()), block, name) + offset;
        refused(moved(at), &["memory"]);
        // The other way round: the cells hold the result, and are read as what they should hold.
        let mut forger = moved(at);
        for (i, word) in result(&blocks()[1], Rule::Right).into_iter().enumerate() {
            forger.set_memory(at + i as u64, small(word));
        }
        refused(forger, &["memory"]);
    }
}

/// A counter that is larger by 2^32, which the highest nibble has and the exclusive or has not.
#[test]
fn counters_beyond_32_bits_are_refused() {
    let mut forger = Forger::new(honest());
    let first_cell = to_u64(&forger.get(&BLAKE, 1, "fp")).unwrap() + (BLOCKS + 1 + CELLS) as u64;
    let counter = blocks()[1].counter;
    forger.set_memory(first_cell, Felt::from(1_u64 << 32 | u64::from(counter)));
    forger.add(&BLAKE, 1, "counter[7]", 16).add(&BLAKE, 1, "and[7]", 8);
    refused(forger, &["nibble_and"]);
}

/// The limit is named before any table is filled.
#[test]
fn too_many_blocks_are_named() {
    let execution = run();
    let mut steps = all_generic(&execution);
    let table = steps.iter_mut().find(|table| table.kind == BLAKE).unwrap();
    let clock = table.starts[0];
    // Steps of which each is the same: enough of them take no long run.
    table.starts = vec![clock; MAX_BLOCKS + 1];
    table.log_height = 21;
    let refused = witness(execution, [7; 32], steps, 0, &NoControl).unwrap_err();
    let expected = WitnessError::Blocks { found: (1 << 20) + 1, limit: 1 << 20 };
    assert!(matches!(&refused, ProveError::Witness(found) if *found == expected), "{refused}");
    assert!(refused.to_string().contains("Split the work into smaller runs"));
    assert_eq!(check_number(&vec![clock; MAX_BLOCKS]), Ok(()));
}
