//! `donor completions` and `donor man`: what the command line says of itself, for shells and for `man`.

use super::output::print;
use crate::cli::Cli;
use crate::exit::{Exit, Failure};
use clap::CommandFactory as _;
use clap_complete::{Shell, generate};
use std::path::Path;

/// Prints a shell's completions.
///
/// # Errors
/// If standard output cannot be written.
pub fn completions(shell: Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "donor", &mut script);
    print(String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

/// Writes a page for the program and for each command.
///
/// # Errors
/// If the folder cannot be written.
pub fn man(folder: &Path) -> Result<Exit, Failure> {
    let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(Cli::command(), folder));
    written.map_err(|error| Failure::fault(format!("cannot write to {}: {error}", folder.display())))?;
    Ok(Exit::Done)
}
