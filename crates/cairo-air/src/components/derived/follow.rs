//! Paths that are found by following an execution: what a prover proposes, and the verifier derives anew.

use super::air::{TableSize, fetch, start_path};
use super::machine::Choices;
use super::{DerivedError, Linear, MAX_STEPS, Path};
use crate::program::Program;

/// A path that was found by following an execution. It owns no cells yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// The path.
    pub path: Path,
    /// The size of its table.
    pub size: TableSize,
    /// For each cell between `ap` before and after the path, whether a row knows its value. Empty if the path does not move `ap` up by a constant
    /// of at most [`MAX_OWNED`](super::MAX_OWNED).
    pub cells: Vec<bool>,
}

/// The path that visits `pcs`, one step at each.
pub(super) fn follow(
    program: &Program,
    pcs: &[u32],
    taken: Vec<bool>,
    frame: Option<i32>,
    returns: impl Fn(u32, u32) -> Option<u32>,
) -> Result<Followed, DerivedError> {
    let steps = u32::try_from(pcs.len()).unwrap_or(u32::MAX);
    let Some((first, following)) = pcs.split_first().filter(|_| steps <= MAX_STEPS) else {
        return Err(DerivedError::Steps(steps));
    };
    let mut run = start_path(program, *first, frame, false)?;
    let mut choices = Choices::to_follow(&taken);
    for (pc, next) in pcs.iter().zip(following.iter().map(Some).chain([None])) {
        match next {
            Some(next) => choices.go_on(*next, returns(*pc, *next)),
            None => choices.last = true,
        }
        let operation = fetch(program, &run.machine.pc)?;
        run.machine.step(&operation, &mut choices)?;
        let expected = next.map(|pc| Linear::integer(i64::from(*pc)));
        if expected.is_some_and(|expected| expected != run.machine.pc) {
            return Err(DerivedError::Contradiction { pc: run.machine.pc.to_string() });
        }
    }
    let (targets, returns) = (choices.targets.needed(), choices.returns.needed());
    let run = run.finish()?;
    let path = Path { pc: *first, frame, steps, taken, targets, returns, owned: Vec::new() };
    Ok(Followed { path, size: run.size(), cells: run.cells() })
}

/// The paths that visit `pcs` once, twice and so on up to `longest` times: as far as [`follow`] finds them and
/// `fits` wants them.
pub(super) fn follow_again(
    program: &Program,
    pcs: &[u32],
    taken: &[bool],
    frame: Option<i32>,
    longest: u32,
    returns: impl Fn(u32, u32) -> Option<u32>,
    fits: impl Fn(&Followed) -> bool,
) -> Vec<Followed> {
    let mut paths = Vec::new();
    let Some(&first) = pcs.first() else { return paths };
    let Ok(mut run) = start_path(program, first, frame, false) else { return paths };
    let all_taken = taken.repeat(longest as usize);
    let mut choices = Choices::to_follow(&all_taken);
    for times in 1..=longest {
        for (position, pc) in (1..).zip(pcs) {
            if run.machine.pc != Linear::integer(i64::from(*pc)) {
                return paths;
            }
            let Ok(operation) = fetch(program, &run.machine.pc) else { return paths };
            if position == pcs.len() {
                // The path that ends here; its last target stays open.
                let mut run = run.clone();
                let mut choices = Choices { last: true, ..choices.clone() };
                let steps = u32::try_from(pcs.len()).unwrap_or(u32::MAX).saturating_mul(times);
                if steps > MAX_STEPS || run.machine.step(&operation, &mut choices).is_err() {
                    return paths;
                }
                let Ok(run) = run.finish() else { return paths };
                let (targets, returns) = (choices.targets.needed(), choices.returns.needed());
                let taken = taken.repeat(times as usize);
                let path = Path { pc: first, frame, steps, taken, targets, returns, owned: Vec::new() };
                let followed = Followed { path, size: run.size(), cells: run.cells() };
                if !fits(&followed) {
                    return paths;
                }
                paths.push(followed);
            }
            let next = pcs.get(position).copied().unwrap_or(first);
            choices.go_on(next, returns(*pc, next));
            if run.machine.step(&operation, &mut choices).is_err() {
                return paths;
            }
        }
    }
    paths
}
