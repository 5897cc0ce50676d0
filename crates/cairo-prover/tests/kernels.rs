//! The kernels of the field make the same proof, byte for byte, whether extensions are kept or recomputed.
#![allow(clippy::unwrap_used)]

mod common;

use cairo_prover::{Options, prove};
use common::execution;
use stark::{NoControl, Preset};
use std::process::Command;

/// Where a process with another kernel writes its proof.
const FILE: &str = "CAIRN_TEST_PROOF";

/// The kernel's name, a line end, and a proof that uses every kind of transform: tall and flat tables, range checks.
fn made() -> Vec<u8> {
    let proof = |least_memory| {
        let options = Options { parameters: Preset::Bench96.parameters(), least_memory, ..Options::default() };
        prove(execution("bench/primes_2p14", None), [3; 32], &options, &NoControl).unwrap().encode()
    };
    let [kept, recomputed] = [false, true].map(proof);
    assert!(kept == recomputed, "the proofs differ: {}", felt::packed::kernel_name());
    let mut bytes = format!("{}\n", felt::packed::kernel_name()).into_bytes();
    bytes.extend(kept);
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
    for limit in ["avx2", "portable"] {
        let file = std::env::temp_dir().join(format!("cairn-kernels-{}-{limit}", std::process::id()));
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "all_kernels_make_the_same_proof"]).env("CAIRN_KERNEL", limit).env(FILE, &file);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let other = std::fs::read(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        // A machine without AVX2 takes the portable one instead; one without any better kernel has nothing to compare.
        assert!(kernel(&other) == limit.as_bytes() || kernel(&other) == b"portable");
        assert!(own[kernel(&own).len()..] == other[kernel(&other).len()..], "the proofs differ: {limit}");
    }
}
