//! Random programs: whatever cairo-vm runs, the tables prove and the verifier accepts, however the steps are distributed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use cairo_air::TableKind;
use cairo_air::components::{OwningWord, Word};
use cairo_air::decode::{Decoded, Flags};
use cairo_air::fetch::MAX_FETCHES;
use cairo_execution::Execution;
use cairo_prover::StepTable;
use cairo_prover::planner::{Costs, plan};
use cairo_prover::prove::{all_generic, witness};
use cairo_runner::{Arguments, RunLimits, RunnableProgram, run, unwatched};
use common::random::Random;
use felt::{Felt, encoding};
use stark::{MIN_LOG_HEIGHT, NoControl};
use std::collections::BTreeMap;

const DST_FP: u16 = 1;
const OP0_FP: u16 = 1 << 1;
const OP1_IMM: u16 = 1 << 2;
const OP1_FP: u16 = 1 << 3;
const OP1_AP: u16 = 1 << 4;
const RES_ADD: u16 = 1 << 5;
const RES_MUL: u16 = 1 << 6;
const PC_REL: u16 = 1 << 8;
const PC_JNZ: u16 = 1 << 9;
const AP_ADD_RES: u16 = 1 << 10;
const AP_ADD1: u16 = 1 << 11;
const CALL: u16 = 1 << 12;
const ASSERT: u16 = 1 << 14;
const RET: u64 = 0x208b_7fff_7fff_7ffe;

/// What a cell of the execution segment holds.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cell {
    /// A number.
    Number(Felt),
    /// A pointer to a cell of the execution segment, counted from main's frame.
    Frame(i64),
    /// A pointer to a word of the program.
    Code(i64),
    /// A pointer to the output.
    Output,
}

/// Flags, off2 and immediate of an op1; flag and off1 of op0, if op1 depends on it; its value.
type Op1 = (u16, i64, Option<Felt>, Option<(bool, i64)>, Cell);

/// Writes a program while following its only run.
struct Writer {
    random: Random,
    words: Vec<Felt>,
    cells: BTreeMap<i64, Cell>,
    output: Vec<Felt>,
    /// Words that are still to be written.
    disclosed: Vec<usize>,
    ap: i64,
    fp: i64,
}

impl Writer {
    fn new(seed: u64) -> Self {
        let header = [0x0407_8001_7fff_7fff_u64, 1, 0x1104_8001_8001_8000, 4, 0x0107_8001_7fff_7fff, 0];
        // Before main's frame: the execution segment's head, the output's base, then what the call pushed.
        let cells = BTreeMap::from([(-3, Cell::Output), (-1, Cell::Code(4))]);
        let words = header.map(Felt::from).to_vec();
        Self { random: Random(seed), words, cells, output: Vec::new(), disclosed: Vec::new(), ap: 0, fp: 0 }
    }

    fn emit(&mut self, flags: u16, offsets: [i64; 3], immediate: Option<Felt>) {
        let decoded = Decoded { flags: Flags(flags), offsets: offsets.map(|offset| offset as i32) };
        self.words.push(Felt::from(decoded.encode()));
        self.words.extend(immediate);
    }

    /// A number: mostly small, sometimes any.
    fn number(&mut self) -> Felt {
        match self.random.below(5) {
            0 => -Felt::from(self.random.bits() % 100),
            1 => (0..4).fold(Felt::zero(), |value, _| value * Felt::from(u64::MAX) + Felt::from(self.random.bits())),
            _ => Felt::from(self.random.bits() % 12),
        }
    }

    /// The position of a cell that holds what `accept` takes, and an offset to it from a register: `(flag, offset)`.
    fn pick(&mut self, accept: impl Fn(&Cell) -> bool) -> Option<(i64, bool, i64)> {
        let found: Vec<i64> = self.cells.iter().filter(|(_, cell)| accept(cell)).map(|(at, _)| *at).collect();
        if found.is_empty() {
            return None;
        }
        let at = found[self.random.below(found.len())];
        let from_fp = self.random.one_in(2);
        Some((at, from_fp, at - if from_fp { self.fp } else { self.ap }))
    }

    /// Any op1.
    fn op1(&mut self) -> Option<Op1> {
        match self.random.below(4) {
            0 => {
                let value = self.number();
                Some((OP1_IMM, 1, Some(value), None, Cell::Number(value)))
            }
            1 => {
                let (at, from_fp, offset) = self.pick(|cell| matches!(cell, Cell::Frame(_) | Cell::Code(_)))?;
                let (off2, value) = match self.cells[&at] {
                    Cell::Frame(base) => {
                        let (target, ..) = self.pick(|cell| matches!(cell, Cell::Number(_)))?;
                        (target - base, self.cells[&target])
                    }
                    Cell::Code(base) => {
                        let target = self.random.below(self.words.len());
                        if self.disclosed.contains(&target) {
                            return None;
                        }
                        (target as i64 - base, Cell::Number(self.words[target]))
                    }
                    _ => return None,
                };
                Some((0, off2, None, Some((from_fp, offset)), value))
            }
            _ => {
                let (at, from_fp, offset) = self.pick(|_| true)?;
                Some((if from_fp { OP1_FP } else { OP1_AP }, offset, None, None, self.cells[&at]))
            }
        }
    }

    /// An assertion that writes a cell, or repeats what is known; or an addition to ap.
    fn arithmetic(&mut self) -> Option<()> {
        let (mut flags, off2, immediate, op0, op1) = self.op1()?;
        let (op0_at, op0_fp, off1) = match op0 {
            Some((from_fp, offset)) => (offset + if from_fp { self.fp } else { self.ap }, from_fp, offset),
            None => self.pick(|cell| matches!(cell, Cell::Number(_)))?,
        };
        flags |= if op0_fp { OP0_FP } else { 0 };
        let res = match (self.random.below(3), self.cells[&op0_at], op1) {
            (0, Cell::Number(a), Cell::Number(b)) => {
                flags |= RES_ADD;
                Cell::Number(a + b)
            }
            (1, Cell::Number(a), Cell::Number(b)) => {
                flags |= RES_MUL;
                Cell::Number(a * b)
            }
            _ => op1,
        };
        let small = match res {
            Cell::Number(value) => encoding::to_u64(&value).filter(|value| *value < 6),
            _ => None,
        };
        if let Some(distance) = small.filter(|_| self.random.one_in(3)) {
            // ap += res, perhaps with an assertion; cells in between stay unwritten.
            let dst = self.pick(|cell| *cell == res);
            let (assert, dst) = match dst.filter(|_| self.random.one_in(2)) {
                Some(dst) => (ASSERT, dst),
                None => (0, self.pick(|_| true)?),
            };
            flags |= AP_ADD_RES | assert | if dst.1 { DST_FP } else { 0 };
            self.emit(flags, [dst.2, off1, off2], immediate);
            self.ap += distance as i64;
            return Some(());
        }
        let (fresh, repeated) = (!self.cells.contains_key(&self.ap), self.pick(|cell| *cell == res));
        let (at, from_fp, off0) = match repeated.filter(|_| self.random.one_in(2)) {
            Some(repeated) => repeated,
            None if fresh => {
                let from_fp = self.random.one_in(2);
                (self.ap, from_fp, self.ap - if from_fp { self.fp } else { self.ap })
            }
            None => return None,
        };
        // A cell at ap must not be passed by: ap moves on when it is written.
        let moves = at == self.ap || self.random.one_in(4) && self.cells.contains_key(&self.ap);
        flags |= ASSERT | if moves { AP_ADD1 } else { 0 } | if from_fp { DST_FP } else { 0 };
        self.emit(flags, [off0, off1, off2], immediate);
        self.cells.insert(at, res);
        self.ap += i64::from(moves);
        Some(())
    }

    /// Writes a known number to the output.
    fn write_output(&mut self) -> Option<()> {
        let (at, dst_fp, off0) = self.pick(|cell| matches!(cell, Cell::Number(_)))?;
        let (_, op0_fp, off1) = self.pick(|cell| *cell == Cell::Output)?;
        let Cell::Number(value) = self.cells[&at] else { return None };
        let flags = ASSERT | if dst_fp { DST_FP } else { 0 } | if op0_fp { OP0_FP } else { 0 };
        self.emit(flags, [off0, off1, self.output.len() as i64], None);
        self.output.push(value);
        Some(())
    }

    /// A forward jump over random words, by an immediate or by a number in memory, conditional or not.
    fn jump(&mut self) -> Option<()> {
        let conditional = self.random.one_in(2);
        let (dst, dst_fp, off0) = self.pick(|cell| matches!(cell, Cell::Number(_)))?;
        let (_, op0_fp, off1) = self.pick(|cell| matches!(cell, Cell::Number(_)))?;
        let short = |cell: &Cell| match cell {
            Cell::Number(value) => encoding::to_u64(value).is_some_and(|value| (1..12).contains(&value)),
            _ => false,
        };
        let (source, off2, immediate, distance) = match self.pick(short).filter(|_| self.random.one_in(2)) {
            Some((at, from_fp, offset)) => match self.cells[&at] {
                Cell::Number(value) => (if from_fp { OP1_FP } else { OP1_AP }, offset, None, encoding::to_u64(&value)?),
                _ => return None,
            },
            None => {
                let distance = 2 + self.random.below(5) as u64;
                (OP1_IMM, 1, Some(Felt::from(distance)), distance)
            }
        };
        let ap = if self.random.one_in(4) && self.cells.contains_key(&self.ap) { AP_ADD1 } else { 0 };
        let flags = source | ap | if dst_fp { DST_FP } else { 0 } | if op0_fp { OP0_FP } else { 0 };
        let taken = !conditional || self.cells[&dst] != Cell::Number(Felt::zero());
        self.emit(flags | if conditional { PC_JNZ } else { PC_REL }, [off0, off1, off2], immediate);
        self.ap += i64::from(ap != 0);
        if taken {
            for _ in 1 + usize::from(immediate.is_some())..distance as usize {
                let junk = self.number();
                self.words.push(junk);
            }
        }
        Some(())
    }

    /// `call` of a function that stands right here, with a body of its own; the run returns behind it.
    fn call(&mut self, depth: usize) -> Option<()> {
        if (0..2).any(|k| self.cells.contains_key(&(self.ap + k))) {
            return None;
        }
        let back = self.words.len() as i64 + 2;
        self.emit(CALL | PC_REL | OP1_IMM, [0, 1, 1], Some(Felt::from(4_u64)));
        let hole = self.words.len() + 1;
        self.emit(PC_REL | OP1_IMM | DST_FP | OP0_FP, [-1, -1, 1], Some(Felt::zero()));
        self.disclosed.push(hole);
        let caller = self.fp;
        self.cells.insert(self.ap, Cell::Frame(caller));
        self.cells.insert(self.ap + 1, Cell::Code(back));
        self.ap += 2;
        self.fp = self.ap;
        let length = 1 + self.random.below(5);
        self.body(length, depth + 1);
        self.words.push(Felt::from(RET));
        self.fp = caller;
        self.disclosed.pop();
        self.words[hole] = Felt::from(self.words.len() as u64 - (hole as u64 - 1));
        Some(())
    }

    /// Counts down from a small number, one cell a round.
    fn count_down(&mut self) -> Option<()> {
        if self.cells.range(self.ap..).next().is_some() {
            return None;
        }
        let rounds = 1 + self.random.below(12) as u64;
        self.emit(ASSERT | AP_ADD1 | OP1_IMM | OP0_FP, [0, -1, 1], Some(Felt::from(rounds)));
        self.emit(ASSERT | AP_ADD1 | OP1_IMM | RES_ADD, [0, -1, 1], Some(-Felt::one()));
        self.emit(PC_JNZ | OP1_IMM | OP0_FP, [-1, -1, 1], Some(-Felt::from(2_u64)));
        for value in (0..=rounds).rev() {
            self.cells.insert(self.ap, Cell::Number(Felt::from(value)));
            self.ap += 1;
        }
        Some(())
    }

    fn body(&mut self, length: usize, depth: usize) {
        for _ in 0..length {
            // What cannot be done here is left out.
            let _ = match self.random.below(12) {
                0 | 1 => self.jump(),
                2 if depth < 3 => self.call(depth),
                3 => self.write_output(),
                4 => self.count_down(),
                _ => self.arithmetic(),
            };
        }
    }

    /// The whole program, with the output that it must have.
    fn finish(mut self) -> (Vec<Felt>, Vec<Felt>) {
        for _ in 0..2 {
            self.emit(ASSERT | AP_ADD1 | OP1_IMM | OP0_FP, [0, -1, 1], Some(Felt::from(3_u64)));
            self.cells.insert(self.ap, Cell::Number(Felt::from(3_u64)));
            self.ap += 1;
        }
        let length = 4 + self.random.below(30);
        self.body(length, 0);
        // Past everything that was written: return the output pointer.
        let end = self.cells.keys().next_back().map_or(0, |last| last + 1).max(self.ap);
        self.emit(AP_ADD_RES | OP1_IMM | DST_FP | OP0_FP, [-1, -1, 1], Some(Felt::from((end - self.ap) as u64)));
        let length = Felt::from(self.output.len() as u64);
        self.emit(ASSERT | AP_ADD1 | OP0_FP | OP1_IMM | RES_ADD, [0, -3, 1], Some(length));
        self.words.push(Felt::from(RET));
        (self.words, self.output)
    }
}

fn json(words: &[Felt]) -> String {
    let data: Vec<String> = words.iter().map(|word| format!("\"{}\"", encoding::to_hex(word))).collect();
    let label = |pc: u32| format!(r#"{{"pc": {pc}, "type": "label"}}"#);
    format!(
        r#"{{"attributes": [], "builtins": ["output"], "compiler_version": "0.14.0.1", "data": [{}], "debug_info": null,
        "hints": {{}}, "identifiers": {{"__main__.__end__": {}, "__main__.__start__": {},
        "__main__.main": {{"decorators": [], "pc": 6, "type": "function"}}}}, "main_scope": "__main__",
        "prime": "0x800000000000011000000000000000000000000000000000000000000000001",
        "reference_manager": {{"references": []}}}}"#,
        data.join(","),
        label(4),
        label(0)
    )
}

/// Each step in a word table of its own word, plain or owning, if there is one and the dice say so; the rest in the generic table.
fn mixture(execution: &Execution, random: &mut Random) -> Vec<StepTable> {
    let mut tables: BTreeMap<TableKind, Vec<u32>> = BTreeMap::new();
    let mut choice: BTreeMap<(u16, Option<bool>), bool> = BTreeMap::new();
    let mut owns: BTreeMap<OwningWord, bool> = BTreeMap::new();
    let all_own = random.one_in(2);
    for (clock, registers) in (0..).zip(&execution.trace[..execution.n_steps()]) {
        let decoded = Decoded::new(&execution.memory[registers.pc as usize]).unwrap();
        let size = decoded.flags.size();
        let jumped = execution.trace[clock as usize + 1].pc != registers.pc + size;
        let taken = decoded.flags.pc_jnz().then_some(jumped).filter(|_| random.one_in(2));
        let word = Word { flags: decoded.flags.0, taken };
        let chosen = *choice.entry((word.flags, taken)).or_insert_with(|| !random.one_in(3));
        // A jump by the instruction's own size looks like none.
        let sure = taken != Some(false) || !decoded.flags.pc_jnz() || never_jumps(execution, clock as usize, &decoded);
        let next = execution.memory.get(registers.pc as usize + 1).copied();
        let owning = OwningWord::of(word, &decoded, next.as_ref())
            .filter(|owning| all_own || *owns.entry(owning.clone()).or_insert_with(|| random.one_in(2)));
        let kind = match owning {
            Some(owning) if chosen && sure => TableKind::OwningWord(owning),
            _ if chosen && sure && word.covers(&decoded) => TableKind::Word(word),
            _ => TableKind::Generic,
        };
        tables.entry(kind).or_default().push(clock);
    }
    let table = |(kind, starts): (TableKind, Vec<u32>)| {
        let log_height = starts.len().max(1 << MIN_LOG_HEIGHT).next_power_of_two().ilog2();
        StepTable { kind, log_height, starts }
    };
    tables.into_iter().map(table).collect()
}

fn never_jumps(execution: &Execution, clock: usize, decoded: &Decoded) -> bool {
    let registers = execution.trace[clock];
    let base = if decoded.flags.dst_fp() { registers.fp } else { registers.ap };
    execution.memory[(i64::from(base) + i64::from(decoded.offsets[0])) as usize] == Felt::zero()
}

/// What became of a seed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Outcome {
    /// cairo-vm does not run the program.
    Refused,
    /// Run, proven, verified.
    Proven { steps: usize },
}

fn check(seed: u64) -> Outcome {
    let (words, output) = Writer::new(seed).finish();
    let program =
        RunnableProgram::from_json(json(&words).as_bytes()).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    let execution = match run(&program, &Arguments::none(), &RunLimits::default(), &mut unwatched) {
        Ok(execution) => execution,
        Err(error) => {
            if std::env::var_os("SHOW_REFUSALS").is_some() {
                println!("seed {seed}: {error}");
            }
            return Outcome::Refused;
        }
    };
    let steps = execution.n_steps();
    let mut random = Random(!seed);
    assert_eq!(execution.check(), Ok(()), "seed {seed}");
    let mut altered = execution.clone();
    common::agree::damage(&mut altered, &mut Random(seed << 32));
    let _ = common::agree::compare(&altered, &format!("seed {seed}, altered"));
    let tables = match seed % 4 {
        0 => plan(&execution, &Costs::new(&execution, 135)).tables,
        1 => all_generic(&execution),
        // Hardly any limit: as many paths as the planner finds worth while.
        2 => plan(&execution, &Costs { cells_per_column: 1, ..Costs::new(&execution, 2000) }).tables,
        _ => mixture(&execution, &mut random),
    };
    // With an instruction table every third time.
    let max_fetches = if seed.is_multiple_of(3) { 0 } else { MAX_FETCHES };
    let witness = witness(execution, [1; 32], tables, max_fetches, &NoControl)
        .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    let verified = common::disclosed_and_proven(witness, &mut random, &format!("seed {seed}"));
    assert_eq!((verified.runs[0].n_steps, verified.runs[0].output.clone()), (steps as u64, output), "seed {seed}");
    Outcome::Proven { steps }
}

/// Most programs must be such that cairo-vm runs them, or the test says little.
fn check_all(seeds: std::ops::Range<u64>) {
    let count = seeds.end - seeds.start;
    let steps: Vec<usize> = seeds
        .filter_map(|seed| match check(seed) {
            Outcome::Proven { steps } => Some(steps),
            Outcome::Refused => None,
        })
        .collect();
    let (proven, total) = (steps.len() as u64, steps.iter().sum::<usize>());
    println!("{proven} of {count} programs run, {total} steps");
    assert!(2 * proven > count, "{proven} of {count}");
    assert!(total as u64 > 10 * count, "{total}");
}

#[test]
fn random_programs_are_proven() {
    check_all(0..48);
}

#[test]
#[ignore = "takes minutes"]
fn thousands_of_random_programs_are_proven() {
    check_all(1000..6000);
}
