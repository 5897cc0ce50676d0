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
    if rows < manifest.units_pushed {
        printer.warn(format_args!(
            "{} of {} have no row",
            grouped(manifest.units_pushed - rows),
            counted(manifest.units_pushed, "unit")
        ));
    }
    show_rows(&manifest.to_rows(), &options.aggregation, printer)
}
