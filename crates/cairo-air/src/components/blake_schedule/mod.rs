//! Which words blake2s mixes with which of the message, and in what order. See README.md.

use crate::buses;
use crate::components::columns::columns;
use crate::components::component::{Component, ComponentError, Context, Occurrence};
use felt::Felt;
use stark::{Air, AirBuilder, AirError};

/// `log2` of the number of rows.
pub const LOG_HEIGHT: u32 = 7;

/// Rounds.
pub const ROUNDS: usize = 10;

/// Calls of the mixing function a round: the columns of the 4 × 4 words, then the diagonals.
pub const CALLS: usize = 8;

/// How often each word is mixed: once in a column and once in a diagonal of each round.
pub const VERSIONS: u64 = 2 * ROUNDS as u64;

/// The order of the message's words in each round (RFC 7693, section 2.7).
pub const SIGMA: [[u8; 16]; ROUNDS] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
    [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
    [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
    [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
    [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];

/// The kind: it has nothing but its name.
#[derive(Debug, Clone, Copy)]
pub struct Table;

impl Component for Table {
    fn name(&self) -> String {
        "blake_schedule".to_owned()
    }

    fn code(&self) -> u8 {
        85
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::IfRequired(buses::BLAKE_SCHEDULE)
    }

    fn log_height(&self) -> Option<u32> {
        Some(LOG_HEIGHT)
    }

    fn air(&self, _context: Context<'_>) -> Result<Air, ComponentError> {
        Ok(air()?)
    }
}

columns! {
    /// How often the row's call is required elsewhere.
    multiplicity,
}

/// A call of the mixing function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// How often each of its four words was mixed before.
    pub version: u8,
    /// Their places.
    pub position: [u8; 4],
    /// The numbers of the message's two words.
    pub index: [u8; 2],
}

/// A call by its number: call `number mod CALLS` of round `number / CALLS`; from 80 on they come again.
pub fn call(number: usize) -> Call {
    let (round, call) = (number / CALLS % ROUNDS, number % CALLS);
    let (diagonal, column) = (call / 4, call % 4);
    let row = |row: usize| (4 * row + (column + row * diagonal) % 4) as u8;
    let sigma = &SIGMA[round];
    Call {
        version: (2 * round + diagonal) as u8,
        position: [row(0), row(1), row(2), row(3)],
        index: [sigma[2 * call], sigma[2 * call + 1]],
    }
}

/// The AIR. Row `CALLS·round + call` has this call; those from 80 on repeat the first ones.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air() -> Result<Air, AirError> {
    let mut b = AirBuilder::new("blake_schedule");
    let Columns { multiplicity } = Columns::new(&mut b);
    // All columns but the multiplicities are the verifier's own.
    let mut fixed = |entry: &dyn Fn(Call) -> u8| {
        b.periodic((0..1 << LOG_HEIGHT).map(|row| Felt::from(u64::from(entry(call(row))))).collect())
    };
    let mut tuple = vec![fixed(&|call| call.version)];
    tuple.extend((0..4).map(|i| fixed(&|call| call.position[i])));
    tuple.extend((0..2).map(|i| fixed(&|call| call.index[i])));
    b.provide("call", buses::BLAKE_SCHEDULE, multiplicity, tuple);
    b.build()
}
