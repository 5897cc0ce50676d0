//! A prover that cheats: it makes whole proofs of what the tables say, and asks the verifier, or one that asks for less.

use super::balance::balance;
use super::{built, disclose_all, report, unchecked};
use cairo_air::{Builtin, Layout};
use cairo_air::{
    CairoProof, LayoutError, Segment, TableEntry, TableKind, Verified, VerifyError, public_tuples, verify,
};
use cairo_prover::Witness;
use felt::Felt;
use stark::{Air, Bus, NoControl, PublicTuple, Shape};
use std::sync::Arc;
use testkit::proofs::{CHEAP, policy};

/// Another AIR for tables of some kinds.
pub type Swap = dyn Fn(&TableKind) -> Option<Air>;

/// What a verifier would not ask for.
pub struct Weak<'a> {
    /// Constraints and interactions that tables lack, …
    pub missing: Vec<&'a str>,
    /// … those of these kinds.
    pub of: fn(&TableKind) -> bool,
    /// Further public tuples.
    pub public: Vec<PublicTuple>,
    /// Tables with another AIR.
    pub swap: Option<&'a Swap>,
    /// It takes layouts as they come.
    pub any_layout: bool,
}

impl Default for Weak<'_> {
    fn default() -> Self {
        Self { missing: Vec::new(), of: |_| false, public: Vec::new(), swap: None, any_layout: false }
    }
}

/// A verifier that asks for all, and grants these tuples.
pub fn public(tuples: Vec<PublicTuple>) -> Weak<'static> {
    Weak { public: tuples, ..Weak::default() }
}

/// A verifier that takes layouts as they come.
pub fn any_layout() -> Weak<'static> {
    Weak { any_layout: true, ..Weak::default() }
}

/// The verifier goes from one address to another on a bus of addresses, as a row that owns what lies between.
pub fn edge(bus: Bus, from: u32, to: u32) -> [PublicTuple; 2] {
    let at = |address: u32| vec![Felt::from(u64::from(address))];
    [PublicTuple::require(bus, at(from)), PublicTuple::provide(bus, at(to))]
}

/// The verifier gives a cell of a bus of addresses away once more.
pub fn twice(bus: Bus, address: u32) -> [PublicTuple; 2] {
    edge(bus, address + 1, address)
}

/// The verifier keeps a cell of a bus of addresses for itself.
pub fn kept(bus: Bus, address: u32) -> [PublicTuple; 2] {
    edge(bus, address, address + 1)
}

/// A prover that cheats.
#[derive(Clone)]
pub struct Forger(pub Witness);

impl Forger {
    /// The segment that the claim gives a builtin.
    pub fn segment_of(&self, builtin: Builtin) -> Segment {
        self.0.claim.segment(&self.0.statement.program, builtin).unwrap()
    }

    /// Claims another segment for a builtin.
    pub fn claim_segment_of(&mut self, builtin: Builtin, base: u32, stop: u32) {
        let position = self.builtin(builtin);
        self.0.claim.runs[0].segments[position] = Segment { base, stop };
    }

    /// Position of a builtin among the program's.
    pub fn builtin(&self, builtin: Builtin) -> usize {
        self.0.statement.program.builtins().iter().position(|found| *found == builtin).unwrap()
    }

    /// The public tuple of a builtin's base or its stop pointer is taken back.
    pub fn free_pointer_of(&self, builtin: Builtin, stop: bool) -> PublicTuple {
        let Witness { statement, claim, .. } = &self.0;
        let position = self.builtin(builtin);
        let Segment { base, stop: end } = claim.runs[0].segments[position];
        let (cell, value) = match stop {
            true => (claim.runs[0].final_ap - claim.runs[0].segments.len() as u32, end),
            false => (statement.program.initial_ap(), base),
        };
        let tuple = [u64::from(cell) + position as u64, u64::from(value)].map(Felt::from);
        PublicTuple::provide(cairo_air::buses::MEMORY, tuple.into())
    }

    /// Puts a table where its kind belongs.
    pub fn add_table(&mut self, kind: TableKind, trace: Vec<Vec<Felt>>) {
        let Witness { layout, tables, traces, .. } = &mut self.0;
        let position = layout.tables.partition_point(|entry| entry.kind <= kind);
        let log_height = trace[0].len().ilog2();
        layout.tables.insert(position, TableEntry { kind, log_height });
        // Until the layout is built.
        tables.insert(position, tables[0].clone());
        traces.insert(position, trace);
    }

    pub fn drop_tables(&mut self, dropped: impl Fn(&TableKind) -> bool) {
        super::drop_tables(&mut self.0, dropped);
    }

    /// Makes a row of padding of the cell table one with this cell.
    pub fn add_cell(&mut self, address: u32, value: Felt) {
        let Witness { layout, traces, .. } = &mut self.0;
        let position = layout.tables.iter().position(|entry| entry.kind == TableKind::Cell).unwrap();
        let trace = &mut traces[position];
        if trace[0].iter().all(|enabler| *enabler == Felt::one()) {
            let height = trace[0].len();
            trace.iter_mut().for_each(|column| column.resize(2 * height, Felt::zero()));
            layout.tables[position].log_height += 1;
        }
        let row = trace[0].iter().position(|enabler| *enabler == Felt::zero()).unwrap();
        let cells = [Felt::one(), Felt::from(u64::from(address)), value, Felt::zero()];
        for (column, value) in cells.into_iter().enumerate() {
            trace[column][row] = value;
        }
    }

    /// Makes tables and public tuples what the verifier will make of statement, claim and layout, if it accepts them.
    pub fn reclaim(&mut self) -> Result<(), LayoutError> {
        self.reclaim_as(built)
    }

    fn reclaim_as(&mut self, build: Build) -> Result<(), LayoutError> {
        let Witness { statement, claim, layout, tables, public, .. } = &mut self.0;
        *public = public_tuples(statement, claim, layout);
        let built = build(layout, &statement.program, claim)?;
        *tables = built.tables;
        public.extend(built.disclosed);
        Ok(())
    }

    /// Makes all lookups balance again that can.
    pub fn balance(&mut self) {
        balance(&mut self.0);
    }

    /// A whole proof, and the verifier's word on it, with all tables committed and with all disclosed that may be.
    pub fn try_it(mut self) -> Result<Verified, VerifyError> {
        // Whatever the layout: a proof of some tables is in the file.
        if self.reclaim().is_err() {
            return self.verified();
        }
        self.balance();
        let result = self.verified();
        // The same disclosed rows show no more and no less.
        let disclosed = Self(disclose_all(self.0)).verified();
        assert_eq!(disclosed.is_ok(), result.is_ok(), "committed {result:?}, disclosed {disclosed:?}");
        result
    }

    /// A whole proof of the witness as it stands, and the verifier's word on it.
    pub fn verified(&self) -> Result<Verified, VerifyError> {
        let Witness { statement, claim, layout, tables, .. } = &self.0;
        let bytes = match built(layout, &statement.program, claim) {
            Ok(_) => self.proof().encode(&Shape::new(tables, &CHEAP)),
            // As many bytes as the descriptions of the tables ask for.
            Err(_) if layout.check(&statement.program, claim).is_ok() => vec![0; layout.least_proof_len(&CHEAP)],
            Err(_) => Vec::new(),
        };
        let file = CairoProof::new(statement, CHEAP, claim.clone(), layout.clone(), bytes);
        verify(statement, &file.encode(), &policy())
    }

    fn proof(&self) -> stark::Proof {
        let Witness { statement, claim, layout, tables, public, traces } = &self.0;
        let context = statement.context(claim, layout);
        stark::prove(tables, traces.clone(), public, &context, &CHEAP, &NoControl).unwrap()
    }

    /// Why the layout is refused.
    pub fn layout_error(self) -> LayoutError {
        match self.try_it() {
            Err(VerifyError::Layout(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    /// A verifier that asks for less takes the same.
    fn taken_by(mut self, weak: &Weak<'_>) {
        self.reclaim_as(if weak.any_layout { unchecked } else { built }).unwrap();
        let Witness { layout, tables, public, .. } = &mut self.0;
        for (entry, table) in layout.tables.iter().zip(tables.iter_mut()) {
            if let Some(air) = weak.swap.and_then(|swap| swap(&entry.kind)) {
                table.air = Arc::new(air);
            }
            if !(weak.of)(&entry.kind) {
                continue;
            }
            for name in &weak.missing {
                if let Some(air) = without(&table.air, name) {
                    table.air = Arc::new(air);
                }
            }
        }
        public.extend(weak.public.iter().cloned());
        self.balance();
        let result = self.proven();
        assert!(result.is_ok(), "missing: {:?}: {result:?}: {}", weak.missing, report(&self.0));
    }

    /// The STARK verifier's word on the witness with the tables that it has, whosever they are.
    pub fn proven(&self) -> Result<(), stark::VerifyError> {
        let proof = self.proof();
        let Witness { statement, claim, layout, tables, public, .. } = &self.0;
        stark::verify(tables, public, &statement.context(claim, layout), &CHEAP, &proof)
    }

    /// Refused by the STARK layer, and accepted by a verifier that asks for less.
    pub fn refused_but_for(self, weak: &Weak<'_>) {
        self.clone().taken_by(weak);
        match self.try_it() {
            Err(VerifyError::Stark(_)) => {}
            other => panic!("missing: {:?}: {other:?}", weak.missing),
        }
    }

    /// Refused for its layout, and accepted by a verifier that takes it.
    pub fn refused_layout(self) -> LayoutError {
        self.clone().taken_by(&any_layout());
        self.layout_error()
    }
}

type Build = fn(&Layout, &cairo_air::Program, &cairo_air::Claim) -> Result<cairo_air::Built, LayoutError>;

/// The same AIR without the constraint or the interaction of that name, if it has one.
pub fn without(air: &Air, name: &str) -> Option<Air> {
    if let Some(index) = air.constraints().iter().position(|constraint| constraint.name == name) {
        return Some(air.without_constraint(index));
    }
    let index = air.interactions().iter().position(|interaction| interaction.name == name)?;
    Some(air.without_interaction(index))
}
