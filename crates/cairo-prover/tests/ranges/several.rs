//! Rows of several cells, alone and beside range tables.

use super::*;

/// A kind whose cells have a column of uses each.
pub fn counted(ranges: &[Range]) -> RangeRow {
    RangeRow::new((2..).zip(ranges).map(|(uses, range)| Entry { range: *range, uses }).collect()).unwrap()
}

/// A run with these values, its cells cut into rows of so many each, from the first on: cells of a row of one stand in range tables, those of others in range
/// rows of their own kinds.
fn cut(values: [u128; CELLS], ranges: [Range; CELLS], lengths: &[usize]) -> Forger {
    assert_eq!(lengths.iter().sum::<usize>(), CELLS);
    let mut forger = Forger::new(&values.map(wide));
    let mut tables: std::collections::BTreeMap<TableKind, Vec<Row>> = Default::default();
    let mut first = 0;
    for length in lengths {
        let cells = first..first + length;
        let values: Vec<Felt> = values[cells.clone()].iter().copied().map(wide).collect();
        let address = forger.address(first);
        let (kind, row) = match length {
            1 => (TableKind::Range(ranges[first]), row(ranges[first], address, values[0])),
            _ => {
                let kind = counted(&ranges[cells]);
                let row = row_of_several(&kind, address, &values);
                (TableKind::RangeRow(kind), row)
            }
        };
        tables.entry(kind).or_default().push(row);
        first += length;
    }
    for (kind, rows) in tables {
        match kind {
            TableKind::Range(range) => forger.add_range(range, &rows),
            TableKind::RangeRow(kind) => forger.add_range_rows(&kind, &rows),
            _ => unreachable!(),
        }
    }
    forger
}

/// The marks, in limbs of 8, 12 and 16 bits.
fn of_marks(lengths: &[usize]) -> Forger {
    let ranges = [range(8, 128, 0), range(12, 128, 0), range(16, 120, 0)];
    cut(marks(), std::array::from_fn(|k| ranges[k % 3]), lengths)
}

/// The tables of range rows: position in the layout and kind.
fn tables(forger: &Forger) -> Vec<(usize, RangeRow)> {
    let tables = forger.0.layout.tables.iter().enumerate();
    let rows = tables.filter_map(|(at, entry)| match &entry.kind {
        TableKind::RangeRow(row) => Some((at, row.clone())),
        _ => None,
    });
    rows.collect()
}

/// Cuts of the segment, with rows of every length, alone and beside range tables.
const CUTS: [&[usize]; 8] =
    [&[15], &[14, 1], &[1, 14], &[5, 5, 5], &[3, 3, 3, 3, 3], &[1, 2, 3, 4, 5], &[4, 1, 1, 1, 8], &[1, 1, 6, 1, 5, 1]];

/// The forger's tools make a good proof of a true claim, however the segment is cut: refusals below are not theirs.
#[test]
fn the_forger_can_tell_the_truth() {
    for lengths in CUTS {
        let verified = of_marks(lengths).try_it().unwrap();
        assert_eq!(verified.runs[0].output, [6, 14].map(|k| wide(marks()[k])), "{lengths:?}");
        let (values, ranges) = mixed();
        let verified = cut(values, ranges, lengths).try_it().unwrap();
        assert_eq!(verified.runs[0].output, [6, 14].map(|k| wide(values[k])), "{lengths:?}");
    }
}

/// Each prank overwrites cells of an honest table, and the debug checker reports the constraint or interaction by name.
#[test]
fn pranks() {
    let (values, ranges) = mixed();
    for lengths in [&[15][..], &[2, 3, 1, 4, 5], &[7, 8]] {
        let mut forger = cut(values, ranges, lengths);
        forger.reclaim().unwrap();
        forger.balance();
        let clean = report(&forger.0);
        assert!(clean.is_clean(), "{clean}");
        for (position, kind) in tables(&forger) {
            let mut done = BTreeSet::new();
            let mut expect = |what: &str, column: usize, row: usize, value: &dyn Fn(Felt) -> Felt| {
                let mut witness = forger.0.clone();
                let cell = &mut witness.traces[position][column][row];
                *cell = value(*cell);
                let report = report(&witness);
                let party = format!("{kind}/{what}");
                let is_party = |(name, ..): &(String, usize, usize)| *name == party;
                let named = report.has_constraint(&kind.to_string(), what)
                    || report.imbalances.iter().any(|imbalance| imbalance.parties.iter().any(is_party));
                assert!(named, "{kind}: `{what}` is not reported:\n{report}");
                done.insert(what.to_owned());
            };
            for enabler in [small(2), -Felt::one(), small(2).inv().unwrap()] {
                expect("boolean_enabler", RangeRow::ENABLER, 0, &|_| enabler);
                expect("boolean_enabler", RangeRow::ENABLER, 63, &|_| enabler);
            }
            for name in ["checks", "checked"] {
                expect(name, RangeRow::ADDRESS, 0, &|address| address + Felt::one());
                expect(name, RangeRow::ENABLER, 63, &|_| Felt::one());
            }
            let mut column = RangeRow::LIMBS;
            for (cell, Entry { range, uses }) in kind.entries().iter().enumerate() {
                let name = format!("cell[{cell}]");
                expect(&name, kind.uses() + usize::from(*uses) - 2, 0, &|uses| uses + Felt::one());
                expect(&name, RangeRow::ADDRESS, 0, &|address| address + small(40));
                for i in 0..range.limbs() {
                    expect(&name, column + i, 0, &|limb| limb + Felt::one());
                    let name = format!("limb[{cell}][{i}]");
                    expect(&name, column + i, 0, &|_| two(u64::from(range.bits())));
                    expect(&name, column + i, 0, &|limb| limb + small(2).inv().unwrap());
                }
                column += range.limbs();
                if let Some(excess) = range.excess() {
                    let name = format!("top[{cell}]");
                    expect(&name, column - 1, 0, &|_| two(u64::from(range.bits() - excess)));
                }
            }
            let air = &forger.0.tables[position].air;
            let all: BTreeSet<String> = (air.constraints().iter().map(|constraint| constraint.name.clone()))
                .chain(air.interactions().iter().map(|interaction| interaction.name.clone()))
                .collect();
            assert_eq!(all, done, "{kind}");
        }
    }
}

/// A value outside its range, at each place of a row: its limbs make it up, and only their own lookups, which the test takes away, tell.
fn limbs_are_refused(lengths: &[usize], range: Range, forged: &dyn Fn(u32) -> Row, value: Felt) {
    let k = CELLS - 1;
    let mut forger = Forger::with(k, value);
    let length = *lengths.last().unwrap();
    let first = CELLS - length;
    // The cells before the row stand in range tables.
    let others = self::range(8, 128, 0);
    let rows: Vec<Row> = (0..first).map(|at| row(others, forger.address(at), wide(marks()[at]))).collect();
    if !rows.is_empty() {
        forger.add_range(others, &rows);
    }
    let mut ranges = vec![others; length - 1];
    ranges.push(range);
    let kind = counted(&ranges);
    let limbs = (first..k).flat_map(|at| row(others, 0, wide(marks()[at])).limbs);
    let last = forged(forger.address(k));
    let failing = rows::failing(range, &last);
    let names: Vec<String> = failing
        .iter()
        .map(|name| match name.strip_prefix("limb") {
            Some(index) => format!("limb[{}]{index}", length - 1),
            None => format!("top[{}]", length - 1),
        })
        .collect();
    let limbs = limbs.chain(last.limbs).collect();
    let row = Row { enabler: Felt::one(), address: forger.address(first), limbs };
    forger.add_range_rows(&kind, &[row]);
    assert_eq!(forger.0.claim.runs[0].output[1], value);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert!(!names.is_empty(), "{kind}");
    forger.clone().refused_but_for(&missing(&names));
    // All of them are needed.
    for one in 0..if names.len() > 1 { names.len() } else { 0 } {
        let mut fewer = names.clone();
        fewer.remove(one);
        let mut forger = forger.clone();
        forger.reclaim().unwrap();
        forger.balance();
        let report = report(&forger.0);
        let party = format!("{kind}/{}", names[one]);
        let mut parties = report.imbalances.iter().flat_map(|imbalance| &imbalance.parties);
        assert!(parties.any(|(name, ..)| *name == party), "{kind}: {party}: {report}");
    }
}

/// Values of 2^128 and more, the excess in any one of the limbs: also of cells that are not the row's first.
#[test]
fn too_much_in_a_limb() {
    for (number, range) in all_ranges().into_iter().enumerate() {
        for limb in BTreeSet::from([0, range.limbs() / 2, range.limbs() - 1]) {
            let value = [two(128), -Felt::one()][limb % 2];
            let length = 1 + (number + limb) % 3;
            limbs_are_refused(&[length], range, &|address| row_of_one_limb(range, address, value, limb), value);
        }
        let (length, value) = [(1, two(128)), (2, two(132)), (4, -Felt::one())][number % 3];
        limbs_are_refused(&[length], range, &|address| row(range, address, value), value);
    }
}

/// Top limbs that are limbs but have too many bits, and half integers and sixteenths that have few enough times a power of two.
#[test]
fn too_much_in_the_top_limb() {
    let check = |range: Range, low: u64, top: Felt, value: Felt| {
        let forged = |address| {
            let mut limbs = vec![small(low); range.limbs()];
            *limbs.last_mut().unwrap() = top;
            Row { enabler: Felt::one(), address, limbs }
        };
        limbs_are_refused(&[if low > 0 { 1 } else { 3 }], range, &forged, value);
    };
    let sixteenth = small(16).inv().unwrap();
    let half = small(2).inv().unwrap();
    check(range(12, 128, 0), 0, small(0x100), two(128));
    check(range(12, 128, 0), 0xfff, small(0xfff), two(132) - small(1));
    check(range(12, 128, 0), 0xfff, small(0xfff) * sixteenth, two(128) + two(120) - two(116) - small(1));
    check(high(8, 4), 0, small(16), two(128));
    check(high(8, 4), 0, sixteenth, two(128) - small(16) + sixteenth);
    check(high(8, 1), 0, half, two(128) - small(2) + half);
    check(high(12, 40), 0, small(16), two(128));
    check(high(16, 120), 0, small(0x100), two(128));
    check(high(16, 120), 0xffff, small(0xffff), two(128) - two(120) + two(128) - small(1));
}

/// A cell stands in two rows, with two values: in rows of one kind, of two, and in a range table beside.
#[test]
fn overlapping_rows() {
    let value = small(77);
    let k = CELLS - 1;
    for lengths in [&[15][..], &[11, 4], &[1, 1, 13]] {
        for (length, is_old) in [(1, true), (1, false), (2, false), (4, false), (15, false)] {
            let mut forger = of_marks(lengths);
            let first = CELLS - length;
            let address = forger.address(first);
            let mut values: Vec<Felt> = marks()[first..].iter().copied().map(wide).collect();
            *values.last_mut().unwrap() = value;
            let second = range(8, 128, 0);
            match is_old {
                true => forger.add_range(second, &[row(second, address, value)]),
                false => {
                    // Another order of limbs than in the row before, but where one has the same limbs throughout.
                    let kind = counted(&vec![second; length]);
                    forger.add_range_rows(&kind, &[row_of_several(&kind, address, &values)]);
                }
            }
            forger.output_reads(value);
            assert_eq!(forger.address(k) + 1, address + length as u32);
            forger.refused_but_for(&public(walk(buses::RANGE, address, address + length as u32).into()));
        }
    }
    // Rows that overlap in part, so that the addresses between them have two, and some have none.
    let mut forger = Forger::new(&marks().map(wide));
    let one = range(8, 128, 0);
    let four = counted(&[one; 4]);
    let values = |first: usize| marks()[first..first + 4].iter().copied().map(wide).collect::<Vec<_>>();
    let rows = [0, 3, 7, 11].map(|first| row_of_several(&four, forger.address(first), &values(first)));
    forger.add_range_rows(&four, &rows);
    // The steps from 3 to 4 are made twice: once too often.
    let back = walk(buses::RANGE, forger.address(3), forger.address(4));
    forger.refused_but_for(&public(back.into()));
}

/// The last row goes on behind the segment's end, and the first begins before it.
#[test]
fn rows_that_reach_beyond_the_segment() {
    let one = range(8, 128, 0);
    for (length, inside) in [(2, 1), (4, 1), (4, 3), (16, 15), (16, 7)] {
        let mut forger = Forger::new(&marks().map(wide));
        let Segment { stop, .. } = forger.segment();
        let first = CELLS - inside;
        let others: Vec<Row> = (0..first).map(|k| row(one, forger.address(k), wide(marks()[k]))).collect();
        if !others.is_empty() {
            forger.add_range(one, &others);
        }
        let kind = counted(&vec![one; length]);
        let mut values: Vec<Felt> = marks()[first..].iter().copied().map(wide).collect();
        values.resize(length, small(5));
        let address = forger.address(first);
        forger.add_range_rows(&kind, &[row_of_several(&kind, address, &values)]);
        let end = address + length as u32;
        forger.refused_but_for(&public(walk(buses::RANGE, stop, end).into()));
    }
    // What stands before the segment has a second value so.
    for (length, inside) in [(2, 1), (5, 3), (16, 15)] {
        let mut forger = Forger::new(&marks().map(wide));
        let Segment { base, .. } = forger.segment();
        let kind = counted(&vec![one; length]);
        let before = length - inside;
        let mut values = vec![small(5); before];
        values.extend(marks()[..inside].iter().copied().map(wide));
        let others: Vec<Row> = (inside..CELLS).map(|k| row(one, forger.address(k), wide(marks()[k]))).collect();
        if !others.is_empty() {
            forger.add_range(one, &others);
        }
        let first = base - before as u32;
        forger.add_range_rows(&kind, &[row_of_several(&kind, first, &values)]);
        forger.refused_but_for(&public(walk(buses::RANGE, first, base).into()));
    }
}

/// Addresses of the segment have no row: so nobody checks what they hold.
#[test]
fn addresses_skipped() {
    for (skipped, length) in [(7, 1), (5, 4), (11, 4), (0, 3)] {
        let forged = skipped + length - 1;
        let k = forged.max(2);
        let value = two(128);
        let mut forger = Forger::with(k, value);
        let one = range(8, 128, 0);
        let mut cells = Vec::new();
        for (first, end) in [(0, skipped), (skipped + length, CELLS)] {
            if first < end {
                let kind = counted(&vec![one; end - first]);
                let values: Vec<Felt> = marks()[first..end].iter().copied().map(wide).collect();
                let address = forger.address(first);
                forger.add_range_rows(&kind, &[row_of_several(&kind, address, &values)]);
            }
        }
        // Nobody has the cells: so be it.
        for at in skipped..skipped + length {
            let held = if at == k { value } else { wide(marks()[at]) };
            let cell = vec![small(u64::from(forger.address(at))), held];
            let provided = PublicTuple::provide(buses::MEMORY, cell);
            cells.extend(vec![provided; uses_of(at)]);
        }
        let (from, to) = (forger.address(skipped), forger.address(skipped + length));
        cells.extend(walk(buses::RANGE, to, from));
        forger.refused_but_for(&public(cells));
    }
}

/// How often the run requires a checked cell.
fn uses_of(k: usize) -> usize {
    let mut forger = of_marks(&[15]);
    forger.reclaim().unwrap();
    forger.balance();
    let (position, kind) = tables(&forger).remove(0);
    encoding::to_u64(&forger.0.traces[position][kind.uses() + k][0]).unwrap() as usize
}

/// Uses that are claimed to be fewer or more than they are: none, one, or what a column says of another cell.
#[test]
fn uses_claimed_wrongly() {
    let one = range(8, 128, 0);
    let uses: Vec<usize> = (0..CELLS).map(uses_of).collect();
    let mut seen = [false; 3];
    for k in [0, 1, 6, CELLS - 1] {
        for claimed in [UNUSED, ONCE] {
            // Columns are numbered anew without that of the cell.
            let mut next = 2;
            let entries = (0..CELLS).map(|at| {
                let uses = if at == k { claimed } else { next };
                next += u8::from(at != k);
                Entry { range: one, uses }
            });
            let kind = RangeRow::new(entries.collect()).unwrap();
            let mut forger = Forger::new(&marks().map(wide));
            let address = forger.address(0);
            forger.add_range_rows(&kind, &[row_of_several(&kind, address, &marks().map(wide))]);
            let cell = vec![small(u64::from(forger.address(k))), wide(marks()[k])];
            let is_true = uses[k] == usize::from(claimed);
            seen[usize::from(is_true)] = true;
            if is_true {
                assert!(forger.try_it().is_ok(), "{k}");
                continue;
            }
            let multiplicity = small(uses[k] as u64) - small(u64::from(claimed));
            let tuple = PublicTuple { multiplicity, ..PublicTuple::provide(buses::MEMORY, cell) };
            forger.refused_but_for(&public(vec![tuple]));
        }
        // As often as the first cell, where that is another number.
        if uses[k] != uses[0] {
            seen[2] = true;
            let mut next = 3;
            let entries = (0..CELLS).map(|at| {
                let uses = if at == 0 || at == k { 2 } else { next };
                next += u8::from(at != 0 && at != k);
                Entry { range: one, uses }
            });
            let kind = RangeRow::new(entries.collect()).unwrap();
            let mut forger = Forger::new(&marks().map(wide));
            let address = forger.address(0);
            forger.add_range_rows(&kind, &[row_of_several(&kind, address, &marks().map(wide))]);
            let other = vec![small(u64::from(forger.address(k))), wide(marks()[k])];
            let multiplicity = small(uses[k] as u64) - small(uses[0] as u64);
            let cell = PublicTuple { multiplicity, ..PublicTuple::provide(buses::MEMORY, other) };
            let position = tables(&forger)[0].0;
            forger.reclaim().unwrap();
            forger.0.public.push(cell.clone());
            forger.balance();
            assert_eq!(forger.0.traces[position][kind.uses()][0], small(uses[0] as u64), "{k}");
            forger.refused_but_for(&public(vec![cell]));
        }
    }
    assert_eq!(seen, [true; 3], "{uses:?}");
}

/// Rows that are in use twice, half, or less than not at all, so that those of one piece come to one together.
#[test]
fn other_enablers() {
    let half = small(2).inv().unwrap();
    let minus = -Felt::one();
    let k = CELLS - 1;
    let one = range(8, 128, 0);
    for length in [1, 4, 15] {
        let first = CELLS - length;
        let kind = counted(&vec![one; length]);
        for (value, rows) in [
            (small(77), vec![(Felt::one(), None), (Felt::one(), Some(small(77))), (minus, Some(small(5)))]),
            (small(77), vec![(small(2), None), (minus, Some(small(77)))]),
            (small(77), vec![(half, None), (half, Some(small(77)))]),
            (two(128), vec![(Felt::one(), None), (Felt::one(), Some(two(128))), (minus, Some(two(128) + small(1)))]),
        ] {
            let mut forger = Forger::new(&marks().map(wide));
            let address = forger.address(first);
            let others: Vec<Row> = (0..first).map(|k| row(one, forger.address(k), wide(marks()[k]))).collect();
            if !others.is_empty() {
                forger.add_range(one, &others);
            }
            let rows: Vec<Row> = rows
                .into_iter()
                .map(|(enabler, last)| {
                    let mut values: Vec<Felt> = marks()[first..].iter().copied().map(wide).collect();
                    if let Some(last) = last {
                        *values.last_mut().unwrap() = last;
                    }
                    Row { enabler, ..row_of_several(&kind, address, &values) }
                })
                .collect();
            assert_eq!(forger.address(k), address + length as u32 - 1);
            forger.add_range_rows(&kind, &rows);
            forger.output_reads(value);
            forger.refused_but_for(&missing(&["boolean_enabler"]));
        }
    }
}

/// Without the edge, a second row of a cell is nobody's.
#[test]
fn without_the_walk() {
    for length in [1, 4, 15] {
        let mut forger = of_marks(&[1; CELLS]);
        let first = CELLS - length;
        let kind = counted(&vec![range(8, 128, 0); length]);
        let address = forger.address(first);
        let mut values: Vec<Felt> = marks()[first..].iter().copied().map(wide).collect();
        *values.last_mut().unwrap() = small(77);
        forger.add_range_rows(&kind, &[row_of_several(&kind, address, &values)]);
        forger.output_reads(small(77));
        let names = |of: &TableKind| match of {
            TableKind::RangeRow(row) => {
                let air = row.air().unwrap();
                let place = |name| air.interactions().iter().position(|interaction| interaction.name == name).unwrap();
                let (checks, checked) = (place("checks"), place("checked"));
                assert!(checks < checked);
                Some(air.without_interaction(checked).without_interaction(checks))
            }
            _ => None,
        };
        forger.clone().refused_but_for(&Weak { swap: Some(&names), ..Weak::default() });
    }
}

/// Layouts of range rows: the builtin's others never beside them, never for a segment that is not owned or empty; four of a kind at most.
#[test]
fn layouts() {
    let honest = of_marks(&[5, 5, 5]);
    assert_eq!(tables(&honest).len(), 3);
    assert!(honest.clone().try_it().is_ok());
    let cells = CELLS as u32;
    let mut both = honest.clone();
    both.add_old_table();
    let builtin = Builtin::RangeCheck;
    assert_eq!(both.layout_error(), LayoutError::BuiltinTables { builtin, cells, expected: 0, found: 1 });
    let mut empty = honest.clone();
    empty.claim_segment(empty.address(0), empty.address(0));
    assert_eq!(empty.layout_error(), LayoutError::RangeTables { is_owned: false, found: 3 });
    let mut cut = Forger::new(&marks().map(wide));
    let owned_end = cut.address(7);
    cut.cut(owned_end);
    cut.add_old_table();
    let kind = counted(&[range(12, 128, 0); 7]);
    let values: Vec<Felt> = marks()[..7].iter().copied().map(wide).collect();
    let address = cut.address(0);
    cut.add_range_rows(&kind, &[row_of_several(&kind, address, &values)]);
    assert_eq!(cut.layout_error(), LayoutError::RangeTables { is_owned: false, found: 1 });

    // Range rows stand behind all other tables, in the order of their cells.
    let [(first, _), .., (last, _)] = tables(&honest)[..] else { panic!() };
    assert_eq!(last + 1, honest.0.layout.tables.len());
    for position in first - 1..last {
        let mut forger = honest.clone();
        forger.0.layout.tables.swap(position, position + 1);
        let kind = forger.0.layout.tables[position + 1].kind.to_string();
        assert_eq!(forger.layout_error(), LayoutError::Order { position: position + 1, kind });
    }
    let mut forger = honest.clone();
    let kind = forger.0.layout.tables[first].kind.clone();
    for chunks in 2..=5 {
        // A table of padding alone does no harm.
        let mut trace = forger.0.traces[first].iter().map(|column| vec![column[0]; 64]).collect::<Vec<_>>();
        trace[RangeRow::ENABLER] = vec![Felt::zero(); 64];
        forger.add_table(kind.clone(), trace);
        match forger.clone().try_it() {
            Ok(_) => assert!(chunks <= 4),
            Err(VerifyError::Layout(LayoutError::TooMany { found, limit, .. })) => assert_eq!((found, limit), (5, 4)),
            other => panic!("{other:?}"),
        }
    }
    let mut forger = honest;
    forger.drop_tables(|kind| *kind == TableKind::Limb(Limb::Bits12));
    assert_eq!(forger.layout_error(), LayoutError::Provider { bus: buses::WORD12, expected: 1, found: 0 });
}

/// Bytes of a file that name cells which are none.
#[test]
fn rows_that_are_none_in_a_file() {
    let forger = of_marks(&[7, 8]);
    let kind = tables(&forger).remove(0).1;
    let Witness { statement, claim, layout, .. } = &forger.0;
    let file = CairoProof::new(statement, CHEAP, claim.clone(), layout.clone(), Vec::new()).encode();
    let mut pattern = vec![26];
    cairo_air::components::Component::describe(&kind, &mut pattern);
    assert_eq!(pattern.len(), 2 + 7 * 19);
    let places: Vec<usize> =
        file.windows(pattern.len()).enumerate().filter(|(_, w)| *w == pattern).map(|(at, _)| at).collect();
    let [at] = places[..] else { panic!("{places:?}") };
    let with = |place: usize, byte: u8| {
        let mut file = file.clone();
        file[at + place] = byte;
        verify(statement, &file, &policy())
    };
    // A file without a STARK proof, but with all that comes before.
    assert!(matches!(with(1, 7), Err(VerifyError::Decode(_))));
    assert!(matches!(with(20, ONCE), Err(VerifyError::File(_))));
    assert_eq!(MAX_CELLS, 16);
    for cells in [0, 17, 255] {
        let what = "cells of a range row";
        let expected = CodecError::Unknown { what, found: u64::from(cells), offset: at + 1 };
        assert_eq!(with(1, cells), Err(VerifyError::File(ProofFileError::Codec(expected))));
    }
    // The first column is 2, the next at most one more.
    for (cell, uses) in [(0, 3), (0, 255), (1, 4), (6, 9)] {
        let what = "cells of a range row";
        let expected = CodecError::Unknown { what, found: 7, offset: at + 1 };
        let place = 2 + 19 * cell + 18;
        assert_eq!(with(place, uses), Err(VerifyError::File(ProofFileError::Codec(expected))), "{cell} {uses}");
    }
    for (place, byte) in [(2, 4), (2, 13), (3, 0), (3, 129)] {
        assert!(matches!(
            with(place, byte),
            Err(VerifyError::File(ProofFileError::Codec(CodecError::Unknown { what: "range of a range table", .. })))
        ));
    }
    for length in at + 1..at + pattern.len() {
        let result = verify(statement, &file[..length], &policy());
        let truncated = matches!(result, Err(VerifyError::File(ProofFileError::Codec(CodecError::Truncated { .. }))));
        assert!(truncated, "{result:?}");
    }
}
