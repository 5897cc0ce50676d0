//! `uploader prove-again`.

use super::{Context, named_units};
use crate::cli;
use crate::error::Error;
use crate::show::number::counted;
use protocol::text;
use std::io::Write as _;

pub(super) async fn run(context: &Context, options: &cli::ProveAgain) -> Result<(), Error> {
    let client = context.client()?;
    let project = &options.project;
    let units = named_units(&client, project, &options.units).await?;
    for unit in &units {
        client.prove_again(&unit.id).await?;
        writeln!(std::io::stdout(), "{}", text::printable(unit.external_id.as_str(), text::MAX_SHOWN))?;
    }
    context.printer.note(format_args!(
        "{} of {project} will be proven again, before others; the results stay meanwhile. `uploader collect {project} --verify` \
         then fetches the new proofs and compares.",
        counted(units.len() as u64, "unit")
    ));
    Ok(())
}
