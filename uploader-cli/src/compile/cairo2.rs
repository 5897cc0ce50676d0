//! Cairo 2 through `cairn-compile-cairo2`, a program of its own since the compiler's crates take minutes to build.

use super::{CompileError, Made, Places, Wishes, corelib, run_compiler};
use std::path::Path;

/// Name of the compiler.
const COMPILER: &str = "cairn-compile-cairo2";

pub(super) fn compile(path: &Path, wishes: &Wishes<'_>, places: &Places) -> Result<Made, CompileError> {
    let compiler = places
        .named("CAIRN_COMPILE_CAIRO2")
        .or_else(|| places.beside_executable(COMPILER))
        .or_else(|| places.on_path(COMPILER))
        .or_else(|| places.above(path, &format!("target/release/{COMPILER}")))
        .ok_or_else(|| CompileError::NoCairo2Compiler { path: path.to_owned() })?;
    let corelib = corelib::find(path, wishes, places)?;
    run_compiler(path, &compiler, wishes, |command, target| {
        command.arg(path).arg("--corelib").arg(corelib).arg("--output").arg(target);
        if let Some(name) = wishes.executable {
            command.arg("--executable").arg(name);
        }
    })
}
