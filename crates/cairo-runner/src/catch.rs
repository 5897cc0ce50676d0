//! Third-party code that may panic.

use crate::convert::one_line;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs third-party code; its panic becomes a text.
pub(crate) fn quietly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| panic_text(panic.as_ref()))
}

/// What a caught panic says.
fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    one_line(text, 300)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]

    use super::*;

    #[test]
    fn panics_become_texts() {
        assert_eq!(quietly(|| 5), Ok(5));
        assert_eq!(quietly(|| -> u8 { panic!("a text\nover {} lines", 2) }), Err("a text over 2 lines".to_owned()));
        assert_eq!(quietly(|| -> u8 { panic!("a constant") }), Err("a constant".to_owned()));
        assert_eq!(quietly(|| -> u8 { std::panic::panic_any(7) }), Err("no message".to_owned()));
    }
}
