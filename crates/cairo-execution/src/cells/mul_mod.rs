//! mul_mod: `a·b − c` is a multiple of `p`, by a number below 2^384.

use super::modular::Instance;
use super::number::{Number, Product};
use crate::ExecutionError;
use cairo_air::Builtin;
use felt::Felt;

/// The mul_mod instance at an address, with what shows its result.
///
/// # Errors
/// If a cell does not exist, a word is not below `2^96`, or no number `q` below `2^384` makes `a·b − c = q·p`.
pub fn mul_mod(memory: &[Felt], address: u32) -> Result<(Instance, Product), ExecutionError> {
    let instance = Instance::read(memory, Builtin::MulMod, address)?;
    let [a, b, c] = &instance.values;
    let product = Number::product(&instance.p, a, b, c).ok_or_else(|| instance.refused(Builtin::MulMod))?;
    Ok((instance, product))
}
