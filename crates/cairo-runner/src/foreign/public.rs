//! The air public input: what a verifier of another proof system would know of the run. It is only compared.

use super::assemble::Parts;
use super::error::{ForeignError, What};
use super::json::{Fields, Object, skip};
use crate::arguments::parse_felt;
use crate::convert::one_line;
use crate::load_error::builtin_of;
use cairo_air::Builtin;
use felt::{Felt, encoding};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

/// Most segments that a file may name.
const MAX_SEGMENTS: usize = 64;

/// The layouts of Cairo, and the builtins that each has, as cairo-vm 3.2 and cairo-lang 0.14 know them; all have `output`.
const LAYOUTS: [(&str, &[Builtin]); 14] = {
    use Builtin::*;
    [
        ("plain", &[]),
        ("small", &[Pedersen, RangeCheck, Ecdsa]),
        ("dex", &[Pedersen, RangeCheck, Ecdsa]),
        ("perpetual", &[Pedersen, RangeCheck, Ecdsa]),
        ("dex_with_bitwise", &[Pedersen, RangeCheck, Ecdsa, Bitwise]),
        ("recursive", &[Pedersen, RangeCheck, Bitwise]),
        ("starknet", &[Pedersen, RangeCheck, Ecdsa, Bitwise, EcOp, Poseidon]),
        ("starknet_with_keccak", &[Pedersen, RangeCheck, Ecdsa, Bitwise, EcOp, Keccak, Poseidon]),
        ("recursive_large_output", &[Pedersen, RangeCheck, Bitwise, Poseidon]),
        ("recursive_with_poseidon", &[Pedersen, RangeCheck, Bitwise, Poseidon]),
        ("all_solidity", &[Pedersen, RangeCheck, Ecdsa, Bitwise, EcOp]),
        ("all_cairo", &[Pedersen, RangeCheck, Ecdsa, Bitwise, EcOp, Keccak, Poseidon, RangeCheck96, AddMod, MulMod]),
        (
            "all_cairo_stwo",
            &[Pedersen, RangeCheck, Ecdsa, Bitwise, EcOp, Keccak, Poseidon, RangeCheck96, AddMod, MulMod],
        ),
        ("stwo_no_ecop", &[Pedersen, RangeCheck, Ecdsa, Bitwise, Keccak, Poseidon, RangeCheck96, AddMod, MulMod]),
    ]
};

/// The layout whose builtins follow from parameters.
const DYNAMIC: &str = "dynamic";

/// The part of the file that is kept; its public memory is compared while it is read.
#[derive(Default)]
struct Kept {
    layout: Option<String>,
    n_steps: Option<u64>,
    segments: BTreeMap<String, Bounds>,
}

#[derive(Deserialize)]
struct Bounds {
    begin_addr: u64,
    stop_ptr: u64,
}

/// Compares the file with the run.
pub(super) fn check(reader: impl Read, parts: &Parts) -> Result<(), ForeignError> {
    let failure = Cell::new(None);
    let mut json = serde_json::Deserializer::from_reader(reader);
    let file = Object(File { parts, failure: &failure, kept: Kept::default() });
    let read = file.deserialize(&mut json).and_then(|file| json.end().map(|()| file.kept));
    let kept = read.map_err(|error| {
        failure.take().unwrap_or_else(|| ForeignError::Json {
            what: What::PublicInput,
            message: one_line(&error.to_string(), 200),
        })
    })?;
    let missing = |part: &str| ForeignError::Missing { what: What::PublicInput, part: part.to_owned() };
    check_layout(&kept.layout.ok_or_else(|| missing("layout"))?, parts)?;
    let said = kept.n_steps.ok_or_else(|| missing("n_steps"))?;
    if said != parts.recorded {
        return Err(ForeignError::StepCount { what: What::PublicInput, said, found: parts.recorded });
    }
    check_segments(&kept.segments, parts)
}

fn check_layout(layout: &str, parts: &Parts) -> Result<(), ForeignError> {
    if layout == DYNAMIC {
        return Err(ForeignError::DynamicLayout);
    }
    let Some((_, builtins)) = LAYOUTS.iter().find(|(name, _)| *name == layout) else {
        let known = LAYOUTS.map(|(name, _)| name).join(", ");
        return Err(ForeignError::UnknownLayout { layout: one_line(layout, 60), known });
    };
    // A builtin that the run does not use may be missing: tools take programs that declare more than the layout has.
    let lacks =
        |builtin: &Builtin| *builtin != Builtin::Output && !builtins.contains(builtin) && parts.instances(*builtin) > 0;
    match parts.segments.iter().map(|(builtin, _)| *builtin).find(lacks) {
        Some(builtin) => Err(ForeignError::LayoutLacks { layout: layout.to_owned(), builtin }),
        None => Ok(()),
    }
}

fn check_segments(said: &BTreeMap<String, Bounds>, parts: &Parts) -> Result<(), ForeignError> {
    let compare = |name: &str, bounds: &Bounds, begin: u64, end: u64| {
        for (bound, said, found) in [("begins", bounds.begin_addr, begin), ("ends", bounds.stop_ptr, end)] {
            if said != found {
                return Err(ForeignError::SegmentDiffers { segment: name.to_owned(), bound, said, found });
            }
        }
        Ok(())
    };
    let [first, last] = [parts.states.first(), parts.states.last()];
    let registers = first.zip(last);
    for (name, bounds) in said {
        match (name.as_str(), registers) {
            // By the first state and the last, as all tools do it.
            ("program", Some((first, last))) => compare(name, bounds, u64::from(first.pc), u64::from(last.pc))?,
            ("execution", Some((first, last))) => compare(name, bounds, u64::from(first.ap), u64::from(last.ap))?,
            _ => {
                let plain = name.strip_suffix("_builtin").unwrap_or(name);
                let builtin = builtin_of(plain).map_err(ForeignError::Builtin)?;
                // The layout's other builtins have segments, too; nothing of the run is in them.
                if let Some(segment) = parts.segment(builtin) {
                    compare(name, bounds, u64::from(segment.base), u64::from(segment.stop))?;
                }
            }
        }
    }
    let named = |name: &str| said.contains_key(name) || said.contains_key(&format!("{name}_builtin"));
    let needed = ["program", "execution"].into_iter().chain(parts.segments.iter().map(|(builtin, _)| builtin.name()));
    match needed.into_iter().find(|name| !named(name)) {
        Some(name) => Err(ForeignError::Missing { what: What::PublicInput, part: format!("memory_segments.{name}") }),
        None => Ok(()),
    }
}

/// A number, as JSON's own or in a text.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Text(Box<RawValue>);

impl Text {
    /// The digits.
    pub(super) fn digits(&self) -> &str {
        self.0.get().trim_matches('"')
    }

    /// The field element, if it is one, from 0 and below the prime.
    pub(super) fn felt(&self) -> Option<Felt> {
        let digits = self.digits();
        parse_felt(digits, "value").ok().filter(|_| !digits.starts_with('-'))
    }
}

/// A public cell.
#[derive(Deserialize)]
struct PublicCell {
    address: u64,
    value: Option<Text>,
}

struct File<'a> {
    parts: &'a Parts,
    failure: &'a Cell<Option<ForeignError>>,
    kept: Kept,
}

impl Fields for File<'_> {
    const WHAT: &'static str = "an object with layout, n_steps, memory_segments and public_memory";

    fn field<'de, A: MapAccess<'de>>(&mut self, name: String, value: &mut A) -> Result<(), A::Error> {
        match name.as_str() {
            "layout" => self.kept.layout = Some(value.next_value()?),
            "n_steps" => self.kept.n_steps = Some(value.next_value()?),
            "memory_segments" => {
                self.kept.segments = value.next_value()?;
                if self.kept.segments.len() > MAX_SEGMENTS {
                    return Err(serde::de::Error::custom("too many segments"));
                }
            }
            "public_memory" => value.next_value_seed(PublicMemory(self))?,
            _ => skip(value)?,
        }
        Ok(())
    }
}

struct PublicMemory<'a, 'b>(&'a File<'b>);

impl<'de> DeserializeSeed<'de> for PublicMemory<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for PublicMemory<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of public cells")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let memory = &self.0.parts.memory;
        while let Some(PublicCell { address, value }) = sequence.next_element()? {
            // A cell that nobody wrote has no value.
            let Some(value) = value else { continue };
            let said = value.felt().ok_or_else(|| {
                serde::de::Error::custom(format_args!("the value at address {address} is no field element"))
            })?;
            let found = memory.get(address);
            if found != Some(&said) {
                self.0.failure.set(Some(ForeignError::PublicCell {
                    address,
                    said: encoding::to_hex(&said),
                    found: found.map_or("nothing".to_owned(), encoding::to_hex),
                }));
                return Err(serde::de::Error::custom("contradiction"));
            }
        }
        Ok(())
    }
}
