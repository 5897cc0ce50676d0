//! Lists of tables that are none.

use super::*;

/// The layout alone refuses it, before any table is constructed.
#[test]
fn layouts_demand_a_table_for_every_instance() {
    let Honest { statement, proof } = honest("cairo0/all_builtins_unused", "[]");
    for (index, builtin) in Builtin::ALL.into_iter().enumerate().skip(1) {
        let mut claim = proof.claim.clone();
        claim.runs[0].segments[index].stop += builtin.cells_per_instance();
        let refused = proof.layout.check(&statement.program, &claim);
        assert!(
            matches!(
                refused,
                Err(LayoutError::BuiltinTables { found: 0, expected: 1, .. } | LayoutError::RangeTables { .. })
            ),
            "{builtin}: {refused:?}"
        );
    }
}

#[test]
fn layouts() {
    let honest = cairo0();
    let refuse = |change: &dyn Fn(&mut CairoProof)| match honest.changed(change) {
        Err(VerifyError::Layout(error)) => error,
        other => panic!("{other:?}"),
    };
    let insert = |p: &mut CairoProof, kind: TableKind, log_height, copies: usize| {
        let entries = std::iter::repeat_n(TableEntry { kind, log_height }, copies);
        p.layout.tables.extend(entries);
        p.layout.tables.sort_by(|a, b| a.kind.cmp(&b.kind));
    };
    let remove = |p: &mut CairoProof, kind: TableKind| p.layout.tables.retain(|table| table.kind != kind);

    assert!(matches!(refuse(&|p| p.layout.tables.swap(0, 1)), LayoutError::Order { position: 1, .. }));
    // Bytes that stand for kinds are not in the order of kinds.
    let position = honest.proof.layout.tables.len();
    for (kind, log_height) in [(TableKind::Limb(Limb::Bits12), 12), (TableKind::RangeCheck(Limbs::Words12), 6)] {
        let error = refuse(&|p| p.layout.tables.push(TableEntry { kind: kind.clone(), log_height }));
        assert!(matches!(error, LayoutError::Order { position: found, .. } if found == position), "{error}");
    }
    let error = refuse(&|p| insert(p, TableKind::Memory, 6, MAX_CHUNKS));
    assert!(matches!(error, LayoutError::TooMany { found: 5, limit: 4, .. }));
    assert!(matches!(
        refuse(&|p| insert(p, TableKind::Limb(Limb::Bits8), 8, 1)),
        LayoutError::TooMany { found: 2, limit: 1, .. }
    ));
    let height = |p: &mut CairoProof, kind, log_height| {
        let position = index(p, &kind);
        p.layout.tables[position].log_height = log_height;
    };
    assert!(matches!(refuse(&|p| height(p, TableKind::Limb(Limb::Bits8), 9)), LayoutError::Height { found: 9, .. }));
    assert!(matches!(refuse(&|p| height(p, TableKind::Generic, 31)), LayoutError::Height { found: 31, .. }));
    assert!(matches!(refuse(&|p| height(p, TableKind::Memory, 255)), LayoutError::Height { found: 255, .. }));
    assert!(
        matches!(refuse(&|p| height(p, TableKind::Memory, 30)), LayoutError::TooMuchMemory(cells) if cells > MAX_CELLS)
    );
    let error = refuse(&|p| height(p, TableKind::Generic, 5));
    assert!(matches!(error, LayoutError::Tables(TableError::Height { log_height: 5, .. })));
    for kind in [TableKind::RangeCheck(Limbs::Bytes), TableKind::Bitwise(BitwiseSize::Bits16)] {
        let error = refuse(&|p| remove(p, kind.clone()));
        assert!(matches!(error, LayoutError::BuiltinTables { expected: 1, found: 0, .. }), "{error}");
    }
    for kind in [TableKind::RangeCheck(Limbs::Words12), TableKind::RangeCheck(Limbs::Words16)] {
        let error = refuse(&|p| insert(p, kind.clone(), 6, 1));
        let builtin = Builtin::RangeCheck;
        assert!(matches!(error, LayoutError::BuiltinTables { builtin: b, expected: 1, found: 2, .. } if b == builtin));
    }
    let error = refuse(&|p| insert(p, TableKind::Bitwise(BitwiseSize::Any), 6, 1));
    assert!(matches!(error, LayoutError::BuiltinTables { builtin: Builtin::Bitwise, expected: 1, found: 2, .. }));
    let empty = |p: &mut CairoProof| p.claim.runs[0].segments[1].stop = p.claim.runs[0].segments[1].base;
    assert!(matches!(refuse(&empty), LayoutError::BuiltinTables { cells: 0, expected: 0, found: 1, .. }));
    for (kind, bus) in [
        (TableKind::Instruction, buses::INSTRUCTION),
        (TableKind::Limb(Limb::Bits8), buses::BYTE),
        (TableKind::NibbleAnd, buses::NIBBLE_AND),
    ] {
        assert_eq!(refuse(&|p| remove(p, kind.clone())), LayoutError::Provider { bus, expected: 1, found: 0 });
    }
    for (kind, log_height, bus) in
        [(TableKind::Limb(Limb::Bits16), 16, buses::WORD16), (TableKind::Limb(Limb::Bits12), 12, buses::WORD12)]
    {
        let error = refuse(&|p| insert(p, kind.clone(), log_height, 1));
        assert_eq!(error, LayoutError::Provider { bus, expected: 0, found: 1 });
    }
    let word = |flags| TableKind::Word(Word { flags, taken: None });
    assert!(matches!(refuse(&|p| insert(p, word(0x7fff), 6, 1)), LayoutError::Component { .. }));
    let path = |pc| {
        TableKind::Path(Path {
            pc,
            frame: None,
            steps: 256,
            taken: Vec::new(),
            targets: Vec::new(),
            returns: Vec::new(),
            owned: Vec::new(),
        })
    };
    let error = refuse(&|p| (1..40).for_each(|pc| insert(p, path(pc), 6, 1)));
    assert_eq!(error, LayoutError::TooManyDerivedSteps(39 * 256));

    // A cell that a path provides counts as a step, one that it keeps to itself does not.
    let owning = |pc, steps, cells, uses| {
        let owned = vec![uses; cells];
        TableKind::Path(Path {
            pc,
            frame: None,
            steps,
            taken: Vec::new(),
            targets: Vec::new(),
            returns: Vec::new(),
            owned,
        })
    };
    let two = |p: &mut CairoProof, steps: u32, cells: usize, uses: u8| {
        insert(p, owning(7, 1, 1024, uses), 6, 1);
        insert(p, owning(8, steps, cells, uses), 6, 1);
    };
    assert_eq!(refuse(&|p| two(p, 1, 1024, 1)), LayoutError::TooManyDerivedSteps(2 * 1025));
    assert_eq!(refuse(&|p| two(p, 1, 1023, 1)), LayoutError::TooManyDerivedSteps(2049));
    assert_eq!(refuse(&|p| two(p, 24, 1000, 1)), LayoutError::TooManyDerivedSteps(2049));
    for (steps, cells, uses) in [(1, 1022, 1), (23, 1000, 1), (256, 1024, 0)] {
        // Within the limit; of course there are no such paths.
        let error = refuse(&|p| two(p, steps, cells, uses));
        assert!(matches!(error, LayoutError::Component { .. }), "{error}");
    }

    // A program without the builtin.
    let bitwise = TableEntry { kind: TableKind::Bitwise(BitwiseSize::Any), log_height: 6 };
    let error = other().changed(|p| p.layout.tables.push(bitwise));
    refused!(error, VerifyError::Layout(LayoutError::BuiltinTables { cells: 0, expected: 0, found: 1, .. }));

    // Limits that a file cannot reach, because reading it enforces them or because there are not that many kinds.
    let mut layout = honest.proof.layout.clone();
    layout.tables = std::iter::repeat_n(layout.tables[0].clone(), MAX_TABLES + 1).collect();
    let (program, claim) = (&honest.statement.program, &honest.proof.claim);
    assert!(matches!(layout.build(program, claim), Err(LayoutError::TooManyTables(_))));
}

/// A run whose cells all have owners: it needs no memory table, and may not have one.
#[test]
fn layouts_without_memory_tables() {
    let execution = execution("cairo0/sum_to_n", Some(r#"{"n": 400}"#));
    let costs = Costs { disclosed_terms: 0, ..Costs::new(&execution, DEFAULT_COLUMNS) };
    let tables = plan(&execution, &costs).tables;
    let witness = witness(execution, PROVER, tables, MAX_FETCHES, &NoControl).unwrap();
    let honest = Honest { statement: witness.statement.clone(), proof: proof_of(witness) };
    assert_eq!(honest.bytes(&honest.proof.encode()), Ok(()));
    let Claim { owned_end, .. } = honest.proof.claim;
    let final_ap = honest.proof.claim.runs[0].final_ap;
    let kinds: Vec<&TableKind> = honest.proof.layout.kinds().collect();
    assert!(!kinds.contains(&&TableKind::Memory) && kinds.contains(&&TableKind::Cell), "{kinds:?}");
    assert!(kinds.iter().any(|kind| matches!(kind, TableKind::Path(path) if path.owned.iter().any(|uses| *uses > 0))));
    assert_eq!(honest.proof.layout.memory_end(owned_end), u64::from(owned_end));
    assert_eq!(honest.proof.layout.memory_end(u32::MAX), u64::from(u32::MAX));

    // What is public must lie below the end, as if it were that of memory.
    let refuse = |change: &dyn Fn(&mut CairoProof)| match honest.changed(change) {
        Err(VerifyError::Claim(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(refuse(&|p| p.claim.owned_end = 0), ClaimError::OwnedEnd);
    let outside = |what, address: u32, end: u32| ClaimError::OutsideMemory {
        what,
        address: u64::from(address),
        end: u64::from(end),
    };
    let last = honest.statement.program.initial_ap() - 1;
    assert_eq!(refuse(&|p| p.claim.owned_end = 1), outside("program", last, 1));
    assert_eq!(refuse(&|p| p.claim.owned_end = final_ap - 1), outside("final ap", final_ap - 1, final_ap - 1));
    let stop = honest.proof.claim.runs[0].segments[0].stop;
    assert_eq!(refuse(&|p| p.claim.owned_end = stop - 1), outside("builtin segment", stop - 1, stop - 1));
    assert_eq!(refuse(&|p| p.claim.runs[0].final_ap = owned_end + 1), outside("final ap", owned_end, owned_end));
    // Any other end is possible, but not what was proven.
    for end in [owned_end + 1, 1 << 31, u32::MAX] {
        refused!(honest.changed(|p| p.claim.owned_end = end), VerifyError::Stark(stark::VerifyError::Grinding));
    }
    // With memory tables addresses end at 2^32.
    let with_memory = |end: u32, log_height| {
        honest.changed(|p| {
            p.claim.owned_end = end;
            p.layout.tables.insert(0, TableEntry { kind: TableKind::Memory, log_height });
        })
    };
    let most = (MAX_CELLS - (8 << 6)) as u32;
    let too_much = VerifyError::Layout(LayoutError::TooMuchMemory(MAX_CELLS + 1));
    assert_eq!(with_memory(most + 1, 6), Err(too_much));
    for end in [owned_end, most] {
        refused!(with_memory(end, 6), VerifyError::Decode(_) | VerifyError::Stark(_));
    }
    // More chunks of the cell table than there may be.
    let cells = TableEntry { kind: TableKind::Cell, log_height: 6 };
    let error = honest.changed(|p| {
        let position = index(p, &TableKind::Cell);
        p.layout.tables.splice(position..position, std::iter::repeat_n(cells.clone(), MAX_CHUNKS));
    });
    refused!(error, VerifyError::Layout(LayoutError::TooMany { found: 5, limit: 4, .. }));
}

/// A run with as many range checks as make words of 12 bits the cheapest limbs.
#[test]
fn layouts_with_12_bit_limbs() {
    const BYTE: TableKind = TableKind::Limb(Limb::Bits8);
    const WORD12: TableKind = TableKind::Limb(Limb::Bits12);
    const WORD16: TableKind = TableKind::Limb(Limb::Bits16);
    const RANGE_CHECK8: TableKind = TableKind::RangeCheck(Limbs::Bytes);
    const RANGE_CHECK12: TableKind = TableKind::RangeCheck(Limbs::Words12);
    const RANGE_CHECK16: TableKind = TableKind::RangeCheck(Limbs::Words16);
    // With memory in memory tables: else range tables check.
    let execution = execution("bench/primes_2p14", None);
    let costs = Costs::new(&execution, DEFAULT_COLUMNS).without_owners(&execution);
    let tables = plan(&execution, &costs).tables;
    let made = witness(execution, PROVER, tables, 0, &NoControl).unwrap();
    let honest = Honest { statement: made.statement.clone(), proof: proof_of(made) };
    assert_eq!(honest.bytes(&honest.proof.encode()), Ok(()));
    let kinds: Vec<&TableKind> = honest.proof.layout.tables.iter().map(|table| &table.kind).collect();
    assert!(kinds.contains(&&RANGE_CHECK12) && kinds.contains(&&WORD12), "{kinds:?}");
    assert!([RANGE_CHECK8, RANGE_CHECK16, WORD16].iter().all(|kind| !kinds.contains(&kind)), "{kinds:?}");

    let refuse = |change: &dyn Fn(&mut Vec<TableEntry>)| match honest.changed(|p| change(&mut p.layout.tables)) {
        Err(VerifyError::Layout(error)) => error,
        other => panic!("{other:?}"),
    };
    let insert = |tables: &mut Vec<TableEntry>, kind: TableKind, log_height| {
        let position = tables.partition_point(|table| table.kind < kind);
        tables.insert(position, TableEntry { kind, log_height });
    };
    let remove = |tables: &mut Vec<TableEntry>, kind: TableKind| tables.retain(|table| table.kind != kind);
    let builtin = |expected, found| match refuse(&|tables| {
        remove(tables, RANGE_CHECK12);
        [RANGE_CHECK8, RANGE_CHECK12, RANGE_CHECK16].into_iter().take(found).for_each(|kind| insert(tables, kind, 11));
    }) {
        LayoutError::BuiltinTables { builtin: Builtin::RangeCheck, expected: e, found: f, .. } => {
            assert_eq!((e, f), (expected, found));
        }
        other => panic!("{other:?}"),
    };
    for found in [0, 2, 3] {
        builtin(1, found);
    }
    let provider = |bus, expected, found| LayoutError::Provider { bus, expected, found };
    assert_eq!(refuse(&|tables| remove(tables, WORD12)), provider(buses::WORD12, 1, 0));
    assert!(matches!(refuse(&|tables| insert(tables, WORD12, 12)), LayoutError::TooMany { found: 2, limit: 1, .. }));
    for log_height in [11, 13] {
        let error = refuse(&|tables| {
            remove(tables, WORD12);
            insert(tables, WORD12, log_height);
        });
        assert!(matches!(error, LayoutError::Height { found, .. } if found == log_height), "{error}");
    }
    // Limbs of other widths: each needs its own table of words, and that of the 12-bit words is then idle.
    for (kind, range, log_height, bus) in
        [(RANGE_CHECK8, BYTE, 8, buses::BYTE), (RANGE_CHECK16, WORD16, 16, buses::WORD16)]
    {
        let replace = |tables: &mut Vec<TableEntry>| {
            remove(tables, RANGE_CHECK12);
            remove(tables, range.clone());
            insert(tables, kind.clone(), 11);
        };
        assert_eq!(refuse(&replace), provider(bus, 1, 0));
        let error = refuse(&|tables| {
            replace(tables);
            insert(tables, range.clone(), log_height);
        });
        assert_eq!(error, provider(buses::WORD12, 0, 1));
    }
}
