//! A prover that puts other rows into bitwise row tables.

use super::*;

impl Forger {
    pub fn segment(&self) -> Segment {
        self.segment_of(Builtin::Bitwise)
    }

    /// Gives every owned cell a column of uses of its own, which balancing fills.
    pub fn count_all(&mut self) {
        let Witness { layout, traces, .. } = &mut self.0;
        for (entry, trace) in layout.tables.iter_mut().zip(traces) {
            if let TableKind::BitwiseRow(row) = &mut entry.kind
                && row.owned().is_some()
            {
                *row = row.with_owned(Some([2, 3, 4, 5, 6])).unwrap();
                trace.resize(row.columns(), vec![Felt::zero(); 1 << entry.log_height]);
            }
        }
    }

    /// The tables of bitwise rows: position in the layout and kind.
    pub fn tables(&self) -> Vec<(usize, BitwiseRow)> {
        let tables = self.0.layout.tables.iter().enumerate();
        tables
            .filter_map(|(at, entry)| if let TableKind::BitwiseRow(row) = entry.kind { Some((at, row)) } else { None })
            .collect()
    }

    /// The column of limb `i` of x, y or the conjunction.
    pub fn limb(row: &BitwiseRow, word: usize, i: usize) -> usize {
        BitwiseRow::LIMBS + word * row.limbs() + i
    }
}

/// A verifier whose bitwise row tables and table of bytes lack these.
pub fn missing<'a>(names: &[&'a str]) -> Weak<'a> {
    let of = |kind: &TableKind| matches!(kind, TableKind::BitwiseRow(_) | TableKind::ByteAnd);
    Weak { missing: names.to_vec(), of, ..Weak::default() }
}
