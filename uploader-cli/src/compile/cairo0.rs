//! Cairo 0 through StarkWare's `cairo-compile`.

use super::{CompileError, Places, run_compiler};
use std::path::{Path, PathBuf};

pub(super) fn compile(path: &Path, places: &Places) -> Result<(PathBuf, Vec<u8>), CompileError> {
    let compiler = find(path, places).ok_or_else(|| CompileError::NoCairo0Compiler { path: path.to_owned() })?;
    let bytes = run_compiler(path, &compiler, |command, target| {
        command.args(["--proof_mode", "--no_debug_info"]).arg(path).arg("--output").arg(target);
        // Imports are looked for beside the source.
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            command.arg("--cairo_path").arg(folder);
        }
    })?;
    Ok((compiler, bytes))
}

fn find(path: &Path, places: &Places) -> Option<PathBuf> {
    places
        .named("CAIRO_COMPILE")
        .or_else(|| places.on_path("cairo-compile"))
        .or_else(|| places.above(path, ".venv/bin/cairo-compile"))
}
