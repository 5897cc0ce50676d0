//! Instances left out, there twice, or elsewhere.

use super::*;

/// A run of unread instances with all of them in rows, every owned cell counted.
fn forger(bits: u8, owned: bool) -> Forger {
    let mut forger = Forger(edges(bits, owned));
    forger.count_all();
    forger
}

/// An instance has no row, whether in the middle or at an end; if its cells were its own, somebody else provides what others read.
#[test]
fn an_instance_left_out() {
    for (case, (bits, owned)) in FORMS.into_iter().enumerate() {
        let Segment { base, stop } = forger(bits, owned).segment();
        let addresses = [base, stop - 5, base + 5, base + 25];
        for address in [addresses[case], addresses[(case + 1) % 4]] {
            let mut forger = forger(bits, owned);
            forger.reclaim().unwrap();
            forger.balance();
            let (position, row) = place(&forger, address);
            let cells = common::balance::provided(&forger.0, position, row);
            forger.0.traces[position][BitwiseRow::ENABLER][row] = Felt::zero();
            let mut tuples = edge(buses::BITWISE, address, address + 5).to_vec();
            tuples.extend(cells);
            forger.refused_but_for(&public(tuples));
        }
    }
}

/// An instance has two rows, of which the second says the same.
#[test]
fn an_instance_twice() {
    for (bits, owned) in FORMS {
        let mut forger = forger(bits, owned);
        let (position, row) = forger.tables()[0];
        let trace = &mut forger.0.traces[position];
        assert_eq!(trace[BitwiseRow::ENABLER][63], Felt::zero());
        for column in trace.iter_mut().take(row.uses()) {
            column[63] = column[0];
        }
        let address = encoding::to_u64(&trace[BitwiseRow::ADDRESS][0]).unwrap() as u32;
        forger.refused_but_for(&public(edge(buses::BITWISE, address + 5, address).to_vec()));
    }
}

/// Rows in use by halves, and a row less than not at all, so that those of one instance come to one together.
#[test]
fn other_enablers() {
    let half = small(2).inv().unwrap();
    for (bits, owned) in FORMS {
        for enablers in [[half, half], [small(2), -Felt::one()]] {
            let mut forger = forger(bits, owned);
            let (position, row) = forger.tables()[0];
            let trace = &mut forger.0.traces[position];
            for column in trace.iter_mut().take(row.uses()) {
                column[63] = column[0];
            }
            trace[BitwiseRow::ENABLER][0] = enablers[0];
            trace[BitwiseRow::ENABLER][63] = enablers[1];
            forger.refused_but_for(&missing(&["boolean_enabler"]));
        }
    }
}
