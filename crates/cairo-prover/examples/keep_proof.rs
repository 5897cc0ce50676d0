//! Writes the proof that the tests of `cairo-air` keep, `crates/cairo-air/tests/fixtures/fib_tiny.v3.proof`. Only a new version
//! of the protocol needs it: `cargo run -p cairo-prover --no-default-features --example keep_proof`.

use anyhow::Context as _;
use cairo_prover::{Options, prove};
use cairo_runner::{Arguments, Limits, RunnableProgram, run, unwatched};
use stark::{Preset, Unattended};
use std::path::Path;

fn main() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let program = RunnableProgram::from_json(&std::fs::read(root.join("programs/fixtures/bench/fib_tiny.json"))?)?;
    let execution = run(&program, &Arguments::none(), &Limits::default(), &mut unwatched)?;
    let options = Options { parameters: Preset::Compact.parameters(), ..Options::default() };
    let proof = prove(execution, [0x5a; 32], &options, &Unattended)?;
    let file = root.join("crates/cairo-air/tests/fixtures/fib_tiny.v3.proof");
    std::fs::write(&file, proof.encode()).with_context(|| format!("cannot write {}", file.display()))
}
