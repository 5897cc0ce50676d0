//! `uploader verify`, and how rows are shown.

use super::Context;
use crate::aggregate::aggregate;
use crate::cli;
use crate::compile::{self, Places};
use crate::error::Error;
use crate::manifest::{FILE, Manifest, PROOFS, check};
use crate::show::number::{Reading, counted, grouped};
use crate::show::{Format, Printer, Row, write_rows};
use protocol::text;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

pub(super) fn run(context: &Context, options: &cli::Verify) -> Result<(), Error> {
    super::collect::use_threads(options.jobs)?;
    let path = if options.manifest.is_dir() { options.manifest.join(FILE) } else { options.manifest.clone() };
    let manifest = Manifest::read(&path)?;
    let compiled = compile::load(&options.program, options.compilation.corelib.as_deref(), &Places::of_process())?;
    let beside = path.parent().unwrap_or(Path::new(".")).join(PROOFS);
    let proofs = options.proofs.as_deref().unwrap_or(&beside);
    let mut policy = protocol::policy(manifest.preset, cairo_air::claim::MAX_STEPS);
    policy.min_conjectured_bits = policy.min_conjectured_bits.max(options.min_bits);
    check(&manifest, compiled.program.program(), &policy, proofs, options.root)?;
    let (rows, printer) = (manifest.rows.len() as u64, context.printer);
    printer.note(format_args!(
        "{}, for exactly this program and these arguments, with at least {} bits of conjectured security.",
        if rows == 1 { "The proof holds".to_owned() } else { format!("All {} proofs hold", grouped(rows)) },
        policy.min_conjectured_bits
    ));
    match options.root {
        Some(root) => printer.note(format_args!("This is the manifest that was published: its Merkle root is {root}.")),
        None => printer.note(format_args!(
            "Merkle root {}. Compare it with the published one (--root): names and the number of units are proven by nothing else.",
            manifest.root
        )),
    }
    if rows < manifest.units_pushed {
        printer.warn(format_args!(
            "{} of {} have no row",
            grouped(manifest.units_pushed - rows),
            counted(manifest.units_pushed, "unit")
        ));
    }
    show_rows(&manifest.to_rows(), &options.aggregation, printer)
}

/// Shows rows, their aggregate, or what another program makes of them.
pub(super) fn show_rows(rows: &[Row], options: &cli::Aggregation, printer: Printer) -> Result<(), Error> {
    let reading = if options.signed { Reading::Signed } else { Reading::Unsigned };
    if let Some(program) = &options.exec {
        return feed(rows, reading, program);
    }
    let mut stdout = std::io::stdout().lock();
    let Some(operation) = options.aggregate else {
        return Ok(write_rows(rows, options.format, reading, &mut stdout)?);
    };
    let aggregate = aggregate(rows, operation, options.column.unwrap_or(0), reading)?;
    if options.only_aggregate {
        return Ok(writeln!(stdout, "{}", aggregate.value)?);
    }
    write_rows(rows, options.format, reading, &mut stdout)?;
    let of = aggregate.column.map(|column| format!(" of output {column}")).unwrap_or_default();
    let by = aggregate.unit.as_ref().map(|unit| format!(" (unit {unit})")).unwrap_or_default();
    let line = format!("{}{of} over {} rows: {}{by}", operation.name(), aggregate.rows, aggregate.value);
    match options.format {
        Format::Table => writeln!(stdout, "{}", text::message(&line))?,
        Format::Jsonl => {
            let object = serde_json::json!({
                "aggregate": operation.name(),
                "column": aggregate.column,
                "rows": aggregate.rows,
                "value": aggregate.value,
                "unit": aggregate.unit,
            });
            writeln!(stdout, "{}", text::json(&object.to_string()))?;
        }
        // A CSV file has one shape.
        Format::Csv => printer.note(line),
    }
    Ok(())
}

/// Runs a program with the rows as JSON lines on its standard input; its output is ours.
fn feed(rows: &[Row], reading: Reading, program: &Path) -> Result<(), Error> {
    let failed = |what: String| Error::Fault(format!("{}: {what}", program.display()));
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .spawn()
        .map_err(|error| failed(format!("cannot be run: {error}")))?;
    if let Some(mut input) = child.stdin.take() {
        match write_rows(rows, Format::Jsonl, reading, &mut input) {
            // It may end before it has read everything.
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => return Err(failed(error.to_string())),
            _ => {}
        }
    }
    let status = child.wait().map_err(|error| failed(error.to_string()))?;
    if status.success() { Ok(()) } else { Err(failed(format!("it failed ({status})"))) }
}
