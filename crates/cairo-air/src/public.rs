//! The public side of the bus sum: tuples that the verifier derives from statement and claim. A proof carries no list of
//! them.

use crate::Builtin;
use crate::buses;
use crate::claim::Claim;
use crate::layout::Layout;
use crate::program::{ArgumentBinding, PROGRAM_BASE, Program};
use crate::statement::Statement;
use felt::Felt;
use stark::PublicTuple;

/// One memory cell that the statement fixes.
fn cell(address: u64, value: Felt) -> PublicTuple {
    PublicTuple::require(buses::MEMORY, vec![Felt::from(address), value])
}

/// The public tuples, for a claim that has passed [`Claim::check`].
///
/// * The initial state is provided and the final state required. All but the final `ap` and the number of steps follow from
///   the program: `fp` comes back, since in canonical proof mode the header itself calls main.
/// * Memory: every word of the program; the head of the execution segment (`[E] = E + 2`, `[E + 1] = 0`: the frame that the
///   header stands on); each builtin's base there and stop pointer below the final `ap`; the output; for Cairo 2 the argument
///   segment and the two pointers to it.
/// * Owned cells: the first address is provided and their end required; if the segment of range_check is among them, it is required
///   as a whole, and its base provided and its end required on the range bus.
/// * Instances of the modular builtins: the first address is provided and their end required, on a bus of each builtin.
/// * Instructions: the claim's fetches, each as often as claimed. What they say follows from the program alone, so a false
///   count can only unbalance the bus.
/// * Instances of bitwise, if they have a row each: the first address is provided and their end required on the bitwise bus; and if these rows
///   own the cells, the segment is required as a whole on the owned bus.
///
/// Of the layout, which has passed [`Layout::check`], only its kinds count.
pub fn public_tuples(statement: &Statement, claim: &Claim, layout: &Layout) -> Vec<PublicTuple> {
    let program = &statement.program;
    let mut tuples = states(statement, claim);
    tuples.push(PublicTuple::provide(buses::OWNED, vec![Felt::from(u64::from(PROGRAM_BASE))]));
    tuples.push(PublicTuple::require(buses::OWNED, vec![Felt::from(u64::from(claim.owned_end))]));
    if let Some(segment) = claim.owned_range(program) {
        let [base, stop] = [segment.base, segment.stop].map(|address| vec![Felt::from(u64::from(address))]);
        tuples.push(PublicTuple::require(buses::OWNED, base.clone()));
        tuples.push(PublicTuple::provide(buses::OWNED, stop.clone()));
        tuples.push(PublicTuple::provide(buses::RANGE, base));
        tuples.push(PublicTuple::require(buses::RANGE, stop));
    }
    tuples.extend(bitwise_rows(program, claim, layout));
    tuples.extend(walks(program, claim));
    for (address, word) in (u64::from(PROGRAM_BASE)..).zip(program.bytecode()) {
        tuples.push(cell(address, *word));
    }
    let (execution, initial_ap) = (u64::from(program.execution_base()), u64::from(program.initial_ap()));
    tuples.push(cell(execution, Felt::from(initial_ap)));
    tuples.push(cell(execution + 1, Felt::zero()));
    // Claim::check has compared the final ap with twice the number of builtins.
    let stops = u64::from(claim.final_ap).saturating_sub(claim.segments.len() as u64);
    for (i, segment) in (0..).zip(&claim.segments) {
        tuples.push(cell(initial_ap + i, Felt::from(u64::from(segment.base))));
        tuples.push(cell(stops + i, Felt::from(u64::from(segment.stop))));
    }
    if let Some(segment) = claim.segment(program, Builtin::Output) {
        tuples.extend((u64::from(segment.base)..).zip(&claim.output).map(|(address, value)| cell(address, *value)));
    }
    if let (ArgumentBinding::Pointers { cell: offset }, Some(start)) = (program.arguments(), claim.arguments_start) {
        let (pointers, start) = (initial_ap + u64::from(offset), u64::from(start));
        tuples.push(cell(pointers, Felt::from(start)));
        tuples.push(cell(pointers + 1, Felt::from(start + statement.arguments.len() as u64)));
        tuples.extend((start..).zip(&statement.arguments).map(|(address, value)| cell(address, *value)));
    }
    for fetch in &claim.fetches {
        // Claim::check has looked each of them up.
        if let Ok(tuple) = fetch.tuple(program) {
            let multiplicity = Felt::from(u64::from(fetch.count));
            tuples.push(PublicTuple { bus: buses::INSTRUCTION, multiplicity, tuple: tuple.to_vec() });
        }
    }
    tuples
}

/// The two ends of the walk over the instances of bitwise, if they have a row each; and who owns them.
fn bitwise_rows(program: &Program, claim: &Claim, layout: &Layout) -> Vec<PublicTuple> {
    let (Some(row), Some(segment)) = (layout.bitwise_rows().next(), claim.segment(program, Builtin::Bitwise)) else {
        return Vec::new();
    };
    let [base, stop] = [segment.base, segment.stop].map(|address| vec![Felt::from(u64::from(address))]);
    let mut tuples = Vec::new();
    if row.owned().is_some() {
        tuples.push(PublicTuple::require(buses::OWNED, base.clone()));
        tuples.push(PublicTuple::provide(buses::OWNED, stop.clone()));
    }
    tuples.push(PublicTuple::provide(buses::BITWISE, base));
    tuples.push(PublicTuple::require(buses::BITWISE, stop));
    tuples
}

/// The two ends of each builtin's walk over its instances, for those whose rows walk on a bus.
fn walks(program: &Program, claim: &Claim) -> Vec<PublicTuple> {
    let mut tuples = Vec::new();
    for builtin in program.builtins() {
        let segment = claim.segment(program, *builtin).filter(|segment| segment.base < segment.stop);
        let (Some(bus), Some(segment)) = (buses::walk(*builtin), segment) else { continue };
        let state = |address: u32| {
            let mut tuple = vec![Felt::zero(); bus.arity];
            if let Some(first) = tuple.first_mut() {
                *first = Felt::from(u64::from(address));
            }
            tuple
        };
        tuples.push(PublicTuple::provide(bus, state(segment.base)));
        tuples.push(PublicTuple::require(bus, state(segment.stop)));
    }
    tuples
}

fn states(statement: &Statement, claim: &Claim) -> Vec<PublicTuple> {
    let program = &statement.program;
    let start = u64::from(program.initial_ap());
    let state = |pc: u32, ap: u64, clock: u64| [u64::from(pc), ap, start, clock].map(Felt::from).to_vec();
    vec![
        PublicTuple::provide(buses::STATE, state(program.initial_pc(), start, 0)),
        PublicTuple::require(buses::STATE, state(program.final_pc(), u64::from(claim.final_ap), claim.n_steps)),
    ]
}

#[cfg(test)]
mod tests;
