//! What there is to tell, to people and to machines.

use super::words;
use crate::child::sandbox::Report;
use crate::session::bounds::Bounds;
use serde::Serialize;
use std::fmt;
use std::time::Duration;

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
    /// Units were taken on.
    Unit {
        /// The first of them, by which they are known.
        unit: String,
        /// How many they are.
        units: usize,
        /// Its project.
        project: String,
        /// The uploader's estimate of their steps.
        steps: u64,
        /// What is to be done.
        mode: String,
        /// Whether it was begun before.
        resumed: bool,
    },
    /// A unit was fetched before its turn. People see it with `--verbose`.
    Ahead {
        /// The unit.
        unit: String,
        /// Its project.
        project: String,
    },
    /// A unit has come to its next phase. People see it with `--verbose`, or roughly in the progress.
    Phase {
        /// The unit.
        unit: String,
        /// The phase.
        phase: &'static str,
    },
    /// A result was finished and lies in the outbox.
    Finished {
        /// The unit; of several the first.
        unit: String,
        /// How many units it is of.
        units: usize,
        /// `proof` or `execution`.
        kind: &'static str,
        /// Steps of all of them.
        steps: u64,
        /// Bytes of the result.
        bytes: u64,
        /// Working time in seconds.
        seconds: f64,
    },
    /// The distributor acknowledged a result.
    Delivered {
        /// The unit; of several the first.
        unit: String,
        /// How many units it is of.
        units: usize,
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
            Self::Unit { units, project, steps, mode, resumed, .. } => {
                let begun = if *resumed { "going on with" } else { "taking" };
                let doing = if mode == "both" { String::new() } else { format!(", {mode} only") };
                write!(f, "{begun} {} of {project} (about {} steps{doing})", counted(*units), words::count(*steps))
            }
            Self::Ahead { project, .. } => write!(f, "fetching a unit of {project} ahead"),
            Self::Phase { phase, .. } => write!(f, "phase: {phase}"),
            Self::Finished { units, kind, steps, bytes, seconds, .. } => {
                let time = words::duration(Duration::from_secs_f64(seconds.max(0.0)));
                let (of, steps, bytes) = (counted(*units), words::count(*steps), words::bytes(*bytes));
                write!(f, "the {kind} of {of} is finished ({steps} steps, {bytes}, {time})")
            }
            Self::Delivered { units, kind, status, credited_steps, .. } => {
                let of = counted(*units);
                match status.as_str() {
                    "accepted" if *kind == "proof" => {
                        let steps = words::count(*credited_steps);
                        write!(f, "the proof of {of} was accepted, {steps} steps to your credit")
                    }
                    "accepted" => write!(f, "the {kind} of {of} was accepted"),
                    "withdrawn" => write!(f, "the {kind} of {of} is not needed any more: it was withdrawn meanwhile"),
                    _ => write!(f, "the {kind} of {of} is not needed any more: somebody else was quicker"),
                }
            }
            Self::Refused { kind, cause, detail, .. } => {
                write!(f, "the distributor refused the {kind} of a unit ({cause}): {detail}")
            }
            Self::Failed { cause, detail, .. } => write!(f, "a unit failed ({cause}): {detail}"),
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
    /// Whether people are not told.
    pub(super) fn is_for_machines(&self) -> bool {
        matches!(self, Self::Sandbox { report } if report.is_whole())
    }

    /// The unit that it is about, or the first of several.
    pub(super) fn unit(&self) -> Option<&str> {
        match self {
            Self::Unit { unit, .. }
            | Self::Ahead { unit, .. }
            | Self::Phase { unit, .. }
            | Self::Finished { unit, .. }
            | Self::Delivered { unit, .. }
            | Self::Refused { unit, .. }
            | Self::Failed { unit, .. } => Some(unit),
            _ => None,
        }
    }

    /// Whether people are told only if they asked for all.
    pub(super) const fn is_technical(&self) -> bool {
        matches!(self, Self::Phase { .. } | Self::Ahead { .. })
    }
}

/// `a unit`, `64 units`.
fn counted(units: usize) -> String {
    if units == 1 { "a unit".to_owned() } else { format!("{units} units") }
}

/// A key or an id in a line for people.
pub(super) fn short(key: &str) -> &str {
    key.get(..12).unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_for_machines_name_their_event() {
        let (unit, status) = ("u".to_owned(), "accepted".to_owned());
        let notice = Notice::Delivered { unit, units: 1, kind: "proof", status, credited_steps: 1_500 };
        let json = serde_json::to_string(&notice).expect("written");
        assert_eq!(
            json,
            r#"{"event":"delivered","unit":"u","units":1,"kind":"proof","status":"accepted","credited_steps":1500}"#
        );
        assert_eq!(notice.to_string(), "the proof of a unit was accepted, 1,500 steps to your credit");
        assert_eq!((notice.unit(), counted(64)), (Some("u"), "64 units".to_owned()));
        let ended = Notice::Ended { delivered: 2, steps: 10, failed: 0, refused: 1, outbox: 0 };
        assert_eq!(ended.to_string(), "2 results delivered (10 steps credited), 1 refused");
    }
}
