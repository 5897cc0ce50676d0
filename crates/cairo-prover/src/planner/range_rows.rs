//! Which cells of a segment of range_check stand in one row: programs check values in patterns that come again, as those of an operation on numbers of
//! 256 bits.
//!
//! A row costs three cells besides its limbs and lookups, however many cells of the segment it has, and a table costs its columns. So a few patterns are
//! chosen that come often, by how much they save on a part of the segment, and the segment is cut into the rows that are cheapest together.

use super::parts::{cheapest, committed};
use super::ranges::{Histogram, Prices, values};
use crate::error::WitnessError;
use crate::table_size::half_columns;
use cairo_air::components::TableSize;
use cairo_air::components::range::Range;
use cairo_air::components::range_row::{MAX_CELLS, RangeRow};
use cairo_air::{Segment, TableEntry, TableKind};
use felt::Felt;
use rayon::prelude::*;

/// Rows of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedRows {
    /// The kind. How often its cells are used shows only when everything is counted: most are once.
    pub row: RangeRow,
    /// The address of each row's first cell, ascending.
    pub addresses: Vec<u32>,
    /// `log2` of the tables' heights.
    pub log_heights: Vec<u32>,
}

impl CheckedRows {
    /// Their tables.
    pub fn tables(&self) -> impl Iterator<Item = TableEntry> + '_ {
        let entry =
            |log_height: &u32| TableEntry { kind: TableKind::RangeRow(self.row.clone()), log_height: *log_height };
        self.log_heights.iter().map(entry)
    }
}

/// Bits of a label: which of up to four ranges a cell is in.
const LABEL_BITS: usize = 2;

/// Most patterns of several cells. Each may take as many tables as a kind has parts.
const MAX_PATTERNS: usize = 6;

/// Patterns that are tried, those that may save most, of each length a few.
const CANDIDATES: usize = 24;
const CANDIDATES_OF_A_LENGTH: usize = 4;

/// Cells that a row takes besides those of its limbs and cells: enabler, address, and two halves of LogUp columns.
const ROW: u64 = 3;

/// Cells of the part that patterns are chosen by, in pieces from all over the segment.
const SAMPLE: usize = 1 << 12;
const SAMPLE_PIECE: usize = 1 << 8;

/// Cells that are cut into rows at a time.
const PIECE: usize = 1 << 14;

/// Consecutive cells by their labels, the first in the lowest bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Pattern {
    cells: usize,
    labels: u32,
}

impl Pattern {
    fn single(label: u8) -> Self {
        Self { cells: 1, labels: u32::from(label) }
    }

    fn label(self, cell: usize) -> usize {
        (self.labels >> (LABEL_BITS * cell)) as usize & ((1 << LABEL_BITS) - 1)
    }

    /// The first cells of those whose labels `next` has.
    fn begin(next: u32, cells: usize) -> Self {
        Self { cells, labels: next & (u32::MAX >> (32 - LABEL_BITS * cells)) }
    }

    /// A row of such cells.
    fn row(self, ranges: &[Range]) -> Option<RangeRow> {
        RangeRow::once((0..self.cells).filter_map(|cell| ranges.get(self.label(cell)).copied()))
            .filter(|row| row.cells() == self.cells)
    }
}

/// A pattern with the size of its table.
#[derive(Debug, Clone, Copy)]
struct Choice {
    pattern: Pattern,
    size: TableSize,
}

/// Where a column has a price.
struct Priced(u64);

impl Prices for Priced {
    fn of_cells(&self, range: Range, cells: u64) -> u64 {
        RangeRow::once([range]).map_or(u64::MAX, |row| cheapest(size(&row), cells, self.0).0)
    }

    fn of_table(&self, size: TableSize, log_height: u32) -> u64 {
        committed(size, log_height, self.0)
    }
}

fn size(row: &RangeRow) -> TableSize {
    TableSize { columns: row.columns(), interactions: row.interactions() }
}

/// The rows of a segment that cost least. `column` is what a column costs besides its cells.
///
/// # Errors
/// [`WitnessError::Execution`] if a value is not below 2^128.
pub fn partition_rows(memory: &[Felt], segment: Segment, column: u64) -> Result<Vec<CheckedRows>, WitnessError> {
    let mut histogram = Histogram::default();
    let all: Vec<u128> = values(memory, segment).map(|value| Ok(value?.1)).collect::<Result<_, WitnessError>>()?;
    all.iter().for_each(|value| histogram.add(*value));
    let ranges = histogram.cheapest(&Priced(column));
    // The last range has all values.
    let label = |value: &u128| ranges.iter().position(|range| range.contains(*value)).unwrap_or(0) as u8;
    let labels: Vec<u8> = all.par_iter().with_min_len(PIECE).map(label).collect();
    let patterns = Patterns { ranges: &ranges, column, total: labels.len() as u64 };
    let choices = patterns.choose(&sample(&labels));
    Ok(patterns.cut(&labels, &choices, segment.base))
}

/// Pieces from all over the segment, or the whole of a short one.
fn sample(labels: &[u8]) -> Vec<&[u8]> {
    if labels.len() <= SAMPLE {
        return vec![labels];
    }
    let pieces = SAMPLE / SAMPLE_PIECE;
    let first = |piece: usize| (labels.len() - SAMPLE_PIECE) * piece / (pieces - 1);
    (0..pieces).filter_map(|piece| labels.get(first(piece)..first(piece) + SAMPLE_PIECE)).collect()
}

struct Patterns<'a> {
    ranges: &'a [Range],
    column: u64,
    /// Cells of the segment.
    total: u64,
}

impl Patterns<'_> {
    fn choice(&self, pattern: Pattern) -> Option<Choice> {
        Some(Choice { pattern, size: size(&pattern.row(self.ranges)?) })
    }

    /// The patterns for a segment of which these are pieces: those of one cell, of which some may be left to a wider range, and of several. What saves most
    /// is added as long as it saves anything, then what saves nothing without it is taken away.
    fn choose(&self, pieces: &[&[u8]]) -> Vec<Choice> {
        let singles = (0..self.ranges.len()).filter_map(|label| self.choice(Pattern::single(label as u8)));
        let mut chosen: Vec<Choice> = singles.collect();
        let next: Vec<Vec<u32>> = pieces.iter().map(|piece| following(piece)).collect();
        let sampled = pieces.iter().map(|piece| piece.len() as u64).sum::<u64>();
        let candidates = self.candidates(pieces, &next, sampled);
        let mut cost = self.cost(&next, sampled, &chosen);
        let mut several = 0;
        while several < MAX_PATTERNS {
            let tried = candidates.par_iter().enumerate().map(|(place, candidate)| {
                let with = [&chosen[..], &[*candidate]].concat();
                (self.cost(&next, sampled, &with), place)
            });
            let Some((less, place)) = tried.min().filter(|(less, _)| *less < cost) else { break };
            chosen.extend(candidates.get(place));
            (cost, several) = (less, several + 1);
        }
        loop {
            let without = |place: usize| {
                let mut fewer = chosen.clone();
                fewer.remove(place);
                fewer
            };
            let tried = (0..chosen.len()).map(|place| (self.cost(&next, sampled, &without(place)), place));
            let Some((less, place)) = tried.min().filter(|(less, _)| *less <= cost) else { break };
            chosen = without(place);
            cost = less;
        }
        chosen
    }

    /// Patterns of several cells that may save something: what they would, if all of them became rows.
    fn candidates(&self, pieces: &[&[u8]], next: &[Vec<u32>], sampled: u64) -> Vec<Choice> {
        let single =
            |range: &Range| RangeRow::once([*range]).map_or(0, |row| half_columns(size(&row)) as u64 - 2 * ROW);
        let halves: Vec<u64> = self.ranges.iter().map(single).collect();
        let mut all: Vec<(i64, Pattern)> = Vec::new();
        let least = halves.iter().min().copied().unwrap_or(0);
        // In short segments no row of several cells is worth its columns, and nothing has to be counted.
        let may_save = |cells: &usize| {
            let rows = self.total / *cells as u64;
            2 * rows * ROW * (*cells as u64 - 1) > (2 * ROW + *cells as u64 * least) * self.column
        };
        for cells in (2..=MAX_CELLS).filter(may_save) {
            let windows = pieces.iter().zip(next).flat_map(|(piece, next)| {
                next.iter()
                    .take((piece.len() + 1).saturating_sub(cells))
                    .map(|next| Pattern::begin(*next, cells).labels)
            });
            let mut windows: Vec<u32> = windows.collect();
            windows.sort_unstable();
            let counted = windows.chunk_by(|a, b| a == b).filter_map(|same| Some((same.len(), *same.first()?)));
            // Of a long run of one label only every so-manieth window can be a row.
            let most = (sampled as usize).div_ceil(cells);
            let saved = counted.filter_map(|(count, labels)| {
                let pattern = Pattern { cells, labels };
                let halves = 2 * ROW + (0..cells).filter_map(|cell| halves.get(pattern.label(cell))).sum::<u64>();
                let rows = count.min(most) as u64 * self.total / sampled.max(1);
                let saved = (rows * ROW * (cells as u64 - 1)) as i64 - (halves * self.column / 2) as i64;
                (saved > 0).then_some((saved, pattern))
            });
            let mut saved: Vec<(i64, Pattern)> = saved.collect();
            saved.sort_by_key(|(saved, pattern)| (-saved, *pattern));
            all.extend(saved.into_iter().take(CANDIDATES_OF_A_LENGTH));
        }
        all.sort_by_key(|(saved, pattern)| (-saved, *pattern));
        all.into_iter().take(CANDIDATES).filter_map(|(_, pattern)| self.choice(pattern)).collect()
    }

    /// What the tables cost, if the whole segment is like the sample.
    fn cost(&self, next: &[Vec<u32>], sampled: u64, choices: &[Choice]) -> u64 {
        let options = Options::new(self.ranges, choices);
        if !options.cover(self.ranges.len()) {
            return u64::MAX;
        }
        let mut rows = vec![0; choices.len()];
        for next in next {
            options.cut(next, |_, choice| rows.get_mut(choice).into_iter().for_each(|rows| *rows += 1));
        }
        let price = |(choice, rows): (&Choice, u64)| match (rows * self.total).div_ceil(sampled.max(1)) {
            0 => 0,
            rows => cheapest(choice.size, rows, self.column).0,
        };
        choices.iter().zip(rows).map(price).sum()
    }

    /// The whole segment in rows.
    fn cut(&self, labels: &[u8], choices: &[Choice], base: u32) -> Vec<CheckedRows> {
        let options = Options::new(self.ranges, choices);
        let pieces = labels.par_chunks(PIECE).enumerate().map(|(piece, labels)| {
            let mut rows: Vec<Vec<u32>> = vec![Vec::new(); choices.len()];
            let base = base + (piece * PIECE) as u32;
            options.cut(&following(labels), |at, choice| {
                rows.get_mut(choice).into_iter().for_each(|rows| rows.push(base + at as u32));
            });
            rows
        });
        let mut addresses: Vec<Vec<u32>> = vec![Vec::new(); choices.len()];
        for piece in pieces.collect::<Vec<_>>() {
            addresses.iter_mut().zip(piece).for_each(|(all, more)| all.extend(more));
        }
        let rows = choices.iter().zip(addresses).filter(|(_, addresses)| !addresses.is_empty());
        let made = rows.filter_map(|(choice, addresses)| {
            let log_heights = cheapest(choice.size, addresses.len() as u64, self.column).1.heights().to_vec();
            Some(CheckedRows { row: choice.pattern.row(self.ranges)?, addresses, log_heights })
        });
        made.collect()
    }
}

/// What rows may begin with a cell: the number of a choice, and the cells that a row of it takes, in halves.
struct Options {
    /// By its label, with a row of its own, perhaps of a wider range.
    single: [Option<(u32, u32)>; 1 << LABEL_BITS],
    /// With the cells after it.
    several: Vec<(Pattern, u32, u32)>,
}

impl Options {
    fn new(ranges: &[Range], choices: &[Choice]) -> Self {
        let mut options = Self { single: [None; 1 << LABEL_BITS], several: Vec::new() };
        for (number, Choice { pattern, size }) in (0..).zip(choices) {
            let row = half_columns(*size) as u32;
            if pattern.cells > 1 {
                options.several.push((*pattern, row, number));
                continue;
            }
            let Some(wide) = ranges.get(pattern.label(0)) else { continue };
            for (slot, range) in options.single.iter_mut().zip(ranges) {
                let fits = wide.contains(range.offset()) && wide.contains(range.last());
                if fits && slot.is_none_or(|(least, _)| row < least) {
                    *slot = Some((row, number));
                }
            }
        }
        options
    }

    /// Whether there is a row for each cell of any of so many labels.
    fn cover(&self, labels: usize) -> bool {
        self.single.iter().take(labels).all(Option::is_some)
    }

    /// Tells the cheapest rows for consecutive cells, each with its first cell and its choice. `next` has the labels from each cell on. From the last cell to
    /// the first, what follows a row is known.
    fn cut(&self, next: &[u32], mut row: impl FnMut(usize, usize)) {
        // The cost from here on, cells of the first row, its choice.
        let mut best: Vec<(u32, u32, u32)> = vec![(0, 1, 0); next.len() + 1];
        for (at, next) in next.iter().enumerate().rev() {
            let rest = |cells: usize| best.get(at + cells).map(|(cost, ..)| *cost);
            let label = Pattern::begin(*next, 1).label(0);
            let (one, number) = self.single.get(label).copied().flatten().unwrap_or_default();
            let mut least = (rest(1).unwrap_or(0) + one, 1, number);
            for (pattern, cost, number) in &self.several {
                if Pattern::begin(*next, pattern.cells) == *pattern
                    && let Some(rest) = rest(pattern.cells).filter(|rest| rest + cost < least.0)
                {
                    least = (rest + cost, pattern.cells as u32, *number);
                }
            }
            if let Some(slot) = best.get_mut(at) {
                *slot = least;
            }
        }
        let mut at = 0;
        while at < next.len() {
            let (_, cells, choice) = best.get(at).copied().unwrap_or((0, 1, 0));
            row(at, choice as usize);
            at += cells.max(1) as usize;
        }
    }
}

/// The labels from each cell on, as many as a pattern may have.
fn following(labels: &[u8]) -> Vec<u32> {
    let mut next = vec![0; labels.len()];
    let mut after = 0;
    for (slot, label) in next.iter_mut().zip(labels).rev() {
        after = after << LABEL_BITS | u32::from(*label);
        *slot = after;
    }
    next
}

#[cfg(test)]
mod tests;
