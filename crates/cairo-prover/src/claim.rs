//! What a proof claims of its runs.

use cairo_air::program::PROGRAM_BASE;
use cairo_air::{Builtin, Claim, Program, RunClaim, Segment};
use cairo_execution::{Batch, Execution, Run};
use std::collections::BTreeMap;

/// What a proof of these runs claims, with an instruction table.
pub fn claim(batch: &Batch) -> Claim {
    Claim { runs: batch.runs().map(|run| of_run(&run)).collect(), owned_end: PROGRAM_BASE, fetches: Vec::new() }
}

/// What counts for tables: a claim of one run that has all that several have together.
pub(crate) fn joined(execution: &Execution) -> Claim {
    let run = RunClaim { output: Vec::new(), ..of_run(&execution.run()) };
    Claim { runs: vec![run], owned_end: PROGRAM_BASE, fetches: Vec::new() }
}

fn of_run(run: &Run<'_>) -> RunClaim {
    RunClaim {
        offset: run.offset,
        n_steps: run.n_steps() as u64,
        final_ap: run.trace.last().map_or(0, |registers| registers.ap),
        segments: segments(run.program, run.segments),
        arguments_start: run.arguments_start,
        output: run.output().to_vec(),
    }
}

fn segments(program: &Program, segments: &BTreeMap<Builtin, cairo_execution::Segment>) -> Vec<Segment> {
    let segment = |builtin| {
        let segment = segments.get(builtin);
        segment.map_or(Segment { base: 0, stop: 0 }, |segment| Segment { base: segment.base, stop: segment.stop })
    };
    program.builtins().iter().map(segment).collect()
}
