//! `uploader verify`.

use super::Context;
use super::rows::{show_rows, use_threads};
use crate::cli;
use crate::error::Error;
use crate::manifest::{FILE, Manifest, PROOFS, check};
use crate::show::number::{counted, grouped};
use std::path::Path;

pub(super) fn run(context: &Context, options: &cli::Verify) -> Result<(), Error> {
    use_threads(options.jobs)?;
    let path = if options.manifest.is_dir() { options.manifest.join(FILE) } else { options.manifest.clone() };
    let manifest = Manifest::read(&path)?;
    let compiled = context.compile(&options.program, &options.compilation)?;
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
    let missing = manifest.units_pushed.saturating_sub(rows);
    if missing > 0 {
        printer.warn(format_args!("{} of {} have no row", grouped(missing), counted(manifest.units_pushed, "unit")));
    }
    // Each row is true by itself; what is made of all of them is not, if some are missing.
    let aggregation = &options.aggregation;
    if missing > 0 && !options.partial && (aggregation.aggregate.is_some() || aggregation.exec.is_some()) {
        return Err(Error::PartOfRows { missing, pushed: manifest.units_pushed });
    }
    let names = compiled.program.argument_names().unwrap_or_default();
    show_rows(&manifest.to_rows(), names, aggregation, printer)
}
