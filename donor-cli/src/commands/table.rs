//! Tables on standard output.

use std::fmt::Write as _;

/// On which side of its column a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Columns aligned with blanks, two between them. Without titles there is no line for them.
pub fn table(columns: &[(&str, Side)], rows: &[Vec<String>]) -> String {
    let titles: Vec<String> = columns.iter().map(|(title, _)| (*title).to_owned()).collect();
    let head = titles.iter().any(|title| !title.is_empty()).then_some(&titles);
    let rows: Vec<&Vec<String>> = head.into_iter().chain(rows).collect();
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell: &String| cell.chars().count()).max().unwrap_or(0)
    };
    let columns: Vec<(usize, Side)> = columns.iter().enumerate().map(|(at, (_, side))| (width(at), *side)).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, (width, side)) in row.iter().zip(&columns) {
            // Writing to a String cannot fail.
            let _ = match side {
                Side::Left => write!(line, "{cell:<width$}  "),
                Side::Right => write!(line, "{cell:>width$}  "),
            };
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [vec!["primes".to_owned(), "12".to_owned()], vec!["é".to_owned(), "3".to_owned()]];
        let columns = [("project", Side::Left), ("n", Side::Right)];
        assert_eq!(table(&columns, &rows), "project   n\nprimes   12\né         3\n");
        assert_eq!(table(&[("", Side::Left), ("", Side::Left)], &rows), "primes  12\né       3\n");
    }
}
