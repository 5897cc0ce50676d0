//! Layouts that are none.

use super::*;

fn refused(forger: Forger, error: BitwiseRowsError) {
    assert_eq!(forger.layout_error(), LayoutError::BitwiseRows(error));
}

/// A table of padding.
fn add(forger: &mut Forger, kind: TableKind, width: usize) {
    forger.add_table(kind, vec![vec![Felt::zero(); 64]; width]);
}

/// Row tables or the builtin's other one, never both and never none; all of one form; not without instances.
#[test]
fn other_tables_of_the_builtin() {
    for (bits, owned) in FORMS {
        let honest = Forger(edges(bits, owned));
        let Segment { base, stop } = honest.segment();
        let mut both = honest.clone();
        add(&mut both, TableKind::Bitwise(BitwiseSize::Any), 16);
        refused(both, BitwiseRowsError::Both);

        let mut mixed = honest.clone();
        let other = row(bits, 3, (!owned).then_some([0; CELLS]));
        add(&mut mixed, TableKind::BitwiseRow(other), other.columns());
        refused(mixed, BitwiseRowsError::Mixed);

        let mut none = honest.clone();
        common::drop_tables(&mut none.0, |kind| matches!(kind, TableKind::BitwiseRow(_)));
        let (builtin, cells) = (Builtin::Bitwise, stop - base);
        assert_eq!(none.layout_error(), LayoutError::BuiltinTables { builtin, cells, expected: 1, found: 0 });

        let mut idle = honest.clone();
        let builtins = idle.0.statement.program.builtins();
        let position = builtins.iter().position(|builtin| *builtin == Builtin::Bitwise).unwrap();
        idle.0.claim.runs[0].segments[position] = Segment { base, stop: base };
        refused(idle, BitwiseRowsError::Idle);

        if owned {
            let Witness { statement, claim, layout, .. } = &honest.0;
            let check = |owned_end| layout.check(&statement.program, &cairo_air::Claim { owned_end, ..claim.clone() });
            assert_eq!(check(stop), Ok(()));
            let error = BitwiseRowsError::Beyond { stop, owned_end: stop - 1 };
            assert_eq!(check(stop - 1), Err(LayoutError::BitwiseRows(error)));
        }
    }
}

/// A further table of padding alone, of another size, does no harm.
#[test]
fn padding_alone() {
    for (bits, owned) in FORMS {
        let mut forger = Forger(edges(bits, owned));
        let other = row(bits, 3, owned.then_some([1; CELLS]));
        add(&mut forger, TableKind::BitwiseRow(other), other.columns());
        assert!(forger.try_it().is_ok());
    }
}

fn first(forger: &Forger, is: impl Fn(&TableKind) -> bool) -> usize {
    forger.0.layout.tables.iter().position(|entry| is(&entry.kind)).unwrap()
}

const fn is_row(kind: &TableKind) -> bool {
    matches!(kind, TableKind::BitwiseRow(_))
}

/// Row tables stand in the order of their sizes, in four parts each at most, disclosed or not.
#[test]
fn order_and_number() {
    for (bits, owned) in FORMS {
        let honest = Forger(edges(bits, owned));
        let position = first(&honest, is_row);
        assert_eq!(honest.tables().len(), 2);
        let mut swapped = honest.clone();
        swapped.0.layout.tables.swap(position, position + 1);
        let kind = swapped.0.layout.tables[position + 1].kind.to_string();
        assert_eq!(swapped.layout_error(), LayoutError::Order { position: position + 1, kind });

        let (_, row) = honest.tables()[0];
        let kind = TableKind::BitwiseRow(row);
        let mut parts = honest.clone();
        for found in 2..=5 {
            add(&mut parts, kind.clone(), row.columns());
            let Witness { statement, claim, layout, .. } = &parts.0;
            let error = LayoutError::TooMany { kind: kind.to_string(), found, limit: 4 };
            let expected = if found <= 4 { Ok(()) } else { Err(error) };
            assert_eq!(layout.check(&statement.program, claim), expected);
            // A disclosed part is one of them.
            let mut open = parts.clone();
            common::disclose(&mut open.0, position);
            let Witness { statement, claim, layout, .. } = &open.0;
            assert_eq!(layout.check(&statement.program, claim), expected);
        }
    }
}

/// Instances in parts, of which one is disclosed.
#[test]
fn parts() {
    for (bits, owned) in FORMS {
        let mut forger = Forger(edges(bits, owned));
        let (position, row) = forger.tables()[0];
        let mut part = forger.0.traces[position].clone();
        let used = part[BitwiseRow::ENABLER].iter().filter(|enabler| **enabler == Felt::one()).count();
        assert!(used > 2);
        forger.0.traces[position][BitwiseRow::ENABLER][..2].fill(Felt::zero());
        part[BitwiseRow::ENABLER][2..].fill(Felt::zero());
        forger.add_table(TableKind::BitwiseRow(row), part);
        assert!(forger.clone().try_it().is_ok());
        forger.reclaim().unwrap();
        forger.balance();
        common::disclose(&mut forger.0, position);
        forger.reclaim().unwrap();
        assert!(forger.verified().is_ok());
    }
}

/// The tables of conjunctions are there if rows need them, and then once and of their one height.
#[test]
fn tables_of_conjunctions() {
    for (bits, kind, bus, log_height) in [
        (4, TableKind::NibbleAnd, buses::NIBBLE_AND, nibble_and::LOG_HEIGHT),
        (8, TableKind::ByteAnd, buses::BYTE_AND, byte_and::LOG_HEIGHT),
    ] {
        let honest = Forger(edges(bits, true));
        let mut without = honest.clone();
        without.drop_tables(|found| *found == kind);
        assert_eq!(without.layout_error(), LayoutError::Provider { bus, expected: 1, found: 0 });

        let mut idle = Forger(edges(12 - bits, true));
        let width = kind.component().size(context(&idle)).unwrap().columns;
        idle.add_table(kind.clone(), vec![vec![Felt::zero(); 1 << log_height]; width]);
        assert_eq!(idle.layout_error(), LayoutError::Provider { bus, expected: 0, found: 1 });

        let mut two = honest.clone();
        two.add_table(kind.clone(), vec![vec![Felt::zero(); 1 << log_height]; width]);
        assert_eq!(two.layout_error(), LayoutError::TooMany { kind: kind.to_string(), found: 2, limit: 1 });

        for found in [0, log_height - 1, log_height + 1] {
            let mut other = honest.clone();
            let position = first(&other, |found| *found == kind);
            other.0.layout.tables[position].log_height = found;
            let expected = format!("2^{log_height}");
            assert_eq!(other.layout_error(), LayoutError::Height { position, kind: kind.to_string(), found, expected });
        }
    }
}

fn context(forger: &Forger) -> Context<'_> {
    let Witness { statement, claim, .. } = &forger.0;
    Context { program: &statement.program, claim, memory_start: 0 }
}

/// Disclosed rows that are none: of another width, none at all, or twice of one kind.
#[test]
fn disclosed_rows() {
    for (bits, owned) in FORMS {
        let mut honest = Forger(edges(bits, owned));
        let (position, row) = honest.tables()[0];
        common::disclose(&mut honest.0, position);
        honest.reclaim().unwrap();
        let kind = TableKind::BitwiseRow(row).to_string();
        let refused = |change: &dyn Fn(&mut Vec<DisclosedTable>)| {
            let mut forger = honest.clone();
            change(&mut forger.0.layout.disclosed);
            forger.reclaim().unwrap_err()
        };
        let error = |error| LayoutError::Disclosed { position: 0, kind: kind.clone(), error };
        let expected = row.columns();
        for found in [0, 1, expected - 1, expected + 1] {
            let error = error(DisclosedError::Width { found, expected });
            assert_eq!(refused(&|tables| tables[0].width = found), error);
        }
        let none = error(DisclosedError::Cells { cells: 0, width: expected });
        assert_eq!(refused(&|tables| tables[0].cells.clear()), none);
        let twice = refused(&|tables| tables.push(tables[0].clone()));
        assert_eq!(twice, LayoutError::DisclosedOrder { position: 1, kind: kind.clone() });
    }
}

/// A program without the builtin has no instances.
#[test]
fn programs_without_the_builtin() {
    let mut forger = Forger(common::generic_witness(execution("cairo0/sum_to_n", Some(r#"{"n": 3}"#))));
    let row = row(4, 2, None);
    add(&mut forger, TableKind::BitwiseRow(row), row.columns());
    forger.add_table(TableKind::NibbleAnd, vec![vec![Felt::zero(); 256]]);
    refused(forger, BitwiseRowsError::Idle);
}
