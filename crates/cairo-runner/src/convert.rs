//! Between cairo-vm's field elements and ours: the same Montgomery limbs, in another order.

use cairo_vm::Felt252;
use felt::{Felt, encoding};

/// Our element of a cairo-vm one.
pub(crate) fn from_vm(value: &Felt252) -> Felt {
    let [l3, l2, l1, l0] = value.to_raw();
    // Both libraries keep elements reduced.
    encoding::from_montgomery_limbs([l0, l1, l2, l3]).unwrap_or_else(Felt::zero)
}

/// The cairo-vm element of one of ours.
pub(crate) fn to_vm(value: &Felt) -> Felt252 {
    let [l0, l1, l2, l3] = encoding::montgomery_limbs(value);
    Felt252::from_raw([l3, l2, l1, l0])
}

/// A text on one line and of bounded length, for error messages that quote programs and libraries.
pub(crate) fn one_line(text: &str, max: usize) -> String {
    let mut line = String::new();
    for (index, word) in text.split_whitespace().enumerate() {
        if index > 0 {
            line.push(' ');
        }
        line.extend(word.chars().filter(|c| !c.is_control()));
        if line.chars().count() > max {
            return line.chars().take(max).chain(['…']).collect();
        }
    }
    line
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn conversion_keeps_the_value() {
        for text in [
            "0x0",
            "0x1",
            "0x800000000000011000000000000000000000000000000000000000000000000",
            "0x123456789abcdef0123456789",
        ] {
            let vm = Felt252::from_hex(text).expect("a field element");
            assert_eq!(encoding::to_hex(&from_vm(&vm)), text);
            assert_eq!(to_vm(&from_vm(&vm)), vm);
        }
    }

    #[test]
    fn quoted_texts_stay_short_and_on_one_line() {
        assert_eq!(one_line("a\n\tb\u{7}  c", 20), "a b c");
        assert_eq!(one_line(&"x".repeat(50), 10), format!("{}…", "x".repeat(10)));
    }
}
