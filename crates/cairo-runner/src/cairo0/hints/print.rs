//! Hints that print an array or a dictionary, as cairo-vm has them behind its feature `test_utils`. Whatever they would
//! print, nothing is printed here.

use super::Entry;
use super::ids::{Done, Ids};

pub(super) const HINTS: &[Entry] = &[
    ("e24b8a7c6b78a5f87abca90275edb869", "cairo-vm: PRINT_ARR", nothing),
    ("50abaf03ae62e295366c1bb9265522f3", "cairo-vm: PRINT_DICT", nothing),
];

fn nothing(_: &mut Ids<'_>) -> Done<()> {
    Ok(())
}
