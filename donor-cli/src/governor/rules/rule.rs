//! What a pause rule is.

use super::senses::Senses;
use crate::setting::{Setting, Values};
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// A kind of pause rule, as the registry has it.
#[derive(Debug)]
pub struct Kind {
    /// One word for machines.
    pub word: &'static str,
    /// During what it pauses, for the documentation: `the machine runs on battery`.
    pub pauses_while: &'static str,
    /// Its settings.
    pub settings: &'static [Setting],
    /// The field of the status that [`Watched::value`] goes to.
    pub field: Option<&'static str>,
    /// The rule of these settings; `None` if they ask for no pause.
    pub make: fn(&dyn Values) -> Option<Box<dyn Rule>>,
}

/// Something for which work pauses.
pub trait Rule: fmt::Debug + Send {
    /// Looks at the machine, every few seconds.
    fn look(&mut self, _senses: &mut Senses) {}

    /// Why to pause, if so, in words that follow `paused: `. Asked at each beat, also while another rule pauses.
    fn pause(&mut self, now: &Now) -> Option<String>;

    /// What it would have to see at the last look and could not, in words.
    fn unseen(&self) -> Option<String> {
        None
    }

    /// What it saw at the last look, if that is worth showing.
    fn watched(&self) -> Option<Watched> {
        None
    }
}

/// What rules are told at each beat.
#[derive(Debug, Clone, PartialEq)]
pub struct Now {
    /// Local time.
    pub local_time: DateTime,
    /// The pause that somebody asked for.
    pub asked: Option<Asked>,
}

/// A pause that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What is left of it; until somebody ends it if not given.
    pub left: Option<Duration>,
}

/// Why the donor does not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// One word for machines.
    pub word: &'static str,
    /// For people.
    pub text: String,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Something seen, for `donor status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Watched {
    /// What it is of, in one word.
    pub label: String,
    /// For people.
    pub text: String,
    /// For machines.
    #[serde(skip)]
    pub value: serde_json::Value,
}
