//! Other statements, policies and claims.

use super::*;

#[test]
fn other_statements_are_refused_by_name() {
    let Honest { statement, proof } = cairo0();
    let bytes = proof.encode();
    let check = |change: &dyn Fn(&mut Statement)| {
        let mut statement = statement.clone();
        change(&mut statement);
        verify(&statement, &bytes, &Policy::default()).map(|_| ())
    };
    refused!(check(&|s| s.program = other().statement.program.clone()), VerifyError::OtherProgram { .. });
    refused!(check(&|s| s.runs[0][1] += Felt::one()), VerifyError::OtherArguments { .. });
    refused!(check(&|s| s.runs[0].push(Felt::zero())), VerifyError::OtherArguments { .. });
    refused!(check(&|s| s.prover[31] ^= 1), VerifyError::OtherProver { .. });

    // Writing what the verifier wants to see into the header does not help: the transcript absorbs the statement.
    let Honest { statement, proof } = other();
    let (mut statement, mut proof) = (statement.clone(), proof.clone());
    statement.prover[0] ^= 1;
    proof.prover = statement.prover;
    refused!(verify(&statement, &proof.encode(), &Policy::default()), VerifyError::Stark(_));
    statement.runs[0][0] += Felt::one();
    proof.arguments_hash = statement.arguments_hash();
    let refusal = verify(&statement, &proof.encode(), &Policy::default());
    refused!(refusal, VerifyError::Claim(ClaimError::OutputPrefix { index: 0, .. }));
    proof.claim.runs[0].output[0] += Felt::one();
    refused!(verify(&statement, &proof.encode(), &Policy::default()), VerifyError::Stark(_));
}

#[test]
fn policy() {
    let Honest { statement, proof } = cairo0();
    let bytes = proof.encode();
    let check = |policy: Policy| {
        verify(statement, &bytes, &policy).map(|_| ()).map_err(|error| match error {
            VerifyError::Policy(error) => error,
            other => panic!("{other}"),
        })
    };
    let policy = Policy::default();
    refused!(check(Policy { max_proof_bytes: bytes.len() - 1, ..policy }), PolicyError::ProofBytes { .. });
    refused!(check(Policy { max_steps: 46, ..policy }), PolicyError::Steps { found: 47, limit: 46 });
    refused!(check(Policy { min_conjectured_bits: 100.0, ..policy }), PolicyError::ConjecturedBits { .. });
    refused!(check(Policy { min_conjectured_bits: f64::NAN, ..policy }), PolicyError::ConjecturedBits { .. });
    refused!(check(Policy { min_proven_bits: 100.0, ..policy }), PolicyError::ProvenBits { .. });
    assert_eq!(check(Policy { max_proof_bytes: bytes.len(), max_steps: 47, ..policy }), Ok(()));
}

#[test]
fn claims() {
    let honest = cairo0();
    let refuse = |change: &dyn Fn(&mut CairoProof)| match honest.changed(change) {
        Err(VerifyError::Claim(error)) => error,
        other => panic!("{other:?}"),
    };
    let range_check = honest.proof.claim.runs[0].segments[1];
    assert_eq!(refuse(&|p| p.claim.runs[0].n_steps = 0), ClaimError::Steps(0));
    assert_eq!(refuse(&|p| p.claim.runs[0].n_steps = (1 << 40) + 1), ClaimError::Steps((1 << 40) + 1));
    assert!(matches!(refuse(&|p| p.claim.runs[0].final_ap = 5), ClaimError::FinalAp { found: 5, .. }));
    assert_eq!(refuse(&|p| p.claim.runs[0].segments.truncate(2)), ClaimError::SegmentCount { found: 2, expected: 3 });
    let (base, stop) = (range_check.stop + 1, range_check.stop);
    let error = ClaimError::SegmentOrder { builtin: Builtin::RangeCheck, base, stop };
    assert_eq!(refuse(&|p| p.claim.runs[0].segments[1] = Segment { base, stop }), error);
    assert!(matches!(refuse(&|p| p.claim.runs[0].segments[1].base = 0), ClaimError::SegmentOrder { .. }));
    let error = ClaimError::SegmentSize { builtin: Builtin::Bitwise, cells: 6, instance: 5 };
    assert_eq!(refuse(&|p| p.claim.runs[0].segments[2].stop += 1), error);
    assert!(matches!(refuse(&|p| p.claim.runs[0].output.push(Felt::zero())), ClaimError::OutputLength { .. }));
    let shorten = |p: &mut CairoProof| {
        p.claim.runs[0].output.truncate(2);
        p.claim.runs[0].segments[0].stop = p.claim.runs[0].segments[0].base + 2;
    };
    assert_eq!(refuse(&shorten), ClaimError::OutputTooShort { output: 2, arguments: 3 });
    assert!(matches!(refuse(&|p| p.claim.runs[0].output[2] += Felt::one()), ClaimError::OutputPrefix { index: 2, .. }));
    assert_eq!(refuse(&|p| p.claim.runs[0].arguments_start = Some(9)), ClaimError::ArgumentsStartUnexpected);
    assert!(matches!(
        refuse(&|p| p.claim.runs[0].final_ap = 1 << 20),
        ClaimError::OutsideMemory { what: "final ap", .. }
    ));
    let far = Segment { base: 1 << 20, stop: (1 << 20) + 3 };
    assert!(matches!(
        refuse(&|p| p.claim.runs[0].segments[1] = far),
        ClaimError::OutsideMemory { what: "builtin segment", .. }
    ));
    assert_eq!(refuse(&|p| p.claim.owned_end = 0), ClaimError::OwnedEnd);
    let outside = refuse(&|p| p.layout.tables.retain(|table| table.kind != TableKind::Memory));
    assert!(matches!(outside, ClaimError::OutsideMemory { what: "program", .. }));
    let mut long = honest.proof.claim.clone();
    long.runs[0].output = vec![Felt::zero(); MAX_OUTPUT + 1];
    let error = long.check(&honest.statement.program, &honest.statement.runs, 1 << 30);
    assert_eq!(error, Err(ClaimError::OutputTooLong(MAX_OUTPUT + 1)));
}

/// A claim that is possible, but not what was proven.
#[test]
fn false_claims() {
    let honest = cairo0();
    let changes: [fn(&mut CairoProof); 5] = [
        |p| p.claim.runs[0].n_steps += 1,
        |p| p.claim.runs[0].n_steps -= 1,
        |p| p.claim.runs[0].final_ap += 1,
        |p| p.claim.runs[0].output[3] += Felt::one(),
        |p| p.claim.runs[0].segments[1].stop -= 1,
    ];
    for change in changes {
        refused!(honest.changed(change), VerifyError::Stark(_));
    }
}

/// The prover proves whatever it is given; the verifier must not believe a false witness.
#[test]
fn proofs_of_false_witnesses_are_refused() {
    let honest = common::generic_witness(execution("cairo0/sum_to_n", Some(SUM_ARGUMENTS)));
    let pranks = [
        (TableKind::Generic, "res", stark::VerifyError::Constraints(7)),
        (TableKind::Generic, "clock", stark::VerifyError::BusSum),
        (TableKind::Memory, "address", stark::VerifyError::Constraints(0)),
        (TableKind::Memory, "value[3]", stark::VerifyError::BusSum),
        (TableKind::Instruction, "multiplicity", stark::VerifyError::BusSum),
    ];
    for (kind, column, expected) in pranks {
        let mut witness = honest.clone();
        let (names, trace) = common::table(&mut witness, &kind);
        let column = names.iter().position(|name| name == column).unwrap();
        trace[column][1] += Felt::one();
        let log_height = trace[column].len().ilog2();
        let expected = match expected {
            stark::VerifyError::Constraints(_) => stark::VerifyError::Constraints(log_height),
            other => other,
        };
        let statement = witness.statement.clone();
        let found = verify(&statement, &proof_of(witness).encode(), &Policy::default());
        match found {
            Err(VerifyError::Stark(found)) if found == stark::VerifyError::BusSum || found == expected => {}
            other => panic!("{kind}/{column}: {other:?}"),
        }
    }
}
