//! The program `uploader`.

use clap::Parser as _;
use std::process::ExitCode;
use uploader::cli::Cli;
use uploader::commands;
use uploader::error::{Error, exit};
use uploader::show::Printer;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let printer = Printer::new(cli.global.quiet, cli.global.color);
    match commands::run(cli, printer) {
        Ok(()) => ExitCode::from(exit::DONE),
        // Whoever read our output has seen enough.
        Err(Error::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::from(exit::DONE),
        Err(error) => {
            printer.error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}
