//! Charts as SVG: bars, and a line with a band around it. Each has a title and a summary for who does not see it, and
//! its numbers as a table below. Colours, fonts and widths are the stylesheet's.
//!
//! Kept small on purpose: libraries for charts bring fonts, bitmaps or styles within the picture, which the pages'
//! policy forbids (`docs/adr/0024-the-site.md`).

mod bars;
mod line;
mod scale;

pub use bars::{Bar, Bars};
pub use line::{Line, LinePoint};

use maud::{Markup, html};
use scale::Scale;

/// Width and height of a picture in its own units, which the page stretches to its column.
const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 200.0;

/// Room for the numbers at the left, below, and at the other sides.
const LEFT: f64 = 52.0;
const BELOW: f64 = 40.0;
const ABOVE: f64 = 12.0;
const RIGHT: f64 = 12.0;

/// What all charts have beside their data.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// Unique on its page; letters and `-`.
    pub id: &'a str,
    /// What it shows.
    pub title: &'a str,
    /// What one sees on it, in a sentence.
    pub summary: &'a str,
    /// What the horizontal axis has.
    pub x: &'a str,
    /// What the vertical axis has.
    pub y: &'a str,
}

/// A place in the picture, in tenths, which are fine enough.
fn at(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// The horizontal lines with their numbers.
fn grid(scale: &Scale) -> Markup {
    html! {
        g.grid {
            @for (value, label) in scale.ticks() {
                @let y = at(scale.place(value));
                line x1=(at(LEFT)) x2=(at(WIDTH - RIGHT)) y1=(y) y2=(y) {}
                text.tick x=(at(LEFT - 6.0)) y=(y) dy="0.32em" text-anchor="end" { (label) }
            }
        }
    }
}

/// A label below the picture's axis.
fn below(x: f64, label: &str) -> Markup {
    let anchor = match x {
        x if x < LEFT + 24.0 => "start",
        x if x > WIDTH - RIGHT - 24.0 => "end",
        _ => "middle",
    };
    html! { text.tick x=(at(x)) y=(at(HEIGHT - BELOW + 16.0)) text-anchor=(anchor) { (label) } }
}

/// The frame of every chart.
fn figure(about: &About<'_>, picture: &Markup, table: &Markup) -> Markup {
    let About { id, title, summary, x, y } = about;
    let (title_id, summary_id) = (format!("{id}-title"), format!("{id}-summary"));
    html! {
        figure.chart #(id) {
            figcaption { bdi { (title) } }
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-labelledby=(format!("{title_id} {summary_id}")) {
                title #(title_id) { (title) }
                desc #(summary_id) { (summary) }
                (picture)
                text.axis x=(at((LEFT + WIDTH - RIGHT) / 2.0)) y=(at(HEIGHT - 6.0)) text-anchor="middle" { (x) }
            }
            p.note { bdi { (y) } ". " (summary) }
            details { summary { "The numbers as a table" } div.scroll tabindex="0" role="region" aria-label=(title) { (table) } }
        }
    }
}
