//! Tables that are left out, given twice or of another size, and columns that nothing holds.

use super::*;

impl Forger {
    pub fn drop_tables(&mut self, dropped: impl Fn(&TableKind) -> bool) {
        common::drop_tables(&mut self.0, dropped);
    }

    pub fn double_table(&mut self, position: usize) {
        let Witness { layout, tables, traces, .. } = &mut self.0;
        layout.tables.insert(position, layout.tables[position].clone());
        tables.insert(position, tables[position].clone());
        traces.insert(position, traces[position].clone());
    }
}

/// Each table left out, with a whole proof by the tables that are left.
#[test]
fn a_table_left_out() {
    let witnesses = [honest(), honest12()].into_iter();
    for (witness, position) in witnesses.flat_map(|w| (0..w.layout.tables.len()).map(move |at| (w, at))) {
        let mut forger = Forger::new(witness);
        let kind = forger.0.layout.tables[position].kind.clone();
        forger.drop_tables(|other| *other == kind);
        let outcome = forger.try_it();
        match (&kind, outcome) {
            (TableKind::Memory, Err(VerifyError::Claim(_))) => {}
            (
                TableKind::RangeCheck(Limbs::Bytes)
                | TableKind::RangeCheck(Limbs::Words12)
                | TableKind::Bitwise(BitwiseSize::Bits16),
                Err(VerifyError::Layout(LayoutError::BuiltinTables { .. })),
            ) => {}
            (
                TableKind::Instruction
                | TableKind::Limb(Limb::Bits8)
                | TableKind::Limb(Limb::Bits12)
                | TableKind::NibbleAnd
                | TableKind::Generic,
                Err(VerifyError::Layout(LayoutError::Provider { .. })),
            ) => {}
            (kind, other) => panic!("{kind}: {other:?}"),
        }
    }
    // With its providers the generic table leaves a layout that is none of this run, but well-formed.
    let mut forger = Forger::new(honest());
    forger.drop_tables(|kind| matches!(kind, TableKind::Generic | TableKind::Instruction));
    forger.refused();
}

/// Each table twice. Chunks are no crime, but their rows must not count twice, and memory must go on where it ended.
#[test]
fn a_table_given_twice() {
    let witnesses = [honest(), honest12()].into_iter();
    for (witness, position) in witnesses.flat_map(|w| (0..w.layout.tables.len()).map(move |at| (w, at))) {
        let mut forger = Forger::new(witness);
        let kind = forger.0.layout.tables[position].kind.clone();
        forger.double_table(position);
        match (&kind, forger.try_it()) {
            (TableKind::Memory | TableKind::Generic, Err(VerifyError::Stark(_))) => {}
            (
                TableKind::RangeCheck(Limbs::Bytes)
                | TableKind::RangeCheck(Limbs::Words12)
                | TableKind::Bitwise(BitwiseSize::Bits16),
                Err(VerifyError::Layout(_)),
            ) => {}
            (_, Err(VerifyError::Layout(LayoutError::TooMany { .. }))) => {}
            (kind, other) => panic!("{kind}: {other:?}"),
        }
    }
    // The second memory holds another value at the address of an output cell.
    let mut forger = Forger::new(honest());
    forger.double_table(0);
    let output = forger.0.claim.runs[0].segments[0].base as usize + 3;
    forger.0.claim.runs[0].output[3] += small(1);
    let value = forger.0.claim.runs[0].output[3];
    forger.0.traces[1][1 + (output - 1) % memory::CELLS][(output - 1) / memory::CELLS] = value;
    forger.refused();
}

/// Every cell of every step table, changed in a row in use, with whatever lookups can be balanced again.
#[test]
fn no_column_is_free() {
    for (witness, kinds) in [(honest(), 1), (planned(), 4)] {
        let steps = witness.layout.tables.iter().enumerate().filter(|(_, entry)| {
            matches!(
                entry.kind,
                TableKind::Generic | TableKind::Word(_) | TableKind::OwningWord(_) | TableKind::Path(_)
            )
        });
        for (position, _) in steps.take(kinds) {
            for column in 0..witness.traces[position].len() {
                let mut forger = Forger::new(witness);
                let name = witness.tables[position].air.columns()[column].clone();
                // Only free where nothing reads them: an inverse of 0, operands of instructions without them.
                let row = if matches!(name.as_str(), "dst_inverse" | "jumps") { forger.jnz_row() } else { Some(0) };
                let free = matches!(name.as_str(), "dst" | "op0" | "immediate");
                let (Some(row), false) = (row, free) else { continue };
                forger.0.traces[position][column][row] += small(1);
                if name.starts_with("uses of") {
                    // Balancing would set it right.
                    let verdict = verify(&forger.0.statement, &forger.proof().encode(), &policy());
                    assert_eq!(verdict, Err(VerifyError::Stark(stark::VerifyError::BusSum)), "{name}");
                    continue;
                }
                match forger.try_it() {
                    Err(VerifyError::Stark(_)) => {}
                    other => panic!("{}/{name}: {other:?}", witness.tables[position].air.name()),
                }
            }
        }
    }
}

impl Forger {
    /// A row of the generic table that executes a jnz that jumps.
    pub fn jnz_row(&self) -> Option<usize> {
        let mut copy = Self::new(&self.0);
        let jumps = copy.column(&TableKind::Generic, "jumps").clone();
        jumps.iter().position(|jumps| *jumps == small(1))
    }
}

/// Layouts whose heights add up to more than they should, or to nothing.
#[test]
fn heights() {
    let Forger(Witness { statement, claim, layout, .. }) = Forger::new(honest());
    for (position, log_height) in (0..layout.tables.len()).flat_map(|at| (0..=255).map(move |height| (at, height))) {
        let mut other: Layout = layout.clone();
        let TableEntry { log_height: honest, .. } = other.tables[position];
        other.tables[position].log_height = log_height;
        let built = other.build(&statement.program, &claim);
        assert!(built.is_err() || (6..=30).contains(&log_height) || log_height == honest, "{position}: {log_height}");
        let _ = claim.check(&statement.program, &statement.runs, other.memory_end(claim.owned_end));
    }
}
