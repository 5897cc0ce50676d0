//! Runs from end to end: executed, checked, proven with the planner's tables, verified.

use crate::json;
use cairo_air::{CairoProof, Statement, TableKind, verify};
use cairo_execution::Execution;
use cairo_prover::{Options, prove};
use cairo_runner::{Arguments, RunError, RunLimits, run, unwatched};
use felt::Felt;
use stark::NoControl;
use std::collections::BTreeSet;
use testkit::proofs::{CHEAP, policy};

pub fn try_run(name: &str, arguments: Option<&str>) -> Result<Execution, RunError> {
    let arguments = arguments.map_or_else(Arguments::none, |text| Arguments::from_json(text.as_bytes()).unwrap());
    run(&testkit::programs::program(name), &arguments, &RunLimits::default(), &mut unwatched)
}

/// Proves and verifies a run that the check takes; gives the output and the kinds of tables.
pub fn proven(execution: Execution) -> (Vec<Felt>, BTreeSet<String>) {
    assert_eq!(execution.check(), Ok(()));
    let statement = Statement::single(execution.program.clone(), execution.arguments.clone(), [7; 32]);
    let expected = execution.output().to_vec();
    let options = Options { parameters: CHEAP, ..Options::default() };
    let proof = prove(execution, [7; 32], &options, &NoControl).unwrap().encode();
    let verified = verify(&statement, &proof, &policy()).unwrap();
    assert_eq!(verified.runs[0].output, expected);
    let layout = CairoProof::decode(&proof).unwrap().layout;
    (verified.runs[0].output.clone(), layout.kinds().map(TableKind::to_string).collect())
}

/// Arguments of `ec_op_args`.
pub fn ec_op_arguments(p: &stark_curve::Point, q: &stark_curve::Point, m: &Felt, n: u64) -> String {
    let [p_x, p_y, q_x, q_y, m] = [&p.x, &p.y, &q.x, &q.y, m].map(json);
    format!(r#"{{"p_x": {p_x}, "p_y": {p_y}, "q_x": {q_x}, "q_y": {q_y}, "m": {m}, "n": {n}}}"#)
}
