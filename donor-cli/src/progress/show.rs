//! Telling people (bars on a terminal, plain lines elsewhere) and machines (JSON lines) what goes on.
//!
//! Messages and progress go to standard error, JSON lines to standard output.

use super::notice::{Notice, short};
use super::words;
use crate::state::control::Status;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use protocol::text;
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

/// Where to tell it.
#[derive(Debug)]
pub enum Show {
    /// A bar and lines, on a terminal.
    Bar(ProgressBar),
    /// Lines.
    Plain(Mutex<Last>),
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
    pub fn new(json: bool) -> Self {
        if json {
            return Self::Json(Mutex::default());
        }
        if !io::stderr().is_terminal() {
            return Self::Plain(Mutex::default());
        }
        let bar = ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::stderr_with_hz(4));
        let style = ProgressStyle::with_template("[{bar:30}] {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
        Self::Bar(bar)
    }

    /// Tells something.
    pub fn tell(&self, notice: &Notice) {
        match self {
            Self::Bar(_) | Self::Plain(_) if notice.is_for_machines() => {}
            Self::Bar(bar) => bar.println(text::message(notice)),
            Self::Plain(_) => say(&text::message(notice)),
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
            Self::Bar(bar) => {
                let fraction = status.units.first().map_or(0.0, |unit| unit.fraction);
                bar.set_position((fraction * 1000.0) as u64);
                bar.set_message(text::message(&summary(status)));
            }
            Self::Plain(last) => {
                // Pauses and waits are told when they begin.
                if !status.units.is_empty() && status.state == "working" && due(last, "working", BETWEEN_LINES) {
                    say(&text::message(&summary(status)));
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
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
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

/// One line about what goes on.
pub fn summary(status: &Status) -> String {
    let usage = format!("using {:.0} % of {} %", status.cpu, status.max_cpu);
    let waiting = match (&*status.state, &status.reason) {
        ("paused", Some(reason)) => Some(format!("paused: {reason}")),
        (_, Some(reason)) => Some(reason.clone()),
        _ => None,
    };
    let outbox = if status.outbox > 0 { format!(", {} in the outbox", status.outbox) } else { String::new() };
    let more = match status.units.len().saturating_sub(1) {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    match (status.units.first(), waiting) {
        (Some(unit), waiting) => {
            let left = unit.seconds_left.map(Duration::from_secs).map(words::duration);
            let left = left.map_or_else(String::new, |left| format!(", {left} left"));
            let tail = waiting.map_or_else(|| format!("{left}, {usage}"), |why| format!(", {why}"));
            let phase = &unit.phase;
            format!("{} of unit {}: {phase}{more}{tail}{outbox}", words::percent(unit.fraction), short(&unit.unit))
        }
        (None, Some(why)) => format!("{why}{outbox}"),
        (None, None) => format!("{}, {usage}{outbox}", status.state),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::control::UnitStatus;

    fn status() -> Status {
        Status {
            pid: 1,
            version: "0.1.0".to_owned(),
            donor: "ab".repeat(32),
            server: "http://grid".to_owned(),
            project: None,
            state: "working".to_owned(),
            reason: None,
            max_cpu: 50.0,
            rule: None,
            watched: vec![],
            unseen: vec![],
            network_closed: None,
            network_used: (0, 0),
            ahead: 0,
            cpu: 49.6,
            cores: 2,
            threads: 1,
            units: vec![UnitStatus {
                unit: "0123456789abcdef0123".to_owned(),
                project: "primes".to_owned(),
                phase: "main".to_owned(),
                phase_fraction: 0.5,
                fraction: 0.31,
                seconds_left: Some(125),
                memory: 1 << 28,
            }],
            outbox: 1,
            finished: 3,
            bounds: crate::session::bounds::Bounds::default(),
            fields: serde_json::Map::new(),
        }
    }

    #[test]
    fn one_line_about_what_goes_on() {
        let working = status();
        assert_eq!(
            summary(&working),
            "31 % of unit 0123456789ab: main, 2 min 05 s left, using 50 % of 50 %, 1 in the outbox"
        );
        let reason = Some("the machine runs on battery".to_owned());
        let paused = Status { state: "paused".to_owned(), reason, outbox: 0, ..status() };
        assert_eq!(summary(&paused), "31 % of unit 0123456789ab: main, paused: the machine runs on battery");
        let waiting = Status {
            state: "waiting".to_owned(),
            reason: Some("no work".to_owned()),
            units: vec![],
            outbox: 0,
            ..status()
        };
        assert_eq!(summary(&waiting), "no work");
        let two = Status { units: [status().units, status().units].concat(), outbox: 0, ..status() };
        assert_eq!(summary(&two), "31 % of unit 0123456789ab: main (and 1 more), 2 min 05 s left, using 50 % of 50 %");
    }

    #[test]
    fn lines_come_at_a_bearable_rate() {
        let mut last = Last::default();
        assert!(last.due("working", BETWEEN_LINES));
        assert!(!last.due("working", BETWEEN_LINES));
        assert!(last.due("paused", BETWEEN_LINES));
    }
}
