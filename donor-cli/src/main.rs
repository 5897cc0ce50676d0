//! `donor`: gives spare computing time to a grid.

use clap::Parser;
use donor::cli::Cli;
use donor::commands::execute;
use donor::commands::output::say;
use std::process::ExitCode;

fn main() -> ExitCode {
    match execute(Cli::parse()) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            say(format_args!("donor: {}", protocol::text::message(&failure)));
            failure.exit.into()
        }
    }
}
