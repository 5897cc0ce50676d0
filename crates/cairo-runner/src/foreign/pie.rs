//! Cairo PIEs ("position-independent executions") of a single program: a zip archive of `metadata.json`, `memory.bin`,
//! `additional_data.json`, `execution_resources.json` and, since version 1.1, `version.json`.
//!
//! A PIE is of a run from the call of `main` to its return, where proof mode has a header that calls it. So the run in proof mode is this
//! one with two steps before it and two cells below its stack. It had no step otherwise, and no other cell: code that was compiled without
//! the header is the same behind it. Where `main` returned to, two segments without cells, is where the header's call comes from.

use super::assemble::{Parts, Signatures, check_program as check_program_words};
use super::error::{ForeignError, What};
use super::files::{entries, io, number};
use super::memory::{Memory, value_of};
use super::public::Text;
use super::replay::replay;
use crate::convert::one_line;
use crate::limits::{MAX_PROGRAM_BYTES, RunLimits};
use crate::load_error::builtins_of;
use cairo_air::program::{HEADER_WORDS, PROGRAM_BASE};
use cairo_air::{Builtin, Program};
use cairo_execution::Signature;
use cairo_vm::utils::PRIME_STR;
use felt::integers::small;
use felt::{Felt, encoding};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::io::{BufReader, Read, Seek};
use zip::ZipArchive;
use zip::result::ZipError;

/// Most bytes of a small JSON file, and of one that grows with the run.
const SMALL: u64 = 1 << 20;

/// Bytes of a cell: address and value.
const CELL: usize = 40;

/// Offsets within a segment have 47 bits, numbers of segments 16; the highest bit says that it is an address.
const OFFSET_BITS: u32 = 47;

#[derive(Deserialize)]
struct Version {
    cairo_pie: String,
}

#[derive(Deserialize)]
struct Metadata {
    program: StrippedProgram,
    program_segment: Info,
    execution_segment: Info,
    ret_fp_segment: Info,
    ret_pc_segment: Info,
    builtin_segments: BTreeMap<String, Info>,
    extra_segments: Vec<Info>,
}

#[derive(Deserialize)]
struct StrippedProgram {
    prime: Text,
    data: Vec<Text>,
    builtins: Vec<String>,
    main: u64,
}

#[derive(Deserialize, Clone, Copy)]
struct Info {
    index: u64,
    size: u64,
}

#[derive(Deserialize)]
struct Resources {
    n_steps: u64,
}

/// Where a segment's cells go, and how many it has.
#[derive(Clone, Copy)]
struct Place {
    base: u64,
    size: u64,
}

/// Reads a PIE of a run of the program.
pub(super) fn read(
    file: impl Read + Seek,
    program: &Program,
    limits: &RunLimits,
) -> Result<(Parts, Signatures), ForeignError> {
    let mut archive = ZipArchive::new(file).map_err(zip_error)?;
    check_version(&mut archive)?;
    let metadata: Metadata = json(&mut archive, "metadata.json", 2 * MAX_PROGRAM_BYTES as u64)?;
    let shift = check_program(program, &metadata)?;
    let map = Map::new(program, &metadata, shift, limits)?;
    let memory = map.memory(&mut archive, program, shift, limits)?;
    check_program_words(program, &memory)?;
    let states = replay(program, &memory, limits.max_steps)?;
    let resources: Resources = json(&mut archive, "execution_resources.json", SMALL)?;
    // Without the header's two.
    let found = (states.len() as u64).saturating_sub(3);
    if resources.n_steps != found {
        return Err(ForeignError::StepCount { what: What::Pie, said: resources.n_steps, found });
    }
    let signatures = signatures(&mut archive, &metadata, limits)?;
    let recorded = states.len() as u64;
    Ok((Parts::new(program, states, recorded, memory)?, signatures))
}

fn zip_error(error: ZipError) -> ForeignError {
    match error {
        ZipError::Io(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => io(What::Pie, error),
        error => ForeignError::Zip { message: one_line(&error.to_string(), 200) },
    }
}

/// Hands a file of the archive to `read`, which may take `limit` bytes of it.
fn part<T>(
    archive: &mut ZipArchive<impl Read + Seek>,
    name: &'static str,
    limit: u64,
    read: impl FnOnce(&mut dyn Read) -> Result<T, ForeignError>,
) -> Result<T, ForeignError> {
    let file = archive.by_name(name).map_err(|error| match error {
        ZipError::FileNotFound => ForeignError::Missing { what: What::Pie, part: name.to_owned() },
        error => zip_error(error),
    })?;
    // What the archive says of the size need not be true: no more is unpacked, whatever it says.
    if file.size() > limit {
        return Err(ForeignError::PieTooLarge { name, limit });
    }
    let mut limited = BufReader::with_capacity(1 << 16, file.take(limit.saturating_add(1)));
    let value = read(&mut limited)?;
    if limited.get_ref().limit() == 0 {
        return Err(ForeignError::PieTooLarge { name, limit });
    }
    Ok(value)
}

fn json<T: DeserializeOwned>(
    archive: &mut ZipArchive<impl Read + Seek>,
    name: &'static str,
    limit: u64,
) -> Result<T, ForeignError> {
    part(archive, name, limit, |reader| {
        serde_json::from_reader(reader).map_err(|error| {
            let message = format!("{name}: {}", one_line(&error.to_string(), 200));
            ForeignError::Json { what: What::Pie, message }
        })
    })
}

fn check_version(archive: &mut ZipArchive<impl Read + Seek>) -> Result<(), ForeignError> {
    match json::<Version>(archive, "version.json", SMALL) {
        Ok(Version { cairo_pie }) if cairo_pie == "1.1" || cairo_pie == "1.0" => Ok(()),
        Ok(Version { cairo_pie }) => Err(ForeignError::PieVersion { found: one_line(&cairo_pie, 40) }),
        // The first PIEs had none.
        Err(ForeignError::Missing { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Compares the PIE's program with the one given. Gives by how many words they are apart: those of the header, if the PIE's has none.
fn check_program(program: &Program, metadata: &Metadata) -> Result<u64, ForeignError> {
    let StrippedProgram { prime, data, builtins, main } = &metadata.program;
    let prime = prime.digits();
    if prime != PRIME_STR && prime != PRIME_DECIMAL {
        return Err(ForeignError::PiePrime { found: one_line(prime, 80) });
    }
    let plain: Vec<String> =
        builtins.iter().map(|name| name.strip_suffix("_builtin").unwrap_or(name).to_owned()).collect();
    let found = builtins_of(&plain).map_err(ForeignError::Builtin)?;
    if found != program.builtins() {
        let names = |builtins: &[Builtin]| match builtins {
            [] => "none".to_owned(),
            builtins => builtins.iter().map(|builtin| builtin.name()).collect::<Vec<_>>().join(", "),
        };
        return Err(ForeignError::PieBuiltins { found: names(&found), expected: names(program.builtins()) });
    }
    let expected = program.bytecode();
    let shift = expected.len().wrapping_sub(data.len());
    if shift != 0 && shift != HEADER_WORDS {
        return Err(ForeignError::PieLength { found: data.len(), expected: expected.len() });
    }
    for (word, (found, expected)) in data.iter().zip(expected.iter().skip(shift)).enumerate() {
        let found = found.felt();
        if found.as_ref() != Some(expected) {
            let found = found.as_ref().map_or("no field element".to_owned(), encoding::to_hex);
            return Err(ForeignError::OtherProgram { word, found, expected: encoding::to_hex(expected) });
        }
    }
    // The header's third word is the call, its fourth how far it goes.
    let target = expected.get(3).map_or_else(Felt::zero, |distance| *distance + small(2));
    let begins = small(main.saturating_add(shift as u64));
    if begins != target {
        let expected = target - small(shift as u64);
        return Err(ForeignError::PieMain { found: *main, expected: encoding::to_short(&expected) });
    }
    Ok(shift as u64)
}

const PRIME_DECIMAL: &str = "3618502788666131213697322783095070105623107215331596699973092056135872020481";

/// Where each segment goes.
struct Map {
    places: BTreeMap<u64, Place>,
    /// Segments without cells that stand for one address.
    returns: BTreeMap<u64, u64>,
    cells: u64,
}

impl Map {
    fn new(program: &Program, metadata: &Metadata, shift: u64, limits: &RunLimits) -> Result<Self, ForeignError> {
        let Metadata { program_segment, execution_segment, ret_fp_segment, ret_pc_segment, .. } = metadata;
        let mut map = Self { places: BTreeMap::new(), returns: BTreeMap::new(), cells: u64::from(PROGRAM_BASE) };
        let words = program.bytecode().len() as u64;
        if program_segment.size != words - shift {
            let what = "has another number of words than the program";
            return Err(ForeignError::PieSegment { index: program_segment.index, name: "program".to_owned(), what });
        }
        map.cells += shift;
        map.add("program", *program_segment, limits)?;
        map.cells += u64::from(program.initial_ap() - program.execution_base());
        map.add("execution", *execution_segment, limits)?;
        for builtin in program.builtins() {
            let suffixed = format!("{builtin}_builtin");
            let info =
                metadata.builtin_segments.get(builtin.name()).or_else(|| metadata.builtin_segments.get(&suffixed));
            let Some(Info { index, size }) = info.copied() else {
                let part = format!("builtin_segments.{builtin}");
                return Err(ForeignError::Missing { what: What::Pie, part });
            };
            // The last instance may be written in part: it is one all the same.
            let size = size.checked_next_multiple_of(u64::from(builtin.cells_per_instance())).unwrap_or(u64::MAX);
            map.add(builtin.name(), Info { index, size }, limits)?;
        }
        for extra in &metadata.extra_segments {
            map.add("extra", *extra, limits)?;
        }
        let returns =
            [("ret_fp", ret_fp_segment, program.initial_ap()), ("ret_pc", ret_pc_segment, program.final_pc())];
        for (name, info, address) in returns {
            map.check_index(name, info.index)?;
            if info.size != 0 {
                let what = "has cells, but is where main returns to";
                return Err(ForeignError::PieSegment { index: info.index, name: name.to_owned(), what });
            }
            map.returns.insert(info.index, u64::from(address));
        }
        Ok(map)
    }

    fn check_index(&self, name: &str, index: u64) -> Result<(), ForeignError> {
        let what = if index >> 16 != 0 {
            "has a number of more than 16 bits"
        } else if self.places.contains_key(&index) || self.returns.contains_key(&index) {
            "has a number that another segment has"
        } else {
            return Ok(());
        };
        Err(ForeignError::PieSegment { index, name: name.to_owned(), what })
    }

    fn add(&mut self, name: &str, info: Info, limits: &RunLimits) -> Result<(), ForeignError> {
        self.check_index(name, info.index)?;
        let limit = limits.max_memory_cells.min(u64::from(u32::MAX) - 1);
        let base = self.cells;
        self.cells = base.saturating_add(info.size);
        if self.cells > limit {
            return Err(ForeignError::TooManyCells { limit });
        }
        self.places.insert(info.index, Place { base, size: info.size });
        Ok(())
    }

    /// The address of a cell, or of what a pointer points to, which may be just behind a segment or further.
    fn pointer(&self, segment: u64, offset: u64) -> Option<u64> {
        let address = match self.returns.get(&segment) {
            Some(address) if offset == 0 => *address,
            Some(_) => return None,
            None => self.places.get(&segment)?.base.saturating_add(offset),
        };
        (address <= u64::from(u32::MAX)).then_some(address)
    }

    /// Reads the cells, and puts what proof mode has besides around them.
    fn memory(
        &self,
        archive: &mut ZipArchive<impl Read + Seek>,
        program: &Program,
        shift: u64,
        limits: &RunLimits,
    ) -> Result<Memory, ForeignError> {
        let mut memory = Memory::new(self.cells as usize);
        let head = u64::from(program.execution_base());
        let header = (u64::from(PROGRAM_BASE)..).zip(program.bytecode().iter().copied()).take(shift as usize);
        let below = [(head, small(head + 2)), (head + 1, Felt::zero())];
        header.chain(below).for_each(|(address, value)| memory.write(address, value));
        let limit = limits.max_memory_cells.saturating_mul(CELL as u64);
        let bytes = part(archive, "memory.bin", limit, |reader| {
            entries::<CELL>(reader, What::Pie, |entry, bytes| self.cell(&mut memory, entry, bytes))
        })?;
        if bytes % CELL as u64 != 0 || bytes == 0 {
            return Err(ForeignError::MemoryTruncated { bytes });
        }
        Ok(memory)
    }

    fn cell(&self, memory: &mut Memory, entry: u64, bytes: &[u8; CELL]) -> Result<(), ForeignError> {
        let refuse = |what| ForeignError::PieCell { entry, what };
        let (address, value) = bytes.split_at(8);
        let (segment, offset) = split(number(address)).ok_or_else(|| refuse("has an address that is none"))?;
        let place = self.places.get(&segment).filter(|place| offset < place.size);
        let place = place.ok_or_else(|| refuse("is in no segment, or behind its end"))?;
        let address = place.base + offset;
        if memory.is_written(address) {
            return Err(refuse("has the address of an earlier one"));
        }
        let is_pointer = value.last().is_some_and(|byte| byte >> 7 == 1);
        let value = if is_pointer {
            let (low, rest) = value.split_at(8);
            // The mark is the highest bit of the whole value.
            let is_plain = rest.iter().rev().skip(1).all(|byte| *byte == 0) && rest.last() == Some(&0x80);
            let target = split(number(low) | 1 << 63).filter(|_| is_plain && number(low) >> 63 == 0);
            let (to, at) = target.ok_or_else(|| refuse("holds a pointer that is none"))?;
            let address = self.pointer(to, at).ok_or_else(|| ForeignError::PiePointer {
                cell: format!("{segment}:{offset}"),
                target: format!("{to}:{at}"),
            })?;
            small(address)
        } else {
            value_of(value).ok_or_else(|| ForeignError::MemoryValue { address: format!("{segment}:{offset}") })?
        };
        memory.write(address, value);
        Ok(())
    }
}

/// Segment and offset of an address, if it is marked as one.
fn split(address: u64) -> Option<(u64, u64)> {
    let plain = address & !(1 << 63);
    (address >> 63 == 1).then_some((plain >> OFFSET_BITS, plain & ((1 << OFFSET_BITS) - 1)))
}

/// The signatures of ecdsa in the additional data: pairs of an address and `(r, s)`.
fn signatures(
    archive: &mut ZipArchive<impl Read + Seek>,
    metadata: &Metadata,
    limits: &RunLimits,
) -> Result<Signatures, ForeignError> {
    /// Segment and offset of an instance, `r` and `s`.
    type Entry = ((u64, u64), (Text, Text));
    #[derive(Deserialize)]
    struct Additional {
        #[serde(alias = "ecdsa", default)]
        ecdsa_builtin: Option<Vec<Entry>>,
    }
    let find = |name: &str| metadata.builtin_segments.get(name);
    let Some(segment) = find(Builtin::Ecdsa.name()).or_else(|| find("ecdsa_builtin")) else {
        return Ok(Signatures::new());
    };
    let limit = limits.max_memory_cells.saturating_mul(CELL as u64);
    let additional: Additional = json(archive, "additional_data.json", limit)?;
    let cells = u64::from(Builtin::Ecdsa.cells_per_instance());
    let refuse = || ForeignError::Json {
        what: What::Pie,
        message: "additional_data.json: a signature of `ecdsa` is none, or at no instance".to_owned(),
    };
    let signature = |((index, offset), (r, s)): Entry| {
        let (r, s) = r.felt().zip(s.felt()).ok_or_else(refuse)?;
        if index != segment.index || offset % cells != 0 {
            return Err(refuse());
        }
        Ok((offset / cells, Signature { r, s }))
    };
    additional.ecdsa_builtin.unwrap_or_default().into_iter().map(signature).collect()
}
