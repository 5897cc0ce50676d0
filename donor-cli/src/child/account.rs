//! What a unit's process may say, given its job. A stranger's program may have taken the process over: its words are checked
//! like those of any stranger.

use super::messages::{Event, Job};
use crate::progress::Phase;
use protocol::{LeaseMode, MAX_DETAIL, MAX_PROOF_BYTES, UnitId};
use std::collections::HashMap;

/// Most characters of a message for people.
const MAX_WORDS: usize = 300;

/// Follows what one process says.
#[derive(Debug, Clone)]
pub struct Account {
    mode: LeaseMode,
    max_steps: u64,
    max_seconds: f64,
    max_memory: u64,
    units: HashMap<UnitId, Done>,
    proved: bool,
}

/// How far a unit is, as its process has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    Nothing,
    Failed,
    /// In so many steps.
    Executed(u64),
}

impl Account {
    /// Of a process with this job, which has said nothing yet.
    pub fn new(job: &Job) -> Self {
        Self {
            mode: job.mode,
            max_steps: job.limits.max_steps,
            max_seconds: job.limits.total_seconds as f64,
            max_memory: super::watch::most_memory(job.limits.memory_bytes),
            units: job.units.iter().map(|unit| (unit.id, Done::Nothing)).collect(),
            proved: false,
        }
    }

    /// A unit of which nothing was said yet.
    fn open(&mut self, unit: &UnitId) -> Result<&mut Done, String> {
        match self.units.get_mut(unit) {
            Some(done @ Done::Nothing) => Ok(done),
            Some(_) => Err(format!("twice how unit {unit} went")),
            None => Err(format!("something of unit {unit}, which is not its business")),
        }
    }

    /// Steps of these units, if they are executed and none is named twice.
    fn steps_of(&self, units: &[UnitId]) -> Result<u64, String> {
        let (mut steps, mut left) = (0_u64, self.units.clone());
        for unit in units {
            let Some(Done::Executed(more)) = left.remove(unit) else {
                return Err(format!("that it proved unit {unit}, which it did not execute or named before"));
            };
            steps = steps.saturating_add(more);
        }
        Ok(steps)
    }

    /// Takes a message. What comes back is within bounds.
    ///
    /// # Errors
    /// Says why a process that works as it should cannot have said this.
    pub fn take(&mut self, event: Event) -> Result<Event, String> {
        if self.proved {
            return Err("something after its proof".to_owned());
        }
        match event {
            Event::Progress { phase: phase @ (Phase::Download | Phase::Upload), .. } => {
                Err(format!("that it is in the phase `{phase}`"))
            }
            Event::Progress { .. } | Event::Alive => Ok(event),
            Event::Begins { unit } => {
                self.open(&unit)?;
                Ok(event)
            }
            Event::Executed { unit, steps, cells, cpu_seconds, kept } => {
                if steps > self.max_steps {
                    return Err(format!("that it did {steps} steps, but {} are the most", self.max_steps));
                }
                *self.open(&unit)? = Done::Executed(steps);
                Ok(Event::Executed { unit, steps, cells, cpu_seconds: self.seconds(cpu_seconds), kept })
            }
            Event::UnitFailed { unit, cause, detail } => {
                *self.open(&unit)? = Done::Failed;
                Ok(Event::UnitFailed { unit, cause, detail: plain(&detail, MAX_DETAIL) })
            }
            Event::Waiting { why } => Ok(Event::Waiting { why: plain(&why, MAX_WORDS) }),
            Event::Proved { units, bytes, sha256, steps, cpu_seconds, peak_memory } => {
                if self.mode == LeaseMode::Execute {
                    return Err("that it has a proof, which was not asked for".to_owned());
                }
                if units.is_empty() || self.steps_of(&units)? != steps {
                    return Err(format!("that it proved {steps} steps, which are not those of its executions"));
                }
                if bytes > MAX_PROOF_BYTES as u64 {
                    return Err(format!("that its proof has {bytes} bytes"));
                }
                self.proved = true;
                let peak_memory = peak_memory.map(|peak| peak.min(self.max_memory));
                let cpu_seconds = self.seconds(cpu_seconds);
                Ok(Event::Proved { units, bytes, sha256, steps, cpu_seconds, peak_memory })
            }
            Event::Failed { cause, detail } => Ok(Event::Failed { cause, detail: plain(&detail, MAX_DETAIL) }),
        }
    }

    fn seconds(&self, said: f64) -> f64 {
        if said.is_finite() { said.clamp(0.0, self.max_seconds) } else { 0.0 }
    }
}

/// At most so many characters of a text, without those that do something to a terminal.
pub fn plain(text: &str, most: usize) -> String {
    text.chars().take(most).map(|char| if char.is_control() { ' ' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{Digest, FailureCause};

    fn account(mode: LeaseMode) -> Account {
        let units = [1, 2, 3].map(|number| (unit(number), Done::Nothing)).into();
        Account { mode, max_steps: 1000, max_seconds: 60.0, max_memory: 1 << 30, units, proved: false }
    }

    fn unit(number: u8) -> UnitId {
        UnitId::from_bytes([number; 10])
    }

    fn executed_unit(number: u8, steps: u64) -> Event {
        Event::Executed { unit: unit(number), steps, cells: 5, cpu_seconds: 1.0, kept: true }
    }

    fn executed(steps: u64) -> Event {
        executed_unit(1, steps)
    }

    fn proved_units(units: &[u8], steps: u64) -> Event {
        let units = units.iter().map(|number| unit(*number)).collect();
        Event::Proved { units, bytes: 10, sha256: Digest::of(b""), steps, cpu_seconds: 1.0, peak_memory: None }
    }

    fn failed_unit(number: u8) -> Event {
        Event::UnitFailed { unit: unit(number), cause: FailureCause::Panic, detail: String::new() }
    }

    fn proved(steps: u64, bytes: u64, cpu_seconds: f64, peak: u64) -> Event {
        Event::Proved {
            units: vec![unit(1)],
            bytes,
            sha256: Digest::of(b""),
            steps,
            cpu_seconds,
            peak_memory: Some(peak),
        }
    }

    #[test]
    fn a_usual_run_is_taken_as_it_is() {
        let mut account = account(LeaseMode::Both);
        for event in [
            Event::Progress { phase: Phase::Execute, fraction: 0.5 },
            Event::Begins { unit: unit(1) },
            executed(1000),
            Event::Alive,
            failed_unit(2),
            executed_unit(3, 7),
            Event::Waiting { why: "the disk is full".to_owned() },
            proved_units(&[3, 1], 1007),
        ] {
            assert_eq!(account.take(event.clone()), Ok(event));
        }
    }

    #[test]
    fn what_cannot_be_is_no_message() {
        let take = |mode, events: &[Event]| {
            let mut account = account(mode);
            events.iter().cloned().map(|event| account.take(event)).last().expect("some").expect_err("refused")
        };
        let both = LeaseMode::Both;
        for (error, expected) in [
            (take(both, &[executed(1001)]), "1001 steps"),
            (take(both, &[executed(5), executed(5)]), "twice"),
            (take(both, &[executed(5), failed_unit(1)]), "twice"),
            (take(both, &[failed_unit(1), executed(5)]), "twice"),
            (take(both, &[failed_unit(1), Event::Begins { unit: unit(1) }]), "twice"),
            (take(both, &[executed_unit(9, 5)]), "not its business"),
            (take(both, &[executed(5), proved_units(&[1, 1], 10)]), "named before"),
            (take(both, &[executed(5), proved_units(&[1, 2], 5)]), "did not execute"),
            (take(both, &[executed(5), failed_unit(2), proved_units(&[2], 0)]), "did not execute"),
            (take(both, &[executed(5), proved_units(&[], 0)]), "not those of its execution"),
            (take(both, &[executed(5), executed_unit(2, 5), proved_units(&[1], 10)]), "not those of its execution"),
            (take(both, &[proved(5, 10, 1.0, 1)]), "did not execute"),
            (take(both, &[executed(5), proved(6, 10, 1.0, 1)]), "not those of its execution"),
            (take(both, &[executed(5), proved(5, u64::MAX, 1.0, 1)]), "18446744073709551615 bytes"),
            (take(both, &[executed(5), proved(5, 10, 1.0, 1), Event::Alive]), "after its proof"),
            (take(LeaseMode::Execute, &[executed(5), proved(5, 10, 1.0, 1)]), "not asked for"),
            (take(both, &[Event::Progress { phase: Phase::Upload, fraction: 1.0 }]), "upload"),
        ] {
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn numbers_and_words_are_cut_to_what_can_be() {
        let mut account = account(LeaseMode::Both);
        let long = "\u{1b}[31m".to_owned() + &"x".repeat(10_000);
        let Ok(Event::Waiting { why }) = account.take(Event::Waiting { why: long.clone() }) else { panic!("taken") };
        assert!(why.starts_with(" [31mx") && why.chars().count() == MAX_WORDS, "{why}");
        account.take(executed(7)).expect("taken");
        for (said, taken) in [(1e300, 60.0), (-1.0, 0.0), (f64::NAN, 0.0)] {
            let mut account = account.clone();
            let Ok(Event::Proved { cpu_seconds, peak_memory, .. }) = account.take(proved(7, 5, said, u64::MAX)) else {
                panic!("taken")
            };
            assert_eq!((cpu_seconds, peak_memory), (taken, Some(1 << 30)));
        }
        let failed = Event::Failed { cause: FailureCause::Panic, detail: long };
        let Ok(Event::Failed { detail, .. }) = account.take(failed) else { panic!("taken") };
        assert_eq!(detail.chars().count(), MAX_DETAIL);
    }
}
