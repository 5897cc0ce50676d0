//! Segments that are claimed shorter, longer or elsewhere.

use super::*;

/// What is told of a cell.
const LIE: u64 = 0x7e57_1234_5678;

impl Told {
    /// The segment is said to be `base..stop`. Rows that are not in it are left out, and if they own cells, these are in the cell table. Gives what
    /// the verifier has to grant.
    fn shorten(&mut self, base: u32, stop: u32) -> Vec<PublicTuple> {
        let honest = self.forger.segment();
        let owned = self.kind.owned().is_some();
        for (address, mut words) in self.instances() {
            if (base..stop).contains(&address) {
                continue;
            }
            let (position, row) = place(&self.forger, address);
            self.forger.0.traces[position][BitwiseRow::ENABLER][row] = Felt::zero();
            if address == self.address {
                words[2] = small(LIE);
            }
            if owned {
                self.add_instance_to_cells(address, &words);
            }
        }
        self.say(2, small(LIE));
        self.forger.claim_segment_of(Builtin::Bitwise, base, stop);
        let mut tuples = Vec::new();
        for (is_stop, differs) in [(false, base != honest.base), (true, stop != honest.stop)] {
            if differs {
                tuples.push(self.forger.free_pointer_of(Builtin::Bitwise, is_stop));
            }
        }
        tuples
    }
}

/// The segment is said to end earlier or to begin later, so that a false conjunction is in no row.
#[test]
fn a_segment_claimed_shorter() {
    for (case, (bits, owned)) in FORMS.into_iter().enumerate() {
        let mut told = told(bits, owned);
        let Segment { base, stop } = told.forger.segment();
        let after = told.address + CELLS as u32;
        let (base, stop) = [(base, base + 5), (base, told.address), (after, stop), (after, stop)][case];
        let tuples = told.shorten(base, stop);
        told.forger.refused_but_for(&public(tuples));
    }
}

/// The rows go on to where the segment really ends, beyond what is claimed. That they own these cells, too, the verifier has not granted.
#[test]
fn rows_behind_the_claimed_end() {
    for (bits, owned) in FORMS {
        let Told { mut forger, .. } = told(bits, owned);
        let Segment { base, stop } = forger.segment();
        let end = stop - CELLS as u32;
        forger.claim_segment_of(Builtin::Bitwise, base, end);
        let mut tuples = vec![forger.free_pointer_of(Builtin::Bitwise, true)];
        tuples.extend(edge(buses::BITWISE, stop, end));
        if owned {
            tuples.extend(edge(buses::OWNED, end, stop));
        }
        forger.refused_but_for(&public(tuples));
    }
}

/// The segment is said to end after its last instance, where a row of zeros stands.
#[test]
fn a_segment_claimed_longer() {
    for bits in [4, 8] {
        let Told { mut forger, kind, .. } = told(bits, true);
        let Segment { base, stop } = forger.segment();
        assert_eq!(forger.0.claim.owned_end, stop);
        forger.claim_segment_of(Builtin::Bitwise, base, stop + CELLS as u32);
        forger.0.claim.owned_end += CELLS as u32;
        forger.add_row(kind, &row_of(kind, stop, [Felt::zero(); 3]));
        let pointer = forger.free_pointer_of(Builtin::Bitwise, true);
        forger.refused_but_for(&public(vec![pointer]));
    }
}

/// The segment is said to be where a path's row owns a cell and the cell table others; the cells that are meant are in the cell table. The row's
/// cells would have two owners.
#[test]
fn a_segment_claimed_in_a_path() {
    for (bits, back) in [(4, 0), (8, 1), (4, 2), (4, 3), (8, 4)] {
        let mut told = told(bits, true);
        let tables = &told.forger.0.layout.tables;
        let path = tables.iter().position(|entry| matches!(entry.kind, TableKind::Path(_))).unwrap();
        told.forger.reclaim().unwrap();
        let ap = told.forger.0.tables[path].air.columns().iter().position(|name| name == "ap").unwrap();
        let owned = encoding::to_u64(&told.forger.0.traces[path][ap][0]).unwrap() as u32;
        let base = owned - back;
        let stop = base + CELLS as u32;
        let mut tuples = told.shorten(base, stop);
        let mut forger = told.forger;
        forger.add_row(told.kind, &row_of(told.kind, base, [small(9), small(5), small(1)]));
        tuples.extend(edge(buses::OWNED, stop, base));
        forger.refused_but_for(&public(tuples));
    }
}

/// Two segments of which one lies in the other: what bitwise owns is also said to be output.
#[test]
fn a_segment_claimed_in_the_output() {
    let mut told = told(4, true);
    let output = told.forger.segment_of(Builtin::Output);
    let tuples = told.shorten(output.base, output.base + CELLS as u32);
    let mut forger = told.forger;
    forger.add_row(told.kind, &row_of(told.kind, output.base, [Felt::zero(); 3]));
    let tuples = [tuples, edge(buses::OWNED, output.base + CELLS as u32, output.base).into()].concat();
    forger.refused_but_for(&public(tuples));
}
