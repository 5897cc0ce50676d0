//! The air private input: the builtins' inputs. They stand in the memory, too, and are only compared; signatures stand nowhere else.

use super::assemble::{Parts, Signatures};
use super::error::{ForeignError, What};
use super::json::{Fields, Object, skip};
use super::public::Text;
use crate::convert::one_line;
use crate::load_error::builtin_of;
use cairo_air::Builtin;
use cairo_execution::Signature;
use felt::{Felt, encoding};
use num_bigint::BigUint;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use stark_curve::ORDER;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::Read;

/// Most values that an instance may have.
const MAX_VALUES: usize = 16;

/// The names of an instance's inputs, in the order of its cells.
const fn inputs(builtin: Builtin) -> &'static [&'static str] {
    match builtin {
        Builtin::Output => &[],
        Builtin::RangeCheck | Builtin::RangeCheck96 => &["value"],
        Builtin::Pedersen | Builtin::Bitwise => &["x", "y"],
        Builtin::Ecdsa => &["pubkey", "msg"],
        Builtin::EcOp => &["p_x", "p_y", "q_x", "q_y", "m"],
        Builtin::Keccak => {
            &["input_s0", "input_s1", "input_s2", "input_s3", "input_s4", "input_s5", "input_s6", "input_s7"]
        }
        Builtin::Poseidon => &["input_s0", "input_s1", "input_s2"],
        Builtin::AddMod | Builtin::MulMod => &["p0", "p1", "p2", "p3", "values_ptr", "offsets_ptr", "n"],
    }
}

/// Compares the file with the run, one instance after the other, and gives its signatures.
pub(super) fn check(reader: impl Read, parts: &Parts) -> Result<Signatures, ForeignError> {
    let judge = Judge { parts, failure: Cell::new(None), signatures: RefCell::default() };
    let mut json = serde_json::Deserializer::from_reader(reader);
    let read = Object(File(&judge)).deserialize(&mut json).and_then(|_| json.end());
    read.map_err(|error| {
        let message = one_line(&error.to_string(), 200);
        judge.failure.take().unwrap_or(ForeignError::Json { what: What::PrivateInput, message })
    })?;
    Ok(judge.signatures.into_inner())
}

/// What instances are compared with.
struct Judge<'a> {
    parts: &'a Parts,
    failure: Cell<Option<ForeignError>>,
    signatures: RefCell<Signatures>,
}

/// An instance as the file has it.
#[derive(Default)]
struct Instance {
    index: Option<u64>,
    values: Vec<(String, Felt)>,
}

impl Instance {
    fn get(&self, field: &str) -> Option<&Felt> {
        self.values.iter().find(|(name, _)| name == field).map(|(_, value)| value)
    }
}

impl Judge<'_> {
    fn fail<E: serde::de::Error>(&self, error: ForeignError) -> E {
        self.failure.set(Some(error));
        E::custom("contradiction")
    }

    fn instance(&self, builtin: Builtin, instance: &Instance) -> Result<(), ForeignError> {
        let Some(index) = instance.index else {
            let part = format!("index of an instance of `{builtin}`");
            return Err(ForeignError::Missing { what: What::PrivateInput, part });
        };
        let instances = self.parts.instances(builtin);
        let Some(segment) = self.parts.segment(builtin).filter(|_| index < instances) else {
            return Err(ForeignError::PrivateInstance { builtin, index, instances });
        };
        let first = u64::from(segment.base) + index * u64::from(builtin.cells_per_instance());
        for (address, field) in (first..).zip(inputs(builtin)) {
            let said = instance.get(field).ok_or(ForeignError::PrivateField { builtin, index, field })?;
            let found = self.parts.memory.get(address);
            // What nobody wrote is filled by each tool in its way.
            if found.is_some_and(|found| found != said) {
                let found = found.map_or_else(String::new, encoding::to_hex);
                let said = encoding::to_hex(said);
                return Err(ForeignError::PrivateCell { builtin, index, field, address, said, found });
            }
        }
        if builtin == Builtin::Ecdsa {
            let value =
                |field| instance.get(field).copied().ok_or(ForeignError::PrivateField { builtin, index, field });
            let signature = Signature { r: value("r")?, s: inverse(&value("w")?) };
            self.signatures.borrow_mut().insert(index, signature);
        }
        Ok(())
    }
}

/// `w` is the inverse of `s` modulo the group's order. What has none is no signature, which the check of the run says.
fn inverse(w: &Felt) -> Felt {
    let order = ORDER.iter().rev().fold(BigUint::ZERO, |order, limb| (order << 64) + limb);
    let inverse = BigUint::from_bytes_be(&encoding::to_canonical_be(w)).modinv(&order).unwrap_or_default();
    let mut limbs = [0; 4];
    for (limb, digit) in limbs.iter_mut().zip(inverse.iter_u64_digits()) {
        *limb = digit;
    }
    encoding::from_canonical_limbs(limbs).unwrap_or_else(Felt::zero)
}

struct File<'a>(&'a Judge<'a>);

impl Fields for File<'_> {
    const WHAT: &'static str = "an object with the inputs of builtins";

    fn field<'de, A: MapAccess<'de>>(&mut self, name: String, value: &mut A) -> Result<(), A::Error> {
        if matches!(name.as_str(), "trace_path" | "memory_path") {
            return skip(value);
        }
        let builtin = builtin_of(name.strip_suffix("_builtin").unwrap_or(&name));
        let builtin = builtin.map_err(|error| self.0.fail(ForeignError::Builtin(error)))?;
        value.next_value_seed(Instances { judge: self.0, builtin })
    }
}

/// A builtin's instances: a list, or an object that has it, as the modular builtins have.
#[derive(Clone, Copy)]
struct Instances<'a> {
    judge: &'a Judge<'a>,
    builtin: Builtin,
}

impl<'de> DeserializeSeed<'de> for Instances<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Instances<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the instances of `{}`", self.builtin)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "instances" => map.next_value_seed(self)?,
                _ => skip(&mut map)?,
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let mut instance = Instance::default();
        while sequence.next_element_seed(Object(&mut instance))?.is_some() {
            self.judge.instance(self.builtin, &instance).map_err(|error| self.judge.fail(error))?;
            instance = Instance::default();
        }
        Ok(())
    }
}

impl Fields for &mut Instance {
    const WHAT: &'static str = "an instance";

    /// The values of its signature are among its own.
    fn field<'de, A: MapAccess<'de>>(&mut self, name: String, value: &mut A) -> Result<(), A::Error> {
        match name.as_str() {
            "index" => self.index = Some(value.next_value()?),
            "signature_input" => drop(value.next_value_seed(Object(&mut **self))?),
            // What an instance of a modular builtin points to: it stands elsewhere in the memory.
            "batch" => skip(value)?,
            _ if self.values.len() >= MAX_VALUES => return Err(A::Error::custom("too many values")),
            _ => {
                let value = value.next_value::<Text>()?.felt();
                let value = value
                    .ok_or_else(|| A::Error::custom(format_args!("`{}` is no field element", one_line(&name, 40))))?;
                self.values.push((name, value));
            }
        }
        Ok(())
    }
}
