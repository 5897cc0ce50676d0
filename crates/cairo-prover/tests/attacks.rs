//! Full proofs of false claims. Each attack takes an honest witness, changes it consistently wherever the change shows,
//! lets every look-up table offer whatever it can, makes a whole new proof of the false claim, and must be refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use cairo_air::claim::ClaimError;
use cairo_air::components::{Path, memory, word12};
use cairo_air::fetch::{Fetch, FetchError, MAX_FETCHES};
use cairo_air::{
    ArgumentBinding, Builtin, CairoProof, Layout, LayoutError, Policy, Program, Segment, Statement, TableEntry,
    TableKind, Verified, VerifyError, buses, public_tuples, verify,
};
use cairo_execution::Execution;
use cairo_prover::planner::{Costs, DEFAULT_COLUMNS, plan};
use cairo_prover::prove::{all_generic, witness};
use cairo_prover::witness::counters::Counters;
use cairo_prover::witness::range_check::fill_words12;
use cairo_prover::witness::word12 as word12_witness;
use cairo_prover::{StepTable, Witness};
use common::{execution, generic_witness};
use felt::{Felt, encoding};
use stark::graph::{Input, Node};
use stark::{Bus, Parameters, Shape, Unattended};
use std::collections::HashMap;
use std::sync::OnceLock;

/// No false claim here needs luck: queries would only cost time.
const CHEAP: Parameters = Parameters { log_blowup: 1, queries: 4, grinding_bits: 0, log_fold: 3 };

fn policy() -> Policy {
    Policy { min_conjectured_bits: 0.0, ..Policy::default() }
}

/// An honest run with output, range checks and bitwise (of small inputs), all steps in the generic table.
fn honest() -> &'static Witness {
    static HONEST: OnceLock<Witness> = OnceLock::new();
    HONEST.get_or_init(|| {
        let arguments = r#"{"a": 5, "b": "340282366920938463463374607431768211461", "c": 12}"#;
        generic_witness(execution("cairo0/args3", Some(arguments)))
    })
}

/// The same run with 12-bit limbs.
fn honest12() -> &'static Witness {
    static HONEST: OnceLock<Witness> = OnceLock::new();
    HONEST.get_or_init(|| with_12_bit_limbs(honest()))
}

/// The limbs that runs with more range checks have, instead of bytes.
fn with_12_bit_limbs(honest: &Witness) -> Witness {
    let mut forger = Forger::new(honest);
    let segment = forger.range_check();
    let cells = forger.column(&TableKind::Memory, "address").len() * memory::CELLS;
    let mut values: Vec<Felt> = (1..=cells as u64).map(|address| forger.memory(address)).collect();
    values.insert(0, Felt::zero());
    let counters = Counters::new(values.len());
    let position = forger.position(&TableKind::RangeCheck8);
    let Witness { layout, traces, .. } = &mut forger.0;
    let entry = &mut layout.tables[position];
    entry.kind = TableKind::RangeCheck12;
    traces[position] = fill_words12(&values, segment, entry.log_height, &counters, &Unattended).unwrap();
    let position = layout.tables.partition_point(|entry| entry.kind < TableKind::Word12);
    layout.tables.insert(position, TableEntry { kind: TableKind::Word12, log_height: word12::LOG_HEIGHT });
    traces.insert(position, word12_witness::fill(&counters));
    forger.reclaim();
    forger.balance();
    forger.0
}

/// The same kind of run with tables as the planner chooses them.
fn planned() -> &'static Witness {
    static PLANNED: OnceLock<Witness> = OnceLock::new();
    PLANNED.get_or_init(|| {
        let execution: Execution = execution("cairo0/sum_to_n", Some(r#"{"n": 400}"#));
        let steps = plan(&execution, &Costs::new(&execution, DEFAULT_COLUMNS)).tables;
        witness(execution, [7; 32], steps, 0, &Unattended).unwrap()
    })
}

fn small(value: u64) -> Felt {
    Felt::from(value)
}

/// A prover that cheats.
struct Forger(Witness);

impl Forger {
    fn new(honest: &Witness) -> Self {
        Self(honest.clone())
    }

    fn position(&self, kind: &TableKind) -> usize {
        self.0.layout.tables.iter().position(|entry| entry.kind == *kind).unwrap()
    }

    fn column(&mut self, kind: &TableKind, name: &str) -> &mut Vec<Felt> {
        let position = self.position(kind);
        let column = self.0.tables[position].air.columns().iter().position(|column| column == name).unwrap();
        &mut self.0.traces[position][column]
    }

    fn memory(&self, address: u64) -> Felt {
        let (row, k) = ((address as usize - 1) / memory::CELLS, (address as usize - 1) % memory::CELLS);
        self.0.traces[self.position(&TableKind::Memory)][1 + k][row]
    }

    /// Writes a memory cell in every table in which it shows, and its limbs if it is range-checked.
    fn set_memory(&mut self, address: u64, value: Felt) {
        let (row, k) = ((address as usize - 1) / memory::CELLS, (address as usize - 1) % memory::CELLS);
        self.column(&TableKind::Memory, &format!("value[{k}]"))[row] = value;
        for operand in ["dst", "op0", "op1"] {
            let addresses = self.column(&TableKind::Generic, &format!("{operand}_address")).clone();
            let rows = addresses.iter().zip(self.column(&TableKind::Generic, operand));
            rows.filter(|(at, _)| **at == small(address)).for_each(|(_, cell)| *cell = value);
        }
        for kind in [TableKind::Generic, TableKind::Instruction] {
            let has_immediate = self.column(&kind, "flag[2]").clone();
            let pcs = self.column(&kind, "pc").clone();
            let rows = pcs.iter().zip(&has_immediate).zip(self.column(&kind, "immediate"));
            let rows = rows.filter(|((pc, flag), _)| **pc + small(1) == small(address) && **flag == small(1));
            rows.for_each(|(_, cell)| *cell = value);
        }
        let checked = self.column(&self.checked(), "address").clone();
        for (row, _) in checked.iter().enumerate().filter(|(_, at)| **at == small(address)) {
            self.set_limbs(row, value);
        }
    }

    /// The kind of table that the range checks have.
    fn checked(&self) -> TableKind {
        let narrow = self.0.layout.tables.iter().any(|entry| entry.kind == TableKind::RangeCheck12);
        if narrow { TableKind::RangeCheck12 } else { TableKind::RangeCheck8 }
    }

    /// Writes the limbs of a value into a row of the range checks. Whatever is left goes into the last limb.
    fn set_limbs(&mut self, row: usize, value: Felt) {
        let kind = self.checked();
        let (bits, last) = if kind == TableKind::RangeCheck12 { (12, 10) } else { (8, 15) };
        let bytes = encoding::to_canonical_be(&value);
        let bit = |at: usize| u64::from(bytes[31 - at / 8] >> (at % 8) & 1);
        let mut rest = value;
        for limb in 0..last {
            let word = (0..bits).map(|i| bit(limb * bits + i) << i).sum();
            rest = (rest - small(word)) * small(1 << bits).inv().unwrap();
            self.column(&kind, &format!("limb[{limb}]"))[row] = small(word);
        }
        self.column(&kind, &format!("limb[{last}]"))[row] = rest;
    }

    /// Recomputes what the generic table derives from operands, and lets the walk of states go where it leads.
    fn solve_res(&mut self) {
        let rows = self.column(&TableKind::Generic, "res").len();
        for row in 0..rows {
            let mut get = |name: &str| self.column(&TableKind::Generic, name)[row];
            let (op0, op1) = (get("op0"), get("op1"));
            let res = match (get("flag[5]") == small(1), get("flag[6]") == small(1)) {
                (true, _) => op0 + op1,
                (_, true) => op0 * op1,
                _ => op1,
            };
            self.column(&TableKind::Generic, "res")[row] = res;
        }
    }

    /// Makes tables and public tuples what the verifier will make of statement, claim and layout, if it accepts them.
    fn reclaim(&mut self) {
        let Witness { statement, claim, layout, tables, public, .. } = &mut self.0;
        if let Ok(built) = layout.build(&statement.program, claim) {
            *tables = built;
        }
        *public = public_tuples(statement, claim);
    }

    /// Gives every look-up table the multiplicities that others need, where it has the tuple at all.
    fn balance(&mut self) {
        let Witness { layout, tables, public, traces, .. } = &mut self.0;
        let mut sums: HashMap<(u32, Vec<[u64; 4]>), Felt> = HashMap::new();
        let key = |bus: Bus, tuple: &[Felt]| (bus.id, tuple.iter().map(encoding::montgomery_limbs).collect::<Vec<_>>());
        for tuple in public.iter() {
            *sums.entry(key(tuple.bus, &tuple.tuple)).or_default() += tuple.multiplicity;
        }
        let provides = |kind: &TableKind| match kind {
            TableKind::Memory => Some(buses::MEMORY),
            TableKind::Instruction => Some(buses::INSTRUCTION),
            TableKind::Byte => Some(buses::BYTE),
            TableKind::Word16 => Some(buses::WORD16),
            TableKind::Word12 => Some(buses::WORD12),
            TableKind::NibbleAnd => Some(buses::NIBBLE_AND),
            _ => None,
        };
        for provider in [false, true] {
            for ((entry, table), trace) in layout.tables.iter().zip(tables.iter()).zip(traces.iter_mut()) {
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
                    let values = table.air.graph().evaluate(value);
                    for interaction in table.air.interactions() {
                        let tuple: Vec<Felt> = interaction.tuple.iter().map(|entry| values[entry.index()]).collect();
                        let key = key(interaction.bus, &tuple);
                        let provided = provides(&entry.kind) == Some(interaction.bus)
                            && matches!(table.air.graph().nodes()[interaction.multiplicity.index()], Node::Input(_));
                        if !provided && !provider {
                            *sums.entry(key).or_default() += values[interaction.multiplicity.index()];
                        } else if provided && provider {
                            let Node::Input(Input::Main(column)) =
                                table.air.graph().nodes()[interaction.multiplicity.index()]
                            else {
                                panic!("a multiplicity is a column");
                            };
                            trace[column as usize][row] = -sums.remove(&key).unwrap_or_default();
                        }
                    }
                }
            }
        }
    }

    /// A whole proof of the claim as it stands.
    fn proof(&self) -> CairoProof {
        let Witness { statement, claim, layout, tables, public, traces } = &self.0;
        let context = statement.context(claim, layout);
        let proof = stark::prove(tables, traces.clone(), public, &context, &CHEAP, &Unattended).unwrap();
        let bytes = proof.encode(&Shape::new(tables, &CHEAP));
        CairoProof::new(statement, CHEAP, claim.clone(), layout.clone(), bytes)
    }

    /// Proves as well as can be, and asks the verifier.
    fn try_it(mut self) -> Result<Verified, VerifyError> {
        self.reclaim();
        self.balance();
        verify(&self.0.statement, &self.proof().encode(), &policy())
    }

    /// Expects the STARK layer to refuse.
    fn refused(self) {
        match self.try_it() {
            Err(VerifyError::Stark(_)) => {}
            other => panic!("{other:?}"),
        }
    }

    fn range_check(&self) -> Segment {
        self.0.claim.segment(&self.0.statement.program, Builtin::RangeCheck).unwrap()
    }

    /// The cells with the base and the stop pointer of the builtin at a position.
    fn pointers(&self, position: u64) -> [u64; 2] {
        let stops = u64::from(self.0.claim.final_ap) - self.0.claim.segments.len() as u64;
        [u64::from(self.0.statement.program.initial_ap()) + position, stops + position]
    }
}

/// The forger's tools make a good proof of a true claim: refusals below are not theirs.
#[test]
fn the_forger_can_tell_the_truth() {
    for witness in [honest(), honest12(), planned()] {
        let mut forger = Forger::new(witness);
        let checks = |entry: &TableEntry| matches!(entry.kind, TableKind::RangeCheck8 | TableKind::RangeCheck12);
        if witness.layout.tables.iter().any(checks) {
            for address in 1..u64::from(witness.claim.final_ap) {
                let value = forger.memory(address);
                forger.set_memory(address, value);
            }
            forger.solve_res();
        }
        let verified = forger.try_it().unwrap();
        assert_eq!((verified.n_steps, verified.output), (witness.claim.n_steps, witness.claim.output.clone()));
    }
}

/// Every word of the program that the run executes as an immediate, and every operation word, changed by one bit.
#[test]
fn other_program() {
    let bytecode = honest().statement.program.bytecode().to_vec();
    let mut refused = 0;
    for index in 6..bytecode.len() {
        let mut words = bytecode.clone();
        words[index] += small(1);
        let program = honest().statement.program.clone();
        let program = Program::new(words.clone(), program.builtins().to_vec(), program.arguments()).unwrap();
        let mut forger = Forger::new(honest());
        let unused = forger.column(&TableKind::Memory, &format!("multiplicity[{}]", index % memory::CELLS))
            [index / memory::CELLS]
            == small(1);
        forger.0.statement.program = program;
        forger.set_memory(1 + index as u64, words[index]);
        forger.solve_res();
        match forger.try_it() {
            // Words that this run never looks at may be anything: then the other program has the same run.
            Ok(_) => assert!(unused, "word {index}"),
            Err(VerifyError::Stark(_)) => {
                assert!(!unused, "word {index}");
                refused += 1;
            }
            Err(other) => panic!("word {index}: {other}"),
        }
    }
    assert!(refused > 20, "{refused}");
}

#[test]
fn other_arguments() {
    for argument in 0..3 {
        let mut forger = Forger::new(honest());
        let value = forger.0.statement.arguments[argument] + small(1);
        forger.0.statement.arguments[argument] = value;
        forger.0.claim.output[argument] = value;
        let output = u64::from(forger.0.claim.segments[0].base) + argument as u64;
        forger.set_memory(output, value);
        forger.solve_res();
        forger.refused();
    }
}

/// A program that holds pointers to its arguments: here the cells are those of the builtins' bases, which happen to be the
/// start and the end of the output.
#[test]
fn arguments_behind_pointers() {
    let arguments = r#"{"a": 5, "b": "340282366920938463463374607431768211461", "c": 12}"#;
    let mut execution: Execution = execution("cairo0/args3", Some(arguments));
    let [output, range_check] = [Builtin::Output, Builtin::RangeCheck].map(|builtin| execution.segments[&builtin]);
    assert_eq!(output.stop, range_check.base);
    let program = &execution.program;
    let (words, builtins) = (program.bytecode().to_vec(), program.builtins().to_vec());
    execution.program = Program::new(words, builtins, ArgumentBinding::Pointers { cell: 0 }).unwrap();
    execution.arguments = execution.output().to_vec();
    execution.arguments_start = Some(output.base);
    let honest = generic_witness(execution);
    assert!(Forger::new(&honest).try_it().is_ok());
    let pointers = u64::from(honest.statement.program.initial_ap());

    for index in 0..honest.statement.arguments.len() {
        let mut forger = Forger::new(&honest);
        let value = forger.0.statement.arguments[index] + small(1);
        forger.0.statement.arguments[index] = value;
        forger.0.claim.output[index] = value;
        forger.set_memory(u64::from(output.base) + index as u64, value);
        forger.refused();
    }
    for (start, count) in [(0, 4), (0, 6), (1, 4), (1, 5), (0, 0), (5, 0)] {
        for with_memory in [false, true] {
            let mut forger = Forger::new(&honest);
            let start = u64::from(output.base) + start;
            forger.0.claim.arguments_start = Some(start as u32);
            forger.0.statement.arguments = (start..start + count).map(|address| forger.memory(address)).collect();
            if with_memory {
                forger.set_memory(pointers, small(start));
                forger.set_memory(pointers + 1, small(start + count));
            }
            forger.refused();
        }
    }
    // No arguments at address 0 are none at all, but the pointers do not say so.
    let mut forger = Forger::new(&honest);
    forger.0.claim.arguments_start = Some(0);
    forger.0.statement.arguments.clear();
    forger.refused();
}

#[test]
fn changed_output() {
    for (index, with_res) in [(3, false), (3, true), (4, false), (4, true)] {
        let mut forger = Forger::new(honest());
        let value = forger.0.claim.output[index] + small(1);
        forger.0.claim.output[index] = value;
        let output = u64::from(forger.0.claim.segments[0].base) + index as u64;
        forger.set_memory(output, value);
        if with_res {
            forger.solve_res();
        }
        forger.refused();
    }
    // On path tables.
    let mut forger = Forger::new(planned());
    let index = forger.0.claim.output.len() - 1;
    forger.0.claim.output[index] += small(1);
    let address = forger.0.claim.segments[0].base as usize + index - 1;
    let value = forger.0.claim.output[index];
    forger.column(&TableKind::Memory, &format!("value[{}]", address % memory::CELLS))[address / memory::CELLS] = value;
    forger.refused();
}

/// A step left out, with all later clocks moved; and only the number changed.
#[test]
fn fewer_steps() {
    let steps = honest().claim.n_steps;
    for skipped in 0..steps {
        let mut forger = Forger::new(honest());
        forger.0.claim.n_steps -= 1;
        let clocks = forger.column(&TableKind::Generic, "clock").clone();
        for (row, clock) in clocks.iter().enumerate().take(steps as usize) {
            let clock = encoding::to_u64(clock).unwrap();
            if clock == skipped {
                forger.column(&TableKind::Generic, "enabler")[row] = Felt::zero();
            } else if clock > skipped {
                forger.column(&TableKind::Generic, "clock")[row] = small(clock - 1);
            }
        }
        forger.refused();
    }
    for n_steps in [1, steps - 1, steps + 1] {
        let mut forger = Forger::new(honest());
        forger.0.claim.n_steps = n_steps;
        forger.refused();
    }
}

/// Lets the generic table execute the closing `jmp rel 0` once more, to claim a step too many.
fn execute_the_end(forger: &mut Forger) {
    let n_steps = forger.0.claim.n_steps as usize;
    let (end, next, word) = (small(5), small(6), small(5));
    let ap = small(u64::from(forger.0.claim.final_ap));
    let fp = small(u64::from(forger.0.statement.program.initial_ap()));
    let flags = [2, 8];
    let mut row: Vec<(String, Felt)> = (0..15)
        .map(|flag| (format!("flag[{flag}]"), small(u64::from(flags.contains(&flag)))))
        .chain([("offset[0]".into(), -small(1)), ("offset[1]".into(), -small(1)), ("offset[2]".into(), small(1))])
        .collect();
    let cells = [("enabler", small(1)), ("pc", end), ("ap", ap), ("fp", fp), ("clock", small(n_steps as u64))];
    let operands = [("dst_address", ap - small(1)), ("op0_address", ap - small(1)), ("op1_address", next)];
    let values = [("op1", small(0)), ("res", small(0)), ("next_pc", word), ("next_ap", ap), ("next_fp", fp)];
    let others = [("immediate", small(0)), ("dst", small(0)), ("op0", small(0)), ("jumps", small(0))];
    let cells = cells.into_iter().chain(operands).chain(values).chain(others);
    row.extend(cells.map(|(name, value)| (name.to_owned(), value)));
    // The header has `jmp rel 0` with offsets −1, −1, 1; dst is read from fp.
    let (dst_fp, op0_fp) = (forger.memory(5), small(0x0107_8001_7fff_7fff));
    assert_eq!(dst_fp, op0_fp);
    for (flag, address) in [(0, "dst_address"), (1, "op0_address")] {
        row.push((format!("flag[{flag}]"), small(1)));
        row.push((address.to_owned(), fp - small(1)));
    }
    for (name, value) in row {
        forger.column(&TableKind::Generic, &name)[n_steps] = value;
    }
    forger.0.claim.n_steps += 1;
}

/// Where instructions are counted in the claim: nothing provides the one at the end, and it may not be listed.
#[test]
fn steps_after_the_end_of_a_listed_run() {
    let arguments = r#"{"a": 5, "b": "340282366920938463463374607431768211461", "c": 12}"#;
    let execution = execution("cairo0/args3", Some(arguments));
    let steps = all_generic(&execution);
    let listed = witness(execution, [7; 32], steps, MAX_FETCHES, &Unattended).unwrap();
    let mut forger = Forger::new(&listed);
    execute_the_end(&mut forger);
    forger.reclaim();
    forger.balance();
    let report = common::report(&forger.0);
    // The row itself is one of the machine; only its instruction is nowhere to be had.
    assert!(report.constraints.is_empty() && !report.imbalances.is_empty(), "{report}");
    let mut listing = Forger::new(&forger.0);
    assert!(matches!(forger.try_it(), Err(VerifyError::Stark(stark::VerifyError::BusSum))));
    let fetches = &mut listing.0.claim.fetches;
    let position = fetches.partition_point(|fetch| fetch.pc < 5);
    fetches.insert(position, Fetch { pc: 5, count: 1 });
    listing.reclaim();
    assert!(matches!(listing.try_it(), Err(VerifyError::Claim(ClaimError::Fetches(FetchError::Final(5))))));
}

/// The closing `jmp rel 0` executed once more where there is an instruction table.
#[test]
fn steps_after_the_end() {
    let mut forger = Forger::new(honest());
    execute_the_end(&mut forger);
    let end = small(5);
    // The instruction table has no row for it; give it one, in padding, with the best `not_final` that there is.
    let rows = forger.column(&TableKind::Instruction, "pc").len();
    let flags = [0, 1, 2, 8];
    for flag in 0..15 {
        let bit = small(u64::from(flags.contains(&flag)));
        forger.column(&TableKind::Instruction, &format!("flag[{flag}]"))[rows - 1] = bit;
    }
    for (column, value) in [("pc", end), ("immediate", small(0)), ("not_final", small(0))] {
        forger.column(&TableKind::Instruction, column)[rows - 1] = value;
    }
    for (offset, (low, high)) in [(0xff, 0x7f), (0xff, 0x7f), (0x01, 0x80)].into_iter().enumerate() {
        forger.column(&TableKind::Instruction, &format!("offset_low[{offset}]"))[rows - 1] = small(low);
        forger.column(&TableKind::Instruction, &format!("offset_high[{offset}]"))[rows - 1] = small(high);
    }
    forger.reclaim();
    forger.balance();
    // Nothing but the constraint that keeps the end out of the table is broken.
    let report = common::report(&forger.0);
    assert!(report.has_constraint("instruction", "not_final"), "{report}");
    assert!(report.imbalances.is_empty(), "{report}");
    forger.refused();
}

/// A state that comes back: the first step twice, the second time out of padding; and a step that undoes the first.
#[test]
fn steps_off_the_walk() {
    let n_steps = honest().claim.n_steps as usize;
    let mut forger = Forger::new(honest());
    forger.column(&TableKind::Generic, "enabler")[n_steps] = small(1);
    forger.refused();
    let mut forger = Forger::new(honest());
    for (row, enabler) in [(n_steps, small(1)), (n_steps + 1, -small(1))] {
        forger.column(&TableKind::Generic, "enabler")[row] = enabler;
    }
    forger.refused();
}

#[test]
fn other_prover() {
    let mut forger = Forger::new(honest());
    forger.reclaim();
    let mut proof = forger.proof();
    let mut statement: Statement = forger.0.statement.clone();
    statement.prover = [8; 32];
    assert!(matches!(verify(&statement, &proof.encode(), &policy()), Err(VerifyError::OtherProver { .. })));
    proof.prover = statement.prover;
    assert!(matches!(verify(&statement, &proof.encode(), &policy()), Err(VerifyError::Stark(_))));
}

/// The output segment is said to be elsewhere: one cell on, in the program, in the execution segment, over the pointers.
#[test]
fn output_segment_moved() {
    let program = &honest().statement.program;
    let arguments = honest().statement.arguments.len() as u32;
    let base = honest().claim.segments[0].base;
    for base in [base + 1, base - 1, 1, program.execution_base(), program.initial_ap()] {
        for cells in [5, arguments] {
            let mut forger = Forger::new(honest());
            let stop = base + cells;
            forger.0.claim.segments[0] = Segment { base, stop };
            for (pointer, value) in forger.pointers(0).into_iter().zip([base, stop]) {
                forger.set_memory(pointer, small(u64::from(value)));
            }
            forger.solve_res();
            let output = (base..stop).map(|address| forger.memory(u64::from(address))).collect();
            forger.0.claim.output = output;
            // So that nothing but the run stands in the way: the arguments are whatever the output begins with.
            forger.0.statement.arguments = forger.0.claim.output[..arguments as usize].to_vec();
            forger.refused();
        }
    }
}

/// One range check or one bitwise instance too few, or a segment that begins later, with the pointers in memory changed.
#[test]
fn stop_pointer_moved() {
    for (position, cells) in [(1, 1), (2, 5)] {
        for at_start in [false, true] {
            for solve in [false, true] {
                let mut forger = Forger::new(honest());
                let segment = &mut forger.0.claim.segments[position];
                if at_start {
                    segment.base += cells;
                } else {
                    segment.stop -= cells;
                }
                let Segment { base, stop } = *segment;
                for (pointer, value) in forger.pointers(position as u64).into_iter().zip([base, stop]) {
                    forger.set_memory(pointer, small(u64::from(value)));
                }
                if solve {
                    forger.solve_res();
                }
                if base == stop {
                    forger.drop_tables(|kind| matches!(kind, TableKind::Bitwise16 | TableKind::NibbleAnd));
                } else {
                    let kind = if position == 1 { TableKind::RangeCheck8 } else { TableKind::Bitwise16 };
                    for address in forger.column(&kind, "address") {
                        let integer =
                            encoding::to_u64(address).unwrap().clamp(u64::from(base), u64::from(stop - cells));
                        *address = small(integer);
                    }
                }
                forger.refused();
            }
        }
    }
}

/// The prover's public tuples lack one, or have one twice: every one of them.
#[test]
fn public_memory_dropped_or_doubled() {
    let mut forger = Forger::new(honest());
    forger.reclaim();
    let public = forger.0.public.clone();
    let step = public.len() / 12;
    for index in (0..public.len()).step_by(step).chain(0..2).chain(public.len() - 5..public.len()) {
        for copies in [0, 2] {
            let mut forger = Forger::new(honest());
            let tuple = forger.0.public.remove(index);
            forger.0.public.extend(std::iter::repeat_n(tuple, copies));
            forger.balance();
            let proof = forger.proof().encode();
            let result = verify(&forger.0.statement, &proof, &policy());
            assert!(matches!(result, Err(VerifyError::Stark(_))), "tuple {index}: {result:?}");
        }
    }
}

/// A cell of the range_check segment holds 2^128 or more, with every use of it changed and the excess in the last limb; or
/// the table's address skips the cell.
#[test]
fn range_check_of_too_much() {
    let Segment { base, stop } = Forger::new(honest()).range_check();
    for (witness, address) in [honest(), honest12()].into_iter().flat_map(|w| (base..stop).map(move |at| (w, at))) {
        let address = u64::from(address);
        for value in [small(2).pow(128_u64), small(2).pow(128_u64) + small(7), -small(1)] {
            let mut forger = Forger::new(witness);
            forger.set_memory(address, value);
            forger.refused();

            // Only the memory and its uses: the table looks at a neighbour instead.
            let mut forger = Forger::new(witness);
            forger.set_memory(address, value);
            let neighbour = if address == u64::from(base) { address + 1 } else { address - 1 };
            let kind = forger.checked();
            let addresses = forger.column(&kind, "address").clone();
            for (row, _) in addresses.iter().enumerate().filter(|(_, at)| **at == small(address)) {
                forger.column(&kind, "address")[row] = small(neighbour);
                forger.set_limbs(row, Forger::new(witness).memory(neighbour));
            }
            forger.refused();
        }
    }
}

/// Another size of bitwise table in the layout than the one that was filled.
#[test]
fn bitwise_of_another_size() {
    for other in [TableKind::Bitwise32, TableKind::Bitwise64, TableKind::Bitwise128, TableKind::Bitwise] {
        let mut forger = Forger::new(honest());
        let position = forger.position(&TableKind::Bitwise16);
        forger.0.layout.tables[position].kind = other;
        let proof = forger.proof().encode();
        let result = verify(&forger.0.statement, &proof, &policy());
        assert!(result.is_err(), "{result:?}");
    }
}

/// A program that asserts of a constant that it is in range, with another constant: everything fits but its limbs.
#[test]
fn range_check_of_a_constant() {
    let witness = generic_witness(execution("cairo0/range_check_one", None));
    for witness in [with_12_bit_limbs(&witness), witness] {
        let claimed = |value: Felt| {
            let mut forger = Forger::new(&witness);
            for address in 1..u64::from(forger.range_check().stop) {
                if forger.memory(address) == small(77) {
                    forger.set_memory(address, value);
                }
            }
            let Witness { statement, claim, .. } = &mut forger.0;
            let program = &statement.program;
            let words = program.bytecode().iter().map(|word| if *word == small(77) { value } else { *word }).collect();
            statement.program = Program::new(words, program.builtins().to_vec(), program.arguments()).unwrap();
            claim.output = vec![value];
            forger.solve_res();
            forger.try_it().map(|verified| verified.output)
        };
        let two = |bits: u64| small(2).pow(bits);
        for value in [small(0), small(78), two(120) - small(1), two(120), two(127), two(128) - small(1)] {
            assert_eq!(claimed(value), Ok(vec![value]));
        }
        for value in [two(128), two(128) + small(1), two(129), two(132) - small(1), two(132), -small(1), -two(128)] {
            assert_eq!(claimed(value), Err(VerifyError::Stark(stark::VerifyError::BusSum)));
        }
    }
}

impl Forger {
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

    fn double_table(&mut self, position: usize) {
        let Witness { layout, tables, traces, .. } = &mut self.0;
        layout.tables.insert(position, layout.tables[position].clone());
        tables.insert(position, tables[position].clone());
        traces.insert(position, traces[position].clone());
    }
}

/// Each table left out, with a whole proof by the tables that are left.
#[test]
fn a_table_left_out() {
    let witnesses = [honest(), honest12()].into_iter();
    for (witness, position) in witnesses.flat_map(|w| (0..w.layout.tables.len()).map(move |at| (w, at))) {
        let mut forger = Forger::new(witness);
        let kind = forger.0.layout.tables[position].kind.clone();
        forger.drop_tables(|other| *other == kind);
        let outcome = forger.try_it();
        match (&kind, outcome) {
            (TableKind::Memory, Err(VerifyError::Claim(_))) => {}
            (
                TableKind::RangeCheck8 | TableKind::RangeCheck12 | TableKind::Bitwise16,
                Err(VerifyError::Layout(LayoutError::BuiltinTables { .. })),
            ) => {}
            (
                TableKind::Instruction
                | TableKind::Byte
                | TableKind::Word12
                | TableKind::NibbleAnd
                | TableKind::Generic,
                Err(VerifyError::Layout(LayoutError::Provider { .. })),
            ) => {}
            (kind, other) => panic!("{kind}: {other:?}"),
        }
    }
    // With its providers the generic table leaves a layout that is none of this run, but well-formed.
    let mut forger = Forger::new(honest());
    forger.drop_tables(|kind| matches!(kind, TableKind::Generic | TableKind::Instruction));
    forger.refused();
}

/// Each table twice. Chunks are no crime, but their rows must not count twice, and memory must go on where it ended.
#[test]
fn a_table_given_twice() {
    let witnesses = [honest(), honest12()].into_iter();
    for (witness, position) in witnesses.flat_map(|w| (0..w.layout.tables.len()).map(move |at| (w, at))) {
        let mut forger = Forger::new(witness);
        let kind = forger.0.layout.tables[position].kind.clone();
        forger.double_table(position);
        match (&kind, forger.try_it()) {
            (TableKind::Memory | TableKind::Generic, Err(VerifyError::Stark(_))) => {}
            (TableKind::RangeCheck8 | TableKind::RangeCheck12 | TableKind::Bitwise16, Err(VerifyError::Layout(_))) => {}
            (_, Err(VerifyError::Layout(LayoutError::TooMany { .. }))) => {}
            (kind, other) => panic!("{kind}: {other:?}"),
        }
    }
    // The second memory holds another value at the address of an output cell.
    let mut forger = Forger::new(honest());
    forger.double_table(0);
    let output = forger.0.claim.segments[0].base as usize + 3;
    forger.0.claim.output[3] += small(1);
    let value = forger.0.claim.output[3];
    forger.0.traces[1][1 + (output - 1) % memory::CELLS][(output - 1) / memory::CELLS] = value;
    forger.refused();
}

/// A table that takes only one distance of ap and fp, told another one.
#[test]
fn another_frame() {
    let execution: Execution = execution("cairo0/sum_to_n", Some(r#"{"n": 400}"#));
    let mut steps = plan(&execution, &Costs::new(&execution, DEFAULT_COLUMNS)).tables;
    for StepTable { kind, starts, .. } in &mut steps {
        let frame = |clock: &u32| {
            let registers = execution.trace[*clock as usize];
            i64::from(registers.ap) - i64::from(registers.fp)
        };
        if let TableKind::Path(path) = kind
            && starts.iter().all(|clock| frame(clock) == frame(&starts[0]))
        {
            path.frame = Some(frame(&starts[0]) as i32);
        }
    }
    let framed = witness(execution, [7; 32], steps, 0, &Unattended).unwrap();
    assert!(Forger::new(&framed).try_it().is_ok());
    let mut tried = 0;
    for position in 0..framed.layout.tables.len() {
        let TableKind::Path(Path { frame: Some(frame), .. }) = framed.layout.tables[position].kind else { continue };
        for other in [frame + 1, frame - 1, i32::MAX, i32::MIN] {
            let mut forger = Forger::new(&framed);
            if let TableKind::Path(path) = &mut forger.0.layout.tables[position].kind {
                path.frame = Some(other);
            }
            // With another frame other cells are one: then the table has other columns, which only a guess could fill.
            forger.reclaim();
            if forger.0.tables[position].air.width() != forger.0.traces[position].len() {
                continue;
            }
            match forger.try_it() {
                Err(VerifyError::Stark(_)) => tried += 1,
                Err(VerifyError::Layout(LayoutError::Order { .. })) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(tried > 0);
}

/// Every cell of every step table, changed in a row in use, with whatever look-ups can be balanced again.
#[test]
fn no_column_is_free() {
    for (witness, kinds) in [(honest(), 1), (planned(), 4)] {
        let steps =
            witness.layout.tables.iter().enumerate().filter(|(_, entry)| {
                matches!(entry.kind, TableKind::Generic | TableKind::Word(_) | TableKind::Path(_))
            });
        for (position, _) in steps.take(kinds) {
            for column in 0..witness.traces[position].len() {
                let mut forger = Forger::new(witness);
                let name = witness.tables[position].air.columns()[column].clone();
                // Only free where nothing reads them: an inverse of 0, operands of instructions without them.
                let row = if matches!(name.as_str(), "dst_inverse" | "jumps") { forger.jnz_row() } else { Some(0) };
                let free = matches!(name.as_str(), "dst" | "op0" | "immediate");
                let (Some(row), false) = (row, free) else { continue };
                forger.0.traces[position][column][row] += small(1);
                match forger.try_it() {
                    Err(VerifyError::Stark(_)) => {}
                    other => panic!("{}/{name}: {other:?}", witness.tables[position].air.name()),
                }
            }
        }
    }
}

impl Forger {
    /// A row of the generic table that executes a jnz that jumps.
    fn jnz_row(&self) -> Option<usize> {
        let mut copy = Self::new(&self.0);
        let jumps = copy.column(&TableKind::Generic, "jumps").clone();
        jumps.iter().position(|jumps| *jumps == small(1))
    }
}

/// A field element written with the modulus added, wherever that fits into its 32 bytes.
#[test]
fn elements_that_are_not_reduced() {
    let forger = Forger::new(honest());
    let honest = forger.proof();
    let mut tried = 0;
    for at in (64 * 32..honest.stark.len() - 32).step_by(32 * 71) {
        let mut proof = honest.clone();
        let Some(sum) = add_modulus(&proof.stark[at..at + 32]) else { continue };
        proof.stark[at..at + 32].copy_from_slice(&sum);
        let result = verify(&forger.0.statement, &proof.encode(), &policy());
        assert!(matches!(result, Err(VerifyError::Decode(_) | VerifyError::Stark(_))), "byte {at}: {result:?}");
        tried += 1;
    }
    assert!(tried > 10, "{tried}");
}

/// Little-endian 32 bytes plus the modulus; `None` on overflow.
fn add_modulus(bytes: &[u8]) -> Option<[u8; 32]> {
    let mut modulus = [0_u8; 32];
    (modulus[0], modulus[24], modulus[31]) = (1, 17, 8);
    let mut carry = 0_u16;
    let mut out = [0; 32];
    for (out, (a, b)) in out.iter_mut().zip(bytes.iter().zip(modulus)) {
        carry += u16::from(*a) + u16::from(b);
        *out = carry as u8;
        carry >>= 8;
    }
    (carry == 0).then_some(out)
}

#[test]
fn cut_off_and_drawn_out() {
    let forger = Forger::new(honest());
    let bytes = forger.proof().encode();
    let verify = |bytes: &[u8]| verify(&forger.0.statement, bytes, &policy());
    assert!(verify(&bytes).is_ok());
    for length in (0..bytes.len()).step_by(bytes.len() / 500).chain(bytes.len() - 40..bytes.len()) {
        assert!(verify(&bytes[..length]).is_err(), "{length}");
    }
    for more in [1, 31, 32, 64, 4096] {
        let mut longer = bytes.clone();
        longer.resize(bytes.len() + more, 0);
        assert!(matches!(verify(&longer), Err(VerifyError::Decode(stark::DecodeError::Length { .. }))));
    }
    let twice = [bytes.clone(), bytes.clone()].concat();
    assert!(verify(&twice).is_err());
}

/// Claims and layouts at the ends of their ranges: sums of addresses must not wrap, and nothing may panic.
#[test]
fn numbers_near_the_limits() {
    let forger = Forger::new(honest());
    let honest = forger.proof();
    let ends = [0, 1, 2, 5, (1 << 31) - 1, 1 << 31, u32::MAX - 5, u32::MAX - 1, u32::MAX];
    for (value, other) in ends.into_iter().flat_map(|value| ends.map(|other| (value, other))) {
        let changes: [&dyn Fn(&mut CairoProof); 5] = [
            &|p| (p.claim.final_ap, p.claim.n_steps) = (value, u64::from(other)),
            &|p| p.claim.segments[1] = Segment { base: value, stop: other },
            &|p| p.claim.segments[2] = Segment { base: value, stop: value.wrapping_add(5) },
            &|p| (p.claim.arguments_start, p.claim.final_ap) = (Some(value), other),
            &|p| p.claim.n_steps = u64::from(value) << 32 | u64::from(other),
        ];
        // As many chunks of memory as there can be, so that no address lies outside.
        for (change, chunks) in changes.into_iter().flat_map(|change| [(change, false), (change, true)]) {
            let mut proof = honest.clone();
            change(&mut proof);
            if chunks {
                let chunk = |log_height| TableEntry { kind: TableKind::Memory, log_height };
                proof.layout.tables.splice(0..1, [28, 27, 26, 25].map(chunk));
            }
            if proof != honest {
                assert!(verify(&forger.0.statement, &proof.encode(), &policy()).is_err());
            }
        }
    }
}

/// Layouts whose heights add up to more than they should, or to nothing.
#[test]
fn heights() {
    let Forger(Witness { statement, claim, layout, .. }) = Forger::new(honest());
    for (position, log_height) in (0..layout.tables.len()).flat_map(|at| (0..=255).map(move |height| (at, height))) {
        let mut other: Layout = layout.clone();
        let TableEntry { log_height: honest, .. } = other.tables[position];
        other.tables[position].log_height = log_height;
        let built = other.build(&statement.program, &claim);
        assert!(built.is_err() || (6..=30).contains(&log_height) || log_height == honest, "{position}: {log_height}");
        let _ = claim.check(&statement.program, &statement.arguments, other.memory_end());
    }
}
