//! The pauses of the schedule. How much may be used at other times is the governor's affair.

use super::rule::{Kind, Now, Rule};
use super::senses::Senses;
use crate::governor::Schedule;
use crate::governor::schedule::{Cap, InForce};
use crate::setting::{RunOption, Setting, Takes, parsed};

pub(super) static KIND: Kind = Kind {
    word: "schedule",
    pauses_while: "the schedule allows nothing",
    settings: &[Setting {
        name: "schedule",
        help: "when to work, such as 22:00-07:00, or how much when",
        default: "always",
        option: Some(RunOption {
            long: "schedule",
            help: "Work only at these local times, such as 22:00-07:00, or as much as rules say, such as \
                   \"mon-fri 18:00-08:00=80, else=20\"",
            takes: Takes::Value("RULES"),
        }),
        check: parsed::<Schedule>,
    }],
    field: None,
    make: |values| {
        let schedule = values.text("schedule")?.parse().ok()?;
        Some(Box::new(Scheduled { schedule, used: false, unseen: None }))
    },
};

#[derive(Debug)]
struct Scheduled {
    schedule: Schedule,
    used: bool,
    unseen: Option<String>,
}

impl Rule for Scheduled {
    fn look(&mut self, senses: &mut Senses) {
        if self.schedule.asks_for_presence() {
            (self.used, self.unseen) = senses.used();
        }
    }

    fn pause(&mut self, now: &Now) -> Option<String> {
        let InForce { cap: Cap::Nothing, rule, .. } = self.schedule.at(now.local_time, self.used) else { return None };
        let why = rule.map_or_else(|| "outside the schedule".to_owned(), |rule| format!("the schedule says `{rule}`"));
        Some(match self.schedule.next_opening(now.local_time, self.used) {
            Some(opens) => format!("{why}; it opens at {opens}"),
            None => format!("{why}; it opens when somebody comes or goes"),
        })
    }

    fn unseen(&self) -> Option<String> {
        self.unseen.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(schedule: &str, hour: i8, used: bool) -> Option<String> {
        let mut rule = Scheduled { schedule: schedule.parse().expect("a schedule"), used, unseen: None };
        rule.pause(&Now { local_time: jiff::civil::date(2026, 1, 5).at(hour, 0, 0, 0), asked: None })
    }

    #[test]
    fn says_which_rule_and_when_it_opens() {
        assert_eq!(pause("22:00-07:00", 12, false).as_deref(), Some("outside the schedule; it opens at 22:00"));
        assert_eq!(pause("22:00-07:00", 23, false), None);
        let rules = "present=0, 18:00-24:00=80, else=20";
        assert_eq!(pause(rules, 12, false), None);
        let present = "the schedule says `present=0`; it opens when somebody comes or goes";
        assert_eq!(pause(rules, 12, true).as_deref(), Some(present));
    }
}
