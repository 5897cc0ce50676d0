//! Hints that look at a few values: logarithms, searches, assertions, a dictionary's entry.

use super::Entry;
use super::ids::{Done, Ids, fail};
use cairo_vm::Felt252;
use cairo_vm::types::relocatable::MaybeRelocatable;
use num_bigint::BigInt;
use num_integer::Integer;

pub(super) const HINTS: &[Entry] = &[
    ("5c04cc19fc6c38fffcbd4559555fb951", "dict: an entry", dictionary_entry),
    ("3c88d21985b52981bb53ab7fc34168da", "find_element", find_element),
    ("ceadf83445b7ee6f66da2e51e89d22e6", "log2_ceil", log2_ceil),
    ("494c667d98b4278cbb8f9d849e98dbce", "signed_pow", base_is_not_zero),
    ("9d363d66216647685681fc8548b04fba", "cairo_secp: try_get_point_from_x", is_on_curve),
];

/// The entry of a dictionary, as an example in the library has it.
fn dictionary_entry(ids: &mut Ids<'_>) -> Done<()> {
    let (dictionary, key) = (ids.pointer("dict_ptr")?, ids.get("key")?);
    let manager = ids.scopes.get_dict_manager()?;
    let value = manager.borrow_mut().get_tracker_mut(dictionary)?.get_value(&key)?.clone();
    ids.set("val", value)
}

/// The first element of a sorted array whose key is at least the one that is looked for.
fn find_element(ids: &mut Ids<'_>) -> Done<()> {
    let (array, key) = (ids.pointer("array_ptr")?, ids.get("key")?);
    let (size, count) = (ids.small("elm_size", u32::MAX as usize)?, ids.small("n_elms", u32::MAX as usize)?);
    if size == 0 {
        return fail("the elements' size is 0");
    }
    let mut found = (count, false);
    let mut at = array;
    for index in 0..count {
        let element = match ids.vm.get_maybe(&at) {
            Some(element) => element,
            None => return fail(format!("element {index} of the array was never written")),
        };
        let is_less = match (&element, &key) {
            (MaybeRelocatable::Int(element), MaybeRelocatable::Int(key)) => element < key,
            (MaybeRelocatable::RelocatableValue(element), MaybeRelocatable::RelocatableValue(key))
                if element.segment_index == key.segment_index =>
            {
                element.offset < key.offset
            }
            _ => return fail("a number is compared with an address"),
        };
        if !is_less {
            found = (index, element == key);
            break;
        }
        at = (at + size)?;
    }
    ids.set("index", Felt252::from(found.0 as u64))?;
    ids.set("exists", Felt252::from(u64::from(found.1)))
}

/// Bits of the value less 1.
fn log2_ceil(ids: &mut Ids<'_>) -> Done<()> {
    let value = ids.integer("value")?;
    if value == 0_u32.into() {
        return fail("0 has no logarithm");
    }
    ids.set("res", Felt252::from((value - 1_u32).bits()))
}

fn base_is_not_zero(ids: &mut Ids<'_>) -> Done<()> {
    if ids.felt("base")? == Felt252::ZERO { fail("0 has no negative power") } else { Ok(()) }
}

/// Whether the root that was computed is one.
fn is_on_curve(ids: &mut Ids<'_>) -> Done<()> {
    let [y, square, prime]: [BigInt; 3] = [ids.scope("y")?, ids.scope("y_square_int")?, ids.scope("SECP_P")?];
    if prime == BigInt::from(0) {
        return fail("the prime is 0");
    }
    let is_on_curve = (&y * &y).mod_floor(&prime) == square;
    ids.set("is_on_curve", Felt252::from(u64::from(is_on_curve)))
}
