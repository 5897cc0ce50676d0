//! Collected rows in the three formats.

use super::number::{Reading, decimals};
use super::{Align, Format, Table};
use felt::Felt;
use protocol::{Digest, DonorKey, ExternalId, text};
use std::io::{self, Write};

/// The result of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The uploader's name for the unit.
    pub unit: ExternalId,
    /// Its arguments, from the uploader's own record.
    pub arguments: Vec<Felt>,
    /// The run's output.
    pub output: Vec<Felt>,
    /// The run's steps.
    pub n_steps: u64,
    /// Address of the proof.
    pub proof: Digest,
    /// Who proved it.
    pub prover: DonorKey,
    /// Whether the proof was verified here.
    pub verified: bool,
}

impl Row {
    /// The row as one JSON object; numbers that may be large are decimal texts.
    pub fn json(&self, reading: Reading) -> serde_json::Value {
        serde_json::json!({
            "unit": self.unit,
            "arguments": decimals(&self.arguments, reading),
            "output": decimals(&self.output, reading),
            "n_steps": self.n_steps,
            "proof": self.proof,
            "prover": self.prover,
            "verified": self.verified,
        })
    }
}

/// Writes rows. CSV has a column for each argument and output value, as many as the longest row.
///
/// # Errors
/// If writing fails.
pub fn write_rows(rows: &[Row], format: Format, reading: Reading, out: &mut dyn Write) -> io::Result<()> {
    if format == Format::Jsonl {
        return rows.iter().try_for_each(|row| writeln!(out, "{}", text::json(&row.json(reading).to_string())));
    }
    let longest = |length: fn(&Row) -> usize| rows.iter().map(length).max().unwrap_or(0);
    let arguments = if format == Format::Csv { longest(|row| row.arguments.len()) } else { 0 };
    let outputs = longest(|row| row.output.len());
    let mut columns = vec![("unit".to_owned(), Align::Left)];
    columns.extend((0..arguments).map(|index| (format!("argument_{index}"), Align::Right)));
    columns.extend((0..outputs).map(|index| (format!("output_{index}"), Align::Right)));
    columns.extend(
        [("steps", Align::Right), ("verified", Align::Left), ("prover", Align::Left), ("proof", Align::Left)]
            .map(|(name, align)| (name.to_owned(), align)),
    );
    let mut table = Table::new(columns);
    for row in rows {
        let shown = |text: String| if format == Format::Table { text.chars().take(12).collect() } else { text };
        let padded = |felts: &[Felt], length: usize| {
            let mut cells = decimals(felts, reading);
            cells.resize(length, String::new());
            cells
        };
        let mut cells = vec![row.unit.to_string()];
        if format == Format::Csv {
            cells.extend(padded(&row.arguments, arguments));
        }
        cells.extend(padded(&row.output, outputs));
        let verified = if row.verified { "yes" } else { "no" };
        cells.extend([row.n_steps.to_string(), verified.to_owned()]);
        cells.extend([shown(row.prover.to_string()), shown(row.proof.to_string())]);
        table.push(cells);
    }
    table.write(format, out)
}
