//! `docs/TABLES.md` lists what the code constrains. It is written by this test: run it with `UPDATE_DOCS=1` after a change.
#![allow(clippy::unwrap_used)]

use cairo_air::components::Context;
use cairo_air::components::bitwise_row::BitwiseRow;
use cairo_air::components::range::Range;
use cairo_air::components::range_row::{Entry, RangeRow};
use cairo_air::{ArgumentBinding, Builtin, Claim, Program, RunClaim, Segment, TableKind};
use felt::Felt;
use stark::describe::describe;
use std::fmt::Write as _;

const HEAD: &str = "# Tables

Columns, constraints and interactions of every table, in the order that the protocol uses (`docs/PROTOCOL.md`, section 9).
Word and path tables are derived and not listed. `x'` is a column on the next row. A negative multiplicity requires, a positive
one provides. Numbers that depend on program, claim or layout have stand-ins: the program ends at pc 5, memory starts at 1,
builtin segments are 1000..1640. This page is generated from the code; a test compares it.
";

/// A program that declares every builtin, and ends at pc 5.
fn program() -> Program {
    let builtins = Builtin::ALL.to_vec();
    // ap += the number of builtins; call rel 4; jmp rel 0; ret.
    let words = [
        0x0407_8001_7fff_7fff,
        builtins.len() as u64,
        0x1104_8001_8001_8000,
        4,
        0x0107_8001_7fff_7fff,
        0,
        0x208b_7fff_7fff_7ffe,
    ];
    Program::new(words.map(Felt::from).to_vec(), builtins, ArgumentBinding::OutputPrefix).unwrap()
}

fn document() -> String {
    let program = program();
    let claim = Claim {
        runs: vec![RunClaim {
            offset: 0,
            n_steps: 1,
            final_ap: 100,
            segments: vec![Segment { base: 1000, stop: 1640 }; program.builtins().len()],
            arguments_start: None,
            output: Vec::new(),
        }],
        owned_end: 1,
        fetches: Vec::new(),
    };
    let context = Context { program: &program, claim: &claim, memory_start: 1 };
    let range = TableKind::Range(Range::new(16, 20, 5).unwrap());
    let rows = [(8, 2, None), (8, 32, None), (4, 2, Some([1, 1, 2, 3, 0]))];
    let rows = rows.map(|(bits, limbs, owned)| TableKind::BitwiseRow(BitwiseRow::new(bits, limbs, owned).unwrap()));
    let cells = [(12, 12, 0, 1), (16, 120, u128::MAX - ((1 << 120) - 1), 2), (16, 128, 0, 0), (8, 7, 5, 2)];
    let entry = |(bits, width, offset, uses)| Entry { range: Range::new(bits, width, offset).unwrap(), uses };
    let cells = [cells.map(entry).to_vec(), vec![entry((16, 128, 0, 1))]].map(|cells| RangeRow::new(cells).unwrap());
    let cells = cells.map(TableKind::RangeRow);
    let mut kinds: Vec<TableKind> = TableKind::plain().chain([range]).chain(rows).chain(cells).collect();
    kinds.sort();
    let mut out = HEAD.to_owned();
    for kind in kinds {
        write!(out, "\n## {kind}\n\n{}", describe(&kind.component().air(context).unwrap())).unwrap();
    }
    out
}

#[test]
fn is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/TABLES.md");
    let current = document();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &current).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == current, "docs/TABLES.md is out of date: run this test with UPDATE_DOCS=1 and commit the page");
}
