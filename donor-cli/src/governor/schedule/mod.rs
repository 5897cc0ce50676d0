//! How much may be used when: rules by day, time of day and presence, of which the first that fits holds.
//!
//! ```text
//! schedule = rule { "," rule }
//! rule     = "else" [ "=" cap ] | when [ "=" cap ]
//! when     = [ "away" | "present" ] [ days ] [ time "-" time ]        at least one of them
//! days     = "daily" | day [ "-" day ] { "," day [ "-" day ] }
//! cap      = percentage of the machine; 0 pauses; without one, the usual cap
//! ```
//!
//! Times are local and belong to the day on which they begin: `fri 22:00-07:00` ends on Saturday. What no rule covers is a
//! pause. Summer time needs nothing special: a rule holds while the clock on the wall shows its times.

mod local_time;
mod parse;
#[cfg(test)]
mod tests;
mod week;

pub use local_time::LocalTime;
pub use parse::BadSchedule;
pub use week::Moment;

use super::Share;
use jiff::civil::DateTime;
use std::fmt;
use week::{DAY, Days, Span};

/// Rules by day, time of day and presence, such as `22:00-07:00` or `mon-fri 18:00-08:00=80, else=20`.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule(Vec<Rule>);

/// What may be used while a rule holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cap {
    /// The usual cap.
    Usual,
    /// Nothing.
    Nothing,
    /// This share of the machine.
    Share(Share),
}

/// Whom a rule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Nobody uses the machine.
    Away,
    /// Somebody does.
    Present,
}

/// One rule. `else` is one without any condition.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Rule {
    who: Option<Who>,
    days: Days,
    /// Part of the day; all of it if not given.
    span: Option<Span>,
    cap: Cap,
    otherwise: bool,
}

/// Which rule holds, and for how long.
#[derive(Debug, Clone, PartialEq)]
pub struct InForce {
    /// What it allows.
    pub cap: Cap,
    /// The rule as it is written; none if no rule fits.
    pub rule: Option<String>,
    /// When something else will hold, if nobody comes or goes; `None` for never.
    pub until: Option<Moment>,
}

impl Schedule {
    /// What holds at this local time, while somebody uses the machine or nobody does.
    pub fn at(&self, time: DateTime, present: bool) -> InForce {
        let now = week::minute(time);
        let cap = self.cap(now, present);
        let rule = self.find(now, present).and_then(|at| self.0.get(at)).map(|rule| rule.text(self.names_days()));
        InForce { cap, rule, until: self.next(now, |minute| self.cap(minute, present) != cap) }
    }

    /// While work is not allowed, the next time at which it is, if nobody comes or goes.
    pub fn next_opening(&self, time: DateTime, present: bool) -> Option<Moment> {
        self.next(week::minute(time), |minute| self.cap(minute, present) != Cap::Nothing)
    }

    /// Whether it must be known if somebody uses the machine.
    pub fn asks_for_presence(&self) -> bool {
        self.0.iter().any(|rule| rule.who.is_some())
    }

    /// Whether it says what holds at all other times.
    pub fn has_else(&self) -> bool {
        self.0.iter().any(|rule| rule.otherwise)
    }

    /// Whether a rule has a cap of its own.
    pub fn has_caps(&self) -> bool {
        self.0.iter().any(|rule| rule.cap != Cap::Usual)
    }

    /// The largest cap that ever holds.
    pub fn most(&self, usual: Share) -> Share {
        let caps = self.0.iter().filter_map(|rule| match rule.cap {
            Cap::Nothing => None,
            Cap::Usual => Some(usual),
            Cap::Share(share) => Some(share),
        });
        caps.reduce(|most, cap| if cap > most { cap } else { most }).unwrap_or(usual)
    }

    /// The first rule that fits.
    fn find(&self, minute: u16, present: bool) -> Option<usize> {
        self.0.iter().position(|rule| rule.fits(minute, present))
    }

    fn cap(&self, minute: u16, present: bool) -> Cap {
        self.find(minute, present).and_then(|at| self.0.get(at)).map_or(Cap::Nothing, |rule| rule.cap)
    }

    /// The first minute after this one, within a week, of which something is so. Only the ends of spans and days are looked at.
    fn next(&self, now: u16, is_so: impl Fn(u16) -> bool) -> Option<Moment> {
        let mut edges: Vec<u16> = self.0.iter().filter_map(|rule| rule.span).flat_map(Span::edges).chain([0]).collect();
        edges.sort_unstable();
        edges.dedup();
        let today = now / DAY * DAY;
        let later = (0..=7).flat_map(|days| edges.iter().map(move |edge| today + days * DAY + edge));
        let found = later.filter(|minute| *minute > now).find(|minute| is_so(minute % week::WEEK))?;
        Some(Moment::new(found % week::WEEK, found - now))
    }

    fn names_days(&self) -> bool {
        self.0.iter().any(|rule| rule.days != Days::ALL)
    }
}

impl Rule {
    fn fits(&self, minute: u16, present: bool) -> bool {
        let who = match self.who {
            None => true,
            Some(Who::Present) => present,
            Some(Who::Away) => !present,
        };
        who && self.days.hold(self.span, minute)
    }

    /// As it is written; whether other rules name days decides if this one says that it holds on all of them.
    fn text(&self, days: bool) -> String {
        let cap = match self.cap {
            Cap::Usual => String::new(),
            Cap::Nothing => "=0".to_owned(),
            Cap::Share(share) => format!("={share}"),
        };
        if self.otherwise {
            return format!("else{cap}");
        }
        let who = self.who.map(|who| if who == Who::Away { "away" } else { "present" }.to_owned());
        let bare = self.who.is_none() && self.span.is_none();
        let named = (self.days != Days::ALL || bare || (days && self.span.is_some())).then(|| self.days.to_string());
        // A rule of days only would be read as the beginning of the next rule's list of days.
        let whole =
            (named.is_some() && self.span.is_none() && self.cap == Cap::Usual).then(|| "00:00-24:00".to_owned());
        let span = self.span.map(|span| span.to_string()).or(whole);
        let words: Vec<String> = [who, named, span].into_iter().flatten().collect();
        format!("{}{cap}", words.join(" "))
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.names_days();
        // What was written before there were rules is printed as it was.
        let plain = !days && self.0.iter().all(|rule| rule.who.is_none() && rule.cap == Cap::Usual && !rule.otherwise);
        let texts: Vec<String> = self.0.iter().map(|rule| rule.text(days)).collect();
        f.write_str(&texts.join(if plain { "," } else { ", " }))
    }
}
