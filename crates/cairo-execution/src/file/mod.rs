//! Executions as files, which may come from strangers.
//!
//! A file is a header of 60 bytes and one zstd frame:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `CAIRNRUN` |
//! | 4 | version, little-endian |
//! | 8 | bytes of the unpacked body, little-endian |
//! | 8 | bytes of the frame, little-endian |
//! | 32 | BLAKE3 over version, both lengths and the frame |
//!
//! The body holds program, arguments, segments, trace (register by register, as differences), memory and what it takes to place the run elsewhere. Each execution
//! has one body: overlong numbers are refused.

mod body;
mod codec;

use crate::{Execution, ExecutionError, RelocationError};
use cairo_air::{Builtin, ProgramError};
use codec::{Sink, Source};
use std::io::{self, Read, Write};

/// First bytes of a file.
const MAGIC: &[u8; 8] = b"CAIRNRUN";

/// Version 1 did not say which cells hold addresses.
const VERSION: u32 = 2;

/// Bytes of the header up to the checksum.
const FIXED: usize = 28;

/// Bytes of the whole header.
const HEADER: usize = FIXED + blake3::OUT_LEN;

/// zstd's default: more costs much time and saves little.
const COMPRESSION_LEVEL: i32 = 3;

/// Largest window that unpacking may take: 2^27 bytes.
const MAX_WINDOW_LOG: u32 = 27;

/// What a file may come to, checked before anything of that size is allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadLimits {
    /// Most bytes of the file's frame.
    pub max_packed_bytes: u64,
    /// Most bytes of the unpacked body.
    pub max_body_bytes: u64,
    /// Most steps.
    pub max_steps: u64,
    /// Most memory cells. A cell takes 32 bytes.
    pub max_memory_cells: u64,
}

impl Default for LoadLimits {
    /// 1 GiB packed, 4 GiB unpacked, 2^26 steps, 2^27 cells.
    fn default() -> Self {
        Self { max_packed_bytes: 1 << 30, max_body_bytes: 1 << 32, max_steps: 1 << 26, max_memory_cells: 1 << 27 }
    }
}

/// Why an execution was not written.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The execution has not the form of one.
    #[error("the execution is not written, since it is no finished run: {0}")]
    Invalid(#[from] ExecutionError),
    /// Writing failed.
    #[error("the execution cannot be written: {0}")]
    Io(#[from] io::Error),
}

/// Why a file is no execution.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Reading failed.
    #[error("the execution file cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The file does not begin as one.
    #[error("the file is no execution file (it does not begin with `CAIRNRUN`)")]
    Magic,
    /// A version that this program does not know.
    #[error("the execution file has version {found}; this program reads version {VERSION}")]
    Version {
        /// Version of the file.
        found: u32,
    },
    /// The file ends too early.
    #[error("the execution file ends too early, in its {part}; fetch it again")]
    Truncated {
        /// Where.
        part: &'static str,
    },
    /// Bytes follow the end.
    #[error("bytes follow the end of the {part}; the execution file is damaged")]
    Trailing {
        /// The end of what.
        part: &'static str,
    },
    /// The checksum differs.
    #[error("the execution file is damaged (its checksum differs); fetch it again")]
    Checksum,
    /// Something is larger than allowed.
    #[error("the execution file has {found} {what}; the limit is {limit}")]
    TooLarge {
        /// What.
        what: &'static str,
        /// How many.
        found: u64,
        /// How many are allowed.
        limit: u64,
    },
    /// A count that the rest of the body cannot hold.
    #[error("the execution file announces {found} {what}, but only {remaining} bytes follow")]
    CountBeyondEnd {
        /// What.
        what: &'static str,
        /// How many.
        found: u64,
        /// Bytes that follow.
        remaining: u64,
    },
    /// The frame does not unpack.
    #[error("the execution file cannot be unpacked: {message}")]
    Unpack {
        /// What zstd says.
        message: String,
    },
    /// A field element that is not reduced, or not written in its shortest form.
    #[error("the execution file has a field element in its {what} that is not in its only form")]
    NonCanonicalFelt {
        /// Among what.
        what: &'static str,
    },
    /// A number in more bytes than it needs, or too large for its place.
    #[error("the execution file has a number in its {what} that is not in its only form or out of range")]
    NonCanonicalNumber {
        /// Among what.
        what: &'static str,
    },
    /// A tag that does not exist.
    #[error("the execution file has the unknown {what} {found}")]
    UnknownTag {
        /// What the tag stands for.
        what: &'static str,
        /// The tag.
        found: u8,
    },
    /// A builtin listed twice.
    #[error("the execution file has two segments for the builtin `{0}`")]
    RepeatedSegment(Builtin),
    /// No program that can be proved.
    #[error("the program in the execution file is not one: {0}")]
    Program(#[from] ProgramError),
    /// The parts are there, but do not make a finished run.
    #[error("the execution file holds no finished run: {0}")]
    Invalid(#[from] ExecutionError),
    /// What it says about placing the run elsewhere does not fit it.
    #[error("the execution file does not say how the run can be placed beside others: {0}")]
    Relocation(#[from] RelocationError),
}

/// Checks the form of an execution and writes it. Nobody else need take it for a run before [`load`] has executed it.
///
/// # Errors
/// If [`Execution::check_form`] or writing fails.
pub fn save(execution: &Execution, mut writer: impl Write) -> Result<(), SaveError> {
    execution.check_form()?;
    let mut sink = Sink::new(zstd::Encoder::new(Vec::new(), COMPRESSION_LEVEL)?);
    body::write(execution, &mut sink)?;
    let (encoder, body_bytes) = sink.finish();
    let frame = encoder.finish()?;

    let mut header = Vec::with_capacity(HEADER);
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&VERSION.to_le_bytes());
    header.extend_from_slice(&body_bytes.to_le_bytes());
    header.extend_from_slice(&(frame.len() as u64).to_le_bytes());
    let checksum = checksum(&header, &frame);
    header.extend_from_slice(&checksum);
    writer.write_all(&header)?;
    writer.write_all(&frame)?;
    writer.flush()?;
    Ok(())
}

/// Reads an execution and checks it: every step is executed. The reader must end where the execution ends.
///
/// # Errors
/// Each [`LoadError`] as its text says.
pub fn load(mut reader: impl Read, limits: LoadLimits) -> Result<Execution, LoadError> {
    let mut header = [0; HEADER];
    read_exact(&mut reader, &mut header, "header")?;
    let (fixed, expected) = header.split_at(FIXED);
    let (magic, numbers) = fixed.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err(LoadError::Magic);
    }
    let (version, lengths) = numbers.split_at(4);
    let version = little_endian(version) as u32;
    if version != VERSION {
        return Err(LoadError::Version { found: version });
    }
    let (body_bytes, frame_bytes) = lengths.split_at(8);
    let (body_bytes, frame_bytes) = (little_endian(body_bytes), little_endian(frame_bytes));
    limit("packed bytes", frame_bytes, limits.max_packed_bytes)?;
    limit("unpacked bytes", body_bytes, limits.max_body_bytes)?;

    // Grows as bytes come: an announced length alone allocates nothing.
    let mut frame = Vec::new();
    reader.by_ref().take(frame_bytes).read_to_end(&mut frame)?;
    if (frame.len() as u64) < frame_bytes {
        return Err(LoadError::Truncated { part: "packed body" });
    }
    if reader.take(1).read_to_end(&mut Vec::new())? > 0 {
        return Err(LoadError::Trailing { part: "file" });
    }
    if checksum(fixed, &frame) != expected {
        return Err(LoadError::Checksum);
    }
    let execution = unpack(&frame, body_bytes, &limits)?;
    execution.check()?;
    if let Some(relocation) = &execution.relocation {
        relocation.check(&execution)?;
    }
    Ok(execution)
}

/// A checksum tells damage, not malice: the body is read with as much care as if there were none.
fn unpack(frame: &[u8], body_bytes: u64, limits: &LoadLimits) -> Result<Execution, LoadError> {
    let failed = |error: io::Error| LoadError::Unpack { message: error.to_string() };
    let mut decoder = zstd::Decoder::with_buffer(frame).map_err(failed)?.single_frame();
    decoder.window_log_max(MAX_WINDOW_LOG).map_err(failed)?;
    let mut source = Source::new(decoder, body_bytes);
    let execution = body::read(&mut source, limits)?;
    if source.remaining() > 0 {
        return Err(LoadError::Trailing { part: "body" });
    }
    let mut decoder = source.into_inner();
    if decoder.read(&mut [0]).map_err(failed)? > 0 {
        return Err(LoadError::Trailing { part: "announced body" });
    }
    if !decoder.finish().is_empty() {
        return Err(LoadError::Trailing { part: "zstd frame" });
    }
    Ok(execution)
}

fn limit(what: &'static str, found: u64, limit: u64) -> Result<(), LoadError> {
    if found > limit { Err(LoadError::TooLarge { what, found, limit }) } else { Ok(()) }
}

fn checksum(fixed: &[u8], frame: &[u8]) -> [u8; blake3::OUT_LEN] {
    let mut hasher = blake3::Hasher::new_derive_key("cairn execution file v1");
    hasher.update(fixed).update(frame);
    *hasher.finalize().as_bytes()
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

fn read_exact(reader: &mut impl Read, target: &mut [u8], part: &'static str) -> Result<(), LoadError> {
    reader.read_exact(target).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => LoadError::Truncated { part },
        _ => LoadError::Io(error),
    })
}

#[cfg(test)]
mod tests;
