//! Proof files with elements, lengths and numbers that are none.

use super::*;

/// A field element written with the modulus added, wherever that fits into its 32 bytes.
#[test]
fn elements_that_are_not_reduced() {
    let forger = Forger::new(honest());
    let honest = forger.proof();
    let mut tried = 0;
    for at in (64 * 32..honest.stark.len() - 32).step_by(32 * 71) {
        let mut proof = honest.clone();
        let Some(sum) = add_modulus(&proof.stark[at..at + 32]) else { continue };
        proof.stark[at..at + 32].copy_from_slice(&sum);
        let result = verify(&forger.0.statement, &proof.encode(), &policy());
        assert!(matches!(result, Err(VerifyError::Decode(_) | VerifyError::Stark(_))), "byte {at}: {result:?}");
        tried += 1;
    }
    assert!(tried > 10, "{tried}");
}

/// Little-endian 32 bytes plus the modulus; `None` on overflow.
pub fn add_modulus(bytes: &[u8]) -> Option<[u8; 32]> {
    let mut modulus = [0_u8; 32];
    (modulus[0], modulus[24], modulus[31]) = (1, 17, 8);
    let mut carry = 0_u16;
    let mut out = [0; 32];
    for (out, (a, b)) in out.iter_mut().zip(bytes.iter().zip(modulus)) {
        carry += u16::from(*a) + u16::from(b);
        *out = carry as u8;
        carry >>= 8;
    }
    (carry == 0).then_some(out)
}

#[test]
fn cut_off_and_drawn_out() {
    let forger = Forger::new(honest());
    let bytes = forger.proof().encode();
    let verify = |bytes: &[u8]| verify(&forger.0.statement, bytes, &policy());
    assert!(verify(&bytes).is_ok());
    for length in (0..bytes.len()).step_by(bytes.len() / 500).chain(bytes.len() - 40..bytes.len()) {
        assert!(verify(&bytes[..length]).is_err(), "{length}");
    }
    for more in [1, 31, 32, 64, 4096] {
        let mut longer = bytes.clone();
        longer.resize(bytes.len() + more, 0);
        assert!(matches!(verify(&longer), Err(VerifyError::Decode(stark::DecodeError::Length { .. }))));
    }
    let twice = [bytes.clone(), bytes.clone()].concat();
    assert!(verify(&twice).is_err());
}

/// Claims and layouts at the ends of their ranges: sums of addresses must not wrap, and nothing may panic.
#[test]
fn numbers_near_the_limits() {
    let forger = Forger::new(honest());
    let honest = forger.proof();
    let ends = [0, 1, 2, 5, (1 << 31) - 1, 1 << 31, u32::MAX - 5, u32::MAX - 1, u32::MAX];
    for (value, other) in ends.into_iter().flat_map(|value| ends.map(|other| (value, other))) {
        let changes: [&dyn Fn(&mut CairoProof); 5] = [
            &|p| (p.claim.runs[0].final_ap, p.claim.runs[0].n_steps) = (value, u64::from(other)),
            &|p| p.claim.runs[0].segments[1] = Segment { base: value, stop: other },
            &|p| p.claim.runs[0].segments[2] = Segment { base: value, stop: value.wrapping_add(5) },
            &|p| (p.claim.runs[0].arguments_start, p.claim.runs[0].final_ap) = (Some(value), other),
            &|p| p.claim.runs[0].n_steps = u64::from(value) << 32 | u64::from(other),
        ];
        // As many chunks of memory as there can be, so that no address lies outside.
        for (change, chunks) in changes.into_iter().flat_map(|change| [(change, false), (change, true)]) {
            let mut proof = honest.clone();
            change(&mut proof);
            if chunks {
                let chunk = |log_height| TableEntry { kind: TableKind::Memory, log_height };
                proof.layout.tables.splice(0..1, [28, 27, 26, 25].map(chunk));
            }
            if proof != honest {
                assert!(verify(&forger.0.statement, &proof.encode(), &policy()).is_err());
            }
        }
    }
}
