#![allow(clippy::unwrap_used)]

use super::*;
use crate::claim::claim;
use crate::planner::tests::execution;
use cairo_air::{Layout, Statement, buses, public_tuples};
use cairo_execution::Batch;

/// What the verifier looks up in the stack of each of several runs is used, whatever the runs do with it.
#[test]
fn public_cells_of_every_run_are_used() {
    for name in ["cairo0/all_builtins_unused", "cairo0/all_builtins", "cairo0/sum_to_n"] {
        let arguments = (name == "cairo0/sum_to_n").then_some(r#"{"n": 5}"#);
        let run = execution(name, arguments);
        let batch = Batch::new(&vec![run; 3]).unwrap();
        let joined = batch.joined();
        let (blocks, runs) = (Blocks::new(joined), batch.runs().map(|run| run.arguments.to_vec()).collect());
        let usage = Usage::new(joined, &Grammar::new(&blocks, &joined.program));
        let (used, _) = usage.used();
        let statement = Statement { program: joined.program.clone(), runs, prover: [0; 32] };
        let public = public_tuples(&statement, &claim(&batch), &Layout { tables: Vec::new(), disclosed: Vec::new() });
        let memory = public.iter().filter(|tuple| tuple.bus == buses::MEMORY);
        let stack = joined.program.execution_base()..joined.trace.last().unwrap().ap;
        let cells: Vec<u32> = memory.filter_map(|tuple| address(&tuple.tuple[0])).collect();
        let mut cells: Vec<u32> = cells.into_iter().filter(|cell| stack.contains(cell)).collect();
        assert!(cells.iter().all(|cell| used[*cell as usize]), "{name}");
        cells.sort_unstable();
        cells.dedup();
        assert_eq!(cells.len(), 3 * (2 + 2 * joined.program.builtins().len()), "{name}");
    }
}
