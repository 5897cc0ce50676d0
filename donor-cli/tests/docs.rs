//! The documentation against the program.
#![allow(clippy::expect_used, reason = "a test may panic")]

use donor::governor::OTHER_PROGRAMS;
use donor::governor::rules::RULES;
use std::path::Path;

/// The cells of each row of a table in `docs/DONATING.md`, by the beginning of its first line.
fn table(heading: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/DONATING.md");
    let text = std::fs::read_to_string(path).expect("docs/DONATING.md");
    let lines = text.lines().skip_while(|line| !line.starts_with(heading)).take_while(|line| line.starts_with('|'));
    let row = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    lines.skip(2).map(row).collect()
}

#[test]
fn every_pause_rule_is_documented_with_its_settings() {
    let settings = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let mut rows: Vec<Vec<String>> = RULES
        .iter()
        .map(|kind| {
            let names: Vec<&str> = kind.settings.iter().map(|setting| setting.name).collect();
            vec![format!("`{}`", kind.word), kind.pauses_while.to_owned(), settings(&names)]
        })
        .collect();
    let giving_way = settings(&["pause-above", "resume-below"]);
    rows.push(vec![format!("`{OTHER_PROGRAMS}`"), "other programs are busy".to_owned(), giving_way]);
    assert_eq!(table("| `reason` in `--json` |"), rows);
}
