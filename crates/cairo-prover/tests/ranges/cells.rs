//! Checked cells that stand in other tables, in two, or in none.

use super::*;

/// A checked cell with a value too large stands in the cell table, which checks nothing.
#[test]
fn in_the_cell_table_instead() {
    for k in [2, 7, CELLS - 1] {
        for value in [two(128), -Felt::one(), wide(marks()[k])] {
            let mut forger = Forger::with(k, value);
            let address = forger.address(k);
            forger.add_other_marks(range(8, 128, 0), k);
            forger.add_cell(address, value);
            let tuples = [twice(buses::OWNED, address), kept(buses::RANGE, address)].concat();
            forger.refused_but_for(&public(tuples));
        }
    }
}

/// All checked cells stand there, and the range table has padding only.
#[test]
fn a_range_table_of_padding() {
    let mut forger = Forger::with(7, two(128));
    let range = range(8, 128, 0);
    let rows: Vec<Row> =
        (0..CELLS).map(|k| Row { enabler: Felt::zero(), ..row(range, forger.address(k), wide(marks()[k])) }).collect();
    forger.add_range(range, &rows);
    for k in 0..CELLS {
        forger.add_cell(forger.address(k), if k == 7 { two(128) } else { wide(marks()[k]) });
    }
    // The verifier asks nothing of the segment.
    let Segment { base, stop } = forger.segment();
    let [base, stop] = [base, stop].map(|address| vec![small(u64::from(address))]);
    forger.refused_but_for(&public(vec![
        PublicTuple::provide(buses::OWNED, base.clone()),
        PublicTuple::require(buses::OWNED, stop.clone()),
        PublicTuple::require(buses::RANGE, base),
        PublicTuple::provide(buses::RANGE, stop),
    ]));
}

/// A checked cell has a row in the cell table as well, with another value.
#[test]
fn in_the_cell_table_too() {
    for value in [small(77), two(128), -Felt::one()] {
        let mut forger = Forger::new(&marks().map(wide));
        let address = forger.address(CELLS - 1);
        forger.add_marks(range(12, 128, 0), None);
        forger.add_cell(address, value);
        forger.output_reads(value);
        forger.refused_but_for(&public(twice(buses::OWNED, address).into()));
    }
}

/// A cell twice in range tables, with two values: in one table, in two of one range, in tables of two ranges.
#[test]
fn two_values_in_range_tables() {
    let value = small(77);
    let first = range(8, 128, 0);
    for second in [None, Some(first), Some(range(8, 8, 0)), Some(range(12, 12, 0)), Some(range(12, 128, 0))] {
        let mut forger = Forger::new(&marks().map(wide));
        let address = forger.address(CELLS - 1);
        match second {
            Some(second) => {
                forger.add_marks(first, None);
                forger.add_range(second, &[row(second, address, value)]);
            }
            None => {
                let mut rows: Vec<Row> = (0..CELLS).map(|k| row(first, forger.address(k), wide(marks()[k]))).collect();
                rows.push(row(first, address, value));
                forger.add_range(first, &rows);
            }
        }
        forger.output_reads(value);
        forger.refused_but_for(&public(twice(buses::RANGE, address).into()));
    }
}

/// An address of the segment has no row, or its neighbour has two.
#[test]
fn an_address_skipped() {
    let range = range(8, 128, 0);
    for (k, neighbour) in [(7, None), (7, Some(6)), (7, Some(8)), (2, Some(1)), (13, Some(14))] {
        let value = two(128);
        let mut forger = Forger::with(k, value);
        let address = forger.address(k);
        forger.add_other_marks(range, k);
        // Nobody has the cell: so be it.
        let cell = PublicTuple::provide(buses::MEMORY, vec![small(u64::from(address)), value]);
        let mut tuples = vec![cell];
        tuples.extend(kept(buses::RANGE, address));
        if let Some(neighbour) = neighbour {
            let at = forger.address(neighbour);
            forger.add_range(range, &[row(range, at, wide(marks()[neighbour]))]);
            tuples.extend(twice(buses::RANGE, at));
        }
        forger.refused_but_for(&public(tuples));
    }
}

/// A range table whose rows of padding provide what they hold.
pub fn padding_provides(kind: &TableKind) -> Option<stark::Air> {
    let TableKind::Range(range) = kind else { return None };
    let mut b = AirBuilder::new("range table with generous padding");
    let enabler = b.column("enabler");
    let address = b.column("address");
    let uses = b.column("uses");
    let limbs: Vec<_> = (0..range.limbs()).map(|i| b.column(format!("limb[{i}]"))).collect();
    b.constrain_boolean("boolean_enabler", &enabler);
    b.require("checks", buses::RANGE, &enabler, [address.clone()]);
    b.provide("checked", buses::RANGE, &enabler, [&address + 1]);
    let radix = stark::Expr::from(1_u64 << range.bits());
    let rest = limbs.iter().rev().fold(stark::Expr::zero(), |value, limb| value * &radix + limb);
    b.provide("cell", buses::MEMORY, uses, [address, rest + wide(range.offset())]);
    let bus = [buses::BYTE, buses::WORD12, buses::WORD16][usize::from(range.bits() - 8) / 4];
    for (i, limb) in limbs.iter().enumerate() {
        b.require(format!("limb[{i}]"), bus, &enabler, [limb.clone()]);
    }
    if let (Some(excess), Some(top)) = (range.excess(), limbs.last()) {
        b.require("top", bus, &enabler, [top * (1_u64 << excess)]);
    }
    Some(b.build().unwrap())
}

/// A row of padding provides the cell with another value, whose limbs nobody looks at.
#[test]
fn padding_that_provides() {
    for range in [range(8, 128, 0), range(12, 128, 0), range(16, 120, 0)] {
        for value in [small(77), two(128), -Felt::one()] {
            let mut forger = Forger::new(&marks().map(wide));
            let address = forger.address(CELLS - 1);
            let mut rows: Vec<Row> = (0..CELLS).map(|k| row(range, forger.address(k), wide(marks()[k]))).collect();
            rows.push(Row { enabler: Felt::zero(), ..row(range, address, value) });
            forger.add_range(range, &rows);
            forger.output_reads(value);
            forger.refused_but_for(&Weak { swap: Some(&padding_provides), ..Weak::default() });
        }
    }
}

/// Rows that are in use twice, half, or less than not at all, so that those of one address come to one together.
#[test]
fn other_enablers() {
    let mark = wide(marks()[CELLS - 1]);
    let half = small(2).inv().unwrap();
    let range = range(8, 128, 0);
    let minus = -Felt::one();
    let one = Felt::one();
    let too_much = two(128);
    // Rows for the last cell: enabler and value. A row with −1 gives back the lookup of a limb that is none.
    let all: [(Felt, &[(Felt, Felt)]); 5] = [
        (small(77), &[(one, mark), (one, small(77)), (minus, small(5))]),
        (small(77), &[(small(2), mark), (minus, small(77))]),
        (small(77), &[(half, mark), (half, small(77))]),
        (too_much, &[(one, mark), (one, too_much), (minus, too_much + small(1))]),
        (
            too_much + small(255),
            &[
                (small(2), mark),
                (one, too_much + small(255)),
                (-small(2), too_much + small(254)),
                (minus + one, mark),
                (one, too_much + small(3)),
                (minus, mark),
            ],
        ),
    ];
    for (case, (value, last)) in all.into_iter().enumerate() {
        let mut forger = Forger::new(&marks().map(wide));
        let address = forger.address(CELLS - 1);
        let mut rows: Vec<Row> = (0..CELLS - 1).map(|k| row(range, forger.address(k), wide(marks()[k]))).collect();
        let sum = last.iter().fold(Felt::zero(), |sum, (enabler, _)| sum + *enabler);
        assert_eq!(sum, one, "{case}");
        rows.extend(last.iter().map(|(enabler, value)| Row { enabler: *enabler, ..row(range, address, *value) }));
        forger.add_range(range, &rows);
        forger.output_reads(value);
        forger.refused_but_for(&missing(&["boolean_enabler"]));
    }
}
