//! Cairo 2 through `cairn-compile-cairo2`, a program of its own since the compiler's crates take minutes to build.

use super::{CompileError, Places, run_compiler};
use std::path::{Path, PathBuf};

/// Name of the compiler.
const COMPILER: &str = "cairn-compile-cairo2";

/// The oldest core library that the compiler takes, and the newest.
const CORELIB_VERSIONS: std::ops::RangeInclusive<(u64, u64)> = (2, 20)..=(2, 21);

pub(super) fn compile(
    path: &Path,
    corelib: Option<&Path>,
    places: &Places,
) -> Result<(PathBuf, Vec<u8>), CompileError> {
    let compiler = places
        .named("CAIRN_COMPILE_CAIRO2")
        .or_else(|| places.beside_executable(COMPILER))
        .or_else(|| places.on_path(COMPILER))
        .or_else(|| places.above(path, &format!("target/release/{COMPILER}")))
        .ok_or_else(|| CompileError::NoCairo2Compiler { path: path.to_owned() })?;
    let corelib = find_corelib(path, corelib, places)?;
    let bytes = run_compiler(path, &compiler, |command, target| {
        command.arg(path).arg("--corelib").arg(corelib).arg("--output").arg(target);
    })?;
    Ok((compiler, bytes))
}

fn find_corelib(path: &Path, given: Option<&Path>, places: &Places) -> Result<PathBuf, CompileError> {
    if let Some(folder) = given.map(Path::to_owned).or_else(|| places.named("CAIRO_CORELIB")) {
        // The folder above is what people see in the repository.
        return [folder.clone(), folder.join("src"), folder.join("corelib/src")]
            .into_iter()
            .find(|folder| folder.join("lib.cairo").is_file())
            .ok_or(CompileError::BadCorelib { path: folder });
    }
    let mut cached = scarb_corelibs(places);
    cached.sort();
    let fits = |(version, _): &&(Vec<u64>, PathBuf)| match version.as_slice() {
        [major, minor, ..] => CORELIB_VERSIONS.contains(&(*major, *minor)),
        _ => false,
    };
    match cached.iter().rev().find(fits) {
        Some((_, folder)) => Ok(folder.clone()),
        None => {
            let name =
                |(version, _): &(Vec<u64>, PathBuf)| version.iter().map(u64::to_string).collect::<Vec<_>>().join(".");
            Err(CompileError::NoCorelib { path: path.to_owned(), older: cached.iter().map(name).collect() })
        }
    }
}

/// Core libraries that Scarb unpacked: `registry/std/TAG/core` in its cache, with the version in `Scarb.toml`.
fn scarb_corelibs(places: &Places) -> Vec<(Vec<u64>, PathBuf)> {
    let Some(cache) = places.scarb_cache() else { return Vec::new() };
    let Ok(tags) = std::fs::read_dir(cache.join("registry/std")) else { return Vec::new() };
    let corelib = |folder: PathBuf| {
        let manifest = std::fs::read_to_string(folder.join("Scarb.toml")).ok()?;
        let line = manifest.lines().find_map(|line| line.trim().strip_prefix("version"))?;
        let text = line.trim_start().strip_prefix('=')?.trim().trim_matches('"');
        let version = text.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect();
        let source = folder.join("src");
        source.join("lib.cairo").is_file().then_some((version, source))
    };
    tags.filter_map(|tag| corelib(tag.ok()?.path().join("core"))).collect()
}
