//! What goes to standard output and how: sheets of values in several formats, and messages.

mod busy;
pub mod format;
pub mod number;
pub mod sheet;
mod style;

pub use busy::Busy;
pub use format::Format;
pub use sheet::{Column, Sheet, Value};
pub use style::{ColorChoice, Printer};
