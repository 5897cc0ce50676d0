//! Hints of Cairo's common library that cairo-vm has no executors for, and two of its own that print. Each proposes values,
//! which the library's code then checks; none reads anything but the run.
//!
//! A hint is known by the digest of its text, as the compiler (cairo-lang 0.14) writes it. What it has to do is said by
//! the library's function around it, which is named beside.

mod ec_op;
mod ids;
mod keccak;
mod merkle;
mod nondet;
mod patricia;
mod print;
mod scalar;
mod sha256;
mod small_merkle;
mod update_tree;

use super::input::Types;
use cairo_vm::hint_processor::builtin_hint_processor::builtin_hint_processor_definition::HintProcessorData;
use cairo_vm::types::exec_scope::ExecutionScopes;
use cairo_vm::types::relocatable::Relocatable;
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::vm_core::VirtualMachine;
use ids::Ids;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

/// Cells that a hint may write from where one of its pointers points, besides those that every hint may.
pub(super) const LIBRARY_REACH: usize = 1 << 10;

/// What a hint does.
type Execute = fn(&mut Ids<'_>) -> Result<(), HintError>;

/// A hint: the beginning of the SHA-256 of its text, where it stands in the library, and what it does.
type Entry = (&'static str, &'static str, Execute);

/// All of them, a list for each file.
const LIBRARY: [&[Entry]; 9] = [
    scalar::HINTS,
    ec_op::HINTS,
    keccak::HINTS,
    sha256::HINTS,
    merkle::HINTS,
    small_merkle::HINTS,
    patricia::HINTS,
    patricia::TRAVERSAL,
    print::HINTS,
];

/// The same by digest.
static BY_DIGEST: LazyLock<std::collections::HashMap<&'static str, Execute>> =
    LazyLock::new(|| LIBRARY.into_iter().flatten().map(|(digest, _, execute)| (*digest, *execute)).collect());

/// Longest text of a library's hint.
const MAX_TEXT: usize = 1 << 12;

fn digest(code: &str) -> String {
    Sha256::digest(code).iter().take(16).fold(String::with_capacity(32), |mut digits, byte| {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

fn find(code: &str) -> Option<Execute> {
    if code.len() > MAX_TEXT { None } else { BY_DIGEST.get(digest(code).as_str()).copied() }
}

/// Whether a hint is one of these.
pub(super) fn is_library_hint(code: &str) -> bool {
    find(code).is_some() || nondet::find(code).is_some()
}

/// Whether a hint of these does nothing but print.
pub(super) fn prints(code: &str) -> bool {
    code.starts_with("print(") && print::HINTS.iter().any(|(known, ..)| *known == digest(code))
}

/// A hint of the library, ready to be executed.
pub(super) struct LibraryHint {
    what: What,
    data: HintProcessorData,
    types: Arc<Types>,
}

enum What {
    Named(Execute),
    Nondet(nondet::Nondet),
}

impl LibraryHint {
    /// The hint with this text; its data back, if it is none of these.
    pub(super) fn new(code: &str, data: HintProcessorData, types: &Arc<Types>) -> Result<Self, HintProcessorData> {
        let what = find(code).map(What::Named).or_else(|| nondet::find(code).map(What::Nondet));
        match what {
            Some(what) => Ok(Self { what, data, types: Arc::clone(types) }),
            None => Err(data),
        }
    }

    pub(super) const fn data(&self) -> &HintProcessorData {
        &self.data
    }

    /// An address that the hint writes at besides those near its variables.
    pub(super) fn destination(&self, vm: &VirtualMachine) -> Option<Relocatable> {
        match &self.what {
            What::Named(_) => None,
            What::Nondet(nondet) => nondet.destination(vm).ok(),
        }
    }

    pub(super) fn execute(&self, vm: &mut VirtualMachine, scopes: &mut ExecutionScopes) -> Result<(), HintError> {
        let mut ids = Ids { vm, scopes, data: &self.data, types: &self.types };
        match &self.what {
            What::Named(execute) => execute(&mut ids),
            What::Nondet(nondet) => nondet.execute(&mut ids),
        }
    }
}

/// The places of all hints that have executors here, for tests: digest and name.
#[cfg(test)]
pub(super) fn entries() -> impl Iterator<Item = (&'static str, &'static str)> {
    LIBRARY.into_iter().flatten().map(|(digest, place, _)| (*digest, *place))
}

#[cfg(test)]
mod tests;
