//! Pausing while a window fills the screen.

use super::rule::{Kind, Now, Rule};
use super::senses::Senses;
use crate::setting::{RunOption, Setting, Takes, pause_or_ignore};

pub(super) static KIND: Kind = Kind {
    word: "fullscreen",
    pauses_while: "a window fills the screen",
    settings: &[Setting {
        name: "fullscreen",
        help: "while a window fills the screen: pause or ignore",
        default: "ignore",
        option: Some(RunOption {
            long: "pause-when-fullscreen",
            help: "Pause while a window fills the screen (X11 only)",
            takes: Takes::Nothing("pause"),
        }),
        check: pause_or_ignore,
    }],
    field: None,
    make: |values| {
        (values.text("fullscreen").as_deref() == Some("pause")).then(|| Box::new(Fullscreen(Ok(false))) as _)
    },
};

/// Whether a window filled the screen at the last look, or why that could not be seen.
#[derive(Debug)]
struct Fullscreen(Result<bool, String>);

impl Rule for Fullscreen {
    fn look(&mut self, senses: &mut Senses) {
        self.0 = senses.screen().map(|seen| seen.fullscreen);
    }

    fn pause(&mut self, _: &Now) -> Option<String> {
        (self.0 == Ok(true)).then(|| "a window fills the screen".to_owned())
    }

    fn unseen(&self) -> Option<String> {
        self.0.as_ref().err().map(|why| format!("whether a window fills the screen cannot be seen: {why}"))
    }
}
