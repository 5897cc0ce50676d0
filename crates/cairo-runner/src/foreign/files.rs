//! Which files a run consists of, and where they lie.

use super::error::{ForeignError, What, at};
use serde::Deserialize;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

/// Where a run of another tool lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForeignRun {
    /// Relocated, in files of their own.
    Relocated {
        /// 24 bytes a step: `ap`, `fp`, `pc`, little-endian.
        trace: PathBuf,
        /// 40 bytes a cell: address and value, little-endian.
        memory: PathBuf,
        /// JSON: layout, number of steps, segments, public cells. It is compared with the run.
        public: Option<PathBuf>,
        /// JSON: the builtins' inputs. It is compared with the run; signatures are taken from it.
        private: Option<PathBuf>,
    },
    /// A Cairo PIE.
    Pie(PathBuf),
}

const TRACES: &[&str] = &["trace.bin", "trace"];
const MEMORIES: &[&str] = &["memory.bin", "memory"];
const PUBLIC_INPUTS: &[&str] = &["air_public_input.json", "air_public_input"];
const PRIVATE_INPUTS: &[&str] = &["air_private_input.json", "air_private_input"];
const PIES: &[&str] = &["cairo_pie.zip"];

/// Where an air private input says that the other files are.
#[derive(Deserialize)]
struct Paths {
    trace_path: PathBuf,
    memory_path: PathBuf,
}

impl ForeignRun {
    /// The run at a path: a Cairo PIE, an air private input, which names trace and memory, or a folder. An air public input is taken along if it
    /// lies beside.
    ///
    /// # Errors
    /// If there is no run.
    pub fn at(path: &Path) -> Result<Self, ForeignError> {
        if path.is_dir() {
            return Self::in_folder(path).map_err(|error| at(path, error));
        }
        let mut start = Vec::new();
        let mut file = open(path, What::PrivateInput)?;
        file.by_ref().take(4).read_to_end(&mut start).map_err(|error| at(path, io(What::PrivateInput, error)))?;
        if start == b"PK\x03\x04" {
            return Ok(Self::Pie(path.to_owned()));
        }
        let whole = start.as_slice().chain(file);
        let paths: Paths = serde_json::from_reader(whole).map_err(|_| at(path, ForeignError::NotARun))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        // The run may have been moved since.
        let found = |path: &Path| match path.file_name().map(|name| folder.join(name)) {
            Some(beside) if !path.exists() && beside.exists() => beside,
            _ => folder.join(path),
        };
        Ok(Self::Relocated {
            trace: found(&paths.trace_path),
            memory: found(&paths.memory_path),
            public: first(folder, PUBLIC_INPUTS),
            private: Some(path.to_owned()),
        })
    }

    /// The same with an air public input that lies elsewhere. A PIE has none.
    #[must_use]
    pub fn with_public_input(mut self, path: Option<&Path>) -> Self {
        if let (Self::Relocated { public, .. }, Some(path)) = (&mut self, path) {
            *public = Some(path.to_owned());
        }
        self
    }

    fn in_folder(folder: &Path) -> Result<Self, ForeignError> {
        let needed = |what, names: &[&str]| {
            first(folder, names).ok_or_else(|| ForeignError::NoFile { what, names: names.join(", ") })
        };
        match (first(folder, TRACES), first(folder, PIES)) {
            (None, Some(pie)) => Ok(Self::Pie(pie)),
            _ => Ok(Self::Relocated {
                trace: needed(What::Trace, TRACES)?,
                memory: needed(What::Memory, MEMORIES)?,
                public: first(folder, PUBLIC_INPUTS),
                private: first(folder, PRIVATE_INPUTS),
            }),
        }
    }
}

/// The first of the files that there is.
fn first(folder: &Path, names: &[&str]) -> Option<PathBuf> {
    names.iter().map(|name| folder.join(name)).find(|path| path.is_file())
}

pub(super) fn open(path: &Path, what: What) -> Result<BufReader<File>, ForeignError> {
    let file = File::open(path).map_err(|source| at(path, io(what, source)))?;
    Ok(BufReader::with_capacity(1 << 16, file))
}

pub(super) fn io(what: What, source: io::Error) -> ForeignError {
    ForeignError::Io { what, source }
}

/// Reads entries of `N` bytes and hands them on with their number, until the file ends. Gives the number of bytes, which is no multiple of `N` if
/// the file is cut off; what is left over is not handed on.
pub(super) fn entries<const N: usize>(
    mut reader: impl Read,
    what: What,
    mut each: impl FnMut(u64, &[u8; N]) -> Result<(), ForeignError>,
) -> Result<u64, ForeignError> {
    let (mut entry, mut buffer) = (0, [0; N]);
    loop {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match reader.read(rest) {
                Ok(0) => return Ok(entry * N as u64 + filled as u64),
                Ok(length) => filled += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(io(what, error)),
            }
        }
        each(entry, &buffer)?;
        entry += 1;
    }
}

/// A little-endian number.
pub(super) fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
