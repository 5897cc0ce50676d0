//! Lines of a terminal: texts are broken between words, never within one.

/// A text in lines of at most `width` characters, broken between words; every line but the first of each of the text's own lines begins
/// with `indent` blanks. A word that is longer than a line has a line to itself and is left whole, so that it can be copied.
pub fn wrap(text: &str, width: usize, indent: usize) -> String {
    let indent = indent.min(width / 2);
    text.split('\n').map(|line| wrap_line(line, width, indent)).collect::<Vec<_>>().join("\n")
}

fn wrap_line(line: &str, width: usize, indent: usize) -> String {
    if length(line) <= width {
        return line.to_owned();
    }
    // Blanks at the beginning and columns of blanks within the line stay.
    let mut out = String::with_capacity(line.len() + line.len() / 8);
    let mut used = 0;
    for piece in pieces(line) {
        let word = length(piece.trim_end());
        if used > 0 && used + word > width && !piece.trim().is_empty() {
            out.truncate(out.trim_end().len());
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            used = indent;
        }
        out.push_str(piece);
        used += length(piece);
    }
    out.truncate(out.trim_end().len());
    out
}

/// Words, each with the blanks behind it. A percent sign belongs to its number.
fn pieces(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let mut end = 0;
        loop {
            let tail = rest.get(end..).unwrap_or_default();
            let word = tail.find(' ').unwrap_or(tail.len());
            let after = tail.get(word..).unwrap_or_default();
            let next = after.trim_start_matches(' ');
            end += word + (after.len() - next.len());
            if !(next.starts_with('%') && after.starts_with(' ')) {
                break;
            }
        }
        let (piece, tail) = rest.split_at(end);
        rest = tail;
        (!piece.is_empty()).then_some(piece)
    })
}

/// As many of the words as fit into `width` characters; `…` stands for the rest.
pub fn fit(text: &str, width: usize) -> String {
    if length(text) <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    for piece in pieces(text) {
        if length(&out) + length(piece.trim_end()) + 2 > width {
            break;
        }
        out.push_str(piece);
    }
    if out.is_empty() {
        // Not even the first word.
        out = text.chars().take(width.saturating_sub(1)).collect();
        return out + "…";
    }
    out.trim_end().trim_end_matches(',').to_owned() + " …"
}

fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words() {
        let text = "the quick brown fox jumps over the lazy dog";
        assert_eq!(wrap(text, 99, 2), text);
        assert_eq!(wrap(text, 20, 2), "the quick brown fox\n  jumps over the\n  lazy dog");
        assert_eq!(wrap("one\n\ntwo three", 5, 0), "one\n\ntwo\nthree", "line ends stay");
        assert_eq!(wrap("donor      0123456789abcdef", 16, 11), "donor\n        0123456789abcdef", "words stay whole");
        assert_eq!(wrap("  indented and long", 12, 4), "  indented\n    and long");
        assert_eq!(wrap("größer größer", 8, 0), "größer\ngrößer");
        assert_eq!(wrap("at most 60 % of it", 10, 0), "at most\n60 % of it");
        for width in 0..30 {
            let lines = wrap(text, width, 3);
            assert_eq!(lines.split_whitespace().collect::<Vec<_>>(), text.split(' ').collect::<Vec<_>>(), "{width}");
            assert!(lines.lines().all(|line| line.chars().count() <= width.max(5 + width / 2)), "{width}: {lines}");
        }
    }

    #[test]
    fn what_does_not_fit_is_left_out_word_by_word() {
        let text = "31 % done, about 2 min left, using 50 %";
        assert_eq!(fit(text, 99), text);
        assert_eq!(fit(text, 25), "31 % done, about 2 min …");
        assert_eq!(fit(text, 12), "31 % done …");
        assert_eq!(fit("0123456789", 5), "0123…");
        assert_eq!(fit("", 0), "");
        for width in 1..50 {
            assert!(fit(text, width).chars().count() <= width, "{width}");
        }
    }
}
