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
    /// Whether people are not told.
    pub(super) fn is_for_machines(&self) -> bool {
        matches!(self, Self::Phase { .. } | Self::Ahead { .. })
            || matches!(self, Self::Sandbox { report } if report.is_whole())
    }
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
}
