//! Telling people (bars on a terminal, plain lines elsewhere) and machines (JSON lines) what goes on.
//!
//! Messages and progress go to standard error, JSON lines to standard output.

use super::words;
use crate::child::sandbox::Report;
use crate::session::bounds::Bounds;
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

/// Something worth telling.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Notice {
    /// Which walls units have here. People are told only of what is missing.
    Sandbox {
        /// What was found.
        #[serde(flatten)]
        report: Report,
    },
    /// The donor has started.
    Started {
        /// Its public key.
        donor: String,
        /// Address of the distributor.
        server: String,
        /// The project, if only one.
        project: Option<String>,
        /// The cap in percent.
        max_cpu: f64,
        /// Cores of the machine.
        cores: usize,
        /// Units at once.
        at_once: usize,
        /// Threads of all of them.
        threads: usize,
        /// Most memory of all of them.
        max_memory: u64,
        /// What a unit gets at most.
        #[serde(flatten)]
        bounds: Bounds,
        /// The state folder.
        state: String,
    },
    /// A unit was taken on.
    Unit {
        /// The unit.
        unit: String,
        /// Its project.
        project: String,
        /// The uploader's estimate of its steps.
        steps: u64,
        /// What is to be done.
        mode: String,
        /// Whether it was begun before.
        resumed: bool,
    },
    /// A unit was fetched before its turn. For machines only.
    Ahead {
        /// The unit.
        unit: String,
        /// Its project.
        project: String,
    },
    /// A unit has come to its next phase. For machines only: people see it in the progress.
    Phase {
        /// The unit.
        unit: String,
        /// The phase.
        phase: &'static str,
    },
    /// A unit was finished and lies in the outbox.
    Finished {
        /// The unit.
        unit: String,
        /// `proof` or `execution`.
        kind: &'static str,
        /// Its steps.
        steps: u64,
        /// Bytes of the result.
        bytes: u64,
        /// Working time in seconds.
        seconds: f64,
    },
    /// The distributor acknowledged a result.
    Delivered {
        /// The unit.
        unit: String,
        /// `proof` or `execution`.
        kind: &'static str,
        /// `accepted`, `already_proved`, …
        status: String,
        /// Steps credited.
        credited_steps: u64,
    },
    /// The distributor refused a result.
    Refused {
        /// The unit.
        unit: String,
        /// `proof` or `execution`.
        kind: &'static str,
        /// Why.
        cause: String,
        /// For people.
        detail: String,
    },
    /// A unit failed.
    Failed {
        /// The unit.
        unit: String,
        /// Why.
        cause: String,
        /// For people.
        detail: String,
    },
    /// There is nothing to do for a while.
    Waiting {
        /// Why.
        why: String,
        /// Seconds until the next try.
        seconds: u64,
    },
    /// Work pauses.
    Paused {
        /// One word.
        reason: String,
        /// For people.
        why: String,
    },
    /// Work goes on.
    Resumed,
    /// Something to know.
    Warning {
        /// What.
        message: String,
    },
    /// The donor ends.
    Ended {
        /// Results acknowledged since the start.
        delivered: u64,
        /// Steps credited for them.
        steps: u64,
        /// Units that failed since the start.
        failed: u64,
        /// Results refused since the start.
        refused: u64,
        /// Results that wait in the outbox.
        outbox: usize,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sandbox { report } => {
                write!(f, "warning: the sandbox around units is {report}")?;
                report.missing.iter().try_for_each(|missing| write!(f, "\nwarning: {missing}"))
            }
            Self::Started { donor, server, project, max_cpu, cores, at_once, threads, max_memory, state, .. } => {
                let project =
                    project.as_ref().map_or_else(|| "all projects".to_owned(), |name| format!("project {name}"));
                let plural = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
                write!(
                    f,
                    "donor {} works for {project} of {server}: at most {max_cpu} % of {} ({} at once, {}), {} of memory; \
                     state in {state}",
                    short(donor),
                    plural(*cores, "core"),
                    plural(*at_once, "unit"),
                    plural(*threads, "thread"),
                    words::bytes(*max_memory)
                )
            }
            Self::Unit { unit, project, steps, mode, resumed } => {
                let begun = if *resumed { "going on with" } else { "taking" };
                let doing = if mode == "both" { String::new() } else { format!(", {mode} only") };
                write!(f, "{begun} unit {unit} of {project} (about {} steps{doing})", words::count(*steps))
            }
            Self::Ahead { unit, project } => write!(f, "fetching unit {unit} of {project} ahead"),
            Self::Phase { unit, phase } => write!(f, "unit {unit}: {phase}"),
            Self::Finished { unit, kind, steps, bytes, seconds } => {
                let time = words::duration(Duration::from_secs_f64(seconds.max(0.0)));
                write!(
                    f,
                    "unit {unit}: {kind} finished ({} steps, {}, {time})",
                    words::count(*steps),
                    words::bytes(*bytes)
                )
            }
            Self::Delivered { unit, kind, status, credited_steps } => match status.as_str() {
                "accepted" if *kind == "proof" => {
                    write!(f, "unit {unit}: proof accepted, {} steps credited", words::count(*credited_steps))
                }
                "accepted" => write!(f, "unit {unit}: {kind} accepted"),
                _ => write!(f, "unit {unit}: somebody else was quicker, the {kind} is not needed any more"),
            },
            Self::Refused { unit, kind, cause, detail } => {
                write!(f, "unit {unit}: the distributor refused the {kind} ({cause}): {detail}")
            }
            Self::Failed { unit, cause, detail } => write!(f, "unit {unit} failed ({cause}): {detail}"),
            Self::Waiting { why, seconds } => {
                write!(f, "{why}; trying again in {}", words::duration(Duration::from_secs(*seconds)))
            }
            Self::Paused { why, .. } => write!(f, "paused: {why}"),
            Self::Resumed => f.write_str("going on"),
            Self::Warning { message } => write!(f, "warning: {message}"),
            Self::Ended { delivered, steps, failed, refused, outbox } => {
                write!(f, "{delivered} results delivered ({} steps credited)", words::count(*steps))?;
                for (count, what) in
                    [(*failed, "failed"), (*refused, "refused"), (*outbox as u64, "still in the outbox")]
                {
                    if count > 0 {
                        write!(f, ", {count} {what}")?;
                    }
                }
                Ok(())
            }
        }
    }
}

impl Notice {
    fn is_for_machines(&self) -> bool {
        matches!(self, Self::Phase { .. } | Self::Ahead { .. })
            || matches!(self, Self::Sandbox { report } if report.is_whole())
    }
}

fn short(key: &str) -> &str {
    key.get(..12).unwrap_or(key)
}

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
    fn notices_for_machines_name_their_event() {
        let notice =
            Notice::Delivered { unit: "u".into(), kind: "proof", status: "accepted".into(), credited_steps: 1_500 };
        let json = serde_json::to_string(&notice).expect("written");
        assert_eq!(
            json,
            r#"{"event":"delivered","unit":"u","kind":"proof","status":"accepted","credited_steps":1500}"#
        );
        assert_eq!(notice.to_string(), "unit u: proof accepted, 1,500 steps credited");
        let ended = Notice::Ended { delivered: 2, steps: 10, failed: 0, refused: 1, outbox: 0 };
        assert_eq!(ended.to_string(), "2 results delivered (10 steps credited), 1 refused");
    }

    #[test]
    fn lines_come_at_a_bearable_rate() {
        let mut last = Last::default();
        assert!(last.due("working", BETWEEN_LINES));
        assert!(!last.due("working", BETWEEN_LINES));
        assert!(last.due("paused", BETWEEN_LINES));
    }
}
