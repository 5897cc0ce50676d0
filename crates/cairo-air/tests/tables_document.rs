//! `docs/TABLES.md` lists what the code constrains. It is written by this test: run it with `UPDATE_DOCS=1` after a change.
#![allow(clippy::unwrap_used)]

use cairo_air::components::bitwise::Size;
use cairo_air::components::range::Range;
use cairo_air::components::{
    bitwise, byte, cell, generic, instruction, memory, nibble_and, range_check, word12, word16,
};
use stark::describe::describe;
use std::fmt::Write as _;

const HEAD: &str = "# Tables

Columns, constraints and interactions of every table, in the order that the protocol uses (`docs/PROTOCOL.md`, section 9).
Word and path tables are derived and not listed. `x'` is a column on the next row. A negative multiplicity requires, a positive
one provides. Numbers that depend on program, claim or layout have stand-ins: the program ends at pc 5, memory starts at 1,
builtin segments are 1000..1640. This page is generated from the code; a test compares it.
";

fn document() -> String {
    let tables = [
        ("memory", memory::air(1)),
        ("instruction", instruction::air(5)),
        ("generic", generic::air()),
        ("cell", cell::air()),
        ("byte", byte::air()),
        ("word16", word16::air()),
        ("word12", word12::air()),
        ("nibble_and", nibble_and::air()),
        ("range_check8", range_check::bytes::air(1000, 1640)),
        ("range_check12", range_check::words12::air(1000, 1640)),
        ("range_check16", range_check::words16::air(1000, 1640)),
        ("range of 20 bits in limbs of 16 from 0x5", Range::new(16, 20, 5).unwrap().air()),
    ];
    let tables = tables.into_iter().map(|(name, air)| (name.to_owned(), air));
    let bitwise = Size::ALL.into_iter().rev().map(|size| (size.kind().to_string(), bitwise::air(size, 1000, 1640)));
    let mut out = HEAD.to_owned();
    for (name, air) in tables.chain(bitwise) {
        write!(out, "\n## {name}\n\n{}", describe(&air.unwrap())).unwrap();
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
