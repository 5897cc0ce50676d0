//! For every constraint and every interaction of every hand-written component: an honest witness with a few cells
//! overwritten that it reports. A constraint or interaction without such a prank fails the test at the end.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use cairo_air::components::bitwise::BitwiseSize;
use cairo_air::components::range_check::Limbs;
use cairo_air::components::{self, Component as _, Limb, TableKind, bitwise, memory, nibble_and};
use cairo_air::decode::FLAG_NAMES;
use cairo_air::{Segment, buses};
use cairo_prover::Witness;
use cairo_prover::planner::{Costs, DEFAULT_COLUMNS, plan};
use cairo_prover::prove::witness;
use cairo_prover::witness::multiplicities::Multiplicities;
use common::{execution, generic_witness, report};
use felt::{Felt, encoding};
use stark::debug::{Report, check};
use stark::{NoControl, PublicTuple, Table};
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

/// Which row to overwrite.
#[derive(Clone, Copy)]
enum At {
    /// This one.
    Row(usize),
    /// The last one.
    Last,
    /// The first one in which the column holds the value.
    Where(&'static str, u64),
}

/// What to write.
#[derive(Clone, Copy)]
enum Edit {
    Set(u64),
    Add(u64),
}
use At::{Last, Row, Where};
use Edit::{Add, Set};

/// Overwrites cells of one row.
fn overwrite(names: &[String], trace: &mut [Vec<Felt>], at: At, edits: &[(&str, Edit)]) {
    let column = |name: &str| names.iter().position(|n| n == name).unwrap_or_else(|| panic!("no column {name}"));
    let row = match at {
        Row(row) => row,
        Last => trace[0].len() - 1,
        Where(name, value) => trace[column(name)].iter().position(|v| *v == Felt::from(value)).expect("no such row"),
    };
    for (name, edit) in edits {
        let cell = &mut trace[column(name)][row];
        *cell = match edit {
            Set(value) => Felt::from(*value),
            Add(value) => *cell + Felt::from(*value),
        };
    }
}

/// Whether the report names this constraint of the table, or an imbalance that this interaction takes part in.
fn names(report: &Report, air: &str, what: &str) -> bool {
    let party = format!("{air}/{what}");
    report.has_constraint(air, what)
        || report.imbalances.iter().any(|imbalance| imbalance.parties.iter().any(|(name, ..)| *name == party))
}

/// A run that uses every component but cells with owners and the words and range checks of large runs, jumps both ways, calls
/// and returns.
fn honest() -> &'static Witness {
    static WITNESS: OnceLock<Witness> = OnceLock::new();
    WITNESS.get_or_init(|| generic_witness(execution("cairo0/mixed_ops", None)))
}

/// A run with tables as the planner chooses them: rows own cells.
fn owning() -> &'static Witness {
    static WITNESS: OnceLock<Witness> = OnceLock::new();
    WITNESS.get_or_init(|| {
        let execution = execution("cairo0/sum_to_n", Some(r#"{"n": 400}"#));
        let costs = Costs { disclosed_terms: 0, ..Costs::new(&execution, DEFAULT_COLUMNS) };
        let steps = plan(&execution, &costs).tables;
        witness(execution, [7; 32], steps, 0, &NoControl).unwrap()
    })
}

struct Pranks {
    honest: &'static Witness,
    kind: TableKind,
    done: BTreeSet<String>,
}

impl Pranks {
    fn new(kind: TableKind) -> Self {
        Self::on(honest(), kind)
    }

    fn on(honest: &'static Witness, kind: TableKind) -> Self {
        Self { honest, kind, done: BTreeSet::new() }
    }

    /// What the checker says of the witness with a few cells of the table overwritten.
    fn report(&self, at: At, edits: &[(&str, Edit)]) -> Report {
        let mut witness = self.honest.clone();
        let (names_of_columns, trace) = common::table(&mut witness, &self.kind);
        overwrite(&names_of_columns, trace, at, edits);
        report(&witness)
    }

    /// Overwrites cells and expects the named constraint or interaction to be reported.
    fn expect(&mut self, what: &str, at: At, edits: &[(&str, Edit)]) {
        let report = self.report(at, edits);
        let air = self.kind.to_string();
        assert!(names(&report, &air, what), "{air}: `{what}` is not reported:\n{report}");
        self.done.insert(what.to_owned());
    }

    /// No constraint or interaction is left without a prank.
    fn finish(self) {
        let position = self.honest.layout.tables.iter().position(|entry| entry.kind == self.kind).unwrap();
        assert_complete(&self.honest.tables[position], &self.done);
    }
}

fn assert_complete(table: &Table, done: &BTreeSet<String>) {
    let constraints = table.air.constraints().iter().map(|c| c.name.clone());
    let all: BTreeSet<String> = constraints.chain(table.air.interactions().iter().map(|i| i.name.clone())).collect();
    let missing: Vec<_> = all.difference(done).collect();
    assert!(missing.is_empty(), "{}: no prank for {missing:?}", table.air.name());
}

#[test]
fn honest_witness_is_clean() {
    for witness in [honest(), owning()] {
        let report = report(witness);
        assert!(report.is_clean(), "{report}");
    }
}

#[test]
fn generic() {
    let mut pranks = Pranks::new(TableKind::Generic);
    pranks.expect("boolean_enabler", Row(0), &[("enabler", Set(2))]);
    for (i, name) in FLAG_NAMES.iter().enumerate() {
        pranks.expect(&format!("boolean_{name}"), Row(3), &[(&format!("flag[{i}]"), Set(2))]);
    }
    for name in ["dst_address", "op0_address", "op1_address", "res", "next_pc", "next_ap", "next_fp"] {
        pranks.expect(name, Row(5), &[(name, Add(1))]);
    }
    pranks.expect("assert_eq", Where("flag[14]", 1), &[("dst", Add(1))]);
    pranks.expect("call_pushes_fp", Where("flag[12]", 1), &[("dst", Add(1))]);
    pranks.expect("call_pushes_pc", Where("flag[12]", 1), &[("op0", Add(1))]);
    pranks.expect("jumps_if_inverse", Where("jumps", 1), &[("dst_inverse", Add(1))]);
    // Falling through although dst is not 0, and jumping although it is.
    pranks.expect("jumps_if_not_zero", Where("jumps", 1), &[("dst_inverse", Set(0)), ("jumps", Set(0))]);
    pranks.expect("jumps_if_inverse", Where("flag[9]", 1), &[("dst", Set(0)), ("jumps", Set(1))]);
    pranks.expect("state", Row(7), &[("clock", Add(1))]);
    pranks.expect("next_state", Row(7), &[("next_ap", Add(1))]);
    // A step more or less.
    pranks.expect("state", Row(7), &[("enabler", Set(0))]);
    pranks.expect("next_state", Last, &[("enabler", Set(1))]);
    pranks.expect("instruction", Row(7), &[("immediate", Add(1))]);
    pranks.expect("instruction", Row(7), &[("offset[0]", Add(1))]);
    pranks.expect("op1", Row(7), &[("op1", Add(1))]);
    pranks.expect("dst", Where("flag[13]", 1), &[("dst", Add(1)), ("next_fp", Add(1))]);
    pranks.expect("op0", Where("flag[5]", 1), &[("op0", Add(1))]);
    pranks.finish();
}

#[test]
fn instruction() {
    let mut pranks = Pranks::new(TableKind::Instruction);
    for (i, name) in FLAG_NAMES.iter().enumerate() {
        pranks.expect(&format!("boolean_{name}"), Row(1), &[(&format!("flag[{i}]"), Set(2))]);
    }
    let both = |a, b| [(a, Set(1)), (b, Set(1))];
    pranks.expect("one_op1_source", Row(1), &both("flag[2]", "flag[3]"));
    pranks.expect("one_op1_source", Row(1), &both("flag[2]", "flag[4]"));
    pranks.expect("one_op1_source", Row(1), &both("flag[3]", "flag[4]"));
    pranks.expect("one_res", Row(1), &both("flag[5]", "flag[6]"));
    pranks.expect("one_pc_update", Row(1), &both("flag[7]", "flag[8]"));
    pranks.expect("one_pc_update", Row(1), &both("flag[7]", "flag[9]"));
    pranks.expect("one_ap_update", Row(1), &both("flag[10]", "flag[11]"));
    pranks.expect("one_opcode", Row(1), &both("flag[12]", "flag[13]"));
    pranks.expect("one_opcode", Row(1), &both("flag[13]", "flag[14]"));
    for clash in ["flag[5]", "flag[6]", "flag[10]", "flag[14]"] {
        pranks.expect("jnz_without_res", Row(1), &both("flag[9]", clash));
    }
    for clash in ["flag[0]", "flag[1]", "flag[10]", "flag[11]"] {
        pranks.expect("call_flags", Where("flag[12]", 1), &[(clash, Set(1))]);
    }
    pranks.expect("call_off0", Where("flag[12]", 1), &[("offset_low[0]", Add(1))]);
    pranks.expect("call_off1", Where("flag[12]", 1), &[("offset_low[1]", Add(1))]);
    for (flag, value) in [("flag[0]", 0), ("flag[3]", 0), ("flag[7]", 0), ("flag[5]", 1), ("flag[6]", 1)] {
        pranks.expect("ret_flags", Where("flag[13]", 1), &[(flag, Set(value))]);
    }
    pranks.expect("ret_off0", Where("flag[13]", 1), &[("offset_low[0]", Add(1))]);
    pranks.expect("ret_off2", Where("flag[13]", 1), &[("offset_high[2]", Add(1))]);
    pranks.expect("immediate_off2", Where("flag[2]", 1), &[("offset_low[2]", Add(1))]);
    pranks.expect("not_final", Row(0), &[("not_final", Add(1))]);
    // The program's last instruction: no inverse exists.
    pranks.expect("not_final", Row(0), &[("pc", Set(5)), ("not_final", Set(0))]);
    pranks.expect("no_immediate", Where("flag[2]", 0), &[("immediate", Set(1))]);
    for i in 0..3 {
        pranks.expect(&format!("byte_low[{i}]"), Row(1), &[(&format!("offset_low[{i}]"), Add(256))]);
        pranks.expect(&format!("byte_high[{i}]"), Row(1), &[(&format!("offset_high[{i}]"), Add(256))]);
    }
    pranks.expect("word", Row(1), &[("pc", Add(1))]);
    pranks.expect("immediate", Where("flag[2]", 1), &[("immediate", Add(1))]);
    pranks.expect("instruction", Row(1), &[("multiplicity", Add(1))]);
    pranks.finish();
}

#[test]
fn memory() {
    let mut pranks = Pranks::new(TableKind::Memory);
    pranks.expect("first_address", Row(0), &[("address", Add(8))]);
    pranks.expect("next_address", Row(5), &[("address", Add(8))]);
    pranks.expect("next_address", Last, &[("address", Set(1))]);
    for k in 0..8 {
        pranks.expect(&format!("cell[{k}]"), Row(2), &[(&format!("value[{k}]"), Add(1))]);
        pranks.expect(&format!("cell[{k}]"), Row(2), &[(&format!("multiplicity[{k}]"), Add(1))]);
    }
    pranks.finish();
}

#[test]
fn cell() {
    let mut pranks = Pranks::on(owning(), TableKind::Cell);
    pranks.expect("boolean_enabler", Row(0), &[("enabler", Set(2))]);
    pranks.expect("boolean_enabler", Last, &[("enabler", Set(2))]);
    // A cell that nobody owns, between two that have owners; one that has two; one beyond the end.
    pranks.expect("owned", Row(2), &[("enabler", Set(0))]);
    pranks.expect("owns", Row(2), &[("enabler", Set(0))]);
    for name in ["owns", "owned"] {
        pranks.expect(name, Row(2), &[("address", Add(1))]);
        pranks.expect(name, Last, &[("enabler", Set(1))]);
        pranks.expect(name, Last, &[("enabler", Set(1)), ("address", Set(1 << 20))]);
    }
    pranks.expect("cell", Row(2), &[("value", Add(1))]);
    pranks.expect("cell", Row(2), &[("uses", Add(1))]);
    pranks.finish();
    // Padding neither owns nor provides, whatever it holds.
    let padding = [("address", Add(1)), ("value", Add(1)), ("uses", Add(1))];
    let clean = Pranks::on(owning(), TableKind::Cell).report(Last, &padding);
    assert!(clean.is_clean(), "{clean}");
}

#[test]
fn byte() {
    let mut pranks = Pranks::new(TableKind::Limb(Limb::Bits8));
    pranks.expect("value", Row(0), &[("multiplicity", Add(1))]);
    pranks.expect("value", Row(255), &[("multiplicity", Add(1))]);
    pranks.finish();
}

#[test]
fn nibble_and() {
    let mut pranks = Pranks::new(TableKind::NibbleAnd);
    pranks.expect("triple", Row(0), &[("multiplicity", Add(1))]);
    pranks.expect("triple", Row(0x5a), &[("multiplicity", Add(1))]);
    pranks.finish();
}

#[test]
fn range_check8() {
    let mut pranks = Pranks::new(TableKind::RangeCheck(Limbs::Bytes));
    // Leaving out the first cell, one in between, or the last.
    pranks.expect("first_address", Row(0), &[("address", Add(1))]);
    pranks.expect("next_address", Row(3), &[("address", Add(1))]);
    pranks.expect("last_address", Last, &[("address", Add(1))]);
    for i in 0..16 {
        pranks.expect(&format!("limb[{i}]"), Row(4), &[(&format!("limb[{i}]"), Add(256))]);
    }
    pranks.expect("cell", Row(4), &[("limb[0]", Add(1))]);
    pranks.finish();
}

#[test]
fn bitwise_of_any_inputs() {
    let mut pranks = Pranks::new(TableKind::Bitwise(BitwiseSize::Any));
    pranks.expect("first_address", Row(0), &[("address", Add(5))]);
    pranks.expect("next_address", Row(16), &[("address", Add(1))]);
    pranks.expect("same_address", Row(20), &[("address", Add(5))]);
    pranks.expect("last_address", Last, &[("address", Add(5))]);
    for word in ["x", "y"] {
        // Nibble 2 of an instance's first row above 7, which would be a word of 252 bits and more.
        pranks.expect(
            &format!("first_{word}"),
            Row(16),
            &[(&format!("{word}[2]"), Set(8)), (&format!("{word}[3]"), Set(0))],
        );
    }
    for word in ["x", "y", "and"] {
        let sum = format!("{word}_sum");
        pranks.expect(&format!("start_{word}"), Row(16), &[(&sum, Add(1))]);
        pranks.expect(&format!("add_{word}"), Row(21), &[(&sum, Add(1))]);
        pranks.expect(&format!("add_{word}"), Row(21), &[(&format!("{word}[3]"), Add(1))]);
        for i in 0..4 {
            pranks.expect(&format!("nibbles[{i}]"), Row(21), &[(&format!("{word}[{i}]"), Add(1))]);
        }
    }
    for (cell, sum) in [
        ("cell_x", "x_sum"),
        ("cell_y", "y_sum"),
        ("cell_and", "and_sum"),
        ("cell_xor", "and_sum"),
        ("cell_or", "x_sum"),
    ] {
        pranks.expect(cell, Row(31), &[(sum, Add(1))]);
    }
    pranks.finish();
}

/// The tables that only large runs have: a segment of 70 cells, its memory, and the words of its limbs.
struct Words {
    tables: Vec<Table>,
    traces: Vec<Vec<Vec<Felt>>>,
    public: Vec<PublicTuple>,
}

fn words(limbs: Limbs) -> Words {
    use cairo_prover::witness::{self, range_check};
    let segment = Segment { base: 9, stop: 79 };
    let (base, stop) = (segment.base, segment.stop);
    let cells: Vec<Felt> = (0..200u64).map(|i| Felt::from(i).pow(7u64) * Felt::from(u64::MAX - i)).collect();
    let multiplicities = Multiplicities::new(cells.len());
    let table = |air, log_height| Table { air: Arc::new(air), log_height };
    let (builtin, range, rows) = match limbs {
        Limbs::Words12 => (
            components::range_check::words12::air(base, stop).unwrap(),
            components::word12::air().unwrap(),
            range_check::fill_words12(&cells, segment, 7, &multiplicities, &NoControl).unwrap(),
        ),
        Limbs::Words16 => (
            components::range_check::words16::air(base, stop).unwrap(),
            components::word16::air().unwrap(),
            range_check::fill_words16(&cells, segment, 7, &multiplicities, &NoControl).unwrap(),
        ),
        Limbs::Bytes => panic!("not only in large runs"),
    };
    let tables = vec![
        table(components::memory::air(1).unwrap(), 6),
        table(builtin, 7),
        table(range, u32::from(limbs.limb().bits())),
    ];
    let public = vec![PublicTuple::require(buses::MEMORY, vec![Felt::from(20), cells[20]])];
    multiplicities.public(&public).unwrap();
    let cells = witness::memory::fill(&cells, 1, 6, &multiplicities, &NoControl).unwrap();
    let range = match limbs {
        Limbs::Words12 => witness::word12::fill(&multiplicities),
        _ => witness::word16::fill(&multiplicities),
    };
    Words { tables, traces: vec![cells, rows, range], public }
}

fn expect_words(honest: &Words, table: usize, what: &str, at: At, edits: &[(&str, Edit)]) {
    let mut traces = honest.traces.clone();
    overwrite(honest.tables[table].air.columns(), &mut traces[table], at, edits);
    let report = check(&honest.tables, &traces, &honest.public);
    let air = honest.tables[table].air.name();
    assert!(names(&report, air, what), "{air}: `{what}` is not reported:\n{report}");
}

/// Constraints and interactions of the builtin's table and of the table of words, one by one.
fn prank_words(limbs: Limbs, count: usize, bits: u32, more: &[&str]) {
    let honest = words(limbs);
    let report = check(&honest.tables, &honest.traces, &honest.public);
    assert!(report.is_clean(), "{report}");
    let mut done: BTreeSet<String> = more.iter().map(|name| (*name).to_owned()).collect();
    let mut expect = |what: &str, at, edits: &[(&str, Edit)]| {
        expect_words(&honest, 1, what, at, edits);
        done.insert(what.to_owned());
    };
    expect("first_address", Row(0), &[("address", Add(1))]);
    expect("next_address", Row(3), &[("address", Add(1))]);
    expect("last_address", Last, &[("address", Add(1))]);
    for i in 0..count {
        expect(&format!("limb[{i}]"), Row(4), &[(&format!("limb[{i}]"), Add(1 << bits))]);
    }
    expect("cell", Row(4), &[("limb[0]", Add(1))]);
    assert_complete(&honest.tables[1], &done);

    expect_words(&honest, 2, "first_value", Row(0), &[("value", Add(1))]);
    expect_words(&honest, 2, "next_value", Row(70), &[("value", Add(1 << bits))]);
    expect_words(&honest, 2, "value", Row(0), &[("multiplicity", Add(1))]);
    let done = ["first_value", "next_value", "value"].map(str::to_owned).into_iter().collect();
    assert_complete(&honest.tables[2], &done);
}

/// Ten instances with inputs of this size, their memory, and the nibbles.
fn bitwise_of(size: BitwiseSize) -> Words {
    use cairo_prover::planner::builtins::bitwise as bitwise_size;
    use cairo_prover::witness;
    let segment = Segment { base: 9, stop: 59 };
    let bits = |i: u64| {
        let all = Felt::from(2).pow(u64::from(size.bits())) - Felt::one();
        if i == 0 { all } else { Felt::from(i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - size.bits() / 2)) }
    };
    let mut cells: Vec<Felt> = (0..200u64).map(Felt::from).collect();
    for i in 0..10 {
        let at = segment.base as usize + 5 * i as usize;
        let [x, y] = [bits(i), bits(i + 1)];
        let [a, b] = [x, y].map(|word| felt::encoding::canonical_limbs(&word));
        let of =
            |op: fn(u64, u64) -> u64| felt::encoding::from_canonical_limbs(std::array::from_fn(|i| op(a[i], b[i])));
        let results = [of(|a, b| a & b), of(|a, b| a ^ b), of(|a, b| a | b)].map(Option::unwrap);
        cells[at..at + 5].copy_from_slice(&[x, y, results[0], results[1], results[2]]);
    }
    assert_eq!(bitwise_size::size(&cells, segment), size);
    let log_height = bitwise_size::log_height(segment, size);
    let multiplicities = Multiplicities::new(cells.len());
    let table = |air, log_height| Table { air: Arc::new(air), log_height };
    let tables = vec![
        table(memory::air(1).unwrap(), 6),
        table(bitwise::air(size, segment.base, segment.stop).unwrap(), log_height),
        table(nibble_and::air().unwrap(), 8),
    ];
    let rows = witness::bitwise::fill(&cells, segment, size, log_height, &multiplicities, &NoControl).unwrap();
    let too_small = BitwiseSize::ALL.into_iter().filter(|other| other.bits() < size.bits());
    for other in too_small {
        let error = witness::bitwise::fill(&cells, segment, other, 10, &multiplicities, &NoControl).unwrap_err();
        assert!(error.to_string().ends_with(&format!("which is not below 2^{}", other.bits())), "{error}");
    }
    let multiplicities = Multiplicities::new(cells.len());
    assert_eq!(witness::bitwise::fill(&cells, segment, size, log_height, &multiplicities, &NoControl).unwrap(), rows);
    let public = vec![PublicTuple::require(buses::MEMORY, vec![Felt::from(20), cells[20]])];
    multiplicities.public(&public).unwrap();
    let cells = witness::memory::fill(&cells, 1, 6, &multiplicities, &NoControl).unwrap();
    Words { tables, traces: vec![cells, rows, witness::nibble_and::fill(&multiplicities)], public }
}

/// An input of one bit more than its table takes, with everything else made to fit: the cells of memory, the sums, and how often
/// nibbles are used. The bit must go somewhere, and there is nothing but the nibbles or the sums.
#[test]
fn bitwise_beyond_its_size() {
    const INSTANCE: usize = 3;
    for size in BitwiseSize::ALL.into_iter().filter(|size| *size != BitwiseSize::Any) {
        for operand in 0..2 {
            for by_nibble in [true, false] {
                let mut honest = bitwise_of(size);
                let columns = bitwise::Columns::positions();
                let [(nibbles, sum), (others, _)] = match operand {
                    0 => [(columns.x, columns.x_sum), (columns.y, columns.y_sum)],
                    _ => [(columns.y, columns.y_sum), (columns.x, columns.x_sum)],
                };
                let rows = INSTANCE * size.rows()..(INSTANCE + 1) * size.rows();
                if by_nibble {
                    let at = |column: usize| encoding::to_u64(&honest.traces[1][column][rows.start]).unwrap();
                    let (own, other) = (at(nibbles[3]), at(others[3]));
                    let pair = if operand == 0 { 16 * own + other } else { 16 * other + own };
                    honest.traces[2][0][pair as usize] += -Felt::one();
                    honest.traces[1][nibbles[3]][rows.start] += Felt::from(16);
                }
                for (row, bits) in rows.clone().zip((16..).step_by(16)) {
                    honest.traces[1][sum][row] += Felt::from(2).pow(bits as u64);
                }
                // x or y, x ^ y, x | y.
                for cell in [operand, 3, 4] {
                    let address = 9 + 5 * INSTANCE + cell;
                    let place = &mut honest.traces[0][1 + (address - 1) % memory::CELLS][(address - 1) / memory::CELLS];
                    *place += Felt::from(2).pow(u64::from(size.bits()));
                }
                let report = check(&honest.tables, &honest.traces, &honest.public);
                assert!(report.shapes.is_empty(), "{report}");
                let failed: Vec<_> = report.constraints.iter().map(|failure| failure.constraint.as_str()).collect();
                let party = |imbalance: &stark::debug::Imbalance| {
                    assert_eq!((imbalance.bus, imbalance.excess), (buses::NIBBLE_AND, -Felt::one()), "{report}");
                    imbalance.parties.iter().map(|(party, ..)| party.clone()).collect::<Vec<_>>()
                };
                let parties: Vec<_> = report.imbalances.iter().flat_map(party).collect();
                if by_nibble {
                    assert_eq!((failed, parties), (vec![], vec![format!("{}/nibbles[3]", size.name())]), "{report}");
                } else {
                    let start = if operand == 0 { "start_x" } else { "start_y" };
                    assert_eq!((failed, parties), (vec![start], vec![]), "{report}");
                }
            }
        }
    }
}

#[test]
fn bitwise_of_small_inputs() {
    for size in BitwiseSize::ALL.into_iter().filter(|size| *size != BitwiseSize::Any) {
        let honest = bitwise_of(size);
        let report = check(&honest.tables, &honest.traces, &honest.public);
        assert!(report.is_clean(), "{size:?}: {report}");
        let rows = size.rows();
        let mut done = BTreeSet::new();
        let mut expect = |what: &str, at, edits: &[(&str, Edit)]| {
            expect_words(&honest, 1, what, at, edits);
            done.insert(what.to_owned());
        };
        expect("first_address", Row(0), &[("address", Add(5))]);
        expect("next_address", Row(rows), &[("address", Add(1))]);
        expect("last_address", Last, &[("address", Add(5))]);
        for word in ["x", "y", "and"] {
            let sum = format!("{word}_sum");
            expect(&format!("start_{word}"), Row(rows), &[(&sum, Add(1))]);
            // The first row takes all of its 16 bits.
            expect(&format!("start_{word}"), Row(rows), &[(&format!("{word}[3]"), Add(1))]);
            for i in 0..4 {
                expect(&format!("nibbles[{i}]"), Row(rows), &[(&format!("{word}[{i}]"), Add(1))]);
                // An input beyond the size, with its sum.
                let beyond = 1 << (4 * i + 4);
                expect(&format!("nibbles[{i}]"), Row(0), &[(&format!("{word}[{i}]"), Add(16)), (&sum, Add(beyond))]);
            }
        }
        if rows > 1 {
            expect("same_address", Row(rows + 1), &[("address", Add(5))]);
            for word in ["x", "y", "and"] {
                let sum = format!("{word}_sum");
                expect(&format!("add_{word}"), Row(rows + 1), &[(&sum, Add(1))]);
                expect(&format!("add_{word}"), Row(rows + 1), &[(&format!("{word}[3]"), Add(1))]);
            }
        }
        for (cell, sum) in [
            ("cell_x", "x_sum"),
            ("cell_y", "y_sum"),
            ("cell_and", "and_sum"),
            ("cell_xor", "and_sum"),
            ("cell_or", "x_sum"),
        ] {
            expect(cell, Row(2 * rows - 1), &[(sum, Add(1))]);
        }
        assert_complete(&honest.tables[1], &done);
    }
}

#[test]
fn range_check16_and_word16() {
    prank_words(Limbs::Words16, 8, 16, &[]);
}

#[test]
fn range_check12_and_word12() {
    let honest = words(Limbs::Words12);
    expect_words(&honest, 1, "top", Row(4), &[("limb[10]", Add(1 << 8))]);
    prank_words(Limbs::Words12, 11, 12, &["top"]);
}

/// Writes the limbs of one cell, and lets the memory and the multiplicities of the words follow wherever there are such words.
/// Gives the value of the cell, and what is left unprovided on the bus of the words.
fn unprovided(honest: &Words, limbs: [Felt; 11]) -> (Felt, Vec<String>) {
    const ROW: usize = 4;
    let Words { tables, traces, public } = honest;
    let mut traces = traces.clone();
    let columns = components::range_check::words12::Columns::positions();
    let mut count = |word: Felt, uses: Felt| {
        let row = encoding::to_u64(&word).and_then(|word| usize::try_from(word).ok());
        if let Some(cell) = row.and_then(|row| traces[2][1].get_mut(row)) {
            *cell += uses;
        }
    };
    for (column, limb) in columns.limb.into_iter().zip(limbs) {
        count(honest.traces[1][column][ROW], -Felt::one());
        count(limb, Felt::one());
    }
    count(honest.traces[1][columns.limb[10]][ROW] * Felt::from(16), -Felt::one());
    count(limbs[10] * Felt::from(16), Felt::one());
    for (column, limb) in columns.limb.into_iter().zip(limbs) {
        traces[1][column][ROW] = limb;
    }
    let value = limbs.iter().rev().fold(Felt::zero(), |value, limb| value * Felt::from(1 << 12) + *limb);
    let address = encoding::to_u64(&traces[1][columns.address][ROW]).unwrap() as usize;
    let cells = components::memory::CELLS;
    traces[0][1 + (address - 1) % cells][(address - 1) / cells] = value;
    let report = check(tables, &traces, public);
    assert!(report.shapes.is_empty() && report.constraints.is_empty(), "{report}");
    let parties = report.imbalances.iter().flat_map(|imbalance| {
        assert_eq!((imbalance.bus, imbalance.excess), (buses::WORD12, -Felt::one()), "{report}");
        &imbalance.parties
    });
    let mut parties: Vec<String> = parties.map(|(party, ..)| party.clone()).collect();
    parties.sort();
    (value, parties)
}

/// Integers below 2^128 have limbs. Limbs that make anything else fail by a lookup of the table itself, and by no other, when
/// all the rest is made to fit.
#[test]
fn range_check12_at_its_edges() {
    let honest = words(Limbs::Words12);
    let two = |bits: u64| Felt::from(2).pow(bits);
    let small = |limb: u64| Felt::from(limb);
    let limbs = |low: u64, top: Felt| {
        let mut limbs = [small(low); 11];
        limbs[10] = top;
        limbs
    };
    let none: [&str; 0] = [];
    let expect = |limbs: [Felt; 11], value: Felt, missing: &[&str]| {
        let (found, parties) = unprovided(&honest, limbs);
        let missing: Vec<_> = missing.iter().map(|name| format!("range_check12/{name}")).collect();
        assert_eq!((found, parties), (value, missing));
    };
    expect(limbs(0, small(0)), small(0), &none);
    expect(limbs(0xfff, small(0xff)), two(128) - small(1), &none);
    // The top limb is a word of 12 bits, but not one of 8.
    expect(limbs(0, small(0x100)), two(128), &["top"]);
    expect(limbs(0xfff, small(0x100)), two(128) + two(120) - small(1), &["top"]);
    expect(limbs(0xfff, small(0xfff)), two(132) - small(1), &["top"]);
    // It is none of 12 bits either.
    expect(limbs(0, small(0x1000)), two(132), &["limb[10]", "top"]);
    // Sixteen times it is a word of 12 bits, but it is none itself.
    let sixteenth = small(16).inv().unwrap();
    expect(limbs(0, sixteenth), two(120) * sixteenth, &["limb[10]"]);
    expect(limbs(0, small(0xfff) * sixteenth), two(116) * small(0xfff), &["limb[10]"]);
    expect(limbs(0xfff, small(0xfff) * sixteenth), two(128) + two(120) - two(116) - small(1), &["limb[10]"]);
    // p − 1, all in one limb or another.
    for limb in 0..11 {
        let mut limbs = limbs(0, small(0));
        limbs[limb] = -two(12 * limb as u64).inv().unwrap();
        let missing = format!("limb[{limb}]");
        let missing: &[&str] = if limb == 10 { &[&missing, "top"] } else { &[&missing] };
        expect(limbs, -small(1), missing);
        // 2^128 in the same way.
        limbs[limb] = two(128 - 12 * limb as u64);
        let missing = if limb == 10 { &["top"] } else { &missing[..1] };
        expect(limbs, two(128), missing);
    }
}
