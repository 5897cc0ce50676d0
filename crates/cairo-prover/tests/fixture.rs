//! The proof that the tests of `cairo-air` keep: here is how it was made.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use cairo_prover::{Options, prove};
use common::execution;
use stark::{Preset, Unattended};

/// Overwrites `crates/cairo-air/tests/fixtures/fib_tiny.v1.proof`. Only a new version of the protocol needs it.
#[test]
#[ignore = "overwrites a file in the repository"]
fn write_the_fixture() {
    let options = Options { parameters: Preset::Compact.parameters(), ..Options::default() };
    let proof = prove(execution("bench/fib_tiny", None), [0x5a; 32], &options, &Unattended).unwrap();
    let file = format!("{}/../cairo-air/tests/fixtures/fib_tiny.v1.proof", env!("CARGO_MANIFEST_DIR"));
    std::fs::create_dir_all(std::path::Path::new(&file).parent().unwrap()).unwrap();
    std::fs::write(file, proof.encode()).unwrap();
}
