//! Scarb packages: `scarb build` makes their executables.

use super::{CompileError, Made, Places, Wishes, said, signal};
use crate::local::file::read_limited;
use protocol::MAX_PROGRAM_BYTES;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a package's manifest is called.
pub(super) const MANIFEST: &str = "Scarb.toml";

/// How the files of executables end.
const ENDING: &str = ".executable.json";

/// Scarb, if there is one.
pub(super) fn find(places: &Places) -> Option<PathBuf> {
    places.named("SCARB").or_else(|| places.on_path("scarb"))
}

/// The manifest of the package that a path names: its folder, or the manifest itself.
pub(super) fn named(path: &Path) -> Option<PathBuf> {
    if path.is_dir() {
        return Some(path.join(MANIFEST));
    }
    path.file_name().is_some_and(|name| name == MANIFEST).then(|| path.to_owned())
}

/// The manifest of the package whose `src` a source file is in.
pub(super) fn around(source: &Path, places: &Places) -> Option<PathBuf> {
    let absolute = places.absolute(source);
    let folders = absolute.ancestors().skip(1);
    let package = folders.filter(|folder| folder.ends_with("src")).filter_map(Path::parent);
    package.map(|folder| folder.join(MANIFEST)).find(|manifest| manifest.is_file())
}

/// Builds a package and takes its executable.
pub(super) fn build(manifest: &Path, wishes: &Wishes<'_>, places: &Places) -> Result<Made, CompileError> {
    if !manifest.is_file() {
        return Err(CompileError::NoPackage { path: manifest.to_owned() });
    }
    let scarb = find(places).ok_or_else(|| CompileError::NoScarb { path: manifest.to_owned() })?;
    let start = |source| CompileError::Start { compiler: scarb.clone(), source };
    // A folder of its own: in the package's lie executables of earlier builds, too.
    let target = tempfile::tempdir().map_err(start)?;
    let busy = (wishes.begins)(&format!("Compiling {} with {}", manifest.display(), scarb.display()));
    let mut command = Command::new(&scarb);
    command.arg("--manifest-path").arg(manifest).arg("build").env("SCARB_TARGET_DIR", target.path());
    let (status, messages) = said(&mut command).map_err(start)?;
    drop(busy);
    if !status.success() {
        let message = messages + &signal(status);
        return Err(CompileError::Failed { path: manifest.to_owned(), compiler: scarb, message });
    }
    let (name, file) = choose(manifest, executables(target.path()), wishes.executable)?;
    let bytes = read_limited(&file, MAX_PROGRAM_BYTES as u64)
        .map_err(|source| CompileError::Read { path: file.clone(), source })?;
    Ok(Made { bytes, name: Some(name), compiler: scarb, messages })
}

/// Names and files of what was built, by name. Executables lie in a folder for each profile.
fn executables(target: &Path) -> Vec<(String, PathBuf)> {
    let entries = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let named = |path: PathBuf| {
        let name = path.file_name()?.to_str()?.strip_suffix(ENDING)?.to_owned();
        Some((name, path))
    };
    let mut found: Vec<_> = entries(target).flat_map(|profile| entries(&profile)).filter_map(named).collect();
    found.sort();
    found
}

fn choose(
    manifest: &Path,
    mut found: Vec<(String, PathBuf)>,
    wanted: Option<&str>,
) -> Result<(String, PathBuf), CompileError> {
    let names: Vec<String> = found.iter().map(|(name, _)| name.clone()).collect();
    let path = manifest.to_owned();
    match (wanted, found.len()) {
        (_, 0) => return Err(CompileError::NoExecutable { path }),
        (None, 1) => {}
        (None, _) => return Err(CompileError::SeveralExecutables { path, names }),
        (Some(wanted), _) => found.retain(|(name, _)| name == wanted),
    }
    let wanted = wanted.unwrap_or_default().to_owned();
    found.pop().ok_or(CompileError::UnknownExecutable { path, wanted, names })
}
