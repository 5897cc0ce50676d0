//! Takes what a unit's process wrote. A stranger's program may have written it.

use crate::state::atomic::{self, FileError, Last};
use rustix::fs::OFlags;
use std::fs::{self, File};
use std::io;
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
