//! `donor projects`.

use super::output::{print, say};
use super::table::{Side, table};
use super::{open, runtime, server, settings};
use crate::cli::{ServerArgs, StateArgs};
use crate::exit::{Exit, Failure};
use crate::progress::words;
use crate::service::{connect, failure};
use protocol::client::RetryPolicy;
use protocol::{Project, ProjectState, text};

/// Lists the distributor's projects.
///
/// # Errors
/// If the distributor does not answer.
pub fn projects(from: &ServerArgs, state: &StateArgs, json: bool) -> Result<Exit, Failure> {
    let folder = open(state)?;
    let server = server(from, &settings(&folder)?)?;
    let retry = RetryPolicy { times: Some(2), ..RetryPolicy::interactive() };
    let client = connect(&server, folder.identity()?, retry).map_err(|error| failure(&error))?;
    let list = runtime()?.block_on(client.projects()).map_err(|error| failure(&error))?;
    if json {
        let json = serde_json::to_string_pretty(&list).map_err(Failure::fault)?;
        print(format_args!("{}\n", text::json(&json)))?;
    } else if list.projects.is_empty() {
        say(format_args!("{server} has no projects yet"));
    } else {
        let rows: Vec<_> = list.projects.iter().map(row).collect();
        let number = |title| (title, Side::Right);
        let numbers = [number("open"), number("done"), number("failed"), number("steps proven")];
        print(table(&[&[("project", Side::Left)], &numbers[..], &[("about", Side::Left)]].concat(), &rows))?;
    }
    Ok(Exit::Done)
}

fn row(project: &Project) -> Vec<String> {
    let units = &project.units;
    let withdrawn = if project.state == ProjectState::Active { "" } else { "withdrawn. " };
    let about = text::printable(project.spec.description.lines().next().unwrap_or_default(), 60);
    vec![
        project.name.to_string(),
        units.open().to_string(),
        units.proved.saturating_add(units.collected).to_string(),
        units.failed.to_string(),
        words::count(project.proven_steps),
        format!("{withdrawn}{about}"),
    ]
}
