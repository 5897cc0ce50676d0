//! Against the verification that cairo-vm calls.

#![allow(clippy::unwrap_used)]

use felt::{Felt, encoding};
use proptest::prelude::*;
use stark_curve::Point;
use stark_curve::ecdsa::{EXAMPLE, Refusal, Signature, Signed, steps};
use starknet_crypto::{get_public_key, sign, verify};
use starknet_types_core::felt::Felt as Reference;

fn ours(felt: &Reference) -> Felt {
    encoding::from_canonical_be(&felt.to_bytes_be()).unwrap()
}

fn theirs(felt: &Felt) -> Reference {
    Reference::from_bytes_be(&encoding::to_canonical_be(felt))
}

fn good(signed: &Signed) -> bool {
    let Signed { key, message, signature: Signature { r, s } } = signed;
    matches!(verify(&theirs(key), &theirs(message), &theirs(r), &theirs(s)), Ok(true))
}

/// A signature, if there is one for this key, message and nonce.
fn signed(key: u128, message: u128, nonce: u128) -> Option<Signed> {
    let [key, message, nonce] = [key, message, nonce].map(Reference::from);
    let signature = sign(&key, &message, &nonce).ok()?;
    let signature = Signature { r: ours(&signature.r), s: ours(&signature.s) };
    Some(Signed { key: ours(&get_public_key(&key)), message: ours(&message), signature })
}

#[test]
fn the_example_is_good() {
    assert!(good(&EXAMPLE));
    let steps = steps(&[EXAMPLE])[0].unwrap();
    assert!([steps.q, steps.zg, steps.rq, steps.sum, steps.b, steps.wb].iter().all(Point::is_on_curve));
}

/// Each is refused for its own reason, and those beside it in the batch are not.
#[test]
fn refusals() {
    let large = Felt::from(2).pow(251_u64);
    let signature = EXAMPLE.signature;
    let with = |signature| Signed { signature, ..EXAMPLE };
    let one = Felt::one();
    let cases = [
        (Signed { message: large, ..EXAMPLE }, Refusal::Message),
        (with(Signature { r: Felt::zero(), ..signature }), Refusal::R),
        (with(Signature { r: large, ..signature }), Refusal::R),
        (with(Signature { s: Felt::zero(), ..signature }), Refusal::S),
        (Signed { key: Felt::zero(), ..EXAMPLE }, Refusal::Key),
        (Signed { message: EXAMPLE.message + one, ..EXAMPLE }, Refusal::Signature),
        (with(Signature { r: signature.r + one, ..signature }), Refusal::Signature),
        (with(Signature { s: signature.s + one, ..signature }), Refusal::Signature),
    ];
    let all: Vec<Signed> = cases.iter().flat_map(|(signed, _)| [*signed, EXAMPLE]).collect();
    for (pair, (signed, refusal)) in steps(&all).chunks(2).zip(&cases) {
        assert_eq!(pair[0], Err(*refusal));
        assert!(pair[1].is_ok() && !good(signed));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn signatures(key in 1..u128::MAX, message in 0..u128::MAX, nonce in 1..u128::MAX, damage in 0..4_usize) {
        let Some(signed) = signed(key, message, nonce) else { return Ok(()) };
        let all = [signed, {
            let mut other = signed;
            let parts = [&mut other.key, &mut other.message, &mut other.signature.r, &mut other.signature.s];
            for (number, part) in parts.into_iter().enumerate() {
                if number == damage {
                    *part += Felt::one();
                }
            }
            other
        }];
        let found = steps(&all);
        prop_assert!(found[0].is_ok() && good(&all[0]));
        // Where 1/s is below 2^251 but s is not, only the reference refuses; s + 1 is not that large.
        prop_assert_eq!(found[1].is_ok(), good(&all[1]));
    }
}
