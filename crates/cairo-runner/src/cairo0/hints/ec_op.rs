//! `ec_op` in Cairo: the bits of the multiplier, and what cannot go on.

use super::Entry;
use super::ids::{Done, Ids, fail};
use cairo_vm::Felt252;

pub(super) const HINTS: &[Entry] = &[
    ("a0067d4ec89f5743ae244889d1857145", "cairo_ec_op: simulate_builtin_ec_op_with_cairo", bits),
    ("ef71d15b5cb820a4fcc590d29e50a6ec", "cairo_ec_op: _ec_op_inner", failed),
];

/// The bits of `m`, the lowest first.
fn bits(ids: &mut Ids<'_>) -> Done<()> {
    let (m, start) = (ids.integer("m")?, ids.pointer("m_bit_unpacking")?);
    for bit in 0..ids.constant("M_MAX_BITS", 256)? {
        ids.write((start + bit)?, Felt252::from(u64::from(m.bit(bit as u64))))?;
    }
    Ok(())
}

fn failed(_: &mut Ids<'_>) -> Done<()> {
    fail("ec_op cannot add two points with one x coordinate, as the builtin cannot")
}
