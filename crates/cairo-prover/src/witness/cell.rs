//! Witness of [`cairo_air::components::cell`].

use super::multiplicities::Multiplicities;
use super::rows::fill_rows;
use super::{Trace, WitnessError};
use cairo_air::components::cell::Columns;
use felt::Felt;
use felt::integers::small;
use stark::Control;

/// Fills a cell table with the cells at `addresses`, at least one.
pub fn fill(
    memory: &[Felt],
    addresses: &[u32],
    log_height: u32,
    multiplicities: &Multiplicities,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let first = *addresses.first().ok_or(WitnessError::Empty("cell"))?;
    fill_rows(
        1 << log_height,
        control,
        || (),
        |(), row| {
            let (enabler, address) = match addresses.get(row) {
                Some(address) => (Felt::one(), *address),
                None => (Felt::zero(), first),
            };
            let value = memory.get(address as usize).copied().unwrap_or_else(Felt::zero);
            let uses = small(u64::from(multiplicities.memory_uses(address as usize)));
            Ok(Columns { enabler, address: small(u64::from(address)), value, uses }.into_row())
        },
    )
}
