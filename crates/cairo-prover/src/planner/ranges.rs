//! Which ranges a run's checked values fall into.

use crate::error::WitnessError;
use crate::table_size::{self, cell_log_heights, cells, half_columns};
use cairo_air::components::range::Range;
use cairo_air::components::{Limb, TableSize};
use cairo_air::{Segment, TableEntry, TableKind};
use cairo_execution::cells::range_check;
use felt::Felt;

/// Cells of the range_check segment that are checked by tables of one range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checks {
    /// The range.
    pub range: Range,
    /// Their addresses, ascending.
    pub addresses: Vec<u32>,
}

impl Checks {
    /// Their tables.
    pub fn tables(&self, steps: usize) -> impl Iterator<Item = TableEntry> + '_ {
        let entry = |log_height| TableEntry { kind: TableKind::Range(self.range), log_height };
        cell_log_heights(self.addresses.len(), steps).into_iter().map(entry)
    }
}

/// How many values have a number of bits.
pub(super) struct Histogram {
    /// Values below 2^127, by their bits.
    low: [u32; 129],
    /// The others, by the bits of what 2^128 − 1 exceeds them by.
    high: [u32; 129],
}

/// Widths that a table may have, in limbs.
const WIDTHS: [u8; 7] = [1, 2, 3, 4, 6, 8, 16];

/// The values of a segment.
///
/// # Errors
/// [`WitnessError::Execution`] if one is not below 2^128.
pub(super) fn values(
    memory: &[Felt],
    segment: Segment,
) -> impl Iterator<Item = Result<(u32, u128), WitnessError>> + '_ {
    (segment.base..segment.stop).map(|address| Ok((address, range_check(memory, address)?)))
}

/// The number of bits of an integer.
const fn bits(value: u128) -> usize {
    (128 - value.leading_zeros()) as usize
}

/// The range of the values below `2^width`, or of the highest such.
fn range(limb: u8, width: usize, high: bool) -> Option<Range> {
    let width = u8::try_from(width).ok()?;
    let offset = if high && width < 128 { u128::MAX - ((1 << width) - 1) } else { 0 };
    Range::new(limb, width, offset)
}

/// The size of a range's table.
pub const fn size(range: &Range) -> TableSize {
    TableSize { columns: range.columns(), interactions: range.interactions() }
}

/// The ranges for the values of a segment, each with limbs of the same bits: those whose tables cost least, a column counting as much as a cell in 16
/// steps.
///
/// # Errors
/// [`WitnessError::Execution`] if a value is not below 2^128.
pub fn partition_ranges(memory: &[Felt], segment: Segment, steps: usize) -> Result<Vec<Checks>, WitnessError> {
    let mut histogram = Histogram::default();
    for value in values(memory, segment) {
        histogram.add(value?.1);
    }
    let ranges = histogram.cheapest(&BySteps(steps));
    let mut checks: Vec<Checks> = ranges.into_iter().map(|range| Checks { range, addresses: Vec::new() }).collect();
    for value in values(memory, segment) {
        let (address, value) = value?;
        // The last range has all values.
        if let Some(checks) = checks.iter_mut().find(|checks| checks.range.contains(value)) {
            checks.addresses.push(address);
        }
    }
    checks.retain(|checks| !checks.addresses.is_empty());
    Ok(checks)
}

/// What tables cost.
pub(super) trait Prices {
    /// Tables with so many cells of a range, at least one.
    fn of_cells(&self, range: Range, cells: u64) -> u64;

    /// A table that is always of one height.
    fn of_table(&self, size: TableSize, log_height: u32) -> u64;
}

/// A column counts as much as a cell in 16 steps.
struct BySteps(usize);

impl Prices for BySteps {
    fn of_cells(&self, range: Range, cells: u64) -> u64 {
        price(size(&range), cells, self.0)
    }

    fn of_table(&self, size: TableSize, log_height: u32) -> u64 {
        cells(size, log_height) + column_price(size, self.0)
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self { low: [0; 129], high: [0; 129] }
    }
}

impl Histogram {
    /// Counts a value.
    pub(super) fn add(&mut self, value: u128) {
        let (side, bits) =
            if value >> 127 == 0 { (&mut self.low, bits(value)) } else { (&mut self.high, bits(!value)) };
        side.get_mut(bits).into_iter().for_each(|count| *count += 1);
    }

    /// Values of the histogram below 2^width, and above 2^128 − 2^width.
    fn count(side: &[u32], width: usize) -> u64 {
        side.iter().take(width + 1).copied().map(u64::from).sum()
    }

    /// All choices of widths are tried: there are about a thousand, whatever the segment's length, since only the histogram is looked at.
    ///
    /// A range of small values, of further values that are not so small, and of those just below 2^128, each perhaps none; and of all others.
    pub(super) fn cheapest(&self, prices: &impl Prices) -> Vec<Range> {
        let most = |side: &[u32; 129]| side.iter().rposition(|count| *count > 0);
        let (low, high) = (most(&self.low), most(&self.high));
        let of = |side, width: usize| Self::count(side, width.min(127));
        let all = of(&self.low, 127) + of(&self.high, 127);
        let mut best: Option<(u64, Vec<Range>)> = None;
        for limb in Limb::ALL {
            let table = prices.of_table(table_size::size(limb.table()), u32::from(limb.bits()));
            let limb = limb.bits();
            // As wide as it has to be for the largest value, or as one of the usual widths.
            let widths = |most: Option<usize>| {
                let least = usize::from(limb);
                let usual = WIDTHS.into_iter().map(|limbs| usize::from(limb) * usize::from(limbs));
                let usual = usual.filter(|width| most.is_some_and(|most| *width < most)).collect::<Vec<_>>();
                let exact = most.map(|most| most.max(1).next_multiple_of(least).min(127)).filter(|width| *width < 100);
                std::iter::once(0).chain(usual).chain(exact).collect::<Vec<_>>()
            };
            for first in widths(low) {
                for second in widths(low).into_iter().filter(|second| *second == 0 || *second > first) {
                    for top in widths(high) {
                        let mut rest = all;
                        let mut ranges = Vec::new();
                        let mut total = 0;
                        let mut add = |range: Option<Range>, rows: u64| {
                            if let Some(range) = range.filter(|_| rows > 0) {
                                total += prices.of_cells(range, rows);
                                ranges.push(range);
                            }
                        };
                        let small = if first > 0 { of(&self.low, first) } else { 0 };
                        let middle = if second > first && first > 0 { of(&self.low, second) - small } else { 0 };
                        let near_top = if top > 0 { of(&self.high, top) } else { 0 };
                        rest -= small + middle + near_top;
                        add(range(limb, first, false), small);
                        add(range(limb, second, false), middle);
                        add(range(limb, top, true), near_top);
                        add(range(limb, 128, false), rest);
                        total += table;
                        if best.as_ref().is_none_or(|(least, _)| total < *least) {
                            best = Some((total, ranges));
                        }
                    }
                }
            }
        }
        best.map_or_else(Vec::new, |(_, ranges)| ranges)
    }
}

/// What a table of so many rows costs, in cells.
fn price(size: TableSize, rows: u64, steps: usize) -> u64 {
    let heights = cell_log_heights(rows as usize, steps);
    heights.into_iter().map(|log_height| cells(size, log_height) + column_price(size, steps)).sum()
}

fn column_price(size: TableSize, steps: usize) -> u64 {
    (half_columns(size) * steps.max(1 << 12) / 32) as u64
}

#[cfg(test)]
mod tests;
