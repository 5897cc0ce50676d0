//! What commands print. Whoever reads it may have seen enough and be gone, as `head` is: that is no fault of the command.

use crate::exit::Failure;
use protocol::output::{self, OutputError};
use std::fmt::Display;
use std::io::{self, Write as _};

/// Writes data to standard output.
///
/// # Errors
/// If that fails for another reason than that nobody reads it any more.
pub fn print(data: impl Display) -> Result<(), Failure> {
    match output::text(data) {
        Err(OutputError::Failed(error)) => Err(Failure::fault(format!("cannot write to standard output: {error}"))),
        Ok(()) | Err(OutputError::Closed) => Ok(()),
    }
}

/// Says something on standard error. A lost message is no reason to fail.
pub fn say(message: impl Display) {
    let _ = writeln!(io::stderr(), "{message}");
}
