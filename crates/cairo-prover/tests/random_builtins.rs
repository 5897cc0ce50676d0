//! Random programs that use builtins: which they declare, how many instances of which, whole or in part, in the order of the segment or
//! not, written by the program or by a hint. Whatever cairo-vm runs, the tables prove and the verifier accepts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use cairo_air::Builtin;
use cairo_air::decode::{Decoded, Flags};
use cairo_air::fetch::MAX_FETCHES;
use cairo_execution::Execution;
use cairo_prover::ProveError;
use cairo_prover::planner::{Costs, Price, plan};
use cairo_prover::prove::{all_generic, witness};
use cairo_prover::witness::build;
use cairo_runner::{Arguments, RunLimits, RunnableProgram, run, unwatched};
use common::instances::{classes, witness_with};
use common::random::Random;
use felt::{Felt, encoding};
use num_bigint::BigUint;
use stark::{NoControl, Parameters};
use stark_curve::{GENERATOR, ORDER, Point};
use std::collections::BTreeMap;
use std::fmt::Write;

const OP0_FP: u16 = 1 << 1;
const OP1_IMM: u16 = 1 << 2;
const RES_ADD: u16 = 1 << 5;
const AP_ADD1: u16 = 1 << 11;
const ASSERT: u16 = 1 << 14;
const RET: u64 = 0x208b_7fff_7fff_7ffe;
/// Where main begins: after `ap += n`, `call main`, `jmp rel 0`.
const MAIN: usize = 6;

fn power(bits: u32) -> BigUint {
    BigUint::from(1_u8) << bits
}

fn felt(value: &BigUint) -> Felt {
    let limbs: Vec<u64> = value.iter_u64_digits().collect();
    encoding::from_canonical_limbs(std::array::from_fn(|i| limbs.get(i).copied().unwrap_or(0))).expect("less than p")
}

fn integer(value: &Felt) -> BigUint {
    BigUint::from_bytes_be(&encoding::to_canonical_be(value))
}

fn order() -> BigUint {
    ORDER.iter().rev().fold(BigUint::ZERO, |value, limb| (value << 64) + limb)
}

/// `factor · point`, by doubling and adding.
fn times(point: Point, factor: &BigUint) -> Option<Point> {
    let mut sum = None;
    for bit in (0..factor.bits()).rev() {
        sum = sum.and_then(|sum: Point| sum.add(&sum));
        if factor.bit(bit) {
            sum = match sum {
                Some(sum) => Some(sum.add(&point)?),
                None => Some(point),
            };
        }
    }
    sum
}

/// Writes a program that has one run.
struct Writer {
    random: Random,
    /// In Cairo's order; the output is the first.
    declared: Vec<Builtin>,
    words: Vec<Felt>,
    /// Cells of each segment that the program counts as used.
    used: BTreeMap<Builtin, u32>,
    /// From the frame's start.
    ap: i64,
    output: Vec<Option<Felt>>,
    hints: Vec<(usize, String)>,
    references: Vec<(&'static str, String)>,
    /// Of the hint that writes a list into a segment.
    list: Option<Vec<Felt>>,
}

impl Writer {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let declared: Vec<Builtin> =
            Builtin::ALL.into_iter().filter(|builtin| *builtin == Builtin::Output || !random.one_in(3)).collect();
        let n = declared.len() as u64;
        let words = [0x0407_8001_7fff_7fff_u64, n, 0x1104_8001_8001_8000, 4, 0x0107_8001_7fff_7fff, 0];
        let words = words.map(Felt::from).to_vec();
        let used = declared.iter().map(|builtin| (*builtin, 0)).collect();
        let (output, hints, references) = (Vec::new(), Vec::new(), Vec::new());
        Self { random, declared, words, used, ap: 0, output, hints, references, list: None }
    }

    /// Where main's frame holds the pointer to a builtin.
    fn slot(&self, builtin: Builtin) -> i64 {
        let position = self.declared.iter().position(|declared| *declared == builtin).expect("a declared builtin");
        position as i64 - 2 - self.declared.len() as i64
    }

    fn emit(&mut self, flags: u16, offsets: [i64; 3], immediate: Option<Felt>) {
        let decoded = Decoded { flags: Flags(ASSERT | flags), offsets: offsets.map(|offset| offset as i32) };
        self.words.push(Felt::from(decoded.encode()));
        self.words.extend(immediate);
        self.ap += i64::from(flags & AP_ADD1 != 0);
    }

    /// `[ap] = value; ap++`.
    fn push(&mut self, value: Felt) {
        self.emit(AP_ADD1 | OP1_IMM | OP0_FP, [0, -1, 1], Some(value));
    }

    /// `[ap] = pointer + cells; ap++`.
    fn push_pointer(&mut self, builtin: Builtin, cells: u32) {
        let slot = self.slot(builtin);
        self.emit(AP_ADD1 | OP0_FP | OP1_IMM | RES_ADD, [0, slot, 1], Some(Felt::from(u64::from(cells))));
    }

    /// Writes what was pushed last to a cell of a segment.
    fn put(&mut self, builtin: Builtin, cell: u32) {
        let slot = self.slot(builtin);
        self.emit(OP0_FP, [-1, slot, i64::from(cell)], None);
    }

    /// Pushes a cell of a segment.
    fn read(&mut self, builtin: Builtin, cell: u32) {
        let slot = self.slot(builtin);
        self.emit(AP_ADD1 | OP0_FP, [0, slot, i64::from(cell)], None);
    }

    /// Writes what was pushed last to the output. Gives the output's cell.
    fn write_output(&mut self, expected: Option<Felt>) -> u32 {
        let at = self.output.len() as u32;
        self.put(Builtin::Output, at);
        self.output.push(expected);
        at
    }

    /// Some cells of the output, one after the other; gives the first.
    fn publish(&mut self, values: &[Felt]) -> u32 {
        let at = self.output.len() as u32;
        for value in values {
            self.push(*value);
            self.write_output(Some(*value));
        }
        at
    }

    /// A number below 2^bits: any, or at an edge.
    fn number(&mut self, bits: u32) -> BigUint {
        let any = (0..7).fold(BigUint::ZERO, |value, _| (value << 64) + self.random.bits());
        match self.random.below(8) {
            0 => BigUint::ZERO,
            1 => BigUint::from(1_u8),
            2 => power(bits) - 1_u8,
            3 => any % power(1 + self.random.below(bits as usize) as u32),
            _ => any % power(bits),
        }
    }

    /// Any field element.
    fn any(&mut self) -> Felt {
        match self.random.below(4) {
            0 => -felt(&self.number(64)),
            _ => felt(&self.number(251)),
        }
    }

    /// Any point of the curve.
    fn point(&mut self) -> Point {
        loop {
            if let Some(point) = Point::with_x(felt(&self.number(251))) {
                return if self.random.one_in(2) { point } else { -point };
            }
        }
    }

    /// Cells of an instance that a program writes.
    fn inputs(&mut self, builtin: Builtin) -> Vec<Felt> {
        match builtin {
            Builtin::Pedersen => (0..2).map(|_| self.any()).collect(),
            Builtin::RangeCheck => vec![felt(&self.number(128))],
            Builtin::RangeCheck96 => vec![felt(&self.number(96))],
            Builtin::Bitwise => {
                let bits = *self.random.of(&[8, 16, 32, 33, 64, 128, 251]);
                (0..2).map(|_| felt(&self.number(bits))).collect()
            }
            Builtin::Poseidon => (0..3).map(|_| self.any()).collect(),
            Builtin::Keccak => (0..8).map(|_| felt(&self.number(200))).collect(),
            Builtin::EcOp => {
                let (p, m) = (self.point(), felt(&self.number(251)));
                // With equal x the machine has no result.
                let q = std::iter::repeat_with(|| self.point()).find(|q| q.x != p.x).expect("another point");
                vec![p.x, p.y, q.x, q.y, m]
            }
            Builtin::Output | Builtin::Ecdsa | Builtin::AddMod | Builtin::MulMod => unreachable!("written elsewhere"),
        }
    }

    /// An instance written by the program, in any order; its results may be read.
    fn instance(&mut self, builtin: Builtin) {
        let size = builtin.cells_per_instance();
        // Now and then instances are left out: zeros. The curve has no such point.
        let skipped =
            if builtin != Builtin::EcOp && self.random.one_in(8) { 1 + self.random.below(3) as u32 } else { 0 };
        let base = self.used[&builtin] + skipped * size;
        let inputs = self.inputs(builtin);
        let mut cells: Vec<u32> = (0..inputs.len() as u32).collect();
        for i in 0..cells.len() {
            let other = i + self.random.below(cells.len() - i);
            cells.swap(i, other);
        }
        for cell in cells {
            self.push(inputs[cell as usize]);
            self.put(builtin, base + cell);
        }
        for cell in inputs.len() as u32..size {
            if self.random.one_in(2) {
                self.read(builtin, base + cell);
                if self.random.one_in(2) {
                    self.write_output(None);
                }
            }
        }
        self.used.insert(builtin, base + size);
    }

    /// A signature that nobody made: `r` is the x of `u·G + v·Q`, which determines `s` and the message.
    fn signature(&mut self) -> [Felt; 4] {
        let order = order();
        loop {
            let key = self.point();
            let (u, v) = (self.number(251), self.number(251) + 1_u8);
            let (Some(first), Some(second)) = (times(GENERATOR, &u), times(key, &v)) else { continue };
            let Some(sum) = first.add(&second) else { continue };
            let r = integer(&sum.x);
            let inverse = |value: &BigUint| value.modpow(&(&order - 2_u8), &order);
            let s = &r * inverse(&v) % &order;
            let message = &u * &s % &order;
            let fits = |value: &BigUint| *value < power(251);
            if [&r, &message, &inverse(&s)].into_iter().all(fits) && r != BigUint::ZERO {
                return [key.x, felt(&message), sum.x, felt(&s)];
            }
        }
    }

    /// A signature, added by the hint of the library before the instance is written.
    fn signed(&mut self) {
        let base = self.used[&Builtin::Ecdsa];
        let [key, message, r, s] = self.signature();
        let at = self.ap;
        self.push_pointer(Builtin::Ecdsa, base);
        self.push(r);
        self.push(s);
        let first = self.references.len();
        let names = ["ecdsa_ptr", "signature_r", "signature_s"];
        let types = ["starkware.cairo.common.cairo_builtins.SignatureBuiltin**", "felt*", "felt*"];
        for (i, name) in names.into_iter().enumerate() {
            self.references.push((name, format!("[cast(fp + {}, {})]", at + i as i64, types[i])));
        }
        let code = "ecdsa_builtin.add_signature(ids.ecdsa_ptr.address_, (ids.signature_r, ids.signature_s))";
        self.hint(code, first..first + 3);
        for (cell, value) in [(0, key), (1, message)] {
            self.push(value);
            self.put(Builtin::Ecdsa, base + cell);
        }
        self.used.insert(Builtin::Ecdsa, base + 2);
    }

    /// A hint before the next instruction, with references to cells of main's frame.
    fn hint(&mut self, code: &str, references: std::ops::Range<usize>) {
        let ids: Vec<String> =
            references.map(|i| format!(r#""__main__.main.{}": {i}"#, self.references[i].0)).collect();
        let hint = format!(
            r#"{{"accessible_scopes": ["__main__", "__main__.main"], "code": "{code}", "flow_tracking_data":
            {{"ap_tracking": {{"group": 0, "offset": 0}}, "reference_ids": {{{}}}}}}}"#,
            ids.join(",")
        );
        self.hints.push((self.words.len(), hint));
    }

    /// Numbers of 384 bits and the modulus: `a + b = c + k·p`, or `a·b = c + k·p`, with every `k` that may be.
    fn modular(&mut self, builtin: Builtin) -> (BigUint, Vec<[BigUint; 3]>) {
        let bits = *self.random.of(&[1, 2, 96, 97, 255, 384]);
        let modulus = self.number(bits) + 1_u8;
        let modulus = if modulus == power(384) { power(384) - 1_u8 } else { modulus };
        let n = 1 + self.random.below(3);
        let triples = (0..n).map(|_| {
            loop {
                let (a, b) = (self.number(384), self.number(384));
                let c = if builtin == Builtin::AddMod {
                    let sum = &a + &b;
                    match self.random.one_in(2) && sum >= modulus {
                        true => sum - &modulus,
                        false => sum,
                    }
                } else {
                    let product = &a * &b;
                    let quotient = &product / &modulus;
                    if quotient >= power(384) {
                        continue;
                    }
                    // Any representative below 2^384.
                    let more = if self.random.one_in(2) { BigUint::ZERO } else { quotient.min(BigUint::from(2_u8)) };
                    &product % &modulus + more * &modulus
                };
                if c < power(384) {
                    return [a, b, c];
                }
            }
        });
        let triples = triples.collect();
        (modulus, triples)
    }

    /// A batch whose numbers and offsets stand in the output, which is memory as any other.
    fn batch(&mut self, builtin: Builtin) {
        let (modulus, triples) = self.modular(builtin);
        let words =
            |value: &BigUint| -> Vec<Felt> { (0..4).map(|i| felt(&((value >> (96 * i)) % power(96)))).collect() };
        let n = triples.len();
        let values: Vec<Felt> = triples.iter().flatten().flat_map(words).collect();
        let values = self.publish(&values);
        // Offsets count cells from the first number.
        let offsets: Vec<Felt> = (0..3 * n as u64).map(|i| Felt::from(4 * i)).collect();
        let offsets = self.publish(&offsets);
        let base = self.used[&builtin];
        // Those in the middle follow from the first; without the last one, the machine would not know that the segment goes so far.
        let whole = self.random.one_in(2);
        for instance in (0..n as u32).filter(|i| whole || *i == 0 || *i == n as u32 - 1) {
            let base = base + 7 * instance;
            for (cell, word) in (0..).zip(words(&modulus)) {
                self.push(word);
                self.put(builtin, base + cell);
            }
            self.push_pointer(Builtin::Output, values);
            self.put(builtin, base + 4);
            self.push_pointer(Builtin::Output, offsets + 3 * instance);
            self.put(builtin, base + 5);
            self.push(Felt::from(n as u64 - u64::from(instance)));
            self.put(builtin, base + 6);
        }
        self.used.insert(builtin, base + 7 * n as u32);
    }

    /// The first instances of a segment, by a hint that writes a list; the program binds it by its output.
    fn hinted(&mut self) {
        let of_cells =
            [Builtin::RangeCheck, Builtin::RangeCheck96, Builtin::Pedersen, Builtin::Bitwise, Builtin::Poseidon];
        let candidates: Vec<Builtin> = of_cells.into_iter().filter(|it| self.declared.contains(it)).collect();
        if candidates.is_empty() {
            return;
        }
        let builtin = *self.random.of(&candidates);
        let instances = if builtin.cells_per_instance() == 1 { 1 + self.random.below(20) } else { 1 };
        let list: Vec<Felt> = (0..instances).flat_map(|_| self.inputs(builtin)).collect();
        self.references.push(("start", format!("[cast(fp + ({}), felt**)]", self.slot(builtin))));
        let reference = self.references.len() - 1;
        self.hint("segments.write_arg(ids.start, program_input['list'])", reference..reference + 1);
        self.publish(&[Felt::from(list.len() as u64)]);
        for (cell, value) in (0..).zip(&list) {
            self.read(builtin, cell);
            self.write_output(Some(*value));
        }
        self.used.insert(builtin, instances as u32 * builtin.cells_per_instance());
        self.list = Some(list);
    }

    /// The whole program: main does some things and returns its pointers.
    fn finish(mut self) -> Self {
        if self.random.one_in(3) {
            self.hinted();
        }
        let usable = self.declared.clone();
        for _ in 0..self.random.below(12) {
            match *self.random.of(&usable) {
                Builtin::Output => drop(self.publish(&[Felt::from(7)])),
                Builtin::Ecdsa => self.signed(),
                builtin @ (Builtin::AddMod | Builtin::MulMod) => self.batch(builtin),
                builtin => {
                    let many = if self.random.one_in(6) { 20 } else { 3 };
                    (0..=self.random.below(many)).for_each(|_| self.instance(builtin));
                }
            }
        }
        self.used.insert(Builtin::Output, self.output.len() as u32);
        for builtin in self.declared.clone() {
            self.push_pointer(builtin, self.used[&builtin]);
        }
        self.words.push(Felt::from(RET));
        self
    }

    /// The program as the compiler would write it.
    fn json(&self) -> String {
        let data: Vec<String> = self.words.iter().map(|word| format!("\"{}\"", encoding::to_hex(word))).collect();
        let builtins: Vec<String> = self.declared.iter().map(|builtin| format!("\"{builtin}\"")).collect();
        let label = |pc: usize| format!(r#"{{"pc": {pc}, "type": "label"}}"#);
        let mut hints: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        self.hints.iter().for_each(|(pc, hint)| hints.entry(*pc).or_default().push(hint));
        let hints: Vec<String> = hints.iter().map(|(pc, hints)| format!("\"{pc}\": [{}]", hints.join(","))).collect();
        let tracking = r#""ap_tracking_data": {"group": 0, "offset": 0}, "pc": 6"#;
        let mut identifiers = String::new();
        let mut references = Vec::new();
        for (name, value) in &self.references {
            references.push(format!(r#"{{{tracking}, "value": "{value}"}}"#));
            let path = value.split(", ").nth(1).expect("a type").trim_end_matches(")]");
            let _ = write!(
                identifiers,
                r#""__main__.main.{name}": {{"cairo_type": "{}", "full_name": "__main__.main.{name}", "references":
                [{{{tracking}, "value": "{value}"}}], "type": "reference"}},"#,
                path.strip_suffix('*').expect("a pointer")
            );
        }
        format!(
            r#"{{"attributes": [], "builtins": [{}], "compiler_version": "0.14.0.1", "data": [{}], "debug_info": null,
            "hints": {{{}}}, "identifiers": {{{identifiers} "__main__.__end__": {}, "__main__.__start__": {},
            "__main__.main": {{"decorators": [], "pc": {MAIN}, "type": "function"}}}}, "main_scope": "__main__",
            "prime": "0x800000000000011000000000000000000000000000000000000000000000001",
            "reference_manager": {{"references": [{}]}}}}"#,
            builtins.join(","),
            data.join(","),
            hints.join(","),
            label(4),
            label(0),
            references.join(",")
        )
    }

    fn run(&self, seed: u64) -> Execution {
        let program = RunnableProgram::from_json(self.json().as_bytes());
        let program = program.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let arguments = match &self.list {
            Some(list) => {
                let list: Vec<String> = list.iter().map(|value| format!("\"{}\"", encoding::to_hex(value))).collect();
                Arguments::from_json(format!(r#"{{"list": [{}]}}"#, list.join(",")).as_bytes()).expect("arguments")
            }
            None => Arguments::none(),
        };
        run(&program, &arguments, &RunLimits::default(), &mut unwatched)
            .unwrap_or_else(|error| panic!("seed {seed}: {error}"))
    }
}

/// Runs, proves and verifies; gives the instances of each builtin.
fn check(seed: u64) -> BTreeMap<Builtin, u32> {
    let writer = Writer::new(seed).finish();
    let execution = writer.run(seed);
    assert_eq!(execution.check(), Ok(()), "seed {seed}");
    let output = execution.output().to_vec();
    assert_eq!(output.len(), writer.output.len(), "seed {seed}");
    for (found, expected) in output.iter().zip(&writer.output) {
        assert!(expected.is_none_or(|expected| expected == *found), "seed {seed}");
    }
    let mut random = Random(!seed);
    let mut altered = execution.clone();
    common::agree::damage(&mut altered, &mut Random(seed << 32));
    let _ = common::agree::compare(&altered, &format!("seed {seed}, altered"));
    let steps = execution.n_steps();
    let max_fetches = if random.one_in(3) { 0 } else { MAX_FETCHES };
    let prover = [1; 32];
    let has_bits = execution.segments.get(&Builtin::Bitwise).is_some_and(|segment| segment.base < segment.stop);
    let made = match random.below(4) {
        0 => {
            let tables = plan(&execution, &Costs::new(&execution, 135)).tables;
            witness(execution, prover, tables, max_fetches, &NoControl)
        }
        1 => {
            // The cheaper columns are, the more kinds of tables there are.
            let byte_ns = [0, 10, 500][random.below(3)];
            let price = Price { byte_ns, parameters: Parameters::default() };
            let plan = plan(&execution, &Costs::priced(&execution, 135, &price));
            plan.assignment()
                .map_err(ProveError::from)
                .and_then(|assignment| build(execution, prover, assignment, max_fetches, &NoControl))
        }
        2 if has_bits => {
            let bits = [4, 8][random.below(2)];
            let limbs = 1 + random.below(32) as u8;
            let classes = classes(&execution, bits, limbs, random.one_in(2));
            Ok(witness_with(&execution, classes, prover))
        }
        _ => {
            let tables = all_generic(&execution);
            witness(execution, prover, tables, max_fetches, &NoControl)
        }
    };
    let made = made.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    let verified = common::disclosed_and_proven(made, &mut random, &format!("seed {seed}"));
    assert_eq!((verified.runs[0].n_steps, verified.runs[0].output.clone()), (steps as u64, output), "seed {seed}");
    writer.used.iter().map(|(builtin, used)| (*builtin, used / builtin.cells_per_instance())).collect()
}

/// Each builtin must be used, declared in vain, and not declared, or the test says little.
fn check_all(seeds: std::ops::Range<u64>) {
    let mut counts: BTreeMap<Builtin, [usize; 3]> = BTreeMap::new();
    for seed in seeds {
        let used = check(seed);
        for builtin in Builtin::ALL {
            let kind = match used.get(&builtin) {
                None => 0,
                Some(0) => 1,
                Some(_) => 2,
            };
            counts.entry(builtin).or_default()[kind] += 1;
        }
    }
    println!("not declared, unused, used: {counts:?}");
    for (builtin, [missing, unused, used]) in counts {
        assert!(builtin == Builtin::Output || missing > 0 && unused > 0, "{builtin}: {missing}, {unused}, {used}");
        assert!(used > 0, "{builtin}");
    }
}

#[test]
fn random_uses_of_builtins_are_proven() {
    check_all(0..24);
}

#[test]
#[ignore = "takes minutes"]
fn many_random_uses_of_builtins_are_proven() {
    check_all(1000..1400);
}
