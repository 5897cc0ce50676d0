//! The core library that Cairo 2 source is compiled with: where it is looked for, and which versions fit.

use super::{CompileError, Places, Wishes};
use crate::local::file::read_limited;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// The oldest core library that the compiler takes, and the newest.
const VERSIONS: RangeInclusive<(u64, u64)> = (2, 20)..=(2, 21);

/// Most bytes of a manifest that is looked into.
const MAX_MANIFEST_BYTES: u64 = 1 << 20;

/// A folder that holds a core library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corelib {
    /// The folder of `lib.cairo`.
    pub folder: PathBuf,
    /// The numbers of its version, if its manifest says one.
    pub version: Option<Vec<u64>>,
}

impl Corelib {
    /// The core library in a folder: `corelib/src` of the Cairo repository, or one of the two folders above.
    ///
    /// # Errors
    /// If there is none.
    pub fn find(folder: &Path) -> Result<Self, CompileError> {
        [folder.to_owned(), folder.join("src"), folder.join("corelib/src")]
            .into_iter()
            .find(|folder| folder.join("lib.cairo").is_file())
            .map(|folder| Self { version: version_above(&folder), folder })
            .ok_or_else(|| CompileError::BadCorelib { path: folder.to_owned() })
    }

    /// The same, of a version that the compiler takes, if it says one.
    ///
    /// # Errors
    /// If there is none, or it is of another version.
    pub fn fitting(folder: &Path) -> Result<Self, CompileError> {
        let corelib = Self::find(folder)?;
        match corelib.fits() {
            Some(false) => Err(CompileError::CorelibVersion { path: corelib.folder.clone(), found: corelib.version() }),
            _ => Ok(corelib),
        }
    }

    /// Whether the compiler takes it; `None` if it does not say its version.
    pub fn fits(&self) -> Option<bool> {
        match self.version.as_deref()? {
            [major, minor, ..] => Some(VERSIONS.contains(&(*major, *minor))),
            _ => None,
        }
    }

    /// Its version as text, `?` if it says none.
    pub fn version(&self) -> String {
        let numbers = self.version.iter().flatten().map(u64::to_string).collect::<Vec<_>>();
        if numbers.is_empty() { "?".to_owned() } else { numbers.join(".") }
    }
}

/// The versions that fit, for messages.
pub(super) fn versions() -> String {
    let ((major, oldest), (_, newest)) = (VERSIONS.start(), VERSIONS.end());
    format!("{major}.{oldest} to {major}.{newest}")
}

/// The one that the user names, else the newest that he had remembered and that is still there, else Scarb's.
pub(super) fn find(path: &Path, wishes: &Wishes<'_>, places: &Places) -> Result<PathBuf, CompileError> {
    if let Some(folder) = wishes.corelib.map(Path::to_owned).or_else(|| places.named("CAIRO_CORELIB")) {
        return Ok(Corelib::fitting(&folder)?.folder);
    }
    let newest = |mut found: Vec<Corelib>| {
        found.sort_by(|a, b| a.version.cmp(&b.version));
        found.pop()
    };
    let remembered = wishes.remembered.iter().filter_map(|folder| Corelib::fitting(folder).ok());
    if let Some(corelib) = newest(remembered.collect()) {
        return Ok(corelib.folder);
    }
    let cached = of_scarb(places);
    let older = cached.iter().map(Corelib::version).collect();
    let fitting = cached.into_iter().filter(|corelib| corelib.fits() == Some(true));
    newest(fitting.collect()).map(|corelib| corelib.folder).ok_or_else(|| CompileError::NoCorelib {
        path: path.to_owned(),
        gone: wishes.remembered.to_vec(),
        older,
    })
}

/// Core libraries that Scarb unpacked: `registry/std/TAG/core` in its cache.
fn of_scarb(places: &Places) -> Vec<Corelib> {
    let Some(cache) = places.scarb_cache() else { return Vec::new() };
    let Ok(tags) = std::fs::read_dir(cache.join("registry/std")) else { return Vec::new() };
    let mut found: Vec<Corelib> = tags.filter_map(|tag| Corelib::find(&tag.ok()?.path().join("core")).ok()).collect();
    found.sort_by(|a, b| a.version.cmp(&b.version));
    found
}

/// The version in the `Scarb.toml` beside a core library's `src`.
fn version_above(source: &Path) -> Option<Vec<u64>> {
    let manifest = read_limited(&source.canonicalize().ok()?.parent()?.join("Scarb.toml"), MAX_MANIFEST_BYTES).ok()?;
    let manifest = String::from_utf8_lossy(&manifest);
    let line = manifest.lines().find_map(|line| line.trim().strip_prefix("version"))?;
    let text = line.trim_start().strip_prefix('=')?.trim().trim_matches('"');
    let version: Vec<u64> = text.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect();
    Some(version).filter(|version| version.len() >= 2)
}
