//! Random programs with blocks of blake2s, whose words stand wherever cells are: in the program, on the stack, where loops have written them, in the
//! output, in range-checked cells, in what blocks before made of theirs. Whatever cairo-vm runs, the tables prove and the verifier accepts.

use crate::common::agree::{Verdict, compare, damage};
use crate::common::disclosed_and_proven;
use crate::common::random::Random;
use crate::runs::{ADD, AP_ADD1, ASSERT_EQ, DST_FP, OP0_FP, OP1_AP, OP1_FP, OP1_IMM};
use cairo_air::decode::{Decoded, Extended, Extension, Flags};
use cairo_air::{Builtin, TableKind};
use cairo_execution::Execution;
use cairo_execution::extended::blake::Block;
use cairo_prover::planner::{Costs, owned_cells, plan};
use cairo_prover::prove::{all_generic, witness};
use cairo_runner::{Arguments, RunLimits, RunnableProgram, run, unwatched};
use felt::{Felt, encoding};
use stark::NoControl;
use std::collections::BTreeMap;

const RET: u64 = 0x208b_7fff_7fff_7ffe;
const PC_JNZ: u16 = 1 << 9;
const AP_ADD_RES: u16 = 1 << 10;

/// Builtins of each program.
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
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let header =
            [0x0407_8001_7fff_7fff_u64, BUILTINS.len() as u64, 0x1104_8001_8001_8000, 4, 0x0107_8001_7fff_7fff, 0];
        let words = header.map(Felt::from).to_vec();
        let known = (0..DATA).map(|at| ((Base::Data, at), number(&mut random))).collect();
        let used = BUILTINS.map(|builtin| (builtin, 0)).into();
        Self { random, words, ap: 0, known, used, open: Vec::new(), done: Vec::new() }
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
        let count = BUILTINS.len() as i64;
        let (cell, more) = match base {
            Base::Data => (-1, offset - BACK),
            Base::Frame => (-2, offset + count + 2),
            Base::Segment(builtin) => {
                (BUILTINS.iter().position(|it| *it == builtin).unwrap() as i64 - 2 - count, offset)
            }
        };
        let moves = if moves { AP_ADD1 } else { 0 };
        self.emit(ASSERT_EQ | moves | OP0_FP | OP1_IMM | ADD, [0, cell, 1], Some(cairo_air::decode::signed(more)));
        if base == Base::Data {
            self.open.push(self.words.len() - 1);
        }
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
        let builtin = *self.random.of(&BUILTINS);
        let slot = BUILTINS.iter().position(|it| *it == builtin).unwrap() as i64 - 2 - BUILTINS.len() as i64;
        for _ in 0..1 + self.random.below(16) {
            let (word, at) = (number(&mut self.random), self.used[&builtin]);
            self.push(word);
            self.emit(ASSERT_EQ | OP0_FP, [-1, slot, at], None);
            self.known.insert((Base::Segment(builtin), at), word);
            *self.used.get_mut(&builtin).unwrap() += 1;
        }
    }

    /// Hashes a block, perhaps one that was hashed before.
    fn block(&mut self) {
        let again = self.done.len();
        let ([state, message, mut result], counter, is_last) = match self.random.one_in(4) && again > 0 {
            true => self.done[self.random.below(again)],
            false => {
                let (counter, is_last) = (number(&mut self.random), self.random.one_in(2));
                ([self.pick(8), self.pick(16), (Base::Data, 0)], counter, is_last)
            }
        };
        let is_fresh = result == (Base::Data, 0);
        self.push(counter);
        let counter_at = self.ap - 1;
        self.point(state, true);
        self.point(message, true);
        let mut rest = 0;
        if is_fresh {
            let builtin = *self.random.of(&BUILTINS);
            result = match self.random.one_in(3) {
                // Beyond the cell at ap, over which it moves then.
                true => {
                    rest = 8;
                    (Base::Frame, self.ap + 1)
                }
                false => {
                    *self.used.get_mut(&builtin).unwrap() += 8;
                    (Base::Segment(builtin), self.used[&builtin] - 8)
                }
            };
        }
        self.point(result, false);
        let extension = if is_last { Extension::BlakeFinalize } else { Extension::Blake };
        for moves in [false, true] {
            // Once or twice.
            if !moves && self.random.one_in(2) {
                continue;
            }
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
        if is_fresh {
            let words = |place: Place, i: usize| self.known[&(place.0, place.1 + i as i64)];
            let block = Block {
                addresses: [0; 3],
                state: std::array::from_fn(|i| words(state, i)),
                message: std::array::from_fn(|i| words(message, i)),
                counter,
                is_last,
            };
            for (i, word) in (0..).zip(block.result()) {
                self.known.insert((result.0, result.1 + i), word);
            }
            self.done.push(([state, message, result], counter, is_last));
        }
        if rest > 0 {
            self.emit(AP_ADD_RES | OP1_IMM | DST_FP | OP0_FP, [-1, -1, 1], Some(Felt::from(rest as u64)));
            self.ap += rest;
        }
    }

    fn finish(mut self) -> Self {
        for _ in 0..3 + self.random.below(12) {
            match self.random.below(4) {
                0 => self.stack(),
                1 => self.append(),
                _ => self.block(),
            }
        }
        for builtin in BUILTINS {
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
        let builtins = BUILTINS.map(|builtin| format!("\"{builtin}\"")).join(",");
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
    let writer = Writer::new(seed).finish();
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
    let made =
        witness(execution, [1; 32], tables, 64, &NoControl).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    let verified = disclosed_and_proven(made, &mut random, &format!("seed {seed}"));
    assert_eq!((verified.n_steps, verified.output), (steps as u64, writer.segment(Builtin::Output)), "seed {seed}");
}

fn check_all(seeds: std::ops::Range<u64>) {
    let (count, mut seen) = (seeds.end - seeds.start, Seen::default());
    seeds.for_each(|seed| check(seed, &mut seen));
    println!("{count} programs: {seen:?}");
    assert!(seen.blocks as u64 > 2 * count && seen.owned > 0 && seen.altered as u64 > count / 2, "{seen:?}");
}

#[test]
fn random_blocks_are_proven() {
    check_all(0..24);
}

#[test]
#[ignore = "takes minutes"]
fn many_random_blocks_are_proven() {
    check_all(1000..1400);
}
