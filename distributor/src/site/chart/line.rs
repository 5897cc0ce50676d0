//! A line with a band around it.

use super::{About, LEFT, RIGHT, Scale, WIDTH, at, below, figure, grid};
use crate::site::words::short;
use maud::{Markup, Render, html};
use std::fmt::Write as _;

/// What is at one place of the horizontal axis.
#[derive(Debug, Clone, PartialEq)]
pub struct LinePoint {
    /// Where.
    pub x: f64,
    /// What it is of, for the table.
    pub label: String,
    /// The lowest value there, the mean, and the highest.
    pub values: [f64; 3],
    /// How many values there are.
    pub count: u64,
}

/// A line through means, in a band from the lowest to the highest values.
#[derive(Debug, Clone)]
pub struct Line<'a> {
    /// What it shows.
    pub about: About<'a>,
    /// The points from left to right.
    pub points: &'a [LinePoint],
}

impl Line<'_> {
    fn across(&self) -> (f64, f64) {
        let low = self.points.first().map_or(0.0, |point| point.x);
        let high = self.points.last().map_or(1.0, |point| point.x);
        (low, if high > low { high } else { low + 1.0 })
    }

    fn place(&self, x: f64) -> f64 {
        let (low, high) = self.across();
        LEFT + (x - low) / (high - low) * (WIDTH - LEFT - RIGHT)
    }

    fn path<'p>(&self, scale: &Scale, places: impl Iterator<Item = (&'p LinePoint, f64)>) -> String {
        let mut path = String::new();
        for (point, value) in places {
            let blank = if path.is_empty() { "" } else { " " };
            // Writing to a text does not fail.
            let _ = write!(path, "{blank}{},{}", at(self.place(point.x)), at(scale.place(value)));
        }
        path
    }
}

impl Render for Line<'_> {
    fn render(&self) -> Markup {
        let values = || self.points.iter().flat_map(|point| point.values);
        let scale = Scale::new(values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        let there = self.points.iter().map(|point| (point, point.values[0]));
        let back = self.points.iter().rev().map(|point| (point, point.values[2]));
        let (low, high) = self.across();
        let picture = html! {
            (grid(&scale))
            polygon.band points=(self.path(&scale, there.chain(back))) {}
            polyline.line points=(self.path(&scale, self.points.iter().map(|point| (point, point.values[1])))) {}
            g.dots {
                @for point in self.points {
                    circle cx=(at(self.place(point.x))) cy=(at(scale.place(point.values[1]))) r="2" {
                        title { (point.label) ": " (short(point.values[1])) }
                    }
                }
            }
            @for x in [low, (low + high) / 2.0, high] { (below(self.place(x), &short(x))) }
        };
        let table = html! {
            table {
                thead { tr {
                    th scope="col" { bdi { (self.about.x) } }
                    th.number scope="col" { "lowest" } th.number scope="col" { "mean" } th.number scope="col" { "highest" }
                    th.number scope="col" { "results" }
                } }
                tbody { @for point in self.points { tr {
                    th scope="row" { (point.label) }
                    @for value in point.values { td.number { (short(value)) } }
                    td.number { (point.count) }
                } } }
            }
        };
        figure(&self.about, &picture, &table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(points: &[(f64, f64)]) -> String {
        let point =
            |(x, y): &(f64, f64)| LinePoint { x: *x, label: short(*x), values: [y - 1.0, *y, y + 1.0], count: 2 };
        let points: Vec<_> = points.iter().map(point).collect();
        let about = About { id: "x", title: "t", summary: "s", x: "n", y: "f(n)" };
        Line { about, points: &points }.render().0
    }

    #[test]
    fn a_line_goes_through_its_means() {
        let svg = drawn(&[(0.0, 1.0), (10.0, 7.0)]);
        assert!(svg.contains("<polyline class=\"line\" points=\"52,141.5 428,30.5\">"), "{svg}");
        assert_eq!(svg.matches("<circle").count(), 2);
    }

    #[test]
    fn nothing_and_one_point_are_drawn_too() {
        for points in [&[][..], &[(5.0, 5.0)], &[(5.0, 5.0), (5.0, 6.0)], &[(-9e18, 9e18), (9e18, -9e18)]] {
            let svg = drawn(points);
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
