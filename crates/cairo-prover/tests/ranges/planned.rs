//! Rows as the planner chooses them.

use super::*;
use cairo_prover::planner::{Costs, DEFAULT_COLUMNS, Price, plan};
use cairo_prover::witness::build;
use common::disclosed_and_proven;
use common::random::Random;

/// Runs are proven with what the planner chooses, whether columns cost little or much.
#[test]
fn what_the_planner_chooses() {
    let count = r#"{"lo": 2, "hi": 150}"#;
    let mut random = Random(15);
    let mut seen = BTreeSet::new();
    for (name, arguments) in [
        ("cairo0/range_check_edges", None),
        ("cairo0/range_check_math", None),
        ("cairo0/range_check_one", None),
        ("cairo0/range_count", Some(count)),
        ("cairo0/uint256", None),
        ("cairo0/mixed_ops", None),
        ("cairo0/hints_secp", None),
        ("cairo0/dict", None),
        ("cairo0/all_builtins", None),
    ] {
        let run = execution(name, arguments);
        for byte_ns in [0, 500] {
            let price = Price { byte_ns, parameters: CHEAP };
            let costs = Costs::priced(&run, DEFAULT_COLUMNS, &price);
            let assignment = plan(&run, &costs).assignment().unwrap();
            assert_eq!(assignment.cover.checks, [], "{name}");
            let witness = build(run.clone(), [7; 32], assignment, 1024, &NoControl).unwrap();
            for entry in &witness.layout.tables {
                if let TableKind::RangeRow(row) = &entry.kind {
                    seen.insert(if row.cells() > 1 { "several" } else { "one" });
                    seen.extend(row.entries().iter().map(|entry| match entry.uses {
                        UNUSED => "unused",
                        ONCE => "once",
                        _ => "counted",
                    }));
                }
            }
            let verified = disclosed_and_proven(witness, &mut random, name);
            assert_eq!(verified.runs[0].output, run.output(), "{name}");
        }
    }
    // Whether a cell is used more than once by others than its row depends on who executes the steps.
    seen.remove("counted");
    assert_eq!(seen, BTreeSet::from(["once", "one", "several"]));
}
