//! Which instances of bitwise go to which row tables, by the size of their inputs; or all to the builtin's other table.

use super::bitwise;
use crate::planner::parts;
use crate::table_size::{self, half_columns};
use cairo_air::components::bitwise::{BitwiseSize, air};
use cairo_air::components::bitwise_row::{BitwiseRow, CELLS};
use cairo_air::components::{TableSize, byte_and, memory};
use cairo_air::program::PROGRAM_BASE;
use cairo_air::{Segment, TableEntry, TableKind};
use felt::{Felt, encoding};

/// How often the cells of an instance are likely used, before it is known: the inputs once, each by whoever writes it, and two of the results now
/// and then.
const LIKELY: [u8; CELLS] = [1, 1, 2, 3, 0];

/// Nibbles of the largest input.
const NIBBLES: usize = 63;

/// Most sizes for which there are tables side by side.
const MAX_SIZES: usize = 8;

/// Instances whose rows stand in tables of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instances {
    /// The kind. How often its cells are used, if they are its own, shows only when everything is counted.
    pub row: BitwiseRow,
    /// The instances' addresses, ascending.
    pub addresses: Vec<u32>,
    /// `log2` of the tables' heights.
    pub log_heights: Vec<u32>,
}

impl Instances {
    /// Their tables.
    pub fn tables(&self) -> impl Iterator<Item = TableEntry> + '_ {
        let entry = |log_height: &u32| TableEntry { kind: TableKind::BitwiseRow(self.row), log_height: *log_height };
        self.log_heights.iter().map(entry)
    }
}

/// How many instances of a segment have inputs of a size, and what columns are worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sizes {
    segment: Segment,
    /// Instances, by the nibbles of the larger input.
    counts: [u64; NIBBLES + 1],
    /// What a column costs besides its cells, in cells.
    column: u64,
}

/// Row tables for the instances up to a size, without these.
#[derive(Clone)]
struct Class {
    row: BitwiseRow,
    log_heights: Vec<u32>,
}

impl Sizes {
    /// The instances of a segment, which is not empty.
    pub fn new(memory: &[Felt], segment: Segment, column: u64) -> Self {
        let mut counts = [0; NIBBLES + 1];
        for instance in instances(memory, segment) {
            if let Some(count) = counts.get_mut(nibbles(instance)) {
                *count += 1;
            }
        }
        Self { segment, counts, column }
    }

    /// Where the instances are.
    pub const fn segment(&self) -> Segment {
        self.segment
    }

    /// The tables that cost least: none, if that is the builtin's other table. `owned`: whether rows can own their cells.
    pub fn tables(&self, owned: bool) -> Vec<TableEntry> {
        let classes = self.choose(owned);
        let entries = classes.iter().flat_map(|class| {
            let entry =
                |log_height: &u32| TableEntry { kind: TableKind::BitwiseRow(class.row), log_height: *log_height };
            class.log_heights.iter().map(entry)
        });
        entries.collect()
    }

    /// The same with the instances' addresses.
    pub fn partition(&self, memory: &[Felt], owned: bool) -> Vec<Instances> {
        let made = |Class { row, log_heights, .. }| Instances { row, addresses: Vec::new(), log_heights };
        let mut all: Vec<Instances> = self.choose(owned).into_iter().map(made).collect();
        for (address, instance) in (self.segment.base..).step_by(CELLS).zip(instances(memory, self.segment)) {
            let size = nibbles(instance);
            if let Some(class) = all.iter_mut().find(|class| size <= capacity(&class.row)) {
                class.addresses.push(address);
            }
        }
        all
    }

    /// Ascending.
    fn choose(&self, owned: bool) -> Vec<Class> {
        let old = self.cost_of_other(owned);
        let choices = [(4, 63, 0), (8, 32, self.committed(table_size::size(byte_and::air()), byte_and::LOG_HEIGHT))];
        let mut best: Option<(u64, Vec<Class>)> = None;
        for (bits, most, provider) in choices {
            if let Some((cost, classes)) = self.cheapest(bits, most, owned)
                && best.as_ref().is_none_or(|(least, _)| cost + provider < *least)
            {
                best = Some((cost + provider, classes));
            }
        }
        best.filter(|(cost, _)| *cost < old).map(|(_, classes)| classes).unwrap_or_default()
    }

    /// The sizes that cost least, in limbs of so many bits. Only those are looked at that some instance has. For each number of tables and each largest
    /// size the cheapest so far, found from those of one table less and the next smaller size.
    fn cheapest(&self, bits: u8, most: u8, owned: bool) -> Option<(u64, Vec<Class>)> {
        let owned = owned.then_some(LIKELY);
        let up_to = |row: &BitwiseRow| self.counts.iter().take(capacity(row) + 1).sum::<u64>();
        let mut sizes: Vec<(BitwiseRow, u64)> = Vec::new();
        for row in (1..=most).filter_map(|limbs| BitwiseRow::new(bits, limbs, owned)) {
            let all = up_to(&row);
            if all > sizes.last().map_or(0, |(_, before)| *before) {
                sizes.push((row, all));
            }
        }
        // Between two sizes, for the instances above the one up to the other.
        let of = |smaller: Option<usize>, place: usize| {
            let fewer = smaller.and_then(|smaller| sizes.get(smaller)).map_or(0, |(_, all)| *all);
            sizes.get(place).map(|(row, all)| self.cost(row, all - fewer))
        };
        let cost = |smaller, place| of(smaller, place).map_or(u64::MAX, |(cost, _)| cost);
        let between: Vec<Vec<u64>> =
            (0..sizes.len()).map(|place| (0..place).map(|smaller| cost(Some(smaller), place)).collect()).collect();
        // The cost, and the next smaller size.
        let mut all: Vec<Vec<(u64, Option<usize>)>> =
            vec![(0..sizes.len()).map(|place| (cost(None, place), None)).collect()];
        while let Some(before) = all.last().filter(|_| all.len() < MAX_SIZES.min(sizes.len())) {
            let cheapest = |between: &Vec<u64>| {
                let choices = before.iter().zip(between).enumerate();
                let choices = choices.map(|(smaller, ((cost, _), more))| (cost.saturating_add(*more), Some(smaller)));
                choices.min().unwrap_or((u64::MAX, None))
            };
            all.push(between.iter().map(cheapest).collect());
        }
        let last = sizes.len().checked_sub(1)?;
        let (tables, cost) = (0..)
            .zip(&all)
            .filter_map(|(tables, choices)| Some((tables, choices.get(last)?.0)))
            .min_by_key(|(_, cost)| *cost)?;
        let (mut place, mut classes) = (Some(last), Vec::new());
        for choices in all.get(..=tables)?.iter().rev() {
            let at = place?;
            place = choices.get(at)?.1;
            let ((row, _), (_, log_heights)) = (*sizes.get(at)?, of(place, at)?);
            classes.push(Class { row, log_heights });
        }
        classes.reverse();
        Some((cost, classes))
    }

    /// What the builtin's other table costs, and the memory of the cells, which no rows of it own.
    fn cost_of_other(&self, owned: bool) -> u64 {
        let largest = self.counts.iter().rposition(|count| *count > 0).unwrap_or(NIBBLES) as u32;
        let size = BitwiseSize::ALL.into_iter().find(|size| 4 * largest <= size.bits()).unwrap_or(BitwiseSize::Any);
        let table = table_size::size(air(size, self.segment.base, self.segment.stop));
        let instances = self.counts.iter().sum::<u64>();
        let memory = table_size::size(memory::air(u64::from(PROGRAM_BASE)));
        let row = instances * (CELLS * half_columns(memory)) as u64 / (2 * memory::CELLS) as u64;
        self.committed(table, bitwise::log_height(self.segment, size)) + if owned { row } else { 0 }
    }

    fn committed(&self, size: TableSize, log_height: u32) -> u64 {
        parts::committed(size, log_height, self.column)
    }

    /// What tables of so many rows cost, and their heights: as many parts as are cheapest.
    fn cost(&self, row: &BitwiseRow, rows: u64) -> (u64, Vec<u32>) {
        let size = TableSize { columns: row.columns(), interactions: row.interactions() };
        let (cost, parts) = parts::cheapest(size, rows, self.column);
        (cost, parts.heights().to_vec())
    }
}

/// The inputs of each instance.
fn instances(memory: &[Felt], segment: Segment) -> impl Iterator<Item = [Felt; 2]> + '_ {
    let cells = memory.get(segment.base as usize..segment.stop as usize).unwrap_or_default();
    cells.chunks(CELLS).map(|instance| [0, 1].map(|input| instance.get(input).copied().unwrap_or_default()))
}

/// Nibbles of the larger input. What is no input of any size counts as one of the largest: filling the table reports it.
fn nibbles(inputs: [Felt; 2]) -> usize {
    let [x, y] = inputs.map(|input| encoding::canonical_limbs(&input));
    let word: [u64; 4] = std::array::from_fn(|limb| x[limb] | y[limb]);
    let top = word.iter().rposition(|limb| *limb > 0);
    let bits = top.map_or(1, |limb| 64 * (limb + 1) - word[limb].leading_zeros() as usize);
    bits.div_ceil(4).min(NIBBLES)
}

/// Nibbles of the largest inputs that a table has.
fn capacity(row: &BitwiseRow) -> usize {
    row.width().div_ceil(4) as usize
}

#[cfg(test)]
mod tests;
