//! Standard output of a command line, whose reader may have had enough, as `head` has after some lines.

use std::fmt;
use std::io::{self, Write};

/// Why standard output takes no more.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// Whoever reads it has had enough: the program is done, without a word.
    #[error("the reader of the output is gone")]
    Closed,
    /// Anything else, such as a full disk.
    #[error("cannot write the output: {0}")]
    Failed(#[source] io::Error),
}

impl From<io::Error> for OutputError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Failed(error),
        }
    }
}

/// Writes a line to standard output.
///
/// # Errors
/// [`OutputError`].
pub fn line(text: impl fmt::Display) -> Result<(), OutputError> {
    line_to(&mut io::stdout().lock(), text)
}

/// Writes a text to standard output as it is.
///
/// # Errors
/// [`OutputError`].
pub fn text(text: impl fmt::Display) -> Result<(), OutputError> {
    text_to(&mut io::stdout().lock(), text)
}

fn line_to(out: &mut impl Write, text: impl fmt::Display) -> Result<(), OutputError> {
    text_to(out, format_args!("{text}\n"))
}

fn text_to(out: &mut impl Write, text: impl fmt::Display) -> Result<(), OutputError> {
    // In one piece, so that a reader that goes away meanwhile is noticed here.
    out.write_all(text.to_string().as_bytes())?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(io::ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_had_enough_is_told_from_a_full_disk() {
        let wrote = |kind| line_to(&mut Broken(kind), "x");
        assert!(matches!(wrote(io::ErrorKind::BrokenPipe), Err(OutputError::Closed)));
        assert!(matches!(wrote(io::ErrorKind::StorageFull), Err(OutputError::Failed(_))));
        let mut out = Vec::new();
        line_to(&mut out, 7).unwrap();
        assert_eq!(out, b"7\n");
    }
}
