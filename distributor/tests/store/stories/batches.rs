//! Leases of several units, proofs of several runs, and how long proofs are kept.

use super::execute;
use crate::world::{LEASE, World, donor, failure, name, new_unit, primes, rules, shown, spec};
use distributor::blobs::Kind;
use distributor::store::{
    Accept, AddUnits, BlobRef, LeaseChange, LeaseGrant, Refusal, Release, Rules, Submission, Targeted, UnitChange,
    VerifiedRun,
};
use felt::Felt;
use protocol::{
    Cause, Digest, FailureCause, Felts, KeepProofs, Lease, LeaseMode, MAX_UNIT_ARGUMENTS, NoWork, Outcome, ProjectName,
    ProofCounts, ProofStatus, UnitId, UnitState,
};

fn ids(lease: &Lease) -> Vec<UnitId> {
    lease.units.iter().map(|unit| unit.id).collect()
}

/// What became of the units of a proof, by which they were named.
async fn prove(world: &World, units: &[UnitId], number: u8, lease: Option<&Lease>, file: &str) -> Vec<ProofStatus> {
    let receipt = world.prove_all(units, donor(number), lease.map(|lease| lease.token), file).await;
    assert!(receipt.units.iter().map(|unit| unit.unit).eq(units.iter().copied()));
    receipt.units.iter().map(|unit| unit.status).collect()
}

async fn give_back(
    world: &World,
    lease: &Lease,
    number: u8,
    units: &[UnitId],
    cause: Option<FailureCause>,
) -> LeaseChange {
    let (failure, units) = (cause.map(failure), units.to_vec());
    let release = Release { token: lease.token, donor: donor(number), units, failure, recheck: None, now: world.now() };
    world.store.release(&release).await.unwrap()
}

pub async fn a_lease_of_several_units_is_filled_and_proved_at_once(world: &World) {
    let units = world.add(5).await;
    let lease = world.lease_many(donor(1), LeaseMode::Both, 3, u64::MAX).await;
    assert_eq!(ids(&lease), units[..3], "in the order in which they wait");
    assert!(lease.units.iter().all(|unit| unit.attempt == 1 && unit.execution.is_none()));
    assert_eq!((lease.expires_at, lease.steps()), (world.now().plus(LEASE), 3000));
    assert_eq!(world.store.donor(&donor(1), world.now()).await.unwrap().credit.live_leases, 3);
    let other = world.lease_many(donor(2), LeaseMode::Both, 9, u64::MAX).await;
    assert_eq!(ids(&other), units[3..], "no unit is lent twice");
    for unit in &units {
        assert_eq!(world.state(*unit).await, UnitState::Leased);
    }
    assert_eq!(prove(world, &units[..3], 1, Some(&lease), "batch").await, [ProofStatus::Accepted; 3]);
    let page = world.store.results(&primes(), 0, 10).await.unwrap();
    for (index, result) in page.results.iter().enumerate() {
        let proof = &result.proof;
        assert_eq!((result.unit, proof.index as usize, proof.runs), (units[index], index, 3));
        assert_eq!((proof.sha256, proof.kept, proof.n_steps), (Digest::of(b"batch"), true, 900));
    }
    assert!(page.results.windows(2).all(|pair| pair[1].cursor == pair[0].cursor + 1), "they follow each other");
    let credit = world.store.donor(&donor(1), world.now()).await.unwrap().credit;
    assert_eq!((credit.proven_units, credit.proven_steps, credit.live_leases), (3, 2700, 0));
    let runs = world.store.proof_runs(&primes(), &Digest::of(b"batch")).await.unwrap().unwrap();
    assert!(runs.runs.iter().map(|run| run.unit).eq(units[..3].iter().copied()));
    assert_eq!((runs.prover, runs.kept, &runs.runs[1].arguments), (donor(1), true, &Felts(vec![Felt::from(1)])));
    assert_eq!(world.store.proof_runs(&name("other"), &Digest::of(b"batch")).await.unwrap(), None);
    assert_eq!(world.store.proof_runs(&primes(), &Digest::of(b"none")).await.unwrap(), None);
}

pub async fn a_lease_holds_what_fits(world: &World) {
    let unit = |number: u64, steps: u64, arguments: usize| {
        let mut unit = new_unit(number);
        (unit.estimated_steps, unit.arguments) = (steps, Felts(vec![Felt::from(number); arguments]));
        unit
    };
    let many = MAX_UNIT_ARGUMENTS;
    let units = vec![unit(0, 4000, 1), unit(1, 3000, many - 1), unit(2, 2001, 1), unit(3, 1000, 2), unit(4, 900, 0)];
    let AddUnits::Stored(stored) = world.add_to(&primes(), units).await else { panic!("not stored") };
    let at = |indices: &[usize]| indices.iter().map(|index| stored[*index].0).collect::<Vec<_>>();
    // One that does not fit keeps no later one from it.
    let lease = world.lease_many(donor(1), LeaseMode::Both, 9, 7999).await;
    assert_eq!(ids(&lease), at(&[0, 1, 4]), "3 has an argument too many, 2 a hundred steps");
    world.release(&lease, donor(1), None).await;
    let lease = world.lease_many(donor(1), LeaseMode::Both, 9, 0).await;
    assert_eq!(lease.units.len(), 1, "one unit always");
    world.release(&lease, donor(1), None).await;
    // By time: what is done while the lease can be renewed.
    let mut ask = world.ask(donor(1), LeaseMode::Both);
    (ask.limits.lease_units, ask.limits.lease_steps, ask.limits.steps_per_second) = (9, u64::MAX, 20);
    let LeaseGrant::Granted(lease) = world.store.lease(&ask).await.unwrap() else { panic!("no lease") };
    assert_eq!((lease.steps(), ids(&lease)), (5000, at(&[0, 3])), "more is not done in time");
    // The same wish gets what is left of the same lease.
    let proved = lease.units[0].id;
    prove(world, &[proved], 1, Some(&lease), "first").await;
    let LeaseGrant::Granted(rest) = world.store.lease(&ask).await.unwrap() else { panic!("no lease") };
    assert_eq!((rest.token, ids(&rest)), (lease.token, ids(&lease)[1..].to_vec()));
    prove(world, &ids(&rest), 1, Some(&lease), "rest").await;
    ask.token = protocol::LeaseToken::from_bytes([0xcc; 32]);
    let LeaseGrant::Granted(new) = world.store.lease(&ask).await.unwrap() else { panic!("no lease") };
    assert_ne!(new.token, lease.token);
}

pub async fn newcomers_hold_few_units_however_they_ask(world: &World) {
    world.store.set_rules(Rules { new_leases: 2, most_leases: 5, trust_units: 3, ..rules() });
    let units = world.add(20).await;
    let ask = async |wanted| {
        let mut ask = world.ask(donor(1), LeaseMode::Both);
        (ask.limits.lease_units, ask.limits.lease_steps) = (wanted, u64::MAX);
        match world.store.lease(&ask).await.unwrap() {
            LeaseGrant::Granted(lease) => Some(*lease),
            LeaseGrant::NoWork(NoWork::LeaseLimit) => None,
            other => panic!("{other:?}"),
        }
    };
    let first = ask(9).await.unwrap();
    assert_eq!(first.units.len(), 2);
    assert_eq!(ask(1).await, None);
    prove(world, &units[..2], 1, Some(&first), "two").await;
    let second = ask(9).await.unwrap();
    assert_eq!(second.units.len(), 4, "one more for each");
    prove(world, &ids(&second)[..1], 1, Some(&second), "third").await;
    // Trusted now, and three are held.
    assert_eq!(ask(9).await.unwrap().units.len(), 2, "five at most");
    assert_eq!(ask(9).await, None);
}

pub async fn suspect_units_are_lent_alone(world: &World) {
    world.earn(donor(9), 100).await;
    let units = world.add(4).await;
    let lease = world.lease_many(donor(1), LeaseMode::Both, 2, u64::MAX).await;
    assert_eq!(give_back(world, &lease, 1, &[], Some(FailureCause::Crash)).await, LeaseChange::Done(world.now()));
    for unit in &units[..2] {
        assert!(world.unit(*unit).await.unit.suspect);
    }
    for expected in units.iter().take(2) {
        let lease = world.lease_many(donor(9), LeaseMode::Both, 9, u64::MAX).await;
        assert_eq!(ids(&lease), [*expected], "a trusted donor looks there first, at one by one");
    }
    let lease = world.lease_many(donor(9), LeaseMode::Both, 9, u64::MAX).await;
    assert_eq!(ids(&lease), units[2..]);
}

pub async fn units_are_given_back_one_by_one(world: &World) {
    let units = world.add(4).await;
    let lease = world.lease_many(donor(1), LeaseMode::Both, 4, u64::MAX).await;
    let done = LeaseChange::Done(world.now());
    for _ in 0..2 {
        assert_eq!(give_back(world, &lease, 1, &units[1..2], Some(FailureCause::Panic)).await, done);
    }
    let detail = world.unit(units[1]).await;
    assert_eq!((detail.attempts[0].outcome, detail.unit.suspect), (Outcome::Failed, true));
    assert_eq!(give_back(world, &lease, 1, &units[2..3], None).await, done);
    assert_eq!(world.state(units[2]).await, UnitState::Queued);
    for unit in [units[0], units[3]] {
        assert_eq!(world.state(unit).await, UnitState::Leased, "the others' lease goes on");
    }
    assert!(matches!(world.renew(&lease, donor(1)).await, LeaseChange::Done(_)));
    let stranger = UnitId::from_bytes([0xee; 10]);
    assert_eq!(give_back(world, &lease, 1, &[units[0], stranger], None).await, LeaseChange::Unknown);
    assert_eq!(world.state(units[0]).await, UnitState::Leased, "all or none");
    prove(world, &units[..1], 1, Some(&lease), "proof").await;
    assert_eq!(give_back(world, &lease, 1, &units[..1], None).await, LeaseChange::Ended);
    assert_eq!(give_back(world, &lease, 1, &[], None).await, done, "the rest");
    assert_eq!(world.state(units[3]).await, UnitState::Queued);
    assert_eq!(world.renew(&lease, donor(1)).await, LeaseChange::Ended);
}

pub async fn renewing_says_what_is_settled(world: &World) {
    let units = world.add(4).await;
    let lease = world.lease_many(donor(1), LeaseMode::Both, 4, u64::MAX).await;
    world.prove(units[0], donor(2), "elsewhere").await;
    world.store.withdraw_unit(&units[1], world.now()).await.unwrap();
    give_back(world, &lease, 1, &units[2..3], None).await;
    let until = world.now().plus(LEASE);
    let renewal = world.store.renew(&lease.token, &donor(1), world.now(), until).await.unwrap();
    assert_eq!((renewal.change, renewal.settled), (LeaseChange::Done(until), units[..2].to_vec()));
    // It ran out and one unit went to somebody else: the other one goes on.
    let both = world.lease_many(donor(3), LeaseMode::Both, 2, u64::MAX).await;
    assert_eq!(ids(&both), [units[2]]);
    world.pass(LEASE);
    let other = world.lease(donor(4), LeaseMode::Both).await;
    let renewal = world.store.renew(&lease.token, &donor(1), world.now(), world.now().plus(LEASE)).await.unwrap();
    let lost = other.units[0].id == units[3];
    assert_eq!(matches!(renewal.change, LeaseChange::Ended), lost);
}

pub async fn overlapping_proofs_count_for_what_is_open(world: &World) {
    use ProofStatus::{Accepted, AlreadyProved, Withdrawn};
    let units = world.add(6).await;
    let slow = world.lease_many(donor(1), LeaseMode::Both, 4, u64::MAX).await;
    world.pass(LEASE);
    let quick = world.lease_many(donor(2), LeaseMode::Both, 6, u64::MAX).await;
    assert_eq!(quick.units.len(), 6);
    assert_eq!(prove(world, &units[2..5], 2, Some(&quick), "quick").await, [Accepted; 3]);
    world.store.withdraw_unit(&units[0], world.now()).await.unwrap();
    let receipt = world.prove_all(&units[..4], donor(1), Some(slow.token), "slow").await;
    let statuses: Vec<_> = receipt.units.iter().map(|unit| (unit.status, unit.credited_steps)).collect();
    assert_eq!(statuses, [(Withdrawn, 0), (Accepted, 900), (AlreadyProved, 0), (AlreadyProved, 0)]);
    let proof = |detail: protocol::UnitDetail| detail.proof.map(|proof| (proof.sha256, proof.index, proof.runs));
    assert_eq!(proof(world.unit(units[1]).await), Some((Digest::of(b"slow"), 1, 4)));
    assert_eq!(proof(world.unit(units[2]).await), Some((Digest::of(b"quick"), 0, 3)));
    // All of its runs are kept: without them it could not be verified.
    let runs = world.store.proof_runs(&primes(), &Digest::of(b"slow")).await.unwrap().unwrap();
    assert!(runs.runs.iter().map(|run| run.unit).eq(units[..4].iter().copied()));
    assert_eq!(world.outcomes(units[2]).await, [Outcome::Superseded, Outcome::Proved]);
    let credit = async |number| world.store.donor(&donor(number), world.now()).await.unwrap().credit.proven_units;
    assert_eq!((credit(1).await, credit(2).await), (1, 3));
    let project = world.store.project(&primes(), world.now()).await.unwrap().unwrap();
    assert_eq!((project.proven_steps, project.units.proved), (3600, 4), "each once");
    // Of a proof that brings nothing new no file is needed.
    assert_eq!(prove(world, &units[1..3], 3, None, "late").await, [AlreadyProved; 2]);
    let file = BlobRef { kind: Kind::Proof, sha256: Digest::of(b"late") };
    assert!(!world.store.needs_file(&file).await.unwrap());
    assert_eq!(world.state(units[5]).await, UnitState::Leased);
    assert!(world.store.recount(false).await.unwrap().is_empty());
}

pub async fn the_same_batch_gets_the_same_answer(world: &World) {
    let units = world.add(3).await;
    world.prove(units[1], donor(2), "other").await;
    let first = world.prove_all(&units, donor(1), None, "batch").await;
    world.pass(10);
    assert_eq!(world.prove_all(&units, donor(1), None, "batch").await, first);
    let stored = async |units: &[UnitId], number| {
        world.store.proof_receipt(units, &Digest::of(b"batch"), &donor(number)).await.unwrap()
    };
    assert_eq!(stored(&units, 1).await, Some(first.clone()));
    assert_eq!(stored(&units[..2], 1).await.unwrap().units, first.units[..2]);
    assert_eq!(stored(&units, 2).await, None);
    let more = world.add_to(&primes(), vec![new_unit(77)]).await;
    let AddUnits::Stored(more) = more else { panic!("not stored") };
    assert_eq!(stored(&[units[0], more[0].0], 1).await, None, "one of them got no answer");
    assert_eq!(world.store.donor(&donor(1), world.now()).await.unwrap().credit.proven_units, 2);
}

pub async fn a_refused_batch_accuses_no_unit(world: &World) {
    for number in 1..=3 {
        world.earn(donor(number), 100).await;
    }
    let units = world.add(3).await;
    for number in 1..=3 {
        let lease = world.lease_many(donor(number), LeaseMode::Both, 3, u64::MAX).await;
        assert_eq!(lease.units.len(), 3);
        let submission = Submission {
            units: units.clone(),
            ..world.submission(units[0], donor(number), Some(lease.token), "not good")
        };
        let refusal = Refusal::new(Cause::PolicyFailed, "too large");
        world.store.refuse(&submission, &refusal).await.unwrap();
        assert!(world.store.holders(&lease.token, &donor(number)).await.unwrap().iter().all(|holder| !holder.open));
        assert_eq!(world.store.donor(&donor(number), world.now()).await.unwrap().credit.refused, 1, "one file");
    }
    for unit in &units {
        let detail = world.unit(*unit).await;
        assert_eq!((detail.unit.state, detail.unit.suspect), (UnitState::Queued, false));
        assert_eq!(detail.attempts.iter().map(|attempt| attempt.outcome).collect::<Vec<_>>(), [Outcome::Refused; 3]);
    }
    assert_eq!(world.no_work(donor(1), LeaseMode::Both).await, NoWork::AllLeased, "others first");
}

pub async fn a_batch_is_of_one_project_and_of_known_units(world: &World) {
    world.put(&name("other"), &spec()).await;
    let units = world.add(2).await;
    let AddUnits::Stored(other) = world.add_to(&name("other"), vec![new_unit(1)]).await else { panic!("not stored") };
    let (other, unknown) = (other[0].0, UnitId::from_bytes([0xee; 10]));
    let target = async |units: &[UnitId]| world.store.target(units).await.unwrap();
    assert_eq!(target(&[units[0], unknown]).await, Targeted::Unknown(unknown));
    assert_eq!(target(&[units[0], other]).await, Targeted::Apart(other));
    let Targeted::Together(found) = target(&[units[1], units[0]]).await else { panic!("not found") };
    assert_eq!(found.arguments, [1, 0].map(|number| Felts(vec![Felt::from(number)])), "in the order of the submission");
    assert_eq!((found.project, found.withdrawn), (primes(), false));
    world.store.withdraw_unit(&units[0], world.now()).await.unwrap();
    let withdrawn = async |units: &[UnitId]| match target(units).await {
        Targeted::Together(target) => target.withdrawn,
        other => panic!("{other:?}"),
    };
    assert_eq!((withdrawn(&units).await, withdrawn(&units[..1]).await), (false, true));
    let long = (100..102).map(|number| {
        let mut unit = new_unit(number);
        unit.arguments = Felts(vec![Felt::from(number); MAX_UNIT_ARGUMENTS]);
        unit
    });
    let AddUnits::Stored(long) = world.add_to(&primes(), long.collect()).await else { panic!("not stored") };
    let long: Vec<UnitId> = long.into_iter().map(|(id, _)| id).collect();
    assert_eq!(target(&long).await, Targeted::TooLong(2 * MAX_UNIT_ARGUMENTS as u64));
    assert!(matches!(target(&long[..1]).await, Targeted::Together(_)));
    let submission = Submission { units: vec![units[1], unknown], ..world.submission(units[1], donor(1), None, "x") };
    assert_eq!(world.store.accept_proof(&submission, &vec![shown(); 2]).await.unwrap(), Accept::Unknown);
    assert_eq!(world.state(units[1]).await, UnitState::Queued, "all or none");
    world.store.accept_proof(&submission, &[shown()]).await.unwrap_err();
}

pub async fn provers_are_lent_several_executions(world: &World) {
    let units = world.add(3).await;
    let lease = world.lease_many(donor(1), LeaseMode::Execute, 3, u64::MAX).await;
    for (index, unit) in units.iter().enumerate().take(2) {
        let submission = world.submission(*unit, donor(1), Some(lease.token), &format!("run {index}"));
        world.store.accept_execution(&submission, &shown()).await.unwrap();
        assert_eq!(world.state(*unit).await, UnitState::Executed, "each is handed over alone");
    }
    assert_eq!(world.state(units[2]).await, UnitState::Leased);
    let prover = world.lease_many(donor(2), LeaseMode::Both, 9, u64::MAX).await;
    assert_eq!((prover.mode, ids(&prover)), (LeaseMode::Prove, units[..2].to_vec()));
    let runs: Vec<_> = prover.units.iter().map(|unit| unit.execution.unwrap().sha256).collect();
    assert_eq!(runs, [Digest::of(b"run 0"), Digest::of(b"run 1")]);
    assert_eq!((prover.units[0].steps(), prover.steps()), (900, 1800), "its own steps, not the estimate");
    let holders = world.store.holders(&prover.token, &donor(2)).await.unwrap();
    assert_eq!(holders.iter().filter_map(|holder| holder.execution).collect::<Vec<_>>(), runs);
    assert_eq!(prove(world, &units[..2], 2, Some(&prover), "both").await, [ProofStatus::Accepted; 2]);
    assert!(world.store.execution_of(&units[0]).await.unwrap().is_none());
    let alone = world.lease(donor(1), LeaseMode::Execute);
    drop(alone);
    let again = execute(world, &Lease { units: vec![lease.units[2].clone()], ..lease.clone() }, 1, "run 2").await;
    assert!(matches!(again, Accept::Receipt(_)));
}

async fn counts(world: &World) -> ProofCounts {
    assert!(world.store.recount(false).await.unwrap().is_empty());
    world.store.project(&primes(), world.now()).await.unwrap().unwrap().proofs
}

pub async fn a_file_counts_once_however_many_units_it_has(world: &World) {
    let units = world.add(4).await;
    prove(world, &units[..3], 1, None, "123").await;
    assert_eq!(counts(world).await, ProofCounts { files: 1, bytes: 3, thinned: 0 });
    prove(world, &units[2..], 1, None, "4567").await;
    assert_eq!(counts(world).await, ProofCounts { files: 2, bytes: 7, thinned: 0 });
    let refs = world.store.blob_refs().await.unwrap();
    assert_eq!(refs.iter().filter(|file| file.kind == Kind::Proof).count(), 2);
    assert_eq!(world.store.projects_of_proof(&Digest::of(b"4567")).await.unwrap(), [primes()]);
}

async fn keep(world: &World, rule: &str) {
    let mut kept = spec();
    kept.keep_proofs = rule.parse().unwrap();
    world.put(&primes(), &kept).await;
}

async fn collect(world: &World, cursor: u64, root: &[u8]) {
    let root = Digest::of(root);
    world.store.mark_collected(&primes(), cursor, Some(&root), world.now()).await.unwrap();
}

/// How many files go and stay.
async fn thin(world: &World, look_only: bool) -> (u64, u64) {
    let thinned = world.store.thin(world.now(), look_only).await.unwrap();
    thinned.iter().fold((0, 0), |(go, stay), thinned| (go + thinned.files, stay + thinned.stay))
}

pub async fn collected_proofs_are_let_go_by_their_rule(world: &World) {
    const DAY: u64 = 24 * 3600;
    let units = world.add(5).await;
    prove(world, &units[..2], 1, None, "one").await;
    prove(world, &units[2..4], 1, None, "another").await;
    let results = world.store.results(&primes(), 0, 10).await.unwrap().results;
    collect(world, results[2].cursor, b"root").await;
    assert_eq!(thin(world, false).await, (0, 0), "all are kept if nobody says otherwise");
    keep(world, "until-collected+2").await;
    assert_eq!(thin(world, false).await, (0, 0), "for two days yet");
    world.pass(2 * DAY);
    assert_eq!(thin(world, true).await, (1, 0), "one result of the other is not collected");
    assert_eq!(counts(world).await, ProofCounts { files: 2, bytes: 10, thinned: 0 }, "it was only a look");
    assert_eq!(thin(world, false).await, (1, 0));
    assert_eq!(thin(world, false).await, (0, 0));
    assert_eq!(counts(world).await, ProofCounts { files: 1, bytes: 7, thinned: 1 });
    let file = BlobRef { kind: Kind::Proof, sha256: Digest::of(b"one") };
    assert!(!world.store.needs_file(&file).await.unwrap() && world.store.orphans(10).await.unwrap().contains(&file));
    assert!(!world.store.blob_refs().await.unwrap().contains(&file));
    let results = world.store.results(&primes(), 0, 10).await.unwrap().results;
    assert_eq!(results.iter().map(|result| result.proof.kept).collect::<Vec<_>>(), [false, false, true, true]);
    assert_eq!(results[0].proof.output, shown().output, "the result stays");
    assert!(!world.store.proof_runs(&primes(), &Digest::of(b"one")).await.unwrap().unwrap().kept);
    // The same file comes for a unit that is open: it is needed again, until that is collected.
    assert_eq!(prove(world, &[units[0], units[4]], 1, None, "one").await, [ProofStatus::Accepted; 2]);
    assert_eq!(counts(world).await, ProofCounts { files: 2, bytes: 10, thinned: 0 });
    assert!(world.store.needs_file(&file).await.unwrap());
    world.pass(3 * DAY);
    assert_eq!(thin(world, false).await, (0, 0));
    let wide = KeepProofs::UntilCollected { days: 2 };
    let thinned = world.store.thin(world.now(), true).await.unwrap();
    assert_eq!((thinned[0].rule, &thinned[0].project), (wide, &primes()));
}

pub async fn a_sample_is_drawn_by_the_root(world: &World) {
    let units = world.add(60).await;
    for (index, unit) in units.iter().enumerate() {
        world.prove(*unit, donor(1), &format!("proof {index}")).await;
    }
    keep(world, "sample:0.25").await;
    // Half of them without a root: nothing can be drawn.
    let results = world.store.results(&primes(), 0, 100).await.unwrap().results;
    world.store.mark_collected(&primes(), results[29].cursor, None, world.now()).await.unwrap();
    assert_eq!(thin(world, false).await, (0, 30));
    collect(world, results[59].cursor, b"root").await;
    let rule: KeepProofs = "sample:0.25".parse().unwrap();
    let root = Digest::of(b"root");
    let drawn = |index: usize| rule.draws(&root, &Digest::of(format!("proof {index}").as_bytes()));
    let staying = (30..60).filter(|index| drawn(*index)).count() as u64;
    assert!((1..30).contains(&staying));
    assert_eq!(thin(world, false).await, (30 - staying, staying));
    assert_eq!(thin(world, false).await, (0, 0), "what stays is not drawn twice");
    for result in world.store.results(&primes(), 0, 100).await.unwrap().results {
        let index: usize = result.external_id.as_str().strip_prefix("unit-").unwrap().parse().unwrap();
        assert_eq!(result.proof.kept, index < 30 || drawn(index), "{index}");
    }
    keep(world, "sample:0").await;
    assert_eq!(thin(world, false).await, (staying, 30), "another rule looks at them anew");
}

pub async fn a_unit_is_proven_again(world: &World) {
    let units = world.add(3).await;
    prove(world, &units[..2], 1, None, "batch").await;
    collect(world, u64::MAX >> 1, b"root").await;
    keep(world, "until-collected").await;
    assert_eq!(thin(world, false).await, (1, 0));
    assert!(matches!(world.store.prove_again(&units[2], world.now()).await.unwrap(), UnitChange::Conflict(_)));
    for _ in 0..2 {
        let UnitChange::Done(unit) = world.store.prove_again(&units[1], world.now()).await.unwrap() else {
            panic!("refused")
        };
        assert_eq!((unit.state, unit.again), (UnitState::Collected, true), "its result stays");
    }
    assert!(world.store.recount(false).await.unwrap().is_empty());
    // Nobody who only executes is asked; who does both gets it before what waits longer.
    assert_eq!(ids(&world.lease(donor(2), LeaseMode::Execute).await), [units[2]]);
    let lease = world.lease(donor(3), LeaseMode::Both).await;
    assert_eq!((ids(&lease), lease.mode), (vec![units[1]], LeaseMode::Both));
    assert_eq!(world.no_work(donor(4), LeaseMode::Both).await, NoWork::AllLeased);
    world.release(&lease, donor(3), None).await;
    assert_eq!(world.state(units[1]).await, UnitState::Collected);
    let lease = world.lease(donor(3), LeaseMode::Both).await;
    assert!(matches!(world.renew(&lease, donor(3)).await, LeaseChange::Done(_)));
    let before = world.store.results(&primes(), 0, 10).await.unwrap().results;
    assert_eq!(prove(world, &units[1..2], 3, Some(&lease), "again").await, [ProofStatus::Accepted]);
    let results = world.store.results(&primes(), 0, 10).await.unwrap().results;
    let last = results.last().unwrap();
    assert_eq!((results.len(), last.unit, last.cursor > before[1].cursor), (2, units[1], true), "it is listed anew");
    assert_eq!((last.proof.sha256, last.proof.kept, last.proof.index), (Digest::of(b"again"), true, 0));
    let detail = world.unit(units[1]).await;
    assert_eq!((detail.unit.state, detail.unit.again), (UnitState::Proved, false));
    let project = world.store.project(&primes(), world.now()).await.unwrap().unwrap();
    assert_eq!(project.proven_steps, 1800, "the project has it once");
    assert_eq!(world.store.donor(&donor(3), world.now()).await.unwrap().credit.proven_units, 1, "the donor did it");
    assert_eq!(counts(world).await, ProofCounts { files: 1, bytes: 5, thinned: 1 });
    // The very file of before will do, and is credited once only.
    collect(world, u64::MAX >> 1, b"root").await;
    assert_eq!(thin(world, false).await, (1, 0));
    world.store.prove_again(&units[0], world.now()).await.unwrap();
    let known = world.store.proof_receipt(&units[..1], &Digest::of(b"batch"), &donor(1)).await.unwrap();
    assert_eq!(known, None, "the answer of before does not settle it");
    let credit = async || world.store.donor(&donor(1), world.now()).await.unwrap().credit.proven_units;
    let earlier = credit().await;
    assert_eq!(prove(world, &units[..2], 1, None, "batch").await, [ProofStatus::Accepted; 2]);
    assert_eq!(credit().await, earlier);
    assert!(world.unit(units[0]).await.proof.unwrap().kept && !world.unit(units[0]).await.unit.again);
    // A result that differs is taken as what it is, and shown to who compares.
    world.store.prove_again(&units[0], world.now()).await.unwrap();
    let other = VerifiedRun { n_steps: 7, output: Felts(Vec::new()) };
    let submission = world.submission(units[0], donor(5), None, "another result");
    world.store.accept_proof(&submission, &[other]).await.unwrap();
    assert_eq!(world.unit(units[0]).await.proof.unwrap().n_steps, 7);
    world.store.withdraw_project(&primes(), world.now()).await.unwrap();
    let refused = world.store.prove_again(&units[0], world.now()).await.unwrap();
    assert_eq!(refused, UnitChange::ProjectWithdrawn(ProjectName::clone(&primes())));
    assert_eq!(
        world.store.prove_again(&UnitId::from_bytes([0xee; 10]), world.now()).await.unwrap(),
        UnitChange::Unknown
    );
}
