//! What this verifier says of many proofs, to be compared with what another one says. Reads cases from standard input, one JSON object a
//! line: `words` (hexadecimal), `builtins`, `pointers` (a number, or null for Cairo 0), `runs` (a list of arguments, hexadecimal, for each),
//! `prover` (hexadecimal), `conjectured_bits`, `proven_bits`, `steps`, `bytes` (the policy) and `proof` (a file). Writes a line for each:
//! `accepted`, the conjectured and the proven bits, and for each run `/`, the number of steps and the output; or `refused` and the reason.

use anyhow::{Context as _, anyhow, bail};
use cairo_air::{ArgumentBinding, Builtin, Policy, Program, Statement, VerifiedRun, verify};
use felt::{Felt, encoding};
use serde_json::Value;
use std::io::{BufRead as _, Write as _};

fn main() -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        writeln!(out, "{}", verdict(&serde_json::from_str(&line?)?)?)?;
    }
    Ok(())
}

fn verdict(case: &Value) -> anyhow::Result<String> {
    let statement = statement(case)?;
    let path = case["proof"].as_str().context("a case without proof")?;
    let proof = std::fs::read(path).with_context(|| format!("cannot read {path}"))?;
    Ok(match verify(&statement, &proof, &policy(case)?) {
        Ok(verified) => {
            let runs: Vec<String> = verified.runs.iter().map(shown).collect();
            let (conjectured, proven) = (verified.conjectured_bits, verified.proven_bits);
            format!("accepted {conjectured} {proven}{}", runs.concat())
        }
        Err(error) => format!("refused {}", error.to_string().replace('\n', " ")),
    })
}

fn shown(run: &VerifiedRun) -> String {
    let output: Vec<String> = run.output.iter().map(encoding::to_hex).collect();
    format!(" / {} {}", run.n_steps, output.join(" "))
}

fn policy(case: &Value) -> anyhow::Result<Policy> {
    let bits = |name: &str| case[name].as_f64().with_context(|| format!("a case without {name}"));
    let number = |name: &str| case[name].as_u64().with_context(|| format!("a case without {name}"));
    Ok(Policy {
        min_conjectured_bits: bits("conjectured_bits")?,
        min_proven_bits: bits("proven_bits")?,
        max_steps: number("steps")?,
        max_proof_bytes: usize::try_from(number("bytes")?)?,
    })
}

fn statement(case: &Value) -> anyhow::Result<Statement> {
    let felts = |list: &Value| texts(list)?.map(|text| felt(text?)).collect::<anyhow::Result<Vec<Felt>>>();
    let builtin = |name: &str| Builtin::from_name(name).with_context(|| format!("no builtin {name}"));
    let builtins =
        texts(&case["builtins"]).context("builtins")?.map(|name| builtin(name?)).collect::<anyhow::Result<_>>()?;
    let binding = match &case["pointers"] {
        Value::Null => ArgumentBinding::OutputPrefix,
        cell => ArgumentBinding::Pointers { cell: u32::try_from(cell.as_u64().context("pointers")?)? },
    };
    let program = Program::new(felts(&case["words"]).context("words")?, builtins, binding)?;
    let prover = bytes(case["prover"].as_str().context("a case without prover")?)?;
    let runs = case["runs"].as_array().context("a case without runs")?.iter();
    let runs = runs.map(|arguments| felts(arguments).context("runs")).collect::<anyhow::Result<_>>()?;
    Ok(Statement { program, runs, prover })
}

fn texts(list: &Value) -> anyhow::Result<impl Iterator<Item = anyhow::Result<&str>>> {
    let entries = list.as_array().context("a list is missing")?;
    Ok(entries.iter().map(|entry| entry.as_str().ok_or_else(|| anyhow!("an entry that is no text"))))
}

fn felt(text: &str) -> anyhow::Result<Felt> {
    let digits = text.strip_prefix("0x").with_context(|| format!("{text} is not hexadecimal"))?;
    encoding::from_canonical_be(&bytes(&format!("{digits:0>64}"))?).with_context(|| format!("{text} is no element"))
}

/// 32 bytes of 64 hexadecimal digits.
fn bytes(digits: &str) -> anyhow::Result<[u8; 32]> {
    if digits.len() != 64 || !digits.is_ascii() {
        bail!("{digits} is not 64 digits");
    }
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * index..2 * index + 2], 16)?;
    }
    Ok(bytes)
}
