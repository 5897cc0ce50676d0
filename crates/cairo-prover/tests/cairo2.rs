//! Proofs of Cairo 2 executables, whose arguments stand in a segment of their own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use cairo_air::claim::ClaimError;
use cairo_air::{CairoProof, Policy, Statement, VerifyError, verify};
use cairo_prover::{Options, prove};
use common::execution;
use felt::Felt;
use stark::{NoControl, Preset};

const PROVER: [u8; 32] = [9; 32];

fn proof_of(name: &str, arguments: &str) -> (Statement, CairoProof) {
    let execution = execution(name, Some(arguments));
    let statement = Statement::single(execution.program.clone(), execution.arguments.clone(), PROVER);
    let options = Options { parameters: Preset::Bench96.parameters(), ..Options::default() };
    let proof = prove(execution, PROVER, &options, &NoControl).unwrap();
    (statement, proof)
}

#[test]
fn arguments_are_bound() {
    let (statement, honest) = proof_of("cairo2/fib", "[10]");
    let check = |change: &dyn Fn(&mut CairoProof)| {
        let mut proof = honest.clone();
        change(&mut proof);
        verify(&statement, &proof.encode(), &Policy::default())
    };
    let verified = check(&|_| ()).unwrap();
    assert_eq!((verified.runs[0].n_steps, verified.runs[0].output.clone()), (89, vec![Felt::from(55)]));
    assert_eq!(
        check(&|p| p.claim.runs[0].arguments_start = None),
        Err(VerifyError::Claim(ClaimError::ArgumentsStartMissing))
    );
    let outside = check(&|p| p.claim.runs[0].arguments_start = Some(u32::MAX));
    assert!(matches!(outside, Err(VerifyError::Claim(ClaimError::OutsideMemory { what: "argument segment", .. }))));
    let moved = check(&|p| p.claim.runs[0].arguments_start = p.claim.runs[0].arguments_start.map(|start| start - 1));
    assert!(matches!(moved, Err(VerifyError::Stark(_))), "{moved:?}");

    let mut other = statement.clone();
    other.runs[0][0] += Felt::one();
    let refused = verify(&other, &honest.encode(), &Policy::default());
    assert!(matches!(refused, Err(VerifyError::OtherArguments { .. })), "{refused:?}");
}

#[test]
fn executables_with_builtins() {
    for (name, arguments) in [("cairo2/primes", "[10, 100]"), ("cairo2/bitwise", "[5, 3]"), ("cairo2/dict", "[50]")] {
        let (statement, proof) = proof_of(name, arguments);
        let verified = verify(&statement, &proof.encode(), &Policy::default());
        assert!(verified.is_ok(), "{name}: {verified:?}");
    }
}
