//! The programs of `programs/fixtures`, and their runs.

use cairo_execution::Execution;
use cairo_runner::{Arguments, RunLimits, RunnableProgram, run, unwatched};
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
