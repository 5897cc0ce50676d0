//! Plans of real runs: every step in one table, tables that the debug checker finds nothing wrong with, and few cells.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::ownership::{Cover, cover};
use super::tables::other_tables;
use super::{Assignment, Costs, DEFAULT_COLUMNS, Plan, Price, StepTable, owned_cells, plan};
use crate::error::WitnessError;
use crate::prove::{claim, witness};
use crate::witness::fill_steps;
use crate::witness::multiplicities::Multiplicities;
use cairo_air::components::range_check::Limbs;
use cairo_air::components::{Limb, TableSize, Word};
use cairo_air::{Layout, TableKind};
use cairo_execution::{Execution, Registers};
use cairo_runner::{Arguments, RunLimits, RunnableProgram, run, unwatched};
use felt::{Felt, encoding};
use stark::debug::check;
use stark::{NoControl, Parameters};

pub(super) fn execution(name: &str, arguments: Option<&str>) -> Execution {
    let folder = format!("{}/../../programs/fixtures", env!("CARGO_MANIFEST_DIR"));
    let file = if name.starts_with("cairo2/") { format!("{name}.executable.json") } else { format!("{name}.json") };
    let program = RunnableProgram::from_json(&std::fs::read(format!("{folder}/{file}")).unwrap()).unwrap();
    let arguments = arguments.map_or_else(Arguments::none, |text| Arguments::from_json(text.as_bytes()).unwrap());
    run(&program, &arguments, &RunLimits::default(), &mut unwatched).unwrap()
}

fn planned(execution: &Execution) -> Plan {
    plan(execution, &Costs::new(execution, DEFAULT_COLUMNS))
}

fn steps_of(kind: &TableKind) -> u32 {
    match kind {
        TableKind::Path(path) => path.steps,
        _ => 1,
    }
}

/// Every step is in one table, and no table is too low.
fn assert_complete(execution: &Execution, tables: &[StepTable]) {
    let mut seen = vec![0_u8; execution.n_steps()];
    for table in tables {
        assert!(table.starts.len() <= 1 << table.log_height && !table.starts.is_empty());
        for start in &table.starts {
            for step in 0..steps_of(&table.kind) {
                seen[(start + step) as usize] += 1;
            }
        }
    }
    assert!(seen.iter().all(|count| *count == 1));
}

fn describe(execution: &Execution, plan: &Plan) -> String {
    let steps = execution.n_steps();
    let mut text = format!(
        "{steps} steps, {} columns, {:.3} cells a step\n",
        plan.estimate.columns,
        plan.estimate.cells as f64 / steps as f64
    );
    for table in &plan.tables {
        text += &format!("  {}: {} rows of 2^{}\n", table.kind, table.starts.len(), table.log_height);
    }
    text
}

/// Plans, fills all tables and lets the debug checker look at everything.
fn check_run(name: &str, arguments: Option<&str>) {
    let execution = execution(name, arguments);
    let plan = planned(&execution);
    assert_complete(&execution, &plan.tables);
    let description = describe(&execution, &plan);
    let made = witness(execution, [7; 32], plan.tables, 0, &NoControl).unwrap();
    let report = check(&made.tables, &made.traces, &made.public);
    assert!(report.is_clean(), "{name}: {description}{report}");
}

/// A wrong value in any column of a row in use is noticed, and so is a wrong enabler in padding.
#[test]
fn altered_cells_are_noticed() {
    let execution = execution("bench/fib_tiny", None);
    // As if there were an instruction table: without it, paths do not pay in so short a run.
    let instruction = TableSize { columns: 25, interactions: 9 };
    let tables = plan(&execution, &Costs { instruction, ..Costs::new(&execution, DEFAULT_COLUMNS) }).tables;
    let mut made = witness(execution, [7; 32], tables, 0, &NoControl).unwrap();
    let mut altered = 0;
    for table in 0..made.tables.len() {
        if !matches!(made.layout.tables[table].kind, TableKind::Path(_) | TableKind::Word(_)) {
            continue;
        }
        for column in 0..made.traces[table].len() {
            for row in if column == 0 { vec![0, 63] } else { vec![0] } {
                let honest = made.traces[table][column][row];
                made.traces[table][column][row] = if column == 0 { Felt::one() - honest } else { honest + Felt::one() };
                let report = check(&made.tables, &made.traces, &made.public);
                assert!(!report.is_clean(), "table {table} column {column} row {row}");
                made.traces[table][column][row] = honest;
                altered += 1;
            }
        }
    }
    assert!(altered > 20, "{altered}");
}

/// An execution that is none is refused while the witness is made.
#[test]
fn a_run_that_is_none_is_refused() {
    let honest = execution("bench/fib_tiny", None);
    let tables = planned(&honest).tables;
    let mut refused = 0;
    for address in honest.program.bytecode().len() + 1..honest.memory.len() {
        let mut execution = honest.clone();
        execution.memory[address] += Felt::one();
        let multiplicities = Multiplicities::new(execution.memory.len());
        let verdict = fill_steps(&execution, &tables, &multiplicities, &NoControl);
        // Some cells only ever are inputs of steps that make what they like of them.
        refused += usize::from(matches!(
            verdict,
            Err(WitnessError::Step { .. }
                | WitnessError::Operand { .. }
                | WitnessError::Address(_)
                | WitnessError::Execution(_))
        ));
    }
    assert!(refused * 10 > honest.memory.len() * 5, "{refused} of {}", honest.memory.len());
}

/// Rows whose cells or operands lie outside memory are refused, whatever is wrong.
#[test]
fn rows_outside_memory_are_refused() {
    let honest = execution("bench/fib_2p14", None);
    let tables = planned(&honest).tables;
    let owners = tables.iter().filter(|table| owned_cells(&table.kind) > 0).cloned().collect::<Vec<_>>();
    assert!(!owners.is_empty());
    let multiplicities = Multiplicities::new(honest.memory.len());
    let fill = |execution: &Execution| fill_steps(execution, &owners, &multiplicities, &NoControl);
    assert!(fill(&honest).is_ok());
    let starts: Vec<u32> = owners.iter().flat_map(|table| table.starts.iter().copied()).collect();
    let last = starts.iter().map(|start| honest.trace[*start as usize].ap).max().unwrap_or(0) as usize;
    for cells in [last, last + 1, last + 2, last / 2, 100, 1, 0] {
        let mut execution = honest.clone();
        execution.memory.truncate(cells);
        assert!(fill(&execution).is_err(), "{cells} cells");
    }
    for start in starts.iter().step_by(starts.len() / 10 + 1) {
        for value in [0, 1, honest.memory.len() as u32, u32::MAX] {
            let mut execution = honest.clone();
            let state = &mut execution.trace[*start as usize];
            (state.ap, state.fp) = (value, value);
            assert!(fill(&execution).is_err(), "registers {value} at step {start}");
        }
    }
}

/// A call pushes `fp`, which the row has in a column that was not read from there.
#[test]
fn a_call_that_pushes_another_frame_is_refused() {
    const CALL: u16 = 0x1104;
    let honest = execution("bench/fib_tiny", None);
    let is_call = |state: &Registers| {
        let word = encoding::to_u64(&honest.memory[state.pc as usize]);
        word.is_some_and(|word| word >> 48 == u64::from(CALL))
    };
    let steps = (0..).zip(&honest.trace).take(honest.n_steps()).filter(|(_, state)| is_call(state));
    let starts: Vec<u32> = steps.map(|(step, _)| step).collect();
    assert!(starts.len() > 3);
    let kind = TableKind::Word(Word { flags: CALL, taken: None });
    let tables = [StepTable { kind, log_height: 6, starts: starts.clone() }];
    let fill = |execution: &Execution| {
        fill_steps(execution, &tables, &Multiplicities::new(execution.memory.len()), &NoControl).map(|_| ())
    };
    assert_eq!(fill(&honest), Ok(()));
    for start in starts {
        let mut execution = honest.clone();
        let state = execution.trace[start as usize];
        execution.memory[state.ap as usize] += Felt::one();
        assert!(matches!(fill(&execution), Err(WitnessError::Step { clock, .. }) if clock == start));
    }
}

/// The goals of the design: 6.4 and 4.9 cells a step in opcodes. Larger runs waste less on padding.
#[test]
fn bench_programs_need_few_cells() {
    for (name, limit) in [("bench/fib_2p16", 1.4), ("bench/primes_2p16", 4.9)] {
        let execution = execution(name, None);
        let plan = planned(&execution);
        let cells = plan.estimate.cells as f64 / execution.n_steps() as f64;
        assert!(cells < limit, "{name}: {}", describe(&execution, &plan));
        assert_eq!(plan, planned(&execution));
    }
}

macro_rules! runs {
    ($($test:ident: $name:literal, $arguments:expr;)*) => {
        $(
            #[test]
            fn $test() {
                check_run($name, $arguments);
            }
        )*
    };
}
runs! {
    alloc_segments: "cairo0/alloc_segments", None;
    big_felts: "cairo0/big_felts", None;
    bitwise_many: "cairo0/bitwise_many", None;
    code_in_data: "cairo0/code_in_data", None;
    computed_jump: "cairo0/computed_jump", None;
    dict: "cairo0/dict", None;
    empty_main: "cairo0/empty_main", None;
    label_data: "cairo0/label_data", None;
    mixed_2p12: "cairo0/mixed_2p12", None;
    mixed_ops: "cairo0/mixed_ops", None;
    op_add_ap: "cairo0/op_add_ap", None;
    op_assert_add: "cairo0/op_assert_add", None;
    op_assert_eq: "cairo0/op_assert_eq", None;
    op_assert_mul: "cairo0/op_assert_mul", None;
    op_call_ret: "cairo0/op_call_ret", None;
    op_encoded: "cairo0/op_encoded", None;
    op_encoded_calls: "cairo0/op_encoded_calls", None;
    op_far_offsets: "cairo0/op_far_offsets", None;
    op_jmp: "cairo0/op_jmp", None;
    op_jnz: "cairo0/op_jnz", None;
    recursion_deep: "cairo0/recursion_deep", None;
    sum_to_n: "cairo0/sum_to_n", Some(r#"{"n": 100}"#);
    uint256: "cairo0/uint256", None;
    fib_2p14: "bench/fib_2p14", None;
    primes_2p14: "bench/primes_2p14", None;
}
runs! {
    array_output: "cairo2/array_output", Some("[6]");
    bitwise_cairo2: "cairo2/bitwise", Some("[0, 0]");
}

#[test]
#[ignore = "prints plans of the bench programs and the time that planning takes"]
fn bench_plans() {
    for name in [
        "fib_2p14",
        "primes_2p14",
        "fib_2p16",
        "primes_2p16",
        "fib_2p18",
        "primes_2p18",
        "fib_2p20",
        "primes_2p20",
        "fib_2p21",
    ] {
        let execution = execution(&format!("bench/{name}"), None);
        let costs = Costs::new(&execution, DEFAULT_COLUMNS);
        let start = std::time::Instant::now();
        let plan = plan(&execution, &costs);
        let planning = start.elapsed();
        let multiplicities = Multiplicities::new(execution.memory.len());
        let start = std::time::Instant::now();
        fill_steps(&execution, &plan.tables, &multiplicities, &NoControl).unwrap();
        println!(
            "{name}: {}budget {}; planning {planning:?}, witness {:?}",
            describe(&execution, &plan),
            costs.columns,
            start.elapsed()
        );
        assert_complete(&execution, &plan.tables);
    }
}

/// The kinds of the tables besides those of steps. Together they leave as many columns as the model says.
fn other_kinds(execution: &Execution, name: &str, costs: &Costs, cover: &Cover) -> Vec<TableKind> {
    let mut claim = claim(&execution.clone().into());
    claim.owned_end = cover.owned_end;
    let mut tables = other_tables(execution, &claim, &Assignment { steps: Vec::new(), cover: cover.clone() }, 0);
    tables.sort_by(|a, b| a.kind.cmp(&b.kind));
    let kinds: Vec<TableKind> = tables.iter().map(|entry| entry.kind.clone()).collect();
    let built = Layout { tables, disclosed: Vec::new() }.build(&execution.program, &claim).unwrap().tables;
    let width: usize = built.iter().map(|table| table.air.width() + table.air.interactions().len().div_ceil(2)).sum();
    assert_eq!(costs.columns, DEFAULT_COLUMNS - width, "{name} {kinds:?}");
    let byte = kinds.contains(&TableKind::Limb(Limb::Bits8));
    let listed = costs.instruction.columns == 0;
    assert_eq!(costs.byte, if byte || listed { 0 } else { 2 }, "{name}");
    kinds
}

/// Tables that a plan does not choose leave exactly the columns that the plan is given, whatever the limbs of range checks, whether rows own
/// cells or not.
#[test]
fn fixed_tables_are_counted() {
    let arguments = |hi: u64| format!(r#"{{"lo": 2, "hi": {hi}}}"#);
    let (mut seen, mut seen_owned) = (Vec::new(), Vec::new());
    for (name, arguments) in [
        ("cairo0/sum_to_n", r#"{"n": 100}"#.to_owned()),
        ("cairo0/range_count", arguments(20)),
        ("cairo0/range_count", arguments(400)),
        ("cairo0/range_count", arguments(3000)),
        ("bench/primes_2p14", "{}".to_owned()),
    ] {
        let execution = execution(name, Some(&arguments));
        let owning = Costs::new(&execution, DEFAULT_COLUMNS);
        assert!(owning.own, "{name}");
        let mut plan = planned(&execution);
        // Ranges that were found for the costs are those of the cover.
        assert_eq!(cover(&execution, &mut plan.tables), plan.cover);
        let cover = plan.cover.unwrap();
        seen.extend(other_kinds(&execution, name, &owning.without_owners(&execution), &Cover::NONE));
        // If it pays.
        if cover != Cover::NONE {
            seen_owned.extend(other_kinds(&execution, name, &owning, &cover));
        }
    }
    use TableKind::{Cell, Memory, RangeCheck};
    seen.retain(|kind| *kind != Memory);
    let limbs = [Limbs::Bytes, Limbs::Words12, Limbs::Words16, Limbs::Words12];
    assert_eq!(seen, limbs.map(|limbs| [TableKind::Limb(limbs.limb()), RangeCheck(limbs)]).concat());
    assert!(seen_owned.contains(&Cell) && seen_owned.iter().any(|kind| matches!(kind, TableKind::Range(_))));
    assert!(!seen_owned.iter().any(|kind| matches!(kind, RangeCheck(_))), "{seen_owned:?}");
}

/// The same where columns have a price: then checked cells stand in range rows, in as many parts as are cheapest.
#[test]
fn fixed_tables_with_a_price_are_counted() {
    for (hi, byte_ns) in [(20, 500), (400, 500), (3000, 0), (3000, 500), (3000, 50_000)] {
        let name = "cairo0/range_count";
        let execution = execution(name, Some(&format!(r#"{{"lo": 2, "hi": {hi}}}"#)));
        let price = Price { byte_ns, parameters: Parameters::default() };
        let costs = Costs::priced(&execution, DEFAULT_COLUMNS, &price);
        assert!(costs.own && costs.column() == Some(256 + price.column()));
        let cover = plan(&execution, &costs).cover.unwrap();
        other_kinds(
            &execution,
            name,
            &costs.without_owners(&execution),
            &Cover { column: costs.column(), ..Cover::NONE },
        );
        let kinds = other_kinds(&execution, name, &costs, &cover);
        let is_row = |kind: &TableKind| matches!(kind, TableKind::RangeRow(_));
        assert!(kinds.iter().any(is_row) && !kinds.iter().any(|kind| matches!(kind, TableKind::Range(_))), "{kinds:?}");
    }
}
