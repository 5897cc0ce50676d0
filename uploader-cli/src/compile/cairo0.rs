//! Cairo 0 through StarkWare's `cairo-compile`.

use super::{CompileError, Made, Places, Wishes, run_compiler};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(super) fn compile(path: &Path, wishes: &Wishes<'_>, places: &Places) -> Result<Made, CompileError> {
    let none = |others| CompileError::NoCairo0Compiler { path: path.to_owned(), others };
    let mut others = Vec::new();
    for compiler in candidates(path, places) {
        match compile_with(path, &compiler, wishes) {
            // Cairo 2 has a compiler of this name, too.
            Err(CompileError::Failed { .. }) if is_other_language(&compiler) => others.push(compiler),
            outcome => return outcome,
        }
    }
    Err(none(others))
}

fn compile_with(path: &Path, compiler: &Path, wishes: &Wishes<'_>) -> Result<Made, CompileError> {
    run_compiler(path, compiler, wishes, |command, target| {
        command.args(["--proof_mode", "--no_debug_info"]).arg(path).arg("--output").arg(target);
        // Imports are looked for beside the source.
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            command.arg("--cairo_path").arg(folder);
        }
    })
}

/// The one that the user names, or else all there are.
fn candidates(path: &Path, places: &Places) -> Vec<PathBuf> {
    match places.named("CAIRO_COMPILE") {
        Some(compiler) => vec![compiler],
        None => {
            places.on_path("cairo-compile").into_iter().chain(places.above(path, ".venv/bin/cairo-compile")).collect()
        }
    }
}

/// Whether a compiler says that its version is not 0.x.
fn is_other_language(compiler: &Path) -> bool {
    let output = Command::new(compiler).arg("--version").stdin(Stdio::null()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let major = text.split_whitespace().find_map(|word| word.split('.').next()?.parse::<u64>().ok());
    major.is_some_and(|major| major > 0)
}
