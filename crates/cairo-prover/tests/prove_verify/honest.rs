//! Honest proofs, and what they show.

use super::*;

#[test]
fn honest_proofs_hold() {
    let Honest { statement, proof } = cairo0();
    let verified = verify(statement, &proof.encode(), &Policy::default()).unwrap();
    assert_eq!(verified.runs[0].n_steps, 47);
    assert_eq!(verified.runs[0].output[..3], statement.runs[0][..]);
    assert!(verified.conjectured_bits >= 96.0 && verified.proven_bits >= 50.0);

    let Honest { statement, proof } = other();
    let verified = verify(statement, &proof.encode(), &Policy::default()).unwrap();
    assert_eq!(verified.runs[0].output, [10, 55].map(Felt::from));
}

/// What a program declares and does not use costs nothing: no table, and the proof shows the same.
#[test]
fn declared_builtins_need_not_be_used() {
    let Honest { statement, proof } = honest("cairo0/all_builtins_unused", "[]");
    assert_eq!(statement.program.builtins(), Builtin::ALL);
    let is_builtins = |kind: &&TableKind| matches!(kind.component().occurrence(), Occurrence::Builtin(_));
    assert_eq!(proof.layout.kinds().find(is_builtins), None);
    let verified = verify(&statement, &proof.encode(), &Policy::default()).unwrap();
    assert_eq!((verified.runs[0].output.clone(), verified.runs[0].n_steps), (vec![Felt::from(11)], 16));

    // A segment that is claimed and has no table is refused, whatever the builtin.
    for (index, builtin) in Builtin::ALL.into_iter().enumerate().skip(1) {
        let mut forged = proof.clone();
        forged.claim.runs[0].segments[index].base -= builtin.cells_per_instance();
        let error = verify(&statement, &forged.encode(), &Policy::default()).unwrap_err();
        let is_refused = match error {
            VerifyError::Layout(LayoutError::BuiltinTables { builtin: found, .. }) => found == builtin,
            VerifyError::Layout(LayoutError::RangeTables { .. }) => builtin == Builtin::RangeCheck,
            _ => false,
        };
        assert!(is_refused, "{builtin}: {error}");
    }
}

/// Without output, and even without builtins, a proof shows that the program ran to its end in so many steps.
#[test]
fn programs_without_output() {
    for (name, builtins) in [("cairo0/no_output", &[Builtin::RangeCheck][..]), ("cairo0/no_builtins", &[])] {
        let Honest { statement, proof } = honest(name, "[]");
        assert_eq!(statement.program.builtins(), builtins);
        let verified = verify(&statement, &proof.encode(), &Policy::default()).unwrap();
        assert_eq!((verified.runs[0].output.clone(), verified.runs[0].n_steps), (Vec::new(), 6), "{name}");

        // Nothing is said about arguments, so there can be none.
        let (mut statement, mut proof) = (statement, proof);
        statement.runs[0].push(Felt::one());
        proof.arguments_hash = statement.arguments_hash();
        let refusal = verify(&statement, &proof.encode(), &Policy::default());
        refused!(refusal, VerifyError::Claim(ClaimError::OutputTooShort { output: 0, arguments: 1 }));
        proof.claim.runs[0].output.push(Felt::one());
        let refusal = verify(&statement, &proof.encode(), &Policy::default());
        refused!(refusal, VerifyError::Claim(ClaimError::OutputLength { found: 1, expected: 0 }));
    }
}

#[test]
fn threads_do_not_change_the_proof() {
    let proof = |threads| {
        let options =
            Options { parameters: Preset::Bench96.parameters(), threads: Some(threads), ..Options::default() };
        prove(execution("cairo0/sum_to_n", Some(SUM_ARGUMENTS)), PROVER, &options, &NoControl).unwrap()
    };
    assert_eq!(proof(1), proof(3));
    assert_eq!(&proof(2), &other().proof);
}

/// Each size of inputs has its table, and its proofs hold.
#[test]
fn bitwise_of_every_size() {
    for (bits, kind) in [
        (16, TableKind::Bitwise(BitwiseSize::Bits16)),
        (17, TableKind::Bitwise(BitwiseSize::Bits32)),
        (33, TableKind::Bitwise(BitwiseSize::Bits64)),
        (128, TableKind::Bitwise(BitwiseSize::Bits128)),
        (129, TableKind::Bitwise(BitwiseSize::Any)),
        (251, TableKind::Bitwise(BitwiseSize::Any)),
    ] {
        let c = Felt::from(2).pow(bits - 1_u64) + Felt::from(12);
        let arguments =
            format!(r#"{{"a": 5, "b": "340282366920938463463374607431768211461", "c": "{}"}}"#, decimal(&c));
        let Honest { statement, proof } = honest("cairo0/args3", &arguments);
        // Planned without a price for columns, instances are all in one table; else each has a row in one that is wide enough for it.
        let execution = execution("cairo0/args3", Some(&arguments));
        let options = Options { max_columns: Some(135), ..Options::default() };
        let other = prove(execution, statement.prover, &options, &NoControl).unwrap();
        let kinds: Vec<_> = other.layout.tables.iter().map(|table| table.kind.clone()).collect();
        assert!(kinds.contains(&kind), "{bits} bits: {kinds:?}");
        assert_eq!(other.layout.bitwise_rows().count(), 0);
        let widest = proof.layout.bitwise_rows().map(|row| u64::from(row.width())).max().unwrap();
        assert!(widest >= bits && widest < bits + 8, "{bits} bits: {widest}");
        for proof in [proof, other] {
            let verified = verify(&statement, &proof.encode(), &Policy::default()).unwrap();
            // The low half of b is 5.
            assert_eq!(verified.runs[0].output[4], Felt::from(12 & 5_u64));
        }
    }
}

fn decimal(value: &Felt) -> String {
    let mut digits = Vec::new();
    let mut bytes = felt::encoding::to_canonical_be(value).to_vec();
    while bytes.iter().any(|byte| *byte != 0) {
        let mut rest = 0;
        for byte in &mut bytes {
            let part = rest << 8 | u32::from(*byte);
            (*byte, rest) = ((part / 10) as u8, part % 10);
        }
        digits.push(char::from_digit(rest, 10).unwrap());
    }
    digits.into_iter().rev().collect()
}
