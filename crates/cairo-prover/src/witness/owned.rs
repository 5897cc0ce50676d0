//! The cells that the rows of a path or an owning word own: which of them the rows must provide shows when all lookups are counted.

use super::mix::mix;
use super::multiplicities::Multiplicities;
use super::{Trace, WitnessError};
use cairo_air::components::derived::{DerivedError, Linear, RowContents, Source};
use cairo_execution::Execution;
use felt::Felt;
use felt::integers::{small, to_u64};
use rayon::prelude::*;

/// How often a cell of a table's rows is used by others, over all rows: their sum, and two sums with pseudo-random weights, which are the same
/// for cells that are used equally often in each row, and practically never for others. To compare rows one by one would take memory for
/// all of them. Should two cells agree by chance, the bus would not balance and the proof be none; it can
/// make nothing false pass.
type Usage = [u64; 3];

/// Says which of their `cells` the rows of one kind must provide, and which of them are used equally often in every row, so that one column of uses does for
/// them. `starts` are the rows of all tables of the kind.
pub fn usage(
    execution: &Execution,
    cells: usize,
    starts: &[&[u32]],
    multiplicities: &Multiplicities,
) -> Result<Vec<u8>, WitnessError> {
    const PIECE: usize = 1 << 10;
    let mut total: Vec<Usage> = vec![[0; 3]; cells];
    let mut before = 0;
    for starts in starts {
        let pieces = starts.par_chunks(PIECE).enumerate().map(|(piece, starts)| {
            let mut total: Vec<Usage> = vec![[0; 3]; cells];
            for (row, start) in (before + (piece * PIECE) as u64..).zip(starts) {
                let ap = execution.trace.get(*start as usize).map_or(0, |registers| registers.ap as usize);
                let weights = [1, mix(2 * row), mix(2 * row + 1)];
                for (place, sums) in total.iter_mut().enumerate() {
                    let uses = u64::from(multiplicities.memory_uses(ap + place));
                    for (sum, weight) in sums.iter_mut().zip(weights) {
                        *sum = sum.wrapping_add(uses.wrapping_mul(weight));
                    }
                }
            }
            total
        });
        for piece in pieces.collect::<Vec<_>>() {
            for (sums, more) in total.iter_mut().flatten().zip(piece.iter().flatten()) {
                *sums = sums.wrapping_add(*more);
            }
        }
        before += starts.len() as u64;
    }
    let mut numbers: Vec<Usage> = Vec::new();
    let number = |usage: &Usage| match usage {
        [0, ..] => Ok(0),
        _ => {
            let known = numbers.iter().position(|other| other == usage);
            let index = known.unwrap_or_else(|| {
                numbers.push(*usage);
                numbers.len() - 1
            });
            u8::try_from(index + 1).map_err(|_| DerivedError::Columns.into())
        }
    };
    total.iter().map(number).collect()
}

/// `ap` at the start of a row, whose distance from `fp` may be fixed.
pub fn ap(frame: Option<i32>) -> Linear {
    match frame {
        Some(distance) => Linear::column(1).offset(i64::from(distance)),
        None => Linear::column(2),
    }
}

/// Appends to a table's columns those that come with the cells that its rows provide.
pub fn provide(
    execution: &Execution,
    ap: &Linear,
    rows: &RowContents,
    starts: &[u32],
    multiplicities: &Multiplicities,
    trace: &mut Trace,
) -> Result<(), WitnessError> {
    let height = trace.first().map_or(0, Vec::len);
    let place = |address: &Linear| {
        (address - ap).as_constant().as_ref().and_then(to_u64).and_then(|place| usize::try_from(place).ok())
    };
    let more = rows.sources.iter().skip(trace.len()).map(|source| match source {
        Source::Memory(address) => place(address).map(|place| (place, false)),
        Source::Uses(address) => place(address).map(|place| (place, true)),
        _ => None,
    });
    let more: Vec<_> = more.collect::<Option<_>>().ok_or(WitnessError::Empty("owning"))?;
    let columns = more.into_par_iter().map(|(place, is_uses)| {
        let mut column = felt::memory::zeros(height);
        for (slot, start) in column.iter_mut().zip(starts) {
            let ap = execution.trace.get(*start as usize).map_or(0, |registers| registers.ap as usize);
            *slot = match is_uses {
                true => small(u64::from(multiplicities.memory_uses(ap + place))),
                false => execution.memory.get(ap + place).copied().unwrap_or_else(Felt::zero),
            };
        }
        if let Some(first) = column.first().copied() {
            column.iter_mut().skip(starts.len()).for_each(|slot| *slot = first);
        }
        column
    });
    trace.extend(columns.collect::<Vec<_>>());
    Ok(())
}
