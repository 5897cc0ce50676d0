//! Pairs of bytes whose conjunction is none, committed and disclosed.

use super::*;
use cairo_air::components::byte_and::LOG_HEIGHT;

/// The byte of the marked instance's inputs that lies.
const LIMB: usize = 3;

/// The run with other inputs, whose bytes are all those given, and the conjunction of one of them is another. Everything else follows.
fn told_of(x: u64, y: u64, and: u64) -> Told {
    let mut told = told(8, true);
    let words = [x, y, x & y].map(|byte| [byte << 16 | byte << 24 | 1 << 40, 0, 0, 0]);
    for (word, integer) in words.into_iter().enumerate() {
        told.set(word, &limbs_of(integer, 8, told.kind.limbs()));
    }
    let mut limbs = told.get(2);
    limbs[LIMB] = small(and);
    told.set(2, &limbs);
    let [x_word, y_word, mut and_word] = words.map(|word| small(word[0]));
    and_word += (small(and) - small(x & y)) * two(8 * LIMB as u64);
    told.say(0, x_word);
    told.say(1, y_word);
    told.say_results([x_word, y_word, and_word]);
    told
}

/// Puts these bits into a row with these low bits that nothing needs.
fn set_bits(told: &mut Told, low: [usize; 2], bits: [Felt; 3]) {
    let mut honest = told.forger.clone();
    honest.reclaim().unwrap();
    honest.balance();
    let is_bytes = |entry: &cairo_air::TableEntry| entry.kind == TableKind::ByteAnd;
    let position = honest.0.layout.tables.iter().position(is_bytes).unwrap();
    let trace = &honest.0.traces[position];
    let unused = |row: &usize| trace[3..].iter().all(|counts| counts[*row] == Felt::zero());
    let rows = (0..1 << LOG_HEIGHT).filter(|row| row % 1024 == 32 * low[0] + low[1]);
    let row = rows.into_iter().find(unused).unwrap();
    for (column, bit) in bits.into_iter().enumerate() {
        told.forger.0.traces[position][column][row] = bit;
    }
}

/// With the table of bytes disclosed: the verifier's word, once all lookups balance that can.
fn disclosed(mut forger: Forger) -> Result<cairo_air::Verified, VerifyError> {
    forger.reclaim().unwrap();
    forger.balance();
    let tables = &forger.0.layout.tables;
    let position = tables.iter().position(|entry| entry.kind == TableKind::ByteAnd).unwrap();
    common::disclose(&mut forger.0, position);
    forger.reclaim().unwrap();
    forger.verified()
}

/// Bits that are halves, and a bit of the conjunction that is not the product of the others, make triples of bytes that are none.
#[test]
fn bits_of_bytes_that_are_none() {
    let [zero, one, half] = [small(0), small(1), small(2).inv().unwrap()];
    // x, y, their conjunction as told, and the row's bits; the bits below are 5 and 6.
    for (x, y, and, bits, name) in [
        (0b01_0101, 0b10_0110, 0b01_0100, [half, one, half], "boolean_a"),
        (0b10_0101, 0b01_0110, 0b01_0100, [one, half, half], "boolean_b"),
        (0b10_0101, 0b10_0110, 0b00_0100, [one, one, zero], "conjunction"),
        (0b00_0101, 0b10_0110, 0b10_0100, [zero, one, one], "conjunction"),
    ] {
        let mut told = told_of(x, y, and);
        assert_ne!(x & y, and);
        set_bits(&mut told, [5, 6], bits);
        told.forger.clone().refused_but_for(&missing(&[name]));
        match disclosed(told.forger) {
            Err(VerifyError::Layout(LayoutError::Disclosed {
                error: DisclosedError::Constraint { constraint, .. },
                ..
            })) => assert_eq!(constraint, name),
            other => panic!("{name}: {other:?}"),
        }
    }
}

/// A disclosed table of bytes tells the truth: the pairs of its rows are what they are by their number.
#[test]
fn disclosed_bytes() {
    let honest = told(8, true).forger;
    assert!(disclosed(honest.clone()).is_ok());
    assert_eq!(
        disclosed(told_of(0b10_0101, 0b10_0110, 0b00_0100).forger),
        Err(VerifyError::Stark(stark::VerifyError::BusSum))
    );
    // Not a row may be left out before the last that is needed: those behind it would have other numbers.
    let mut forger = honest;
    forger.reclaim().unwrap();
    forger.balance();
    let tables = &forger.0.layout.tables;
    let position = tables.iter().position(|entry| entry.kind == TableKind::ByteAnd).unwrap();
    common::disclose(&mut forger.0, position);
    let bytes = &mut forger.0.layout.disclosed[0];
    let last = (0..bytes.rows()).rev().find(|row| bytes.cells[row * bytes.width + 3..][..16] != [Felt::zero(); 16]);
    let rows = last.unwrap() + 1;
    bytes.cells.truncate(rows * bytes.width);
    let width = bytes.width;
    forger.reclaim().unwrap();
    assert!(forger.verified().is_ok());
    let mut shifted = forger.clone();
    drop(shifted.0.layout.disclosed[0].cells.drain(..width));
    shifted.reclaim().unwrap();
    assert_eq!(shifted.verified(), Err(VerifyError::Stark(stark::VerifyError::BusSum)));
}
