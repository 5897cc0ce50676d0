//! False claims against which one thing alone stands.

use super::balance::balance;
use super::{built, disclose_all, report};
use cairo_air::{CairoProof, Verified, VerifyError, buses, public_tuples, verify};
use cairo_prover::Witness;
use stark::{Air, NoControl, Shape};
use std::collections::BTreeSet;
use std::sync::Arc;
use testkit::proofs::{CHEAP, policy};

/// Makes tables and public tuples what the verifier will make of statement, claim and layout, and all lookups balance where they can.
fn settle(witness: &mut Witness) {
    let Witness { statement, claim, layout, tables, public, .. } = witness;
    let made = built(layout, &statement.program, claim).unwrap();
    (*tables, *public) = (made.tables, public_tuples(statement, claim, layout));
    public.extend(made.disclosed);
    balance(witness);
}

/// A whole proof of a witness, and the verifier's word on it.
fn verdict(witness: &Witness) -> Result<Verified, VerifyError> {
    let Witness { statement, claim, layout, tables, public, traces } = witness;
    let context = statement.context(claim, layout);
    let proof = stark::prove(tables, traces.clone(), public, &context, &CHEAP, &NoControl).unwrap();
    let bytes = proof.encode(&Shape::new(tables, &CHEAP));
    verify(statement, &CairoProof::new(statement, CHEAP, claim.clone(), layout.clone(), bytes).encode(), &policy())
}

/// Expects that what was changed is true all the same: a forger who is refused elsewhere is not refused for the way in which it works.
pub fn accepted(mut witness: Witness) -> Verified {
    settle(&mut witness);
    let verified = verdict(&witness).unwrap();
    assert_eq!(verdict(&disclose_all(witness)), Ok(verified.clone()));
    verified
}

/// Expects that the verifier refuses a whole proof, committed and with disclosed rows, for these constraints and lookups alone (`table/name`):
/// nothing else is wrong once all lookups balance that can, and a verifier without them takes it.
pub fn refused_only_by(mut witness: Witness, expected: &[&str]) {
    settle(&mut witness);
    let expected: BTreeSet<String> = expected.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(faults(&witness), expected, "{}", report(&witness));
    for witness in [witness.clone(), disclose_all(witness.clone())] {
        let verdict = verdict(&witness);
        assert!(matches!(verdict, Err(VerifyError::Stark(_) | VerifyError::Layout(_))), "{expected:?}: {verdict:?}");
    }
    weaken(&mut witness, &expected);
    balance(&mut witness);
    let report = report(&witness);
    assert!(report.is_clean(), "without {expected:?}: {report}");
    let Witness { statement, claim, layout, tables, public, traces } = &witness;
    let context = statement.context(claim, layout);
    let proof = stark::prove(tables, traces.clone(), public, &context, &CHEAP, &NoControl).unwrap();
    assert_eq!(stark::verify(tables, public, &context, &CHEAP, &proof), Ok(()), "without {expected:?}");
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
