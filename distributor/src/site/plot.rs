//! Results as a plot: values gathered in bins that are as wide as need be.
//!
//! A bin is all whole numbers that agree but for their last `k` bits; when there are too many bins, `k` becomes one
//! more and neighbours are joined. So counts stay exact however many values come, and in whatever order.

use super::chart::{About, Bar, Bars, Line, LinePoint};
use super::words::{count, counted, signed};
use felt::{Felt, encoding};
use maud::{Markup, html};
use protocol::{Plot, PlotKind};
use std::collections::BTreeMap;

/// Most bins from the first to the last.
const BINS: i64 = 64;

/// What is in one bin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell {
    count: u64,
    sum: i128,
    low: i64,
    high: i64,
}

impl Cell {
    fn join(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            sum: self.sum.saturating_add(other.sum),
            low: self.low.min(other.low),
            high: self.high.max(other.high),
        }
    }
}

/// Values in bins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bins {
    bits: u32,
    cells: BTreeMap<i64, Cell>,
    /// Values beyond 63 bits, which are in no bin.
    large: u64,
    /// Results without a value in the column.
    missing: u64,
}

/// A field element as a small number: those of the upper half of the field are negative.
fn small(felt: &Felt) -> Option<i64> {
    let number = |felt: &Felt| encoding::to_u64(felt).and_then(|number| i64::try_from(number).ok());
    number(felt).or_else(|| number(&-felt).map(|number| -number))
}

impl Bins {
    /// Adds what a result has in the columns of a plot.
    pub fn add(&mut self, kind: PlotKind, argument: Option<&Felt>, output: Option<&Felt>) {
        let key = if kind == PlotKind::Histogram { output } else { argument };
        let (Some(key), Some(value)) = (key, output) else {
            self.missing += 1;
            return;
        };
        let (Some(key), Some(value)) = (small(key), small(value)) else {
            self.large += 1;
            return;
        };
        let cell = Cell { count: 1, sum: value.into(), low: value, high: value };
        self.put(key >> self.bits, cell);
        while self.across() > i128::from(BINS) {
            self.bits += 1;
            for (key, cell) in std::mem::take(&mut self.cells) {
                self.put(key >> 1, cell);
            }
        }
    }

    fn put(&mut self, key: i64, cell: Cell) {
        self.cells.entry(key).and_modify(|own| *own = own.join(cell)).or_insert(cell);
    }

    /// How many bins there are from the first to the last.
    fn across(&self) -> i128 {
        let ends = self.cells.first_key_value().zip(self.cells.last_key_value());
        ends.map_or(0, |((first, _), (last, _))| i128::from(*last) - i128::from(*first) + 1)
    }

    /// First and last number of a bin.
    fn range(&self, key: i64) -> (i64, i64) {
        let first = key << self.bits;
        (first, first + ((1_i64 << self.bits) - 1))
    }

    fn label(&self, key: i64) -> String {
        match self.range(key) {
            (first, last) if first == last => signed(first),
            (first, last) => format!("{} to {}", signed(first), signed(last)),
        }
    }

    fn bars(&self) -> Vec<Bar> {
        let ends = self.cells.first_key_value().zip(self.cells.last_key_value());
        let Some(((first, _), (last, _))) = ends else { return Vec::new() };
        let bar = |key: i64| {
            let results = self.cells.get(&key).map_or(0, |cell| cell.count);
            let tick = super::words::short(self.range(key).0 as f64);
            Bar { label: self.label(key), tick, value: results as f64, shown: count(results) }
        };
        (*first..=*last).map(bar).collect()
    }

    fn points(&self) -> Vec<LinePoint> {
        let point = |(key, cell): (&i64, &Cell)| {
            let (first, last) = self.range(*key);
            let mean = cell.sum as f64 / cell.count as f64;
            LinePoint {
                x: (first as f64 + last as f64) / 2.0,
                label: self.label(*key),
                values: [cell.low as f64, mean, cell.high as f64],
                count: cell.count,
            }
        };
        self.cells.iter().map(point).collect()
    }
}

/// The plot of a project, with what is to be said about what is not on it.
pub fn draw(plot: &Plot, bins: &Bins, read: u64, results: u64) -> Markup {
    let named = |name: &str, kind: &str, column: u32| {
        if name.is_empty() { format!("{kind} {column}") } else { name.to_owned() }
    };
    let output = named(&plot.label, "output", plot.output);
    let argument = named(&plot.argument_label, "argument", plot.argument.unwrap_or(0));
    let summary = summary(bins, read, results);
    let chart = match plot.kind {
        PlotKind::Histogram => {
            let title = format!("Results by {output}");
            let about = About { id: "results-plot", title: &title, summary: &summary, x: &output, y: "Results" };
            html! { (Bars { about, bars: &bins.bars() }) }
        }
        PlotKind::Line => {
            let title = format!("{output} over {argument}");
            let about = About { id: "results-plot", title: &title, summary: &summary, x: &argument, y: &output };
            html! { (Line { about, points: &bins.points() }) }
        }
    };
    if bins.cells.is_empty() {
        html! { p { "There is nothing to draw yet. " (summary) } }
    } else {
        chart
    }
}

fn summary(bins: &Bins, read: u64, results: u64) -> String {
    let drawn: u64 = bins.cells.values().map(|cell| cell.count).sum();
    let mut text = format!("{} on it", counted(drawn, "result is", "results are"));
    if let Some(((first, _), (last, _))) = bins.cells.first_key_value().zip(bins.cells.last_key_value()) {
        text.push_str(&format!(", from {} to {}", signed(bins.range(*first).0), signed(bins.range(*last).1)));
    }
    text.push('.');
    if bins.bits > 0 {
        text.push_str(&format!(" Each bar or point is of {} values.", count(1 << bins.bits)));
    }
    if bins.large > 0 {
        let large = counted(bins.large, "result has a number", "results have numbers");
        text.push_str(&format!(" {large} of more than 63 bits and not on it."));
    }
    if bins.missing > 0 {
        text.push_str(&format!(" {} nothing in the column.", counted(bins.missing, "result has", "results have")));
    }
    if read < results {
        text.push_str(&format!(" {} of {} are read so far.", count(read), counted(results, "result", "results")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[i64]) -> Bins {
        let mut bins = Bins::default();
        for value in values {
            let felt = Felt::from(value.unsigned_abs());
            let felt = if *value < 0 { -felt } else { felt };
            bins.add(PlotKind::Histogram, None, Some(&felt));
        }
        bins
    }

    fn counts(bins: &Bins) -> Vec<u64> {
        bins.bars().iter().map(|bar| bar.value as u64).collect()
    }

    #[test]
    fn few_values_have_bins_of_their_own() {
        let bins = of(&[3, 5, 5, -1]);
        assert_eq!(counts(&bins), [1, 0, 0, 0, 1, 0, 2]);
        assert_eq!(bins.bars()[0].label, "\u{2212}1");
    }

    #[test]
    fn bins_become_wider_and_stay_exact_in_any_order() {
        let values: Vec<i64> = (-500..1500).collect();
        let bins = of(&values);
        assert_eq!(bins.bits, 5);
        let all = counts(&bins);
        assert_eq!(all.iter().sum::<u64>(), 2000);
        assert_eq!(all[20], 32);
        let mut backwards = values;
        backwards.reverse();
        assert_eq!(of(&backwards), bins);
    }

    #[test]
    fn the_whole_range_fits() {
        let bins = of(&[i64::MIN + 1, i64::MAX, 0]);
        assert!(bins.across() <= i128::from(BINS));
        assert_eq!(counts(&bins).iter().sum::<u64>(), 3);
        let _ = (bins.bars(), bins.points());
    }

    #[test]
    fn what_is_too_large_or_missing_is_said() {
        let mut bins = of(&[1]);
        let huge = Felt::from(u64::MAX) * Felt::from(u64::MAX);
        bins.add(PlotKind::Histogram, None, Some(&huge));
        bins.add(PlotKind::Histogram, None, Some(&Felt::from(u64::MAX)));
        bins.add(PlotKind::Line, None, Some(&huge));
        let text = draw(&"histogram:0".parse().unwrap(), &bins, 4, 9).0;
        for part in [
            "1 result is on it, from 1 to 1.",
            "2 results have numbers of more than 63 bits",
            "1 result has nothing in the column",
            "4 of 9 results are read",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn a_line_has_the_mean_of_each_place() {
        let mut bins = Bins::default();
        for (x, y) in [(1_u64, 10_u64), (1, 20), (2, 30)] {
            bins.add(PlotKind::Line, Some(&Felt::from(x)), Some(&Felt::from(y)));
        }
        let points = bins.points();
        assert_eq!((points[0].values, points[0].count), ([10.0, 15.0, 20.0], 2));
        let hostile = Plot { label: "<script>".to_owned(), .."line:0:1".parse().unwrap() };
        assert!(!draw(&hostile, &bins, 3, 3).0.contains("<script>"));
    }
}
