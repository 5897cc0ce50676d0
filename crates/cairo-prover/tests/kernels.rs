//! The kernels of the field make the same proof, byte for byte.
#![allow(clippy::unwrap_used)]

mod common;

use cairo_prover::{Options, prove};
use common::execution;
use stark::{Preset, Unattended};
use std::process::Command;

/// Where the process with the other kernel writes its proof.
const FILE: &str = "CAIRN_TEST_PROOF";

/// The kernel's name, a line end, and a proof that uses every kind of transform: tall and flat tables, range checks.
fn made() -> Vec<u8> {
    let options = Options { parameters: Preset::Bench96.parameters(), ..Options::default() };
    let proof = prove(execution("bench/primes_2p14", None), [3; 32], &options, &Unattended).unwrap();
    let mut bytes = format!("{}\n", felt::packed::kernel_name()).into_bytes();
    bytes.extend(proof.encode());
    bytes
}

fn kernel(made: &[u8]) -> &[u8] {
    made.split(|byte| *byte == b'\n').next().unwrap()
}

#[test]
fn all_kernels_make_the_same_proof() {
    let own = made();
    if let Some(file) = std::env::var_os(FILE) {
        return std::fs::write(file, own).unwrap();
    }
    let file = std::env::temp_dir().join(format!("cairn-kernels-{}", std::process::id()));
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "all_kernels_make_the_same_proof"]).env("CAIRN_KERNEL", "portable").env(FILE, &file);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let portable = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(kernel(&portable), b"portable");
    // On a machine without another kernel both are portable, and there is nothing to compare.
    assert!(own[kernel(&own).len()..] == portable[kernel(&portable).len()..], "the proofs differ");
}
