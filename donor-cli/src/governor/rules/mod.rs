//! The pause rules. A further one is a file here and its line in [`RULES`]: its settings, its options on the command line, what
//! it looks at, why it pauses, and what the status shows of it are declared there.

mod asked;
mod battery;
mod fullscreen;
mod options;
mod programs;
mod rule;
mod schedule;
mod senses;
mod temperature;
mod used;

pub use options::PauseOptions;
pub use rule::{Asked, Kind, Now, Reason, Rule, Watched};
pub use senses::Senses;

use crate::setting::{Setting, Values};

/// All kinds. Of several that pause, the first is named: those that last longest come first.
pub static RULES: [&Kind; 7] = [
    &asked::KIND,
    &schedule::KIND,
    &battery::KIND,
    &temperature::KIND,
    &programs::KIND,
    &fullscreen::KIND,
    &used::KIND,
];

/// The settings of all rules.
pub fn settings() -> impl Iterator<Item = &'static Setting> {
    RULES.iter().flat_map(|kind| kind.settings)
}

/// The rules that somebody's settings ask for.
#[derive(Debug)]
pub struct Rules {
    rules: Vec<(&'static Kind, Box<dyn Rule>)>,
    senses: Senses,
}

impl Rules {
    /// Of these settings. Nothing is looked at yet.
    pub fn new(values: &dyn Values) -> Self {
        Self::of(RULES.iter().filter_map(|kind| Some((*kind, (kind.make)(values)?))).collect())
    }

    fn of(rules: Vec<(&'static Kind, Box<dyn Rule>)>) -> Self {
        Self { rules, senses: Senses::default() }
    }

    /// Looks at the machine; `units` are the processes of the running work units.
    pub fn look(&mut self, units: &[u32]) {
        self.senses.begin(units);
        self.rules.iter_mut().for_each(|(_, rule)| rule.look(&mut self.senses));
    }

    /// Whether somebody used the machine at the last look, if a rule asks for that.
    pub fn used(&self) -> bool {
        self.senses.used_now()
    }

    /// Why to pause now.
    pub fn pause(&mut self, now: &Now) -> Option<Reason> {
        let mut first = None;
        // All are asked, since what they say may depend on what they saw before.
        for (kind, rule) in &mut self.rules {
            let text = rule.pause(now);
            first = first.or_else(|| text.map(|text| Reason { word: kind.word, text }));
        }
        first
    }

    /// What was asked for and cannot be seen, in words.
    pub fn unseen(&self) -> Vec<String> {
        let mut unseen = Vec::new();
        for message in self.rules.iter().filter_map(|(_, rule)| rule.unseen()) {
            if !unseen.contains(&message) {
                unseen.push(message);
            }
        }
        unseen
    }

    /// What is worth showing of the last look.
    pub fn watched(&self) -> Vec<Watched> {
        self.rules.iter().filter_map(|(_, rule)| rule.watched()).collect()
    }

    /// The same for machines, by field; `null` for what is not watched or not known.
    pub fn fields(&self) -> serde_json::Map<String, serde_json::Value> {
        let value = |field: &str| {
            let rule = self.rules.iter().find(|(kind, _)| kind.field == Some(field));
            rule.and_then(|(_, rule)| rule.watched()).map_or(serde_json::Value::Null, |watched| watched.value)
        };
        RULES.iter().filter_map(|kind| kind.field).map(|field| (field.to_owned(), value(field))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use std::time::Duration;

    struct Set(HashMap<&'static str, &'static str>);

    impl Values for Set {
        fn text(&self, name: &str) -> Option<String> {
            self.0.get(name).map(|text| (*text).to_owned())
        }
    }

    fn monday(hour: i8, asked: Option<Asked>) -> Now {
        Now { local_time: jiff::civil::date(2026, 1, 5).at(hour, 0, 0, 0), asked }
    }

    #[test]
    fn only_what_the_settings_ask_for_is_a_rule() {
        let words = |settings: &[(&'static str, &'static str)]| -> Vec<&str> {
            Rules::new(&Set(settings.iter().copied().collect())).rules.iter().map(|(kind, _)| kind.word).collect()
        };
        assert_eq!(words(&[]), ["asked", "battery"]);
        assert_eq!(words(&[("battery", "ignore"), ("used", "ignore")]), ["asked"]);
        let all = [
            ("schedule", "22:00-07:00"),
            ("max-temperature", "85"),
            ("pause-for", "steam"),
            ("fullscreen", "pause"),
            ("used", "pause"),
        ];
        assert_eq!(words(&all), RULES.map(|kind| kind.word));
    }

    #[test]
    fn names_and_settings_are_told_apart() {
        let mut words: Vec<&str> = RULES.iter().map(|kind| kind.word).collect();
        let mut names: Vec<&str> = crate::state::settings::all().map(|setting| setting.name).collect();
        for list in [&mut words, &mut names] {
            let count = list.len();
            list.sort_unstable();
            list.dedup();
            assert_eq!(list.len(), count, "{list:?}");
        }
        for setting in settings().filter_map(|setting| setting.option.map(|_| setting.name)) {
            assert!(crate::state::settings::find(setting).is_some(), "{setting}");
        }
    }

    #[test]
    fn the_pause_that_lasts_longest_is_named_and_the_others_go_on_watching() {
        /// Pauses at every second beat.
        #[derive(Debug)]
        struct Second(u32);

        impl Rule for Second {
            fn pause(&mut self, _: &Now) -> Option<String> {
                self.0 += 1;
                self.0.is_multiple_of(2).then(|| format!("beat {}", self.0))
            }

            fn unseen(&self) -> Option<String> {
                Some("nothing is seen".to_owned())
            }
        }

        let asked = (asked::KIND.make)(&Set(HashMap::new())).expect("always there");
        let (first, second) = (Box::new(Second(0)), Box::new(Second(1)));
        let mut rules = Rules::of(vec![(&asked::KIND, asked), (&battery::KIND, first), (&used::KIND, second)]);
        assert_eq!(rules.unseen(), ["nothing is seen"]);
        let mut reason = |asked| rules.pause(&monday(12, asked)).map(|reason| (reason.word, reason.text));
        assert_eq!(reason(None), Some(("used", "beat 2".to_owned())));
        let open = Some(Asked { left: None });
        assert_eq!(reason(open), Some(("asked", "you asked for it; `donor resume` goes on".to_owned())));
        assert_eq!(reason(None), Some(("used", "beat 4".to_owned())));
        let left = Some(Asked { left: Some(Duration::from_secs(5400)) });
        assert!(reason(left).is_some_and(|(_, text)| text.contains("for another 1 h 30 min")));
    }

    #[test]
    fn what_is_not_watched_is_null() {
        let rules = Rules::new(&Set(HashMap::new()));
        assert_eq!(serde_json::Value::Object(rules.fields()), serde_json::json!({ "temperature": null }));
    }
}
