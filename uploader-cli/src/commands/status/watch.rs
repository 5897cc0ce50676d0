//! `uploader status --watch`: looks again and again, and says how fast it goes and when it will be done.

use super::{columns, look, row};
use crate::cli;
use crate::commands::Context;
use crate::error::Error;
use crate::forecast::Forecast;
use crate::show::number::time;
use crate::show::{Column, Sheet, Value};
use protocol::client::UploaderClient;
use protocol::{Project, ProjectName};
use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// What clears a terminal, from its upper left corner.
const CLEAR: &str = "\x1b[H\x1b[2J\x1b[3J";

/// Looks until no unit is open; a look that fails for a reason that passes is made again.
pub(super) async fn run(
    context: &Context,
    client: &UploaderClient,
    options: &cli::Status,
    pause: Duration,
) -> Result<(), Error> {
    if options.format.name() == "csv" {
        return Err(Error::Usage("--watch gives a table or JSON lines; a CSV file has one header".to_owned()));
    }
    let mut forecasts = Forecasts::default();
    let in_place = options.format.is_for_people() && std::io::stdout().is_terminal();
    let mut reached = false;
    loop {
        match look(client, options).await {
            Ok(projects) => {
                reached = true;
                forecasts.note(Instant::now(), &projects);
                let sheet = forecasts.sheet(&projects);
                if in_place {
                    write!(std::io::stdout(), "{CLEAR}")?;
                } else if options.format.is_for_people() && forecasts.looks > 1 {
                    writeln!(std::io::stdout())?;
                }
                options.format.print(&sheet)?;
                if projects.iter().all(|project| project.units.open() == 0) {
                    context.printer.note("No unit is open any more.");
                    return Ok(());
                }
            }
            // It was reached at the start, so whatever is in between passes.
            Err(error) if reached && error.is_temporary() => context.printer.again(&error, pause),
            Err(error) => return Err(error),
        }
        tokio::time::sleep(pause).await;
    }
}

/// What was seen of each project.
#[derive(Debug, Default)]
struct Forecasts {
    projects: BTreeMap<ProjectName, Forecast>,
    looks: u64,
}

impl Forecasts {
    fn note(&mut self, now: Instant, projects: &[Project]) {
        self.looks += 1;
        self.projects.retain(|name, _| projects.iter().any(|project| project.name == *name));
        for project in projects {
            let done = project.units.proved.saturating_add(project.units.collected);
            self.projects.entry(project.name.clone()).or_default().note(now, done);
        }
    }

    /// The projects with the units that get a result in an hour, and the time that is left, as far as they are known.
    fn sheet(&self, projects: &[Project]) -> Sheet {
        let more = [Column::number("units_an_hour"), Column::text("left"), Column::number("seconds_left").detail()];
        let mut sheet = Sheet::new(columns().chain(more));
        for project in projects {
            let forecast = self.projects.get(&project.name);
            let rate = forecast.and_then(Forecast::rate).map(|rate| rate * 3600.0);
            let left = forecast.and_then(|forecast| forecast.left(project.units.open()));
            let words = left.map(|left| if left.is_zero() { "done".to_owned() } else { time(left) });
            let mut row = row(project);
            row.extend([
                rate.map(|rate| rate.round() as u64).into(),
                words.map_or(Value::Nothing, Value::text),
                left.map(|left| left.as_secs()).into(),
            ]);
            sheet.push(row);
        }
        sheet
    }
}
