//! The documentation against the program.
#![allow(clippy::expect_used, clippy::panic, reason = "a test may panic")]

use std::path::Path;
use uploader::show::Format;

/// The first two cells of each row of the table under a heading, as `docs/UPLOADING.md` has it.
fn table(heading: &str) -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/UPLOADING.md");
    let text = std::fs::read_to_string(path).expect("docs/UPLOADING.md");
    let lines = text.lines().skip_while(|line| !line.starts_with(heading)).take_while(|line| line.starts_with('|'));
    let cell = |text: Option<&str>| text.unwrap_or_default().trim().trim_matches('`').to_owned();
    let row = |line: &str| {
        let mut cells = line.trim_matches('|').split(" | ");
        (cell(cells.next()), cell(cells.next()))
    };
    lines.skip(2).map(row).collect()
}

#[test]
fn every_format_is_documented_as_the_help_has_it() {
    let lower = |text: &str| text.split_at(1).0.to_lowercase() + text.split_at(1).1;
    let formats: Vec<(String, String)> =
        Format::all().iter().map(|format| (format.name().to_owned(), lower(format.help()))).collect();
    let documented: Vec<(String, String)> =
        table("| `--format` |").into_iter().map(|(name, what)| (name, lower(&what))).collect();
    assert_eq!(documented, formats);
}
