//! The points of pedersen's digits. See README.md.

use super::component::{Component, ComponentError, Context, Occurrence};
use super::pedersen::TIGHT;
use crate::buses;
use crate::components::columns::columns;
use felt::Felt;
use stark::{Air, AirBuilder, AirError};
use stark_curve::pedersen::{DIGITS, TABLE, VALUES};

/// `log2` of the number of rows.
pub const LOG_HEIGHT: u32 = 10;

/// The kind: it has nothing but its name.
#[derive(Debug, Clone, Copy)]
pub struct Table;

impl Component for Table {
    fn name(&self) -> String {
        "pedersen_points".to_owned()
    }

    fn code(&self) -> u8 {
        35
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::IfRequired(buses::PEDERSEN_POINT)
    }

    fn log_height(&self) -> Option<u32> {
        Some(LOG_HEIGHT)
    }

    fn counters(&self) -> usize {
        2
    }

    fn air(&self, _context: Context<'_>) -> Result<Air, ComponentError> {
        Ok(air()?)
    }
}

columns! {
    /// How often the row's points, that of the first input and that of the second, are required elsewhere.
    multiplicity[2],
}

/// Row `16·place + digit` stands for this digit of both inputs; where there is no such digit, for the place's digit 0.
const fn entry(row: usize) -> (usize, usize) {
    let (place, digit) = (row / VALUES, row % VALUES);
    let largest = match place {
        62 => 8,
        63 => 0,
        _ => VALUES - 1,
    };
    (place, if digit > largest { 0 } else { digit })
}

/// The number of the counter for a digit of an input: those of the second input follow those of the first.
pub const fn row(input: usize, place: usize, digit: usize) -> usize {
    (input * DIGITS + place) * VALUES + digit
}

/// The AIR.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air() -> Result<Air, AirError> {
    let mut b = AirBuilder::new("pedersen_points");
    let Columns { multiplicity } = Columns::new(&mut b);
    let rows = || (0..1 << LOG_HEIGHT).map(entry);
    // All columns but the multiplicities are the verifier's own.
    let number = |(place, digit)| place as u64 + if (place, digit) == (DIGITS - 2, 8) { TIGHT } else { 0 };
    let number = b.periodic(rows().map(|entry| Felt::from(number(entry))).collect());
    let digit = b.periodic(rows().map(|(_, digit)| Felt::from(digit as u64)).collect());
    for (input, multiplicity) in multiplicity.into_iter().enumerate() {
        let points = || rows().map(|(place, digit)| TABLE.point(input, place, digit));
        let x = b.periodic(points().map(|point| point.x).collect());
        let y = b.periodic(points().map(|point| point.y).collect());
        let number = &number + (input * DIGITS) as u64;
        b.provide(format!("point[{input}]"), buses::PEDERSEN_POINT, multiplicity, [number, digit.clone(), x, y]);
    }
    b.build()
}
