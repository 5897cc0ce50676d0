//! How commands show rows of results.

use crate::aggregate::{Aggregate, aggregate};
use crate::cli;
use crate::error::Error;
use crate::row::{Row, sheet};
use crate::show::format::Summary;
use crate::show::number::Reading;
use crate::show::{Column, Format, Printer, Sheet, Value};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Verification takes that many threads.
pub(super) fn use_threads(jobs: Option<usize>) -> Result<(), Error> {
    let Some(jobs) = jobs else { return Ok(()) };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs.max(1)).build_global();
    pool.map_err(|error| Error::Internal(format!("no threads: {error}")))
}

/// Shows rows, their aggregate, or what another program makes of them.
pub(super) fn show_rows(
    rows: &[Row],
    names: &[String],
    options: &cli::Aggregation,
    printer: Printer,
) -> Result<(), Error> {
    let reading = if options.signed { Reading::Signed } else { Reading::Unsigned };
    let sheet = sheet(rows, names, reading);
    if let Some(program) = &options.exec {
        return feed(&sheet, program);
    }
    let Some(operation) = options.aggregate else {
        return Ok(options.format.print(&sheet)?);
    };
    let aggregate = aggregate(rows, operation, options.column.unwrap_or(0), reading)?;
    if options.only_aggregate {
        return Ok(writeln!(std::io::stdout(), "{}", aggregate.value)?);
    }
    options.format.print(&sheet)?;
    let summary = summary(&aggregate);
    if !options.format.summarise(&summary, &mut std::io::stdout().lock())? {
        printer.note(summary.sentence);
    }
    Ok(())
}

fn summary(aggregate: &Aggregate) -> Summary {
    let operation = aggregate.operation.name();
    let of = aggregate.column.map(|column| format!(" of output {column}")).unwrap_or_default();
    let by = aggregate.unit.as_ref().map(|unit| format!(" (unit {unit})")).unwrap_or_default();
    let sentence = format!("{operation}{of} over {} rows: {}{by}", aggregate.rows, aggregate.value);
    let mut sheet = Sheet::new([
        Column::text("aggregate"),
        Column::number("column"),
        Column::number("rows"),
        Column::number("value"),
        Column::text("unit"),
    ]);
    sheet.push(vec![
        Value::text(operation),
        aggregate.column.map(|column| column as u64).into(),
        Value::Number(aggregate.rows as u64),
        Value::text(&aggregate.value),
        aggregate.unit.as_ref().map_or(Value::Nothing, Value::text),
    ]);
    Summary { sentence, sheet }
}

/// Runs a program with the rows as JSON lines on its standard input; its output is ours.
fn feed(sheet: &Sheet, program: &Path) -> Result<(), Error> {
    let failed = |what: String| Error::Fault(format!("{}: {what}", program.display()));
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .spawn()
        .map_err(|error| failed(format!("cannot be run: {error}")))?;
    if let Some(mut input) = child.stdin.take() {
        match Format::json_lines().write(sheet, &mut input) {
            // It may end before it has read everything.
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => return Err(failed(error.to_string())),
            _ => {}
        }
    }
    let status = child.wait().map_err(|error| failed(error.to_string()))?;
    if status.success() { Ok(()) } else { Err(failed(format!("it failed ({status})"))) }
}
