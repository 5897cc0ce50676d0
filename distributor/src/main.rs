//! `distributor`: serves the grid, and manages keys and donors.

mod commands;

use clap::Parser as _;
use protocol::output::OutputError;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = commands::Cli::parse();
    match commands::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads the output has what it wanted.
        Err(error) if matches!(error.downcast_ref(), Some(OutputError::Closed)) => ExitCode::SUCCESS,
        Err(error) => {
            // The chain of reasons on one line, without repeating what an outer message quotes already.
            let mut message = error.to_string();
            for reason in error.chain().skip(1) {
                let reason = reason.to_string();
                if !message.contains(&reason) {
                    message = format!("{message}: {reason}");
                }
            }
            // Whatever is quoted in it, the terminal only shows it.
            eprintln!("distributor: {}", protocol::text::message(&message));
            ExitCode::FAILURE
        }
    }
}
