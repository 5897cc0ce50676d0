//! Executions of the fixture programs.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod agree;
pub mod balance;
pub mod instances;
pub mod only;

#[allow(unused_imports, reason = "each test file takes its part")]
pub use testkit::programs::{execution, program};
#[allow(unused_imports, reason = "each test file takes its part")]
pub use testkit::random;

use cairo_air::layout::MAX_DISCLOSED_WORK;
use cairo_air::{
    Built, CairoProof, Claim, DisclosedTable, Layout, LayoutError, Policy, Program, TableKind, Verified, public_tuples,
    verify,
};
use cairo_execution::Execution;
use cairo_prover::Witness;
use cairo_prover::disclosed::{MAX_TERMS, disclose_short};
use cairo_prover::prove::{all_generic, witness};
use felt::Felt;
use stark::debug::{Report, check};
use stark::{NoControl, Shape};
use testkit::proofs::CHEAP;

/// The witness of an execution with all steps in the generic table.
pub fn generic_witness(execution: Execution) -> Witness {
    let steps = all_generic(&execution);
    witness(execution, [7; 32], steps, 0, &NoControl).unwrap()
}

/// What the debug checker says.
pub fn report(witness: &Witness) -> Report {
    check(&witness.tables, &witness.traces, &witness.public)
}

/// The same witness with every disclosed table that may be, whether its constraints hold or not, but for one: a proof commits to something.
pub fn disclose_all(mut witness: Witness) -> Witness {
    const MAX_LOG_HEIGHT: u32 = 10;
    let Witness { statement, claim, layout, tables, public, traces } = &mut witness;
    let (mut position, mut work) = (0, 0);
    while position < tables.len() && tables.len() > 1 {
        let (entry, air) = (&layout.tables[position], &tables[position].air);
        let is_known = layout.disclosed.iter().any(|open| open.kind == entry.kind);
        let more = air.row_work() << entry.log_height;
        let is_much = entry.log_height > MAX_LOG_HEIGHT || work + more > MAX_DISCLOSED_WORK;
        if is_much || air.check_local().is_err() || is_known {
            position += 1;
            continue;
        }
        work += more;
        let trace = traces.remove(position);
        let cells = (0..1 << entry.log_height).flat_map(|row| trace.iter().map(move |column| column[row])).collect();
        layout.disclosed.push(DisclosedTable { kind: entry.kind.clone(), width: trace.len(), cells });
        layout.tables.remove(position);
        tables.remove(position);
    }
    layout.disclosed.sort_by(|a, b| a.kind.cmp(&b.kind));
    *public = public_tuples(statement, claim, layout);
    if let Ok(built) = built(layout, &statement.program, claim) {
        public.extend(built.disclosed);
    }
    witness
}

/// Discloses short tables, all that may be, or none; then all constraints hold, and the proof verifies.
pub fn disclosed_and_proven(mut witness: Witness, random: &mut random::Random, what: &str) -> Verified {
    match random.below(3) {
        0 => disclose_short(&mut witness, 80, MAX_TERMS).unwrap_or_else(|error| panic!("{what}: {error}")),
        1 => witness = disclose_all(witness),
        _ => {}
    }
    let report = report(&witness);
    assert!(report.is_clean(), "{what}: {report}");
    let Witness { statement, claim, layout, tables, public, traces } = witness;
    let context = statement.context(&claim, &layout);
    let proof = stark::prove(&tables, traces, &public, &context, &CHEAP, &NoControl);
    let proof = proof.unwrap_or_else(|error| panic!("{what}: {error}")).encode(&Shape::new(&tables, &CHEAP));
    let file = CairoProof::new(&statement, CHEAP, claim, layout, proof).encode();
    let policy = Policy { min_conjectured_bits: 0.0, ..Policy::default() };
    verify(&statement, &file, &policy).unwrap_or_else(|error| panic!("{what}: {error}"))
}

/// What a verifier makes of a layout before it looks whether the constraints hold on the disclosed rows.
pub fn built(layout: &Layout, program: &Program, claim: &Claim) -> Result<Built, LayoutError> {
    layout.check(program, claim)?;
    let mut draft = layout.draft(program, claim, true)?;
    Ok(Built { disclosed: draft.disclosed_tuples()?, tables: draft.tables()? })
}

/// The columns of the first table of a kind, with its column names.
pub fn table<'a>(witness: &'a mut Witness, kind: &TableKind) -> (Vec<String>, &'a mut Vec<Vec<Felt>>) {
    let position = witness.layout.tables.iter().position(|entry| entry.kind == *kind).unwrap();
    let names = witness.tables[position].air.columns().to_vec();
    (names, &mut witness.traces[position])
}

/// Leaves out the committed tables of some kinds.
pub fn drop_tables(witness: &mut Witness, dropped: impl Fn(&TableKind) -> bool) {
    let Witness { layout, tables, traces, .. } = witness;
    let keep: Vec<bool> = layout.tables.iter().map(|entry| !dropped(&entry.kind)).collect();
    let mut flags = keep.iter();
    layout.tables.retain(|_| *flags.next().unwrap());
    let mut flags = keep.iter();
    tables.retain(|_| *flags.next().unwrap());
    let mut flags = keep.iter();
    traces.retain(|_| *flags.next().unwrap());
}
