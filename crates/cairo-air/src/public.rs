//! The public side of the bus sum: tuples that the verifier derives from statement and claim. A proof carries no list of
//! them.

use crate::Builtin;
use crate::buses;
use crate::claim::Claim;
use crate::layout::Layout;
use crate::program::{ArgumentBinding, PROGRAM_BASE, Program};
use crate::statement::Statement;
use felt::Felt;
use felt::integers::small;
use stark::{PublicTerms, PublicTuple};
use std::iter::repeat_n;

/// One memory cell that the statement fixes.
#[inline]
fn cell(address: u64, value: Felt) -> [Felt; 2] {
    [small(address), value]
}

/// [`public_terms`], each by itself.
pub fn public_tuples(statement: &Statement, claim: &Claim, layout: &Layout) -> Vec<PublicTuple> {
    public_terms(statement, claim, layout).to_tuples()
}

/// The public tuples, for a claim that has passed [`Claim::check`].
///
/// * Of each run the initial state is provided and the final state required. All but the final `ap`, the number of steps and where the
///   execution segment begins follow from the program: `fp` comes back, since in canonical proof mode the header itself calls main.
/// * Memory: every word of the program; of each run the head of the execution segment (`[E] = E + 2`, `[E + 1] = 0`: the frame that the
///   header stands on); each builtin's base there and stop pointer below the final `ap`; the output; for Cairo 2 the argument
///   segment and the two pointers to it.
/// * Owned cells: the first address is provided and their end required; if the segment of range_check is among them, it is required
///   as a whole, and its base provided and its end required on the range bus.
/// * Instances of the modular builtins: the first address is provided and their end required, on a bus of each builtin; and where the instances of a
///   run end, but for the last of them, the memory cell that says so.
/// * Instructions: the claim's fetches, each as often as claimed. What they say follows from the program alone, so a false
///   count can only unbalance the bus.
/// * Instances of bitwise, if they have a row each: the first address is provided and their end required on the bitwise bus; and if these rows
///   own the cells, the segment is required as a whole on the owned bus.
///
/// Of the layout, which has passed [`Layout::check`], only its kinds count.
pub fn public_terms(statement: &Statement, claim: &Claim, layout: &Layout) -> PublicTerms {
    let program = &statement.program;
    let mut terms = PublicTerms::new();
    states(program, claim, &mut terms);
    terms.provide(buses::OWNED, [small(u64::from(PROGRAM_BASE))]);
    terms.require(buses::OWNED, [small(u64::from(claim.owned_end))]);
    if let Some(segment) = claim.owned_range(program) {
        let [base, stop] = [segment.base, segment.stop].map(|address| [small(u64::from(address))]);
        terms.require(buses::OWNED, base);
        terms.provide(buses::OWNED, stop);
        terms.provide(buses::RANGE, base);
        terms.require(buses::RANGE, stop);
    }
    bitwise_rows(program, claim, layout, &mut terms);
    walks(program, claim, &mut terms);
    let mut cells = |start: u64, values: &[Felt]| {
        terms.require_each(buses::MEMORY, (start..).zip(values).map(|(address, value)| cell(address, *value)));
    };
    cells(u64::from(PROGRAM_BASE), program.bytecode());
    for (run, arguments) in claim.runs.iter().zip(&statement.runs) {
        let initial_ap = run.initial_ap(program);
        cells(run.execution_base(program), &[small(initial_ap), Felt::zero()]);
        // Claim::check has compared the final ap with twice the number of builtins.
        let stops = u64::from(run.final_ap).saturating_sub(run.segments.len() as u64);
        for (i, segment) in (0..).zip(&run.segments) {
            cells(initial_ap + i, &[small(u64::from(segment.base))]);
            cells(stops + i, &[small(u64::from(segment.stop))]);
        }
        if let Some(segment) = run.segment(program, Builtin::Output) {
            cells(u64::from(segment.base), &run.output);
        }
        if let (ArgumentBinding::Pointers { cell: offset }, Some(start)) = (program.arguments(), run.arguments_start) {
            let (pointers, start) = (initial_ap + u64::from(offset), u64::from(start));
            cells(pointers, &[small(start), small(start + arguments.len() as u64)]);
            cells(start, arguments);
        }
    }
    for fetch in &claim.fetches {
        // Claim::check has looked each of them up.
        if let Ok(tuple) = fetch.tuple(program) {
            terms.push(buses::INSTRUCTION, small(u64::from(fetch.count)), tuple);
        }
    }
    terms
}

/// The two ends of the walk over the instances of bitwise, if they have a row each; and who owns them.
fn bitwise_rows(program: &Program, claim: &Claim, layout: &Layout, terms: &mut PublicTerms) {
    let (Some(row), Some(segment)) = (layout.bitwise_rows().next(), claim.segment(program, Builtin::Bitwise)) else {
        return;
    };
    let [base, stop] = [segment.base, segment.stop].map(|address| [small(u64::from(address))]);
    if row.owned().is_some() {
        terms.require(buses::OWNED, base);
        terms.provide(buses::OWNED, stop);
    }
    terms.provide(buses::BITWISE, base);
    terms.require(buses::BITWISE, stop);
}

/// The two ends of each builtin's walk over its instances, for those whose rows walk on a bus; and that no batch of instances goes on from one run to the
/// next: the last cell of an instance counts those of its batch from itself on, and is 1 where a run's part ends.
fn walks(program: &Program, claim: &Claim, terms: &mut PublicTerms) {
    for (builtin, bus) in program.builtins().iter().filter_map(|builtin| Some((*builtin, buses::walk(*builtin)?))) {
        let Some(segment) = claim.segment(program, builtin).filter(|segment| segment.base < segment.stop) else {
            continue;
        };
        let state =
            |address: u32| std::iter::once(small(u64::from(address))).chain(repeat_n(Felt::zero(), bus.arity - 1));
        terms.provide(bus, state(segment.base));
        terms.require(bus, state(segment.stop));
        let parts = claim.runs.iter().filter_map(|run| run.segment(program, builtin));
        for part in parts.filter(|part| part.base < part.stop && part.stop < segment.stop) {
            terms.require(buses::MEMORY, cell(u64::from(part.stop) - 1, Felt::one()));
        }
    }
}

/// Each run's first and last state, at clocks of its own.
fn states(program: &Program, claim: &Claim, terms: &mut PublicTerms) {
    for (clock, run) in claim.clocks() {
        let start = run.initial_ap(program);
        let state = |pc: u32, ap: u64, clock: u64| [u64::from(pc), ap, start, clock].map(small);
        terms.provide(buses::STATE, state(program.initial_pc(), start, clock));
        terms.require(buses::STATE, state(program.final_pc(), u64::from(run.final_ap), clock + run.n_steps));
    }
}

#[cfg(test)]
mod tests;
