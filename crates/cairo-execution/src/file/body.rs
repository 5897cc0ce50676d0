//! The parts of an execution in the order of the file.

use super::codec::{Sink, Source};
use super::{LoadError, LoadLimits};
use crate::{Execution, Pointer, Registers, Relocation, Segment, Signature};
use cairo_air::program::MAX_BYTECODE;
use cairo_air::{ArgumentBinding, Builtin, Program};
use felt::Felt;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};

/// The registers, in the order in which the file has their columns.
const COLUMNS: [Column; 3] = [
    Column { what: "trace of pc", of: |state| &mut state.pc },
    Column { what: "trace of ap", of: |state| &mut state.ap },
    Column { what: "trace of fp", of: |state| &mut state.fp },
];

struct Column {
    what: &'static str,
    of: fn(&mut Registers) -> &mut u32,
}

/// Writes an execution that has passed its check.
pub(super) fn write<W: Write>(execution: &Execution, sink: &mut Sink<W>) -> io::Result<()> {
    let program = &execution.program;
    sink.number(program.builtins().len() as u64)?;
    program.builtins().iter().try_for_each(|builtin| sink.byte(tag_of(*builtin)))?;
    match program.arguments() {
        ArgumentBinding::OutputPrefix => sink.byte(0)?,
        ArgumentBinding::Pointers { cell } => {
            sink.byte(1)?;
            sink.number(u64::from(cell))?;
        }
    }
    write_felts(program.bytecode(), sink)?;
    write_felts(&execution.arguments, sink)?;
    match execution.arguments_start {
        None => sink.byte(0)?,
        Some(start) => {
            sink.byte(1)?;
            sink.number(u64::from(start))?;
        }
    }
    sink.number(execution.segments.len() as u64)?;
    for (builtin, segment) in &execution.segments {
        sink.byte(tag_of(*builtin))?;
        sink.number(u64::from(segment.base))?;
        sink.number(u64::from(segment.stop))?;
    }
    sink.number(execution.trace.len() as u64)?;
    for column in &COLUMNS {
        let mut before = 0;
        for state in &execution.trace {
            let value = i64::from(*(column.of)(&mut { *state }));
            sink.difference(value - before)?;
            before = value;
        }
    }
    write_felts(&execution.memory, sink)?;
    for Signature { r, s } in &execution.signatures {
        sink.felt(r)?;
        sink.felt(s)?;
    }
    write_relocation(execution.relocation.as_ref(), sink)?;
    sink.flush()
}

fn write_relocation<W: Write>(relocation: Option<&Relocation>, sink: &mut Sink<W>) -> io::Result<()> {
    let Some(Relocation { segments, pointers }) = relocation else { return sink.byte(0) };
    sink.byte(1)?;
    sink.number(segments.len() as u64)?;
    for segment in segments {
        sink.number(u64::from(segment.base))?;
        sink.number(u64::from(segment.stop))?;
    }
    sink.number(pointers.len() as u64)?;
    let mut before = 0;
    for pointer in pointers {
        sink.difference(i64::from(pointer.cell) - before)?;
        before = i64::from(pointer.cell);
    }
    pointers.iter().try_for_each(|pointer| sink.number(u64::from(pointer.segment)))
}

/// Reads what [`Relocation::check`] still has to look at.
fn read_relocation<R: Read>(source: &mut Source<R>, limits: &LoadLimits) -> Result<Option<Relocation>, LoadError> {
    match source.byte()? {
        0 => return Ok(None),
        1 => {}
        found => return Err(LoadError::UnknownTag { what: "mark of a relocation", found }),
    }
    let segments = (0..source.count("segments of the relocation", limits.max_memory_cells, 2)?)
        .map(|_| Ok(Segment { base: source.address("relocation")?, stop: source.address("relocation")? }))
        .collect::<Result<Vec<_>, LoadError>>()?;
    let count = source.count("pointers", limits.max_memory_cells, 2)?;
    let mut pointers = vec![Pointer { cell: 0, segment: 0 }; count];
    let mut before = 0_i64;
    for pointer in &mut pointers {
        let cell = before.checked_add(source.difference("pointers")?).and_then(|cell| u32::try_from(cell).ok());
        pointer.cell = cell.ok_or(LoadError::NonCanonicalNumber { what: "pointers" })?;
        before = i64::from(pointer.cell);
    }
    for pointer in &mut pointers {
        pointer.segment = source.address("pointers")?;
    }
    Ok(Some(Relocation { segments, pointers }))
}

/// Reads an execution; it is still to be checked.
pub(super) fn read<R: Read>(source: &mut Source<R>, limits: &LoadLimits) -> Result<Execution, LoadError> {
    let count = source.count("builtins", Builtin::ALL.len() as u64, 1)?;
    let builtins = (0..count).map(|_| read_builtin(source)).collect::<Result<_, _>>()?;
    let binding = match source.byte()? {
        0 => ArgumentBinding::OutputPrefix,
        1 => ArgumentBinding::Pointers { cell: source.address("argument binding")? },
        found => return Err(LoadError::UnknownTag { what: "argument binding", found }),
    };
    let bytecode = read_felts(source, "words", MAX_BYTECODE as u64)?;
    let program = Program::new(bytecode, builtins, binding)?;
    let arguments = read_felts(source, "arguments", limits.max_memory_cells)?;
    let arguments_start = match source.byte()? {
        0 => None,
        1 => Some(source.address("argument segment")?),
        found => return Err(LoadError::UnknownTag { what: "mark of an argument segment", found }),
    };
    let mut segments = BTreeMap::new();
    for _ in 0..source.count("segments", Builtin::ALL.len() as u64, 3)? {
        let builtin = read_builtin(source)?;
        let segment = Segment { base: source.address("segments")?, stop: source.address("segments")? };
        if segments.insert(builtin, segment).is_some() {
            return Err(LoadError::RepeatedSegment(builtin));
        }
    }
    let trace = read_trace(source, limits)?;
    let memory = read_felts(source, "memory cells", limits.max_memory_cells)?;
    let signatures = read_signatures(source, &segments)?;
    let relocation = read_relocation(source, limits)?;
    Ok(Execution { program, arguments, trace, memory, segments, arguments_start, signatures, relocation })
}

/// One for each instance of ecdsa. Grows as they come: a segment's bounds alone allocate nothing.
fn read_signatures<R: Read>(
    source: &mut Source<R>,
    segments: &BTreeMap<Builtin, Segment>,
) -> Result<Vec<Signature>, LoadError> {
    let cells = segments.get(&Builtin::Ecdsa).map_or(0, |segment| segment.stop.saturating_sub(segment.base));
    let mut signatures = Vec::new();
    for _ in 0..cells / Builtin::Ecdsa.cells_per_instance() {
        signatures.push(Signature { r: source.felt("signatures")?, s: source.felt("signatures")? });
    }
    Ok(signatures)
}

fn read_trace<R: Read>(source: &mut Source<R>, limits: &LoadLimits) -> Result<Vec<Registers>, LoadError> {
    // One state more than steps.
    let states = source.count("trace states", limits.max_steps.saturating_add(1), COLUMNS.len() as u64)?;
    let mut trace = vec![Registers { pc: 0, ap: 0, fp: 0 }; states];
    for column in &COLUMNS {
        let mut before = 0_i64;
        for state in &mut trace {
            let bad = LoadError::NonCanonicalNumber { what: column.what };
            let value = before.checked_add(source.difference(column.what)?);
            let Some(value) = value.and_then(|value| u32::try_from(value).ok()) else { return Err(bad) };
            *(column.of)(state) = value;
            before = i64::from(value);
        }
    }
    Ok(trace)
}

fn write_felts<W: Write>(felts: &[Felt], sink: &mut Sink<W>) -> io::Result<()> {
    sink.number(felts.len() as u64)?;
    felts.iter().try_for_each(|value| sink.felt(value))
}

fn read_felts<R: Read>(source: &mut Source<R>, what: &'static str, limit: u64) -> Result<Vec<Felt>, LoadError> {
    let count = source.count(what, limit, 1)?;
    let mut felts = Vec::with_capacity(count);
    for _ in 0..count {
        felts.push(source.felt(what)?);
    }
    Ok(felts)
}

fn tag_of(builtin: Builtin) -> u8 {
    // There are far fewer builtins than bytes.
    Builtin::ALL.iter().position(|other| *other == builtin).unwrap_or_default() as u8
}

fn read_builtin<R: Read>(source: &mut Source<R>) -> Result<Builtin, LoadError> {
    let found = source.byte()?;
    Builtin::ALL.get(usize::from(found)).copied().ok_or(LoadError::UnknownTag { what: "builtin", found })
}
