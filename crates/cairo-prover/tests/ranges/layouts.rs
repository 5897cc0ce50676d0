//! Layouts and files whose ranges are none.

use super::*;

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
