//! What a format is.

use crate::show::sheet::Sheet;
use std::io::{self, Write};

/// One value of all rows: in words, and as a sheet of one row.
#[derive(Debug)]
pub struct Summary {
    /// For people.
    pub sentence: String,
    /// For programs.
    pub sheet: Sheet,
}

/// A way to write sheets.
pub trait Writer: Sync {
    /// Its name on the command line.
    fn name(&self) -> &'static str;

    /// What it is, for the help and the documentation.
    fn help(&self) -> &'static str;

    /// Whether people read it. They are shown no heading over nothing.
    fn is_for_people(&self) -> bool {
        false
    }

    /// Writes a sheet.
    ///
    /// # Errors
    /// If writing fails.
    fn write(&self, sheet: &Sheet, out: &mut dyn Write) -> io::Result<()>;

    /// Writes a sheet for a terminal of so many columns.
    ///
    /// # Errors
    /// If writing fails.
    fn write_within(&self, sheet: &Sheet, width: usize, out: &mut dyn Write) -> io::Result<()> {
        let _ = width;
        self.write(sheet, out)
    }

    /// Writes one value of all rows below them; `false` if the format has no place for it.
    ///
    /// # Errors
    /// If writing fails.
    fn summarise(&self, summary: &Summary, out: &mut dyn Write) -> io::Result<bool>;
}
