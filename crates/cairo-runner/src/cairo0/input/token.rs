//! Cuts a hint that reads inputs into logical lines of tokens.

use num_bigint::BigInt;

/// A token. What has no meaning here is [`Token::Other`], for the parser to refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Name(String),
    /// A text without its quotes; `None` if it has an escape or a control character, which names of inputs have not.
    Text(Option<String>),
    Number(BigInt),
    /// An operator or a bracket.
    Sign(&'static str),
    Other(char),
}

/// Operators and brackets, longer ones before those that they begin with.
const SIGNS: [&str; 22] = [
    "**", "==", "!=", "<=", ">=", "//", "(", ")", "[", "]", "{", "}", ",", ":", ".", "=", "+", "-", "*", "%", "<", ">",
];

/// Longest number, in digits: field elements have 64 hexadecimal or 76 decimal ones.
const MAX_DIGITS: usize = 80;

/// A logical line: lines joined within brackets, and by a backslash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Spaces before it.
    pub(super) indent: usize,
    /// The line's number in the hint, from 1.
    pub(super) number: usize,
    pub(super) tokens: Vec<Token>,
}

/// The logical lines that are not empty.
pub(super) fn lines(code: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    // How many brackets are open, and whether the line goes on behind a backslash.
    let (mut open, mut joined) = (0_usize, false);
    for (number, text) in (1..).zip(code.lines()) {
        let goes_on = open > 0 || joined;
        joined = false;
        let mut tokens = Vec::new();
        let mut rest = text.trim_start();
        let indent = text.len() - rest.len();
        while let Some(first) = rest.chars().next() {
            if first == '#' {
                break;
            }
            if first == '\\' && rest.trim_end() == "\\" {
                joined = true;
                break;
            }
            let (token, length) = token(rest);
            match token {
                Token::Sign("(" | "[" | "{") => open += 1,
                Token::Sign(")" | "]" | "}") => open = open.saturating_sub(1),
                _ => {}
            }
            tokens.push(token);
            rest = rest.get(length..).unwrap_or_default().trim_start();
        }
        match lines.last_mut().filter(|_| goes_on) {
            Some(line) => line.tokens.append(&mut tokens),
            None if tokens.is_empty() => {}
            None => lines.push(Line { indent, number, tokens }),
        }
    }
    lines
}

/// The first token of a text that is not empty, and its length in bytes.
fn token(text: &str) -> (Token, usize) {
    let first = text.chars().next().unwrap_or(' ');
    let run = |is_part: fn(char) -> bool| text.find(|c| !is_part(c)).unwrap_or(text.len());
    if first.is_ascii_alphabetic() || first == '_' {
        let length = run(|c| c.is_ascii_alphanumeric() || c == '_');
        return (Token::Name(text.get(..length).unwrap_or_default().to_owned()), length);
    }
    if first.is_ascii_digit() {
        let length = run(|c| c.is_ascii_alphanumeric() || c == '_');
        let number = text.get(..length).and_then(number).map(Token::Number);
        return (number.unwrap_or(Token::Other(first)), length);
    }
    if first == '"' || first == '\'' {
        return quoted(text, first);
    }
    match SIGNS.into_iter().find(|sign| text.starts_with(sign)) {
        Some(sign) => (Token::Sign(sign), sign.len()),
        None => (Token::Other(first), first.len_utf8()),
    }
}

fn number(text: &str) -> Option<BigInt> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    (digits.len() <= MAX_DIGITS).then(|| BigInt::parse_bytes(digits.as_bytes(), radix)).flatten()
}

fn quoted(text: &str, quote: char) -> (Token, usize) {
    let mut is_plain = true;
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        is_plain &= c != '\\' && !c.is_control();
        if c == quote && !escaped {
            let inner = text.get(1..at).unwrap_or_default();
            return (Token::Text(is_plain.then(|| inner.to_owned())), at + 1);
        }
        escaped = c == '\\' && !escaped;
    }
    (Token::Other(quote), 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]

    use super::*;

    fn tokens(code: &str) -> Vec<Token> {
        lines(code).into_iter().flat_map(|line| line.tokens).collect()
    }

    #[test]
    fn lines_are_joined_within_brackets_and_by_backslashes() {
        let code = "# a comment\n\n  a = [\n      1,  # one\n      0x10]\n  b = \\\n    2\nc";
        let lines = lines(code);
        assert_eq!(lines.iter().map(|line| (line.indent, line.number)).collect::<Vec<_>>(), [(2, 3), (2, 6), (0, 8)]);
        assert_eq!(lines[0].tokens.len(), 7);
        assert_eq!(lines[0].tokens[5], Token::Number(16.into()));
        assert_eq!(lines[1].tokens.len(), 3);
    }

    #[test]
    fn texts_are_plain_or_nothing() {
        assert_eq!(tokens("'a b' \"c#d\""), [Token::Text(Some("a b".to_owned())), Token::Text(Some("c#d".to_owned()))]);
        assert_eq!(tokens("'a\\'b'"), [Token::Text(None)]);
        assert_eq!(tokens("'a"), [Token::Other('\''), Token::Name("a".to_owned())]);
        // A triple quote is an empty text and one that begins.
        assert_eq!(tokens("\"\"\"x\"\"\"").len(), 3);
    }

    #[test]
    fn what_has_no_meaning_is_kept_for_the_parser() {
        assert_eq!(tokens("a@b"), [Token::Name("a".to_owned()), Token::Other('@'), Token::Name("b".to_owned())]);
        assert_eq!(tokens("1_000.5é").len(), 4);
        assert_eq!(tokens(&"9".repeat(MAX_DIGITS + 1)), [Token::Other('9')]);
        assert_eq!(tokens("a <= b"), [Token::Name("a".to_owned()), Token::Sign("<="), Token::Name("b".to_owned())]);
    }
}
