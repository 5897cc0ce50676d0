//! Bytes of a file.

use super::*;

#[test]
fn file_encoding_is_an_inverse() {
    for proof in [&cairo0().proof, &other().proof] {
        assert_eq!(CairoProof::decode(&proof.encode()).as_ref(), Ok(proof));
    }
}

#[test]
fn files() {
    let honest = cairo0();
    let bytes = honest.proof.encode();
    let with = |at: usize, new: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[at..at + new.len()].copy_from_slice(new);
        honest.bytes(&bytes).map_err(|error| match error {
            VerifyError::File(error) => error,
            other => panic!("{other}"),
        })
    };
    // Magic, version, three hashes, parameters; then the claim: end of owned cells, runs; of the run its offset, steps, ap, segments, arguments,
    // output; then the layout.
    let (parameters, claim) = (12 + 96, 12 + 96 + 16);
    let segments = claim + 4 + 8 + 4 + 8 + 4;
    let (flag, output) = (segments + 8 + 3 * 8, segments + 8 + 3 * 8 + 5);
    let length = |value: &Felt| {
        let bytes = encoding::to_canonical_be(value);
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        if (zeros == 31 && bytes[31] < 192) || zeros == 32 { 1 } else { 33 - zeros }
    };
    let values: usize = honest.proof.claim.runs[0].output.iter().map(length).sum();
    // A list of fetches, empty here, comes between.
    let layout = output + 8 + values + 8;
    let too_many = (MAX_RUNS as u64 + 1).to_le_bytes();
    refused!(with(claim + 4, &too_many), ProofFileError::Codec(CodecError::TooLong { .. }));
    refused!(with(claim + 4, &(MAX_RUNS as u64).to_le_bytes()), ProofFileError::Codec(_));
    refused!(with(0, b"x"), ProofFileError::Magic);
    refused!(with(8, &[1]), ProofFileError::Version(1));
    refused!(with(parameters, &[9]), ProofFileError::Parameters(_));
    refused!(with(segments, &[12]), ProofFileError::Codec(CodecError::TooLong { .. }));
    refused!(with(flag, &[2]), ProofFileError::Codec(CodecError::Unknown { .. }));
    refused!(with(flag + 1, &[1]), ProofFileError::Codec(CodecError::Unknown { .. }));
    let too_long = (MAX_OUTPUT as u64 + 1).to_le_bytes();
    refused!(with(output, &too_long), ProofFileError::Codec(CodecError::TooLong { .. }));
    refused!(with(output, &(MAX_OUTPUT as u64).to_le_bytes()), ProofFileError::Codec(CodecError::Truncated { .. }));
    refused!(with(output + 8, &[255; 32]), ProofFileError::Codec(CodecError::NonCanonical { .. }));
    refused!(with(layout, &(MAX_TABLES as u64 + 1).to_le_bytes()), ProofFileError::Codec(CodecError::TooLong { .. }));
    refused!(with(layout + 8, &[99]), ProofFileError::Codec(CodecError::Unknown { .. }));
    refused!(with(layout + 8, &[4, 0, 0, 3]), ProofFileError::Codec(CodecError::Derived { position: 0, .. }));
    for length in 0..layout {
        let error = honest.bytes(&bytes[..length]);
        refused!(error, VerifyError::File(ProofFileError::Magic | ProofFileError::Codec(CodecError::Truncated { .. })));
    }
}

#[test]
fn stark_bytes() {
    let honest = cairo0();
    refused!(honest.changed(|p| p.stark.push(0)), VerifyError::Decode(stark::DecodeError::Length { .. }));
    refused!(
        honest.changed(|p| p.stark.truncate(p.stark.len() - 1)),
        VerifyError::Decode(stark::DecodeError::Length { .. })
    );
    refused!(honest.changed(|p| p.stark.truncate(100)), VerifyError::Decode(stark::DecodeError::Short { .. }));
    let tables = honest.proof.layout.build(&honest.statement.program, &honest.proof.claim).unwrap().tables;
    let shape = Shape::new(&tables, &honest.proof.parameters);
    let mut proof = stark::Proof::decode(&honest.proof.stark, &shape).unwrap();
    proof.totals[0] += Felt::one();
    refused!(honest.changed(|p| p.stark = proof.encode(&shape)), VerifyError::Stark(stark::VerifyError::Grinding));
    // The query indices are read before the transcript is replayed.
    let mut proof = stark::Proof::decode(&honest.proof.stark, &shape).unwrap();
    proof.indices[0] ^= 1 << 63;
    refused!(honest.changed(|p| p.stark = proof.encode(&shape)), VerifyError::Stark(stark::VerifyError::Indices));
    // Other parameters are another transcript, and mostly another length.
    let parameters = Parameters { grinding_bits: 17, ..honest.proof.parameters };
    let policy = Policy { min_conjectured_bits: 0.0, ..Policy::default() };
    let mut weaker = honest.proof.clone();
    weaker.parameters = parameters;
    refused!(verify(&honest.statement, &weaker.encode(), &policy), VerifyError::Stark(_));
}

/// Every single bit before the STARK proof, and many within it, matters; none makes the verifier panic.
#[test]
fn every_bit_counts() {
    let honest = cairo0();
    let bytes = honest.proof.encode();
    let head = bytes.len() - honest.proof.stark.len();
    let within = (head..bytes.len()).step_by(bytes.len() / 100);
    for (number, at) in (0..head).chain(within).enumerate() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (number % 8);
        assert!(honest.bytes(&changed).is_err(), "byte {at} does not count");
    }
}
