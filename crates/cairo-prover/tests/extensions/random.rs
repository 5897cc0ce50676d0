//! Random programs with blocks of blake2s, whose words stand wherever cells are: in the program, on the stack, where loops have written them, in the
//! output, in range-checked cells, in what blocks before made of theirs. Whatever cairo-vm runs, the tables prove and the verifier accepts.

use crate::common::agree::{Verdict, compare, damage};
use crate::common::disclosed_and_proven;
use crate::common::random::Random;
use crate::runs::{ADD, AP_ADD1, ASSERT_EQ, DST_FP, OP0_FP, OP1_AP, OP1_FP, OP1_IMM};
use cairo_air::decode::{Decoded, Extended, Extension, Flags};
use cairo_air::{Builtin, Statement, TableKind, keccak, verify};
use cairo_execution::Execution;
use cairo_execution::extended::blake::Block;
use cairo_prover::planner::{Costs, owned_cells, plan};
use cairo_prover::prove::{all_generic, estimate_memory, witness};
use cairo_prover::{Options, prove};
use cairo_runner::{Arguments, RunLimits, RunnableProgram, run, unwatched};
use felt::{Felt, encoding};
use stark::NoControl;
use std::collections::BTreeMap;
use testkit::proofs::{CHEAP, policy};

const RET: u64 = 0x208b_7fff_7fff_7ffe;
const PC_JNZ: u16 = 1 << 9;
const AP_ADD_RES: u16 = 1 << 10;

/// Builtins of a random program.
const BUILTINS: [Builtin; 2] = [Builtin::Output, Builtin::RangeCheck96];

/// Where main begins: after `ap += n`, `call main`, `jmp rel 0`. The call's return address is 4.
const MAIN: usize = 6;
const BACK: i64 = 4;

/// Words behind the instructions.
const DATA: i64 = 40;

/// What an address is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Base {
    /// The word behind the last instruction.
    Data,
    /// `fp` in main.
    Frame,
    Segment(Builtin),
}

type Place = (Base, i64);

struct Writer {
    random: Random,
    builtins: [Builtin; 2],
    words: Vec<Felt>,
    ap: i64,
    /// Cells with words of 32 bits.
    known: BTreeMap<Place, u32>,
    /// Cells used of each segment.
    used: BTreeMap<Builtin, i64>,
    /// Immediates that count from the first word of data, which is not known yet.
    open: Vec<usize>,
    /// Blocks hashed, with the place of their words and of their result.
    done: Vec<([Place; 3], u32, bool)>,
}

impl Writer {
    fn new(seed: u64, builtins: [Builtin; 2]) -> Self {
        let mut random = Random(seed);
        let header =
            [0x0407_8001_7fff_7fff_u64, builtins.len() as u64, 0x1104_8001_8001_8000, 4, 0x0107_8001_7fff_7fff, 0];
        let words = header.map(Felt::from).to_vec();
        let known = (0..DATA).map(|at| ((Base::Data, at), number(&mut random))).collect();
        let used = builtins.map(|builtin| (builtin, 0)).into();
        Self { random, builtins, words, ap: 0, known, used, open: Vec::new(), done: Vec::new() }
    }

    fn emit(&mut self, flags: u16, offsets: [i64; 3], immediate: Option<Felt>) {
        let decoded = Decoded { flags: Flags(flags), offsets: offsets.map(|offset| offset as i32) };
        self.words.push(Felt::from(decoded.encode()));
        self.words.extend(immediate);
        self.ap += i64::from(flags & AP_ADD1 != 0);
    }

    /// `[ap] = value`, and `ap++` if it `moves`.
    fn write(&mut self, value: Felt, moves: bool) {
        let moves = if moves { AP_ADD1 } else { 0 };
        self.emit(ASSERT_EQ | moves | OP1_IMM | OP0_FP, [0, -1, 1], Some(value));
    }

    fn push(&mut self, word: u32) {
        self.known.insert((Base::Frame, self.ap), word);
        self.write(Felt::from(u64::from(word)), true);
    }

    /// `[ap] = address`, and `ap++` if it `moves`. The frame holds the pointers to the segments, the caller's `fp` and the return address.
    fn point(&mut self, (base, offset): Place, moves: bool) {
        let (cell, more) = match base {
            Base::Data => (-1, offset - BACK),
            Base::Frame => (-2, offset + self.builtins.len() as i64 + 2),
            Base::Segment(builtin) => (self.slot(builtin), offset),
        };
        let moves = if moves { AP_ADD1 } else { 0 };
        self.emit(ASSERT_EQ | moves | OP0_FP | OP1_IMM | ADD, [0, cell, 1], Some(cairo_air::decode::signed(more)));
        if base == Base::Data {
            self.open.push(self.words.len() - 1);
        }
    }

    /// Where main's frame holds the pointer to a builtin.
    fn slot(&self, builtin: Builtin) -> i64 {
        let position = self.builtins.iter().position(|it| *it == builtin).unwrap() as i64;
        position - 2 - self.builtins.len() as i64
    }

    /// Writes what was pushed last to a cell of a segment, which is used then.
    fn put(&mut self, builtin: Builtin, at: i64) {
        let slot = self.slot(builtin);
        self.emit(ASSERT_EQ | OP0_FP, [-1, slot, at], None);
        let used = self.used.get_mut(&builtin).unwrap();
        *used = (at + 1).max(*used);
    }

    /// So many words one after the other.
    fn pick(&mut self, count: i64) -> Place {
        let is_whole = |(base, at): &Place| (1..count).all(|i| self.known.contains_key(&(*base, at + i)));
        let found: Vec<Place> = self.known.keys().filter(|place| is_whole(place)).copied().collect();
        *self.random.of(&found)
    }

    /// Pushes words, or has a loop count down to 0.
    fn stack(&mut self) {
        if self.random.one_in(2) {
            for _ in 0..8 + self.random.below(20) {
                let word = number(&mut self.random);
                self.push(word);
            }
            return;
        }
        let rounds = 8 + self.random.below(40) as u32;
        self.push(rounds);
        self.emit(ASSERT_EQ | AP_ADD1 | OP1_IMM | ADD, [0, -1, 1], Some(-Felt::one()));
        self.emit(PC_JNZ | OP1_IMM | OP0_FP, [-1, -1, 1], Some(-Felt::from(2_u64)));
        self.ap -= 1;
        for word in (0..rounds).rev() {
            self.known.insert((Base::Frame, self.ap), word);
            self.ap += 1;
        }
    }

    /// Appends words to a segment.
    fn append(&mut self) {
        let builtin = *self.random.of(&self.builtins);
        for _ in 0..1 + self.random.below(16) {
            let (word, at) = (number(&mut self.random), self.used[&builtin]);
            self.push(word);
            self.put(builtin, at);
            self.known.insert((Base::Segment(builtin), at), word);
        }
    }

    /// Hashes a block, perhaps one that was hashed before.
    fn block(&mut self) {
        let again = self.done.len();
        if self.random.one_in(4) && again > 0 {
            let ([state, message, result], counter, is_last) = self.done[self.random.below(again)];
            return self.hash([state, message], counter, is_last, Some(result));
        }
        let (counter, is_last) = (number(&mut self.random), self.random.one_in(2));
        let words = [self.pick(8), self.pick(16)];
        // To the stack, or behind what a segment has.
        let result = (!self.random.one_in(3)).then(|| {
            let builtin = *self.random.of(&self.builtins);
            (Base::Segment(builtin), self.used[&builtin])
        });
        self.hash(words, counter, is_last, result);
    }

    /// Hashes a block; the result goes to the stack if it is not said where.
    fn hash(&mut self, [state, message]: [Place; 2], counter: u32, is_last: bool, result: Option<Place>) {
        self.push(counter);
        let counter_at = self.ap - 1;
        self.point(state, true);
        self.point(message, true);
        // Beyond the cell at ap, over which it moves then.
        let (result, rest) = result.map_or(((Base::Frame, self.ap + 1), 8), |place| (place, 0));
        self.point(result, false);
        let extension = if is_last { Extension::BlakeFinalize } else { Extension::Blake };
        // Once or twice.
        for moves in [false, true].into_iter().skip(self.random.below(2)) {
            let mut offset = |at: i64, flag: u16, other: u16| match self.random.one_in(2) {
                true => (flag, at),
                false => (other, at - self.ap),
            };
            let operands = [
                offset(counter_at, DST_FP, 0),
                offset(counter_at + 1, OP0_FP, 0),
                offset(counter_at + 2, OP1_FP, OP1_AP),
            ];
            let flags = operands.iter().fold(if moves { AP_ADD1 } else { 0 }, |flags, (flag, _)| flags | flag);
            let offsets = operands.map(|(_, offset)| offset as i32);
            self.words.push(Extended { extension, flags: Flags(flags), offsets }.encode());
        }
        self.ap += 1;
        let words = |(base, first): Place, i: usize| self.known[&(base, first + i as i64)];
        let block = Block {
            addresses: [0; 3],
            state: std::array::from_fn(|i| words(state, i)),
            message: std::array::from_fn(|i| words(message, i)),
            counter,
            is_last,
        };
        let (base, first) = result;
        self.known.extend((first..).zip(block.result()).map(|(at, word)| ((base, at), word)));
        if let Base::Segment(builtin) = base {
            let used = self.used.get_mut(&builtin).unwrap();
            *used = (first + 8).max(*used);
        }
        self.done.push(([state, message, result], counter, is_last));
        if rest > 0 {
            self.emit(AP_ADD_RES | OP1_IMM | DST_FP | OP0_FP, [-1, -1, 1], Some(Felt::from(rest as u64)));
            self.ap += rest;
        }
    }

    /// Does some things.
    fn body(mut self) -> Self {
        for _ in 0..3 + self.random.below(12) {
            match self.random.below(4) {
                0 => self.stack(),
                1 => self.append(),
                _ => self.block(),
            }
        }
        self
    }

    /// Returns the pointers.
    fn finish(mut self) -> Self {
        for builtin in self.builtins {
            self.point((Base::Segment(builtin), self.used[&builtin]), true);
        }
        self.words.push(Felt::from(RET));
        let data = Felt::from(self.words.len() as u64);
        for open in &self.open {
            self.words[*open] += data;
        }
        for at in 0..DATA {
            self.words.push(Felt::from(u64::from(self.known[&(Base::Data, at)])));
        }
        self
    }

    fn run(&self) -> Execution {
        let data: Vec<String> = self.words.iter().map(|word| format!("\"{}\"", encoding::to_hex(word))).collect();
        let builtins = self.builtins.map(|builtin| format!("\"{builtin}\"")).join(",");
        let label = |pc: u32| format!(r#"{{"pc": {pc}, "type": "label"}}"#);
        let json = format!(
            r#"{{"attributes": [], "builtins": [{builtins}], "compiler_version": "0.14.0.1", "data": [{}],
            "debug_info": null, "hints": {{}}, "identifiers": {{"__main__.__end__": {}, "__main__.__start__": {},
            "__main__.main": {{"decorators": [], "pc": {MAIN}, "type": "function"}}}}, "main_scope": "__main__",
            "prime": "0x800000000000011000000000000000000000000000000000000000000000001",
            "reference_manager": {{"references": []}}}}"#,
            data.join(","),
            label(4),
            label(0),
        );
        let program = RunnableProgram::from_json(json.as_bytes()).unwrap();
        run(&program, &Arguments::none(), &RunLimits::default(), &mut unwatched).unwrap()
    }

    /// The words that a segment must hold.
    fn segment(&self, builtin: Builtin) -> Vec<Felt> {
        let words = (0..self.used[&builtin]).map(|at| self.known[&(Base::Segment(builtin), at)]);
        words.map(|word| Felt::from(u64::from(word))).collect()
    }
}

/// A word of 32 bits: any, or at an edge.
fn number(random: &mut Random) -> u32 {
    match random.below(6) {
        0 => 0,
        1 => u32::MAX,
        2 => 1 << random.below(32),
        _ => random.bits() as u32,
    }
}

/// What a run had.
#[derive(Debug, Default)]
struct Seen {
    blocks: usize,
    owned: usize,
    altered: usize,
}

fn check(seed: u64, seen: &mut Seen) {
    let writer = Writer::new(seed, BUILTINS).body().finish();
    let execution = writer.run();
    assert_eq!(execution.check(), Ok(()), "seed {seed}");
    assert_eq!(execution.output(), writer.segment(Builtin::Output), "seed {seed}");
    let mut altered = execution.clone();
    damage(&mut altered, &mut Random(seed << 32));
    seen.altered += usize::from(compare(&altered, &format!("seed {seed}, altered")) != Verdict::Run);
    let steps = execution.n_steps();
    let mut random = Random(!seed);
    let tables = match seed % 3 {
        0 => plan(&execution, &Costs::new(&execution, 135)).tables,
        1 => all_generic(&execution),
        // Hardly any limit: as many paths as the planner finds worth while, with the cells that they own.
        _ => plan(&execution, &Costs { cells_per_column: 1, ..Costs::new(&execution, 2000) }).tables,
    };
    seen.blocks +=
        tables.iter().filter(|table| table.kind == TableKind::Blake).map(|table| table.starts.len()).sum::<usize>();
    seen.owned += usize::from(tables.iter().any(|table| owned_cells(&table.kind) > 0));
    // A donor asks first.
    assert!(estimate_memory(&execution, &tables, &CHEAP).is_ok(), "seed {seed}");
    let made =
        witness(execution, [1; 32], tables, 64, &NoControl).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    let verified = disclosed_and_proven(made, &mut random, &format!("seed {seed}"));
    assert_eq!(
        (verified.runs[0].n_steps, verified.runs[0].output.clone()),
        (steps as u64, writer.segment(Builtin::Output)),
        "seed {seed}"
    );
}

fn check_all(seeds: std::ops::Range<u64>) {
    let (count, mut seen) = (seeds.end - seeds.start, Seen::default());
    seeds.for_each(|seed| check(seed, &mut seen));
    println!("{count} programs: {seen:?}");
    assert!(seen.blocks as u64 > 2 * count && seen.owned > 0 && seen.altered as u64 > count / 2, "{seen:?}");
}

/// A result is the state of a permutation of Keccak, whose result goes to the output; another permutation has an address in its state.
#[test]
fn a_block_that_keccak_permutes() {
    let mut writer = Writer::new(1, [Builtin::Output, Builtin::Keccak]);
    writer.stack();
    let words = [writer.pick(8), writer.pick(16)];
    writer.hash(words, 64, true, Some((Base::Segment(Builtin::Keccak), 0)));
    let state: [Felt; 8] = writer.segment(Builtin::Keccak).try_into().unwrap();
    let slot = writer.slot(Builtin::Keccak);
    for at in 0..8 {
        writer.emit(ASSERT_EQ | AP_ADD1 | OP0_FP, [0, slot, 8 + at], None);
        writer.put(Builtin::Output, at);
    }
    writer.point((Base::Segment(Builtin::Output), 5), true);
    writer.put(Builtin::Keccak, 16 + 3);
    writer.used.insert(Builtin::Keccak, 32);
    let execution = writer.finish().run();
    assert_eq!(execution.check(), Ok(()));
    let expected = keccak::pack(&keccak::permute(keccak::unpack(&state).unwrap()));
    let options = Options { parameters: CHEAP, max_memory: Some(1 << 40), ..Options::default() };
    let statement = Statement::single(execution.program.clone(), Vec::new(), [1; 32]);
    let proof = prove(execution, [1; 32], &options, &NoControl).unwrap();
    assert_eq!(verify(&statement, &proof.encode(), &policy()).unwrap().runs[0].output, expected);
}

#[test]
fn random_blocks_are_proven() {
    check_all(0..24);
}

#[test]
#[ignore = "takes a minute"]
fn many_random_blocks_are_proven() {
    check_all(1000..1400);
}
