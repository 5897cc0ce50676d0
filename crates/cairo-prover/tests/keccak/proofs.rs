//! Full proofs of false instances, pranks on all tables, and instances that padding rows have.

use crate::forger::{Forger, honest, pranks};
use crate::model::{Forged, State, permutation, spread};
use crate::small;
use cairo_air::components::{keccak as cells, keccak_rounds as rounds};
use cairo_air::{Builtin, TableKind, keccak};
use cairo_prover::Witness;
use felt::Felt;
use std::sync::OnceLock;

const CELLS: TableKind = TableKind::Keccak;
const ROUNDS: TableKind = TableKind::KeccakRounds;

/// The program none of whose outputs but one is read.
fn unread() -> &'static Witness {
    static WITNESS: OnceLock<Witness> = OnceLock::new();
    WITNESS.get_or_init(|| honest("cairo0/keccak_unread", Some(r#"{"a": 11, "b": 5}"#)))
}

/// Writes rows into a table, from a row on.
fn write(forger: &mut Forger, kind: &TableKind, first: usize, rows: &[Vec<Felt>]) {
    let (_, trace) = crate::common::table(&mut forger.0, kind);
    for (number, row) in rows.iter().enumerate() {
        trace.iter_mut().zip(row).for_each(|(column, value)| column[first + number] = *value);
    }
}

/// Gives an instance another state after its permutation: cells, their rows, and memory.
fn set_result(forger: &mut Forger, number: usize, state: &State) {
    let address = forger.instance(Builtin::Keccak, number as u32);
    let bytes: Vec<u8> = state.iter().flat_map(|lane| lane.to_le_bytes()).collect();
    for (word, value) in keccak::pack(state).into_iter().enumerate() {
        forger.set_memory(address + 8 + word as u64, value);
        let row = cells::ROWS * number + 8 + word;
        for i in 0..25 {
            let byte = u64::from(bytes[25 * word + i]);
            forger.set(&CELLS, row, &format!("byte[{i}]"), small(byte));
            forger.set(&CELLS, row, &format!("spread[{i}]"), spread(byte));
        }
        for i in 0..3 {
            forger.set(&CELLS, row, &format!("lane[{i}]"), spread(state[3 * word + i]));
        }
        let next = state[3 * word + 3];
        let begun = if word == 7 { next } else { next & ((1 << (8 * (word + 1))) - 1) };
        forger.set(&CELLS, row, "rest", spread(begun));
    }
}

/// Instance 0, whose outputs no step reads, with a result that is another one; everything follows from what is forged.
fn forged(forged: Forged) -> Forger {
    let mut forger = Forger::new(unread());
    let address = forger.instance(Builtin::Keccak, 0);
    let owned_end = u64::from(forger.0.claim.owned_end);
    let words: [Felt; 8] = std::array::from_fn(|i| {
        let at = (address + i as u64 - owned_end) as usize;
        forger.get(&TableKind::Memory, at / 8, &format!("value[{}]", at % 8))
    });
    let (rows, after) = permutation(0, keccak::unpack(&words).unwrap(), forged);
    write(&mut forger, &ROUNDS, 0, &rows);
    set_result(&mut forger, 0, &after);
    forger.balance();
    forger
}

#[test]
fn false_instances_have_no_proof() {
    // The rows of these tests are those of the prover.
    assert!(forged(Forged::Nothing).0.traces == unread().traces);
    forged(Forged::Total(1)).refused_for(&["keccak_rounds/total[4]"]);
    forged(Forged::Head(2)).refused_for(&["word12"]);
}

#[test]
#[ignore = "takes half a minute"]
fn more_false_instances_have_no_proof() {
    forged(Forged::Moved(3)).refused_for(&["keccak_rounds/moved[3]"]);
    forged(Forged::SameParity { sheet: 4, row: 1 }).refused_for(&["keccak_rounds/same_parity[1]"]);
    forged(Forged::MixedLookup(17)).refused_for(&["keccak_chunk"]);
    forged(Forged::Top(0)).refused_for(&["word12"]);
    forged(Forged::Lane(1)).refused_for(&["keccak_lane"]);
    forged(Forged::Swapped).refused_for(&["keccak_rounds/next_row"]);
}

/// A padding instance has the last one's cells: another permutation there is one at the address of the last.
#[test]
fn padding_has_no_values_of_its_own() {
    let mut forger = Forger::new(unread());
    let number = forger.height(&CELLS) / cells::ROWS - 1;
    let last = forger.instance(Builtin::Keccak, 4);
    assert_eq!(forger.get(&CELLS, cells::ROWS * number, "address"), small(last));
    forger.add(&CELLS, cells::ROWS * number, "byte[3]", 1).balance();
    assert!(forger.notices("keccak", "cell"));
    let mut forger = Forger::new(unread());
    forger.add(&ROUNDS, rounds::ROWS * number + 50, "lane[2]", 1).balance();
    forger.refused_for(&["keccak_lane", "keccak_rounds/moved[2]", "keccak_rounds/next_partial[2]"]);
}

#[test]
fn pranks_on_the_lookup_tables() {
    let chunks = [
        ("boolean_bit[0]", 1030, "bit[0]"),
        ("boolean_bit[1]", 2100, "bit[1]"),
        ("boolean_bit[2]", 8191, "bit[2]"),
        ("parity", 0, "multiplicity[0]"),
        ("chi", 700, "multiplicity[1]"),
        ("parity4", 4095, "multiplicity[2]"),
    ];
    pranks(unread(), &TableKind::KeccakChunks, &chunks);
    pranks(unread(), &TableKind::KeccakBytes, &[("pair", 77, "multiplicity")]);
}
