//! `donor pause`, `resume` and `finish`.

use super::open;
use super::output::say;
use crate::cli::StateArgs;
use crate::exit::{Exit, Failure};
use crate::progress::words;
use crate::state::control::{self, Wish};
use crate::state::pause::Length;
use jiff::Zoned;
use protocol::Timestamp;
use std::time::{Duration, Instant};

/// How long the running donor may take to follow.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes a wish of the running donor and waits until it has taken it.
///
/// # Errors
/// If no donor runs, or it does not answer.
pub fn wish(state: &StateArgs, wish: Wish) -> Result<Exit, Failure> {
    let folder = open(state)?;
    let none = || {
        Failure::fault(format!(
            "no donor runs with the state folder {}; start one with `donor run`",
            folder.root().display()
        ))
    };
    if folder.running().is_none() {
        return Err(none());
    }
    control::wish(&folder, wish)?;
    let begin = Instant::now();
    while !control::followed_up(&folder, wish) {
        if folder.running().is_none() {
            control::withdraw(&folder, wish);
            return Err(none());
        }
        if begin.elapsed() > PATIENCE {
            control::withdraw(&folder, wish);
            let message =
                format!("the running donor did not answer within {} s; is the machine very busy?", PATIENCE.as_secs());
            return Err(Failure::fault(message));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let end = |until: Timestamp| {
        let time = jiff::Timestamp::from_second(i64::try_from(until.0).unwrap_or(i64::MAX));
        time.map_or_else(|_| until.to_string(), |time| at(&time.to_zoned(jiff::tz::TimeZone::system()), &Zoned::now()))
    };
    let message = match wish {
        Wish::Pause(Length::Open) => "paused; `donor resume` goes on".to_owned(),
        Wish::Pause(Length::For(time)) => {
            let end = end(Timestamp::now().plus(time.as_secs()));
            format!("paused for {}, until {end}; `donor resume` goes on sooner", words::duration(time))
        }
        Wish::Pause(Length::Until(until)) => format!("paused until {}; `donor resume` goes on sooner", end(until)),
        Wish::Resume => "going on".to_owned(),
        Wish::Finish => "the donor finishes its unit, delivers what is finished, and ends".to_owned(),
    };
    say(message);
    Ok(Exit::Done)
}

/// A time as people say it: with the day if it is not today's.
fn at(time: &Zoned, now: &Zoned) -> String {
    let day = if time.date() == now.date() { "" } else { " on %A, %-d %B" };
    time.strftime(&format!("%H:%M{day}")).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan as _;

    #[test]
    fn other_days_are_named() {
        let now = jiff::civil::date(2026, 1, 5).at(12, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).expect("a time");
        let later = |hours: i64| now.checked_add(hours.hours()).expect("a time");
        assert_eq!([at(&later(2), &now), at(&later(20), &now)], ["14:00", "08:00 on Tuesday, 6 January"]);
    }
}
