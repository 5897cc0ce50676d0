//! Executions of the fixture programs.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod agree;
pub mod alone;
pub mod balance;
pub mod forger;
pub mod instances;
pub mod only;

#[allow(unused_imports, reason = "each test file takes its part")]
pub use testkit::programs::{execution, program};
#[allow(unused_imports, reason = "each test file takes its part")]
pub use testkit::random;

use cairo_air::components::{OwningWord, Word};
use cairo_air::decode::Decoded;
use cairo_air::layout::MAX_DISCLOSED_WORK;
use cairo_air::{
    Built, CairoProof, Claim, DisclosedTable, Layout, LayoutError, Policy, Program, TableKind, Verified, public_tuples,
    verify,
};
use cairo_execution::Execution;
use cairo_prover::disclosed::{MAX_TERMS, disclose_short};
use cairo_prover::prove::{all_generic, witness};
use cairo_prover::{StepTable, Witness};
use felt::Felt;
use stark::debug::{Report, check};
use stark::{MIN_LOG_HEIGHT, NoControl, Shape};
use std::collections::BTreeMap;
use testkit::proofs::CHEAP;

/// The witness of an execution with all steps in the generic table.
pub fn generic_witness(execution: Execution) -> Witness {
    let steps = all_generic(&execution);
    witness(execution, [7; 32], steps, 0, &NoControl).unwrap()
}

/// All steps in tables of owning words that may be, those of conditional jumps open; the others in plain words or the generic table.
pub fn owning_words(execution: &Execution) -> Vec<StepTable> {
    let mut starts: BTreeMap<TableKind, Vec<u32>> = BTreeMap::new();
    for (step, registers) in (0..).zip(&execution.trace[..execution.n_steps()]) {
        let cell = |address: u32| execution.memory.get(address as usize);
        let kind = cell(registers.pc).and_then(|word| Decoded::new(word).ok()).map_or(TableKind::Generic, |decoded| {
            let word = Word { flags: decoded.flags.0, taken: None };
            let owning = OwningWord::of(word, &decoded, cell(registers.pc + 1));
            let plain = if word.covers(&decoded) { TableKind::Word(word) } else { TableKind::Generic };
            owning.map_or(plain, TableKind::OwningWord)
        });
        starts.entry(kind).or_default().push(step);
    }
    let table = |(kind, starts): (TableKind, Vec<u32>)| {
        let log_height = starts.len().max(1 << MIN_LOG_HEIGHT).next_power_of_two().ilog2();
        StepTable { kind, log_height, starts }
    };
    starts.into_iter().map(table).collect()
}

/// What the debug checker says.
pub fn report(witness: &Witness) -> Report {
    check(&witness.tables, &witness.traces, &witness.public)
}

/// The same witness with every disclosed table that may be, whether its constraints hold or not, but for one: a proof commits to something.
pub fn disclose_all(mut witness: Witness) -> Witness {
    const MAX_LOG_HEIGHT: u32 = 10;
    let (mut position, mut work) = (0, 0);
    while position < witness.tables.len() && witness.tables.len() > 1 {
        let Witness { layout, tables, .. } = &witness;
        let (entry, air) = (&layout.tables[position], &tables[position].air);
        let is_known = layout.disclosed.iter().any(|open| open.kind == entry.kind);
        let more = air.row_work() << entry.log_height;
        let is_much = entry.log_height > MAX_LOG_HEIGHT || work + more > MAX_DISCLOSED_WORK;
        if is_much || air.check_local().is_err() || is_known {
            position += 1;
            continue;
        }
        work += more;
        disclose(&mut witness, position);
    }
    let Witness { statement, claim, layout, public, .. } = &mut witness;
    *public = public_tuples(statement, claim, layout);
    if let Ok(built) = built(layout, &statement.program, claim) {
        public.extend(built.disclosed);
    }
    witness
}

/// Discloses all rows of a committed table.
pub fn disclose(witness: &mut Witness, position: usize) {
    let Witness { layout, tables, traces, .. } = witness;
    let (entry, trace) = (layout.tables.remove(position), traces.remove(position));
    tables.remove(position);
    let cells = (0..1 << entry.log_height).flat_map(|row| trace.iter().map(move |column| column[row])).collect();
    let place = layout.disclosed.partition_point(|open| open.kind < entry.kind);
    layout.disclosed.insert(place, DisclosedTable { kind: entry.kind, width: trace.len(), cells });
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
    unchecked(layout, program, claim)
}

/// The same of a layout that nobody has looked at.
pub fn unchecked(layout: &Layout, program: &Program, claim: &Claim) -> Result<Built, LayoutError> {
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
