//! How often others require the cells of a row that owns several: a number for each cell.

use crate::buses;
use stark::{AirBuilder, Expr};

/// Nobody requires it, …
pub const UNUSED: u8 = 0;
/// … on every row in use it is required once, …
pub const ONCE: u8 = 1;
/// … or from here on, as often as the column says that has this number less [`FIRST_COLUMN`].
pub const FIRST_COLUMN: u8 = 2;

/// Provides a cell as often as its number says, if the row is in use.
pub(super) fn provide(
    b: &mut AirBuilder,
    name: impl Into<String>,
    (enabler, columns): (&Expr, &[Expr]),
    number: u8,
    cell: [Expr; 2],
) {
    match number {
        UNUSED => {}
        ONCE => b.provide(name, buses::MEMORY, enabler, cell),
        number => {
            if let Some(uses) = columns.get(usize::from(number - FIRST_COLUMN)) {
                b.provide(name, buses::MEMORY, enabler * uses, cell);
            }
        }
    }
}

/// Whether columns are numbered in the order of the cells that have them.
pub(super) fn are_numbered(uses: impl IntoIterator<Item = u8>) -> bool {
    let numbered = uses.into_iter().try_fold(FIRST_COLUMN, |next, uses| match next.checked_add(1) {
        _ if uses < next => Some(next),
        after if uses == next => after,
        _ => None,
    });
    numbered.is_some()
}

/// How many columns there are.
pub(super) fn columns(uses: impl IntoIterator<Item = u8>) -> usize {
    let most = uses.into_iter().max().unwrap_or(UNUSED);
    usize::from((most + 1).saturating_sub(FIRST_COLUMN))
}
