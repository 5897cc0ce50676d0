//! Range tables: a prank for every constraint and interaction, proofs of false claims that must be refused, and layouts that are none.
//!
//! Each false claim is consistent but for one thing: without that thing, which the test names, the same proof is accepted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use cairo_air::components::range::Range;
use cairo_air::components::range_check::Limbs;
use cairo_air::components::{Limb, Path, word12, word16};
use cairo_air::{
    Builtin, CairoProof, ClaimError, CodecError, LayoutError, Policy, Program, ProofFileError, Segment, TableEntry,
    TableKind, Verified, VerifyError, buses, public_tuples, verify,
};
use cairo_execution::Execution;
use cairo_prover::prove::{all_generic, witness};
use cairo_prover::witness::counters::Counters;
use cairo_prover::witness::memory as memory_witness;
use cairo_prover::witness::range_check::fill_words12;
use cairo_prover::{StepTable, Witness, table_size};
use common::{execution, in_the_open, report};
use felt::{Felt, encoding};
use stark::graph::{Input, Node};
use stark::{AirBuilder, Bus, Parameters, PublicTuple, Shape, Unattended};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

/// No false claim here needs luck: queries would only cost time.
const CHEAP: Parameters = Parameters { log_blowup: 1, queries: 4, grinding_bits: 0, log_fold: 3 };

fn policy() -> Policy {
    Policy { min_conjectured_bits: 0.0, ..Policy::default() }
}

fn small(value: u64) -> Felt {
    Felt::from(value)
}

fn two(bits: u64) -> Felt {
    small(2).pow(bits)
}

fn wide(value: u128) -> Felt {
    small(value as u64) + small((value >> 64) as u64) * two(64)
}

fn range(bits: u8, width: u8, offset: u128) -> Range {
    Range::new(bits, width, offset).unwrap()
}

/// The highest values of that many bits below 2^128.
fn high(bits: u8, width: u8) -> Range {
    range(bits, width, u128::MAX - ((1 << width) - 1))
}

/// Number of checked cells. The first two hold 0 and 1.
const CELLS: usize = 15;

/// What the checked cells hold from the third on, in runs to be changed: numbers that stand nowhere else.
fn marks() -> [u128; CELLS] {
    std::array::from_fn(|k| match k {
        0 | 1 => k as u128,
        _ => (k as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) >> 20,
    })
}

fn segment_of(run: &Execution) -> Segment {
    let segment = run.segments[&Builtin::RangeCheck];
    Segment { base: segment.base, stop: segment.stop }
}

/// The run of range_check_edges with other constants. They decide nothing, so the registers are the same.
fn run(values: [u128; CELLS]) -> Execution {
    let mut run = execution("cairo0/range_check_edges", None);
    let Segment { base, stop } = segment_of(&run);
    // Some builds of cairo-vm leave empty segments after the last one.
    run.memory.truncate(stop as usize);
    let base = base as usize;
    let constants: Vec<Felt> = run.memory[base + 2..base + CELLS].to_vec();
    let other = |word: &Felt| match constants.iter().position(|constant| constant == word) {
        Some(k) => wide(values[k + 2]),
        None => *word,
    };
    run.memory = run.memory.iter().map(other).collect();
    let words = run.program.bytecode().iter().map(other).collect();
    run.program = Program::new(words, run.program.builtins().to_vec(), run.program.arguments()).unwrap();
    run
}

/// All steps in the generic table but one, which pushes the constant 0: its row owns the cell.
fn steps(execution: &Execution) -> Vec<StepTable> {
    let pushes = |pair: &[cairo_execution::Registers]| {
        pair[1].ap == pair[0].ap + 1
            && pair[1].pc == pair[0].pc + 2
            && execution.memory[pair[0].ap as usize] == Felt::zero()
    };
    let step = execution.trace.windows(2).position(pushes).unwrap();
    let path = Path {
        pc: execution.trace[step].pc,
        frame: None,
        steps: 1,
        taken: Vec::new(),
        targets: Vec::new(),
        returns: Vec::new(),
        owned: vec![0],
    };
    let mut steps = all_generic(execution);
    steps[0].starts.retain(|start| *start as usize != step);
    steps.push(StepTable { kind: TableKind::Path(path), log_height: 6, starts: vec![step as u32] });
    steps
}

fn witness_of(values: [u128; CELLS]) -> Witness {
    let execution = run(values);
    let steps = steps(&execution);
    witness(execution, [7; 32], steps, 0, &Unattended).unwrap()
}

fn marked() -> &'static Witness {
    static MARKED: OnceLock<Witness> = OnceLock::new();
    MARKED.get_or_init(|| witness_of(marks()))
}

/// A row of a range table.
#[derive(Clone)]
struct Row {
    enabler: Felt,
    address: u32,
    limbs: Vec<Felt>,
}

/// A row with the limbs of a value. Whatever is left goes into the top limb.
fn row(range: Range, address: u32, value: Felt) -> Row {
    let rest = value - wide(range.offset());
    let bytes = encoding::to_canonical_be(&rest);
    let bit = |at: usize| u64::from(bytes[31 - at / 8] >> (at % 8) & 1);
    let bits = usize::from(range.bits());
    let mut rest = rest;
    let mut limbs = Vec::new();
    for limb in 1..range.limbs() {
        let word = small((0..bits).map(|i| bit((limb - 1) * bits + i) << i).sum());
        rest = (rest - word) * two(bits as u64).inv().unwrap();
        limbs.push(word);
    }
    limbs.push(rest);
    Row { enabler: Felt::one(), address, limbs }
}

/// A row with the value in one limb.
fn row_of_one_limb(range: Range, address: u32, value: Felt, limb: usize) -> Row {
    let mut limbs = vec![Felt::zero(); range.limbs()];
    limbs[limb] = (value - wide(range.offset())) * two(u64::from(range.bits()) * limb as u64).inv().unwrap();
    Row { enabler: Felt::one(), address, limbs }
}

/// Another AIR for tables of some kinds.
type Swap = dyn Fn(&TableKind) -> Option<stark::Air>;

/// What the verifier would not ask for.
#[derive(Default)]
struct Weak<'a> {
    /// Constraints and interactions that the range tables lack.
    missing: Vec<&'a str>,
    /// Further public tuples.
    public: Vec<PublicTuple>,
    /// Tables with another AIR.
    swap: Option<&'a Swap>,
}

/// A prover that cheats.
#[derive(Clone)]
struct Forger(Witness);

impl Forger {
    /// A run that checks these values, each of which may be too large, so far without range tables.
    fn new(values: &[Felt; CELLS]) -> Self {
        let mut witness = marked().clone();
        let marks = marks().map(wide);
        let change = |cell: &mut Felt| {
            if let Some(k) = (2..CELLS).find(|k| marks[*k] == *cell) {
                *cell = values[k];
            }
        };
        witness.traces.iter_mut().flatten().flatten().for_each(change);
        witness.claim.output.iter_mut().for_each(change);
        let program = &witness.statement.program;
        let mut words = program.bytecode().to_vec();
        words.iter_mut().for_each(change);
        witness.statement.program = Program::new(words, program.builtins().to_vec(), program.arguments()).unwrap();
        let mut forger = Self(witness);
        forger.drop_tables(|kind| {
            matches!(kind, TableKind::Range(_) | TableKind::Limb(Limb::Bits12) | TableKind::Limb(Limb::Bits16))
        });
        forger
    }

    /// The same with the marks, but one value.
    fn with(k: usize, value: Felt) -> Self {
        let mut values = marks().map(wide);
        values[k] = value;
        Self::new(&values)
    }

    fn segment(&self) -> Segment {
        self.0.claim.segment(&self.0.statement.program, Builtin::RangeCheck).unwrap()
    }

    /// Address of a checked cell.
    fn address(&self, k: usize) -> u32 {
        marked().claim.segment(&marked().statement.program, Builtin::RangeCheck).unwrap().base + k as u32
    }

    fn drop_tables(&mut self, dropped: impl Fn(&TableKind) -> bool) {
        let Witness { layout, tables, traces, .. } = &mut self.0;
        let keep: Vec<bool> = layout.tables.iter().map(|entry| !dropped(&entry.kind)).collect();
        let mut flags = keep.iter();
        layout.tables.retain(|_| *flags.next().unwrap());
        let mut flags = keep.iter();
        tables.retain(|_| *flags.next().unwrap());
        let mut flags = keep.iter();
        traces.retain(|_| *flags.next().unwrap());
    }

    fn add_table(&mut self, kind: TableKind, trace: Vec<Vec<Felt>>) {
        let Witness { layout, tables, traces, .. } = &mut self.0;
        let position = layout.tables.partition_point(|entry| entry.kind <= kind);
        let log_height = trace[0].len().ilog2();
        layout.tables.insert(position, TableEntry { kind, log_height });
        // Until the layout is built.
        tables.insert(position, tables[0].clone());
        traces.insert(position, trace);
    }

    /// A range table, with the table of its limbs if there is none yet.
    fn add_range(&mut self, range: Range, rows: &[Row]) {
        let height = rows.len().next_power_of_two().max(64);
        let mut trace = vec![Vec::with_capacity(height); range.columns()];
        for at in 0..height {
            let row = rows.get(at).unwrap_or(&rows[0]);
            trace[Range::ENABLER].push(if at < rows.len() { row.enabler } else { Felt::zero() });
            trace[Range::ADDRESS].push(small(u64::from(row.address)));
            trace[Range::USES].push(Felt::zero());
            row.limbs.iter().enumerate().for_each(|(i, limb)| trace[Range::LIMBS + i].push(*limb));
        }
        self.add_table(TableKind::Range(range), trace);
        let (kind, log_height) = match range.bits() {
            8 => return,
            12 => (TableKind::Limb(Limb::Bits12), word12::LOG_HEIGHT),
            _ => (TableKind::Limb(Limb::Bits16), word16::LOG_HEIGHT),
        };
        if !self.0.layout.tables.iter().any(|entry| entry.kind == kind) {
            let values = (0..1 << log_height).map(small).collect();
            let uses = vec![Felt::zero(); 1 << log_height];
            self.add_table(kind, vec![values, uses]);
        }
    }

    /// One table with the given row of the forged cell, if any, and the marks.
    fn add_marks(&mut self, range: Range, forged: Option<Row>) {
        let rows: Vec<Row> = (0..CELLS)
            .map(|k| match &forged {
                Some(row) if row.address == self.address(k) => row.clone(),
                _ => row(range, self.address(k), wide(marks()[k])),
            })
            .collect();
        self.add_range(range, &rows);
    }

    /// The same without some of the marks.
    fn add_other_marks(&mut self, range: Range, without: usize) {
        let others = (0..CELLS).filter(|k| *k != without);
        let rows: Vec<Row> = others.map(|k| row(range, self.address(k), wide(marks()[k]))).collect();
        self.add_range(range, &rows);
    }

    /// The cell tables' row with an address.
    fn cell_row(&self, address: u32) -> Option<(usize, usize)> {
        let address = small(u64::from(address));
        let tables = self.0.layout.tables.iter().enumerate().filter(|(_, entry)| entry.kind == TableKind::Cell);
        tables.into_iter().find_map(|(position, _)| {
            let trace = &self.0.traces[position];
            let row = (0..trace[0].len()).find(|row| trace[0][*row] == Felt::one() && trace[1][*row] == address)?;
            Some((position, row))
        })
    }

    /// Makes a row of padding of the cell table one with this cell.
    fn add_cell(&mut self, address: u32, value: Felt) {
        let position = self.0.layout.tables.iter().position(|entry| entry.kind == TableKind::Cell).unwrap();
        let trace = &mut self.0.traces[position];
        if trace[0].iter().all(|enabler| *enabler == Felt::one()) {
            let height = trace[0].len();
            trace.iter_mut().for_each(|column| column.resize(2 * height, Felt::zero()));
            self.0.layout.tables[position].log_height += 1;
        }
        let row = trace[0].iter().position(|enabler| *enabler == Felt::zero()).unwrap();
        for (column, value) in [Felt::one(), small(u64::from(address)), value, Felt::zero()].into_iter().enumerate() {
            trace[column][row] = value;
        }
    }

    /// Reads another value at the last checked cell whenever it is read to be output: what a memory with two values allows.
    fn output_reads(&mut self, value: Felt) {
        let mark = wide(marks()[CELLS - 1]);
        let Witness { layout, tables, traces, claim, .. } = &mut self.0;
        let generic = layout.tables.iter().position(|entry| entry.kind == TableKind::Generic).unwrap();
        let clock = tables[generic].air.columns().iter().position(|name| name == "clock").unwrap();
        let trace = &mut traces[generic];
        let mut rows: Vec<usize> =
            (0..trace[0].len()).filter(|row| trace.iter().any(|column| column[*row] == mark)).collect();
        rows.sort_by_key(|row| encoding::to_u64(&trace[clock][*row]));
        // A constant is pushed and compared with the cell; then the cell is pushed and compared with the output.
        assert_eq!(rows.len(), 4);
        for row in &rows[2..] {
            trace
                .iter_mut()
                .map(|column| &mut column[*row])
                .filter(|cell| **cell == mark)
                .for_each(|cell| *cell = value);
        }
        let mut cells: Vec<(u64, usize, usize)> = Vec::new();
        for (position, _) in layout.tables.iter().enumerate().filter(|(_, entry)| entry.kind == TableKind::Cell) {
            let trace = &traces[position];
            let rows = (0..trace[0].len()).filter(|row| trace[2][*row] == mark && trace[0][*row] == Felt::one());
            cells.extend(rows.map(|row| (encoding::to_u64(&trace[1][row]).unwrap(), position, row)));
        }
        cells.sort_unstable();
        // In the program, pushed, pushed again, in the output.
        assert_eq!(cells.len(), 4);
        for (_, position, row) in &cells[2..] {
            traces[*position][2][*row] = value;
        }
        assert_eq!(claim.output[1], mark);
        claim.output[1] = value;
    }

    /// Makes tables and public tuples what the verifier will make of statement, claim and layout, if it accepts them.
    fn reclaim(&mut self) -> Result<(), LayoutError> {
        let Witness { statement, claim, layout, tables, public, .. } = &mut self.0;
        *public = public_tuples(statement, claim);
        let built = common::built(layout, &statement.program, claim)?;
        *tables = built.tables;
        public.extend(built.open);
        Ok(())
    }

    /// Gives every table that provides the multiplicities that others need, where it has the tuple at all.
    fn balance(&mut self) {
        let Witness { layout, tables, public, traces, .. } = &mut self.0;
        let mut sums: HashMap<(u32, Vec<[u64; 4]>), Felt> = HashMap::new();
        let key = |bus: Bus, tuple: &[Felt]| (bus.id, tuple.iter().map(encoding::montgomery_limbs).collect::<Vec<_>>());
        for tuple in public.iter() {
            *sums.entry(key(tuple.bus, &tuple.tuple)).or_default() += tuple.multiplicity;
        }
        for provider in [false, true] {
            for ((entry, table), trace) in layout.tables.iter().zip(tables.iter()).zip(traces.iter_mut()) {
                let graph = table.air.graph();
                let height = 1 << entry.log_height;
                for row in 0..height {
                    let value = |input| match input {
                        Input::Main(column) => trace[column as usize][row],
                        Input::MainNext(column) => trace[column as usize][(row + 1) % height],
                        Input::Periodic(column) => {
                            let column = &table.air.periodic()[column as usize];
                            column[row % column.len()]
                        }
                        _ => Felt::zero(),
                    };
                    let values = graph.evaluate(value);
                    for interaction in table.air.interactions() {
                        let tuple: Vec<Felt> = interaction.tuple.iter().map(|entry| values[entry.index()]).collect();
                        let key = key(interaction.bus, &tuple);
                        // The column to set, and what it is multiplied by.
                        let uses = match (&entry.kind, interaction.name.as_str()) {
                            (TableKind::Range(_) | TableKind::Cell, "cell") => {
                                let column = if entry.kind == TableKind::Cell { 3 } else { Range::USES };
                                match graph.nodes()[interaction.multiplicity.index()] {
                                    Node::Input(_) => Some((column, Felt::one())),
                                    _ => Some((column, trace[0][row])),
                                }
                            }
                            (
                                TableKind::Memory
                                | TableKind::Instruction
                                | TableKind::Limb(Limb::Bits8)
                                | TableKind::Limb(Limb::Bits16)
                                | TableKind::Limb(Limb::Bits12),
                                _,
                            ) => match graph.nodes()[interaction.multiplicity.index()] {
                                Node::Input(Input::Main(column)) => Some((column as usize, Felt::one())),
                                _ => None,
                            },
                            _ => None,
                        };
                        match uses {
                            None if !provider => {
                                *sums.entry(key).or_default() += values[interaction.multiplicity.index()];
                            }
                            Some((column, factor)) if provider => {
                                trace[column][row] = match factor.inv() {
                                    Ok(inverse) => -sums.remove(&key).unwrap_or_default() * inverse,
                                    Err(_) => Felt::zero(),
                                };
                            }
                            _ => {}
                        }
                    }
                }
            }
        }
    }

    /// A whole proof, and the verifier's word on it.
    fn try_it(mut self) -> Result<Verified, VerifyError> {
        // Whatever the layout: a proof of some tables is in the file.
        if self.reclaim().is_err() {
            return self.verified();
        }
        self.balance();
        let result = self.verified();
        // The same rows in the open show no more and no less.
        let in_the_open = Self(in_the_open(self.0)).verified();
        assert_eq!(in_the_open.is_ok(), result.is_ok(), "committed {result:?}, in the open {in_the_open:?}");
        result
    }

    fn verified(&self) -> Result<Verified, VerifyError> {
        let Witness { statement, claim, layout, tables, public, traces } = &self.0;
        let context = statement.context(claim, layout);
        let bytes = match common::built(layout, &statement.program, claim) {
            Ok(_) => {
                let proof = stark::prove(tables, traces.clone(), public, &context, &CHEAP, &Unattended).unwrap();
                proof.encode(&Shape::new(tables, &CHEAP))
            }
            // As many bytes as the descriptions of the tables ask for.
            Err(_) if layout.check(&statement.program, claim).is_ok() => vec![0; layout.least_proof_len(&CHEAP)],
            Err(_) => Vec::new(),
        };
        let file = CairoProof::new(statement, CHEAP, claim.clone(), layout.clone(), bytes);
        verify(statement, &file.encode(), &policy())
    }

    /// The same with a verifier that asks for less.
    fn weakly(mut self, weak: &Weak<'_>) -> Result<(), stark::VerifyError> {
        self.reclaim().unwrap();
        let Witness { layout, tables, public, .. } = &mut self.0;
        for (entry, table) in layout.tables.iter().zip(tables.iter_mut()) {
            if let Some(air) = weak.swap.and_then(|swap| swap(&entry.kind)) {
                table.air = Arc::new(air);
            }
            if !matches!(entry.kind, TableKind::Range(_)) {
                continue;
            }
            for name in &weak.missing {
                let constraint = table.air.constraints().iter().position(|constraint| constraint.name == *name);
                let interaction = table.air.interactions().iter().position(|interaction| interaction.name == *name);
                table.air = Arc::new(match (constraint, interaction) {
                    (Some(index), _) => table.air.without_constraint(index),
                    (_, Some(index)) => table.air.without_interaction(index),
                    _ => continue,
                });
            }
        }
        public.extend(weak.public.iter().cloned());
        self.balance();
        let report = report(&self.0);
        assert!(report.is_clean(), "{report}");
        let Witness { statement, claim, layout, tables, public, traces } = &self.0;
        let context = statement.context(claim, layout);
        let proof = stark::prove(tables, traces.clone(), public, &context, &CHEAP, &Unattended).unwrap();
        stark::verify(tables, public, &context, &CHEAP, &proof)
    }

    /// Refused by the STARK layer, and accepted by a verifier that asks for less.
    fn refused_but_for(self, weak: &Weak<'_>) {
        assert_eq!(self.clone().weakly(weak), Ok(()), "missing: {:?}", weak.missing);
        match self.try_it() {
            Err(VerifyError::Stark(_)) => {}
            other => panic!("missing: {:?}: {other:?}", weak.missing),
        }
    }
}

fn missing<'a>(names: &[&'a str]) -> Weak<'a> {
    Weak { missing: names.to_vec(), ..Weak::default() }
}

fn public(tuples: Vec<PublicTuple>) -> Weak<'static> {
    Weak { public: tuples, ..Weak::default() }
}

/// The verifier gives a cell of a bus of addresses away once more.
fn twice(bus: Bus, address: u32) -> [PublicTuple; 2] {
    let at = |address: u32| vec![small(u64::from(address))];
    [PublicTuple::provide(bus, at(address)), PublicTuple::require(bus, at(address + 1))]
}

/// The verifier keeps a cell of a bus of addresses for itself.
fn kept(bus: Bus, address: u32) -> [PublicTuple; 2] {
    let at = |address: u32| vec![small(u64::from(address))];
    [PublicTuple::require(bus, at(address)), PublicTuple::provide(bus, at(address + 1))]
}

/// Ranges for all kinds of values, with one or several limbs, excess and offset.
fn all_ranges() -> [Range; 9] {
    [
        range(8, 1, 0),
        range(8, 128, 0),
        range(12, 128, 0),
        range(12, 116, 1 << 127),
        range(16, 120, 0),
        high(8, 8),
        high(8, 4),
        high(12, 40),
        high(16, 120),
    ]
}

/// A value for each checked cell and a table for it.
fn mixed() -> ([u128; CELLS], [Range; CELLS]) {
    let top = u128::MAX;
    let ranges = [range(8, 1, 0), range(8, 8, 0), range(12, 20, 5), high(8, 8), high(8, 4), high(12, 40), high(8, 127)];
    let all = range(8, 128, 0);
    let values = [
        (0, ranges[0]),
        (1, ranges[1]),
        (5, ranges[2]),
        (4 + (1 << 20), ranges[2]),
        (top, ranges[3]),
        (top - 255, ranges[3]),
        (top, ranges[4]),
        (top - 15, ranges[4]),
        (top - (1 << 39), ranges[5]),
        (top - (1 << 40) + 1, ranges[5]),
        (1 << 127, ranges[6]),
        (top, ranges[6]),
        (0, all),
        (top, all),
        (top >> 1, all),
    ];
    (values.map(|(value, _)| value), values.map(|(_, range)| range))
}

/// Cells of a run in tables of different ranges.
fn in_tables(values: [u128; CELLS], ranges: [Range; CELLS]) -> Forger {
    let mut forger = Forger::new(&values.map(wide));
    for range in ranges.into_iter().collect::<BTreeSet<_>>() {
        let rows: Vec<Row> = (0..CELLS)
            .filter(|k| ranges[*k] == range)
            .map(|k| {
                assert!(range.contains(values[k]), "{range}: {}", values[k]);
                row(range, forger.address(k), wide(values[k]))
            })
            .collect();
        forger.add_range(range, &rows);
    }
    forger
}

/// The forger's tools make a good proof of a true claim, whatever the ranges: refusals below are not theirs.
#[test]
fn the_forger_can_tell_the_truth() {
    let verified = Forger(marked().clone()).try_it().unwrap();
    assert_eq!(verified.output, [6, 14].map(|k| wide(marks()[k])));
    let (values, ranges) = mixed();
    let verified = in_tables(values, ranges).try_it().unwrap();
    assert_eq!(verified.output, [6, 14].map(|k| wide(values[k])));
    for range in all_ranges().into_iter().filter(|range| range.contains(marks()[14])) {
        let mut forger = Forger::with(2, small(0));
        let zero = row(range, forger.address(2), small(0));
        forger.add_marks(range, Some(zero));
        assert!(forger.try_it().is_ok(), "{range}");
    }
}

/// Each prank overwrites cells of an honest range table, and the debug checker reports the constraint or interaction by name.
#[test]
fn pranks() {
    for range in all_ranges() {
        let others = self::range(8, 128, 0);
        let mut forger = Forger::with(2, wide(range.offset()));
        let [honest, offset] = [wide(range.offset()) + Felt::one(), wide(range.offset())];
        let mut values = marks().map(wide);
        (values[2], values[3]) = (offset, honest);
        forger.0 = Forger::new(&values).0;
        let mut rows: Vec<Row> = (0..CELLS).map(|k| row(others, forger.address(k), values[k])).collect();
        let rows_in_range: Vec<Row> = [2, 3].map(|k| row(range, forger.address(k), values[k])).into();
        rows.drain(2..4);
        forger.add_range(others, &rows);
        forger.add_range(range, &rows_in_range);
        forger.reclaim().unwrap();
        forger.balance();
        let clean = report(&forger.0);
        assert!(clean.is_clean(), "{range}: {clean}");

        let kind = TableKind::Range(range);
        let position = forger.0.layout.tables.iter().rposition(|entry| entry.kind == kind).unwrap();
        let mut done = BTreeSet::new();
        let mut expect = |what: &str, column: usize, row: usize, value: &dyn Fn(Felt) -> Felt| {
            let mut witness = forger.0.clone();
            let cell = &mut witness.traces[position][column][row];
            *cell = value(*cell);
            let report = report(&witness);
            let party = format!("{range}/{what}");
            let is_party = |(name, ..): &(String, usize, usize)| *name == party;
            let named = report.has_constraint(&range.to_string(), what)
                || report.imbalances.iter().any(|imbalance| imbalance.parties.iter().any(is_party));
            assert!(named, "{range}: `{what}` is not reported:\n{report}");
            done.insert(what.to_owned());
        };
        for enabler in [small(2), -Felt::one(), small(2).inv().unwrap()] {
            expect("boolean_enabler", Range::ENABLER, 0, &|_| enabler);
            expect("boolean_enabler", Range::ENABLER, 63, &|_| enabler);
        }
        // A cell skipped, one outside the segment, one out of padding.
        for name in ["checks", "checked"] {
            expect(name, Range::ADDRESS, 0, &|address| address + Felt::one());
            expect(name, Range::ADDRESS, 1, &|address| address + small(100));
            expect(name, Range::ENABLER, 63, &|_| Felt::one());
        }
        expect("checked", Range::ENABLER, 1, &|_| Felt::zero());
        expect("cell", Range::USES, 1, &|uses| uses + Felt::one());
        expect("cell", Range::ADDRESS, 1, &|address| address - Felt::one());
        for i in 0..range.limbs() {
            expect("cell", Range::LIMBS + i, 0, &|limb| limb + Felt::one());
            expect(&format!("limb[{i}]"), Range::LIMBS + i, 0, &|_| two(u64::from(range.bits())));
            expect(&format!("limb[{i}]"), Range::LIMBS + i, 1, &|_| -Felt::one());
        }
        if let Some(excess) = range.excess() {
            expect("top", Range::LIMBS + range.limbs() - 1, 0, &|_| two(u64::from(range.bits() - excess)));
        }
        let air = &forger.0.tables[position].air;
        let all: BTreeSet<String> = (air.constraints().iter().map(|constraint| constraint.name.clone()))
            .chain(air.interactions().iter().map(|interaction| interaction.name.clone()))
            .collect();
        assert_eq!(all, done, "{range}");
    }
}

/// Which look-ups of limbs this row fails.
fn failing(range: Range, row: &Row) -> Vec<String> {
    let is_limb = |limb: Felt| encoding::to_u64(&limb).is_some_and(|limb| limb >> range.bits() == 0);
    let limbs = row.limbs.iter().enumerate().filter(|(_, limb)| !is_limb(**limb));
    let mut failing: Vec<String> = limbs.map(|(i, _)| format!("limb[{i}]")).collect();
    if let (Some(excess), Some(top)) = (range.excess(), row.limbs.last())
        && !is_limb(*top * two(u64::from(excess)))
    {
        failing.push("top".into());
    }
    failing
}

/// A checked value outside the range whose limbs make it up.
fn limbs_are_refused(range: Range, forged: impl Fn(u32) -> Row, value: Felt) -> Vec<String> {
    let k = CELLS - 1;
    let mut forger = Forger::with(k, value);
    let others = self::range(8, 128, 0);
    let row = forged(forger.address(k));
    let failing = failing(range, &row);
    forger.add_other_marks(others, k);
    forger.add_range(range, &[row]);
    let names: Vec<&str> = failing.iter().map(String::as_str).collect();
    assert_eq!(forger.0.claim.output[1], value);
    forger.clone().refused_but_for(&missing(&names));
    // All of them are needed.
    for one in 0..if names.len() > 1 { names.len() } else { 0 } {
        let mut fewer = names.clone();
        fewer.remove(one);
        let mut forger = forger.clone();
        forger.reclaim().unwrap();
        forger.balance();
        let report = report(&forger.0);
        let party = format!("{range}/{}", names[one]);
        let mut parties = report.imbalances.iter().flat_map(|imbalance| &imbalance.parties);
        assert!(parties.any(|(name, ..)| *name == party), "{range}: {party}: {report}");
    }
    failing
}

/// Values of 2^128 and more, the excess in any one of the limbs.
#[test]
fn too_much_in_a_limb() {
    for range in all_ranges() {
        for limb in 0..range.limbs() {
            let value = [two(128), -Felt::one()][limb % 2];
            let failing = limbs_are_refused(range, |address| row_of_one_limb(range, address, value, limb), value);
            let is_top = limb + 1 == range.limbs();
            assert!(failing.iter().all(|name| *name == format!("limb[{limb}]") || is_top && name == "top"));
            assert!(!failing.is_empty(), "{range}");
        }
        for value in [two(128), two(128) + small(7), two(132), -Felt::one()] {
            let failing = limbs_are_refused(range, |address| row(range, address, value), value);
            assert!(!failing.is_empty(), "{range}");
        }
    }
}

/// Top limbs that are limbs but have too many bits, or that have few enough times a power of two but are no limbs.
#[test]
fn too_much_in_the_top_limb() {
    let check = |range: Range, low: u64, top: Felt, value: Felt, expected: &str| {
        let forged = |address| {
            let mut limbs = vec![small(low); range.limbs()];
            *limbs.last_mut().unwrap() = top;
            Row { enabler: Felt::one(), address, limbs }
        };
        assert_eq!(limbs_are_refused(range, forged, value), [expected], "{range}");
    };
    let sixteenth = small(16).inv().unwrap();
    check(range(12, 128, 0), 0, small(0x100), two(128), "top");
    check(range(12, 128, 0), 0xfff, small(0x100), two(128) + two(120) - small(1), "top");
    check(range(12, 128, 0), 0xfff, small(0xfff), two(132) - small(1), "top");
    check(range(12, 128, 0), 0xfff, small(0xfff) * sixteenth, two(128) + two(120) - two(116) - small(1), "limb[10]");
    check(high(8, 4), 0, small(16), two(128), "top");
    check(high(8, 4), 0, small(255), two(128) + small(239), "top");
    check(high(8, 4), 0, sixteenth, two(128) - small(16) + sixteenth, "limb[0]");
    check(high(8, 1), 0, small(2), two(128), "top");
    check(high(12, 40), 0, small(16), two(128), "top");
    check(high(16, 120), 0, small(0x100), two(128), "top");
    // The greatest that there could be without that look-up: far below p, so it is no small number either.
    let all = two(128) - two(120) + two(128) - small(1);
    check(high(16, 120), 0xffff, small(0xffff), all, "top");
}

/// A checked cell with a value too large stands in the cell table, which checks nothing.
#[test]
fn in_the_cell_table_instead() {
    for k in [2, 7, CELLS - 1] {
        for value in [two(128), -Felt::one(), wide(marks()[k])] {
            let mut forger = Forger::with(k, value);
            let address = forger.address(k);
            forger.add_other_marks(range(8, 128, 0), k);
            forger.add_cell(address, value);
            let tuples = [twice(buses::OWNED, address), kept(buses::RANGE, address)].concat();
            forger.refused_but_for(&public(tuples));
        }
    }
}

/// All checked cells stand there, and the range table has padding only.
#[test]
fn a_range_table_of_padding() {
    let mut forger = Forger::with(7, two(128));
    let range = range(8, 128, 0);
    let rows: Vec<Row> =
        (0..CELLS).map(|k| Row { enabler: Felt::zero(), ..row(range, forger.address(k), wide(marks()[k])) }).collect();
    forger.add_range(range, &rows);
    for k in 0..CELLS {
        forger.add_cell(forger.address(k), if k == 7 { two(128) } else { wide(marks()[k]) });
    }
    // The verifier asks nothing of the segment.
    let Segment { base, stop } = forger.segment();
    let [base, stop] = [base, stop].map(|address| vec![small(u64::from(address))]);
    forger.refused_but_for(&public(vec![
        PublicTuple::provide(buses::OWNED, base.clone()),
        PublicTuple::require(buses::OWNED, stop.clone()),
        PublicTuple::require(buses::RANGE, base),
        PublicTuple::provide(buses::RANGE, stop),
    ]));
}

/// A checked cell has a row in the cell table as well, with another value.
#[test]
fn in_the_cell_table_too() {
    for value in [small(77), two(128), -Felt::one()] {
        let mut forger = Forger::new(&marks().map(wide));
        let address = forger.address(CELLS - 1);
        forger.add_marks(range(12, 128, 0), None);
        forger.add_cell(address, value);
        forger.output_reads(value);
        forger.refused_but_for(&public(twice(buses::OWNED, address).into()));
    }
}

/// A cell twice in range tables, with two values: in one table, in two of one range, in tables of two ranges.
#[test]
fn two_values_in_range_tables() {
    let value = small(77);
    let first = range(8, 128, 0);
    for second in [None, Some(first), Some(range(8, 8, 0)), Some(range(12, 12, 0)), Some(range(12, 128, 0))] {
        let mut forger = Forger::new(&marks().map(wide));
        let address = forger.address(CELLS - 1);
        match second {
            Some(second) => {
                forger.add_marks(first, None);
                forger.add_range(second, &[row(second, address, value)]);
            }
            None => {
                let mut rows: Vec<Row> = (0..CELLS).map(|k| row(first, forger.address(k), wide(marks()[k]))).collect();
                rows.push(row(first, address, value));
                forger.add_range(first, &rows);
            }
        }
        forger.output_reads(value);
        forger.refused_but_for(&public(twice(buses::RANGE, address).into()));
    }
}

/// An address of the segment has no row, or its neighbour has two.
#[test]
fn an_address_skipped() {
    let range = range(8, 128, 0);
    for (k, neighbour) in [(7, None), (7, Some(6)), (7, Some(8)), (2, Some(1)), (13, Some(14))] {
        let value = two(128);
        let mut forger = Forger::with(k, value);
        let address = forger.address(k);
        forger.add_other_marks(range, k);
        // Nobody has the cell: so be it.
        let cell = PublicTuple::provide(buses::MEMORY, vec![small(u64::from(address)), value]);
        let mut tuples = vec![cell];
        tuples.extend(kept(buses::RANGE, address));
        if let Some(neighbour) = neighbour {
            let at = forger.address(neighbour);
            forger.add_range(range, &[row(range, at, wide(marks()[neighbour]))]);
            tuples.extend(twice(buses::RANGE, at));
        }
        forger.refused_but_for(&public(tuples));
    }
}

/// A range table whose rows of padding provide what they hold.
fn padding_provides(kind: &TableKind) -> Option<stark::Air> {
    let TableKind::Range(range) = kind else { return None };
    let mut b = AirBuilder::new("range table with generous padding");
    let enabler = b.column("enabler");
    let address = b.column("address");
    let uses = b.column("uses");
    let limbs: Vec<_> = (0..range.limbs()).map(|i| b.column(format!("limb[{i}]"))).collect();
    b.constrain_boolean("boolean_enabler", &enabler);
    b.require("checks", buses::RANGE, &enabler, [address.clone()]);
    b.provide("checked", buses::RANGE, &enabler, [&address + 1]);
    let radix = stark::Expr::from(1_u64 << range.bits());
    let rest = limbs.iter().rev().fold(stark::Expr::zero(), |value, limb| value * &radix + limb);
    b.provide("cell", buses::MEMORY, uses, [address, rest + wide(range.offset())]);
    let bus = [buses::BYTE, buses::WORD12, buses::WORD16][usize::from(range.bits() - 8) / 4];
    for (i, limb) in limbs.iter().enumerate() {
        b.require(format!("limb[{i}]"), bus, &enabler, [limb.clone()]);
    }
    if let (Some(excess), Some(top)) = (range.excess(), limbs.last()) {
        b.require("top", bus, &enabler, [top * (1_u64 << excess)]);
    }
    Some(b.build().unwrap())
}

/// A row of padding provides the cell with another value, whose limbs nobody looks at.
#[test]
fn padding_that_provides() {
    for range in [range(8, 128, 0), range(12, 128, 0), range(16, 120, 0)] {
        for value in [small(77), two(128), -Felt::one()] {
            let mut forger = Forger::new(&marks().map(wide));
            let address = forger.address(CELLS - 1);
            let mut rows: Vec<Row> = (0..CELLS).map(|k| row(range, forger.address(k), wide(marks()[k]))).collect();
            rows.push(Row { enabler: Felt::zero(), ..row(range, address, value) });
            forger.add_range(range, &rows);
            forger.output_reads(value);
            forger.refused_but_for(&Weak { swap: Some(&padding_provides), ..Weak::default() });
        }
    }
}

/// Rows that are in use twice, half, or less than not at all, so that those of one address come to one together.
#[test]
fn other_enablers() {
    let mark = wide(marks()[CELLS - 1]);
    let half = small(2).inv().unwrap();
    let range = range(8, 128, 0);
    let minus = -Felt::one();
    let one = Felt::one();
    let too_much = two(128);
    // Rows for the last cell: enabler and value. A row with −1 gives back the look-up of a limb that is none.
    let all: [(Felt, &[(Felt, Felt)]); 5] = [
        (small(77), &[(one, mark), (one, small(77)), (minus, small(5))]),
        (small(77), &[(small(2), mark), (minus, small(77))]),
        (small(77), &[(half, mark), (half, small(77))]),
        (too_much, &[(one, mark), (one, too_much), (minus, too_much + small(1))]),
        (
            too_much + small(255),
            &[
                (small(2), mark),
                (one, too_much + small(255)),
                (-small(2), too_much + small(254)),
                (minus + one, mark),
                (one, too_much + small(3)),
                (minus, mark),
            ],
        ),
    ];
    for (case, (value, last)) in all.into_iter().enumerate() {
        let mut forger = Forger::new(&marks().map(wide));
        let address = forger.address(CELLS - 1);
        let mut rows: Vec<Row> = (0..CELLS - 1).map(|k| row(range, forger.address(k), wide(marks()[k]))).collect();
        let sum = last.iter().fold(Felt::zero(), |sum, (enabler, _)| sum + *enabler);
        assert_eq!(sum, one, "{case}");
        rows.extend(last.iter().map(|(enabler, value)| Row { enabler: *enabler, ..row(range, address, *value) }));
        forger.add_range(range, &rows);
        forger.output_reads(value);
        forger.refused_but_for(&missing(&["boolean_enabler"]));
    }
}

/// The public tuple of the base or the stop pointer is taken back.
fn free_pointer(forger: &Forger, stop: bool) -> PublicTuple {
    let Witness { statement, claim, .. } = &forger.0;
    let position = statement.program.builtins().iter().position(|builtin| *builtin == Builtin::RangeCheck).unwrap();
    let Segment { base, stop: end } = claim.segments[position];
    let (cell, value) = match stop {
        true => (claim.final_ap - claim.segments.len() as u32, end),
        false => (statement.program.initial_ap(), base),
    };
    PublicTuple::provide(buses::MEMORY, vec![small(u64::from(cell) + position as u64), small(u64::from(value))])
}

impl Forger {
    fn claim_segment(&mut self, base: u32, stop: u32) {
        let builtins = self.0.statement.program.builtins();
        let position = builtins.iter().position(|builtin| *builtin == Builtin::RangeCheck).unwrap();
        self.0.claim.segments[position] = Segment { base, stop };
    }
}

/// The segment is said to end earlier or to begin later, so that a cell with a value too large is in the cell table.
#[test]
fn a_segment_claimed_shorter() {
    let range = range(8, 128, 0);
    for (from, to, forged) in [(0, CELLS - 1, CELLS - 1), (0, 3, 7), (3, CELLS, 2), (CELLS - 1, CELLS, 2)] {
        let value = two(128);
        let mut forger = Forger::with(forged, value);
        forger.claim_segment(forger.address(from), forger.address(to));
        let rows: Vec<Row> = (from..to).map(|k| row(range, forger.address(k), wide(marks()[k]))).collect();
        forger.add_range(range, &rows);
        for k in (0..CELLS).filter(|k| !(from..to).contains(k)) {
            forger.add_cell(forger.address(k), if k == forged { value } else { wide(marks()[k]) });
        }
        let mut tuples = Vec::new();
        if from > 0 {
            tuples.push(free_pointer(&forger, false));
        }
        if to < CELLS {
            tuples.push(free_pointer(&forger, true));
        }
        forger.refused_but_for(&public(tuples));
    }
    // The range tables go on to where the segment really ends, with other values behind what is claimed.
    let mut forger = Forger::new(&marks().map(wide));
    let last = forger.address(CELLS - 1);
    forger.claim_segment(forger.address(0), last);
    forger.add_marks(range, None);
    let mut tuples = vec![free_pointer(&forger, true)];
    tuples.extend(twice(buses::RANGE, last));
    tuples.extend(kept(buses::OWNED, last));
    forger.refused_but_for(&public(tuples));
}

/// The segment is said to begin earlier, with the cell before it in the range table, or to end after the last cell.
#[test]
fn a_segment_claimed_longer() {
    let range = range(8, 128, 0);
    let mut forger = Forger::new(&marks().map(wide));
    let Segment { base, stop } = forger.segment();
    assert_eq!(forger.0.claim.owned_end, stop);
    forger.claim_segment(base - 1, stop);
    let (position, at) = forger.cell_row(base - 1).unwrap();
    let value = forger.0.traces[position][2][at];
    forger.0.traces[position][0][at] = Felt::zero();
    forger.add_marks(range, None);
    forger.add_range(range, &[row(range, base - 1, value)]);
    let pointer = free_pointer(&forger, false);
    forger.refused_but_for(&public(vec![pointer]));

    let mut forger = Forger::new(&marks().map(wide));
    forger.claim_segment(base, stop + 1);
    forger.0.claim.owned_end += 1;
    forger.add_marks(range, None);
    forger.add_range(range, &[row(range, stop, small(3))]);
    let pointer = free_pointer(&forger, true);
    forger.refused_but_for(&public(vec![pointer]));
}

/// The segment is said to be the cell that a path's row owns; the cells that are meant are in the cell table.
#[test]
fn a_segment_claimed_in_a_path() {
    let range = range(8, 128, 0);
    for value in [two(128), wide(marks()[7])] {
        let mut forger = Forger::with(7, value);
        let path = forger.0.layout.tables.iter().position(|entry| matches!(entry.kind, TableKind::Path(_))).unwrap();
        let ap = forger.0.tables[path].air.columns().iter().position(|name| name == "ap").unwrap();
        let owned = encoding::to_u64(&forger.0.traces[path][ap][0]).unwrap() as u32;
        for k in 0..CELLS {
            forger.add_cell(forger.address(k), if k == 7 { value } else { wide(marks()[k]) });
        }
        forger.claim_segment(owned, owned + 1);
        forger.add_range(range, &[row(range, owned, Felt::zero())]);
        let mut tuples: Vec<_> = twice(buses::OWNED, owned).into();
        tuples.extend([free_pointer(&forger, false), free_pointer(&forger, true)]);
        forger.refused_but_for(&public(tuples));
    }
}

impl Forger {
    /// Every cell of the run with the marks.
    fn cells() -> Vec<Felt> {
        let Self(Witness { claim, layout, traces, .. }) = Self::new(&marks().map(wide));
        let mut cells = vec![Felt::zero(); claim.owned_end as usize];
        for (_, trace) in layout.tables.iter().zip(&traces).filter(|(entry, _)| entry.kind == TableKind::Cell) {
            for row in (0..trace[0].len()).filter(|row| trace[0][*row] == Felt::one()) {
                cells[encoding::to_u64(&trace[1][row]).unwrap() as usize] = trace[2][row];
            }
        }
        let base = cells.len() - CELLS;
        cells[base..].copy_from_slice(&marks().map(wide));
        cells
    }

    /// Lets the owned cells end earlier, so that a memory table has the rest.
    fn cut(&mut self, owned_end: u32) {
        let cells = Self::cells();
        let owned: Vec<usize> = (0..CELLS).filter(|k| self.address(*k) < owned_end).collect();
        for k in owned {
            self.add_cell(self.address(k), wide(marks()[k]));
        }
        let above: Vec<_> = (owned_end..cells.len() as u32).filter_map(|address| self.cell_row(address)).collect();
        above.into_iter().for_each(|(position, row)| self.0.traces[position][0][row] = Felt::zero());
        let counters = Counters::new(cells.len());
        let trace = memory_witness::fill(&cells, u64::from(owned_end), 6, &counters, &Unattended).unwrap();
        self.add_table(TableKind::Memory, trace);
        self.0.claim.owned_end = owned_end;
    }

    /// The builtin's other table, with 12-bit limbs.
    fn add_old_table(&mut self) {
        let cells = Self::cells();
        let segment = self.segment();
        let counters = Counters::new(cells.len());
        let log_height = table_size::log_height(u64::from(segment.stop - segment.base));
        let trace = fill_words12(&cells, segment, log_height, &counters, &Unattended).unwrap();
        self.add_table(TableKind::RangeCheck(Limbs::Words12), trace);
        if !self.0.layout.tables.iter().any(|entry| entry.kind == TableKind::Limb(Limb::Bits12)) {
            let values = (0..1 << word12::LOG_HEIGHT).map(small).collect();
            self.add_table(TableKind::Limb(Limb::Bits12), vec![values, vec![Felt::zero(); 1 << word12::LOG_HEIGHT]]);
        }
    }

    fn layout_error(self) -> LayoutError {
        match self.try_it() {
            Err(VerifyError::Layout(error)) => error,
            other => panic!("{other:?}"),
        }
    }
}

/// Owned cells that end within the segment: then the builtin has the tables that it has without owners, and no others.
#[test]
fn owned_cells_end_within_the_segment() {
    let honest = Forger::new(&marks().map(wide));
    let Segment { base, stop } = honest.segment();
    for owned_end in [base - 1, base, base + 1, base + 7, stop - 1] {
        let mut cut = honest.clone();
        cut.cut(owned_end);
        let mut old = cut.clone();
        old.add_old_table();
        assert!(old.clone().try_it().is_ok(), "{owned_end}");

        let cells = stop - base;
        let builtin = Builtin::RangeCheck;
        let none = LayoutError::BuiltinTables { builtin, cells, expected: 1, found: 0 };
        assert_eq!(cut.clone().layout_error(), none);
        let range = range(12, 128, 0);
        for mut forger in [cut, old] {
            let owned = (0..CELLS).filter(|k| honest.address(*k) < owned_end);
            let mut rows: Vec<Row> = owned.map(|k| row(range, honest.address(k), wide(marks()[k]))).collect();
            if rows.is_empty() {
                rows.push(row(range, base, small(0)));
            }
            forger.add_range(range, &rows);
            assert_eq!(forger.layout_error(), LayoutError::RangeTables { is_owned: false, found: 1 });
        }
    }
    // Without memory after them the segment lies outside.
    let mut forger = honest.clone();
    forger.add_marks(range(8, 128, 0), None);
    forger.0.claim.owned_end = stop - 1;
    assert!(matches!(forger.try_it(), Err(VerifyError::Claim(ClaimError::OutsideMemory { .. }))));
}

/// Range tables or the builtin's others, never both, and never none of them.
#[test]
fn other_tables_of_the_builtin() {
    let range = range(12, 128, 0);
    let without = Forger::new(&marks().map(wide));
    let mut with = without.clone();
    with.add_marks(range, None);
    assert!(with.clone().try_it().is_ok());
    let cells = CELLS as u32;
    let builtin = Builtin::RangeCheck;

    assert_eq!(without.clone().layout_error(), LayoutError::RangeTables { is_owned: true, found: 0 });
    let mut old = without;
    old.add_old_table();
    assert_eq!(old.clone().layout_error(), LayoutError::RangeTables { is_owned: true, found: 0 });
    // All checked cells in the cell table, as others may require them.
    (0..CELLS).for_each(|k| old.add_cell(old.address(k), wide(marks()[k])));
    assert_eq!(old.layout_error(), LayoutError::RangeTables { is_owned: true, found: 0 });
    let mut both = with.clone();
    both.add_old_table();
    assert_eq!(both.layout_error(), LayoutError::BuiltinTables { builtin, cells, expected: 0, found: 1 });

    // An empty segment has neither.
    let mut empty = with.clone();
    empty.claim_segment(empty.address(0), empty.address(0));
    assert_eq!(empty.layout_error(), LayoutError::RangeTables { is_owned: false, found: 1 });
}

/// Range tables stand in the order of their ranges, four of each at most, with one table for each size of limbs.
#[test]
fn order_and_number() {
    let (values, ranges) = mixed();
    let honest = in_tables(values, ranges);
    let is_range = |entry: &TableEntry| matches!(entry.kind, TableKind::Range(_));
    let first = honest.0.layout.tables.iter().position(is_range).unwrap();
    let count = honest.0.layout.tables.iter().filter(|entry| is_range(entry)).count();
    assert_eq!(count, 8);
    for position in first - 1..first + count - 1 {
        let mut forger = honest.clone();
        forger.0.layout.tables.swap(position, position + 1);
        let kind = forger.0.layout.tables[position + 1].kind.to_string();
        assert_eq!(forger.layout_error(), LayoutError::Order { position: position + 1, kind });
    }
    let mut forger = honest.clone();
    let kind = forger.0.layout.tables[first].kind.clone();
    for chunks in 2..=5 {
        forger.0.layout.tables.insert(first, TableEntry { kind: kind.clone(), log_height: 6 });
        let trace = forger.0.traces[first].iter().map(|column| vec![column[0]; 64]).collect::<Vec<_>>();
        forger.0.traces.insert(first, trace);
        // A table of padding alone does no harm.
        forger.0.traces[first][Range::ENABLER] = vec![Felt::zero(); 64];
        match forger.clone().try_it() {
            Ok(_) => assert!(chunks <= 4),
            Err(VerifyError::Layout(LayoutError::TooMany { found, limit, .. })) => assert_eq!((found, limit), (5, 4)),
            other => panic!("{other:?}"),
        }
    }
    for (dropped, bus) in [(TableKind::Limb(Limb::Bits12), buses::WORD12), (TableKind::Limb(Limb::Bits8), buses::BYTE)]
    {
        let mut forger = honest.clone();
        forger.drop_tables(|kind| *kind == dropped);
        assert_eq!(forger.layout_error(), LayoutError::Provider { bus, expected: 1, found: 0 });
    }
    let mut forger = honest;
    let values = (0..1 << word16::LOG_HEIGHT).map(small).collect();
    forger.add_table(TableKind::Limb(Limb::Bits16), vec![values, vec![Felt::zero(); 1 << word16::LOG_HEIGHT]]);
    assert_eq!(forger.layout_error(), LayoutError::Provider { bus: buses::WORD16, expected: 0, found: 1 });
}

/// Bytes of a file that name a range which is none.
#[test]
fn ranges_that_are_none_in_a_file() {
    let mut forger = Forger::new(&marks().map(wide));
    let known = high(12, 40);
    let zero = row(known, forger.address(2), wide(known.offset()));
    forger.add_marks(range(8, 128, 0), None);
    forger.add_range(known, &[zero]);
    let Witness { statement, claim, layout, .. } = &forger.0;
    let file = CairoProof::new(statement, CHEAP, claim.clone(), layout.clone(), Vec::new()).encode();
    let mut pattern = vec![19];
    known.encode(&mut pattern);
    let places: Vec<usize> =
        file.windows(pattern.len()).enumerate().filter(|(_, w)| *w == pattern).map(|(at, _)| at).collect();
    let [at] = places[..] else { panic!("{places:?}") };
    let with = |bits: u8, width: u8, offset: u128| {
        let mut file = file.clone();
        (file[at + 1], file[at + 2]) = (bits, width);
        file[at + 3..at + 19].copy_from_slice(&offset.to_le_bytes());
        verify(statement, &file, &policy())
    };
    // A file without a STARK proof, but with all that comes before.
    let read = with(12, 40, known.offset());
    assert!(matches!(read, Err(VerifyError::Decode(_))), "{read:?}");
    assert!(matches!(with(12, 40, 0), Err(VerifyError::Decode(_))));
    let top = known.offset();
    for (bits, width, offset) in [
        (4, 40, 0),
        (0, 40, 0),
        (13, 40, 0),
        (24, 48, 0),
        (255, 40, 0),
        (12, 0, 0),
        (12, 0, top),
        (12, 129, 0),
        (12, 255, 0),
        (12, 128, 1),
        (12, 40, top + 1),
        (12, 41, top),
        (12, 127, (1 << 127) + 1),
        (12, 1, u128::MAX),
        (12, 40, u128::MAX),
    ] {
        let expected = CodecError::Unknown {
            what: "range of a range table",
            found: u64::from(bits) << 8 | u64::from(width),
            offset: at + 1,
        };
        let expected = VerifyError::File(ProofFileError::Codec(expected));
        assert_eq!(with(bits, width, offset), Err(expected), "{bits} {width} {offset}");
    }
    // Cut off within the range.
    for length in at + 1..at + 19 {
        let result = verify(statement, &file[..length], &policy());
        assert!(
            matches!(result, Err(VerifyError::File(ProofFileError::Codec(CodecError::Truncated { .. })))),
            "{result:?}"
        );
    }
}

/// Runs with values near 2^128, with the ranges that the prover chooses.
#[test]
fn near_the_top() {
    /// The value of a cell.
    type Mix = fn(usize) -> u128;
    let mixes: [(Mix, bool); 7] = [
        (|k| u128::MAX - k as u128, true),
        (|k| u128::MAX - 255 + k as u128, true),
        (|k| u128::MAX - 256 - k as u128, true),
        (|k| if k % 2 == 0 { k as u128 } else { u128::MAX - ((k as u128) << 20) }, true),
        (|k| u128::MAX - (1 << (k * 5)), false),
        (|k| (1 << 127) + k as u128, false),
        (|k| (1 << 127) - 1 - k as u128, false),
    ];
    for (mix, (value, has_offset)) in mixes.into_iter().enumerate() {
        let values = std::array::from_fn(|k| if k < 2 { k as u128 } else { value(k) });
        let forger = Forger(witness_of(values));
        let ranges: Vec<Range> = (forger.0.layout.tables.iter())
            .filter_map(|entry| if let TableKind::Range(range) = entry.kind { Some(range) } else { None })
            .collect();
        assert!(!has_offset || ranges.iter().any(|range| range.offset() > 1 << 127), "{mix}: {ranges:?}");
        let clean = report(&forger.0);
        assert!(clean.is_clean(), "{mix}: {clean}");
        let verified = forger.try_it().unwrap();
        assert_eq!(verified.output, [6, 14].map(|k| wide(values[k])));
    }
}
