//! `uploader list`.

use super::Context;
use crate::cli;
use crate::error::Error;
use crate::show::number::{Reading, counted, decimals};
use crate::show::{Column, Sheet, Value};
use protocol::{Failure, Unit};

pub(super) async fn run(context: &Context, options: &cli::List) -> Result<(), Error> {
    let client = context.client()?;
    let mut sheet = Sheet::new([
        Column::text("unit"),
        Column::text("state"),
        Column::text("suspect"),
        Column::number("attempts"),
        Column::number("estimated_steps"),
        Column::text("arguments"),
        Column::text("failure"),
        Column::text("id"),
    ]);
    crate::collect::each_unit(&client, &options.project, options.in_state, options.suspect, |unit| {
        sheet.push(row(&unit))
    })
    .await?;
    Ok(options.format.print(&sheet)?)
}

fn row(unit: &Unit) -> Vec<Value> {
    vec![
        Value::text(&unit.external_id),
        Value::text(unit.state),
        Value::Flag(unit.suspect),
        Value::Number(unit.attempts.into()),
        Value::Number(unit.estimated_steps),
        Value::Numbers(decimals(&unit.arguments.0, Reading::Signed)),
        unit.failure.as_ref().map_or(Value::Nothing, |failure| Value::Text(said(failure))),
        Value::text(unit.id),
    ]
}

/// `panic on 3 donors, 1 of them trusted: it panicked`.
fn said(failure: &Failure) -> String {
    let donors = counted(failure.donors.into(), "donor");
    format!("{} on {donors}, {} of them trusted: {}", failure.cause, failure.trusted, failure.detail)
}
