//! One value of many rows.

use crate::row::Row;
use crate::show::number::{Reading, integer};
use num_bigint::BigInt;
use protocol::ExternalId;

/// How rows become one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Operation {
    /// Sum of a column, as integers without wrapping at the field's modulus.
    Sum,
    /// Smallest value of a column.
    Min,
    /// Largest value of a column.
    Max,
    /// Number of rows.
    Count,
    /// All values of a column, in the order of the rows.
    Concat,
}

impl Operation {
    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Min => "min",
            Self::Max => "max",
            Self::Count => "count",
            Self::Concat => "concat",
        }
    }
}

/// A value and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aggregate {
    /// How it was made.
    pub operation: Operation,
    /// Of which column of the output.
    pub column: Option<usize>,
    /// The value, in decimal; for `concat` all values with commas between.
    pub value: String,
    /// The unit that the smallest or largest value is of: the first one.
    pub unit: Option<ExternalId>,
    /// Rows that went in.
    pub rows: usize,
}

/// Why rows have no such value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AggregateError {
    /// A row that is too short.
    #[error("{}", describe_short(unit, *length, *column))]
    NoColumn {
        /// The unit.
        unit: ExternalId,
        /// Values that it has.
        length: usize,
        /// The column.
        column: usize,
    },
    /// No rows.
    #[error("there is no row, so there is no {0}")]
    NoRows(&'static str),
}

fn describe_short(unit: &ExternalId, length: usize, column: usize) -> String {
    match length {
        0 => format!("unit `{unit}` has no output, so it has no column {column}; `--aggregate count` counts such rows"),
        _ => format!(
            "the output of unit `{unit}` has {length} values, so it has no column {column} (the first column is 0)"
        ),
    }
}

/// Aggregates a column of the rows' outputs, counted from 0.
///
/// # Errors
/// If a row has no such column, or there is no smallest or largest of no rows.
pub fn aggregate(
    rows: &[Row],
    operation: Operation,
    column: usize,
    reading: Reading,
) -> Result<Aggregate, AggregateError> {
    let done = |value: String, unit| {
        let column = (operation != Operation::Count).then_some(column);
        Ok(Aggregate { operation, column, value, unit, rows: rows.len() })
    };
    if operation == Operation::Count {
        return done(rows.len().to_string(), None);
    }
    let value = |row: &Row| match row.output.get(column) {
        Some(felt) => Ok((integer(felt, reading), row.unit.clone())),
        None => Err(AggregateError::NoColumn { unit: row.unit.clone(), length: row.output.len(), column }),
    };
    let values: Vec<(BigInt, ExternalId)> = rows.iter().map(value).collect::<Result<_, _>>()?;
    let extreme = |better: fn(&BigInt, &BigInt) -> bool| {
        let best = values.iter().reduce(|best, next| if better(&next.0, &best.0) { next } else { best });
        best.cloned().ok_or(AggregateError::NoRows(operation.name()))
    };
    match operation {
        Operation::Sum | Operation::Count => {
            done(values.iter().map(|(value, _)| value).sum::<BigInt>().to_string(), None)
        }
        Operation::Min => {
            extreme(|next, best| next < best).and_then(|(value, unit)| done(value.to_string(), Some(unit)))
        }
        Operation::Max => {
            extreme(|next, best| next > best).and_then(|(value, unit)| done(value.to_string(), Some(unit)))
        }
        Operation::Concat => {
            let texts: Vec<String> = values.iter().map(|(value, _)| value.to_string()).collect();
            done(texts.join(","), None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use felt::Felt;
    use protocol::{Digest, DonorKey};

    fn row(unit: &str, output: Vec<Felt>) -> Row {
        Row {
            unit: unit.parse().expect("an id"),
            arguments: Vec::new(),
            output,
            n_steps: 1,
            proof: Digest::from_bytes([0; 32]),
            index: 0,
            prover: DonorKey::from_bytes([0; 32]),
            verified: true,
        }
    }

    fn rows() -> Vec<Row> {
        let minus_two = -Felt::from(2);
        vec![
            row("a", vec![Felt::from(0), Felt::from(5)]),
            row("b", vec![Felt::from(1), minus_two]),
            row("c", vec![Felt::from(2), Felt::from(5)]),
        ]
    }

    fn value(operation: Operation, reading: Reading) -> (String, Option<String>) {
        let aggregate = aggregate(&rows(), operation, 1, reading).expect("a value");
        (aggregate.value, aggregate.unit.map(|unit| unit.to_string()))
    }

    #[test]
    fn values() {
        let signed = |operation| value(operation, Reading::Signed);
        assert_eq!(signed(Operation::Sum), ("8".to_owned(), None));
        assert_eq!(signed(Operation::Min), ("-2".to_owned(), Some("b".to_owned())));
        assert_eq!(signed(Operation::Max), ("5".to_owned(), Some("a".to_owned())));
        assert_eq!(signed(Operation::Count), ("3".to_owned(), None));
        assert_eq!(signed(Operation::Concat), ("5,-2,5".to_owned(), None));
        // Sums do not wrap at the modulus: p - 2 + 10.
        let sum = "3618502788666131213697322783095070105623107215331596699973092056135872020489";
        assert_eq!(value(Operation::Sum, Reading::Unsigned), (sum.to_owned(), None));
        assert_eq!(value(Operation::Max, Reading::Unsigned).1.as_deref(), Some("b"));
    }

    #[test]
    fn no_values() {
        let short = aggregate(&rows(), Operation::Sum, 2, Reading::Unsigned).expect_err("two columns").to_string();
        assert_eq!(short, "the output of unit `a` has 2 values, so it has no column 2 (the first column is 0)");
        let silent = [row("a", Vec::new())];
        let short = aggregate(&silent, Operation::Max, 0, Reading::Unsigned).expect_err("no output").to_string();
        assert_eq!(short, "unit `a` has no output, so it has no column 0; `--aggregate count` counts such rows");
        assert_eq!(
            aggregate(&silent, Operation::Count, 0, Reading::Unsigned).map(|count| count.value),
            Ok("1".to_owned())
        );
        let none = |operation| aggregate(&[], operation, 0, Reading::Unsigned);
        assert_eq!(none(Operation::Min), Err(AggregateError::NoRows("min")));
        assert_eq!(none(Operation::Sum).map(|sum| sum.value), Ok("0".to_owned()));
        assert_eq!(none(Operation::Count).map(|sum| sum.value), Ok("0".to_owned()));
    }
}
