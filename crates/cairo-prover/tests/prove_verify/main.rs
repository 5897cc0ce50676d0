//! Proves runs and verifies the proofs; changes one thing at a time and expects the exact reason for the refusal.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

macro_rules! refused {
    ($result:expr, $pattern:pat) => {
        match $result {
            Err($pattern) => {}
            other => panic!("expected {}, found {other:?}", stringify!($pattern)),
        }
    };
}

mod claims;
mod fetches;
mod files;
mod honest;
mod layouts;
mod memory;

use cairo_air::MAX_RUNS;
use cairo_air::claim::{ClaimError, MAX_OUTPUT};
use cairo_air::components::bitwise::BitwiseSize;
use cairo_air::components::range_check::Limbs;
use cairo_air::components::{Limb, MAX_CHUNKS, Occurrence, Path, Word};
use cairo_air::fetch::{Fetch, FetchError, MAX_FETCHES};
use cairo_air::layout::{LayoutError, MAX_CELLS, MAX_TABLES};
use cairo_air::{
    Builtin, CairoProof, Claim, CodecError, Policy, PolicyError, ProofFileError, Segment, Statement, TableEntry,
    TableKind, VerifyError, buses, public_tuples, verify,
};
use cairo_prover::planner::{Costs, DEFAULT_COLUMNS, plan};
use cairo_prover::prove::{all_generic, estimate_memory, least_memory, witness};
use cairo_prover::{Options, ProveError, Witness, prove};
use common::execution;
use felt::{Felt, encoding};
use stark::{Control, NoControl, Parameters, Preset, Shape, TableError};
use std::sync::{Mutex, OnceLock};
use testkit::proofs::CHEAP;

const PROVER: [u8; 32] = [7; 32];

const SUM_ARGUMENTS: &str = r#"{"n": 10}"#;

/// A statement with its honest proof.
struct Honest {
    statement: Statement,
    proof: CairoProof,
}

/// With the planner's choice of tables.
fn honest(name: &str, arguments: &str) -> Honest {
    let execution = execution(name, Some(arguments));
    let statement = Statement::single(execution.program.clone(), execution.arguments.clone(), PROVER);
    let options = Options { parameters: Preset::Bench96.parameters(), ..Options::default() };
    let proof = prove(execution, PROVER, &options, &NoControl).unwrap();
    Honest { statement, proof }
}

/// A program with range checks and bitwise, all steps in the generic table.
fn cairo0() -> &'static Honest {
    static HONEST: OnceLock<Honest> = OnceLock::new();
    HONEST.get_or_init(|| {
        let arguments = r#"{"a": 5, "b": "340282366920938463463374607431768211461", "c": 12}"#;
        let witness = common::generic_witness(execution("cairo0/args3", Some(arguments)));
        Honest { statement: witness.statement.clone(), proof: proof_of(witness) }
    })
}

/// Proves without asking whether the witness is right.
fn proof_of(witness: Witness) -> CairoProof {
    let Witness { statement, claim, layout, tables, public, traces } = witness;
    let parameters = Preset::Bench96.parameters();
    let context = statement.context(&claim, &layout);
    let proof = stark::prove(&tables, traces, &public, &context, &parameters, &NoControl).unwrap();
    CairoProof::new(&statement, parameters, claim, layout, proof.encode(&Shape::new(&tables, &parameters)))
}

/// Another program, which has no builtin but the output.
fn other() -> &'static Honest {
    static HONEST: OnceLock<Honest> = OnceLock::new();
    HONEST.get_or_init(|| honest("cairo0/sum_to_n", SUM_ARGUMENTS))
}

impl Honest {
    /// Verifies the proof after a change.
    fn changed(&self, change: impl FnOnce(&mut CairoProof)) -> Result<(), VerifyError> {
        let mut proof = self.proof.clone();
        change(&mut proof);
        self.bytes(&proof.encode())
    }

    fn bytes(&self, bytes: &[u8]) -> Result<(), VerifyError> {
        verify(&self.statement, bytes, &Policy::default()).map(|_| ())
    }
}

fn index(proof: &CairoProof, kind: &TableKind) -> usize {
    proof.layout.tables.iter().position(|table| table.kind == *kind).unwrap()
}
