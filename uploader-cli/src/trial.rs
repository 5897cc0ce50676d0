//! Running units here before anybody else has to: does the program run on the arguments, and how long does it take?

use crate::units::UnitToPush;
use cairo_runner::{Arguments, RunError, RunLimits, RunnableProgram, run, unwatched};
use protocol::{ExternalId, UnitLimits};
use std::time::{Duration, Instant};

/// Bytes that a memory cell takes while a unit is executed: 32 in the virtual machine and 32 in the execution.
const BYTES_PER_CELL: u64 = 64;

/// How a unit ran here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Place of the unit in the push.
    pub index: usize,
    /// Its name.
    pub unit: ExternalId,
    /// Steps.
    pub n_steps: u64,
    /// Memory cells.
    pub memory_cells: u64,
    /// How long the run took.
    pub time: Duration,
    /// Values of output.
    pub output_len: usize,
}

impl Trial {
    /// Bytes of memory that executing the unit takes, about.
    pub const fn memory_bytes(&self) -> u64 {
        self.memory_cells.saturating_mul(BYTES_PER_CELL)
    }
}

/// A unit that does not run.
#[derive(Debug, thiserror::Error)]
#[error("the unit `{unit}` ({place}) does not run here, so nothing was sent: {source}")]
pub struct TrialError {
    /// Its name.
    pub unit: ExternalId,
    /// Where it stands.
    pub place: String,
    /// Why.
    pub source: Box<RunError>,
}

/// Runs `count` units, spread over the push: the first, the last, and others at even distances. `begins` is told of each.
///
/// # Errors
/// The first unit that does not run within the limits.
pub fn run_units(
    program: &RunnableProgram,
    units: &[UnitToPush],
    limits: &UnitLimits,
    count: usize,
    begins: &dyn Fn(&UnitToPush),
) -> Result<Vec<Trial>, TrialError> {
    let limits = RunLimits {
        max_steps: limits.max_steps,
        max_memory_cells: limits.max_memory_cells,
        max_time: Some(Duration::from_secs(limits.time_limit)),
    };
    let trial = |index: usize| {
        let unit = units.get(index)?;
        begins(unit);
        let begin = Instant::now();
        let outcome = run(program, &Arguments::from_felts(&unit.arguments.0), &limits, &mut unwatched);
        let trial = outcome.map(|execution| Trial {
            index,
            unit: unit.id.clone(),
            n_steps: execution.n_steps() as u64,
            memory_cells: execution.memory.len() as u64,
            time: begin.elapsed(),
            output_len: execution.output().len(),
        });
        let failed =
            |source| TrialError { unit: unit.id.clone(), place: unit.place.to_string(), source: Box::new(source) };
        Some(trial.map_err(failed))
    };
    spread(units.len(), count).into_iter().filter_map(trial).collect()
}

/// At most `count` places below `length`, ascending, with the first and the last.
fn spread(length: usize, count: usize) -> Vec<usize> {
    let count = count.min(length);
    match count {
        0 => Vec::new(),
        1 => vec![0],
        _ => (0..count).map(|index| index * (length - 1) / (count - 1)).collect(),
    }
}

/// Steps of each of `length` units: as tried, and between tried ones on a straight line.
pub fn estimates(trials: &[Trial], length: usize) -> Vec<u64> {
    let estimate = |index: usize| {
        let before = trials.iter().rev().find(|trial| trial.index <= index).or_else(|| trials.first());
        let after = trials.iter().find(|trial| trial.index >= index).or_else(|| trials.last());
        match (before, after) {
            (Some(before), Some(after)) if after.index > before.index => {
                let (span, along) = ((after.index - before.index) as u128, (index - before.index) as u128);
                let (first, last) = (u128::from(before.n_steps), u128::from(after.n_steps));
                ((first * (span - along) + last * along) / span) as u64
            }
            (Some(trial), _) | (None, Some(trial)) => trial.n_steps,
            (None, None) => 0,
        }
    };
    (0..length).map(estimate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Source, read};

    fn trial(index: usize, n_steps: u64) -> Trial {
        let unit = "u".parse().expect("an id");
        Trial { index, unit, n_steps, memory_cells: 0, time: Duration::ZERO, output_len: 1 }
    }

    #[test]
    fn places_and_estimates() {
        assert_eq!(spread(10, 2), [0, 9]);
        assert_eq!(spread(10, 4), [0, 3, 6, 9]);
        assert_eq!((spread(1, 2), spread(0, 2), spread(5, 1)), (vec![0], vec![], vec![0]));
        assert_eq!(estimates(&[trial(0, 100), trial(4, 300)], 6), [100, 150, 200, 250, 300, 300]);
        assert_eq!(estimates(&[trial(0, 100)], 3), [100, 100, 100]);
        assert_eq!(estimates(&[], 2), [0, 0]);
    }

    #[test]
    fn units_run_within_limits_or_are_named() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../programs/primes/primes.json");
        let program = RunnableProgram::from_json(&std::fs::read(path).expect("the program")).expect("a program");
        let units = read(&Source::Range("0..300:100".parse().expect("a range")), None, &program).expect("units");
        let trials = run_units(&program, &units, &UnitLimits::default(), 2, &|_| {}).expect("runs");
        assert_eq!(trials.iter().map(|trial| trial.unit.as_str()).collect::<Vec<_>>(), ["0,100", "200,300"]);
        assert!(
            trials.iter().all(|trial| trial.n_steps > 1000 && trial.memory_bytes() > 1000 && trial.output_len == 4)
        );

        let limits = UnitLimits { max_steps: 5000, ..UnitLimits::default() };
        let error = run_units(&program, &units, &limits, 3, &|_| {}).expect_err("too many steps").to_string();
        assert!(error.starts_with("the unit `0,100` (range 0..300:100, line 1) does not run here"), "{error}");
        assert!(error.contains("did not end within 5000 steps"), "{error}");
    }
}
