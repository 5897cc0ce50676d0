//! Running `uploader` against a distributor in this process that is honest unless told otherwise.
#![allow(dead_code, reason = "each test file takes its part")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test may panic")]

pub mod fake;
pub mod server;

use cairo_execution::Batch;
use cairo_prover::{Options, prove};
use cairo_runner::{Arguments, RunLimits, RunnableProgram, run, unwatched};
use protocol::Preset;
use protocol::signing::Identity;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

pub const KEY: &str = "cairn_0123456789ab_00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

pub fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../programs")
}

pub fn primes() -> PathBuf {
    programs().join("primes/primes.json")
}

pub fn load(path: &Path) -> RunnableProgram {
    RunnableProgram::from_json(&std::fs::read(path).expect("the program")).expect("a program")
}

/// One proof of these runs by some donor.
pub fn prove_units(program: &RunnableProgram, runs: &[Arguments], donor: &Identity, preset: Preset) -> Vec<u8> {
    let execute = |arguments| run(program, arguments, &RunLimits::default(), &mut unwatched).expect("a run");
    let executions: Vec<_> = runs.iter().map(execute).collect();
    let options = Options { parameters: preset.parameters(), threads: Some(1), ..Options::default() };
    let batch = Batch::new(&executions).expect("a batch");
    prove(batch, *donor.donor_key().as_bytes(), &options, &stark::NoControl).expect("a proof").encode()
}

/// A user's machine: a state folder, a working folder, and the program.
pub struct Machine {
    pub folder: TempDir,
}

pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Machine {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("a write");
        path
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_uploader"));
        command.args(arguments).current_dir(self.folder.path()).env_clear().env("HOME", self.folder.path());
        command.env("CAIRN_UPLOADER_STATE", self.path("state")).env("RUST_BACKTRACE", "0").stdin(Stdio::null());
        command
    }

    /// Runs the uploader; temporary paths and addresses are replaced in what it says.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        self.finish(self.command(arguments).output().expect("a run"))
    }

    /// The same with an access key.
    pub fn run_with_key(&self, address: &str, arguments: &[&str]) -> Outcome {
        let mut command = self.command(arguments);
        command.env("CAIRN_KEY", KEY).env("CAIRN_DISTRIBUTOR", address);
        let mut outcome = self.finish(command.output().expect("a run"));
        for text in [&mut outcome.stdout, &mut outcome.stderr] {
            *text = text.replace(address, "ADDRESS");
        }
        outcome
    }

    pub fn finish(&self, output: Output) -> Outcome {
        let clean = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).expect("UTF-8");
            let text = text.replace(&self.folder.path().display().to_string(), "FOLDER");
            text.replace(&programs().display().to_string(), "PROGRAMS")
        };
        Outcome {
            code: output.status.code().expect("an exit code"),
            stdout: clean(output.stdout),
            stderr: clean(output.stderr),
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}
