//! What a donor sends: a proof file, and behind it a *trailer* that says which units its runs are of.
//!
//! | bytes | what |
//! |---|---|
//! | … | the proof file |
//! | 10 each | the units' ids, run after run |
//! | 4 | their number, little-endian: 1 to [`MAX_LEASE_UNITS`] |
//! | 8 | `CAIRNIDS` |
//!
//! It stands behind the proof so that the distributor has only to cut the file, and it belongs to the file so that the signature
//! of the request covers it and a file whose record was lost still says whose it is.

use crate::ids::UnitId;
use crate::lease::MAX_LEASE_UNITS;
use std::collections::HashSet;

/// Last bytes of a trailer.
pub const TRAILER_MAGIC: [u8; 8] = *b"CAIRNIDS";

/// Bytes behind the units' ids.
const END: usize = 4 + TRAILER_MAGIC.len();

/// Most bytes of a trailer.
pub const MAX_TRAILER: usize = MAX_LEASE_UNITS * UnitId::LEN + END;

/// Why the end of a file is no trailer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrailerError {
    /// Other last bytes.
    #[error("no list of units follows the proof: the body does not end with `CAIRNIDS`")]
    Missing,
    /// None or too many units.
    #[error("the list behind the proof is of {0} units; a proof is of 1 to {MAX_LEASE_UNITS}")]
    Number(usize),
    /// Fewer bytes than announced.
    #[error("the body is shorter than the list of {0} units that it ends with")]
    Short(usize),
    /// A unit twice.
    #[error("the unit `{0}` is named twice; each run of a proof is another unit's")]
    Twice(UnitId),
}

fn check(units: &[UnitId]) -> Result<(), TrailerError> {
    if !(1..=MAX_LEASE_UNITS).contains(&units.len()) {
        return Err(TrailerError::Number(units.len()));
    }
    let mut seen = HashSet::with_capacity(units.len());
    match units.iter().find(|unit| !seen.insert(**unit)) {
        None => Ok(()),
        Some(unit) => Err(TrailerError::Twice(*unit)),
    }
}

/// The trailer for a proof whose run `i` is that of unit `i`.
///
/// # Errors
/// If there are none, too many, or one twice.
pub fn trailer(units: &[UnitId]) -> Result<Vec<u8>, TrailerError> {
    check(units)?;
    let mut bytes = Vec::with_capacity(units.len() * UnitId::LEN + END);
    units.iter().for_each(|unit| bytes.extend_from_slice(unit.as_bytes()));
    // At most `MAX_LEASE_UNITS`.
    bytes.extend_from_slice(&(units.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&TRAILER_MAGIC);
    Ok(bytes)
}

/// Reads the trailer of a file, given its last bytes: all of them, or at least [`MAX_TRAILER`]. Returns the units and the trailer's
/// length.
///
/// # Errors
/// [`TrailerError`], as its texts say.
pub fn read_trailer(end: &[u8]) -> Result<(Vec<UnitId>, usize), TrailerError> {
    let rest = end.strip_suffix(&TRAILER_MAGIC).ok_or(TrailerError::Missing)?;
    let (ids, number) = rest.split_last_chunk::<4>().ok_or(TrailerError::Missing)?;
    let number = u32::from_le_bytes(*number) as usize;
    if !(1..=MAX_LEASE_UNITS).contains(&number) {
        return Err(TrailerError::Number(number));
    }
    let length = number * UnitId::LEN;
    let begin = ids.len().checked_sub(length).ok_or(TrailerError::Short(number))?;
    let (ids, _) = ids.get(begin..).unwrap_or_default().as_chunks::<{ UnitId::LEN }>();
    let units: Vec<UnitId> = ids.iter().map(|id| UnitId::from_bytes(*id)).collect();
    check(&units)?;
    Ok((units, length + END))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(number: usize) -> Vec<UnitId> {
        (0..number as u64)
            .map(|number| {
                let mut id = [7; 10];
                id[..8].copy_from_slice(&number.to_le_bytes());
                UnitId::from_bytes(id)
            })
            .collect()
    }

    #[test]
    fn what_is_written_is_read() {
        for number in [1, 2, 64, MAX_LEASE_UNITS] {
            let units = units(number);
            let trailer = trailer(&units).unwrap();
            assert!(trailer.len() <= MAX_TRAILER);
            let file = [b"a proof".as_slice(), &trailer].concat();
            assert_eq!(read_trailer(&file), Ok((units, trailer.len())));
        }
        // Byte for byte as documented.
        let expected = [&[7; 10][..], &[1, 0, 0, 0], b"CAIRNIDS"].concat();
        assert_eq!(trailer(&[UnitId::from_bytes([7; 10])]).unwrap(), expected);
    }

    #[test]
    fn nothing_else_is_read() {
        let good = trailer(&units(3)).unwrap();
        assert_eq!(trailer(&[]), Err(TrailerError::Number(0)));
        assert_eq!(trailer(&units(MAX_LEASE_UNITS + 1)), Err(TrailerError::Number(MAX_LEASE_UNITS + 1)));
        let [first, second] = units(2)[..] else { panic!("two") };
        assert_eq!(trailer(&[first, second, first]), Err(TrailerError::Twice(first)));
        assert_eq!(read_trailer(b""), Err(TrailerError::Missing));
        assert_eq!(read_trailer(b"CAIRNIDS"), Err(TrailerError::Missing));
        assert_eq!(read_trailer(&good[..good.len() - 1]), Err(TrailerError::Missing));
        assert_eq!(read_trailer(&good[1..]), Err(TrailerError::Short(3)));
        for (number, error) in [(0_u32, 0), (1025, 1025), (u32::MAX, u32::MAX as usize)] {
            let mut bad = good.clone();
            let at = bad.len() - END;
            bad[at..at + 4].copy_from_slice(&number.to_le_bytes());
            assert_eq!(read_trailer(&bad), Err(TrailerError::Number(error)));
        }
        let mut twice = good;
        twice.copy_within(0..10, 10);
        assert!(matches!(read_trailer(&twice), Err(TrailerError::Twice(_))));
    }
}
