//! Proofs stay the same, byte for byte: the digests of many are kept in `tests/digests.txt`.
//!
//! What a proof costs is decided by the planner, and small changes there are easily made without notice. Where a change is meant, the
//! failed test says what the file must be.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use cairo_air::fetch::MAX_FETCHES;
use cairo_air::{CairoProof, Version};
use cairo_execution::Execution;
use cairo_prover::disclosed::{MAX_TERMS, disclose_short};
use cairo_prover::planner::{Costs, plan};
use cairo_prover::prove::{all_generic, witness};
use cairo_prover::{StepTable, Witness};
use common::{disclose_all, execution};
use stark::{NoControl, Parameters, Shape};
use std::fmt::Write as _;

const KEPT: &str = include_str!("digests.txt");

/// Queries are few, so that many runs can be proven: what differs does so in the tables already.
const PARAMETERS: Parameters = Parameters { log_blowup: 1, queries: 4, grinding_bits: 0, log_fold: 3 };

/// In the form that proofs of one run had first: the newer one differs in the claim's encoding alone.
fn proof(witness: Witness) -> Vec<u8> {
    let Witness { statement, claim, layout, tables, public, traces } = witness;
    let context = statement.context_in(Version::Single, &claim, &layout);
    let proof = stark::prove(&tables, traces, &public, &context, &PARAMETERS, &NoControl).unwrap();
    let bytes = proof.encode(&Shape::new(&tables, &PARAMETERS));
    CairoProof::new_in(Version::Single, &statement, PARAMETERS, claim, layout, bytes).encode()
}

fn committed(execution: &Execution, steps: Vec<StepTable>, max_fetches: usize) -> Witness {
    witness(execution.clone(), [3; 32], steps, max_fetches, &NoControl).unwrap()
}

/// The digest of the proofs that a run has: as planned for few columns and for many, each with all tables committed and with the short ones
/// disclosed, and with all steps in the generic table.
fn digest(execution: &Execution) -> String {
    let mut hasher = blake3::Hasher::new();
    for columns in [60, 135] {
        let steps = plan(execution, &Costs::new(execution, columns)).tables;
        let witness = committed(execution, steps, MAX_FETCHES);
        hasher.update(&proof(witness.clone()));
        let mut disclosed = witness.clone();
        disclose_short(&mut disclosed, 84, MAX_TERMS).unwrap();
        hasher.update(&proof(disclosed));
        hasher.update(&proof(disclose_all(witness)));
    }
    hasher.update(&proof(committed(execution, all_generic(execution), 0)));
    hasher.finalize().to_hex().as_str()[..32].to_owned()
}

/// Compares the lines of the file that are of this kind: a program, its arguments as JSON or `-`, the digest.
fn compare(is_meant: impl Fn(&str) -> bool) {
    let mut found = String::new();
    let mut same = 0;
    for line in KEPT.lines().filter(|line| is_meant(line.split(' ').next().unwrap())) {
        let [name, arguments, kept] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let made = digest(&execution(name, Some(arguments).filter(|text| *text != "-")));
        same += usize::from(made == kept);
        writeln!(found, "{name} {arguments} {made}").unwrap();
    }
    assert!(
        same > 0 && same == found.lines().count(),
        "proofs have changed; these lines of digests.txt would be:\n{found}"
    );
}

#[test]
fn cairo0_proofs_stay_the_same() {
    compare(|name| name.starts_with("cairo0/"));
}

#[test]
fn cairo2_proofs_stay_the_same() {
    compare(|name| name.starts_with("cairo2/"));
}

#[test]
fn benchmark_proofs_stay_the_same() {
    compare(|name| name.starts_with("bench/"));
}
