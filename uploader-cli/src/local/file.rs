//! Files that are whole or not there, and that tell when they were damaged.

use super::error::StateError;
use sha2::{Digest as _, Sha256};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

/// Reads a file of at most `limit` bytes. What has no end, such as a device, is not read to its end.
///
/// # Errors
/// If it cannot be read, or has more bytes ([`io::ErrorKind::FileTooLarge`]).
pub fn read_limited(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = std::fs::File::open(path)?;
    let mut bytes = Vec::new();
    // A large file is refused before it is read.
    if file.metadata()?.len() <= limit {
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 <= limit {
            return Ok(bytes);
        }
    }
    let message = format!("it has more than {limit} bytes, the most that is read");
    Err(io::Error::new(io::ErrorKind::FileTooLarge, message))
}

/// Writes a file beside its place, syncs it and renames it. On Unix only the owner may read it.
///
/// # Errors
/// If the folder cannot be made or the file cannot be written; the place is then as it was.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StateError> {
    let failed = |source: io::Error| StateError::Write { path: path.to_owned(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_folder(folder)?;
    let mut file = tempfile::Builder::new().prefix(".part-").tempfile_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    sync_folder(folder).map_err(failed)
}

/// Makes a folder, readable by its owner only.
///
/// # Errors
/// If it cannot be made.
pub fn create_folder(folder: &Path) -> Result<(), StateError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|source| StateError::Write { path: folder.to_owned(), source })
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { std::fs::File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Writes JSON behind a first line with its SHA-256.
///
/// # Errors
/// As [`write_whole`].
pub fn write_checked<T: serde::Serialize>(path: &Path, value: &T) -> Result<(), StateError> {
    let failed = |error: serde_json::Error| StateError::Write { path: path.to_owned(), source: error.into() };
    let json = serde_json::to_vec(value).map_err(failed)?;
    let mut bytes = checksum(&json).into_bytes();
    bytes.push(b'\n');
    bytes.extend_from_slice(&json);
    write_whole(path, &bytes)
}

/// Reads what [`write_checked`] wrote; `None` if there is no file.
///
/// # Errors
/// If the file cannot be read, or is not as it was written. `advice` says what to do then.
pub fn read_checked<T: serde::de::DeserializeOwned>(path: &Path, advice: &str) -> Result<Option<T>, StateError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StateError::Read { path: path.to_owned(), source }),
    };
    let damaged =
        |what: &str| StateError::Damaged { path: path.to_owned(), what: what.to_owned(), advice: advice.to_owned() };
    let line = bytes.iter().position(|byte| *byte == b'\n').ok_or_else(|| damaged("it has no checksum"))?;
    let (sum, json) = (&bytes[..line], &bytes[line + 1..]);
    if sum != checksum(json).as_bytes() {
        return Err(damaged("its checksum differs"));
    }
    serde_json::from_slice(json).map(Some).map_err(|error| damaged(&error.to_string()))
}

fn checksum(json: &[u8]) -> String {
    protocol::Digest::from_bytes(Sha256::digest(json).into()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_damage_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a/b/value.json");
        assert_eq!(read_checked::<Vec<u8>>(&path, "").expect("no file"), None);
        write_checked(&path, &vec![1_u8, 2, 3]).expect("a write");
        assert_eq!(read_checked(&path, "").expect("a read"), Some(vec![1_u8, 2, 3]));

        let good = std::fs::read(&path).expect("the file");
        for (bytes, what) in [
            (good[..good.len() - 1].to_vec(), "its checksum differs"),
            (good.iter().map(|byte| if *byte == b'2' { b'4' } else { *byte }).collect(), "its checksum differs"),
            (Vec::new(), "it has no checksum"),
        ] {
            std::fs::write(&path, bytes).expect("a write");
            let error = read_checked::<Vec<u8>>(&path, "Do this.").expect_err("damage").to_string();
            assert!(error.contains(what) && error.contains("value.json") && error.ends_with("Do this."), "{error}");
        }
    }

    #[test]
    fn no_more_is_read_than_the_limit() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        std::fs::write(&path, [7; 10]).expect("a write");
        assert_eq!(read_limited(&path, 10).expect("ten bytes"), [7; 10]);
        let sparse = std::fs::File::create(folder.path().join("sparse")).expect("a file");
        sparse.set_len(1 << 40).expect("a hole");
        assert!(read_limited(&folder.path().join("sparse"), 1 << 39).is_err());
        assert_eq!(read_limited(&path, 9).expect_err("too many").kind(), io::ErrorKind::FileTooLarge);
        #[cfg(unix)]
        assert!(read_limited(Path::new("/dev/zero"), 1000).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys/secret");
        write_whole(&path, b"secret").expect("a write");
        let mode = |path: &Path| std::fs::metadata(path).expect("metadata").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&folder.path().join("keys"))), (0o600, 0o700));
    }
}
