//! What a proof claims of an execution.

use cairo_air::program::PROGRAM_BASE;
use cairo_air::{Claim, Segment};
use cairo_execution::Execution;

/// What a proof of this execution claims, with an instruction table.
pub fn claim(execution: &Execution) -> Claim {
    let segment = |builtin| {
        let segment = execution.segments.get(builtin);
        segment.map_or(Segment { base: 0, stop: 0 }, |segment| Segment { base: segment.base, stop: segment.stop })
    };
    Claim {
        n_steps: execution.n_steps() as u64,
        owned_end: PROGRAM_BASE,
        final_ap: execution.trace.last().map_or(0, |registers| registers.ap),
        segments: execution.program.builtins().iter().map(segment).collect(),
        arguments_start: execution.arguments_start,
        output: execution.output().to_vec(),
        fetches: Vec::new(),
    }
}
