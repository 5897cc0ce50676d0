//! Witness of [`cairo_air::components::word96`].

use super::multiplicities::Multiplicities;
use super::rows::fill_rows;
use super::{Trace, WitnessError};
use crate::planner::builtins::modular::Word;
use cairo_air::TableKind;
use cairo_air::components::range_check::Limbs;
use cairo_air::components::word96::{HALF_BITS, Table};
use felt::Felt;
use felt::integers::small;
use stark::Control;

/// The words with their uses; padding is 0 without any.
pub fn fill(
    table: Table,
    words: &[(Word, u32)],
    log_height: u32,
    multiplicities: &Multiplicities,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    match table.0 {
        Limbs::Bytes => fill_limbs::<13>(table, words, log_height, multiplicities, control),
        Limbs::Words12 => fill_limbs::<9>(table, words, log_height, multiplicities, control),
        Limbs::Words16 => fill_limbs::<7>(table, words, log_height, multiplicities, control),
    }
}

/// `W` is the number of columns: the uses and the limbs.
fn fill_limbs<const W: usize>(
    table: Table,
    words: &[(Word, u32)],
    log_height: u32,
    multiplicities: &Multiplicities,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    if words.len() > 1 << log_height {
        return Err(WitnessError::Empty("word96"));
    }
    let limb = table.0.limb();
    let state = || multiplicities.tally(&TableKind::Limb(limb));
    fill_rows(1 << log_height, control, state, |limbs, row| {
        let ([low, high], uses) = words.get(row).copied().unwrap_or_default();
        let mut rest = u128::from(low) | u128::from(high) << HALF_BITS;
        let mut columns = [Felt::zero(); W];
        columns[Table::USES] = small(u64::from(uses));
        for column in &mut columns[Table::LIMBS..] {
            let word = rest as u64 & ((1 << limb.bits()) - 1);
            let _ = limbs.add(word as usize, 1);
            *column = small(word);
            rest >>= limb.bits();
        }
        Ok(columns)
    })
}
