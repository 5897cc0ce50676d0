//! The pause that somebody asked for: `donor pause`.

use super::rule::{Kind, Now, Rule};
use crate::progress::words;

/// Always there.
pub(super) static KIND: Kind = Kind {
    word: "asked",
    pauses_while: "`donor pause` asked for it",
    settings: &[],
    field: None,
    make: |_| Some(Box::new(AskedFor)),
};

#[derive(Debug)]
struct AskedFor;

impl Rule for AskedFor {
    fn pause(&mut self, now: &Now) -> Option<String> {
        let left = now.asked.as_ref()?.left;
        let left = left.map_or_else(String::new, |left| format!(", for another {}", words::duration(left)));
        Some(format!("you asked for it{left}; `donor resume` goes on"))
    }
}
