//! Segments that are claimed shorter, longer or elsewhere.

use super::*;

/// The public tuple of the base or the stop pointer is taken back.
pub fn free_pointer(forger: &Forger, stop: bool) -> PublicTuple {
    forger.free_pointer_of(Builtin::RangeCheck, stop)
}

impl Forger {
    pub fn claim_segment(&mut self, base: u32, stop: u32) {
        self.claim_segment_of(Builtin::RangeCheck, base, stop);
    }
}

/// The segment is said to end earlier or to begin later, so that a cell with a value too large is in the cell table.
#[test]
fn a_segment_claimed_shorter() {
    let range = range(8, 128, 0);
    for (from, to, forged) in [(0, CELLS - 1, CELLS - 1), (0, 3, 7), (3, CELLS, 2), (CELLS - 1, CELLS, 2)] {
        let value = two(128);
        let mut forger = Forger::with(forged, value);
        forger.claim_segment(forger.address(from), forger.address(to));
        let rows: Vec<Row> = (from..to).map(|k| row(range, forger.address(k), wide(marks()[k]))).collect();
        forger.add_range(range, &rows);
        for k in (0..CELLS).filter(|k| !(from..to).contains(k)) {
            forger.add_cell(forger.address(k), if k == forged { value } else { wide(marks()[k]) });
        }
        let mut tuples = Vec::new();
        if from > 0 {
            tuples.push(free_pointer(&forger, false));
        }
        if to < CELLS {
            tuples.push(free_pointer(&forger, true));
        }
        forger.refused_but_for(&public(tuples));
    }
    // The range tables go on to where the segment really ends, with other values behind what is claimed.
    let mut forger = Forger::new(&marks().map(wide));
    let last = forger.address(CELLS - 1);
    forger.claim_segment(forger.address(0), last);
    forger.add_marks(range, None);
    let mut tuples = vec![free_pointer(&forger, true)];
    tuples.extend(twice(buses::RANGE, last));
    tuples.extend(kept(buses::OWNED, last));
    forger.refused_but_for(&public(tuples));
}

/// The segment is said to begin earlier, with the cell before it in the range table, or to end after the last cell.
#[test]
fn a_segment_claimed_longer() {
    let range = range(8, 128, 0);
    let mut forger = Forger::new(&marks().map(wide));
    let Segment { base, stop } = forger.segment();
    assert_eq!(forger.0.claim.owned_end, stop);
    forger.claim_segment(base - 1, stop);
    let (position, at) = forger.cell_row(base - 1).unwrap();
    let value = forger.0.traces[position][2][at];
    forger.0.traces[position][0][at] = Felt::zero();
    forger.add_marks(range, None);
    forger.add_range(range, &[row(range, base - 1, value)]);
    let pointer = free_pointer(&forger, false);
    forger.refused_but_for(&public(vec![pointer]));

    let mut forger = Forger::new(&marks().map(wide));
    forger.claim_segment(base, stop + 1);
    forger.0.claim.owned_end += 1;
    forger.add_marks(range, None);
    forger.add_range(range, &[row(range, stop, small(3))]);
    let pointer = free_pointer(&forger, true);
    forger.refused_but_for(&public(vec![pointer]));
}

/// The segment is said to be the cell that a path's row owns; the cells that are meant are in the cell table.
#[test]
fn a_segment_claimed_in_a_path() {
    let range = range(8, 128, 0);
    for value in [two(128), wide(marks()[7])] {
        let mut forger = Forger::with(7, value);
        let path = forger.0.layout.tables.iter().position(|entry| matches!(entry.kind, TableKind::Path(_))).unwrap();
        let ap = forger.0.tables[path].air.columns().iter().position(|name| name == "ap").unwrap();
        let owned = encoding::to_u64(&forger.0.traces[path][ap][0]).unwrap() as u32;
        for k in 0..CELLS {
            forger.add_cell(forger.address(k), if k == 7 { value } else { wide(marks()[k]) });
        }
        forger.claim_segment(owned, owned + 1);
        forger.add_range(range, &[row(range, owned, Felt::zero())]);
        let mut tuples: Vec<_> = twice(buses::OWNED, owned).into();
        tuples.extend([free_pointer(&forger, false), free_pointer(&forger, true)]);
        forger.refused_but_for(&public(tuples));
    }
}

impl Forger {
    /// Every cell of the run with the marks.
    pub fn cells() -> Vec<Felt> {
        let Self(Witness { claim, layout, traces, .. }) = Self::new(&marks().map(wide));
        let mut cells = vec![Felt::zero(); claim.owned_end as usize];
        for (_, trace) in layout.tables.iter().zip(&traces).filter(|(entry, _)| entry.kind == TableKind::Cell) {
            for row in (0..trace[0].len()).filter(|row| trace[0][*row] == Felt::one()) {
                cells[encoding::to_u64(&trace[1][row]).unwrap() as usize] = trace[2][row];
            }
        }
        let base = cells.len() - CELLS;
        cells[base..].copy_from_slice(&marks().map(wide));
        cells
    }

    /// Lets the owned cells end earlier, so that a memory table has the rest.
    pub fn cut(&mut self, owned_end: u32) {
        let cells = Self::cells();
        let owned: Vec<usize> = (0..CELLS).filter(|k| self.address(*k) < owned_end).collect();
        for k in owned {
            self.add_cell(self.address(k), wide(marks()[k]));
        }
        let above: Vec<_> = (owned_end..cells.len() as u32).filter_map(|address| self.cell_row(address)).collect();
        above.into_iter().for_each(|(position, row)| self.0.traces[position][0][row] = Felt::zero());
        let multiplicities = Multiplicities::new(cells.len());
        let trace = memory_witness::fill(&cells, u64::from(owned_end), 6, &multiplicities, &NoControl).unwrap();
        self.add_table(TableKind::Memory, trace);
        self.0.claim.owned_end = owned_end;
    }

    /// The builtin's other table, with 12-bit limbs.
    pub fn add_old_table(&mut self) {
        let cells = Self::cells();
        let segment = self.segment();
        let multiplicities = Multiplicities::new(cells.len());
        let log_height = table_size::log_height(u64::from(segment.stop - segment.base));
        let trace = fill_words12(&cells, segment, log_height, &multiplicities, &NoControl).unwrap();
        self.add_table(TableKind::RangeCheck(Limbs::Words12), trace);
        if !self.0.layout.tables.iter().any(|entry| entry.kind == TableKind::Limb(Limb::Bits12)) {
            let values = (0..1 << word12::LOG_HEIGHT).map(small).collect();
            self.add_table(TableKind::Limb(Limb::Bits12), vec![values, vec![Felt::zero(); 1 << word12::LOG_HEIGHT]]);
        }
    }
}

/// Owned cells that end within the segment: then the builtin has the tables that it has without owners, and no others.
#[test]
fn owned_cells_end_within_the_segment() {
    let honest = Forger::new(&marks().map(wide));
    let Segment { base, stop } = honest.segment();
    for owned_end in [base - 1, base, base + 1, base + 7, stop - 1] {
        let mut cut = honest.clone();
        cut.cut(owned_end);
        let mut old = cut.clone();
        old.add_old_table();
        assert!(old.clone().try_it().is_ok(), "{owned_end}");

        let cells = stop - base;
        let builtin = Builtin::RangeCheck;
        let none = LayoutError::BuiltinTables { builtin, cells, expected: 1, found: 0 };
        assert_eq!(cut.clone().layout_error(), none);
        let range = range(12, 128, 0);
        for mut forger in [cut, old] {
            let owned = (0..CELLS).filter(|k| honest.address(*k) < owned_end);
            let mut rows: Vec<Row> = owned.map(|k| row(range, honest.address(k), wide(marks()[k]))).collect();
            if rows.is_empty() {
                rows.push(row(range, base, small(0)));
            }
            forger.add_range(range, &rows);
            assert_eq!(forger.layout_error(), LayoutError::RangeTables { is_owned: false, found: 1 });
        }
    }
    // Without memory after them the segment lies outside.
    let mut forger = honest.clone();
    forger.add_marks(range(8, 128, 0), None);
    forger.0.claim.owned_end = stop - 1;
    assert!(matches!(forger.try_it(), Err(VerifyError::Claim(ClaimError::OutsideMemory { .. }))));
}

/// Runs with values near 2^128, with the ranges that the prover chooses.
#[test]
fn near_the_top() {
    /// The value of a cell.
    type Mix = fn(usize) -> u128;
    let mixes: [(Mix, bool); 7] = [
        (|k| u128::MAX - k as u128, true),
        (|k| u128::MAX - 255 + k as u128, true),
        (|k| u128::MAX - 256 - k as u128, true),
        (|k| if k % 2 == 0 { k as u128 } else { u128::MAX - ((k as u128) << 20) }, true),
        (|k| u128::MAX - (1 << (k * 5)), false),
        (|k| (1 << 127) + k as u128, false),
        (|k| (1 << 127) - 1 - k as u128, false),
    ];
    for (mix, (value, has_offset)) in mixes.into_iter().enumerate() {
        let values = std::array::from_fn(|k| if k < 2 { k as u128 } else { value(k) });
        let forger = Forger(witness_of(values));
        let ranges: Vec<Range> = (forger.0.layout.tables.iter())
            .filter_map(|entry| if let TableKind::Range(range) = entry.kind { Some(range) } else { None })
            .collect();
        assert!(!has_offset || ranges.iter().any(|range| range.offset() > 1 << 127), "{mix}: {ranges:?}");
        let clean = report(&forger.0);
        assert!(clean.is_clean(), "{mix}: {clean}");
        let verified = forger.try_it().unwrap();
        assert_eq!(verified.runs[0].output, [6, 14].map(|k| wide(values[k])));
    }
}
