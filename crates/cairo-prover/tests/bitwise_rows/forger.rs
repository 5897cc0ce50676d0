//! A prover that puts other rows into bitwise row tables.

use super::*;

/// What the verifier would not ask for.
#[derive(Default)]
pub struct Weak<'a> {
    /// Constraints and interactions that the tables with this beginning of their names lack.
    pub missing: Vec<&'a str>,
    /// Further public tuples.
    pub public: Vec<PublicTuple>,
}

/// A prover that cheats.
#[derive(Clone)]
pub struct Forger(pub Witness);

impl Forger {
    pub fn segment(&self) -> Segment {
        self.0.claim.segment(&self.0.statement.program, Builtin::Bitwise).unwrap()
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

    pub fn reclaim(&mut self) -> Result<(), LayoutError> {
        let Witness { statement, claim, layout, tables, public, .. } = &mut self.0;
        *public = public_tuples(statement, claim, layout);
        let built = common::built(layout, &statement.program, claim)?;
        *tables = built.tables;
        public.extend(built.disclosed);
        Ok(())
    }

    /// A whole proof, and the verifier's word on it, with all tables committed and with all disclosed that may be.
    pub fn try_it(mut self) -> Result<Verified, VerifyError> {
        if self.reclaim().is_err() {
            return self.verified();
        }
        balance(&mut self.0);
        let result = self.verified();
        let disclosed = Self(disclose_all(self.0)).verified();
        assert_eq!(disclosed.is_ok(), result.is_ok(), "committed {result:?}, disclosed {disclosed:?}");
        result
    }

    pub fn verified(&self) -> Result<Verified, VerifyError> {
        let Witness { statement, claim, layout, tables, public, traces } = &self.0;
        let context = statement.context(claim, layout);
        let bytes = match common::built(layout, &statement.program, claim) {
            Ok(_) => {
                let proof = stark::prove(tables, traces.clone(), public, &context, &CHEAP, &NoControl).unwrap();
                proof.encode(&Shape::new(tables, &CHEAP))
            }
            Err(_) if layout.check(&statement.program, claim).is_ok() => vec![0; layout.least_proof_len(&CHEAP)],
            Err(_) => Vec::new(),
        };
        let file = CairoProof::new(statement, CHEAP, claim.clone(), layout.clone(), bytes);
        verify(statement, &file.encode(), &policy())
    }

    pub fn layout_error(self) -> LayoutError {
        match self.try_it() {
            Err(VerifyError::Layout(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    /// The same with a verifier that asks for less.
    pub fn weakly(mut self, weak: &Weak<'_>) -> Result<(), stark::VerifyError> {
        self.reclaim().unwrap();
        let Witness { layout, tables, public, .. } = &mut self.0;
        for (entry, table) in layout.tables.iter().zip(tables.iter_mut()) {
            if !matches!(entry.kind, TableKind::BitwiseRow(_) | TableKind::ByteAnd) {
                continue;
            }
            for name in &weak.missing {
                let constraint = table.air.constraints().iter().position(|constraint| constraint.name == *name);
                let interaction = table.air.interactions().iter().position(|interaction| interaction.name == *name);
                table.air = Arc::new(match (constraint, interaction) {
                    (Some(index), _) => table.air.without_constraint(index),
                    (_, Some(index)) => table.air.without_interaction(index),
                    _ => continue,
                });
            }
        }
        public.extend(weak.public.iter().cloned());
        balance(&mut self.0);
        let report = report(&self.0);
        assert!(report.is_clean(), "{report}");
        let Witness { statement, claim, layout, tables, public, traces } = &self.0;
        let context = statement.context(claim, layout);
        let proof = stark::prove(tables, traces.clone(), public, &context, &CHEAP, &NoControl).unwrap();
        stark::verify(tables, public, &context, &CHEAP, &proof)
    }

    /// Refused by the STARK layer, and accepted by a verifier that asks for less.
    pub fn refused_but_for(self, weak: &Weak<'_>) {
        assert_eq!(self.clone().weakly(weak), Ok(()), "missing: {:?}", weak.missing);
        match self.try_it() {
            Err(VerifyError::Stark(_)) => {}
            other => panic!("missing: {:?}: {other:?}", weak.missing),
        }
    }
}

pub fn missing<'a>(names: &[&'a str]) -> Weak<'a> {
    Weak { missing: names.to_vec(), ..Weak::default() }
}

pub fn public(tuples: Vec<PublicTuple>) -> Weak<'static> {
    Weak { public: tuples, ..Weak::default() }
}

/// The verifier's own edge from one address to another on a bus of addresses.
pub fn edge(bus: stark::Bus, from: u32, to: u32) -> [PublicTuple; 2] {
    let at = |address: u32| vec![small(u64::from(address))];
    [PublicTuple::require(bus, at(from)), PublicTuple::provide(bus, at(to))]
}
