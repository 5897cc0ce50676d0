//! `uploader retry`.

use super::{Context, named_units};
use crate::cli;
use crate::error::Error;
use crate::show::number::counted;
use protocol::{UnitState, text};
use std::io::Write as _;

pub(super) async fn run(context: &Context, options: &cli::Retry) -> Result<(), Error> {
    let client = context.client()?;
    let mut units = named_units(&client, &options.project, &options.units).await?;
    if options.units.is_empty() {
        units.retain(|unit| unit.state == UnitState::Failed);
    }
    if units.is_empty() {
        context.printer.note(format_args!("No unit of {} has failed.", options.project));
        return Ok(());
    }
    for unit in &units {
        client.retry_unit(&unit.id).await?;
        writeln!(std::io::stdout(), "{}", text::printable(unit.external_id.as_str(), text::MAX_SHOWN))?;
    }
    context.printer.note(format_args!("{} back in the queue.", counted(units.len() as u64, "unit")));
    Ok(())
}
