//! The sample projects, and what their programs must compute, computed here in other ways: primes by a sieve, Collatz
//! chains backwards from a table, queens by trying columns, samples one after the other.
//!
//! `cargo run -p programs --example expected` writes each `expected.json` from this code, without any Cairo. The tests
//! run each Cairo program on each of its argument sets and compare.

pub mod collatz;
pub mod montecarlo;
pub mod nqueens;
pub mod primes;

use std::path::{Path, PathBuf};

/// A folder beside this file: source, compiled program, `args.jsonl`, `expected.json`, README.
#[derive(Debug, Clone, Copy)]
pub struct Project {
    /// Name of the folder and of the project.
    pub name: &'static str,
    /// The compiled program's file.
    pub program: &'static str,
    /// Names of the arguments, in order.
    pub arguments: &'static [&'static str],
    /// The output for these arguments; it begins with them.
    pub compute: fn(&[u64]) -> Vec<u128>,
}

/// All of them.
pub const ALL: [Project; 4] = [
    Project { name: "primes", program: "primes.json", arguments: &["lo", "hi"], compute: primes::output },
    Project { name: "collatz", program: "collatz.executable.json", arguments: &["lo", "hi"], compute: collatz::output },
    Project {
        name: "nqueens",
        program: "nqueens.json",
        arguments: &["n", "depth", "prefix"],
        compute: nqueens::output,
    },
    Project {
        name: "montecarlo",
        program: "montecarlo.executable.json",
        arguments: &["lo", "hi"],
        compute: montecarlo::output,
    },
];

impl Project {
    /// Path of a file in the project's folder.
    pub fn path(&self, file: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(self.name).join(file)
    }

    /// The lines of `args.jsonl`, and the arguments of each in order.
    ///
    /// # Errors
    /// If the file cannot be read or a line is neither an object with the project's arguments nor an array.
    pub fn argument_sets(&self) -> std::io::Result<Vec<(String, Vec<u64>)>> {
        let invalid = |line: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, line.to_owned());
        let text = std::fs::read_to_string(self.path("args.jsonl"))?;
        let set = |line: &str| {
            let json: serde_json::Value = serde_json::from_str(line).map_err(std::io::Error::from)?;
            let value = |(index, name): (usize, &&str)| json.get(name).or_else(|| json.get(index))?.as_u64();
            let values = self.arguments.iter().enumerate().map(value).collect::<Option<Vec<_>>>();
            Ok((line.to_owned(), values.ok_or_else(|| invalid(line))?))
        };
        text.lines().map(set).collect()
    }

    /// What `expected.json` must hold: for each argument set, in order, the output as decimal strings.
    ///
    /// # Errors
    /// As [`Project::argument_sets`].
    pub fn expected(&self) -> std::io::Result<serde_json::Value> {
        let run = |(_, arguments): &(String, Vec<u64>)| {
            let output: Vec<_> = (self.compute)(arguments).iter().map(u128::to_string).collect();
            let arguments: Vec<_> = arguments.iter().map(u64::to_string).collect();
            serde_json::json!({ "arguments": arguments, "output": output })
        };
        Ok(self.argument_sets()?.iter().map(run).collect())
    }
}
