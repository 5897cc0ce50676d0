//! False claims against which one thing alone stands.

use super::balance::balance;
use super::forger::Forger;
use super::{disclose_all, report};
use cairo_air::{Verified, VerifyError, buses};
use cairo_prover::Witness;
use stark::Air;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Expects that what was changed is true all the same: a forger who is refused elsewhere is not refused for the way in which it works.
pub fn accepted(witness: Witness) -> Verified {
    let forger = settled(witness);
    let verified = forger.verified().unwrap();
    assert_eq!(Forger(disclose_all(forger.0)).verified(), Ok(verified.clone()));
    verified
}

/// All lookups balance that can, with the tables and public tuples that the verifier makes.
fn settled(witness: Witness) -> Forger {
    let mut forger = Forger(witness);
    forger.reclaim().unwrap();
    forger.balance();
    forger
}

/// Expects that the verifier refuses a whole proof, committed and with disclosed rows, for these constraints and lookups alone (`table/name`):
/// nothing else is wrong once all lookups balance that can, and a verifier without them takes it.
pub fn refused_only_by(witness: Witness, expected: &[&str]) {
    let Forger(mut witness) = settled(witness);
    let expected: BTreeSet<String> = expected.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(faults(&witness), expected, "{}", report(&witness));
    for witness in [witness.clone(), disclose_all(witness.clone())] {
        let verdict = Forger(witness).verified();
        assert!(matches!(verdict, Err(VerifyError::Stark(_) | VerifyError::Layout(_))), "{expected:?}: {verdict:?}");
    }
    weaken(&mut witness, &expected);
    balance(&mut witness);
    let report = report(&witness);
    assert!(report.is_clean(), "without {expected:?}: {report}");
    assert_eq!(Forger(witness).proven(), Ok(()), "without {expected:?}");
}

/// The constraints that fail, and the interactions that touch a tuple out of balance.
fn faults(witness: &Witness) -> BTreeSet<String> {
    let report = report(witness);
    assert!(report.shapes.is_empty(), "{report}");
    let constraints = report.constraints.iter().map(|failure| format!("{}/{}", failure.air, failure.constraint));
    let parties = report.imbalances.iter().flat_map(|imbalance| imbalance.parties.iter().map(|party| party.0.clone()));
    constraints.chain(parties).collect()
}

/// Leaves constraints and interactions out. Of a walk over instances all of it goes, with its two ends.
fn weaken(witness: &mut Witness, names: &BTreeSet<String>) {
    let walks = [buses::ADD_MOD, buses::MUL_MOD];
    for table in &mut witness.tables {
        let mut air: Air = table.air.as_ref().clone();
        let of_air = |name: &String| {
            name.split_once('/').filter(|(table, _)| *table == air.name()).map(|(_, name)| name.to_owned())
        };
        for name in names.iter().filter_map(of_air).collect::<Vec<_>>() {
            if let Some(index) = air.constraints().iter().position(|constraint| constraint.name == name) {
                air = air.without_constraint(index);
            } else if let Some(index) = air.interactions().iter().position(|interaction| interaction.name == name) {
                let bus = air.interactions()[index].bus;
                air = air.without_interaction(index);
                if walks.contains(&bus) {
                    witness.public.retain(|tuple| tuple.bus != bus);
                    while let Some(index) = air.interactions().iter().position(|interaction| interaction.bus == bus) {
                        air = air.without_interaction(index);
                    }
                }
            }
        }
        table.air = Arc::new(air);
    }
}
