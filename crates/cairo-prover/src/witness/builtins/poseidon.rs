//! Witness of [`cairo_air::components::poseidon`].

use super::Source;
use crate::error::WitnessError;
use crate::witness::Trace;
use crate::witness::multiplicities::Multiplicities;
use crate::witness::rows::fill_rows;
use cairo_air::components::poseidon::{CELLS, Columns, ROWS, SLOTS, sbox};
use cairo_air::{Segment, TableEntry};
use cairo_execution::cells;
use felt::Felt;
use felt::integers::small;
use felt::poseidon::{CONSTANTS, HALF_FULL_SBOXES, PARTIAL_ROUNDS, SBOXES, State, WIDTH};
use stark::Control;
use std::array::from_fn;

/// The builtin's table.
pub(super) fn tables(source: &Source<'_>, entries: &[&TableEntry]) -> Result<Vec<Trace>, WitnessError> {
    let Source { execution, segment, multiplicities, control } = source;
    let table = |entry: &&TableEntry| fill(&execution.memory, *segment, entry.log_height, multiplicities, *control);
    entries.iter().map(table).collect()
}

/// One permutation, as its rows need it.
struct Permutation {
    address: u32,
    /// Inputs of S-boxes.
    inputs: [Felt; SBOXES],
    outputs: State,
    /// Half difference and sum of the first two elements before the first round of each row of partial rounds.
    sums: [[Felt; 2]; ROWS - 2],
}

impl Permutation {
    fn new(memory: &[Felt], address: u32) -> Result<Self, WitnessError> {
        let (inputs, outputs) = cells::poseidon(memory, address)?;
        Ok(Self { address, inputs, outputs, sums: sums(&inputs) })
    }

    /// An element of the state as it is before the constant of an S-box is added.
    fn raw(&self, index: usize) -> Felt {
        self.inputs[index] - CONSTANTS[index]
    }

    fn row(&self, row: usize) -> Columns<Felt> {
        let [a, b, c] = self.outputs;
        let ([before, sum], cell) = match row {
            0 => ([Felt::zero(), self.raw(0)], self.raw(1)),
            _ if row + 1 == ROWS => ([c, a], b),
            _ => {
                let cell = match row {
                    1 => self.raw(2),
                    _ if row + 2 == ROWS => c,
                    _ => Felt::zero(),
                };
                (self.sums[row - 1], cell)
            }
        };
        let input = from_fn(|slot| sbox(row, slot).map(|index| self.inputs[index]).unwrap_or_default());
        Columns { address: small(u64::from(self.address)), input, sum, before, cell }
    }
}

/// See `sums` of the AIR: half difference and sum are those of two rounds that follow each other.
fn sums(inputs: &[Felt; SBOXES]) -> [[Felt; 2]; ROWS - 2] {
    // After the last of the first full rounds the first two elements are 3a + b + c and a − b + c, of the cubes.
    let [a, b, c]: State = from_fn(|i| {
        let input = &inputs[HALF_FULL_SBOXES - WIDTH + i];
        input.square() * input
    });
    let (mut before, mut sum) = (a + b, (a.double() + c).double());
    let mut sums = [[Felt::zero(); 2]; ROWS - 2];
    for round in 0..PARTIAL_ROUNDS {
        if round % SLOTS == 0 {
            sums[round / SLOTS] = [before, sum];
        }
        let index = HALF_FULL_SBOXES + round + 1;
        // After the last partial round this is of no use any more.
        let last = inputs[index] - CONSTANTS[index];
        let following = sum.double() + sum + before.double().double() - last;
        before = std::mem::replace(&mut sum, following);
    }
    sums
}

/// One instance after the other; padding repeats the last.
fn fill(
    memory: &[Felt],
    segment: Segment,
    log_height: u32,
    multiplicities: &Multiplicities,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let instances = segment.stop.saturating_sub(segment.base) / CELLS as u32;
    let last = instances.checked_sub(1).ok_or(WitnessError::Empty("poseidon"))?;
    fill_rows(
        1 << log_height,
        control,
        || None,
        |state: &mut Option<Permutation>, row| {
            let instance = last.min((row / ROWS) as u32);
            let address = segment.base + instance * CELLS as u32;
            let permutation = match state {
                Some(permutation) if permutation.address == address => permutation,
                _ => state.insert(Permutation::new(memory, address)?),
            };
            if row % ROWS == 0 {
                (0..CELLS as u32).try_for_each(|offset| multiplicities.memory(address + offset, 1))?;
            }
            Ok(permutation.row(row % ROWS).into_row())
        },
    )
}
