//! The files that a unit's process works with. It opens them before the walls around it are built, and no others after.

use super::messages::Job;
use crate::state::atomic::{FileError, Last};
use protocol::LeaseMode;
use rustix::fs::OFlags;
use std::fs::File;
use std::io::{self, BufWriter, Read as _, Seek as _, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Open files of a unit.
#[derive(Debug)]
pub struct UnitFiles {
    /// The execution that is to be proved, or was left by an earlier attempt.
    pub earlier: Option<File>,
    /// Takes the execution.
    pub execution: File,
}

/// Open files.
#[derive(Debug)]
pub struct Files {
    /// The program.
    pub program: File,
    /// Those of each unit.
    pub units: Vec<UnitFiles>,
    /// Takes the proof.
    pub proof: Option<File>,
    /// Where the kernel tells about this process.
    status: Option<File>,
}

impl Files {
    /// Opens those of a job.
    ///
    /// # Errors
    /// If one cannot be opened. That there is no earlier execution is no error.
    pub fn open(job: &Job) -> Result<Self, FileError> {
        let execute = job.mode == LeaseMode::Execute;
        Ok(Self {
            program: File::open(&job.program).map_err(FileError::of("open", &job.program))?,
            units: job
                .units
                .iter()
                .map(|unit| {
                    let earlier = if execute { None } else { File::open(&unit.earlier).ok() };
                    Ok(UnitFiles { earlier, execution: create(&unit.execution)? })
                })
                .collect::<Result<_, FileError>>()?,
            proof: if execute { None } else { Some(create(&job.proof)?) },
            status: File::open("/proc/self/status").ok(),
        })
    }

    /// The largest resident size that this process has had, where the system tells.
    pub fn peak_memory(&mut self) -> Option<u64> {
        let (status, mut text) = (self.status.as_mut()?, String::new());
        status.rewind().and_then(|()| status.read_to_string(&mut text)).ok()?;
        let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
        let kilobytes: u64 = line.split_ascii_whitespace().nth(1)?.parse().ok()?;
        Some(kilobytes * 1024)
    }
}

/// An empty file for a result, which is no link to another.
fn create(path: &Path) -> Result<File, FileError> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(0o600).custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options.open(path).map_err(FileError::of("make", path))
}

/// Puts something into a file in place of what was there, at most so many bytes. What an end in between leaves is thrown away
/// by the donor.
///
/// # Errors
/// If it cannot be written; [`io::ErrorKind::QuotaExceeded`] and the like if there is no space, [`io::ErrorKind::Other`] if it
/// is too large.
pub fn fill(
    file: &mut File,
    most: u64,
    last: Last,
    write: impl FnOnce(BufWriter<Bounded<'_>>) -> io::Result<()>,
) -> io::Result<()> {
    file.rewind()?;
    file.set_len(0)?;
    write(BufWriter::new(Bounded { file, left: most, most }))?;
    if last == Last::Power { file.sync_all() } else { Ok(()) }
}

/// A file that takes so many bytes and no more.
#[derive(Debug)]
pub struct Bounded<'a> {
    file: &'a mut File,
    left: u64,
    most: u64,
}

impl Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.left {
            return Err(io::Error::other(format!("it is larger than the {} bytes that it may have", self.most)));
        }
        let written = self.file.write(bytes)?;
        self.left = self.left.saturating_sub(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_try_replaces_the_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("proof");
        let mut file = create(&path).expect("made");
        fill(&mut file, 100, Last::Process, |mut out| out.write_all(&[1; 80])).expect("written");
        fill(&mut file, 100, Last::Power, |mut out| out.write_all(b"short")).expect("written");
        assert_eq!(std::fs::read(&path).expect("read"), b"short");
        let error = fill(&mut file, 4, Last::Process, |mut out| out.write_all(b"short").and_then(|()| out.flush()));
        assert!(error.expect_err("too large").to_string().contains("larger than the 4 bytes"));
    }

    #[test]
    fn results_do_not_go_through_links() {
        let folder = tempfile::tempdir().expect("a folder");
        let (target, link) = (folder.path().join("key"), folder.path().join("proof"));
        std::fs::write(&target, "secret").expect("written");
        std::os::unix::fs::symlink(&target, &link).expect("linked");
        create(&link).expect_err("a link");
        assert_eq!(std::fs::read(&target).expect("read"), b"secret");
    }
}
