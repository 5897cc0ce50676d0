//! How much memory a proof takes.

use crate::shape::{Group, QUOTIENT_CHUNKS, Shape};

/// Bytes that [`super::prove`] takes at its peak, traces included. An estimate from above: each matrix is counted with a tree of its own.
pub fn peak_memory(shape: &Shape) -> u64 {
    let blowup = 1u64 << shape.log_blowup;
    let sum = |columns: &dyn Fn(&Group) -> usize| -> u64 {
        shape.groups.iter().map(|group| (columns(group) as u64) << group.log_height).sum()
    };
    let (main, aux, rows) = (sum(&|group| group.main_width), sum(&Group::aux_width), sum(&|_| 1));
    // A tree's digests, without those of its leaves, count as one element a row.
    let tree = rows * blowup;
    // The traces are kept beside their extensions until the LogUp columns are computed.
    let lookup = main * (1 + blowup) + aux + tree;
    let extended = (main + aux) * blowup + 2 * tree;
    // The quotient's chunks with their tree; later the weights of the openings, and the DEEP quotients in two orders or with the layers that
    // they fold to.
    let quotient = extended + QUOTIENT_CHUNKS as u64 * rows * blowup + tree;
    let fri = quotient + rows + 2 * rows * blowup + tree;
    32 * lookup.max(fri)
}
