//! The result of a unit.

use crate::show::number::{Reading, decimals};
use crate::show::{Column, Sheet, Value};
use felt::Felt;
use protocol::{Digest, DonorKey, ExternalId};

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

/// Rows as they are shown.
pub fn sheet(rows: &[Row], reading: Reading) -> Sheet {
    let mut sheet = Sheet::new([
        Column::text("unit"),
        Column::each("arguments").headed("argument").detail(),
        Column::each("output"),
        Column::number("n_steps").headed("steps"),
        Column::text("verified"),
        Column::text("prover"),
        Column::text("proof"),
    ]);
    for row in rows {
        sheet.push(vec![
            Value::text(&row.unit),
            Value::Numbers(decimals(&row.arguments, reading)),
            Value::Numbers(decimals(&row.output, reading)),
            Value::Number(row.n_steps),
            Value::Flag(row.verified),
            Value::Digest(row.prover.to_string()),
            Value::Digest(row.proof.to_string()),
        ]);
    }
    sheet
}
