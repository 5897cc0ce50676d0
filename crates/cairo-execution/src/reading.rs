//! What every step does with memory, and says of it.

use crate::Fault;
use cairo_air::program::PROGRAM_BASE;
use felt::{Felt, encoding};

/// The memory cell at an address.
#[inline]
pub(crate) fn cell(memory: &[Felt], address: u64) -> Option<&Felt> {
    let index = usize::try_from(address).ok().filter(|index| *index >= PROGRAM_BASE as usize)?;
    memory.get(index)
}

#[cold]
pub(crate) fn no_cell(what: &'static str, address: &Felt) -> Fault {
    Fault::NoCell { what, address: encoding::to_short(address) }
}

/// The address is one that was read, so it is not negative.
#[cold]
pub(crate) fn value(what: &'static str, address: i64, expected: &Felt, found: &Felt) -> Fault {
    let [expected, found] = [expected, found].map(encoding::to_short);
    Fault::Value { what, address: address.unsigned_abs(), expected, found }
}
