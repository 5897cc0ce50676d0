//! Cells that nobody owns, or two, or somebody else.

use super::*;

/// An owned cell gets a second owner with another value, which some of its users read: an output cell, where the public side
/// reads it, and a cell of a path's row.
#[test]
fn a_cell_with_two_owners() {
    for honest in [planned(), planned_with_memory()] {
        let Retold { mut forger, cell, value, .. } = retold(honest);
        forger.add_cell_rows(&[[small(1), small(cell), value]]);
        forger.refused_by_owners(2);
    }
    let mut forger = Forger::new(planned());
    let output = u64::from(forger.0.claim.runs[0].segments[0].base) + 1;
    forger.0.claim.runs[0].output[1] += small(1);
    let value = forger.0.claim.runs[0].output[1];
    forger.add_cell_rows(&[[small(1), small(output), value]]);
    forger.refused_by_owners(2);
}

/// The second owner of a path's cell is a row that should own another one, which nobody reads. Each address from first to
/// last is counted, but not each has its owner.
#[test]
fn a_cell_without_owner() {
    let Retold { mut forger, cell, value, .. } = retold(planned());
    // Cells that the run has no use for, which are no lie.
    let more = forger.0.claim.owned_end..forger.0.claim.owned_end + 3;
    forger.0.claim.owned_end = more.end;
    let unread = |at: u32| [small(1), small(u64::from(at)), small(3)];
    let mut honest = Forger::new(planned());
    honest.0.claim.owned_end = more.end;
    honest.add_cell_rows(&more.clone().map(unread).collect::<Vec<_>>());
    assert!(honest.try_it().is_ok());
    for hole in more.clone() {
        let row = |at: u32| if at == hole { [small(1), small(cell), value] } else { unread(at) };
        let mut forger = Forger::new(&forger.0);
        forger.add_cell_rows(&more.clone().map(row).collect::<Vec<_>>());
        // The walk breaks off at the hole and goes on behind it, or ends there; the cell has two owners.
        forger.refused_by_owners(4);
    }
}

/// A row of the cell table has another value for a cell of a memory table; by itself, or at the end of a walk that goes on
/// beyond the end of owned cells.
#[test]
fn owned_cells_in_memory_tables() {
    let output = u64::from(planned().claim.runs[0].segments[0].base) + 1;
    let end = u64::from(planned_with_memory().claim.owned_end);
    assert!(end <= output);
    for first in [output, end] {
        let mut forger = Forger::new(planned_with_memory());
        forger.0.claim.runs[0].output[1] += small(1);
        let value = forger.0.claim.runs[0].output[1];
        let mut rows: Vec<_> = (first..output).map(|at| [small(1), small(at), forger.memory(at)]).collect();
        rows.push([small(1), small(output), value]);
        forger.add_cell_rows(&rows);
        forger.refused_by_owners(2);
    }
}

/// The layout says of a cell that others read that it is the path's own affair; rows of the cell table provide it, one of
/// them with another value.
#[test]
fn private_cells_that_others_read() {
    let Retold { mut forger, cell, value, place, .. } = retold(planned());
    let (_, path) = forger.owner();
    let cells = forger.cells();
    let others = forger.path_cells().into_iter().filter(|(at, _, k)| *k == place && *at != cell);
    let mut rows: Vec<_> = others.map(|(at, ..)| [small(1), small(at), cells[&at]]).collect();
    rows.push([small(1), small(cell), value]);
    forger.provide(|other| other != place && path.owned[other] > 0);
    forger.add_cell_rows(&rows);
    let addresses = 2 * rows.len();
    forger.refused_by_owners(addresses);
}

/// The claim puts the end of owned cells elsewhere, and memory tables go on from there, with another value for a cell that a row
/// owns.
#[test]
fn another_end_of_owned_cells() {
    let Retold { forger: start, cell, value, .. } = retold(planned());
    for end in [1, 2, cell as u32 - 1, cell as u32] {
        let mut forger = Forger::new(&start.0);
        forger.share(end);
        // Whose cells the rows of the cell table would be beyond the end is of no use to anyone.
        forger.set_cell(cell, value).unwrap();
        let report = forger.report();
        assert!(report.shapes.is_empty() && report.constraints.is_empty(), "{report}");
        let owned = report.imbalances.iter().all(|imbalance| imbalance.bus == buses::OWNED);
        assert!(owned && !report.imbalances.is_empty(), "{report}");
        assert_eq!(forger.try_it(), Err(VerifyError::Stark(stark::VerifyError::BusSum)), "{end}");
    }
    // Only the claim, true or not.
    for honest in [planned(), planned_with_memory()] {
        let owned_end = honest.claim.owned_end;
        for end in [0, 1, 2, owned_end - 1, owned_end + 1, owned_end + 8, 1 << 31, u32::MAX - 1, u32::MAX] {
            let mut forger = Forger::new(honest);
            forger.0.claim.owned_end = end;
            let has_memory = forger.0.layout.tables[0].kind == TableKind::Memory;
            if has_memory {
                let rows = 0..forger.column(&TableKind::Memory, "address").len() as u64;
                *forger.column(&TableKind::Memory, "address") =
                    rows.map(|row| small(u64::from(end) + 8 * row)).collect();
            }
            match forger.try_it() {
                Err(VerifyError::Claim(ClaimError::OwnedEnd)) => assert_eq!(end, 0),
                Err(VerifyError::Claim(ClaimError::OutsideMemory { .. })) => assert!(end < owned_end),
                Err(VerifyError::Layout(LayoutError::TooMuchMemory(_))) => assert!(has_memory && end > 1 << 31),
                Err(VerifyError::Stark(stark::VerifyError::BusSum)) => assert!(end > 0),
                other => panic!("{end}: {other:?}"),
            }
        }
    }
}

/// Padding holds another value of a cell, and counts its uses.
#[test]
fn padding_that_provides() {
    let missing = |forger: &mut Forger, cell, value| {
        let report = forger.report();
        assert!(report.shapes.is_empty() && report.constraints.is_empty(), "{report}");
        let [imbalance] = &report.imbalances[..] else { panic!("{report}") };
        assert_eq!((imbalance.bus, &imbalance.tuple), (buses::MEMORY, &vec![small(cell), value]), "{report}");
        -imbalance.excess
    };
    let Retold { mut forger, cell, value, .. } = retold(planned());
    let uses = missing(&mut forger, cell, value);
    forger.add_cell_rows(&[[small(0), small(cell), value]]);
    let row = forger.cell_rows().len();
    forger.reclaim();
    forger.balance();
    forger.column(&TableKind::Cell, "uses")[row] = uses;
    assert_eq!(missing(&mut forger, cell, value), uses);
    assert_eq!(forger.try_it(), Err(VerifyError::Stark(stark::VerifyError::BusSum)));

    // A path's padding: the row that owns the cell, with whatever makes it another value.
    let Retold { mut forger, cell, value, place, row } = retold(planned());
    forger.reclaim();
    forger.balance();
    let (position, number, altered) = forger.other_row(row, place, value);
    let padding = forger.0.traces[position][0].iter().position(|enabler| *enabler == small(0)).unwrap();
    for (column, value) in altered.into_iter().enumerate() {
        forger.0.traces[position][column][padding] = value;
    }
    forger.0.traces[position][0][padding] = small(0);
    forger.0.traces[position][number][padding] = uses;
    assert_eq!(missing(&mut forger, cell, value), uses);
    assert_eq!(forger.try_it(), Err(VerifyError::Stark(stark::VerifyError::BusSum)));
}

impl Forger {
    /// A path's row with another value of a cell that it provides, by another value of one that it reads: the table, the column of the
    /// cell's uses, and the row, which provides nothing yet.
    pub fn other_row(&self, row: usize, place: usize, value: Felt) -> (usize, usize, Vec<Felt>) {
        let (position, path) = self.owner();
        let derived = path.derive(&self.0.statement.program).unwrap();
        let trace = &self.0.traces[position];
        let mut altered: Vec<Felt> = trace.iter().map(|column| column[row]).collect();
        let number = derived.rows.sources.len() - path.owned.iter().filter(|number| **number > 0).count()
            + path.owned[..place].iter().filter(|number| **number > 0).count();
        for (column, source) in derived.rows.sources.iter().enumerate() {
            if matches!(source, Source::Uses(_)) {
                altered[column] = small(0);
            }
        }
        let ap = altered[1] + signed(i64::from(path.frame.expect("a fixed frame")));
        let at = ap + small(place as u64);
        let [_, cell] = derived.rows.owned.iter().find(|[address, _]| address.evaluate(&altered) == at).unwrap();
        // One that no constraint and no register hangs on.
        for (column, source) in derived.rows.sources.iter().enumerate() {
            let mut other = altered.clone();
            let term = cell.terms().iter().find(|(term, _)| *term as usize == column);
            if let (Source::Memory(_), Some((_, coefficient))) = (source, term) {
                other[column] += (value - cell.evaluate(&altered)) * coefficient.inv().unwrap();
                let holds = derived.rows.end.iter().all(|end| end.evaluate(&other) == end.evaluate(&altered))
                    && derived.air.constraints().iter().all(|constraint| {
                        let values = derived.air.graph().evaluate(|input| match input {
                            Input::Main(column) => other[column as usize],
                            _ => Felt::zero(),
                        });
                        values[constraint.expression.index()] == Felt::zero()
                    });
                if holds {
                    return (position, number, other);
                }
            }
        }
        panic!("nothing that the row reads is free");
    }
}

/// Rows that own a cell minus once, twice, or half, so that all of them together own it once.
#[test]
fn owners_that_are_not_whole() {
    let half = small(2).inv().unwrap();
    // With the path's row that owns the cell.
    for pair in [[small(1), -small(1)], [small(2), -small(2)], [half, -half]] {
        let Retold { mut forger, cell, value, .. } = retold(planned());
        forger.add_cell_rows(&pair.map(|enabler| [enabler, small(cell), value]));
        forger.refused_by_enabler(&TableKind::Cell);
    }
    // In place of the row that owns an output cell.
    let output = u64::from(planned().claim.runs[0].segments[0].base) + 1;
    for (own, other) in [(small(2), -small(1)), (-small(1), small(2)), (half, half)] {
        let mut forger = Forger::new(planned());
        let honest = forger.0.claim.runs[0].output[1];
        forger.0.claim.runs[0].output[1] += small(1);
        let rows = forger.cell_rows().into_iter().filter(|[_, address, _]| *address != small(output));
        let false_rows = [(own, honest), (other, honest + small(1))];
        let false_rows = false_rows.map(|(enabler, value)| [enabler, small(output), value]);
        forger.set_cell_rows(&rows.chain(false_rows).collect::<Vec<_>>());
        forger.refused_by_enabler(&TableKind::Cell);
    }
    // Two more rows of the path, of which one undoes all that the other does, but for the cell that it provides.
    for times in [small(1), small(2), half] {
        let Retold { mut forger, place, value, row, .. } = retold(planned());
        let (position, _, altered) = forger.other_row(row, place, value);
        let enablers = &forger.0.traces[position][0];
        let padding: Vec<usize> = (0..enablers.len()).filter(|row| enablers[*row] == small(0)).take(2).collect();
        for (row, enabler) in padding.into_iter().zip([times, -times]) {
            for (column, value) in altered.iter().enumerate() {
                forger.0.traces[position][column][row] = *value;
            }
            forger.0.traces[position][0][row] = enabler;
        }
        let kind = forger.0.layout.tables[position].kind.clone();
        forger.refused_by_enabler(&kind);
    }
}

/// Rows that own one address after another besides the walk from first to last: up to the end, from the start, all along, and
/// from the end back to the start, as far as that goes. Each holds another value of a cell.
#[test]
fn owners_off_the_walk() {
    let Retold { forger: start, cell, value, .. } = retold(planned());
    let cells = start.cells();
    let end = u64::from(start.0.claim.owned_end);
    for (first, stop) in [(cell, end), (1, cell + 1), (1, end), (cell - 20, cell + 20), (cell, end + 100)] {
        let mut forger = Forger::new(&start.0);
        let at = |address: u64| cells.get(&address).copied().unwrap_or_default();
        let row = |address: u64| [small(1), small(address), if address == cell { value } else { at(address) }];
        forger.add_cell_rows(&(first..stop).map(row).collect::<Vec<_>>());
        forger.refused_by_owners(2);
    }
    // Around the field: what comes before 1 is 0 and −1, and nothing leads there from the end.
    let mut forger = Forger::new(&start.0);
    let around = (0..40).map(|back| [small(1), -small(back), small(0)]);
    let all = (1..end)
        .map(|at| [small(1), small(at), if at == cell { value } else { cells.get(&at).copied().unwrap_or_default() }]);
    forger.add_cell_rows(&around.chain(all).collect::<Vec<_>>());
    forger.refused_by_owners(2);
}
