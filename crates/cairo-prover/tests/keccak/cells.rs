//! The table of cells.

use crate::model::{State, spread};
use crate::{checked, faults, small};
use cairo_air::components::keccak::{CELLS, Columns, ROWS, WIDTH, air};
use cairo_air::components::keccak_rounds::{FIRST_PLACE, LAST_PLACE, PLACES};
use cairo_air::{buses, keccak};
use felt::Felt;
use stark::PublicTuple;
use stark::debug::Report;
use std::collections::{BTreeMap, BTreeSet};

const BASE: u64 = 100;
const INSTANCES: usize = 3;

fn state(seed: u64) -> State {
    keccak::permute([seed; 25])
}

/// What an instance's rows have: the states by their cells' bytes, those by their lanes, and the first place.
#[derive(Clone, Copy)]
struct Instance {
    address: u64,
    place: usize,
    bytes: [State; 2],
    lanes: [State; 2],
}

/// An instance of a segment of three, and honest.
fn instance(number: usize, place: usize) -> Instance {
    let before = state(number as u64);
    let states = [before, keccak::permute(before)];
    Instance { address: BASE + CELLS * number as u64, place: PLACES * place, bytes: states, lanes: states }
}

/// Four instances: the last one once more.
fn honest() -> Vec<Instance> {
    (0..4).map(|place| instance(place.min(INSTANCES - 1), place)).collect()
}

fn rows(instances: &[Instance]) -> Vec<Vec<Felt>> {
    let at = Columns::positions();
    let mut rows = Vec::new();
    for Instance { address, place, bytes, lanes } in instances {
        for number in 0..ROWS {
            let (side, word) = (number / 8, number % 8);
            let mut row = vec![Felt::zero(); WIDTH];
            row[at.address] = small(*address);
            row[at.place] = small(*place as u64);
            let all: Vec<u8> = bytes[side].iter().flat_map(|lane| lane.to_le_bytes()).collect();
            for i in 0..25 {
                let byte = u64::from(all[25 * word + i]);
                row[at.byte[i]] = small(byte);
                row[at.spread[i]] = spread(byte);
            }
            for i in 0..3 {
                row[at.lane[i]] = spread(lanes[side][3 * word + i]);
            }
            let next = bytes[side][3 * word + 3].to_le_bytes();
            let begun = next[..word + 1].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
            row[at.rest] = if word == 7 { spread(lanes[side][24]) } else { spread(begun) };
            rows.push(row);
        }
    }
    rows
}

/// What the rounds take and give, if each instance's place is that of a permutation.
fn lanes(permutations: &[[State; 2]]) -> Vec<PublicTuple> {
    let mut tuples = Vec::new();
    for (number, [before, after]) in permutations.iter().enumerate() {
        for lane in 0..25 {
            let tuple =
                |first, state: &State| vec![small((PLACES * number + first + lane) as u64), spread(state[lane])];
            tuples.push(PublicTuple::require(buses::KECCAK_LANE, tuple(FIRST_PLACE, before)));
            tuples.push(PublicTuple::provide(buses::KECCAK_LANE, tuple(LAST_PLACE, after)));
        }
    }
    tuples
}

/// Four permutations of what the instances' rows have as lanes.
fn report(rows: &[Vec<Felt>], permutations: &[[State; 2]]) -> Report {
    let air = air(BASE as u32, (BASE + CELLS * INSTANCES as u64) as u32).unwrap();
    checked(&air, rows, &[buses::MEMORY, buses::KECCAK_BYTE], lanes(permutations))
}

/// Memory as the rows look it up.
fn memory(rows: &[Vec<Felt>]) -> BTreeMap<u64, Felt> {
    let at = Columns::positions();
    let cell = |row: &Vec<Felt>| (0..25).rev().fold(Felt::zero(), |sum, i| sum * small(256) + row[at.byte[i]]);
    let address = |row: &Vec<Felt>| felt::integers::to_u64(&row[at.address]).unwrap();
    rows.iter().enumerate().map(|(number, row)| (address(row) + number as u64 % CELLS, cell(row))).collect()
}

/// Whether each instance of the segment is there and right.
fn is_true(memory: &BTreeMap<u64, Felt>) -> bool {
    (0..INSTANCES as u64).all(|number| {
        let cell = |offset: usize| memory.get(&(BASE + CELLS * number + offset as u64)).copied();
        let words: Option<Vec<Felt>> = (0..16).map(cell).collect();
        words.is_some_and(|words| {
            let (before, after) = words.split_at(8);
            let before: [Felt; 8] = before.try_into().unwrap();
            keccak::unpack(&before).is_ok_and(|state| keccak::pack(&keccak::permute(state)) == after)
        })
    })
}

fn only(rows: &[Vec<Felt>], permutations: &[[State; 2]], expected: &str) {
    assert!(!is_true(&memory(rows)), "{expected}: nothing is forged");
    let report = report(rows, permutations);
    assert_eq!(faults(&report), BTreeSet::from([expected.to_owned()]), "{report}");
}

fn permutations(instances: &[Instance]) -> Vec<[State; 2]> {
    instances.iter().map(|instance| instance.lanes).collect()
}

#[test]
fn honest_rows_are_clean() {
    let rows = rows(&honest());
    assert!(is_true(&memory(&rows)));
    let report = report(&rows, &permutations(&honest()));
    assert!(report.is_clean(), "{report}");
}

#[test]
fn each_constraint_is_needed() {
    let at = Columns::positions();
    let mut done = BTreeSet::new();
    // The rounds permute another state than the one in the cells: a lane that begins in a cell, others of a cell, the last lane.
    for (lane, constraint) in
        [(0, "lane[0]"), (9, "lane[0]"), (4, "lane[1]"), (22, "lane[1]"), (11, "lane[2]"), (24, "rest")]
    {
        let mut instances = honest();
        let Instance { lanes, bytes, .. } = &mut instances[1];
        lanes[0][lane] ^= 1 << 41;
        lanes[1] = keccak::permute(lanes[0]);
        bytes[1] = lanes[1];
        only(&rows(&instances), &permutations(&instances), constraint);
        done.insert(constraint);
    }
    // What a cell has of a lane is not what its bytes say.
    let mut instances = honest();
    let Instance { lanes, bytes, .. } = &mut instances[1];
    lanes[0][9] ^= 1 << 2;
    lanes[1] = keccak::permute(lanes[0]);
    bytes[1] = lanes[1];
    let forged_lane = lanes[0][9];
    let mut forged = rows(&instances);
    let rest = &mut forged[ROWS + 2][at.rest];
    let bit = if forged_lane >> 2 & 1 == 1 { small(64) } else { -small(64) };
    *rest += bit;
    only(&forged, &permutations(&instances), "rest");

    // Instances that no row visits.
    for (numbers, constraint) in
        [([1, 2, 2, 2], "first_address"), ([0, 1, 1, 1], "last_address"), ([0, 2, 2, 2], "next_address")]
    {
        let instances: Vec<Instance> = (0..4).map(|place| instance(numbers[place], place)).collect();
        only(&rows(&instances), &permutations(&instances), constraint);
        done.insert(constraint);
    }
    // Halves of two that are taken for one: inputs of one and outputs of the next.
    let instances: Vec<Instance> = (0..4).map(|place| instance([0, 2, 2, 2][place], place)).collect();
    let mut halves = rows(&instances);
    halves[8..ROWS].iter_mut().for_each(|row| row[at.address] += small(CELLS));
    let found = report(&halves, &permutations(&instances));
    assert_eq!(faults(&found), BTreeSet::from(["same_address".to_owned()]), "{found}");
    assert!(!is_true(&memory(&halves)));
    done.insert("same_address");
    // Outputs of another permutation.
    let mut instances = honest();
    let (first, second) = (instances[0].bytes[1], instances[1].bytes[1]);
    let permutations = permutations(&instances);
    for (number, state) in [(0, second), (1, first)] {
        (instances[number].bytes[1], instances[number].lanes[1]) = (state, state);
    }
    let mut swapped = rows(&instances);
    for (rows, place) in [(8..ROWS, PLACES), (ROWS + 8..2 * ROWS, 0)] {
        swapped[rows].iter_mut().for_each(|row| row[at.place] = small(place as u64));
    }
    only(&swapped, &permutations, "next_place");
    done.insert("next_place");

    let air = air(1, 17).unwrap();
    let all: BTreeSet<&str> = air.constraints().iter().map(|constraint| constraint.name.as_str()).collect();
    assert_eq!(done, all);
}

/// A byte whose bits are others, for each byte of a cell: the state before the permutation is another one.
#[test]
fn each_byte_is_looked_up() {
    let at = Columns::positions();
    for i in 0..25 {
        // Cell 2 begins with byte 2 of lane 6.
        let mut instances = honest();
        let Instance { lanes, bytes, .. } = &mut instances[1];
        let (lane, bit) = ((50 + i) / 8, (50 + i) % 8 * 8);
        lanes[0][lane] ^= 1 << bit;
        lanes[1] = keccak::permute(lanes[0]);
        bytes[1] = lanes[1];
        let (state, honest) = (lanes[0], bytes[0][lane] >> bit & 255);
        let mut forged = rows(&instances);
        forged[ROWS + 2][at.spread[i]] = spread(honest ^ 1);
        if lane == 9 {
            let begun = state[9] & ((1 << 24) - 1);
            forged[ROWS + 2][at.rest] = spread(begun);
        }
        only(&forged, &permutations(&instances), &format!("byte[{i}]"));
    }
}

/// A cell of `2^200`, whose byte 25 does not fit, with the lanes of 0.
#[test]
fn cells_are_below_their_bound() {
    let at = Columns::positions();
    let mut instances = honest();
    for side in [0, 8] {
        instances[1].lanes[0] = [0; 25];
        instances[1].bytes[0] = [0; 25];
        instances[1].lanes[1] = keccak::permute([0; 25]);
        instances[1].bytes[1] = instances[1].lanes[1];
        let mut forged = rows(&instances);
        forged[ROWS + side + 3][at.byte[24]] += small(256);
        only(&forged, &permutations(&instances), "byte[24]");
    }
}

/// Each cell, changed in memory, is missed by the lookup; each lane that the rounds have otherwise by its own.
#[test]
fn cells_and_lanes_are_looked_up() {
    let air = air(BASE as u32, (BASE + CELLS * INSTANCES as u64) as u32).unwrap();
    let instances = honest();
    let rows = rows(&instances);
    for (lane, name) in [(0, "lane[0]"), (1, "lane[1]"), (2, "lane[2]"), (24, "last_lane")] {
        for side in 0..2 {
            let mut permutations = permutations(&instances);
            permutations[1][side][lane] ^= 1;
            let report = report(&rows, &permutations);
            assert!(report.constraints.is_empty() && report.imbalances.len() == 2, "{report}");
            assert!(faults(&report).contains(name), "{report}");
        }
    }
    let without_memory = checked(&air, &rows, &[buses::KECCAK_BYTE], lanes(&permutations(&instances)));
    assert_eq!(faults(&without_memory), BTreeSet::from(["cell".to_owned()]));
    assert_eq!(without_memory.imbalances.len(), INSTANCES * ROWS);
}
