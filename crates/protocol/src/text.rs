//! Text of strangers on its way to a terminal, a log or a file that people open.
//!
//! Names, descriptions, details, headers: whoever wrote them may have put escape sequences into them that move the
//! cursor, rename the window or hide what stands there. What does not show as itself is shown as its number, `\u{1b}`.

use std::fmt;

/// Most characters of a stranger's text within a message.
pub const MAX_SHOWN: usize = 2000;

/// A text on one line, at most `most` characters of it; `…` stands for the rest. Nothing in it acts on a terminal: control
/// characters (line ends too), characters that change the direction of writing or take no room, and the beginnings of
/// escape sequences are shown by their numbers.
pub fn printable(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most.saturating_mul(4)));
    let mut characters = text.chars();
    characters.by_ref().take(most).for_each(|c| show(c, &mut out));
    if characters.next().is_some() {
        out.push('…');
    }
    out
}

/// As [`printable()`] for a whole message of this program, in which a stranger's text may be: of any length, and with its
/// line ends.
pub fn message(text: &dyn fmt::Display) -> String {
    let text = text.to_string();
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|c| if c == '\n' { out.push(c) } else { show(c, &mut out) });
    out
}

/// JSON text with the same characters escaped as JSON does it: it says the same, and is harmless on a terminal. `\n` stays,
/// since it stands between the lines of JSON that is laid out for people, never within a string.
pub fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' || !is_hidden(c) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    }
    out
}

/// Whether a character does something else on a screen than show itself.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            // Zero width, marks of direction, line and paragraph separators, embeddings and overrides.
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            // Tags, which spell out invisible texts, and private characters of the last planes.
            | '\u{e0000}'..='\u{e0fff}')
}

fn show(c: char, out: &mut String) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if is_hidden(c) => out.extend(c.escape_unicode()),
        c => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_show_is_numbered() {
        assert_eq!(printable("größer — 7 %, 日本", 99), "größer — 7 %, 日本");
        assert_eq!(printable("a\u{1b}[31mb\nc\td\u{9b}2J\u{7f}", 99), "a\\u{1b}[31mb\\nc\\td\\u{9b}2J\\u{7f}");
        for hidden in ['\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}', '\u{200b}', '\u{200d}', '\u{feff}', '\u{2028}'] {
            assert!(printable(&hidden.to_string(), 9).starts_with("\\u{"), "{hidden:?}");
        }
        assert_eq!(printable("abcdef", 3), "abc…");
        assert_eq!(printable("abc", 3), "abc");
    }

    #[test]
    fn messages_keep_their_lines() {
        assert_eq!(message(&"one\ntwo\u{1b}\r"), "one\ntwo\\u{1b}\\r");
    }

    #[test]
    fn json_says_the_same() {
        let value = serde_json::json!({ "a": "x\u{1b}\u{9b}\u{202e}\u{e0041}\u{7f}\n\"" });
        for text in [value.to_string(), serde_json::to_string_pretty(&value).expect("JSON")] {
            let safe = json(&text);
            assert!(!safe.chars().any(|c| c != '\n' && is_hidden(c)), "{safe}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).expect("JSON"), value);
        }
    }
}
