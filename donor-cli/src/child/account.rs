//! What a unit's process may say, given its job. A stranger's program may have taken the process over: its words are checked
//! like those of any stranger.

use super::messages::{Event, Job};
use crate::progress::Phase;
use protocol::{LeaseMode, MAX_DETAIL, MAX_PROOF_BYTES};

/// Most characters of a message for people.
const MAX_WORDS: usize = 300;

/// Follows what one process says.
#[derive(Debug, Clone)]
pub struct Account {
    mode: LeaseMode,
    max_steps: u64,
    max_seconds: f64,
    max_memory: u64,
    executed: Option<u64>,
    proved: bool,
}

impl Account {
    /// Of a process with this job, which has said nothing yet.
    pub const fn new(job: &Job) -> Self {
        Self {
            mode: job.mode,
            max_steps: job.limits.max_steps,
            max_seconds: job.limits.total_seconds as f64,
            max_memory: super::watch::most_memory(job.limits.memory_bytes),
            executed: None,
            proved: false,
        }
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
            Event::Executed { steps, cells, cpu_seconds, kept } => {
                if self.executed.is_some() {
                    return Err("twice that it has executed".to_owned());
                }
                if steps > self.max_steps {
                    return Err(format!("that it did {steps} steps, but {} are the most", self.max_steps));
                }
                self.executed = Some(steps);
                Ok(Event::Executed { steps, cells, cpu_seconds: self.seconds(cpu_seconds), kept })
            }
            Event::Waiting { why } => Ok(Event::Waiting { why: plain(&why, MAX_WORDS) }),
            Event::Proved { bytes, sha256, steps, cpu_seconds, peak_memory } => {
                if self.mode == LeaseMode::Execute {
                    return Err("that it has a proof, which was not asked for".to_owned());
                }
                if self.executed != Some(steps) {
                    return Err(format!("that it proved {steps} steps, which are not those of its execution"));
                }
                if bytes > MAX_PROOF_BYTES as u64 {
                    return Err(format!("that its proof has {bytes} bytes"));
                }
                self.proved = true;
                let peak_memory = peak_memory.map(|peak| peak.min(self.max_memory));
                Ok(Event::Proved { bytes, sha256, steps, cpu_seconds: self.seconds(cpu_seconds), peak_memory })
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
        Account { mode, max_steps: 1000, max_seconds: 60.0, max_memory: 1 << 30, executed: None, proved: false }
    }

    fn executed(steps: u64) -> Event {
        Event::Executed { steps, cells: 5, cpu_seconds: 1.0, kept: true }
    }

    fn proved(steps: u64, bytes: u64, cpu_seconds: f64, peak: u64) -> Event {
        Event::Proved { bytes, sha256: Digest::of(b""), steps, cpu_seconds, peak_memory: Some(peak) }
    }

    #[test]
    fn a_usual_run_is_taken_as_it_is() {
        let mut account = account(LeaseMode::Both);
        for event in [
            Event::Progress { phase: Phase::Execute, fraction: 0.5 },
            executed(1000),
            Event::Alive,
            Event::Waiting { why: "the disk is full".to_owned() },
            proved(1000, 1 << 20, 5.0, 1 << 28),
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
            (take(both, &[proved(5, 10, 1.0, 1)]), "not those of its execution"),
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
