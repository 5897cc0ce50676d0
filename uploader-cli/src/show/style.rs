//! Messages on standard error, with colours only where somebody sees them.

use super::busy::{Busy, Pace};
use protocol::text::message;
use protocol::wrap::{fit, wrap};
use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// When something was last said about what goes on, off a terminal.
static PACE: Pace = Pace::new();

/// Whether messages have colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ColorChoice {
    /// If standard error is a terminal and `NO_COLOR` is not set.
    #[default]
    Auto,
    /// Yes.
    Always,
    /// No.
    Never,
}

/// Writes messages to standard error.
#[derive(Debug, Clone, Copy)]
pub struct Printer {
    quiet: bool,
    color: bool,
    live: bool,
}

impl Printer {
    /// A printer that follows the command line.
    pub fn new(quiet: bool, choice: ColorChoice) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let color = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        };
        Self { quiet, color, live: terminal && !quiet }
    }

    /// Says what was done; silent with `--quiet`.
    pub fn note(&self, text: impl Display) {
        if !self.quiet {
            self.line("", &text);
        }
    }

    /// Says what the user should know.
    pub fn warn(&self, text: impl Display) {
        self.line("33", &format_args!("warning: {text}"));
    }

    /// Says what went wrong.
    pub fn error(&self, text: impl Display) {
        self.line("31", &format_args!("error: {text}"));
    }

    /// Shows progress on one line that the next message replaces; off a terminal on a line of its own, now and then.
    pub fn progress(&self, text: impl Display) {
        if self.live {
            let width = width().map_or(usize::MAX, |width| width.saturating_sub(1));
            let _ = write!(std::io::stderr(), "\r\x1b[K{}", fit(&message(&text).replace('\n', " "), width));
        } else if !self.quiet && PACE.is_due(Instant::now()) {
            self.note(text);
        }
    }

    /// Says what begins that takes a while: as [`progress`](Self::progress), and off a terminal on a line of its own, so that a log shows
    /// what the time goes to. As long as what it returns is kept, further lines say there that it goes on.
    #[must_use = "it goes on as long as this is kept"]
    pub fn begins(&self, text: impl Display) -> Busy {
        let text = text.to_string();
        if self.live {
            self.progress(format_args!("{text} …"));
            return Busy::silent();
        }
        self.note(format_args!("{text} …"));
        PACE.restart(Instant::now());
        let printer = *self;
        Busy::new(move |passed| {
            if PACE.is_due(Instant::now()) {
                printer.note(format_args!("{text} … {} so far", super::number::time(passed)));
            }
        })
    }

    /// Says that a request is repeated, and why: whoever looks into a log later sees what the time went to.
    pub fn again(&self, why: impl Display, wait: Duration) {
        let text = format_args!("{why}; again in {:.1} s", wait.as_secs_f64());
        if self.live { self.progress(text) } else { self.note(text) }
    }

    /// A lost message is no reason to fail. Whatever a stranger put into it does nothing to the terminal.
    fn line(&self, color: &str, text: &dyn Display) {
        let mut text = message(text);
        if let Some(width) = width().filter(|_| self.live) {
            text = wrap(&text, width, 2);
        }
        let clear = if self.live { "\r\x1b[K" } else { "" };
        let mut stderr = std::io::stderr().lock();
        let _ = if self.color && !color.is_empty() {
            writeln!(stderr, "{clear}\x1b[{color}m{text}\x1b[0m")
        } else {
            writeln!(stderr, "{clear}{text}")
        };
    }
}

/// Columns of the terminal, if there is one.
pub(super) fn width() -> Option<usize> {
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)).filter(|width| *width > 0)
}
