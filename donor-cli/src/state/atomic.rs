//! Files that are whole or not there: written beside their place, then renamed into it. What must survive that the machine
//! loses its power is synchronised as well; for the end of a process, however sudden, that is not needed, and it costs a wait
//! for the disk.

use std::fs::{self, File};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

/// Begins the names of files that are being written.
const UNFINISHED: &str = ".unfinished-";

/// Ends the names of files that the HTTP client is downloading.
const PARTIAL: &str = ".part";

/// A file operation that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {}: {error}{}", path.display(), advice(error))]
pub struct FileError {
    /// What was tried.
    pub doing: &'static str,
    /// On what.
    pub path: PathBuf,
    /// Why it failed.
    pub error: io::Error,
}

impl FileError {
    /// For `map_err`.
    pub fn of(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self { doing, path: path.to_owned(), error }
    }

    /// Whether the disk is full, or the quota used up.
    pub fn is_full(&self) -> bool {
        is_full(&self.error)
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        _ if is_full(error) => ". Free some space there, or choose another folder with --state",
        io::ErrorKind::PermissionDenied => ". Check who owns the folder, or choose another with --state",
        io::ErrorKind::NotADirectory => ". Choose another folder with --state",
        io::ErrorKind::ReadOnlyFilesystem => ". Choose a folder that can be written to with --state",
        _ => "",
    }
}

/// Puts bytes into a file in one step: whoever looks sees the old file or the new one, also after a crash.
///
/// # Errors
/// If any step fails; then the old file, if there was one, is still there.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write_with(path, Last::Power, |file| file.write_all(bytes))
}

/// Reads a file of at most `limit` bytes: what is on disk may be anything.
///
/// # Errors
/// If it cannot be read or is longer.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let mut bytes = Vec::new();
    if file.metadata()?.len() <= limit {
        file.take(limit + 1).read_to_end(&mut bytes)?;
    }
    if bytes.len() as u64 > limit || (bytes.is_empty() && fs::metadata(path)?.len() > limit) {
        return Err(io::Error::other(format!("it has more than {limit} bytes, the most that is read")));
    }
    Ok(bytes)
}

/// What a file is to outlast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last {
    /// The process. After a loss of power it may be gone, or be empty.
    Process,
    /// A loss of power.
    Power,
}

/// As [`write()`], for what is written piece by piece, or need not last so long.
///
/// # Errors
/// As [`write()`].
pub fn write_with(path: &Path, last: Last, fill: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), FileError> {
    let unfinished = unfinished(path);
    let outcome = (|| {
        let mut file = File::create(&unfinished)?;
        fill(&mut file)?;
        if last == Last::Power {
            file.sync_all()?;
        }
        drop(file);
        fs::rename(&unfinished, path)?;
        if last == Last::Power { sync_parent(path) } else { Ok(()) }
    })();
    outcome.map_err(|error| {
        // A partial file is of no use, and its space may be what is missing. If it cannot go now, it goes at the next start.
        let _ = fs::remove_file(&unfinished);
        FileError::of("write", path)(error)
    })
}

fn unfinished(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{UNFINISHED}{}-{name}", std::process::id()))
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// Removes a file. That it is not there is no error. After a loss of power it may be there again, which must do no harm.
///
/// # Errors
/// If it is still there.
pub fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::of("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Moves a file within one file system.
///
/// # Errors
/// If it is still in its old place.
pub fn rename(from: &Path, to: &Path) -> Result<(), FileError> {
    fs::rename(from, to)
        .and_then(|()| sync_parent(to))
        .and_then(|()| sync_parent(from))
        .map_err(FileError::of("move", from))
}

/// Removes what a crash left half-written.
///
/// # Errors
/// If the folder cannot be read.
pub fn sweep(folder: &Path) -> Result<(), FileError> {
    for entry in fs::read_dir(folder).map_err(FileError::of("read", folder))?.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if is_unfinished(&name) || name.ends_with(PARTIAL) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes all files of a folder.
///
/// # Errors
/// If the folder cannot be read, or a file is still there.
pub fn clear(folder: &Path) -> Result<(), FileError> {
    let entries = fs::read_dir(folder).map_err(FileError::of("read", folder))?;
    entries.flatten().try_for_each(|entry| remove(&entry.path()))
}

/// Whether the name is one of a file that is being written.
pub fn is_unfinished(name: &str) -> bool {
    name.starts_with(UNFINISHED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("readable").flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        write(&path, b"old").expect("written");
        let full = write_with(&path, Last::Power, |file| {
            file.write_all(b"half of the n")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        let error = full.expect_err("the disk is full");
        assert!(error.is_full());
        assert!(
            error.to_string().ends_with(". Free some space there, or choose another folder with --state"),
            "{error}"
        );
        assert_eq!(fs::read(&path).expect("there"), b"old");
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn what_a_crash_left_is_swept() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(".unfinished-17-proof"), b"half").expect("written");
        fs::write(folder.path().join("proof"), b"whole").expect("written");
        sweep(folder.path()).expect("swept");
        assert_eq!(names(folder.path()), ["proof"]);
        remove(&folder.path().join("proof")).expect("removed");
        remove(&folder.path().join("proof")).expect("already gone");
    }
}
