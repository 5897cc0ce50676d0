//! Reading a schedule, and saying what is wrong with one.

use super::week::{DAY, Day, Days, Span, WEEK};
use super::{Cap, Rule, Schedule, Share, Who};
use std::str::FromStr;

/// Text that is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no schedule: {why}. Write times such as 22:00-07:00, or rules such as mon-fri 18:00-08:00=80, else=20, \
     with commas between them"
)]
pub struct BadSchedule {
    pub(super) text: String,
    /// What is wrong, and with which part.
    pub why: String,
}

impl FromStr for Schedule {
    type Err = BadSchedule;

    fn from_str(text: &str) -> Result<Self, BadSchedule> {
        let bad = |why: String| BadSchedule { text: text.to_owned(), why };
        let parts = parts(text);
        let several = parts.len() > 1;
        let (mut rules, mut days_named) = (Vec::new(), false);
        for part in &parts {
            let inside = |why: String| if several { format!("in `{part}`, {why}") } else { why };
            let rule = rule(part, days_named).map_err(|why| bad(inside(why)))?;
            if rules.last().is_some_and(|last: &Rule| last.otherwise) {
                return Err(bad(format!("`{part}` comes after `else`, which must be the last rule")));
            }
            days_named |= rule.days != Days::ALL;
            rules.push(rule);
        }
        let schedule = Self(rules);
        schedule.check().map_err(bad)?;
        Ok(schedule)
    }
}

impl Schedule {
    /// Whether each rule has a say, and work is ever allowed.
    pub(super) fn check(&self) -> Result<(), String> {
        let moments = || (0..WEEK).flat_map(|minute| [(minute, false), (minute, true)]);
        if moments().all(|(minute, present)| self.cap(minute, present) == Cap::Nothing) {
            return Err("it never allows any work; say what holds at other times, such as else=50".to_owned());
        }
        for (at, rule) in self.0.iter().enumerate() {
            let mut fits = moments().filter(|(minute, present)| rule.fits(*minute, *present)).peekable();
            let shadowed = fits.peek().is_some() && fits.all(|(minute, present)| self.cap(minute, present) != rule.cap);
            if shadowed {
                let rule = rule.text(self.names_days());
                let before = if at == 1 { "the rule before it holds" } else { "the rules before it hold" };
                return Err(format!(
                    "`{rule}` never holds, since {before} at all its times; the first that fits counts"
                ));
            }
        }
        Ok(())
    }
}

/// The rules' texts. A part that is only days belongs to the next one if that begins with days, too.
fn parts(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut open = false;
    for part in text.split(',').map(tidy) {
        let (head, last) = (part.split(' ').next().unwrap_or_default(), part.rsplit(' ').next().unwrap_or_default());
        let begins_with_days = days(head.split('=').next().unwrap_or_default()).is_ok();
        match parts.last_mut().filter(|_| open && begins_with_days) {
            Some(before) => *before = format!("{before},{part}"),
            None => parts.push(part.clone()),
        }
        open = days(last).is_ok();
    }
    parts
}

/// Single blanks, and none around `-` and `=`.
fn tidy(part: &str) -> String {
    let words = part.split_whitespace().collect::<Vec<_>>().join(" ");
    words.replace(" -", "-").replace("- ", "-").replace(" =", "=").replace("= ", "=").to_ascii_lowercase()
}

fn rule(part: &str, days_named: bool) -> Result<Rule, String> {
    let (when, cap) = match part.split_once('=') {
        Some((when, text)) => (when, cap(text)?),
        None => (part, Cap::Usual),
    };
    let mut rule = Rule { who: None, days: Days::ALL, span: None, cap, otherwise: when == "else" };
    if rule.otherwise {
        return Ok(rule);
    }
    if when.is_empty() {
        return Err(if part.is_empty() { "there is nothing between two commas" } else { "nothing stands before `=`" }
            .to_owned());
    }
    let (mut named, mut times) = (false, false);
    for word in when.split(' ') {
        let who = match word {
            "away" => Some(Who::Away),
            "present" => Some(Who::Present),
            _ => None,
        };
        let is_time = word.starts_with(|first: char| first.is_ascii_digit());
        match who {
            Some(_) if rule.who.is_none() && !named && !times => rule.who = who,
            Some(_) => return Err(format!("`{word}` must be the first word of its rule")),
            None if is_time && times => return Err(format!("`{word}` is a second span; write another rule for it")),
            None if is_time => (rule.span, times) = (span(word)?, true),
            None if named || times => return Err(format!("`{word}` must come before the times, as one list of days")),
            None => (rule.days, named) = (days(word)?, true),
        }
    }
    if times && !named && days_named {
        return Err(format!("no days are given, though they are in a rule before; write daily {when}, or the days"));
    }
    Ok(rule)
}

fn cap(text: &str) -> Result<Cap, String> {
    if text.trim_end_matches('%').trim_end() == "0" {
        return Ok(Cap::Nothing);
    }
    let wrong = || format!("`{text}` is no percentage from 0 to 100");
    let share: Share = text.parse().map_err(|_| wrong())?;
    // Rounded as it is printed.
    share.to_string().parse().map(Cap::Share).map_err(|_| wrong())
}

fn days(list: &str) -> Result<Days, String> {
    let mut all = Days::NONE;
    for item in list.split(',') {
        if item == "daily" {
            return if list == item { Ok(Days::ALL) } else { Err("`daily` stands alone".to_owned()) };
        }
        let day = |name: &str| {
            Day::from_name(name).ok_or_else(|| match name {
                "else" => "`else` stands alone".to_owned(),
                _ => format!(
                    "`{name}` is no day from mon to sun, no time such as 22:00-07:00, and not else, away or present"
                ),
            })
        };
        let (from, to) = item.split_once('-').unwrap_or((item, item));
        all = all.and(Days::range(day(from)?, day(to)?));
    }
    Ok(all)
}

/// `None` for the whole day.
fn span(text: &str) -> Result<Option<Span>, String> {
    let (from, to) = text.split_once('-').ok_or_else(|| format!("`{text}` has no `-` between two times"))?;
    let (begin, end) = (clock_time(from)? % DAY, clock_time(to)?);
    if from == to || begin == end {
        return Err(format!("`{text}` begins where it ends; the whole day is 00:00-24:00"));
    }
    let end = if end == 0 { DAY } else { end };
    Ok(Some(Span { from: begin, to: end }).filter(|span| (span.from, span.to) != (0, DAY)))
}

/// The minute of the day, from `00:00` to `24:00`, that is 1440.
///
/// # Errors
/// Says what a time looks like.
pub(super) fn clock_time(text: &str) -> Result<u16, String> {
    let text = text.trim();
    let number = |part: &str| part.parse::<u16>().ok().filter(|_| part.bytes().all(|byte| byte.is_ascii_digit()));
    let parts = text.split_once(':').and_then(|(hour, minute)| Some((number(hour)?, number(minute)?)));
    let minute = parts.filter(|(_, minute)| text.len() <= 5 && *minute < 60).map(|(hour, minute)| hour * 60 + minute);
    minute.filter(|minute| *minute <= DAY).ok_or_else(|| format!("`{text}` is no time from 00:00 to 24:00"))
}
