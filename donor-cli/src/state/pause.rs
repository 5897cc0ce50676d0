//! A pause for some time, which a restart of the donor does not end.
//!
//! What is left of it is counted by a clock that goes on steadily ([`since_boot`](crate::governor::machine::since_boot)): a
//! clock on the wall that jumps makes it neither longer nor shorter. Only between two runs of the donor is the wall's clock
//! asked, and then no more can be left than was when it was last written down. A pause until a time of the day ends when
//! the wall's clock shows it, and at the latest when as much time has passed as was left when it was asked for.

use super::record::{self, RecordError};
use super::{Folder, atomic};
use protocol::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Between two writes of what is left.
const BETWEEN_WRITES: Duration = Duration::from_secs(60);

/// The longest pause, which is also the most that is believed of a file.
pub const LONGEST: Duration = Duration::from_secs(366 * 86_400);

const KIND: &str = "pause";

/// How long a pause that somebody asks for is to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Until `donor resume`, or the end of the donor.
    Open,
    /// For so long.
    For(Duration),
    /// Until this time.
    Until(Timestamp),
}

impl Length {
    /// As it is written into the wish.
    pub fn to_text(self) -> String {
        match self {
            Self::Open => String::new(),
            Self::For(time) => format!("for {}", time.as_secs()),
            Self::Until(time) => format!("until {}", time.0),
        }
    }

    /// From a wish. What cannot be read is a pause without an end: its owner wanted one.
    pub fn from_text(text: &str) -> Self {
        let number = |text: &str| text.trim().parse::<u64>().ok();
        if let Some(seconds) = text.strip_prefix("for ").and_then(number) {
            return Self::For(Duration::from_secs(seconds).min(LONGEST));
        }
        text.strip_prefix("until ").and_then(number).map_or(Self::Open, |time| Self::Until(Timestamp(time)))
    }
}

/// What is written down of a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    /// When it ends, by the wall's clock as it was.
    until: Timestamp,
    /// Seconds that were left when this was written.
    left: u64,
    /// Whether the wall's clock ends it.
    by_clock: bool,
}

/// A pause that ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    record: Record,
    /// When it ends at the latest, by the steady clock.
    ends: Duration,
    /// When it was last written down, by the steady clock.
    written: Option<Duration>,
}

impl Pause {
    /// One that begins now. `None` if it has no end, or has already ended.
    pub fn new(length: Length, wall: Timestamp, steady: Duration) -> Option<Self> {
        let (left, until, by_clock) = match length {
            Length::Open => return None,
            Length::For(time) => (time, wall.plus(time.as_secs()), false),
            Length::Until(until) => (Duration::from_secs(until.since(wall)), until, true),
        };
        let left = left.min(LONGEST);
        let record = Record { until, left: left.as_secs(), by_clock };
        (!left.is_zero()).then(|| Self { record, ends: steady.saturating_add(left), written: None })
    }

    /// The pause that an earlier run of the donor left, if it has not ended. A damaged file is none; the message says so.
    pub fn load(folder: &Folder, wall: Timestamp, steady: Duration) -> (Option<Self>, Option<String>) {
        let path = folder.path("pause.json");
        if !path.exists() {
            return (None, None);
        }
        match record::load::<Record>(&path, KIND) {
            Ok(record) => {
                let left = record.until.since(wall).min(record.left).min(LONGEST.as_secs());
                let pause = Self { record, ends: steady.saturating_add(Duration::from_secs(left)), written: None };
                ((left > 0).then_some(pause), None)
            }
            Err(error) => {
                let why = format!("{error}; the pause that it was about is over");
                (None, Some(folder.set_aside(&path, &why)))
            }
        }
    }

    /// What is left; `None` when it is over.
    pub fn left(&self, wall: Timestamp, steady: Duration) -> Option<Duration> {
        let left = self.ends.saturating_sub(steady);
        let over = left.is_zero() || (self.record.by_clock && wall >= self.record.until);
        (!over).then_some(left)
    }

    /// Writes down what is left if it was not done for a while.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn keep(&mut self, folder: &Folder, wall: Timestamp, steady: Duration) -> Result<(), RecordError> {
        if self.written.is_some_and(|at| steady.saturating_sub(at) < BETWEEN_WRITES) {
            return Ok(());
        }
        let Some(left) = self.left(wall, steady) else { return Ok(()) };
        let left = left.as_secs().max(1);
        // A clock that has jumped since would else end it at another time after a restart.
        let until = if self.record.by_clock { self.record.until } else { wall.plus(left) };
        self.record = Record { until, left, ..self.record };
        self.written = Some(steady);
        record::save(&folder.path("pause.json"), KIND, &self.record)
    }
}

/// Forgets the pause.
///
/// # Errors
/// If its file cannot be removed.
pub fn forget(folder: &Folder) -> Result<(), atomic::FileError> {
    atomic::remove(&folder.path("pause.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3600;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn folder() -> (tempfile::TempDir, Folder) {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(place.path()).expect("made");
        (place, folder)
    }

    #[test]
    fn a_clock_that_jumps_changes_nothing() {
        let noon = Timestamp(1_000_000);
        let pause = Pause::new(Length::For(seconds(2 * HOUR)), noon, seconds(50)).expect("a pause");
        for wall in [noon, noon.plus(86_400), Timestamp(5), Timestamp(u64::MAX)] {
            assert_eq!(pause.left(wall, seconds(50 + HOUR)), Some(seconds(HOUR)));
            assert_eq!(pause.left(wall, seconds(50 + 2 * HOUR)), None);
        }
        assert_eq!(Pause::new(Length::For(Duration::ZERO), noon, seconds(0)), None);
        assert_eq!(Pause::new(Length::Open, noon, seconds(0)), None);
    }

    #[test]
    fn a_time_of_the_day_is_one_on_the_wall_but_never_further_away_than_it_was() {
        let noon = Timestamp(1_000_000);
        let pause = Pause::new(Length::Until(noon.plus(HOUR)), noon, seconds(0)).expect("a pause");
        assert_eq!(pause.left(noon.plus(60), seconds(60)), Some(seconds(HOUR - 60)));
        assert_eq!(pause.left(noon.plus(HOUR), seconds(90)), None, "the clock was set forward");
        assert_eq!(pause.left(Timestamp(5), seconds(HOUR)), None, "the clock was set back");
        assert_eq!(Pause::new(Length::Until(noon), noon, seconds(0)), None);
    }

    #[test]
    fn a_restart_does_not_end_it() {
        let (_place, folder) = folder();
        let noon = Timestamp(1_000_000);
        let mut pause = Pause::new(Length::For(seconds(2 * HOUR)), noon, seconds(900)).expect("a pause");
        pause.keep(&folder, noon, seconds(900)).expect("written");
        let left = |wall| Pause::load(&folder, wall, seconds(7)).0.and_then(|pause| pause.left(wall, seconds(7)));
        assert_eq!(left(noon.plus(HOUR)), Some(seconds(HOUR)));
        assert_eq!(left(noon.plus(2 * HOUR)), None);
        assert_eq!(left(Timestamp(5)), Some(seconds(2 * HOUR)), "a clock that was set back does not make it longer");
        // Written anew after an hour during which the clock was set forward by a day.
        pause.keep(&folder, noon.plus(25 * HOUR), seconds(900 + HOUR)).expect("written");
        assert_eq!(left(noon.plus(25 * HOUR)), Some(seconds(HOUR)));
        forget(&folder).expect("removed");
        assert_eq!(left(noon), None);
    }

    #[test]
    fn a_damaged_file_is_no_pause_and_is_told() {
        let (_place, folder) = folder();
        std::fs::write(folder.path("pause.json"), "rubbish").expect("written");
        let (pause, message) = Pause::load(&folder, Timestamp(5), seconds(0));
        assert_eq!(pause, None);
        assert!(message.is_some_and(|message| message.contains("damaged") && message.contains("set aside")));
        assert_eq!(Pause::load(&folder, Timestamp(5), seconds(0)), (None, None));
    }

    #[test]
    fn lengths_survive_the_wish() {
        for length in [Length::Open, Length::For(seconds(7200)), Length::Until(Timestamp(1_800_000_000))] {
            assert_eq!(Length::from_text(&length.to_text()), length);
        }
        for text in ["?", "for ever", "until", "for -3"] {
            assert_eq!(Length::from_text(text), Length::Open, "{text}");
        }
        assert_eq!(Length::from_text("for 99999999999999999"), Length::For(LONGEST));
    }
}
