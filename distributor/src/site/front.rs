//! The first page.

use super::chart::{About, Bar, Bars};
use super::frame::{Frame, Root};
use super::parts::{card, figures};
use super::words::{count, counted, date, short};
use crate::store::{Card, spans, sum};
use maud::{Markup, html};
use protocol::{Figures, Point, Series, Span, Tally, Timestamp};

/// Days on the chart.
pub const DAYS: u64 = 60;

/// Projects on the page.
pub const CARDS: u32 = 12;

/// What the page shows.
pub struct Front<'a> {
    /// The grid's figures.
    pub figures: &'a Figures,
    /// What was proven by the day.
    pub days: &'a Series,
    /// Some projects.
    pub cards: &'a [Card],
    /// Whether this distributor has the pages to donate within a browser.
    pub web: bool,
    /// Under which address donors reach it.
    pub address: &'a str,
}

/// Its frame.
pub fn frame() -> Frame<'static> {
    Frame { root: Root::of("/"), title: "", section: "" }
}

/// The page.
pub fn page(front: &Front<'_>) -> Markup {
    html! {
        section.hero {
            h1 { "Computing that proves itself" }
            p {
                "People lend this grid their spare computing time, and scientists send it programs. Each result comes "
                "with a "
                strong { "proof" }
                ": a short file that shows that this program, with these inputs, really computes this output. Whoever "
                "doubts a result "
                "checks its proof, in a moment and without computing anything again; nobody has to believe the donor, or us."
            }
            @if front.web {
                p { a.button href="donate" { "Donate in this tab" } }
            }
        }
        section aria-labelledby="now" {
            h2 #now { "Right now" }
            (figures(&live(front.figures)))
        }
        section aria-labelledby="time" {
            h2 #time { "Steps proven" }
            (over_time("steps-by-day", "day", front.days, front.figures.now, DAYS))
        }
        section aria-labelledby="projects" {
            h2 #projects { "Projects" }
            @if front.cards.is_empty() {
                p { "There is no project yet: " code { "uploader push" } " brings one." }
            } @else {
                ul.cards { @for one in front.cards { (card(Root::of("/"), one)) } }
                p { a href="projects" { "All projects" } }
            }
        }
        (trust())
        (install(front.address))
    }
}

/// The figures that the script keeps fresh, by their names there.
fn live(figures: &Figures) -> [(&'static str, &'static str, String); 6] {
    [
        ("ever.steps", "steps proven", count(figures.ever.steps)),
        ("ever.units", "units proven", count(figures.ever.units)),
        ("today.steps", "steps today", count(figures.today.steps)),
        ("donors_today", "donors today", count(figures.donors_today)),
        ("donors", "donors ever", count(figures.donors)),
        ("open_units", "units waiting or in work", count(figures.open_units)),
    ]
}

/// What was proven in the last hours or days, those in which nothing was with it, as bars.
pub fn over_time(id: &str, name: &str, series: &Series, now: Timestamp, most: u64) -> Markup {
    let last = spans::number(series.span, now);
    let first_with = series.points.first().map_or(last, |point| spans::number(series.span, point.start));
    let first = first_with.max(last - i64::try_from(most).unwrap_or(0) + 1);
    let find = |number: i64| {
        let point = series.points.iter().find(|point| spans::number(series.span, point.start) == number);
        point.map_or_else(Tally::default, |point| point.tally)
    };
    let bar = |number: i64| {
        let (start, tally) = (spans::start(series.span, number), find(number));
        let (label, tick) = match series.span {
            Span::Hour => (format!("{} {}", date(start), super::words::hour(start)), super::words::hour(start)),
            Span::Month => (super::words::month(start), super::words::month(start)),
            Span::Day | Span::Ever => (date(start), date(start).get(5..).unwrap_or_default().to_owned()),
        };
        Bar { label, tick, value: tally.steps as f64, shown: count(tally.steps) }
    };
    let bars: Vec<_> = (first..=last).map(bar).collect();
    let shown: Vec<Point> =
        series.points.iter().filter(|point| spans::number(series.span, point.start) >= first).copied().collect();
    let all = sum(&shown);
    let most = bars.iter().max_by(|a, b| a.value.total_cmp(&b.value));
    let most = most.filter(|bar| bar.value > 0.0);
    let most = most.map_or_else(String::new, |bar| format!(" Most on {}: {}.", bar.label, short(bar.value)));
    let summary = format!(
        "{} of {} in {}.{most}",
        counted(all.steps, "step", "steps"),
        counted(all.units, "unit", "units"),
        counted(bars.len() as u64, name, &format!("{name}s")),
    );
    let title = format!("Steps proven by {name}");
    let about = About { id, title: &title, summary: &summary, x: name, y: "Steps" };
    html! { (Bars { about, bars: &bars }) }
}

fn trust() -> Markup {
    html! {
        section aria-labelledby="trust" {
            h2 #trust { "Why the results can be trusted" }
            ul {
                li {
                    "A unit's proof is a STARK: it rests on a hash function alone, needs no secret set-up, and nobody can "
                    "make one for a run that did not happen without breaking that function."
                }
                li {
                    "The distributor verifies every proof before it credits a donor. It cannot invent a result either: "
                    "owners verify again what they collect, against their own copy of the program."
                }
                li { "A proof names its donor's key, so nobody else can claim the work." }
            }
        }
    }
}

fn install(address: &str) -> Markup {
    html! {
        section aria-labelledby="install" {
            h2 #install { "Give computing time" }
            p { "The donor runs in the background at the lowest priority, in a sandbox, and only as much as you allow:" }
            pre tabindex="0" { code {
                "make install            # in a copy of the source, with Rust installed\n"
                "donor run --server " (address) "\n"
            } }
            p {
                code { "donor profile --nickname NAME --team TEAM" }
                " puts a name beside your key on these pages; without it you stay nameless."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_without_proofs_are_drawn_as_nothing() {
        let day = |number: u64, steps| Point {
            start: Timestamp(number * 86400),
            tally: Tally { steps, units: 1, proofs: 1 },
        };
        let series = Series { span: Span::Day, points: vec![day(100, 50), day(103, 70)] };
        let chart = over_time("x", "day", &series, Timestamp(104 * 86400 + 5), 60).0;
        assert_eq!(chart.matches("<rect").count(), 5);
        assert!(chart.contains("120 steps of 2 units in 5 days. Most on 1970-04-14: 70."), "{chart}");
        let short = over_time("x", "day", &series, Timestamp(104 * 86400 + 5), 3).0;
        assert!(short.contains("70 steps of 1 unit in 3 days."), "{short}");
        let nothing = over_time("x", "day", &Series { span: Span::Day, points: Vec::new() }, Timestamp(5), 60).0;
        assert!(nothing.contains("0 steps of 0 units in 1 day."), "{nothing}");
    }
}
