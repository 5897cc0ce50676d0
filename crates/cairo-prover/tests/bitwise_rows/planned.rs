//! Tables as the planner chooses them.

use super::*;
use cairo_prover::planner::{Costs, DEFAULT_COLUMNS, Price, plan};

/// Runs are proven with what the planner chooses.
#[test]
fn what_the_planner_chooses() {
    for (name, arguments) in [
        ("cairo0/bitwise_edges", None),
        ("cairo0/bitwise_many", None),
        ("cairo0/bitwise_unread", None),
        ("cairo0/mixed_ops", None),
        ("cairo0/all_builtins", None),
    ] {
        let run = execution(name, arguments);
        for byte_ns in [0, 500] {
            let price = Price { byte_ns, parameters: CHEAP };
            let costs = Costs::priced(&run, DEFAULT_COLUMNS, &price);
            let assignment = plan(&run, &costs).assignment().unwrap();
            let witness = build(run.clone(), [7; 32], assignment, 1024, &NoControl).unwrap();
            let clean = report(&witness);
            assert!(clean.is_clean(), "{name}: {clean}");
            assert_eq!(Forger(witness).try_it().unwrap().runs[0].output, run.output(), "{name}");
        }
    }
}
