//! Proofs of several units: each is fetched and verified once, whatever is said of one of its rows is refused for that row alone, and a third
//! party checks a row with what the manifest says of its proof.
#![allow(clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod common;

use common::fake::{Data, Fake};
use common::{Machine, Outcome, primes};
use felt::Felt;
use protocol::{DonorKey, Felts, ProofRuns};
use serde_json::Value;
use uploader::manifest::Manifest;

const ALL: [&str; 4] = ["0,10", "10,20", "20,30", "30,40"];

/// A machine that pushed this range of primes.
fn pushed(fake: &Fake, range: &str) -> Machine {
    let (machine, program) = (Machine::new(), primes().display().to_string());
    let push = machine.run_with_key(&fake.address, &["push", &program, "--range", range, "--preset", "bench-96"]);
    assert_eq!(push.code, 0, "{push}");
    machine
}

fn manifest(machine: &Machine) -> Manifest {
    let bytes = std::fs::read(machine.path("primes-results/manifest.json")).expect("the manifest");
    serde_json::from_slice(&bytes).expect("a manifest")
}

/// Three units in one proof, and one alone.
struct Grid {
    machine: Machine,
    fake: Fake,
}

impl Grid {
    fn new() -> Self {
        let fake = Fake::start();
        let machine = pushed(&fake, "0..40:10");
        fake.prove_together(&primes(), &ALL[..3]);
        fake.prove(&primes(), &ALL[3..]);
        Self { machine, fake }
    }

    fn collect(&self) -> Outcome {
        self.machine.run_with_key(&self.fake.address, &["collect", "primes", "--verify", "--retries", "0"])
    }

    /// Collects under a lie: exit code 4, the message, and rows of these units alone; after the lie is taken back all are there.
    fn refused(&self, lie: impl FnOnce(&mut Data), message: &str, kept: &[&str]) {
        let honest = self.fake.with(|data| (data.results.clone(), data.runs.clone(), data.units.clone()));
        self.fake.with(lie);
        let outcome = self.collect();
        assert_eq!((outcome.code, outcome.stdout.as_str()), (4, ""), "{outcome}");
        assert!(outcome.stderr.contains(message), "no `{message}` in {outcome}");
        assert_eq!(self.units(), kept, "{message}");
        self.fake.with(|data| (data.results, data.runs, data.units) = honest);
        let outcome = self.collect();
        assert_eq!(outcome.code, 0, "after {message}: {outcome}");
        assert_eq!(self.units(), ALL, "after {message}");
        std::fs::remove_dir_all(self.machine.path("primes-results")).expect("the results");
    }

    fn units(&self) -> Vec<String> {
        manifest(&self.machine).rows.iter().map(|row| row.unit.to_string()).collect()
    }
}

fn runs(data: &mut Data) -> &mut ProofRuns {
    data.runs.get_mut(&data.results[0].proof.sha256).expect("the runs")
}

#[test]
fn lies_about_one_row() {
    let grid = Grid::new();
    let others = ["0,10", "20,30", "30,40"];
    grid.refused(
        |data| data.results[1].proof.output.0[2] = Felt::from(5),
        "unit `10,20`: its output is listed as [0xa, 0x14, 0x5, 0x3c], but the proof shows [0xa, 0x14, 0x4, 0x3c]",
        &others,
    );
    grid.refused(|data| data.results[1].proof.n_steps += 1, "unit `10,20`: its steps are listed as", &others);
    grid.refused(
        |data| data.results[1].proof.index = 2,
        "unit `10,20`: it is said to be run 2 of its proof, but that is one on [0x14, 0x1e]",
        &others,
    );
    grid.refused(
        |data| data.results[1].proof.index = 3,
        "unit `10,20`: it is said to be run 3 of a proof of 3",
        &others,
    );
    grid.refused(
        |data| data.results[1].proof.index = u32::MAX,
        "unit `10,20`: it is said to be run 4294967295 of a proof of 3",
        &others,
    );
    // Another prover, or another number of runs, is said of another proof.
    grid.refused(
        |data| data.results[1].proof.prover = DonorKey::from_bytes([9; 32]),
        "unit `10,20`: what the distributor says of its proof's runs makes no sense",
        &others,
    );
    grid.refused(
        |data| data.results[1].proof.runs = 2,
        "unit `10,20`: what the distributor says of its proof's runs makes no sense",
        &others,
    );
    // A result that another unit has: the arguments are those that were pushed, whatever is listed.
    grid.refused(
        |data| data.results[3].proof = data.results[1].proof.clone(),
        "unit `30,40`: it is said to be run 1 of its proof, but that is one on [0xa, 0x14]",
        &ALL[..3],
    );
    grid.refused(
        |data| drop(data.results.remove(1)),
        "unit `10,20`: the distributor says that it is proved, but lists no result for it",
        &others,
    );
}

#[test]
fn lies_about_what_a_proof_is_of() {
    let grid = Grid::new();
    let message = "unit `20,30`: this is a proof of the program on other arguments";
    grid.refused(|data| runs(data).runs[1].arguments = Felts(vec![Felt::from(10), Felt::from(21)]), message, &ALL[3..]);
    grid.refused(|data| runs(data).runs.swap(0, 1), message, &ALL[3..]);
    let nonsense = "unit `20,30`: what the distributor says of its proof's runs makes no sense";
    grid.refused(|data| drop(runs(data).runs.pop()), nonsense, &ALL[3..]);
    grid.refused(|data| data.runs.clear(), nonsense, &ALL[3..]);
    let all = |data: &mut Data, change: fn(&mut protocol::ProofInfo)| {
        data.results[..3].iter_mut().for_each(|result| change(&mut result.proof));
    };
    grid.refused(
        |data| all(data, |proof| proof.kept = false),
        "unit `20,30`: its proof is not kept any more",
        &ALL[3..],
    );
    grid.refused(
        |data| {
            all(data, |proof| proof.prover = DonorKey::from_bytes([9; 32]));
            runs(data).prover = DonorKey::from_bytes([9; 32]);
        },
        "unit `20,30`: this proof was made by another prover",
        &ALL[3..],
    );
    // More runs, of which the list then names as many.
    grid.refused(
        |data| {
            all(data, |proof| proof.runs = 4);
            let more = runs(data).runs[0].clone();
            runs(data).runs.push(more);
        },
        "unit `20,30`: ",
        &ALL[3..],
    );
}

#[test]
fn a_proof_that_reaches_over_a_page_is_verified_once() {
    let fake = Fake::start();
    let machine = pushed(&fake, "0..270:1");
    let units: Vec<String> = (0..270).map(|lo| format!("{lo},{}", lo + 1)).collect();
    let units: Vec<&str> = units.iter().map(String::as_str).collect();
    // The last of one page and the first of the next, pages being of 256.
    fake.prove_together(&primes(), &units[..250]);
    fake.prove_together(&primes(), &units[250..]);
    let sum = ["collect", "primes", "--verify", "--aggregate", "sum", "--column", "2", "--only-aggregate"];
    let outcome = machine.run_with_key(&fake.address, &sum);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (0, "57\n"), "{outcome}");
    let asked = fake.with(|data| {
        let count = |part: &str| data.log.iter().filter(|line| line.contains(part)).count();
        (count("GET /v1/proofs/"), count("GET /v1/projects/primes/proofs/"), count("GET /v1/projects/primes/results"))
    });
    assert_eq!(asked, (2, 2, 2), "each proof and its list of runs once, in two pages");
    let manifest = manifest(&machine);
    assert_eq!(manifest.batches.iter().map(|batch| batch.runs.len()).max(), Some(250));
    let program = primes().display().to_string();
    assert_eq!(machine.run(&["verify", "primes-results", "--program", &program]).code, 0);
}

#[test]
fn what_is_proven_again_may_stand_in_another_proof() {
    let grid = Grid::new();
    assert_eq!(grid.collect().code, 0);
    let proofs = |grid: &Grid| manifest(&grid.machine).rows.iter().map(|row| row.proof).collect::<Vec<_>>();
    let before = proofs(&grid);
    // One of three, and the one that was alone.
    grid.fake.prove_together(&primes(), &[ALL[3], ALL[1]]);
    let outcome = grid.collect();
    assert_eq!(outcome.code, 0, "{outcome}");
    let after = proofs(&grid);
    assert_eq!((after[0], after[2]), (before[0], before[2]));
    assert!(after[1] == after[3] && after[1] != before[1]);
    assert_eq!(manifest(&grid.machine).batches.len(), 2);
    let program = primes().display().to_string();
    assert_eq!(grid.machine.run(&["verify", "primes-results", "--program", &program]).code, 0);
}

/// A folder of results of which somebody changes the manifest, with the root that it then has.
struct Published {
    machine: Machine,
    manifest: Value,
}

impl Published {
    fn new() -> Self {
        let Grid { machine, fake } = Grid::new();
        let collect = machine.run_with_key(&fake.address, &["collect", "primes", "--verify"]);
        assert_eq!(collect.code, 0, "{collect}");
        let text = std::fs::read_to_string(machine.path("primes-results/manifest.json")).expect("the manifest");
        Self { machine, manifest: serde_json::from_str(&text).expect("JSON") }
    }

    fn verify(&self, change: impl FnOnce(&mut Value)) -> Outcome {
        let mut manifest = self.manifest.clone();
        change(&mut manifest);
        let root = serde_json::from_value::<Manifest>(manifest.clone()).expect("a manifest").compute_root();
        manifest["root"] = root.to_string().into();
        self.machine.write("primes-results/manifest.json", &manifest.to_string());
        let program = primes().display().to_string();
        self.machine.run(&["verify", "primes-results", "--program", &program])
    }
}

#[test]
fn third_parties_check_what_proofs_are_of() {
    let published = Published::new();
    assert_eq!(published.verify(|_| {}).code, 0);
    let refused = |change: fn(&mut Value), message: &str| {
        let outcome = published.verify(change);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (4, ""), "{outcome}");
        assert!(outcome.stderr.contains(message), "no `{message}` in {outcome}");
    };
    refused(
        |m| m["batches"][0]["runs"][1][1] = "0x15".into(),
        "3 of 4 proofs are refused:\n  unit `0,10`: this is a proof",
    );
    refused(|m| m["batches"][0]["runs"].as_array_mut().expect("runs").swap(0, 1), "3 of 4 proofs are refused");
    refused(|m| m["batches"][0]["prover"] = "0".repeat(64).into(), "this proof was made by another prover");
    refused(|m| m["batches"] = Value::Array(Vec::new()), "3 of 4 proofs are refused");
    refused(|m| m["batches"][0]["runs"] = Value::Array(Vec::new()), "makes no sense: it has 0 runs");
    refused(|m| m["batches"][0]["proof"] = "0".repeat(64).into(), "makes no sense: no row refers to it");
    refused(
        |m| {
            let again = m["batches"][0].clone();
            m["batches"].as_array_mut().expect("batches").push(again);
        },
        "makes no sense: it stands there twice",
    );
    refused(
        |m| m["rows"][1]["index"] = 2.into(),
        "unit `10,20`: it is said to be run 2 of its proof, but that is one on",
    );
    refused(|m| m["rows"][1]["index"] = 7.into(), "unit `10,20`: it is said to be run 7 of a proof of 3");
    refused(
        |m| m["rows"][1]["output"][2] = "0x5".into(),
        "1 of 4 proofs are refused:\n  unit `10,20`: its output is listed",
    );
    refused(|m| m["rows"][1]["n_steps"] = 1.into(), "1 of 4 proofs are refused:\n  unit `10,20`: its steps are listed");
    refused(|m| m["rows"][1]["prover"] = "0".repeat(64).into(), "unit `10,20`: its prover is listed as");
    refused(
        |m| {
            let proof = m["rows"][0]["proof"].clone();
            (m["rows"][3]["proof"], m["rows"][3]["index"]) = (proof, 1.into());
        },
        "unit `30,40`: it is said to be run 1 of its proof, but that is one on",
    );
    // A row that is left out takes nothing from the others: the proof is still of all its runs.
    let fewer = published.verify(|m| drop(m["rows"].as_array_mut().expect("rows").remove(1)));
    assert!(fewer.code == 0 && fewer.stderr.contains("1 of 4 units have no row"), "{fewer}");
}
