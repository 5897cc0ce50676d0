#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;

fn error(json: &str) -> ArgumentError {
    Arguments::from_json(json.as_bytes()).expect_err("no arguments")
}

#[test]
fn integers_in_all_writings() {
    let arguments =
        Arguments::from_json(br#"[5, "5", "0x5", " 5 ", "0X05", -5, "-5", "-0x5", 0, "-0"]"#).expect("integers");
    let felts = arguments.serialised().expect("a list");
    let (five, zero) = (Felt::from(5), Felt::zero());
    assert_eq!(felts, [five, five, five, five, five, -five, -five, -five, zero, zero]);
}

#[test]
fn large_numbers_are_exact() {
    let largest = "3618502788666131213697322783095070105623107215331596699973092056135872020480";
    let json = format!("[{largest}, \"{largest}\", -{largest}]");
    let felts = Arguments::from_json(json.as_bytes()).expect("below the modulus").serialised().expect("a list");
    assert_eq!(felts, [-Felt::from(1), -Felt::from(1), Felt::from(1)]);
}

#[test]
fn outside_the_field() {
    let modulus = "0x800000000000011000000000000000000000000000000000000000000000001";
    for number in [modulus.to_owned(), format!("-{modulus}"), "9".repeat(500), format!("0x{}", "f".repeat(5000))] {
        assert!(
            matches!(error(&format!("[1, \"{number}\"]")), ArgumentError::OutOfField { path, .. } if path == "[1]")
        );
    }
}

#[test]
fn no_integers() {
    for value in [
        "1.5",
        "1e3",
        "true",
        "null",
        "\"\"",
        "\"0x\"",
        "\"five\"",
        "\"1_000\"",
        "\"--5\"",
        "\"+5\"",
        "\"0x-5\"",
        "\"５\"",
    ] {
        let error = error(&format!("{{\"n\": {value}}}"));
        assert!(matches!(&error, ArgumentError::NotAnInteger { path, .. } if path == "`n`"), "{value}: {error}");
    }
}

#[test]
fn no_objects_or_arrays() {
    for text in ["", "5", "\"5\"", "null", "[1", "{\"n\": 1,}", "[1] [2]", "\u{0}"] {
        assert!(matches!(error(text), ArgumentError::NotJson { .. }), "{text}");
    }
    assert!(matches!(error(&"[".repeat(100_000)), ArgumentError::NotJson { .. }));
    let large = vec![b' '; MAX_ARGUMENT_BYTES + 1];
    assert_eq!(Arguments::from_json(&large), Err(ArgumentError::TooLarge { bytes: MAX_ARGUMENT_BYTES + 1 }));
}

#[test]
fn nesting_and_number_are_bounded() {
    let nested = |depth: usize| format!("[{}1{}]", "[".repeat(depth), "]".repeat(depth));
    assert!(Arguments::from_json(nested(MAX_NESTING).as_bytes()).is_ok());
    assert!(matches!(error(&nested(MAX_NESTING + 1)), ArgumentError::TooDeep { .. }));
    let many = format!("[{}1]", "1,".repeat(MAX_ARGUMENTS));
    assert_eq!(error(&many), ArgumentError::TooMany);
}

#[test]
fn names_are_given_once() {
    assert_eq!(error(r#"{"n": 1, "m": 2, "n": 1}"#), ArgumentError::Repeated { name: "n".to_owned() });
}

#[test]
fn arrays_bring_their_length() {
    let arguments = Arguments::from_json(b"[7, [1, [2, 3]], []]").expect("arrays");
    let felts = arguments.serialised().expect("a list");
    assert_eq!(felts, [7, 2, 1, 2, 2, 3, 0].map(Felt::from));
    assert_eq!(Arguments::none().serialised(), Ok(Vec::new()));
}
