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
    print_on(data).map(drop)
}

/// The same; whether somebody still reads.
///
/// # Errors
/// As [`print()`].
pub fn print_on(data: impl Display) -> Result<bool, Failure> {
    match output::text(data) {
        Ok(()) => Ok(true),
        Err(OutputError::Closed) => Ok(false),
        Err(OutputError::Failed(error)) => Err(Failure::fault(format!("cannot write to standard output: {error}"))),
    }
}

/// Says something on standard error. A lost message is no reason to fail.
pub fn say(message: impl Display) {
    let _ = writeln!(io::stderr(), "{message}");
}
