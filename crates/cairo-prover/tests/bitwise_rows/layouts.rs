//! Layouts that are none.

use super::*;

fn refused(forger: Forger, error: BitwiseRowsError) {
    assert_eq!(forger.layout_error(), LayoutError::BitwiseRows(error));
}

fn add(forger: &mut Forger, kind: TableKind, width: usize) {
    let Witness { layout, tables, traces, .. } = &mut forger.0;
    let position = layout.tables.partition_point(|entry| entry.kind <= kind);
    layout.tables.insert(position, TableEntry { kind, log_height: 6 });
    tables.insert(position, tables[0].clone());
    traces.insert(position, vec![vec![Felt::zero(); 64]; width]);
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
        idle.0.claim.segments[position] = Segment { base, stop: base };
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
