//! Every constraint and every interaction is enforced: for each there is a dishonest witness that violates it alone. The
//! verifier refuses that witness, and accepts it when both sides leave the constraint or interaction out.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{CHAIN, IDLE_TABLE, PAIRS, SQUARES, SQUARES_TABLE, System, features, felt, parameters, quiet};
use felt::Felt;
use stark::{AirBuilder, Bus, PublicTuple, Rows, Table, VerifyError, debug};
use std::sync::Arc;

/// A witness for [`features`] in which only `name` of table `table` is violated.
fn violate_constraint(table: usize, air: &str, name: &str) -> System {
    let mut system = quiet();
    match (air, name) {
        ("squares", "starts at 0") => {
            for row in 0..64 {
                *system.cell(SQUARES_TABLE, "n", row) += felt(5);
            }
        }
        ("squares", "counts") => *system.cell(table, "n", 63) = felt(99),
        ("chain", "on is boolean") => {
            // One row that counts twice.
            *system.cell(table, "on", 0) = felt(2);
            *system.cell(SQUARES_TABLE, "multiplicity", 0) = felt(2);
            set_public(&mut system, table, (felt(2), felt(2)), felt(0), felt(0));
        }
        ("chain", "root follows parity") => {
            *system.cell(table, "on", 0) = felt(1);
            *system.cell(table, "root", 0) = felt(5);
            *system.cell(table, "square", 0) = felt(25);
            *system.cell(SQUARES_TABLE, "multiplicity", 5) = felt(1);
            set_public(&mut system, table, (felt(1), felt(1)), felt(5), felt(25));
        }
        ("gadgets", "product") => *system.cell(table, "c", 70) += felt(1),
        ("gadgets", "alternates") => *system.cell(table, "w", 9) = felt(2),
        ("gadgets", "accumulates") => *system.cell(table, "s", 127) += felt(1),
        ("gadgets", "first") => *system.cell(table, "first", 0) = felt(3),
        ("gadgets", "last") => *system.cell(table, "last", 127) = felt(4),
        ("gadgets", "fixed") => *system.cell(table, "q", 31) = felt(0),
        ("idle", "starts at 1") => {
            let mut z = felt(2);
            for row in 0..system.tables[IDLE_TABLE].height() {
                *system.cell(IDLE_TABLE, "z", row) = z;
                z = z * z + felt(1);
            }
        }
        ("idle", "squares up") => *system.cell(table, "z", 511) = felt(0),
        _ => panic!("write a witness that violates `{name}` of `{air}`"),
    }
    system
}

/// Public tuples that give row 0 of a chain its state and take its next one.
fn set_public(system: &mut System, table: usize, (give, take): (Felt, Felt), root: Felt, square: Felt) {
    let (step, value) = (*system.cell(table, "step", 0), *system.cell(table, "value", 0));
    let next = vec![step + felt(1), value * root + square];
    system.public = vec![
        PublicTuple { bus: CHAIN, multiplicity: give, tuple: vec![step, value] },
        PublicTuple { bus: CHAIN, multiplicity: -take, tuple: next },
    ];
}

/// A witness in which all constraints hold and only the terms of `name` upset the balance, and the bus they upset.
fn violate_interaction(table: usize, air: &str, name: &str) -> (System, Bus) {
    let mut system = quiet();
    let bus = match (air, name) {
        ("squares", "entry") => {
            *system.cell(table, "multiplicity", 4) = felt(1);
            SQUARES
        }
        ("chain", _) => {
            *system.cell(table, "on", 0) = felt(1);
            let square = if name == "square" { felt(123) } else { felt(0) };
            *system.cell(table, "square", 0) = square;
            set_public(&mut system, table, (felt(1), felt(1)), felt(0), square);
            match name {
                // A square that is in no table.
                "square" => SQUARES,
                // A state from nowhere, or one that is lost.
                "state" | "next state" => {
                    *system.cell(SQUARES_TABLE, "multiplicity", 0) = felt(1);
                    system.public.remove(usize::from(name == "next state"));
                    CHAIN
                }
                _ => panic!("write a witness that violates `{name}` of `{air}`"),
            }
        }
        ("gadgets", "degree 2") => {
            *system.cell(table, "on", 3) = felt(1);
            SQUARES
        }
        ("gadgets", "cubed multiplicity") => {
            *system.cell(table, "g", 0) = felt(2);
            *system.cell(table, "y", 0) = felt(10);
            SQUARES
        }
        ("gadgets", "left") => {
            *system.cell(table, "m", 5) = felt(1);
            PAIRS
        }
        ("gadgets", "right") => {
            *system.cell(table, "r", 5) = felt(1);
            PAIRS
        }
        ("gadgets", "extra") => {
            *system.cell(table, "extra", 127) = -felt(1);
            PAIRS
        }
        _ => panic!("write a witness that violates `{name}` of `{air}`"),
    };
    (system, bus)
}

/// The verifier's answer to the proof of a system's witness.
fn answer(system: &System) -> Result<(), VerifyError> {
    system.verify(&parameters(), &system.prove(&parameters()).unwrap())
}

fn assert_clean_and_accepted(system: &System) {
    let report = debug::check(&system.tables, &system.traces, &system.public);
    assert!(report.is_clean(), "{report}");
    assert_eq!(answer(system), Ok(()));
}

#[test]
fn every_constraint() {
    let mut caught = 0;
    for (position, table) in features().tables.iter().enumerate() {
        for (index, constraint) in table.air.constraints().iter().enumerate() {
            let system = violate_constraint(position, table.air.name(), &constraint.name);
            let report = debug::check(&system.tables, &system.traces, &system.public);
            assert_eq!((report.constraints.len(), report.imbalances.len()), (1, 0), "{report}");
            assert_eq!(report.constraints[0].table, position);
            assert!(report.has_constraint(table.air.name(), &constraint.name), "{report}");
            assert_eq!(answer(&system), Err(VerifyError::Constraints(table.log_height)), "{}", constraint.name);
            assert_clean_and_accepted(&system.with_air(position, table.air.without_constraint(index)));
            caught += 1;
        }
    }
    // The chain's two constraints count twice, once a table.
    assert_eq!(caught, 2 + 2 * 2 + 6 + 2);
}

#[test]
fn every_interaction() {
    let mut caught = 0;
    for (position, table) in features().tables.iter().enumerate() {
        for (index, interaction) in table.air.interactions().iter().enumerate() {
            let (system, bus) = violate_interaction(position, table.air.name(), &interaction.name);
            let report = debug::check(&system.tables, &system.traces, &system.public);
            assert_eq!((report.constraints.len(), report.imbalances.len()), (0, 1), "{report}");
            assert!(report.has_imbalance(bus), "{report}");
            assert_eq!(answer(&system), Err(VerifyError::BusSum), "{}", interaction.name);
            assert_clean_and_accepted(&system.with_air(position, table.air.without_interaction(index)));
            caught += 1;
        }
    }
    assert_eq!(caught, 1 + 2 * 3 + 5);
}

/// The next row of the last row is the first: constraints on all rows wrap around, those on transitions do not.
#[test]
fn the_last_row() {
    for (rows, expected) in [(Rows::All, Err(VerifyError::Constraints(6))), (Rows::Transition, Ok(()))] {
        let mut b = AirBuilder::new("counter");
        let n = b.column("n");
        b.constrain("counts", rows, b.next(&n) - &n - 1);
        let tables = vec![Table { air: Arc::new(b.build().unwrap()), log_height: 6 }];
        let system = System { tables, traces: vec![vec![(0..64).map(felt).collect()]], public: vec![] };
        assert_eq!(answer(&system), expected);
    }
}
