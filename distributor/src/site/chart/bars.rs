//! Bars.

use super::{About, LEFT, RIGHT, Scale, WIDTH, at, below, figure, grid};
use maud::{Markup, Render, html};

/// Labels below the bars, at most.
const LABELS: usize = 5;

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// What it is of; also in the table.
    pub label: String,
    /// The same in few characters, below it.
    pub tick: String,
    /// How high it is.
    pub value: f64,
    /// The value for people.
    pub shown: String,
}

/// A chart of bars, none of them negative.
#[derive(Debug, Clone)]
pub struct Bars<'a> {
    /// What it shows.
    pub about: About<'a>,
    /// The bars from left to right.
    pub bars: &'a [Bar],
}

impl Render for Bars<'_> {
    fn render(&self) -> Markup {
        let high = self.bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
        let scale = Scale::new(0.0, high);
        let room = (WIDTH - LEFT - RIGHT) / self.bars.len().max(1) as f64;
        let gap = (room * 0.2).min(4.0);
        let each = self.bars.len().div_ceil(LABELS).max(1);
        let picture = html! {
            (grid(&scale))
            g.bars {
                @for (index, bar) in self.bars.iter().enumerate() {
                    @let (x, top) = (LEFT + room * index as f64, scale.place(bar.value));
                    rect x=(at(x + gap / 2.0)) y=(at(top)) width=(at((room - gap).max(0.5))) height=(at(scale.base() - top)) {
                        title { (bar.label) ": " (bar.shown) }
                    }
                }
            }
            g.labels {
                @for (index, bar) in self.bars.iter().enumerate().filter(|(index, _)| index.is_multiple_of(each)) {
                    (below(LEFT + room * (index as f64 + 0.5), &bar.tick))
                }
            }
        };
        let table = html! {
            table {
                thead { tr { th scope="col" { (self.about.x) } th.number scope="col" { bdi { (self.about.y) } } } }
                tbody { @for bar in self.bars { tr { th scope="row" { (bar.label) } td.number { (bar.shown) } } } }
            }
        };
        figure(&self.about, &picture, &table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(values: &[f64]) -> String {
        let bar = |(index, value): (usize, &f64)| Bar {
            label: format!("day {index}"),
            tick: index.to_string(),
            value: *value,
            shown: format!("{value}"),
        };
        let bars: Vec<_> = values.iter().enumerate().map(bar).collect();
        let about = About { id: "x", title: "A <b> chart", summary: "It rises.", x: "day", y: "steps" };
        Bars { about, bars: &bars }.render().0
    }

    #[test]
    fn bars_are_as_high_as_their_values() {
        let svg = drawn(&[0.0, 4.0, 8.0]);
        assert_eq!(svg.matches("<rect").count(), 3);
        assert!(
            svg.contains("height=\"0\"") && svg.contains("height=\"74\"") && svg.contains("height=\"148\""),
            "{svg}"
        );
        assert!(svg.contains("<title>day 1: 4</title>") && svg.contains("A &lt;b&gt; chart"), "{svg}");
        assert!(
            svg.contains("aria-labelledby=\"x-title x-summary\"") && svg.contains("<th scope=\"row\">day 2</th>"),
            "{svg}"
        );
        assert!(!svg.contains("style=") && !svg.contains("NaN"), "{svg}");
    }

    #[test]
    fn few_labels_are_written_however_many_bars_there_are() {
        for bars in [0, 1, 5, 60, 400] {
            let svg = drawn(&vec![1.0; bars]);
            assert!(
                svg.split("class=\"labels\"").nth(1).unwrap_or_default().matches("class=\"tick\"").count() <= LABELS
            );
        }
    }
}
