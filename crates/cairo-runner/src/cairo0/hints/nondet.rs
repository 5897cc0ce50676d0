//! `nondet %{ … %}` of the library: the compiler writes the expression's value to `ap`, or to a local variable's cell. cairo-vm knows most
//! at `ap` only.

use super::ids::{Done, Ids, fail};
use cairo_vm::Felt252;
use cairo_vm::types::relocatable::{MaybeRelocatable, Relocatable};
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::vm_core::VirtualMachine;
use num_bigint::BigInt;

type Evaluate = fn(&mut Ids<'_>) -> Done<Felt252>;

/// The expressions.
const EXPRESSIONS: [(&str, Evaluate); 7] = [
    ("nibbles.pop()", nibble),
    ("x == 0", |ids| ids.scope::<BigInt>("x").map(|x| truth(x == BigInt::from(0)))),
    ("ids.n_bytes >= ids.KECCAK_FULL_RATE_IN_BYTES", |ids| {
        is_below(ids, "KECCAK_FULL_RATE_IN_BYTES").map(|below| truth(!below))
    }),
    ("ids.n_bytes < ids.BYTES_IN_WORD", |ids| is_below(ids, "BYTES_IN_WORD").map(truth)),
    ("ids.elements_end - ids.elements >= 10", |ids| is_longer(ids, 10)),
    ("ids.elements_end - ids.elements >= 2", |ids| is_longer(ids, 2)),
    ("(ids.end != ids.packed_values) and (memory[ids.packed_values] < 2**63)", is_short),
];

/// A hint that writes the value of an expression to a cell near a register.
#[derive(Clone, Copy)]
pub(super) struct Nondet {
    from_fp: bool,
    offset: i32,
    evaluate: Evaluate,
}

/// `memory[fp + 3] = to_felt_or_relocatable(expression)`, for one of the expressions.
pub(super) fn find(code: &str) -> Option<Nondet> {
    let (cell, value) = code.strip_prefix("memory[")?.split_once("] = to_felt_or_relocatable(")?;
    let expression = value.strip_suffix(')')?;
    let (_, evaluate) = EXPRESSIONS.into_iter().find(|(known, _)| *known == expression)?;
    let (register, offset) = match cell.split_once(" + ") {
        Some((register, offset)) => (register, offset.parse::<u16>().ok()?),
        None => (cell, 0),
    };
    let from_fp = match register {
        "ap" => false,
        "fp" => true,
        _ => return None,
    };
    Some(Nondet { from_fp, offset: i32::from(offset), evaluate })
}

impl Nondet {
    pub(super) fn destination(&self, vm: &VirtualMachine) -> Done<Relocatable> {
        let register = if self.from_fp { vm.get_fp() } else { vm.get_ap() };
        (register + self.offset).map_err(HintError::from)
    }

    pub(super) fn execute(&self, ids: &mut Ids<'_>) -> Done<()> {
        let value = (self.evaluate)(ids)?;
        let destination = self.destination(ids.vm)?;
        ids.write(destination, value)
    }
}

fn truth(holds: bool) -> Felt252 {
    Felt252::from(u64::from(holds))
}

/// The next nibble of a scalar.
fn nibble(ids: &mut Ids<'_>) -> Done<Felt252> {
    match ids.scopes.get_mut_list_ref::<Felt252>("nibbles")?.pop() {
        Some(nibble) => Ok(nibble),
        None => fail("the scalar has no nibble left"),
    }
}

fn is_below(ids: &Ids<'_>, constant: &'static str) -> Done<bool> {
    Ok(ids.felt("n_bytes")? < Felt252::from(ids.constant(constant, usize::MAX)? as u64))
}

fn is_longer(ids: &mut Ids<'_>, count: usize) -> Done<Felt252> {
    let length = (ids.pointer("elements_end")? - ids.pointer("elements")?)?;
    Ok(truth(length >= count))
}

/// Whether the next of some packed values is there and below 2^63.
fn is_short(ids: &mut Ids<'_>) -> Done<Felt252> {
    let (at, end) = (ids.pointer("packed_values")?, ids.get("end")?);
    if end == MaybeRelocatable::from(at) {
        return Ok(Felt252::ZERO);
    }
    Ok(truth(ids.read(at)? < Felt252::from(1_u64 << 63)))
}
