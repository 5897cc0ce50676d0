//! Names that donors choose for themselves and for their teams. They are shown to everybody, so nothing in them may
//! hide, pretend to be something else by characters that look alike, or run out of its line.

use crate::hex::{IdError, text_serde};
use crate::ids::checked_text;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{UnicodeNormalization as _, is_nfc};
use unicode_security::confusable_detection::skeleton;
use unicode_security::{GeneralSecurityProfile as _, MixedScript as _};

/// Most characters of a nickname or a team's name.
pub const MAX_NAME: usize = 40;

/// Marks that may follow each other, as over one letter.
const MARKS: usize = 2;

const FORM: &str = "1 to 40 letters, digits, single spaces and - _ . ' + # of one script, in composed form (NFC)";

fn is_name(name: &str) -> bool {
    let words_apart = !name.starts_with(' ') && !name.ends_with(' ') && !name.contains("  ");
    // What is allowed in identifiers (Unicode Technical Standard 39): no controls, no directions, nothing invisible or obsolete.
    let allowed = |c: char| " -_.'+#".contains(c) || (c.identifier_allowed() && !crate::text::is_hidden(c));
    (1..=MAX_NAME).contains(&name.chars().count())
        && words_apart
        && name.chars().all(allowed)
        && name.chars().any(char::is_alphanumeric)
        && longest_marks(name) <= MARKS
        && !name.starts_with(is_combining_mark)
        && is_nfc(name)
        && name.is_single_script()
}

fn longest_marks(name: &str) -> usize {
    let marks = name.split(|c| !is_combining_mark(c)).map(|run| run.chars().count());
    marks.max().unwrap_or(0)
}

/// The same for names that look the same: of other case, or with other characters of the same look (Technical Standard
/// 39, section 4).
fn likeness(name: &str) -> String {
    let lower: String = name.nfkc().flat_map(char::to_lowercase).collect();
    skeleton(&lower).flat_map(char::to_lowercase).collect()
}

checked_text! {
    /// What a donor calls itself. Several may choose the same, so it is always shown with the beginning of the key.
    Nickname, "a nickname", FORM, is_name
}

checked_text! {
    /// What a team is called. Names that look the same are the same team.
    TeamName, "a team's name", FORM, is_name
}

impl Nickname {
    /// Equal for nicknames that look the same.
    pub fn likeness(&self) -> String {
        likeness(self.as_str())
    }
}

impl TeamName {
    /// Equal for names that look the same.
    pub fn likeness(&self) -> String {
        likeness(self.as_str())
    }
}

/// A team's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, example = "17"))]
pub struct TeamId(pub u32);

impl FromStr for TeamId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let number = text.parse().ok().filter(|number: &u32| number.to_string() == text);
        number.map(Self).ok_or_else(|| IdError::new("a team's number", "a number without leading zeros", text))
    }
}

impl fmt::Display for TeamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

text_serde!(TeamId);

/// What a donor says of itself: body of `PUT /v1/donors/me/profile`. What is not given is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DonorProfile {
    /// What it calls itself; without one its key is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nickname: Option<Nickname>,
    /// The team that what it proves from now on counts for, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamName>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_many_languages_are_taken() {
        for name in [
            "anna",
            "Zoë",
            "O'Neill",
            "Team 42",
            "日本",
            "ひらがなカタカナ漢字",
            "Русский",
            "हिन्दी",
            "C++",
            "x_y.z-1",
            "한국어",
        ] {
            assert!(name.parse::<Nickname>().is_ok(), "{name}");
        }
    }

    #[test]
    fn what_hides_or_pretends_is_refused() {
        let long = "x".repeat(MAX_NAME + 1);
        let huge = "x".repeat(10_000);
        for name in [
            "",
            " ",
            "a ",
            " a",
            "a  b",
            "a\tb",
            "a\nb",
            "a\u{0}b",
            "<b>a</b>",
            "a&amp;b",
            "a\"b",
            "`a`",
            "a/b",
            "a\\b",
            "a@b",
            &long,
            &huge,
            "a\u{202e}b",
            "a\u{2066}b",
            "a\u{200b}b",
            "a\u{200d}b",
            "a\u{ad}b",
            "\u{3164}",
            "a\u{e0041}",
            "a\u{feff}",
            "a\u{a0}b",
            "a\u{3000}b",
            // Decomposed, Cyrillic а among Latin letters, full width, mathematical, marks on marks, a mark alone, only signs, emoji.
            "Zoe\u{308}",
            "p\u{430}ypal",
            "\u{ff41}",
            "\u{1d41a}",
            "a\u{301}\u{302}\u{303}",
            "\u{301}a",
            "...",
            "\u{1f600}",
        ] {
            assert!(name.parse::<Nickname>().is_err(), "{name:?}");
            assert!(name.parse::<TeamName>().is_err(), "{name:?}");
        }
    }

    #[test]
    fn names_that_look_the_same_are_alike() {
        let likeness = |name: &str| name.parse::<TeamName>().unwrap().likeness();
        assert_eq!(likeness("Team One"), likeness("team one"));
        // Latin and Cyrillic letters of the same look, each name of one script.
        assert_eq!(likeness("cope"), likeness("\u{441}\u{43e}\u{440}\u{435}"));
        assert_eq!(likeness("l1"), likeness("1l"));
        assert_ne!(likeness("team one"), likeness("team two"));
    }

    #[test]
    fn a_team_has_one_number() {
        assert_eq!("17".parse(), Ok(TeamId(17)));
        for text in ["", "017", "+1", "-1", "1 ", "4294967296", "x"] {
            assert!(text.parse::<TeamId>().is_err(), "{text}");
        }
    }
}
