//! What the witnesses of add_mod and mul_mod have in common.

use super::Source;
use crate::error::WitnessError;
use crate::witness::multiplicities::Multiplicities;
use cairo_air::components::modular::{CELLS, HALVES};
use cairo_air::{Builtin, Segment};
use cairo_execution::cells::{ModularInstance, Number};
use felt::Felt;
use felt::integers::small;

/// The instances of a builtin, by the rows of its table.
#[derive(Clone, Copy)]
pub(super) struct Instances<'a> {
    builtin: Builtin,
    memory: &'a [Felt],
    segment: Segment,
    multiplicities: &'a Multiplicities,
}

/// What a row has besides the instance itself.
pub(super) struct Row {
    /// Address of the instance.
    pub(super) address: u32,
    /// Whether it is in use: padding repeats the first instance.
    pub(super) enabled: bool,
    /// Whether the instance before belongs to the same batch.
    pub(super) joins: bool,
}

impl<'a> Instances<'a> {
    pub(super) fn new(builtin: Builtin, source: &Source<'a>) -> Self {
        let Source { execution, segment, multiplicities, .. } = source;
        Self { builtin, memory: &execution.memory, segment: *segment, multiplicities }
    }

    pub(super) fn row(&self, row: usize) -> Result<Row, WitnessError> {
        let Segment { base, stop } = self.segment;
        let instances = u64::from(stop.saturating_sub(base)) / CELLS;
        if instances == 0 {
            return Err(WitnessError::Empty(self.builtin.name()));
        }
        let enabled = (row as u64) < instances;
        let address = base + if enabled { row as u32 * CELLS as u32 } else { 0 };
        // Its last cell is the number of instances from it on.
        let before = address.checked_sub(1).and_then(|before| self.memory.get(before as usize));
        let joins = address > base && before.is_some_and(|n| *n != Felt::one());
        Ok(Row { address, enabled, joins })
    }

    /// Checks that the instance goes on with its batch, and counts the cells that it looks up, if its row is in use.
    pub(super) fn count(&self, row: &Row, instance: &ModularInstance) -> Result<(), WitnessError> {
        if !row.enabled {
            return Ok(());
        }
        instance.check_batch(self.memory, self.builtin, self.segment.stop)?;
        instance.cells().try_for_each(|address| self.multiplicities.memory(address, 1))
    }
}

/// A number's digits as columns have them.
pub(super) fn digits(number: &Number) -> [Felt; HALVES] {
    number.digits().map(small)
}

/// A truth as a column has it.
pub(super) fn bit(value: bool) -> Felt {
    small(u64::from(value))
}
