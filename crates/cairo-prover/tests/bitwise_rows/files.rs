//! Bytes of a file that name bitwise rows which are none.

use super::*;

#[test]
fn rows_that_are_none_in_a_file() {
    let forger = Forger(edges(8, true));
    let (position, row) = forger.tables()[0];
    let Witness { statement, claim, layout, .. } = &forger.0;
    let file = CairoProof::new(statement, CHEAP, claim.clone(), layout.clone(), Vec::new()).encode();
    let mut pattern = vec![53];
    TableKind::BitwiseRow(row).component().describe(&mut pattern);
    pattern.push(layout.tables[position].log_height as u8);
    let places: Vec<usize> =
        file.windows(pattern.len()).enumerate().filter(|(_, w)| *w == pattern).map(|(at, _)| at).collect();
    let [at] = places[..] else { panic!("{places:?}") };
    let bytes = &pattern[1..pattern.len() - 1];
    let with = |at: usize, bytes: &[u8]| {
        let mut file = file.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        verify(statement, &file, &policy())
    };
    // A file without a STARK proof, but with all that comes before.
    assert!(matches!(with(at + 1, bytes), Err(VerifyError::Decode(_))));
    let [_, _, 1, owned @ ..] = bytes else { panic!("{bytes:?}") };
    let unknown = |found: u64, offset: usize| {
        let error = CodecError::Unknown { what: "size of a bitwise row", found, offset };
        Err(VerifyError::File(ProofFileError::Codec(error)))
    };
    for (bits, limbs) in [(8, 0), (8, 33), (8, 255), (4, 0), (4, 64), (0, 1), (1, 1), (16, 1), (12, 4), (255, 255)] {
        let expected = unknown(u64::from(bits) << 8 | u64::from(limbs), at + 1);
        assert_eq!(with(at + 1, &[bits, limbs]), expected, "{bits} {limbs}");
    }
    for uses in [[3, 0, 0, 0, 0], [2, 4, 3, 0, 0], [1, 1, 1, 1, 3], [255; 5], [2, 3, 4, 5, 7]] {
        let expected = unknown(u64::from(bytes[0]) << 8 | u64::from(bytes[1]), at + 1);
        assert_eq!(with(at + 4, &uses), expected, "{uses:?}");
    }
    assert_eq!(owned.len(), CELLS);
    for flag in [2, 255] {
        assert_eq!(with(at + 3, &[flag]), unknown(u64::from(flag), at + 3));
    }
    // Without its cells the bytes of their uses are read as a height and another table.
    assert!(matches!(with(at + 3, &[0]), Err(VerifyError::File(ProofFileError::Codec(_)))));
    for length in at + 1..at + 1 + bytes.len() {
        let result = verify(statement, &file[..length], &policy());
        let is_cut = matches!(result, Err(VerifyError::File(ProofFileError::Codec(CodecError::Truncated { .. }))));
        assert!(is_cut, "{result:?}");
    }
}
