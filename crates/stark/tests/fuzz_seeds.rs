//! The fuzz targets' seeds are current. The first is also a whole proof, pinned: if it changes, so does the protocol, whose
//! version must change too. `UPDATE_SEEDS=1 cargo test -p stark --test fuzz_seeds` writes the files anew.
#![allow(clippy::unwrap_used)]

mod common;

use common::random_air::bytes;
use common::tiny::Tiny;
use std::path::Path;

fn assert_current(name: &str, expected: &[u8]) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(name);
    if std::env::var_os("UPDATE_SEEDS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, expected).unwrap();
    }
    assert!(std::fs::read(&file).unwrap() == expected, "{name} is not what is expected");
}

#[test]
fn the_honest_proof_is_pinned() {
    assert_current("decode_proof/honest", &Tiny::new().honest);
}

#[test]
fn some_random_systems() {
    for number in 0..8 {
        assert_current(&format!("air_random/{number}"), &bytes(number));
    }
}
