//! add_mod: `a + b − c` is 0 or `p`.

use super::modular::Instance;
use super::number::{Number, Sum};
use crate::ExecutionError;
use cairo_air::Builtin;
use felt::Felt;

/// The add_mod instance at an address, with what shows its result.
///
/// # Errors
/// If a cell does not exist, a word is not below `2^96`, or `a + b − c` is neither 0 nor `p`.
pub fn add_mod(memory: &[Felt], address: u32) -> Result<(Instance, Sum), ExecutionError> {
    let instance = Instance::read(memory, Builtin::AddMod, address)?;
    let [a, b, c] = &instance.values;
    let sum = Number::sum(&instance.p, a, b, c).ok_or_else(|| instance.refused(Builtin::AddMod))?;
    Ok((instance, sum))
}
