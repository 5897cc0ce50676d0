//! Writes the proofs of several runs that the tests keep in `crates/cairo-air/tests/fixtures/batches`: of the programs, arguments (as they are
//! given) and provers that `list.json` there has. Only a new version of the protocol needs it: `cargo run -p cairo-air --example keep_proofs`.

use anyhow::{Context as _, ensure};
use cairo_prover::Options;
use cairo_prover::prove::prove_first;
use cairo_runner::{Arguments, RunLimits, RunnableProgram, run, unwatched};
use serde_json::Value;
use stark::{NoControl, Preset};
use std::path::Path;

fn main() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = root.join("crates/cairo-air/tests/fixtures/batches");
    let list: Value = serde_json::from_slice(&std::fs::read(folder.join("list.json"))?)?;
    for entry in list.as_array().context("the list is none")? {
        let text = |field: &str| entry[field].as_str().with_context(|| format!("an entry without {field}"));
        let program = RunnableProgram::from_json(&std::fs::read(root.join(text("program")?))?)?;
        let execution = |listed: &Value| {
            let arguments = Arguments::from_json(listed["given"].to_string().as_bytes())?;
            anyhow::Ok(run(&program, &arguments, &RunLimits::default(), &mut unwatched)?)
        };
        let runs = entry["runs"].as_array().context("an entry without runs")?;
        let mut executions = runs.iter().map(execution).collect::<anyhow::Result<Vec<_>>>()?;
        let options = Options { parameters: Preset::Compact.parameters(), ..Options::default() };
        let proof = prove_first(&mut executions, identity(text("prover")?)?, &options, &NoControl)?;
        ensure!(executions.is_empty(), "the runs do not fit in one proof");
        let file = folder.join(text("proof")?);
        std::fs::write(&file, proof.encode()).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

/// 32 bytes of 64 hexadecimal digits.
fn identity(digits: &str) -> anyhow::Result<[u8; 32]> {
    ensure!(digits.len() == 64 && digits.is_ascii(), "{digits} is not 64 digits");
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * index..2 * index + 2], 16)?;
    }
    Ok(bytes)
}
