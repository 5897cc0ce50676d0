//! `uploader withdraw`.

use super::{Context, named_units};
use crate::cli;
use crate::error::Error;
use crate::show::number::counted;
use protocol::text;
use std::io::Write as _;

pub(super) async fn run(context: &Context, options: &cli::Withdraw) -> Result<(), Error> {
    let client = context.client()?;
    let project = &options.project;
    if options.all {
        let changed = client.withdraw_project(project).await?;
        context.printer.note(format_args!(
            "The project {project} is withdrawn, with {} not proved. What is proved can still be collected; `uploader delete {project}` \
             deletes it.",
            counted(changed.units, "unit")
        ));
        return Ok(());
    }
    let units = named_units(&client, project, &options.units).await?;
    for unit in &units {
        client.withdraw_unit(&unit.id).await?;
        writeln!(std::io::stdout(), "{}", text::printable(unit.external_id.as_str(), text::MAX_SHOWN))?;
    }
    context.printer.note(format_args!("{} of {project} withdrawn.", counted(units.len() as u64, "unit")));
    Ok(())
}
