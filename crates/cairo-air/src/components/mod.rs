//! The tables, one folder each, and the registry that lists them.

mod columns;
mod component;
pub mod derived;
mod kind;
mod line;
mod registry;
#[cfg(test)]
mod tests;

pub mod add_mod;
pub mod bitwise;
pub mod bitwise_row;
pub mod blake;
pub mod blake_mix;
pub mod blake_schedule;
pub mod blake_word;
pub mod byte;
pub mod byte_and;
pub mod cell;
pub mod ec_op;
pub mod ecdsa;
pub mod generic;
pub mod instruction;
pub mod keccak;
pub mod keccak_bytes;
pub mod keccak_chunks;
pub mod keccak_rounds;
pub mod limb;
pub mod memory;
pub mod modular;
pub mod mul_mod;
pub mod nibble_and;
pub mod opcode_extension;
pub mod pedersen;
pub mod pedersen_points;
pub mod poseidon;
pub mod product;
pub mod qm31;
pub mod range;
pub mod range_check;
pub mod range_check96;
pub mod range_row;
pub mod uses;
pub mod word12;
pub mod word16;
pub mod word96;

pub use component::{Component, ComponentError, Context, MAX_CHUNKS, Occurrence};
pub use derived::{OwningWord, Path, TableSize, Word};
pub use limb::Limb;
pub use registry::TableKind;

use stark::{AirBuilder, Expr, Rows};

/// A builtin's table walks over its segment: the address begins with the first instance and ends with the last, and moves
/// by one instance or not at all, on rows where `moves` is 1 (everywhere, if it is not given). Fewer than `p` moves cannot
/// go round, so each instance from `base` to `stop` is visited.
fn constrain_segment(b: &mut AirBuilder, address: &Expr, cells: u64, moves: Option<&Expr>, (base, stop): (u32, u32)) {
    let step = b.next(address) - address;
    b.constrain("first_address", Rows::First, address - u64::from(base));
    b.constrain("next_address", Rows::Transition, &step * (&step - cells));
    if let Some(moves) = moves {
        b.constrain("same_address", Rows::Transition, (Expr::one() - moves) * &step);
    }
    b.constrain("last_address", Rows::Last, address + cells - u64::from(stop));
}
