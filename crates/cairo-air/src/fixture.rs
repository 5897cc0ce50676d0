//! Programs written by hand, for tests.

use crate::{ArgumentBinding, Builtin, Program};
use felt::Felt;

/// `ret`.
pub(crate) const RET: u64 = 0x208b_7fff_7fff_7ffe;

/// A program with these builtins that has these words after its header, at address 7.
pub(crate) fn program(
    builtins: &[Builtin],
    words: impl IntoIterator<Item = impl Into<Felt>>,
    arguments: ArgumentBinding,
) -> Program {
    // ap += the number of builtins; call rel 4; jmp rel 0.
    let header = [0x0407_8001_7fff_7fff, builtins.len() as u64, 0x1104_8001_8001_8000, 4, 0x0107_8001_7fff_7fff, 0];
    let bytecode = header.map(Felt::from).into_iter().chain(words.into_iter().map(Into::into)).collect();
    Program::new(bytecode, builtins.to_vec(), arguments).expect("the header is right")
}
