//! Changes to an honest proof: none is accepted, none makes the verifier panic.
#![no_main]

#[path = "../../tests/common/mod.rs"]
mod common;

use arbitrary::{Arbitrary, Unstructured};
use common::mutation::Mutation;
use common::tiny::Tiny;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static TINY: LazyLock<Tiny> = LazyLock::new(Tiny::new);

#[derive(Debug)]
struct Mutations(Vec<Mutation>);

impl<'a> Arbitrary<'a> for Mutations {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let mut mutations = Vec::new();
        while !u.is_empty() && mutations.len() < 8 {
            let (kind, a, b, byte) =
                (u.int_in_range(0..=10)?, u16::arbitrary(u)?, u16::arbitrary(u)?, u8::arbitrary(u)?);
            let (a, b) = (usize::from(a), usize::from(b));
            mutations.push(match kind {
                0 => Mutation::Flip { at: a, bit: byte },
                1 => Mutation::Set { at: a, byte },
                2 => Mutation::Swap { a, b },
                3 => Mutation::Copy { from: a, to: b },
                4 => Mutation::Splice { at: a, length: b },
                5 => Mutation::Truncate { length: a },
                6 => Mutation::Extend { count: a, byte },
                7 => Mutation::Increment { word: a },
                8 => Mutation::AddModulus { word: a },
                9 => Mutation::Zero { at: a, length: b },
                _ => Mutation::Integer { at: a, byte },
            });
        }
        Ok(Self(mutations))
    }
}

fuzz_target!(|mutations: Mutations| {
    let (mut bytes, integers) = (TINY.honest.clone(), TINY.integers());
    for mutation in &mutations.0 {
        mutation.apply(&mut bytes, &TINY.other, &integers);
    }
    let accepted = TINY.check(&bytes).is_ok();
    assert_eq!(accepted, bytes == TINY.honest);
});
