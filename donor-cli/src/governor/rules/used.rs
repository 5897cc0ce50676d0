//! Pausing while somebody uses the machine.

use super::rule::{Kind, Now, Rule};
use super::senses::Senses;
use crate::setting::{RunOption, Setting, Takes, pause_or_ignore};

pub(super) static KIND: Kind = Kind {
    word: "used",
    pauses_while: "somebody uses the machine",
    settings: &[Setting {
        name: "used",
        help: "while somebody uses the machine: pause or ignore",
        default: "ignore",
        option: Some(RunOption {
            long: "pause-when-used",
            help: "Pause while somebody uses the machine, and for 3 minutes after (Linux only)",
            takes: Takes::Nothing("pause"),
        }),
        check: pause_or_ignore,
    }],
    field: None,
    make: |values| {
        let pauses = values.text("used").as_deref() == Some("pause");
        pauses.then(|| Box::new(Used { used: false, unseen: None }) as _)
    },
};

#[derive(Debug)]
struct Used {
    used: bool,
    unseen: Option<String>,
}

impl Rule for Used {
    fn look(&mut self, senses: &mut Senses) {
        (self.used, self.unseen) = senses.used();
    }

    fn pause(&mut self, _: &Now) -> Option<String> {
        let why = "somebody uses the machine (typed or touched it within the last 3 minutes)";
        self.used.then(|| why.to_owned())
    }

    fn unseen(&self) -> Option<String> {
        self.unseen.clone()
    }
}
