//! `uploader list`.

use super::Context;
use crate::cli;
use crate::error::Error;
use crate::show::number::{Reading, counted, decimals};
use crate::show::{Align, Table};
use protocol::{Failure, Unit};

pub(super) async fn run(context: &Context, options: &cli::List) -> Result<(), Error> {
    let client = context.client()?;
    let columns = [
        ("unit", Align::Left),
        ("state", Align::Left),
        ("suspect", Align::Left),
        ("attempts", Align::Right),
        ("estimated_steps", Align::Right),
        ("arguments", Align::Left),
        ("failure", Align::Left),
        ("id", Align::Left),
    ];
    let mut table = Table::new(columns);
    crate::collect::each_unit(&client, &options.project, options.in_state, options.suspect, |unit| {
        table.push(row(&unit))
    })
    .await?;
    Ok(table.write(options.format, &mut std::io::stdout().lock())?)
}

fn row(unit: &Unit) -> Vec<String> {
    let failure = unit.failure.as_ref();
    vec![
        unit.external_id.to_string(),
        unit.state.to_string(),
        if unit.suspect { "yes" } else { "" }.to_owned(),
        unit.attempts.to_string(),
        unit.estimated_steps.to_string(),
        decimals(&unit.arguments.0, Reading::Signed).join(" "),
        failure.map(said).unwrap_or_default(),
        unit.id.to_string(),
    ]
}

/// `panic on 3 donors, 1 of them trusted: it panicked`.
fn said(failure: &Failure) -> String {
    let donors = counted(failure.donors.into(), "donor");
    format!("{} on {donors}, {} of them trusted: {}", failure.cause, failure.trusted, failure.detail)
}
