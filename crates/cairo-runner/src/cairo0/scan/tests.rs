#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use cairo_vm::hint_processor::builtin_hint_processor::hint_code::{self, HINT_CODES};
use cairo_vm::hint_processor::builtin_hint_processor::kzg_da;
use cairo_vm::hint_processor::builtin_hint_processor::secp::cairo0_hints::CAIRO0_HINT_CODES;

/// Whether a program may have a hint, which uses no variable but of the library.
fn is_taken(code: &str) -> bool {
    is_library_hint(code)
        || is_builtin_hint(code)
        || parse(code).is_ok_and(|statements| Shapes::new().look(&statements) == Ok(true))
}

#[test]
fn the_processor_tells_its_own_hints_from_others() {
    for code in [
        hint_code::ADD_SEGMENT,
        hint_code::IS_NN,
        hint_code::UNSIGNED_DIV_REM,
        hint_code::VM_EXIT_SCOPE,
        hint_code::VM_ENTER_SCOPE,
        hint_code::DICT_NEW,
        hint_code::ASSERT_LE_FELT_EXCLUDED_2,
        hint_code::RANDOM_EC_POINT,
    ] {
        assert!(is_builtin_hint(code), "{code}");
    }
    for code in ["import os", "print(ids.n)", "skip_next_instruction()", "memory[ap] = segments.add() # x", ""] {
        assert!(!is_builtin_hint(code), "{code}");
    }
}

/// Those behind cairo-vm's features too.
#[test]
fn every_hint_of_the_processor_is_taken() {
    let all = HINT_CODES.iter().chain(CAIRO0_HINT_CODES.iter()).map(|(name, code)| (*name, *code));
    let all: Vec<_> = all.chain([("WRITE_DIVMOD_SEGMENT", kzg_da::WRITE_DIVMOD_SEGMENT)]).collect();
    assert!(all.len() > 200, "{}", all.len());
    let refused: Vec<_> = all.iter().filter(|(_, code)| !is_taken(code)).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

/// The common library of cairo-lang 0.14.
#[test]
fn every_hint_of_the_common_library_is_taken() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../programs/fixtures/hints/library.json");
    let all: HashMap<String, String> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(all.len(), 170);
    let refused: Vec<_> = all.iter().filter(|(code, _)| !is_taken(code)).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}
