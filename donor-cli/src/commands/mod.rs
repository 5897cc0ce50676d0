//! The commands. Each gets what the command line says, does its work, and returns how the program is to end.

pub mod bench;
pub mod config;
pub mod control;
pub mod manual;
pub mod output;
pub mod profile;
pub mod projects;
pub mod run;
pub mod service;
pub mod status;
mod table;

use crate::child::sandbox::Report;
use crate::cli::{Cli, Command, ServerArgs, StateArgs};
use crate::exit::{Exit, Failure};
use crate::state::Folder;
use crate::state::config::Config;
use crate::state::control::Wish;
use crate::state::pause::Length;

/// Does what the command line says.
///
/// # Errors
/// What happened, with the exit code.
pub fn execute(cli: Cli) -> Result<Exit, Failure> {
    match cli.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Projects { server, state, json } => projects::projects(&server, &state, json),
        Command::Profile(arguments) => profile::profile(&arguments),
        Command::Status(arguments) => status::status(&arguments),
        Command::Pause { length, until, state } => {
            let length = match (length, until) {
                (Some(time), _) => Length::For(time),
                (None, Some(until)) => {
                    let next = until.next(&jiff::Zoned::now());
                    Length::Until(next.ok_or_else(|| Failure::fault("there is no such time any more"))?)
                }
                (None, None) => Length::Open,
            };
            control::wish(&state, Wish::Pause(length))
        }
        Command::Resume { state } => control::wish(&state, Wish::Resume),
        Command::Finish { state } => control::wish(&state, Wish::Finish),
        Command::Bench(arguments) => bench::bench(&arguments),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { folder } => manual::man(&folder),
        Command::Service { action } => service::service(&action),
        Command::Config { action } => config::config(action),
        Command::WorkUnit { probe } => {
            let code = if probe { crate::child::probe::main() } else { crate::child::work::main() };
            Ok(if code == 0 { Exit::Done } else { Exit::Fault })
        }
    }
}

fn open(state: &StateArgs) -> Result<Folder, Failure> {
    let root = match &state.state {
        Some(root) => root.clone(),
        None => Folder::standard()?,
    };
    Ok(Folder::open(&root)?)
}

fn settings(folder: &Folder) -> Result<Config, Failure> {
    Ok(Config::load(&folder.path("config.toml"))?.with_environment(|name| std::env::var(name).ok())?)
}

fn server(arguments: &ServerArgs, config: &Config) -> Result<String, Failure> {
    let server = arguments.server.clone().or_else(|| config.parsed("server"));
    server.map(|server| server.trim_end_matches('/').to_owned()).ok_or_else(|| {
        let advice = "give its address with --server URL, or once and for all with `donor config set server URL`";
        Failure::new(Exit::Usage, format!("no distributor is set: {advice}"))
    })
}

/// Which walls units have on this system.
fn sandbox() -> Result<Report, Failure> {
    let report = runtime()?.block_on(crate::child::probe::probe());
    let advice = "a unit's process cannot be started here";
    report.map_err(|error| Failure::fault(format!("{advice}: {error}")))
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    // One thread: the work is done by units' processes, which die with the thread that started them.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::fault(format!("cannot set up input and output: {error}")))
}
