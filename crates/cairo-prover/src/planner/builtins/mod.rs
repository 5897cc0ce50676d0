//! The tables of each builtin for the instances that a run uses.
//!
//! A builtin stands here once. The lookup tables that its tables need are found by what those require, see [`super::tables`].

pub mod bitwise;
pub mod bitwise_rows;
pub mod ec_op;
pub mod ecdsa;
mod keccak;
mod limbs;
pub mod modular;
pub mod pedersen;
mod poseidon;
pub mod range_check;
pub mod range_check96;

use cairo_air::{Builtin, Segment, TableEntry};
use felt::Felt;

/// Chooses the tables of a builtin, heights included, for a segment that is not empty.
type Choose = fn(memory: &[Felt], segment: Segment) -> Vec<TableEntry>;

/// How a builtin's tables are chosen; `None` if it has none.
fn choose(builtin: Builtin) -> Option<Choose> {
    match builtin {
        Builtin::RangeCheck => Some(range_check::tables),
        Builtin::Bitwise => Some(bitwise::tables),
        Builtin::Pedersen => Some(pedersen::tables),
        Builtin::Ecdsa => Some(ecdsa::tables),
        Builtin::EcOp => Some(ec_op::tables),
        Builtin::Keccak => Some(keccak::tables),
        Builtin::Poseidon => Some(poseidon::tables),
        Builtin::RangeCheck96 => Some(range_check96::tables),
        Builtin::AddMod => Some(modular::add_mod),
        Builtin::MulMod => Some(modular::mul_mod),
        // Public memory.
        Builtin::Output => None,
    }
}

/// The tables of a builtin with this segment.
pub fn tables(builtin: Builtin, memory: &[Felt], segment: Segment) -> Vec<TableEntry> {
    match choose(builtin) {
        Some(choose) if segment.base < segment.stop => choose(memory, segment),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A builtin has tables here, but for the output; the layout demands that they are of the registry.
    #[test]
    fn builtins_have_tables() {
        for builtin in Builtin::ALL {
            assert_eq!(choose(builtin).is_some(), builtin != Builtin::Output, "{builtin}");
        }
    }
}
