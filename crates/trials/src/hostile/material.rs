//! What attackers work with: a real run and a real proof to twist, and what they learn on the way.

use crate::prover::Prover;
use cairo_air::Builtin;
use cairo_execution::Execution;
use felt::Felt;
use protocol::{Felts, Identity, Lease, LeaseToken, UnitId};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Units and leases that are remembered at most.
const MOST: usize = 2000;

/// Shared by all attackers.
pub struct Material {
    /// A proof of a unit by somebody who is none of them.
    pub proof: Vec<u8>,
    /// The run that it is of.
    pub execution: Execution,
    learned: Mutex<Learned>,
}

#[derive(Default)]
struct Learned {
    units: VecDeque<(UnitId, Felts)>,
    leases: VecDeque<(Identity, LeaseToken)>,
}

impl Material {
    /// Makes run and proof.
    ///
    /// # Errors
    /// If the program cannot be run or its run not proved.
    pub async fn new(prover: &Prover) -> anyhow::Result<Self> {
        let arguments = Felts(vec![Felt::from(0), Felt::from(4)]);
        let execution = prover.execute(&arguments)?;
        let somebody = Identity::from_seed(&[0xdd; 32]).donor_key();
        let (proof, _) = prover.prove(arguments, somebody).await?;
        Ok(Self { proof, execution, learned: Mutex::default() })
    }

    fn learned(&self) -> MutexGuard<'_, Learned> {
        // A panic while holding the lock would leave the lists as good as before.
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A lease tells of a unit.
    pub fn learn(&self, identity: &Identity, lease: &Lease) {
        let mut learned = self.learned();
        if learned.units.len() >= MOST {
            learned.units.pop_front();
        }
        if learned.leases.len() >= MOST {
            learned.leases.pop_front();
        }
        learned.units.push_back((lease.units[0].id, lease.units[0].arguments.clone()));
        learned.leases.push_back((identity.clone(), lease.token));
    }

    /// A unit that one of them has seen.
    pub fn unit(&self, draw: usize) -> Option<(UnitId, Felts)> {
        let learned = self.learned();
        let place = draw.checked_rem(learned.units.len())?;
        learned.units.get(place).cloned()
    }

    /// A lease that one of them has taken.
    pub fn lease(&self, draw: usize) -> Option<(Identity, LeaseToken)> {
        let learned = self.learned();
        let place = draw.checked_rem(learned.leases.len())?;
        learned.leases.get(place).cloned()
    }
}

/// A file that has the shape of an execution on these arguments, and is of a run that never was: one step leads from the
/// first state to the last, and the output is what was wanted.
///
/// # Errors
/// If the file cannot be written to memory.
pub fn invented(real: &Execution, arguments: &Felts, count: u64) -> anyhow::Result<Vec<u8>> {
    let mut execution = real.clone();
    let (first, last) = (execution.trace.first().copied(), execution.trace.last().copied());
    execution.trace = first.into_iter().chain(last).collect();
    execution.arguments.clone_from(&arguments.0);
    let base = execution.segments.get(&Builtin::Output).map_or(0, |segment| segment.base as usize);
    let values = arguments.0.iter().copied().chain([Felt::from(count)]);
    for (cell, value) in execution.memory.iter_mut().skip(base).zip(values) {
        *cell = value;
    }
    let mut bytes = Vec::new();
    cairo_execution::save(&execution, &mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invention_has_the_shape_of_a_run_and_is_none() {
        let prover = Prover::new(1).unwrap();
        let real = prover.execute(&Felts(vec![Felt::from(0), Felt::from(4)])).unwrap();
        // Who invents writes the file whatever the run: only its form stands between.
        let file = invented(&real, &Felts(vec![Felt::from(8), Felt::from(12)]), 99).unwrap();
        let read = cairo_execution::load(file.as_slice(), cairo_execution::LoadLimits::default());
        assert!(matches!(read, Err(cairo_execution::LoadError::Invalid(_))), "{read:?}");
    }
}
