//! Telling people (bars on a terminal, plain lines elsewhere) and machines (JSON lines) what goes on.
//!
//! Messages and progress go to standard error, JSON lines to standard output.

use super::notice::Notice;
use super::summary::{done, summary};
use crate::state::control::Status;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use protocol::text;
use protocol::wrap::{fit, wrap};
use serde::Serialize;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Between two plain lines about the same unit.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// Between two JSON lines of progress.
const BETWEEN_EVENTS: Duration = Duration::from_secs(1);

/// A JSON line of progress.
#[derive(Serialize)]
struct Progress<'a> {
    event: &'static str,
    #[serde(flatten)]
    status: &'a Status,
}

/// Whether people are told in the prover's words, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// In a volunteer's words.
    Plain,
    /// With phases, units' ids and memory.
    Verbose,
}

impl Detail {
    fn is_verbose(self) -> bool {
        self == Self::Verbose
    }
}

/// Where to tell it.
#[derive(Debug)]
pub enum Show {
    /// A bar and lines, on a terminal.
    Bar(ProgressBar, Detail),
    /// Lines.
    Plain(Mutex<Last>, Detail),
    /// JSON lines on standard output.
    Json(Mutex<Last>),
    /// Nothing.
    Silent,
}

/// What was told last.
#[derive(Debug, Default)]
pub struct Last {
    at: Option<Instant>,
    about: String,
}

impl Last {
    fn due(&mut self, about: &str, between: Duration) -> bool {
        let due = self.about != about || self.at.is_none_or(|at| at.elapsed() >= between);
        if due {
            about.clone_into(&mut self.about);
            self.at = Some(Instant::now());
        }
        due
    }
}

impl Show {
    /// JSON if asked for; otherwise a bar if standard error is a terminal.
    pub fn new(json: bool, detail: Detail) -> Self {
        if json {
            return Self::Json(Mutex::default());
        }
        if !io::stderr().is_terminal() {
            return Self::Plain(Mutex::default(), detail);
        }
        let bar = ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::stderr_with_hz(4));
        bar.set_style(ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()));
        Self::Bar(bar, detail)
    }

    /// Tells something.
    pub fn tell(&self, notice: &Notice) {
        match self {
            Self::Bar(_, detail) | Self::Plain(_, detail)
                if notice.is_for_machines() || (notice.is_technical() && !detail.is_verbose()) => {}
            Self::Bar(bar, detail) => bar.println(wrap(&in_words(notice, *detail), width(), 2)),
            Self::Plain(_, detail) => say(&in_words(notice, *detail)),
            Self::Json(_) => line(&serde_json::to_string(notice).unwrap_or_default()),
            Self::Silent => {}
        }
    }

    /// Warns.
    pub fn warn(&self, message: impl fmt::Display) {
        self.tell(&Notice::Warning { message: message.to_string() });
    }

    /// Shows how far things are; called often, tells it at a bearable rate.
    pub fn progress(&self, status: &Status) {
        match self {
            Self::Bar(bar, detail) => bar.set_message(bar_line(status, *detail, width())),
            Self::Plain(last, detail) => {
                // Pauses and waits are told when they begin.
                if !status.units.is_empty() && status.state == "working" && due(last, "working", BETWEEN_LINES) {
                    say(&text::message(&summary(status, detail.is_verbose())));
                }
            }
            Self::Json(last) => {
                if due(last, &status.state, BETWEEN_EVENTS) {
                    line(&serde_json::to_string(&Progress { event: "progress", status }).unwrap_or_default());
                }
            }
            Self::Silent => {}
        }
    }

    /// Takes the bar away.
    pub fn end(&self) {
        if let Self::Bar(bar, _) = self {
            bar.finish_and_clear();
        }
    }
}

/// A notice for people.
fn in_words(notice: &Notice, detail: Detail) -> String {
    let unit = notice.unit().filter(|_| detail.is_verbose()).map(|unit| format!(" [unit {unit}]")).unwrap_or_default();
    text::message(notice) + &text::printable(&unit, 100)
}

/// Columns of the terminal.
fn width() -> usize {
    let size = terminal_size::terminal_size_of(io::stderr());
    size.map_or(80, |(width, _)| usize::from(width.0)).max(20)
}

/// Least columns for a bar of so many characters.
const BARS: [(usize, usize); 2] = [(90, 20), (50, 10)];

/// How far things are on one line of the terminal, with a bar where there is room; words are left out from the end.
fn bar_line(status: &Status, detail: Detail, width: usize) -> String {
    let text = text::printable(&summary(status, detail.is_verbose()), text::MAX_SHOWN);
    let bar = done(&status.units).and_then(|done| {
        let (_, length) = BARS.into_iter().find(|(least, _)| width >= *least)?;
        let full = (done * length as f64) as usize;
        Some(format!("[{}{}] ", "=".repeat(full), " ".repeat(length - full.min(length))))
    });
    let bar = bar.unwrap_or_default();
    // A line that fills the terminal would begin the next one.
    let room = width.saturating_sub(1).saturating_sub(bar.len());
    bar + &fit(&text, room)
}

fn due(last: &Mutex<Last>, about: &str, between: Duration) -> bool {
    last.lock().unwrap_or_else(PoisonError::into_inner).due(about, between)
}

/// Whoever reads what is said may have gone away, which is no reason to stop working.
fn say(message: &str) {
    let _ = writeln!(io::stderr(), "{message}");
}

/// The same of data.
fn line(json: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{}", text::json(json)).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::control::UnitStatus;

    #[test]
    fn a_line_fits_the_terminal_and_no_word_is_broken() {
        let unit = UnitStatus {
            unit: "0123456789abcdef0123".to_owned(),
            project: "primes".to_owned(),
            phase: "fri".to_owned(),
            phase_fraction: 0.5,
            fraction: 0.31,
            seconds_left: Some(125),
            memory: 1 << 28,
        };
        let status =
            Status { state: "working".to_owned(), cpu: 49.6, max_cpu: 50.0, units: vec![unit], ..Status::default() };
        let of = |width| bar_line(&status, Detail::Plain, width);
        assert_eq!(of(100), "[======              ] 31 % done, about 2 min left, proving primes, using 50 % of 50 %");
        assert_eq!(of(60), "[===       ] 31 % done, about 2 min left, proving primes …");
        assert_eq!(of(40), "31 % done, about 2 min left, proving …");
        let whole = summary(&status, false);
        for width in 20..120 {
            let line = of(width);
            assert!(line.chars().count() < width, "{width}: {line}");
            let text = line.rsplit("] ").next().unwrap_or_default().trim_end_matches(" …");
            let words: Vec<&str> = whole.split([' ', ',']).collect();
            assert!(text.split([' ', ',']).all(|word| words.contains(&word)), "{width}: {line}");
        }
        let waiting = Status { reason: Some("no work".to_owned()), units: vec![], ..status };
        assert_eq!(bar_line(&waiting, Detail::Plain, 100), "no work");
    }

    #[test]
    fn lines_come_at_a_bearable_rate() {
        let mut last = Last::default();
        assert!(last.due("working", BETWEEN_LINES));
        assert!(!last.due("working", BETWEEN_LINES));
        assert!(last.due("paused", BETWEEN_LINES));
    }
}
