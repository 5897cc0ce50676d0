//! What goes to standard output and how: tables, JSON lines, CSV.

pub mod number;
mod rows;
mod style;
mod table;

pub use rows::{Row, write_rows};
pub use style::{ColorChoice, Printer};
pub use table::{Align, Table};

/// How data are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// Aligned columns, for people.
    #[default]
    Table,
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values with a header.
    Csv,
}
