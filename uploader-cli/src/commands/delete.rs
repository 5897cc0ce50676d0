//! `uploader delete`.

use super::Context;
use crate::cli;
use crate::error::Error;
use crate::local::Record;
use crate::show::number::{bytes, counted, grouped};
use std::io::{BufRead as _, IsTerminal as _};

pub(super) async fn run(context: &Context, options: &cli::Delete) -> Result<(), Error> {
    let client = context.client()?;
    let (name, printer) = (&options.project, context.printer);
    if !options.yes {
        let project = client.project(name).await?;
        let units = project.units;
        printer.note(format_args!(
            "{name} has {}, {} of them with a result ({} not collected), and {} of {}. Deleted is deleted; what you collected stays \
             in your folder.",
            counted(units.total(), "unit"),
            grouped(units.proved.saturating_add(units.collected)),
            grouped(units.proved),
            counted(project.proofs.files, "proof"),
            bytes(project.proofs.bytes)
        ));
        confirm(context, name.as_str())?;
    }
    let deleted = client.delete_project(name, options.force).await?;
    printer.note(format_args!("The project {name} is deleted, with {}.", counted(deleted.units, "unit")));
    // The name may be pushed anew, with another program.
    if let Some((record, _)) = Record::load(&context.state, &context.distributor()?, name)? {
        record.remove(&context.state)?;
    }
    Ok(())
}

/// Has the user type the project's name.
fn confirm(context: &Context, name: &str) -> Result<(), Error> {
    if !std::io::stdin().is_terminal() {
        return Err(Error::Usage("nothing was deleted, since nobody can be asked here; say --yes".to_owned()));
    }
    context.printer.note("Type the project's name to delete it:");
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    read.map_err(|error| Error::Fault(format!("standard input: {error}")))?;
    if line.trim() == name { Ok(()) } else { Err(Error::Fault("nothing was deleted".to_owned())) }
}
