//! What the owner of a project tells visitors of the site.

use crate::hex::IdError;
use crate::text::is_hidden;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Most characters of a description in Markdown.
pub const MAX_ABOUT: usize = 20_000;

/// Most characters of how to cite.
pub const MAX_CITE: usize = 2000;

/// Most characters of what a plot's column is called.
pub const MAX_LABEL: usize = 80;

/// Highest number of a column that may be plotted.
pub const MAX_COLUMN: u32 = 9999;

/// The topics with their names and what visitors read.
macro_rules! topics {
    ($($variant:ident = $name:literal, $title:literal;)*) => {
        /// What a project is good for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum Topic {
            $(#[doc = $title] $variant,)*
        }

        impl Topic {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name on the wire.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Its name for people.
            pub const fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => $title,)*
                }
            }
        }
    };
}

topics! {
    Mathematics = "mathematics", "Mathematics";
    Physics = "physics", "Physics and astronomy";
    Chemistry = "chemistry", "Chemistry and materials";
    Biology = "biology", "Biology";
    Medicine = "medicine", "Medicine and health";
    Climate = "climate", "Climate and environment";
    Computing = "computing", "Computer science";
    Cryptography = "cryptography", "Cryptography";
    Economics = "economics", "Economics and society";
    Art = "art", "Art and games";
    Other = "other", "Something else";
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Topic {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let topic = Self::ALL.iter().copied().find(|topic| topic.name() == text);
        let form = "mathematics, physics, chemistry, biology, medicine, climate, computing, cryptography, economics, art or other";
        topic.ok_or_else(|| IdError::new("a cause", form, text))
    }
}

/// How results are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PlotKind {
    /// How often values of an output occur.
    Histogram,
    /// An output over an argument.
    Line,
}

/// What of the results is drawn.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Plot {
    /// How.
    pub kind: PlotKind,
    /// Place of the value in the output, from 0.
    pub output: u32,
    /// What it is called, at most [`MAX_LABEL`] characters.
    #[serde(default)]
    pub label: String,
    /// Place of the argument that a line goes over, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argument: Option<u32>,
    /// What that one is called.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub argument_label: String,
}

/// Body of `PUT /v1/projects/{name}/page`, and answer to `GET`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ProjectPage {
    /// The description as Markdown (CommonMark), at most [`MAX_ABOUT`] characters. Neither HTML nor images are shown.
    #[serde(default)]
    pub about: String,
    /// What the project is good for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Topic>,
    /// How to cite the project, at most [`MAX_CITE`] characters.
    #[serde(default)]
    pub cite: String,
    /// What of the results is drawn for everybody; nothing if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plot: Option<Plot>,
    /// Whether anybody may see each result and fetch its proof; only the owner's keys otherwise.
    #[serde(default)]
    pub open_results: bool,
}

/// Whether a text is short enough, and has no characters that show as something else; line ends and tabs may be in it
/// if it has lines.
fn check_text(what: &'static str, text: &str, most: usize, form: &'static str, lines: bool) -> Result<(), IdError> {
    let hidden = |c: char| is_hidden(c) && !(lines && matches!(c, '\n' | '\r' | '\t' | '\u{200c}' | '\u{200d}'));
    if text.chars().count() > most || text.chars().any(hidden) {
        return Err(IdError::new(what, form, text));
    }
    Ok(())
}

impl ProjectPage {
    /// Checks the lengths and characters.
    ///
    /// # Errors
    /// Names the part that is not as it must be.
    pub fn check(&self) -> Result<(), IdError> {
        let about = "at most 20000 characters without control characters and marks of direction";
        check_text("about", &self.about, MAX_ABOUT, about, true)?;
        let cite = "at most 2000 characters without control characters and marks of direction";
        check_text("cite", &self.cite, MAX_CITE, cite, true)?;
        self.plot.as_ref().map_or(Ok(()), Plot::check)
    }
}

impl Plot {
    fn check(&self) -> Result<(), IdError> {
        let label = "at most 80 visible characters";
        check_text("plot.label", &self.label, MAX_LABEL, label, false)?;
        check_text("plot.argument_label", &self.argument_label, MAX_LABEL, label, false)?;
        for (what, column) in [("plot.output", Some(self.output)), ("plot.argument", self.argument)] {
            if let Some(column) = column.filter(|column| *column > MAX_COLUMN) {
                return Err(IdError::new(what, "a number from 0 to 9999", &column.to_string()));
            }
        }
        match (self.kind, self.argument) {
            (PlotKind::Line, None) => Err(IdError::new("plot.argument", "given for a line", "nothing")),
            (PlotKind::Histogram, Some(argument)) => {
                Err(IdError::new("plot.argument", "left out for a histogram", &argument.to_string()))
            }
            _ => Ok(()),
        }
    }
}

/// `histogram:OUTPUT` or `line:ARGUMENT:OUTPUT`, as on command lines; names are given apart.
impl FromStr for Plot {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let bad = || {
            IdError::new("a plot", "histogram:OUTPUT or line:ARGUMENT:OUTPUT, with the numbers of columns from 0", text)
        };
        let number = |text: &str| text.parse::<u32>().map_err(|_| bad());
        let plot = |kind, argument, output| Self {
            kind,
            output,
            label: String::new(),
            argument,
            argument_label: String::new(),
        };
        let plot = match text.split(':').collect::<Vec<_>>().as_slice() {
            ["histogram", output] => plot(PlotKind::Histogram, None, number(output)?),
            ["line", argument, output] => plot(PlotKind::Line, Some(number(argument)?), number(output)?),
            _ => return Err(bad()),
        };
        plot.check()?;
        Ok(plot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_travel_under_their_names() {
        for topic in Topic::ALL {
            assert_eq!(topic.name().parse(), Ok(*topic));
            assert_eq!(serde_json::to_string(topic).unwrap(), format!("\"{topic}\""));
            let error = "money".parse::<Topic>().unwrap_err().to_string();
            assert!(error.contains(topic.name()), "{error}");
        }
    }

    #[test]
    fn plots_are_written_shortly() {
        let line: Plot = "line:0:3".parse().unwrap();
        assert_eq!((line.kind, line.argument, line.output), (PlotKind::Line, Some(0), 3));
        assert_eq!("histogram:2".parse::<Plot>().unwrap().kind, PlotKind::Histogram);
        for text in ["", "histogram", "histogram:x", "line:1", "pie:1", "histogram:10000", "line:1:2:3"] {
            assert!(text.parse::<Plot>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_too_long_or_hides_is_named() {
        let refused = |page: ProjectPage| page.check().unwrap_err().what;
        let page = ProjectPage::default();
        assert_eq!(page.check(), Ok(()));
        assert_eq!(refused(ProjectPage { about: "x".repeat(MAX_ABOUT + 1), ..page.clone() }), "about");
        assert_eq!(refused(ProjectPage { about: "a\u{202e}b".to_owned(), ..page.clone() }), "about");
        assert_eq!(refused(ProjectPage { cite: "a\u{1b}[31m".to_owned(), ..page.clone() }), "cite");
        let plot = Plot { label: "a\nb".to_owned(), .."histogram:0".parse().unwrap() };
        assert_eq!(refused(ProjectPage { plot: Some(plot), ..page.clone() }), "plot.label");
        let plot = Plot { argument: None, .."line:0:0".parse().unwrap() };
        assert_eq!(refused(ProjectPage { plot: Some(plot), ..page.clone() }), "plot.argument");
        let lines = ProjectPage { about: "# Title\r\n\n\ttext".to_owned(), ..page };
        assert_eq!(lines.check(), Ok(()));
    }
}
