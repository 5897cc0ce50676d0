//! How often the cells of rows that own several are used by others, when all lookups are counted: see [`cairo_air::components::uses`].

use super::Trace;
use super::mix::mix;
use super::multiplicities::Multiplicities;
use super::rows::zeros;
use cairo_air::components::uses::{FIRST_COLUMN, ONCE, UNUSED};
use felt::integers::small;
use rayon::prelude::*;

/// How often up to `N` cells of rows are used, whose first are at `addresses`: not at all, once each, or by which column. Cells that are used equally often
/// in each row share one, which two sums with pseudo-random weights tell: should two cells agree by chance, the bus would not balance and the proof be none;
/// it can make nothing false pass.
pub fn usage<const N: usize>(addresses: &[u32], multiplicities: &Multiplicities) -> [u8; N] {
    const PIECE: usize = 1 << 12;
    // Their sum, whether each is 1, and the weighted sums.
    type Uses = (u64, bool, [u64; 2]);
    let none: [Uses; N] = [(0, true, [0; 2]); N];
    let pieces = addresses.par_chunks(PIECE).enumerate().map(|(piece, addresses)| {
        let mut all = none;
        for (row, address) in ((piece * PIECE) as u64..).zip(addresses) {
            let weights = [mix(2 * row), mix(2 * row + 1)];
            for (offset, (sum, once, weighted)) in all.iter_mut().enumerate() {
                let uses = u64::from(multiplicities.memory_uses(*address as usize + offset));
                *sum += uses;
                *once &= uses == 1;
                for (sum, weight) in weighted.iter_mut().zip(weights) {
                    *sum = sum.wrapping_add(uses.wrapping_mul(weight));
                }
            }
        }
        all
    });
    let add = |mut all: [Uses; N], more: [Uses; N]| {
        for ((sum, once, weighted), (more, also, further)) in all.iter_mut().zip(more) {
            *sum += more;
            *once &= also;
            weighted.iter_mut().zip(further).for_each(|(sum, more)| *sum = sum.wrapping_add(more));
        }
        all
    };
    let all = pieces.reduce(|| none, add);
    let mut known: Vec<[u64; 2]> = Vec::with_capacity(N);
    all.map(|(sum, once, weighted)| match (sum, once) {
        (0, _) => UNUSED,
        (_, true) => ONCE,
        _ => {
            let number = known.iter().position(|other| *other == weighted).unwrap_or_else(|| {
                known.push(weighted);
                known.len() - 1
            });
            FIRST_COLUMN + number as u8
        }
    })
}

/// Appends the columns of uses to a table whose rows' first cells are at `addresses`. `uses` has the numbers of the cells.
pub fn provide(trace: &mut Trace, uses: &[u8], addresses: &[u32], multiplicities: &Multiplicities) {
    let height = trace.first().map_or(0, Vec::len);
    for number in FIRST_COLUMN.. {
        let Some(offset) = uses.iter().position(|uses| *uses == number) else { return };
        let mut column = zeros(1, height).pop().unwrap_or_default();
        for (slot, address) in column.iter_mut().zip(addresses) {
            *slot = small(u64::from(multiplicities.memory_uses(*address as usize + offset)));
        }
        trace.push(column);
    }
}
