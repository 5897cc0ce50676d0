//! Disclosed tables: which are, what the verifier makes of their rows, and what it refuses.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use cairo_air::components::Path;
use cairo_air::decode::{Decoded, Flags};
use cairo_air::fetch::MAX_FETCHES;
use cairo_air::layout::{MAX_DISCLOSED_CELLS, MAX_DISCLOSED_WORK};
use cairo_air::{
    CairoProof, CodecError, DisclosedTable, Layout, LayoutError, Policy, ProofFileError, TableKind, Verified,
    VerifyError, buses, verify,
};
use cairo_execution::Execution;
use cairo_prover::disclosed::{MAX_TERMS, disclose_short};
use cairo_prover::planner::{Costs, DEFAULT_COLUMNS, plan};
use cairo_prover::prove::{all_generic, witness};
use cairo_prover::{StepTable, Witness};
use cairo_runner::{Arguments, RunLimits, RunnableProgram, run, unwatched};
use common::{disclose_all, execution};
use felt::{Felt, encoding};
use stark::{DisclosedError, NoControl, Shape};
use testkit::proofs::CHEAP;

/// A run with range checks and bitwise, all steps in the generic table, nothing disclosed.
fn committed() -> Witness {
    let execution = execution("cairo0/args3", Some(r#"{"a": 5, "b": 6, "c": 12}"#));
    let steps = all_generic(&execution);
    witness(execution, [7; 32], steps, MAX_FETCHES, &NoControl).unwrap()
}

/// A run as the planner has it: rows own cells.
fn planned() -> Witness {
    let execution = execution("cairo0/sum_to_n", Some(r#"{"n": 400}"#));
    let steps: Vec<StepTable> = plan(&execution, &Costs::new(&execution, DEFAULT_COLUMNS)).tables;
    witness(execution, [7; 32], steps, MAX_FETCHES, &NoControl).unwrap()
}

fn file(witness: &Witness) -> Vec<u8> {
    let Witness { statement, claim, layout, tables, public, traces } = witness;
    let context = statement.context(claim, layout);
    let proof = stark::prove(tables, traces.clone(), public, &context, &CHEAP, &NoControl).unwrap();
    let bytes = proof.encode(&Shape::new(tables, &CHEAP));
    CairoProof::new(statement, CHEAP, claim.clone(), layout.clone(), bytes).encode()
}

fn verified(witness: &Witness) -> Result<Verified, VerifyError> {
    verify(&witness.statement, &file(witness), &Policy { min_conjectured_bits: 0.0, ..Policy::default() })
}

/// What the verifier says of another layout in the file.
fn with_layout(witness: &Witness, change: impl FnOnce(&mut Layout)) -> Result<Verified, VerifyError> {
    let mut file = CairoProof::decode(&file(witness)).unwrap();
    change(&mut file.layout);
    verify(&witness.statement, &file.encode(), &Policy { min_conjectured_bits: 0.0, ..Policy::default() })
}

fn position(layout: &Layout, kind: &TableKind) -> usize {
    layout.disclosed.iter().position(|table| table.kind == *kind).unwrap()
}

#[test]
fn short_tables_are_and_others_are_not() {
    let committed = committed();
    let mut disclosed = committed.clone();
    disclose_short(&mut disclosed, 80, MAX_TERMS).unwrap();
    assert!(!disclosed.layout.disclosed.is_empty());
    assert_eq!(disclosed.layout.disclosed.len() + disclosed.tables.len(), committed.tables.len());
    for table in &disclosed.layout.disclosed {
        assert!(table.rows() <= 512 && table.cells.len() == table.rows() * table.width, "{}", table.kind);
    }
    assert_eq!(disclosed.tables.len(), disclosed.traces.len());
    let built = disclosed.layout.build(&disclosed.statement.program, &disclosed.claim).unwrap();
    assert_eq!(disclosed.public[committed.public.len()..], built.disclosed);
    let [one, other] = [&committed, &disclosed].map(|witness| verified(witness).unwrap());
    assert_eq!(one.runs, other.runs);
    assert!(file(&disclosed).len() < file(&committed).len());

    // None if no term is allowed, and as many as the limit lets in.
    let mut none = committed.clone();
    disclose_short(&mut none, 80, 0).unwrap();
    assert_eq!(none.layout, committed.layout);
    let mut some = committed;
    disclose_short(&mut some, 80, 600).unwrap();
    assert!(!some.layout.disclosed.is_empty() && some.layout.disclosed.len() < disclosed.layout.disclosed.len());
    assert!(verified(&some).is_ok());
}

/// Every table that may be disclosed at once, padding and all.
#[test]
fn all_disclosed() {
    for (witness, expected) in
        [(committed(), &["generic", "byte", "nibble_and"][..]), (planned(), &["path", "generic"])]
    {
        let disclosed = disclose_all(witness);
        let kinds: Vec<String> = disclosed.layout.disclosed.iter().map(|table| table.kind.to_string()).collect();
        for kind in expected {
            assert!(kinds.iter().any(|name| name.starts_with(kind)), "{kinds:?}");
        }
        assert!(verified(&disclosed).is_ok());
    }
}

/// A changed cell of any row that is used is refused: a constraint fails, or the sum of the buses.
#[test]
fn every_cell_counts() {
    for witness in [committed(), planned()] {
        every_cell_counts_of(witness);
    }
}

fn every_cell_counts_of(mut disclosed: Witness) {
    disclose_short(&mut disclosed, 80, MAX_TERMS).unwrap();
    let honest = CairoProof::decode(&file(&disclosed)).unwrap();
    for (place, table) in disclosed.layout.disclosed.iter().enumerate() {
        for cell in [0, table.width - 1, table.cells.len() / 2, table.cells.len() - 1] {
            let mut changed = disclosed.clone();
            changed.layout.disclosed[place].cells[cell] += Felt::one();
            match changed.layout.build(&changed.statement.program, &changed.claim) {
                Err(LayoutError::Disclosed { error: DisclosedError::Constraint { .. }, .. }) => {}
                Err(other) => panic!("{}: {other}", table.kind),
                Ok(built) => {
                    // The transcript is another, whatever the sum.
                    let mut file = honest.clone();
                    file.layout = changed.layout.clone();
                    assert!(stark_refuses(&changed, &file), "{} cell {cell}", table.kind);
                    changed.public.truncate(disclosed.public.len() - built_len(&disclosed));
                    changed.public.extend(built.disclosed);
                    let result = verified(&changed);
                    assert!(
                        matches!(result, Err(VerifyError::Stark(_))) || is_free(&table.kind, cell % table.width),
                        "{} cell {cell}: {result:?}",
                        table.kind
                    );
                }
            }
        }
    }
}

fn built_len(witness: &Witness) -> usize {
    witness.layout.build(&witness.statement.program, &witness.claim).unwrap().disclosed.len()
}

fn stark_refuses(witness: &Witness, file: &CairoProof) -> bool {
    let policy = Policy { min_conjectured_bits: 0.0, ..Policy::default() };
    matches!(verify(&witness.statement, &file.encode(), &policy), Err(VerifyError::Stark(_)))
}

/// Columns of the generic table that say nothing on most rows: the inverse and the outcome of a conditional jump.
fn is_free(kind: &TableKind, column: usize) -> bool {
    use cairo_air::components::generic::Columns;
    let positions = Columns::<usize>::positions();
    *kind == TableKind::Generic && [positions.dst_inverse, positions.jumps].contains(&column)
}

#[test]
fn refused_with_the_reason() {
    let mut disclosed = committed();
    disclose_short(&mut disclosed, 80, MAX_TERMS).unwrap();
    let layout = disclosed.layout.clone();
    let last = layout.disclosed.len() - 1;
    let refused = |change: &dyn Fn(&mut Layout)| match with_layout(&disclosed, change) {
        Err(VerifyError::Layout(error)) => error,
        other => panic!("{other:?}"),
    };

    let error = refused(&|layout| layout.disclosed.swap(0, 1));
    assert_eq!(error, LayoutError::DisclosedOrder { position: 1, kind: layout.disclosed[0].kind.to_string() });
    let error = refused(&|layout| layout.disclosed.insert(0, layout.disclosed[0].clone()));
    assert_eq!(error, LayoutError::DisclosedOrder { position: 1, kind: layout.disclosed[0].kind.to_string() });

    let error = refused(&|layout| {
        let table = &mut layout.disclosed[last];
        (table.width, table.cells) = (table.width + 1, vec![Felt::zero(); table.width + 1]);
    });
    let (found, expected) = (layout.disclosed[last].width + 1, layout.disclosed[last].width);
    let kind = layout.disclosed[last].kind.to_string();
    assert_eq!(
        error,
        LayoutError::Disclosed { position: last, kind, error: DisclosedError::Width { found, expected } }
    );

    let error = refused(&|layout| layout.disclosed[last].cells.clear());
    let kind = layout.disclosed[last].kind.to_string();
    assert_eq!(
        error,
        LayoutError::Disclosed { position: last, kind, error: DisclosedError::Cells { cells: 0, width: expected } }
    );

    let generic = position(&layout, &TableKind::Generic);
    // Its constraints are looked at when the proof is known to belong to its rows and the bus is balanced: so it takes a column that no
    // bus sees.
    let mut broken = disclosed.clone();
    let res = cairo_air::components::generic::Columns::<usize>::positions().res;
    broken.layout.disclosed[generic].cells[res] += Felt::one();
    broken.public.truncate(disclosed.public.len() - built_len(&disclosed));
    let built = common::built(&broken.layout, &broken.statement.program, &broken.claim).unwrap();
    broken.public.extend(built.disclosed);
    let error = match verified(&broken) {
        Err(VerifyError::Layout(error)) => error,
        other => panic!("{other:?}"),
    };
    let constraint = "res".to_owned();
    let (kind, error_of) = ("generic".to_owned(), DisclosedError::Constraint { constraint, row: 0 });
    assert_eq!(error, LayoutError::Disclosed { position: generic, kind, error: error_of });

    // Rows that are tied to each other.
    let memory = DisclosedTable { kind: TableKind::Memory, width: 17, cells: vec![Felt::zero(); 17] };
    let error = refused(&|layout| layout.disclosed.insert(0, memory.clone()));
    let error_of = DisclosedError::NotLocal { constraint: "first_address".to_owned() };
    assert_eq!(error, LayoutError::Disclosed { position: 0, kind: "memory".to_owned(), error: error_of });

    // A lookup table that is missing, or there twice.
    let byte = position(&layout, &TableKind::NibbleAnd);
    let error = refused(&|layout| drop(layout.disclosed.remove(byte)));
    assert_eq!(error, LayoutError::Provider { bus: buses::NIBBLE_AND, expected: 1, found: 0 });
    let error = refused(&|layout| {
        let entry = cairo_air::TableEntry { kind: TableKind::NibbleAnd, log_height: 8 };
        let place = layout.tables.partition_point(|table| table.kind < entry.kind);
        layout.tables.insert(place, entry);
    });
    assert_eq!(error, LayoutError::TooMany { kind: "nibble_and".to_owned(), found: 2, limit: 1 });

    // More than the verifier is willing to read, derive or look at.
    let number = layout.tables.len() + 128;
    let error = refused(&|layout| layout.disclosed = vec![layout.disclosed[0].clone(); 128]);
    assert_eq!(error, LayoutError::TooManyTables(number));
    let long = |pc| {
        let owned = Vec::new();
        let path = Path { pc, frame: None, steps: 256, taken: vec![], targets: vec![], returns: vec![], owned };
        DisclosedTable { kind: TableKind::Path(path), width: 1, cells: vec![Felt::zero()] }
    };
    let error = refused(&|layout| layout.disclosed = (1..=9).map(long).collect());
    assert_eq!(error, LayoutError::TooManyDerivedSteps(9 * 256));
    let error = refused(&|layout| {
        let table = &mut layout.disclosed[generic];
        table.cells = vec![Felt::zero(); 7000 * table.width];
    });
    assert!(matches!(error, LayoutError::TooMuchDisclosed(work) if work > MAX_DISCLOSED_WORK), "{error:?}");
    // Each of the two alone would be little enough.
    let rows = |kind, width: usize, rows| DisclosedTable { kind, width, cells: vec![Felt::zero(); width * rows] };
    let two = || vec![rows(TableKind::Generic, 36, 3_000), rows(TableKind::Cell, 4, 33_000)];
    let error = refused(&|layout| layout.disclosed = two());
    assert_eq!(error, LayoutError::TooMuchDisclosed(36 * 34 * 3_000 + 4 * 4 * 33_000));
    for one in two() {
        let error = refused(&|layout| layout.disclosed = vec![one.clone()]);
        assert!(!matches!(error, LayoutError::TooMuchDisclosed(_)), "{error}");
    }
    let result = with_layout(&disclosed, |layout| {
        layout.disclosed = vec![rows(TableKind::Generic, 36, 5_000), rows(TableKind::Cell, 4, 33_000)];
    });
    assert!(
        matches!(&result, Err(VerifyError::File(ProofFileError::Codec(CodecError::TooLong { limit, .. })))
            if *limit <= MAX_DISCLOSED_CELLS as u64),
        "{result:?}"
    );
}

const ASSERT: u16 = 1 << 14 | 1 << 11;
const OP1_IMM: u16 = 1 << 2;
const OP1_AP: u16 = 1 << 4;
const ADD: u16 = 1 << 5;
const MUL: u16 = 1 << 6;
const JNZ_IMM: u16 = 1 << 9 | OP1_IMM;

/// A run of `loops` loops of so many passes, each of which computes `p = s·s; s = s + p; s = 3s` in rounds: long expressions, of small values.
fn rounds(loops: u64, passes: u64, rounds: i32) -> Execution {
    let header = [0x0407_8001_7fff_7fff_u64, 1, 0x1104_8001_8001_8000, 4, 0x0107_8001_7fff_7fff, 0];
    let mut words = header.map(Felt::from).to_vec();
    let mut emit = |flags: u16, offsets: [i32; 3], immediate: Option<Felt>| {
        words.push(Felt::from(Decoded { flags: Flags(flags), offsets }.encode()));
        words.extend(immediate);
        words.len()
    };
    for factor in (3..3 + loops).map(Felt::from) {
        emit(ASSERT | OP1_IMM | 2, [0, -1, 1], Some(Felt::zero()));
        let start = emit(ASSERT | OP1_IMM | 2, [0, -1, 1], Some(Felt::from(passes)));
        emit(ASSERT | OP1_IMM | MUL, [0, -2, 1], Some(factor));
        for _ in 0..rounds {
            emit(ASSERT | OP1_AP | MUL, [0, -1, -1], None);
            emit(ASSERT | OP1_AP | ADD, [0, -1, -2], None);
            emit(ASSERT | OP1_IMM | MUL, [0, -1, 1], Some(factor));
        }
        let back = -3 - 3 * rounds;
        emit(ASSERT | OP1_IMM | MUL, [0, back, 1], Some(Felt::one()));
        let end = emit(ASSERT | OP1_IMM | ADD, [0, back, 1], Some(-Felt::one()));
        emit(JNZ_IMM | 2, [-1, -1, 1], Some(-Felt::from((end - start) as u64)));
    }
    emit(ASSERT | OP1_IMM | ADD | 2, [0, -3, 1], Some(Felt::zero()));
    words.push(Felt::from(0x208b_7fff_7fff_7ffe_u64));
    let data: Vec<String> = words.iter().map(|word| format!("\"{}\"", encoding::to_hex(word))).collect();
    let json = format!(
        r#"{{"attributes": [], "builtins": ["output"], "compiler_version": "0.14.0.1", "data": [{}], "debug_info": null,
        "hints": {{}}, "identifiers": {{"__main__.__end__": {{"pc": 4, "type": "label"}},
        "__main__.__start__": {{"pc": 0, "type": "label"}},
        "__main__.main": {{"decorators": [], "pc": 6, "type": "function"}}}}, "main_scope": "__main__",
        "prime": "0x800000000000011000000000000000000000000000000000000000000000001",
        "reference_manager": {{"references": []}}}}"#,
        data.join(",")
    );
    let program = RunnableProgram::from_json(json.as_bytes()).unwrap();
    run(&program, &Arguments::none(), &RunLimits::default(), &mut unwatched).unwrap()
}

/// The planner and the prover stop where the verifier would refuse, and the plan says what the proof has.
#[test]
fn no_more_than_the_verifier_looks_at() {
    // Without a limit of its own the prover still heeds the verifier's.
    let no_limit = 1 << 40;
    for (loops, passes, length, max_terms) in
        [(1, 500, 50, MAX_TERMS), (3, 350, 45, MAX_TERMS), (40, 100, 4, MAX_TERMS), (3, 500, 50, no_limit)]
    {
        let execution = rounds(loops, passes, length);
        let costs = Costs { disclosed_terms: max_terms, ..Costs::new(&execution, DEFAULT_COLUMNS) };
        let plan = plan(&execution, &costs);
        let mut made = witness(execution, [7; 32], plan.tables, MAX_FETCHES, &NoControl).unwrap();
        disclose_short(&mut made, 80, max_terms).unwrap();
        let steps = made.layout.tables.iter().zip(&made.tables).filter(|(entry, _)| {
            matches!(
                entry.kind,
                TableKind::Generic | TableKind::Word(_) | TableKind::OwningWord(_) | TableKind::Path(_)
            )
        });
        let half_columns = steps.map(|(_, table)| 2 * table.air.width() + table.air.interactions().len());
        let columns = half_columns.sum::<usize>().div_ceil(2);
        assert!(columns <= plan.estimate.columns + 10, "{columns} columns, planned {}", plan.estimate.columns);
        assert!(verified(&made).is_ok(), "{loops} {passes} {length}");
    }
}

/// Rows without a bus term say nothing: a proof may have them or not.
#[test]
fn idle_rows_are_allowed() {
    let mut disclosed = committed();
    disclose_short(&mut disclosed, 80, MAX_TERMS).unwrap();
    let generic = position(&disclosed.layout, &TableKind::Generic);
    let table = &disclosed.layout.disclosed[generic];
    let mut row = table.cells[..table.width].to_vec();
    // The enabler.
    row[0] = Felt::zero();
    disclosed.layout.disclosed[generic].cells.splice(0..0, row);
    assert!(verified(&disclosed).is_ok());
}
