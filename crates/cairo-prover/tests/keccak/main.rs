//! The keccak builtin: runs from end to end, and forgers who break one constraint or one lookup alone, which nothing else notices.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

#[allow(dead_code, reason = "each test file takes its part")]
#[path = "../curve/forger.rs"]
mod forger;

mod attack;
mod cells;
mod model;
mod proofs;
mod rounds;
mod runs;

use cairo_air::buses;
use cairo_air::components::keccak_chunks::Operation;
use felt::Felt;
use stark::debug::Report;
use stark::graph::Input;
use stark::{Air, Bus, PublicTuple, Table};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

fn small(value: u64) -> Felt {
    Felt::from(value)
}

/// Whether a lookup table has a tuple.
fn exists(bus: Bus, tuple: &[Felt]) -> bool {
    let Some(tuple) = tuple.iter().map(felt::integers::to_u64).collect::<Option<Vec<u64>>>() else { return false };
    if bus == buses::WORD12 {
        return tuple[0] < 1 << 12;
    }
    if bus == buses::KECCAK_BYTE {
        return tuple[0] < 256 && tuple[1] == (0..8).map(|bit| (tuple[0] >> bit & 1) << (3 * bit)).sum::<u64>();
    }
    let [operation, digits, result] = tuple[..] else { panic!("a tuple of {}", bus.name) };
    let is_in = |count: u32, below: u64| digits >> (3 * count) == 0 && (0..4).all(|i| digits >> (3 * i) & 7 < below);
    match operation {
        0 => is_in(5, 5) && result == Operation::Parity.of(digits),
        1 => is_in(5, 5) && result == Operation::Chi.of(digits),
        2 => is_in(4, 8) && result == Operation::Parity4.of(digits),
        _ => false,
    }
}

/// What the checker says of a table, if others provide what they have of what it looks up in these buses, and besides `public`.
fn checked(air: &Air, rows: &[Vec<Felt>], looked_up: &[Bus], public: Vec<PublicTuple>) -> Report {
    let height = rows.len();
    let mut needed: HashMap<(u32, Vec<[u64; 4]>), PublicTuple> = HashMap::new();
    for (number, row) in rows.iter().enumerate() {
        let values = air.graph().evaluate(|input| match input {
            Input::Main(column) => row[column as usize],
            Input::MainNext(column) => rows[(number + 1) % height][column as usize],
            Input::Periodic(column) => {
                let column = &air.periodic()[column as usize];
                column[number % column.len()]
            }
            _ => Felt::zero(),
        });
        for interaction in air.interactions().iter().filter(|interaction| looked_up.contains(&interaction.bus)) {
            let tuple: Vec<Felt> = interaction.tuple.iter().map(|entry| values[entry.index()]).collect();
            if interaction.bus == buses::MEMORY || exists(interaction.bus, &tuple) {
                let key = (interaction.bus.id, tuple.iter().map(felt::encoding::montgomery_limbs).collect());
                let none = PublicTuple { bus: interaction.bus, multiplicity: Felt::zero(), tuple };
                needed.entry(key).or_insert(none).multiplicity += Felt::one();
            }
        }
    }
    let public: Vec<PublicTuple> = public.into_iter().chain(needed.into_values()).collect();
    let columns = (0..air.width()).map(|column| rows.iter().map(|row| row[column]).collect()).collect();
    let table = Table { air: Arc::new(air.clone()), log_height: height.ilog2() };
    stark::debug::check(&[table], &[columns], &public)
}

/// The names of constraints that fail, and of interactions whose tuples are off.
fn faults(report: &Report) -> BTreeSet<String> {
    let constraints = report.constraints.iter().map(|failure| failure.constraint.clone());
    let parties = report.imbalances.iter().flat_map(|imbalance| &imbalance.parties);
    let parties = parties.map(|(party, ..)| party.split('/').next_back().unwrap().to_owned());
    constraints.chain(parties).collect()
}
