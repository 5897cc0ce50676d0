//! range_check96: tables with each kind of limbs, by themselves and in proofs of programs.

use crate::common::{self, execution, generic_witness};
use crate::forger::Forger;
use crate::system::{Forgeries, System, table};
use crate::two;
use cairo_air::components::range_check::Limbs;
use cairo_air::components::range_check96::Table;
use cairo_air::components::{Limb, TableKind, memory};
use cairo_air::{Builtin, Policy, Segment, Statement, public_tuples, verify};
use cairo_prover::witness::multiplicities::Multiplicities;
use cairo_prover::witness::{self, builtins::range_check96};
use cairo_prover::{Options, Witness, prove};
use felt::Felt;
use proptest::prelude::*;
use stark::{NoControl, Preset};

const SEGMENT: Segment = Segment { base: 9, stop: 79 };

/// The builtin's table over the segment of such a memory, with what it needs.
fn system_of(kind: Table, cells: &[Felt]) -> System {
    let limb = kind.0.limb();
    let multiplicities = Multiplicities::new(cells.len());
    let rows = range_check96::fill(kind, cells, SEGMENT, 7, &multiplicities, &NoControl).unwrap();
    let limbs = match limb {
        Limb::Bits8 => witness::byte::fill(&multiplicities),
        Limb::Bits12 => witness::word12::fill(&multiplicities),
        Limb::Bits16 => witness::word16::fill(&multiplicities),
    };
    let cells = witness::memory::fill(cells, 1, 6, &multiplicities, &NoControl).unwrap();
    System {
        tables: vec![
            table(kind.table(SEGMENT).unwrap(), 7),
            table(memory::air(1).unwrap(), 6),
            table(limb.table().unwrap(), u32::from(limb.bits())),
        ],
        traces: vec![rows, cells, limbs],
        public: Vec::new(),
    }
}

fn cells() -> Vec<Felt> {
    (0..200_u64).map(|i| Felt::from(i).pow(3_u64) * Felt::from(u64::MAX - i)).collect()
}

/// Every row that shows a cell shows another value, which is what memory has: its limbs but for the first are as given.
fn show(system: &mut System, kind: Table, address: usize, limbs: &[Felt]) {
    let rows: Vec<usize> = (0..128).filter(|row| system.traces[0][0][*row] == Felt::from(address as u64)).collect();
    let bits = u64::from(kind.0.limb().bits());
    for (i, limb) in limbs.iter().enumerate() {
        rows.iter().for_each(|row| system.column(0, &format!("limb[{i}]"))[*row] = *limb);
    }
    let value = limbs.iter().rev().fold(Felt::zero(), |value, limb| value * two(bits) + limb);
    system.set_memory(address, value);
}

#[test]
fn each_constraint_stands_alone() {
    for kind in Table::ALL {
        let mut forgeries = Forgeries::new(system_of(kind, &cells()));
        let (base, stop) = (u64::from(SEGMENT.base), u64::from(SEGMENT.stop));
        let bad = two(96);
        // A cell that no row looks at: the first, one in between, the last. Rows that show it show a neighbour.
        let skip = |address: u64, neighbour: u64| {
            move |system: &mut System| {
                for row in 0..128 {
                    if system.traces[0][0][row] == Felt::from(address) {
                        let from = (0..128).find(|from| system.traces[0][0][*from] == Felt::from(neighbour)).unwrap();
                        system.traces[0].iter_mut().for_each(|column| column[row] = column[from]);
                    }
                }
                system.set_memory(address as usize, bad);
            }
        };
        forgeries.expect("first_address", skip(base, base + 1));
        forgeries.expect("next_address", skip(base + 4, base + 3));
        forgeries.expect("last_address", skip(stop - 1, stop - 2));
        // A limb that is none, in a cell that holds the sum.
        let limb_of = |i: usize, limb: Felt| {
            move |system: &mut System| {
                let mut limbs = vec![Felt::zero(); kind.limbs()];
                limbs[i] = limb;
                show(system, kind, 20, &limbs);
            }
        };
        let bits = u64::from(kind.0.limb().bits());
        for i in 0..kind.limbs() {
            for limb in [two(bits), -Felt::one(), two(96), Felt::from(2_u64).inv().unwrap()] {
                forgeries.expect(&format!("limb[{i}]"), limb_of(i, limb));
            }
        }
        // A cell that the program reads, but for its row: the public side requires what memory has.
        forgeries.expect("cell", |system| system.set_memory(20, bad));
        forgeries.finish();
    }
}

/// What a cell may hold, and what it may not.
#[test]
fn values_at_the_edges() {
    for kind in Table::ALL {
        for value in [Felt::zero(), Felt::one(), two(48) - Felt::one(), two(48), two(95), two(96) - Felt::one()] {
            let mut cells = cells();
            cells[30] = value;
            let report = system_of(kind, &cells).report();
            assert!(report.is_clean(), "{report}");
        }
        let multiplicities = Multiplicities::new(200);
        for value in [two(96), two(96) + Felt::one(), two(128), -Felt::one(), -two(96), two(250)] {
            let mut cells = cells();
            cells[30] = value;
            let refused = range_check96::fill(kind, &cells, SEGMENT, 7, &multiplicities, &NoControl);
            assert!(refused.unwrap_err().to_string().contains("not below 2^96"));
        }
    }
}

/// The row of a known cell, to the byte: what the columns mean cannot change without notice.
#[test]
fn the_columns_of_a_row_are_pinned() {
    let mut cells = cells();
    cells[9] = Felt::from(0x0123_4567_89ab_cdef_u64) * two(32) + Felt::from(0xdead_beef_u64);
    for kind in Table::ALL {
        let system = system_of(kind, &cells);
        let row: Vec<Felt> = system.traces[0].iter().map(|column| column[0]).collect();
        let expected: &[u64] = match kind.limbs() {
            12 => &[9, 0xef, 0xbe, 0xad, 0xde, 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01],
            8 => &[9, 0xeef, 0xadb, 0xfde, 0xcde, 0x9ab, 0x678, 0x345, 0x012],
            _ => &[9, 0xbeef, 0xdead, 0xcdef, 0x89ab, 0x4567, 0x0123],
        };
        assert_eq!(row, expected.iter().copied().map(Felt::from).collect::<Vec<_>>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Random cells below 2^96 have rows that hold.
    #[test]
    fn random_values(values in prop::collection::vec(0_u128..1 << 96, 70), kind in 0..3_usize) {
        let mut cells = cells();
        for (cell, value) in cells[9..79].iter_mut().zip(values) {
            *cell = Felt::from(value as u64) + Felt::from((value >> 64) as u64) * two(64);
        }
        let report = system_of(Table::ALL[kind], &cells).report();
        prop_assert!(report.is_clean(), "{}", report);
    }
}

/// Programs with none, few and many instances, one of which nobody wrote: as planned, and with all steps in the generic table.
#[test]
fn programs() {
    let runs = [
        ("cairo0/range_check96_edges", None, 14),
        ("cairo0/range_check96_hole", None, 3),
        ("cairo0/range_check96_many", Some(r#"{"n": 0}"#), 0),
        ("cairo0/range_check96_many", Some(r#"{"n": 5}"#), 5),
        ("cairo0/range_check96_many", Some(r#"{"n": 3000}"#), 3000),
    ];
    for (name, arguments, instances) in runs {
        let execution = execution(name, arguments);
        execution.check().unwrap();
        let Segment { base, stop } = {
            let segment = execution.segments[&Builtin::RangeCheck96];
            Segment { base: segment.base, stop: segment.stop }
        };
        assert_eq!(stop - base, instances, "{name}");
        let witness = generic_witness(execution.clone());
        let report = common::report(&witness);
        assert!(report.is_clean(), "{name}: {report}");
        let found = witness.layout.kinds().filter(|kind| matches!(kind, TableKind::RangeCheck96(_))).count();
        assert_eq!(found, usize::from(instances > 0), "{name}");
        let output = execution.output().to_vec();
        let statement = Statement::single(execution.program.clone(), execution.arguments.clone(), [7; 32]);
        let options = Options { parameters: Preset::Bench96.parameters(), ..Options::default() };
        let proof = prove(execution, [7; 32], &options, &NoControl).unwrap();
        let verified = verify(&statement, &proof.encode(), &Policy::default()).unwrap();
        assert_eq!(verified.runs[0].output, output, "{name}");
    }
}

/// Writes a value, by its limbs, into an instance that no step reads: the one in the middle of three.
fn with_limbs(limbs: &[(usize, Felt)]) -> Forger {
    let mut forger = Forger::new(&generic_witness(execution("cairo0/range_check96_hole", None)));
    let kind = TableKind::RangeCheck96(Table(Limbs::Bytes));
    let address = forger.instance(Builtin::RangeCheck96, 1);
    assert_eq!(forger.get(&kind, 1, "address"), Felt::from(address));
    let mut value = Felt::zero();
    for (i, limb) in limbs {
        forger.set(&kind, 1, &format!("limb[{i}]"), *limb);
        value += *limb * two(8 * *i as u64);
    }
    forger.set_memory(address, value);
    forger
}

/// What nothing else binds may hold any value in range, and no other, in whole proofs.
#[test]
fn an_instance_that_no_step_reads() {
    let most: Vec<(usize, Felt)> = (0..12).map(|i| (i, Felt::from(255))).collect();
    with_limbs(&most).balance().accepted();
    for (i, limb) in [(11, two(8)), (0, -Felt::one()), (0, two(96)), (3, Felt::from(2).inv().unwrap())] {
        with_limbs(&[(i, limb)]).balance().refused_for(&["byte"]);
    }
    // The same value with the limbs of another, or with no row that looks at it.
    let (kind, bad) = (TableKind::RangeCheck96(Table(Limbs::Bytes)), two(96));
    let mut forger = with_limbs(&[]);
    let address = forger.instance(Builtin::RangeCheck96, 1);
    forger.set_memory(address, bad).balance().refused_for(&["memory"]);
    for neighbour in [0, 2] {
        let mut forger = with_limbs(&[]);
        forger.set_memory(address, bad);
        let columns = forger.columns(&kind);
        for name in columns {
            let value = forger.get(&kind, neighbour, &name);
            forger.set(&kind, 1, &name, value);
        }
        forger.balance().refused_for(&["range_check96_8/next_address"]);
    }
    // A segment that ends before it: the pointer that the program returned says otherwise.
    let mut forger = with_limbs(&[(11, two(8))]);
    let Witness { statement, claim, layout, tables, public, traces } = &mut forger.0;
    claim.runs[0].segments[1].stop -= 2;
    let built = layout.build(&statement.program, claim).unwrap();
    (*tables, *public) = (built.tables, public_tuples(statement, claim, layout));
    let position = layout.tables.iter().position(|entry| entry.kind == kind).unwrap();
    traces[position].iter_mut().for_each(|column| {
        let first = column[0];
        column.fill(first);
    });
    forger.balance().refused_for(&["memory"]);
}
