//! How much went over the network today and this month.

use super::Folder;
use super::atomic::Last;
use super::record::{self, RecordError};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

const KIND: &str = "network";

/// Bytes of bodies that were sent and taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// The last day that was counted.
    pub day: Date,
    /// On that day.
    pub today: u64,
    /// In its month.
    pub month: u64,
}

impl Used {
    /// Nothing yet.
    pub const fn none(day: Date) -> Self {
        Self { day, today: 0, month: 0 }
    }

    /// Goes on to this day. A clock that was set back gives nothing free: what was counted counts for the day that it shows now.
    pub fn roll(&mut self, day: Date) {
        if day > self.day {
            if day.first_of_month() != self.day.first_of_month() {
                self.month = 0;
            }
            self.today = 0;
        }
        self.day = day;
    }

    /// Counts bytes on this day.
    pub fn add(&mut self, day: Date, bytes: u64) {
        self.roll(day);
        self.today = self.today.saturating_add(bytes);
        self.month = self.month.saturating_add(bytes);
    }
}

/// What was counted before. A damaged record begins anew, and the message says so.
pub fn load(folder: &Folder, day: Date) -> (Used, Option<String>) {
    let path = folder.path("network.json");
    if !path.exists() {
        return (Used::none(day), None);
    }
    match record::load::<Used>(&path, KIND) {
        Ok(mut used) => {
            used.roll(day);
            (used, None)
        }
        Err(error) => {
            let why = format!("{error}; what went over the network is counted anew");
            (Used::none(day), Some(folder.set_aside(&path, &why)))
        }
    }
}

/// Keeps the count.
///
/// # Errors
/// If it cannot be written.
pub fn keep(folder: &Folder, used: &Used) -> Result<(), RecordError> {
    record::save_to_last(&folder.path("network.json"), Last::Process, KIND, used)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn days_and_months_begin_anew() {
        let mut used = Used::none(date(2026, 1, 30));
        used.add(date(2026, 1, 30), 5);
        used.add(date(2026, 1, 31), 7);
        assert_eq!((used.today, used.month), (7, 12));
        used.add(date(2026, 2, 1), 1);
        assert_eq!((used.today, used.month), (1, 1));
    }

    #[test]
    fn a_clock_that_is_set_back_gives_nothing_free() {
        let mut used = Used::none(date(2026, 2, 1));
        used.add(date(2026, 2, 1), 5);
        used.add(date(2026, 1, 31), 7);
        assert_eq!((used.today, used.month), (12, 12));
    }

    #[test]
    fn a_restart_keeps_the_count() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(place.path()).expect("made");
        let day = date(2026, 3, 3);
        assert_eq!(load(&folder, day), (Used::none(day), None));
        let mut used = Used::none(day);
        used.add(day, 1 << 40);
        keep(&folder, &used).expect("written");
        assert_eq!(load(&folder, day), (used, None));
        std::fs::write(folder.path("network.json"), "?").expect("written");
        let (used, message) = load(&folder, day);
        assert_eq!(used, Used::none(day));
        assert!(message.is_some_and(|message| message.contains("counted anew")));
    }
}
