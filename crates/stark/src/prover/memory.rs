//! How much memory a proof takes, and which extensions are kept in it.

use super::sweep::scratch;
use crate::shape::{Group, QUOTIENT_CHUNKS, Shape};

/// Lowest layers of a tree that are not kept if memory is short, leaves counted: all but a quarter of its nodes above them. A query asks for a few
/// of them only.
const HASHED_AGAIN: usize = 3;

/// Bytes of an element and of a digest.
const BYTES: u64 = 32;

/// Bytes that [`super::prove`] takes at its peak, traces included.
pub fn peak_memory(shape: &Shape) -> u64 {
    BYTES * Kept::all(shape).peak(shape)
}

/// The same of [`super::prove_within`], if no more is allowed.
pub fn least_memory(shape: &Shape) -> u64 {
    BYTES * Kept::none(shape).peak(shape)
}

/// Of how many cells [`super::prove_within`] so many bytes computes the extensions again.
pub fn recomputed_cells(shape: &Shape, limit: u64) -> u64 {
    Kept::within(shape, limit).missing(shape)
}

/// What becomes of the columns' low-degree extensions between commitment and queries, by group. The proof is the same.
///
/// Where they are not kept they are never there: the columns have their values on one coset at a time, and are transformed in place for each pass
/// that needs another. That takes half of the memory or less, and about three times as many transforms.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Those of main columns.
    pub main: Vec<bool>,
    /// Those of LogUp columns.
    pub aux: Vec<bool>,
    /// Those of quotient chunks.
    pub quotient: Vec<bool>,
    /// Whether main columns whose extensions are not kept are committed to by a few at a time, which are extended beside all others.
    pub streamed: Vec<bool>,
}

impl Kept {
    /// All extensions.
    fn all(shape: &Shape) -> Self {
        Self::of(shape, |_| true)
    }

    /// No extensions, but those of no columns.
    fn none(shape: &Shape) -> Self {
        Self::of(shape, |width| width == 0)
    }

    fn of(shape: &Shape, kept: impl Fn(u64) -> bool) -> Self {
        let of = |part: usize| shape.groups.iter().map(|group| kept(widths(group)[part])).collect();
        Self { main: of(0), aux: of(1), quotient: of(2), streamed: vec![false; shape.groups.len()] }
    }

    /// As many as fit in so many bytes, the largest first.
    pub fn within(shape: &Shape, limit: u64) -> Self {
        let limit = limit / BYTES;
        let all = Self::all(shape);
        if all.peak(shape) <= limit {
            return all;
        }
        let mut kept = Self::none(shape);
        let mut choices: Vec<_> =
            (0..shape.groups.len()).flat_map(|group| [0, 1, 2].map(|part| (group, part))).collect();
        choices.sort_by_key(|&(group, part)| {
            std::cmp::Reverse(widths(&shape.groups[group])[part] << shape.groups[group].log_height)
        });
        for (group, part) in choices {
            kept.parts_mut()[part][group] = true;
            if kept.peak(shape) > limit {
                kept.parts_mut()[part][group] = false;
            }
        }
        // What is needed later anyway is free for the first commitment.
        let limit = limit.max(kept.peak(shape));
        let traces = sum(shape, |_, group| group.main_width as u64) + kept.digests(shape);
        let fits = |group: &Group| traces + scratch(group, shape.log_blowup) <= limit;
        kept.streamed = shape.groups.iter().map(fits).collect();
        kept
    }

    /// The share of all cells whose extensions are kept.
    pub fn share(&self, shape: &Shape) -> f64 {
        let all = sum(shape, |_, group| widths(group).into_iter().sum());
        1.0 - self.missing(shape) as f64 / all.max(1) as f64
    }

    /// The cells whose extensions are not kept.
    pub fn missing(&self, shape: &Shape) -> u64 {
        sum(shape, |number, group| {
            let missing = self.parts().into_iter().zip(widths(group)).filter(|(kept, _)| !kept[number]);
            missing.map(|(_, width)| width).sum()
        })
    }

    /// Whether all are.
    fn is_all(&self) -> bool {
        self.parts().into_iter().flatten().all(|kept| *kept)
    }

    /// The lowest layers of trees that are not kept.
    pub fn lowest_layers(&self) -> usize {
        if self.is_all() { 1 } else { HASHED_AGAIN }
    }

    fn parts(&self) -> [&Vec<bool>; 3] {
        [&self.main, &self.aux, &self.quotient]
    }

    fn parts_mut(&mut self) -> [&mut Vec<bool>; 3] {
        [&mut self.main, &mut self.aux, &mut self.quotient]
    }

    /// Digests of all rows of a commitment's matrices that are not extended.
    fn digests(&self, shape: &Shape) -> u64 {
        if self.is_all() { 0 } else { sum(shape, |_, _| 1) << shape.log_blowup }
    }

    /// Elements, and digests, that are there at the peak.
    fn peak(&self, shape: &Shape) -> u64 {
        let blowup = 1u64 << shape.log_blowup;
        let columns = |part: usize, extended: u64| {
            let kept = self.parts()[part];
            sum(shape, |number, group| widths(group)[part] * if kept[number] { extended } else { 1 })
        };
        // A tree's digests, without those of its leaves; then, if extensions are missing, those of its upper layers.
        let tree = 1u64 << shape.log_max_lde();
        let upper = tree >> (self.lowest_layers() - 1);
        let building = tree + self.digests(shape);
        // The traces are kept beside their extensions until the LogUp columns are computed.
        let lookup = columns(0, 1 + blowup) + columns(1, 1) + upper.max(building);
        let committed = columns(0, blowup) + columns(1, blowup) + columns(2, blowup) + 2 * upper;
        lookup.max(committed + building.max(upper + low_degree_test(shape)))
    }
}

fn widths(group: &Group) -> [u64; 3] {
    [group.main_width, group.aux_width(), QUOTIENT_CHUNKS].map(|width| width as u64)
}

/// The sum of a number of columns over all groups, times their heights.
fn sum(shape: &Shape, columns: impl Fn(usize, &Group) -> u64) -> u64 {
    shape.groups.iter().enumerate().map(|(number, group)| columns(number, group) << group.log_height).sum()
}

/// Elements that DEEP quotients and folds take, whichever take more.
fn low_degree_test(shape: &Shape) -> u64 {
    let height = |group: &Group| 1u64 << group.log_height;
    // The weights of the openings that are still to be used, and the DEEP quotients, the group's own on one coset besides.
    let mut weights: u64 = shape.groups.iter().map(height).sum();
    let (mut quotients, mut peak) = (0, 0);
    for group in &shape.groups {
        let (height, size) = (height(group), height(group) << shape.log_blowup);
        peak = peak.max(weights + quotients + height);
        weights -= height;
        peak = peak.max(weights + quotients + height + size);
        quotients += size;
    }
    // Quotients of smaller groups wait until the codeword has come down to their sizes. The largest is the first layer.
    let waiting = quotients.saturating_sub(1 << shape.log_max_lde());
    let layers: u64 = shape.folds.iter().map(|fold| (1 << fold.log_size) + (1 << fold.log_leaves())).sum();
    peak.max(waiting + layers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::{AirBuilder, Bus};
    use crate::parameters::Parameters;
    use crate::table::Table;
    use std::sync::Arc;

    const BUS: Bus = Bus { id: 1, name: "bus", arity: 1 };

    fn table(columns: usize, log_height: u32) -> Result<Table, crate::AirError> {
        let mut b = AirBuilder::new("test");
        for _ in 0..columns {
            let x = b.column("x");
            b.provide("entry", BUS, 1, [x]);
        }
        Ok(Table { air: Arc::new(b.build()?), log_height })
    }

    /// Whatever the limit, as much is kept as fits, and nothing besides.
    #[test]
    fn limits_are_kept() -> Result<(), crate::AirError> {
        let lists =
            [vec![table(5, 10)?], vec![table(40, 8)?, table(3, 11)?, table(90, 6)?], vec![table(0, 6)?, table(2, 7)?]];
        for (tables, log_blowup) in lists.iter().flat_map(|tables| (1..=4).map(move |log_blowup| (tables, log_blowup)))
        {
            let shape = Shape::new(tables, &Parameters { log_blowup, ..Parameters::default() });
            let (least, most) = (least_memory(&shape), peak_memory(&shape));
            assert!(least < most, "{least} and {most} bytes");
            let cells = Kept::none(&shape).missing(&shape);
            for limit in (0..=20).map(|part| least + (most - least) * part / 20) {
                let kept = Kept::within(&shape, limit);
                assert!(BYTES * kept.peak(&shape) <= limit);
                assert_eq!(kept.missing(&shape), recomputed_cells(&shape, limit));
                assert_eq!(kept.missing(&shape) == 0, limit == most);
                // One more would be too much.
                for (group, part) in (0..shape.groups.len()).flat_map(|group| [0, 1, 2].map(|part| (group, part))) {
                    let mut more = kept.clone();
                    if !std::mem::replace(&mut more.parts_mut()[part][group], true) {
                        assert!(
                            BYTES * more.peak(&shape) > limit,
                            "group {group}, part {part}, {limit} of {most} bytes"
                        );
                    }
                }
            }
            assert_eq!((recomputed_cells(&shape, 0), recomputed_cells(&shape, u64::MAX)), (cells, 0));
            assert_eq!((Kept::within(&shape, 0).share(&shape), Kept::all(&shape).share(&shape)), (0.0, 1.0));
        }
        Ok(())
    }
}
