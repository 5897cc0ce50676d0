//! The table of the rounds.

use crate::model::{Forged, ROUND, State, chunk_row, permutation, spread};
use crate::{checked, faults, small};
use cairo_air::components::keccak_rounds::{Columns, FIRST_PLACE, LAST_PLACE, air};
use cairo_air::{buses, keccak};
use felt::Felt;
use proptest::prelude::*;
use stark::debug::Report;
use stark::{Air, PublicTuple};
use std::collections::BTreeSet;

fn state(seed: u64) -> State {
    (0..seed).fold([seed; 25], |state, _| keccak::permute(state))
}

/// The lanes that the table of cells gives before a permutation, and takes after it.
fn lanes(before: &State, after: &State) -> Vec<PublicTuple> {
    let tuple = |(place, lane): (usize, &u64)| vec![small(place as u64), spread(*lane)];
    let given = before.iter().enumerate().map(|(i, lane)| tuple((FIRST_PLACE + i, lane)));
    let taken = after.iter().enumerate().map(|(i, lane)| tuple((LAST_PLACE + i, lane)));
    let given = given.map(|tuple| PublicTuple::provide(buses::KECCAK_LANE, tuple));
    given.chain(taken.map(|tuple| PublicTuple::require(buses::KECCAK_LANE, tuple))).collect()
}

fn report(air: &Air, rows: &[Vec<Felt>], before: &State, after: &State) -> Report {
    checked(air, rows, &[buses::WORD12, buses::KECCAK_CHUNK], lanes(before, after))
}

/// A permutation that ends elsewhere than it should, which one constraint or one interaction alone refuses. So without it the proof of a false
/// statement would pass.
fn only(air: &Air, forged: Forged, expected: &str) {
    let before = state(3);
    let (rows, after) = permutation(0, before, forged);
    assert_ne!(after, keccak::permute(before), "{forged:?}: nothing is forged");
    let report = report(air, &rows, &before, &after);
    assert_eq!(faults(&report), BTreeSet::from([expected.to_owned()]), "{forged:?}: {report}");
}

#[test]
fn honest_rows_are_clean() {
    for before in [[0; 25], [u64::MAX; 25], state(5)] {
        let (rows, after) = permutation(0, before, Forged::Nothing);
        assert_eq!(after, keccak::permute(before));
        let report = report(&air().unwrap(), &rows, &before, &after);
        assert!(report.is_clean(), "{report}");
    }
}

#[test]
fn each_constraint_is_needed() {
    let air = air().unwrap();
    let mut done = BTreeSet::new();
    let mut expect = |forged: Forged, constraint: String| {
        only(&air, forged, &constraint);
        done.insert(constraint);
    };
    // Where a sheet is in a row.
    let slot = |sheet: usize, row: usize| (sheet + 2 * row) % 5;
    for sheet in 0..5 {
        expect(Forged::Total(sheet), format!("total[{}]", slot(sheet, 4)));
        expect(Forged::FirstPartial(sheet), format!("first_partial[{sheet}]"));
        expect(Forged::TotalChunks(sheet), "total_chunks".to_owned());
        expect(Forged::ParityChunks(sheet), "parity_chunks".to_owned());
        expect(Forged::Moved(sheet), format!("moved[{sheet}]"));
        for row in 0..4 {
            expect(Forged::Partial { sheet, row }, format!("next_partial[{}]", slot(sheet, row)));
            expect(Forged::SameParity { sheet, row }, format!("same_parity[{}]", slot(sheet, row)));
            expect(Forged::SameTop { sheet, row }, format!("same_top[{}]", slot(sheet, row)));
            // Before its chunks a total is of no use.
            if row >= chunk_row(sheet) {
                expect(Forged::SameTotal { sheet, row }, format!("same_total[{}]", slot(sheet, row)));
            }
        }
    }
    expect(Forged::Swapped, "next_row".to_owned());
    // Numbers that begin elsewhere: all lanes are at other places, which is nobody's statement.
    let before = state(3);
    let (rows, after) = permutation(640, before, Forged::Nothing);
    let found = faults(&report(&air, &rows, &before, &after));
    assert!(found.contains("first_row"), "{found:?}");
    done.insert("first_row".to_owned());
    let all: BTreeSet<String> = air.constraints().iter().map(|constraint| constraint.name.clone()).collect();
    assert_eq!(done, all);
}

/// A quarter of the chunks, every word that is looked up, and every lane that is taken.
#[test]
fn each_lookup_is_needed() {
    lookups_are_needed(4);
}

#[test]
#[ignore = "takes half a minute: each of 130 chunks"]
fn each_lookup_of_a_chunk_is_needed() {
    lookups_are_needed(1);
}

/// Of the chunks of moved lanes, those with these numbers.
fn lookups_are_needed(step: usize) {
    let air = air().unwrap();
    let mut done = BTreeSet::new();
    let mut expect = |forged: Forged, interaction: String| {
        only(&air, forged, &interaction);
        done.insert(interaction);
    };
    for sheet in 0..5 {
        expect(Forged::Top(sheet), "top".to_owned());
        expect(Forged::TotalLookup(sheet), "total_chunk[4]".to_owned());
        expect(Forged::Head(sheet), format!("head[{sheet}]"));
        expect(Forged::IotaLookup(sheet), format!("iota_chunk[{sheet}]"));
    }
    for i in (0..65).step_by(step) {
        expect(Forged::SumLookup(i), format!("sum_chunk[{i}]"));
        expect(Forged::MixedLookup(i), format!("mixed_chunk[{i}]"));
    }
    let before = state(3);
    for slot in 0..5 {
        let (rows, after) = permutation(0, before, Forged::Lane(slot));
        assert_ne!(after, keccak::permute(before));
        // The lane that is taken, and the one that was given.
        let report = report(&air, &rows, &before, &after);
        assert!(report.constraints.is_empty() && report.imbalances.len() == 2, "{report}");
        assert!(faults(&report).contains(&format!("lane[{slot}]")), "{report}");
        done.insert(format!("lane[{slot}]"));
    }
    // The other chunks of totals are like the fifth; the lanes that a row gives are those that others take.
    let is_chunk = |name: &str| name.starts_with("sum_chunk") || name.starts_with("mixed_chunk");
    let others =
        |name: &str| name.starts_with("total_chunk") || name.starts_with("next_lane") || step > 1 && is_chunk(name);
    let all = air.interactions().iter().map(|interaction| interaction.name.clone());
    let missing: Vec<String> = all.filter(|name| !others(name) && !done.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Each cell of a row of a round, overwritten, is noticed.
#[test]
fn each_cell_is_noticed() {
    let air = air().unwrap();
    let before = state(3);
    let (rows, after) = permutation(0, before, Forged::Nothing);
    let at = Columns::positions();
    // Where no lane of a slot is cut in this row, its head is of no use.
    let row = 8 + 5 * ROUND + 1;
    let unused: Vec<usize> =
        (0..5).filter(|slot| cairo_air::components::keccak_rounds::cut(1, *slot).is_none()).collect();
    for column in 0..air.width() {
        // A total that comes to the first slot in the next row may still be anything.
        // Chunks are all alike: some of them will do.
        let is_left_out = column >= at.total_chunk[0] && column % 7 > 0;
        if is_left_out || unused.iter().any(|slot| at.head[*slot] == column) || at.total[3] == column {
            continue;
        }
        let mut rows = rows.clone();
        rows[row][column] += Felt::one();
        let report = report(&air, &rows, &before, &after);
        assert!(!report.is_clean(), "{}", air.columns()[column]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// The rows of random states hold, and say what another implementation says.
    #[test]
    fn random_states(words in prop::collection::vec(any::<u64>(), 25)) {
        let before: State = words.try_into().unwrap();
        let (rows, after) = permutation(0, before, Forged::Nothing);
        let mut expected = before;
        ::keccak::f1600(&mut expected);
        prop_assert_eq!(after, expected);
        prop_assert_eq!(keccak::permute(before), expected);
        let report = report(&air().unwrap(), &rows, &before, &after);
        prop_assert!(report.is_clean(), "{}", report);
    }
}
