//! Runs a compiled circuit over a range of rows.

use super::circuit::Circuit;
use crate::graph::Input;
use felt::Felt;
use felt::memory::prefetch;
use felt::packed::{Packed, WithPacked};

/// Rows handled between two visits to the control hook; also the unit of parallel work.
pub const STRIDE: usize = 1 << 10;

/// A column from which row `r` reads entry `(r + offset) mod len`.
#[derive(Debug, Clone, Copy)]
pub struct Lane<'a> {
    /// The entries; a power of two of them, at least one pack.
    pub data: &'a [Felt],
    /// 1 for the next row.
    pub offset: usize,
}

/// The lanes of a circuit's inputs, in the order of [`Circuit::inputs`].
pub fn lanes<'a>(circuit: &Circuit, column: impl Fn(Input) -> &'a [Felt]) -> Vec<Lane<'a>> {
    let inputs = circuit.inputs().iter();
    inputs
        .map(|&input| {
            let offset = usize::from(matches!(input, Input::MainNext(_) | Input::AuxNext(_)));
            Lane { data: column(input), offset }
        })
        .collect()
}

/// Evaluates the circuit on rows `start..start + out[k].len()` and writes root `k` to `out[k]`.
#[derive(Debug)]
pub struct Evaluate<'a, 'b> {
    /// The code.
    pub circuit: &'a Circuit,
    /// Its inputs.
    pub lanes: &'a [Lane<'a>],
    /// The first row.
    pub start: usize,
    /// One slice a root, all of one length, a multiple of two pack widths.
    pub out: &'a mut [&'b mut [Felt]],
}

/// Packs of rows that are read at once, column by column: long enough runs of each column that its memory arrives in time, and
/// few enough that all columns' runs stay in a core's cache.
const BLOCK: usize = 8;

/// How many columns ahead of its loads a block asks for memory.
const AHEAD: usize = 4;

impl WithPacked for Evaluate<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Packed>(self) {
        let circuit = self.circuit;
        let mut memory = circuit.memory::<P>(BLOCK / 2);
        let rows = self.out.first().map_or(0, |out| out.len());
        assert!(rows.is_multiple_of(2 * P::WIDTH), "two whole packs");
        let mut done = 0;
        while done < rows {
            let packs = BLOCK.min((rows - done) / P::WIDTH);
            for (number, lane) in self.lanes.iter().enumerate() {
                let next = self.lanes.get(number + AHEAD);
                for pack in 0..packs {
                    if let Some(lane) = next {
                        let at = self.start + done + pack * P::WIDTH;
                        prefetch(lane.data.get(at..at + P::WIDTH).unwrap_or_default());
                    }
                    memory[circuit.input(pack / 2, number)][pack % 2] = load(lane, self.start + done + pack * P::WIDTH);
                }
            }
            for run in 0..packs / 2 {
                circuit.run(&mut memory, run);
                for (k, out) in self.out.iter_mut().enumerate() {
                    let [first, second] = circuit.output(&memory, run, k);
                    first.store(&mut out[done..]);
                    second.store(&mut out[done + P::WIDTH..]);
                }
                done += 2 * P::WIDTH;
            }
        }
    }
}

/// `P::WIDTH` entries from `row` on, wrapping around.
#[inline(always)]
fn load<P: Packed>(lane: &Lane<'_>, row: usize) -> P {
    let mask = lane.data.len() - 1;
    let at = (row + lane.offset) & mask;
    if at + P::WIDTH <= lane.data.len() {
        return P::load(&lane.data[at..]);
    }
    let mut wrapped = [Felt::zero(); 16];
    for (k, entry) in wrapped[..P::WIDTH].iter_mut().enumerate() {
        *entry = lane.data[(at + k) & mask];
    }
    P::load(&wrapped)
}
