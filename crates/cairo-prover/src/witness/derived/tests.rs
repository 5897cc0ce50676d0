#![allow(clippy::unwrap_used)]

use super::*;
use crate::fixture::execution;
use cairo_air::Builtin;
use cairo_air::components::derived::Linear;
use cairo_execution::Registers;
use felt::Felt;
use felt::integers::signed;
use stark::NoControl;

/// Cells that hold 0.
const WRONG: [u32; 2] = [41, 52];

/// Fills a table of rows that stay where they are, one for each of the frames, and look up what `lookups` say. Column 1 is `fp`; memory
/// holds its own addresses, but for [`WRONG`].
fn filled(frames: &[u32], lookups: Vec<[Linear; 2]>) -> Result<Trace, WitnessError> {
    let trace = frames.iter().flat_map(|fp| [Registers { pc: 5, ap: 90, fp: *fp }; 2]).collect();
    let memory = (0..100).map(|cell| Felt::from(if WRONG.contains(&cell) { 0 } else { u64::from(cell) })).collect();
    let execution = execution(&[Builtin::Output], &[], trace, memory);
    let contents = RowContents {
        sources: vec![Source::Enabler, Source::Fp],
        lookups,
        owned: Vec::new(),
        zeros: Vec::new(),
        products: Vec::new(),
        end: [Linear::integer(5), Linear::integer(90), Linear::column(1)],
        fetches: false,
        steps: 1,
    };
    let starts: Vec<u32> = (0..).step_by(2).take(frames.len()).collect();
    let multiplicities = Multiplicities::new(execution.memory.len());
    let trace = fill(&execution, &contents, &starts, 6, &multiplicities, &NoControl)?;
    let looked_up = (0..100).map(|address| multiplicities.memory_uses(address)).sum::<u32>();
    assert_eq!(looked_up as usize, frames.len() * contents.lookups.len());
    Ok(trace)
}

/// `[fp + offset] = fp + value`.
fn look_up(offset: i64, value: i64) -> [Linear; 2] {
    [offset, value].map(|offset| Linear::column(1).offset(offset))
}

#[test]
fn look_ups_that_hold() {
    let trace = filled(&[20, 20, 30], vec![look_up(0, 0), look_up(-19, -19), look_up(69, 69)]).unwrap();
    assert_eq!(trace[1][..4], [20, 20, 30, 20_u64].map(Felt::from));
}

/// Two numbers far from any address add up to one.
#[test]
fn large_terms_of_an_address() {
    let far = Felt::from(2_u64).pow(200_u64);
    for large in [Felt::from(1_u64 << 40), Felt::from(1_u64 << 45), Felt::from(1_u64 << 50), far] {
        let fill = |sum: i64| {
            let mut memory: Vec<Felt> = (0..100_u64).map(Felt::from).collect();
            (memory[20], memory[21]) = (large, signed(sum) - large);
            let trace = vec![Registers { pc: 5, ap: 90, fp: 20 }; 2];
            let execution = execution(&[Builtin::Output], &[], trace, memory);
            let read = |offset| Source::Memory(Linear::column(1).offset(offset));
            let contents = RowContents {
                sources: vec![Source::Enabler, Source::Fp, read(0), read(1)],
                lookups: vec![
                    [Linear::column(1), Linear::column(2)],
                    [Linear::column(1).offset(1), Linear::column(3)],
                    [&Linear::column(2) + &Linear::column(3), Linear::integer(sum)],
                ],
                owned: Vec::new(),
                zeros: Vec::new(),
                products: Vec::new(),
                end: [Linear::integer(5), Linear::integer(90), Linear::column(1)],
                fetches: false,
                steps: 1,
            };
            let multiplicities = Multiplicities::new(execution.memory.len());
            super::fill(&execution, &contents, &[0], 6, &multiplicities, &NoControl)?;
            Ok::<_, WitnessError>(multiplicities.memory_uses(50))
        };
        assert_eq!(fill(50), Ok(1));
        assert_eq!(fill(100), Err(WitnessError::Address(100)));
        assert_eq!(fill(0), Err(WitnessError::Address(0)));
        assert!(matches!(fill(-1), Err(WitnessError::Operand { clock: 0, .. })));
    }
}

/// There is a 0 at address 0, but no cell.
#[test]
fn addresses_without_a_cell() {
    let of = |frames: &[u32], offset| filled(frames, vec![look_up(offset, offset)]);
    assert!(of(&[21, 22], -20).is_ok());
    assert_eq!(of(&[21, 20], -20), Err(WitnessError::Address(0)));
    assert!(matches!(of(&[21, 19], -20), Err(WitnessError::Operand { clock: 2, .. })));
    assert_eq!(of(&[21, 22], 78), Err(WitnessError::Address(100)));
}

/// Whichever of its lookups is wrong, and in whichever order they stand.
#[test]
fn the_first_wrong_row_is_named() {
    // One is wrong where fp is 31, the other where it is 32.
    let lookups = WRONG.map(|cell| look_up(i64::from(cell % 10 * 10), i64::from(cell % 10 * 10)));
    let reversed = [lookups[1].clone(), lookups[0].clone()];
    for (frames, first) in [([30, 31, 32], 2), ([30, 32, 31], 2), ([31, 30, 32], 0), ([30, 30, 32], 4)] {
        for lookups in [&lookups, &reversed] {
            let found = filled(&frames, lookups.to_vec());
            assert!(matches!(found, Err(WitnessError::Step { clock, .. }) if clock == first), "{found:?}");
        }
    }
    assert!(filled(&[30, 33], lookups.to_vec()).is_ok());
}
