//! Takes what a unit's process wrote. A stranger's program may have written it.

use crate::state::atomic::{self, FileError, Last};
use rustix::fs::OFlags;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Moves a result to its place, if it is a plain file of its own, not empty and not larger than so many bytes.
///
/// # Errors
/// If it is not, or cannot be moved.
pub fn take(from: &Path, to: &Path, most: u64, last: Last) -> Result<(), FileError> {
    check(from, most).map_err(FileError::of("take the result", from))?;
    match last {
        Last::Power => atomic::rename(from, to),
        Last::Process => fs::rename(from, to).map_err(FileError::of("move", from)),
    }
}

/// Writes bytes behind a result, unless they are its end already: after a try that broke off in the middle the file is as it was.
///
/// # Errors
/// If it is no plain file of its own, or cannot be written.
pub fn append(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let write = || {
        check(path, u64::MAX)?;
        let flags = OFlags::NOFOLLOW.bits().cast_signed();
        let mut file = File::options().read(true).write(true).custom_flags(flags).open(path)?;
        let length = file.seek(SeekFrom::End(0))?;
        let mut end = Vec::new();
        if length >= bytes.len() as u64 {
            file.seek(SeekFrom::End(-(bytes.len() as i64)))?;
            file.read_to_end(&mut end)?;
        }
        if end == bytes {
            return file.sync_all();
        }
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        if written.is_err() {
            // What is half written must not stay before what is written next.
            file.set_len(length)?;
        }
        written
    };
    write().map_err(FileError::of("write", path))
}

fn check(path: &Path, most: u64) -> io::Result<()> {
    // Neither through a link, nor waiting for somebody at the other end of a pipe.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = File::options().read(true).custom_flags(flags).open(path)?.metadata()?;
    let wrong = match file.len() {
        _ if !file.is_file() => "it is no plain file".to_owned(),
        _ if file.nlink() != 1 => "it has another name elsewhere".to_owned(),
        0 => "it is empty".to_owned(),
        bytes if bytes > most => format!("it has {bytes} bytes, more than {most}"),
        _ => return Ok(()),
    };
    Err(io::Error::new(io::ErrorKind::InvalidData, wrong))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_appended_stands_there_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("proof");
        fs::write(&path, b"proof").expect("written");
        for _ in 0..2 {
            append(&path, b"units").expect("appended");
            assert_eq!(fs::read(&path).expect("read"), b"proofunits");
        }
        append(&path, b"a longer list than the file").expect("appended");
        assert_eq!(fs::read(&path).expect("read"), b"proofunitsa longer list than the file");
        std::os::unix::fs::symlink(&path, folder.path().join("link")).expect("linked");
        append(&folder.path().join("link"), b"x").expect_err("a link");
        append(&folder.path().join("none"), b"x").expect_err("nothing");
    }

    #[test]
    fn only_plain_files_within_bounds_are_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("good"), b"12345").expect("written");
        fs::write(at("key"), b"12345").expect("written");
        fs::write(at("empty"), b"").expect("written");
        fs::hard_link(at("key"), at("hard")).expect("linked");
        std::os::unix::fs::symlink(at("key"), at("soft")).expect("linked");
        fs::create_dir(at("folder")).expect("made");
        rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("made");
        for name in ["empty", "hard", "soft", "folder", "pipe", "nothing"] {
            assert!(take(&at(name), &at("out"), 100, Last::Process).is_err(), "{name}");
            assert!(!at("out").exists(), "{name}");
        }
        let error = take(&at("good"), &at("out"), 4, Last::Power).expect_err("too large").to_string();
        assert!(error.contains("5 bytes, more than 4"), "{error}");
        take(&at("good"), &at("out"), 5, Last::Power).expect("taken");
        assert_eq!(fs::read(at("out")).expect("read"), b"12345");
    }
}
