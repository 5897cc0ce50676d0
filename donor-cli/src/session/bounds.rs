//! What the donor gives a unit at most, whatever its project allows, and which leases it does not begin at all.

use crate::progress::words;
use crate::state::ledger::Speed;
use protocol::{FailureCause, LeaseMode, LeasedUnit, UnitLimits};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The least memory with which a unit can do anything.
pub const LEAST_MEMORY: u64 = 250_000_000;

/// Steps of a lease for a machine of which nothing was measured yet: seconds of work for most.
const UNMEASURED_LEASE: u64 = 1 << 20;

/// What a unit gets if nobody says otherwise: a day of processor time.
pub const STANDARD_TIME: Duration = Duration::from_secs(24 * 3600);

/// What the donor gives a unit at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Seconds of processor time for execution and proof.
    pub max_unit_time: u64,
    /// Steps; as many as memory allows if not given.
    pub max_unit_steps: Option<u64>,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { max_unit_time: STANDARD_TIME.as_secs(), max_unit_steps: None }
    }
}

impl Bounds {
    /// Most steps of a unit to ask for, given what memory allows: no more than can be done in time either, once the speed is
    /// known.
    pub fn most_steps(&self, speed: &Speed, fits_memory: u64) -> u64 {
        let in_time = match speed.steps_per_second(1.0) {
            0 => u64::MAX,
            speed => speed.saturating_mul(self.max_unit_time),
        };
        fits_memory.min(in_time).min(self.max_unit_steps.unwrap_or(u64::MAX)).max(1)
    }

    /// Most steps of all units of a lease together: what is done in so long, and what one proof can be of in the memory.
    pub fn lease_steps(speed: u64, batch: Duration, fits_memory: u64) -> u64 {
        let in_time = if speed == 0 { UNMEASURED_LEASE } else { speed.saturating_mul(batch.as_secs()) };
        in_time.min(fits_memory)
    }

    /// What a unit may use in a lease's mode. An execution that is to be proved has its steps already.
    pub fn limits(&self, project: &UnitLimits, mode: LeaseMode) -> UnitLimits {
        let steps = self.max_unit_steps.filter(|_| mode != LeaseMode::Prove).unwrap_or(u64::MAX);
        UnitLimits {
            max_steps: project.max_steps.min(steps),
            max_memory_cells: project.max_memory_cells,
            time_limit: project.time_limit.min(self.max_unit_time),
        }
    }

    /// Why a unit is larger than anything that the donor asks for, if it is.
    pub fn refuse(&self, unit: &LeasedUnit) -> Option<String> {
        let (most, steps) = (self.max_unit_steps?, unit.steps());
        (steps > most).then(|| {
            let (steps, most) = (words::count(steps), words::count(most));
            format!("the unit has about {steps} steps, but this donor takes at most {most} (its own limit, --max-unit-steps)")
        })
    }

    /// A failure at one of these bounds that is none at the project's: it says nothing about the unit. `seconds` of
    /// processor time are what the project would have allowed for what was under way.
    pub fn explain(&self, project: &UnitLimits, seconds: u64, cause: FailureCause) -> Option<String> {
        match (cause, self.max_unit_steps) {
            (FailureCause::StepLimit, Some(most)) if most < project.max_steps => Some(format!(
                "the unit takes more than {} steps, the most that this donor gives one (its own limit, --max-unit-steps)",
                words::count(most)
            )),
            (FailureCause::TimeLimit, _) if self.max_unit_time < seconds => Some(format!(
                "the unit takes more than {} of processor time, the most that this donor gives one (its own limit, \
                 --max-unit-time)",
                words::duration(Duration::from_secs(self.max_unit_time))
            )),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_asked_for_than_the_bounds_allow() {
        let slow = Speed { execute: 2_000.0, prove: 2_000.0, ..Speed::default() };
        let bounds = Bounds { max_unit_time: 60, max_unit_steps: None };
        assert_eq!(bounds.most_steps(&Speed::default(), 1 << 30), 1 << 30, "nothing measured yet");
        assert_eq!(bounds.most_steps(&slow, 1 << 30), 60_000);
        assert_eq!(bounds.most_steps(&slow, 5_000), 5_000);
        let few = Bounds { max_unit_steps: Some(1_000), ..bounds };
        assert_eq!(few.most_steps(&slow, 1 << 30), 1_000);
        let fast = Speed { execute: 1e12, prove: 1e12, ..Speed::default() };
        let most = Bounds { max_unit_time: u64::MAX, ..Bounds::default() };
        assert_eq!(most.most_steps(&fast, u64::MAX), u64::MAX);
    }

    #[test]
    fn a_lease_is_of_so_much_work_and_fits_the_memory() {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        assert_eq!(Bounds::lease_steps(100_000, minutes(15), u64::MAX), 90_000_000);
        assert_eq!(Bounds::lease_steps(100_000, minutes(15), 1_000_000), 1_000_000);
        assert_eq!(Bounds::lease_steps(0, minutes(15), u64::MAX), UNMEASURED_LEASE);
        assert_eq!(Bounds::lease_steps(100_000, Duration::ZERO, u64::MAX), 0, "one unit at a time");
        assert_eq!(Bounds::lease_steps(u64::MAX, minutes(15), u64::MAX), u64::MAX);
    }

    #[test]
    fn only_what_the_project_allows_is_the_donors_own_limit() {
        let project = UnitLimits { max_steps: 1_000, max_memory_cells: 1, time_limit: 600 };
        let tight = Bounds { max_unit_time: 60, max_unit_steps: Some(100) };
        let wide = Bounds { max_unit_time: 86_400, max_unit_steps: Some(10_000) };
        for cause in [FailureCause::StepLimit, FailureCause::TimeLimit] {
            assert!(tight.explain(&project, 1_200, cause).is_some_and(|why| why.contains("its own limit")), "{cause}");
            assert_eq!(wide.explain(&project, 1_200, cause), None, "{cause}");
        }
        assert_eq!(tight.explain(&project, 1_200, FailureCause::Panic), None);
        assert_eq!(tight.limits(&project, LeaseMode::Both).max_steps, 100);
        assert_eq!(tight.limits(&project, LeaseMode::Prove).max_steps, 1_000);
        assert_eq!(wide.limits(&project, LeaseMode::Both), project);
    }
}
