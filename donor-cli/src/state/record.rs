//! Small JSON files with a checksum: a first line with kind, version and sha256, then the JSON.

use super::atomic::{self, FileError, Last};
use protocol::Digest;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Most bytes of a record that are read: a lease with all arguments that a unit may have takes a fifth of this.
const MAX_RECORD: u64 = 32 << 20;

/// Why a record cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is there, but not what was written.
    #[error("{} is damaged: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// Writes a record in one step, to outlast a loss of power.
///
/// # Errors
/// If the file cannot be written.
pub fn save(path: &Path, kind: &str, value: &impl Serialize) -> Result<(), RecordError> {
    save_to_last(path, Last::Power, kind, value)
}

/// Writes a record in one step.
///
/// # Errors
/// If the file cannot be written.
pub fn save_to_last(path: &Path, last: Last, kind: &str, value: &impl Serialize) -> Result<(), RecordError> {
    let damaged = |error: serde_json::Error| RecordError::Damaged { path: path.to_owned(), why: error.to_string() };
    let body = serde_json::to_string_pretty(value).map_err(damaged)?;
    let text = format!("{}{}\n{body}", header(kind), Digest::of(body.as_bytes()));
    Ok(atomic::write_with(path, last, |file| file.write_all(text.as_bytes()))?)
}

/// Reads a record.
///
/// # Errors
/// If the file cannot be read or is not as it was written.
pub fn load<T: DeserializeOwned>(path: &Path, kind: &str) -> Result<T, RecordError> {
    let bytes = atomic::read(path, MAX_RECORD).map_err(FileError::of("read", path))?;
    let damaged = |why: String| RecordError::Damaged { path: path.to_owned(), why };
    let text = String::from_utf8(bytes).map_err(|_| damaged("it is not text".to_owned()))?;
    let (first, body) = text.split_once('\n').ok_or_else(|| damaged("it has no first line".to_owned()))?;
    let expected = first
        .strip_prefix(&header(kind))
        .ok_or_else(|| damaged(format!("it does not begin as a {kind} record of this version")))?;
    if Digest::of(body.as_bytes()).to_string() != expected {
        return Err(damaged("its checksum differs".to_owned()));
    }
    serde_json::from_str(body).map_err(|error| damaged(error.to_string()))
}

fn header(kind: &str) -> String {
    format!("cairn donor {kind} v1 sha256 ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn damage_is_noticed_wherever_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("record");
        save(&path, "test", &vec![1, 2, 3]).expect("written");
        assert_eq!(load::<Vec<u32>>(&path, "test").expect("read"), [1, 2, 3]);
        let whole = fs::read(&path).expect("read");
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            if let Some(byte) = damaged.get_mut(at) {
                *byte ^= 1;
            }
            fs::write(&path, &damaged).expect("written");
            assert!(matches!(load::<Vec<u32>>(&path, "test"), Err(RecordError::Damaged { .. })), "byte {at}");
            fs::write(&path, whole.get(..at).expect("a part")).expect("written");
            assert!(load::<Vec<u32>>(&path, "test").is_err(), "cut at {at}");
        }
        fs::write(&path, &whole).expect("written");
        assert!(matches!(load::<Vec<u32>>(&path, "other"), Err(RecordError::Damaged { .. })));
        assert!(matches!(load::<Vec<u32>>(&folder.path().join("none"), "test"), Err(RecordError::File(_))));
    }
}
