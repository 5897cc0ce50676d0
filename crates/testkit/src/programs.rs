//! The programs of `programs/fixtures`, and their runs.

use cairo_execution::Execution;
use cairo_runner::{Arguments, RunLimits, RunnableProgram, run, unwatched};
use felt::Felt;
use serde_json::Value;
use std::path::PathBuf;

/// The path of a file below `programs/fixtures`.
pub fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../programs/fixtures").join(file)
}

/// The bytes of a file below `programs/fixtures`.
pub fn file(name: &str) -> Vec<u8> {
    let path = path(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A program by name, `cairo0/NAME` or `cairo2/NAME`.
pub fn program(name: &str) -> RunnableProgram {
    let extension = if name.starts_with("cairo2/") { "executable.json" } else { "json" };
    RunnableProgram::from_json(&file(&format!("{name}.{extension}"))).unwrap()
}

/// Its run on arguments given as JSON.
pub fn execution(name: &str, arguments: Option<&str>) -> Execution {
    let arguments = arguments.map_or_else(Arguments::none, |text| Arguments::from_json(text.as_bytes()).unwrap());
    run(&program(name), &arguments, &RunLimits::default(), &mut unwatched).unwrap()
}

/// A run of the benchmark suite, `bench/suite.jsonl`.
pub struct SuiteRun {
    /// What the program stands for; every kind is there in several sizes.
    pub kind: String,
    /// The program, below `programs/fixtures`.
    pub file: String,
    /// The run is just below 2 to this number of steps.
    pub log_steps: u32,
    /// As JSON.
    pub arguments: String,
    /// What was computed in another way.
    pub output: Vec<Felt>,
    /// With the closing jump, which an execution has not.
    pub n_steps: usize,
}

impl SuiteRun {
    fn from_json(line: &str) -> Self {
        let run: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| run[name].as_str().unwrap().to_owned();
        let number = |name: &str| run[name].as_u64().unwrap();
        let output = run["output"].as_array().unwrap().iter();
        Self {
            kind: text("kind"),
            file: text("file"),
            log_steps: number("log_steps") as u32,
            arguments: run["args"].to_string(),
            output: output.map(|value| decimal(value.as_str().unwrap())).collect(),
            n_steps: number("n_steps") as usize,
        }
    }

    /// The run, with the output and the number of steps that it must have.
    pub fn execute(&self) -> Execution {
        let program = RunnableProgram::from_json(&file(&self.file)).unwrap();
        let arguments = Arguments::from_json(self.arguments.as_bytes()).unwrap();
        let execution = run(&program, &arguments, &RunLimits::default(), &mut unwatched).unwrap();
        assert_eq!(execution.output(), self.output, "{} {}: output", self.kind, self.arguments);
        assert_eq!(execution.n_steps() + 1, self.n_steps, "{} {}: steps", self.kind, self.arguments);
        execution
    }
}

fn decimal(text: &str) -> Felt {
    text.bytes().fold(Felt::zero(), |sum, digit| sum * Felt::from(10) + Felt::from(u64::from(digit - b'0')))
}

/// All runs of the suite.
pub fn suite() -> Vec<SuiteRun> {
    let lines = String::from_utf8(file("bench/suite.jsonl")).unwrap();
    lines.lines().map(SuiteRun::from_json).collect()
}
