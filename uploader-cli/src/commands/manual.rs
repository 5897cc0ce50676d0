//! `uploader completions` and `uploader man`: what the command line says of itself, for shells and for `man`.

use crate::cli::Cli;
use crate::error::Error;
use clap::CommandFactory as _;
use clap_complete::{Shell, generate};
use std::io::Write as _;
use std::path::Path;

/// Prints a shell's completions.
pub(super) fn completions(shell: Shell) -> Result<(), Error> {
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "uploader", &mut script);
    Ok(std::io::stdout().write_all(&script)?)
}

/// Writes a page for the program and for each command.
pub(super) fn man(folder: &Path) -> Result<(), Error> {
    let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(Cli::command(), folder));
    written.map_err(|error| Error::Fault(format!("cannot write to {}: {error}", folder.display())))
}
