//! Owning words: planned and proven, and a prank for every constraint and interaction of their tables.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use cairo_air::components::OwningWord;
use cairo_air::fetch::MAX_FETCHES;
use cairo_air::{TableKind, buses};
use cairo_execution::Execution;
use cairo_prover::planner::{Costs, DEFAULT_BYTE_PRICE_NS, DEFAULT_COLUMNS, Price, plan};
use cairo_prover::prove::witness;
use cairo_prover::witness::build;
use cairo_prover::{StepTable, Witness};
use common::random::Random;
use common::{disclosed_and_proven, execution, owning_words, report};
use felt::Felt;
use stark::{NoControl, Parameters};
use std::collections::BTreeSet;
use testkit::programs::suite;

fn made(execution: &Execution, steps: Vec<StepTable>) -> Witness {
    witness(execution.clone(), [7; 32], steps, MAX_FETCHES, &NoControl).unwrap()
}

fn owners(witness: &Witness) -> Vec<(usize, OwningWord)> {
    let owner = |kind: &TableKind| match kind {
        TableKind::OwningWord(word) => Some(word.clone()),
        _ => None,
    };
    let entries = witness.layout.tables.iter().enumerate();
    entries.filter_map(|(position, entry)| Some((position, owner(&entry.kind)?))).collect()
}

fn runs() -> [(&'static str, Execution); 5] {
    [
        ("cairo0/sum_to_n", Some(r#"{"n": 30}"#)),
        ("cairo0/mixed_ops", None),
        ("cairo0/computed_jump", None),
        ("cairo0/memory_holes", None),
        ("cairo0/alloc_segments", None),
    ]
    .map(|(name, arguments)| (name, execution(name, arguments)))
}

/// Every step that can be is the row of an owning word: pushes, calls, conditional jumps with `ap++`, `ap += immediate`.
#[test]
fn all_that_move_ap_own_what_they_push() {
    let mut random = Random(7);
    let mut seen = BTreeSet::new();
    for (name, execution) in runs() {
        let witness = made(&execution, owning_words(&execution));
        let owners = owners(&witness);
        assert!(!owners.is_empty() || name == "cairo0/memory_holes", "{name}");
        for (_, OwningWord { word, at_ap, owned }) in owners {
            seen.insert((word.flags >> 12 & 1, word.flags >> 10 & 1, at_ap));
            assert!(owned.len() == 1 || word.flags >> 10 & 5 > 0, "{name}");
        }
        let steps = witness.claim.runs[0].n_steps;
        assert_eq!(disclosed_and_proven(witness, &mut random, name).runs[0].n_steps, steps);
    }
    // A call, an addition to ap, dst and op0 at ap, nothing at ap.
    for kind in [(1, 0, None), (0, 1, None), (0, 0, Some(0)), (0, 0, Some(1)), (0, 0, None)] {
        assert!(seen.contains(&kind), "{kind:?} of {seen:?}");
    }
}

/// Each constraint and each interaction of a table is there for something: a row that is altered in one column breaks it.
#[test]
fn every_constraint_and_interaction_is_reported() {
    let execution = execution("cairo0/mixed_ops", None);
    let honest = made(&execution, owning_words(&execution));
    assert!(report(&honest).is_clean());
    let owners = owners(&honest);
    assert!(owners.len() > 5);
    let (mut products, mut private) = (0, 0);
    for (position, owning) in owners {
        let air = honest.tables[position].air.clone();
        let mut reported = BTreeSet::new();
        for column in 0..air.width() {
            let mut witness = honest.clone();
            witness.traces[position][column][0] += Felt::one();
            let report = report(&witness);
            let constraints = report.constraints.iter().map(|failure| (&failure.air, &failure.constraint));
            reported.extend(constraints.map(|(air, name)| format!("{air}/{name}")));
            let parties = report.imbalances.iter().flat_map(|imbalance| &imbalance.parties);
            reported.extend(parties.map(|party| party.0.clone()));
        }
        let names = air.constraints().iter().map(|constraint| &constraint.name);
        for name in names.chain(air.interactions().iter().map(|interaction| &interaction.name)) {
            assert!(reported.contains(&format!("{}/{name}", air.name())), "{owning}: no prank for `{name}`");
        }
        products += usize::from(air.constraints().len() > 1);
        private += usize::from(owning.provided() < owning.owned.len());
        let owned = air.interactions().iter().filter(|interaction| interaction.bus == buses::OWNED).count();
        assert_eq!(owned, 2);
    }
    assert!(products > 0 && private > 0, "{products} {private}");
}

/// Where columns have a price, steps that no path covers own what they push, and there is no memory table.
#[test]
fn the_planner_takes_them() {
    let run = suite().into_iter().find(|run| run.kind == "network" && run.log_steps == 14).unwrap();
    let execution = run.execute();
    let price = Price { byte_ns: DEFAULT_BYTE_PRICE_NS, parameters: Parameters::default() };
    let costs = Costs { disclosed_terms: 0, ..Costs::priced(&execution, DEFAULT_COLUMNS, &price) };
    assert!(costs.own_words);
    let planned = plan(&execution, &costs);
    let assignment = planned.assignment().unwrap();
    let witness = build(execution, [7; 32], assignment, MAX_FETCHES, &NoControl).unwrap();
    assert!(report(&witness).is_clean());
    let owners = owners(&witness);
    assert!(!owners.is_empty() && owners.iter().any(|(_, owning)| owning.provided() > 0));
    assert!(!witness.layout.kinds().any(|kind| *kind == TableKind::Memory));
}
