//! Any bytes: decoding and verifying never panic, and no bytes but the honest proof's are accepted.
#![no_main]

#[path = "../../tests/common/mod.rs"]
mod common;

use common::tiny::Tiny;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static TINY: LazyLock<Tiny> = LazyLock::new(Tiny::new);

fuzz_target!(|bytes: &[u8]| {
    if TINY.check(bytes).is_ok() {
        assert!(bytes == TINY.honest, "a proof was accepted that the prover did not make");
    }
});
