//! Fewer permutations than instances.

use crate::forger::{Forger, honest};
use crate::small;
use cairo_air::components::{keccak, keccak_rounds};
use cairo_air::{Builtin, TableKind};
use felt::Felt;

const CELLS: TableKind = TableKind::Keccak;
const ROUNDS: TableKind = TableKind::KeccakRounds;

/// Permutations that are left, and the last instance, whose outputs nothing reads; the ones behind it are padding.
const PERMUTATIONS: usize = 4;
const LAST: usize = 4;

/// A table of the rounds of half the height, as an instance says itself what the rounds should: its outputs are its inputs, and stand at their places.
#[test]
fn instances_without_a_permutation_are_refused() {
    let mut forger = Forger::new(&honest("cairo0/keccak_unread", Some(r#"{"a": 11, "b": 5}"#)));
    let instances = forger.height(&CELLS) / keccak::ROWS;
    assert_eq!((instances, forger.height(&ROUNDS) / keccak_rounds::ROWS), (8, 8));
    assert_eq!(
        forger.get(&CELLS, keccak::ROWS * LAST, "address"),
        small(forger.instance(Builtin::Keccak, LAST as u32))
    );
    let position = forger.0.layout.tables.iter().position(|entry| entry.kind == ROUNDS).unwrap();
    let height = PERMUTATIONS * keccak_rounds::ROWS;
    forger.0.layout.tables[position].log_height = height.ilog2();
    forger.0.tables[position].log_height = height.ilog2();
    forger.0.traces[position].iter_mut().for_each(|column| column.truncate(height));

    let back = small((keccak_rounds::LAST_PLACE - keccak_rounds::FIRST_PLACE) as u64);
    let (names, trace) = crate::common::table(&mut forger.0, &CELLS);
    for row in (LAST * keccak::ROWS..instances * keccak::ROWS).filter(|row| row % keccak::ROWS >= 8) {
        for (name, column) in names.iter().zip(trace.iter_mut()) {
            column[row] = column[row - 8] - if name == "place" { back } else { Felt::zero() };
        }
    }
    let address = forger.instance(Builtin::Keccak, LAST as u32);
    let owned_end = u64::from(forger.0.claim.owned_end);
    for word in 0..8 {
        let at = (address + word - owned_end) as usize;
        let input = forger.get(&TableKind::Memory, at / 8, &format!("value[{}]", at % 8));
        forger.set_memory(address + 8 + word, input);
    }
    // Everything fits but that an instance's rows have one place.
    forger.balance().refused_for(&["keccak/next_place"]);
}
