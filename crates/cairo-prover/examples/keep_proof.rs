//! Writes the proofs that the tests of `cairo-air` keep in `crates/cairo-air/tests/fixtures`. Only a new version of the protocol
//! needs it: `cargo run -p cairo-prover --no-default-features --example keep_proof`.

use anyhow::Context as _;
use cairo_prover::{Options, prove};
use cairo_runner::{Arguments, RunLimits, RunnableProgram, run, unwatched};
use stark::{NoControl, Preset};
use std::path::Path;

fn main() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for name in ["fib_tiny", "primes_2p14"] {
        let program = std::fs::read(root.join(format!("programs/fixtures/bench/{name}.json")))?;
        let execution =
            run(&RunnableProgram::from_json(&program)?, &Arguments::none(), &RunLimits::default(), &mut unwatched)?;
        let options = Options { parameters: Preset::Compact.parameters(), ..Options::default() };
        let proof = prove(execution, [0x5a; 32], &options, &NoControl)?;
        let file = root.join(format!("crates/cairo-air/tests/fixtures/{name}.v6.proof"));
        std::fs::write(&file, proof.encode()).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}
