//! Cells of instances that stand elsewhere, in two places, or in none.

use super::*;

/// What is told of a cell.
const LIE: u64 = 0x7e57_1234_5678;

/// A cell of an instance stands in the cell table as well, with another value, which others read.
#[test]
fn in_the_cell_table_too() {
    for (bits, k) in [(4, 0), (8, 2), (4, 4)] {
        let mut told = told(bits, true);
        told.say(k, small(LIE));
        let at = told.address + k as u32;
        told.forger.add_cell(at, small(LIE));
        told.forger.refused_but_for(&public(twice(buses::OWNED, at).into()));
    }
}

/// An instance has a second row with other inputs, in its table, in the one of another size or in a new one. Others read the results of this one.
#[test]
fn other_inputs_in_another_row() {
    for (bits, limbs) in [(4, 63), (4, 2), (4, 9), (8, 32), (8, 5)] {
        let mut told = told(bits, true);
        let kind = row(bits, limbs, Some([2, 3, 4, 5, 6]));
        let words = [0x3c, 0x5a, 0x18].map(small);
        told.say_results(words);
        told.forger.add_row(kind, &row_of(kind, told.address, words));
        let again = edge(buses::BITWISE, told.address + CELLS as u32, told.address);
        told.forger.refused_but_for(&public(again.into()));
    }
}

/// A row begins within an instance: what it says of its second input is what others read as the conjunction.
#[test]
fn a_row_between_two_instances() {
    for (bits, by) in [(4, -2), (8, -1), (4, 1), (4, 2)] {
        let mut told = told(bits, true);
        let at = told.address.checked_add_signed(by).unwrap();
        let lie = small(LIE);
        // The cell is y of this row, or x; or xor or or, if the other input is 0.
        let words = if by == 1 { [Felt::zero(), lie, Felt::zero()] } else { [lie, Felt::zero(), Felt::zero()] };
        told.say(2, lie);
        let kind = told.kind;
        told.forger.add_row(kind, &row_of(kind, at, words));
        told.forger.refused_but_for(&public(edge(buses::BITWISE, at + CELLS as u32, at).into()));
    }
}

/// The layout says of a cell that nobody requires it, and it stands in the cell table; so do those of the table's other instances.
#[test]
fn cells_that_nobody_is_said_to_use() {
    for (bits, k) in [(4, 2), (8, 4)] {
        let mut told = told(bits, true);
        told.say(k, small(LIE));
        let mut uses = [2, 3, 4, 5, 6];
        uses[k] = 0;
        uses[k + 1..].iter_mut().for_each(|number| *number -= 1);
        let Witness { layout, traces, .. } = &mut told.forger.0;
        let kind = told.kind.with_owned(Some(uses)).unwrap();
        layout.tables[told.position].kind = TableKind::BitwiseRow(kind);
        traces[told.position].truncate(kind.columns());
        // Nobody has them: then what others require is provided by no one.
        assert_eq!(told.forger.clone().try_it(), Err(VerifyError::Stark(stark::VerifyError::BusSum)));
        let mut tuples = Vec::new();
        for (address, words) in told.instances() {
            if place(&told.forger, address).0 == told.position {
                let at = address + k as u32;
                let value = if address == told.address { small(LIE) } else { words[k] };
                told.forger.add_cell(at, value);
                tuples.extend(twice(buses::OWNED, at));
            }
        }
        assert!(tuples.len() > 2);
        told.forger.refused_but_for(&public(tuples));
    }
}

/// A table whose rows of padding provide what they hold.
fn padding_provides(kind: &TableKind) -> Option<stark::Air> {
    let TableKind::BitwiseRow(row) = kind else { return None };
    let mut b = AirBuilder::new("bitwise row table with generous padding");
    let columns: Vec<_> = (0..row.columns()).map(|i| b.column(format!("{i}"))).collect();
    let (enabler, address) = (&columns[BitwiseRow::ENABLER], &columns[BitwiseRow::ADDRESS]);
    b.constrain_boolean("boolean_enabler", enabler);
    b.require("visits", buses::BITWISE, enabler, [address.clone()]);
    b.provide("visited", buses::BITWISE, enabler, [address + CELLS as u64]);
    let limbs = |word: usize| &columns[BitwiseRow::LIMBS + word * row.limbs()..][..row.limbs()];
    let triple = |i: usize, times: u64| [0, 1, 2].map(|word| &limbs(word)[i] * times);
    for i in 0..row.limbs() {
        b.require(format!("limbs[{i}]"), row.bus(), enabler, triple(i, 1));
    }
    if let Some(excess) = row.excess() {
        b.require("top", row.bus(), enabler, triple(row.limbs() - 1, 1 << excess));
    }
    let radix = stark::Expr::from(1_u64 << row.bits());
    let word = |word| limbs(word).iter().rev().fold(stark::Expr::zero(), |value, limb| value * &radix + limb);
    let [x, y, and] = [0, 1, 2].map(word);
    let cells = [x.clone(), y.clone(), and.clone(), &x + &y - &and * 2, &x + &y - &and];
    for (k, value) in cells.into_iter().enumerate() {
        let uses = columns[row.uses() + k].clone();
        b.provide(format!("cell[{k}]"), buses::MEMORY, uses, [address + k as u64, value]);
    }
    Some(b.build().unwrap())
}

/// A row of padding provides a cell with another value, of limbs that nobody looks at.
#[test]
fn padding_that_provides() {
    for bits in [4, 8] {
        let mut told = told(bits, true);
        told.say(2, small(LIE));
        let mut cells = row_of(told.kind, told.address, [Felt::zero(), Felt::zero(), small(LIE)]);
        cells[BitwiseRow::ENABLER] = Felt::zero();
        let kind = told.kind;
        told.forger.add_row(kind, &cells);
        told.forger.refused_but_for(&Weak { swap: Some(&padding_provides), ..Weak::default() });
    }
}

/// Rows that own the cells of an instance stand beside tables whose rows do not, and memory has the cells, too.
#[test]
fn rows_that_own_beside_rows_that_do_not() {
    for bits in [4, 8] {
        let mut told = told(bits, false);
        told.leave_out();
        let words = [0x3c, 0x5a, 0x18].map(small);
        told.say_results(words);
        for k in 2..CELLS {
            told.forger.set_memory(told.address + k as u32, told.marks[k]);
        }
        let kind = row(bits, 8, Some([2, 3, 4, 5, 6]));
        told.forger.add_row(kind, &row_of(kind, told.address, words));
        let error = told.forger.refused_layout();
        assert_eq!(error, LayoutError::BitwiseRows(BitwiseRowsError::Mixed));
    }
}

/// No table has the instances at all.
#[test]
fn no_table_of_the_builtin() {
    for bits in [4, 8] {
        let mut told = told(bits, false);
        let Segment { base, stop } = told.forger.segment();
        told.say(2, small(LIE));
        told.forger
            .drop_tables(|kind| matches!(kind, TableKind::BitwiseRow(_) | TableKind::ByteAnd | TableKind::NibbleAnd));
        let (builtin, cells) = (Builtin::Bitwise, stop - base);
        let error = told.forger.refused_layout();
        assert_eq!(error, LayoutError::BuiltinTables { builtin, cells, expected: 1, found: 0 });
    }
}

/// Row tables have padding only. If the layout says that they own the cells, these are in the cell table.
#[test]
fn rows_of_padding() {
    for (bits, owned) in FORMS {
        let mut told = told(bits, owned);
        let Segment { base, stop } = told.forger.segment();
        told.say(2, small(LIE));
        for (position, _) in told.forger.tables() {
            told.forger.0.traces[position][BitwiseRow::ENABLER].fill(Felt::zero());
        }
        let mut tuples = edge(buses::BITWISE, base, stop).to_vec();
        if owned {
            for (address, mut words) in told.instances() {
                if address == told.address {
                    words[2] = small(LIE);
                }
                told.add_instance_to_cells(address, &words);
            }
            tuples.extend(edge(buses::OWNED, stop, base));
        }
        told.forger.refused_but_for(&public(tuples));
    }
}
