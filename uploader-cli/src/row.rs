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
    /// Which of its runs is the unit's.
    pub index: u32,
    /// Who proved it.
    pub prover: DonorKey,
    /// Whether the proof was verified here.
    pub verified: bool,
}

impl Row {
    /// Whether another row says the same of the same run, whatever its proof.
    pub fn is_same_run(&self, other: &Self) -> bool {
        (&self.unit, &self.arguments, &self.output, self.n_steps)
            == (&other.unit, &other.arguments, &other.output, other.n_steps)
    }
}

/// Place of the arguments among the columns, and of the output.
const ARGUMENTS: usize = 1;
const OUTPUT: usize = 2;

/// Rows as they are shown. `names` are those of the arguments, if each is one number: then they head the arguments' columns. Where every
/// output begins with its arguments, as a Cairo 0 program's does, flat formats have them once, and go on with the rest of the output,
/// which keeps its numbers.
pub fn sheet(rows: &[Row], names: &[String], reading: Reading) -> Sheet {
    let named = !names.is_empty() && rows.iter().all(|row| row.arguments.len() == names.len());
    let repeated = named && rows.iter().all(|row| row.output.starts_with(&row.arguments));
    let arguments = Column::each("arguments").headed("argument");
    let mut sheet = Sheet::new([
        Column::text("unit"),
        if named { arguments } else { arguments.detail() },
        Column::each("output"),
        Column::number("n_steps").headed("steps"),
        Column::text("verified"),
        Column::text("prover"),
        Column::text("proof"),
        Column::number("index").headed("run").detail(),
    ]);
    if named {
        sheet.name_places(ARGUMENTS, names);
    }
    if repeated {
        sheet.skip_places(OUTPUT, names.len());
    }
    for row in rows {
        sheet.push(vec![
            Value::text(&row.unit),
            Value::Numbers(decimals(&row.arguments, reading)),
            Value::Numbers(decimals(&row.output, reading)),
            Value::Number(row.n_steps),
            Value::Flag(row.verified),
            Value::Digest(row.prover.to_string()),
            Value::Digest(row.proof.to_string()),
            Value::Number(row.index.into()),
        ]);
    }
    sheet
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::Format;
    use clap::ValueEnum as _;

    fn row(unit: &str, arguments: [u64; 2], output: &[u64]) -> Row {
        Row {
            unit: unit.parse().expect("an id"),
            arguments: arguments.map(Felt::from).to_vec(),
            output: output.iter().map(|value| Felt::from(*value)).collect(),
            n_steps: 9,
            proof: Digest::from_bytes([0; 32]),
            index: 0,
            prover: DonorKey::from_bytes([0; 32]),
            verified: true,
        }
    }

    fn header(rows: &[Row], names: &[&str], format: &str) -> String {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut out = Vec::new();
        let format = Format::from_str(format, false).expect("a format");
        format.write(&sheet(rows, &names, Reading::Unsigned), &mut out).expect("a Vec takes everything");
        let text = String::from_utf8(out).expect("UTF-8");
        let first = text.lines().next().unwrap_or_default();
        first.split([',', ' ']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn arguments_stand_once_and_under_their_names() {
        let rows = [row("a", [0, 10], &[0, 10, 4]), row("b", [10, 20], &[10, 20, 4])];
        assert_eq!(header(&rows, &["lo", "hi"], "csv"), "unit lo hi output_2 steps verified prover proof run");
        assert_eq!(header(&rows, &["lo", "hi"], "table"), "unit lo hi output_2 steps verified prover proof");
        // Without names nothing says that the output repeats them.
        let unnamed = "unit argument_0 argument_1 output_0 output_1 output_2 steps verified prover proof run";
        assert_eq!(header(&rows, &[], "csv"), unnamed);
        assert_eq!(header(&rows, &["lo"], "csv"), unnamed, "names of something else");
        // As the distributor lists it, and nobody has verified it.
        let lie = [row("a", [0, 10], &[0, 11, 4])];
        let told = "unit lo hi output_0 output_1 output_2 steps verified prover proof run";
        assert_eq!(header(&lie, &["lo", "hi"], "csv"), told);
        // A name that a column has already.
        let clash = header(&rows, &["unit", "output_2"], "csv");
        assert_eq!(clash, "unit argument_unit argument_output_2 output_2 steps verified prover proof run");
    }
}
