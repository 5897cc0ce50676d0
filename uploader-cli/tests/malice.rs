//! A distributor that lies. Each lie is refused with exit code 4 and the name of the unit, and nothing of it is counted.
#![allow(clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod common;

use common::fake::{Data, Fake};
use common::{Machine, Outcome, primes};
use felt::Felt;
use protocol::{Digest, DonorKey, MAX_PROOF_BYTES, ProgramHash, ProofInfo, ProofRuns, ProvedRun, UnitResult};

const ALL: [&str; 3] = ["0,10", "10,20", "20,30"];

struct Grid {
    machine: Machine,
    fake: Fake,
}

impl Grid {
    /// Three units, all proved.
    fn new() -> Self {
        let (machine, fake) = (Machine::new(), Fake::start());
        let program = primes().display().to_string();
        let push =
            machine.run_with_key(&fake.address, &["push", &program, "--range", "0..30:10", "--preset", "bench-96"]);
        assert_eq!(push.code, 0, "{push}");
        fake.prove(&primes(), &ALL);
        Self { machine, fake }
    }

    fn collect(&self, more: &[&str]) -> Outcome {
        let arguments: Vec<&str> =
            ["collect", "primes", "--verify", "--retries", "0"].iter().chain(more).copied().collect();
        self.machine.run_with_key(&self.fake.address, &arguments)
    }

    /// Collects under a lie: exit code 4, the message, no rows shown; and after the lie is taken back all is well.
    fn refused(&self, lie: impl FnOnce(&mut Data), message: &str) {
        let honest = self.fake.with(|data| (data.results.clone(), data.blobs.clone(), data.units.clone()));
        self.fake.with(lie);
        let outcome = self.collect(&["--aggregate", "sum", "--column", "2"]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (4, ""), "{outcome}");
        assert!(outcome.stderr.contains(message), "no `{message}` in {outcome}");
        self.fake.with(|data| (data.results, data.blobs, data.units) = honest);
        let sum = self.collect(&["--aggregate", "sum", "--column", "2", "--only-aggregate"]);
        assert_eq!((sum.code, sum.stdout.as_str()), (0, "10\n"), "after {message}: {sum}");
    }
}

/// Puts other bytes in the place of the unit's proof, with the digest that they have.
fn replace_proof(data: &mut Data, unit: usize, bytes: Vec<u8>) {
    let digest = Digest::of(&bytes);
    data.blobs.insert(digest, bytes);
    data.results[unit].proof.sha256 = digest;
}

fn proof_of(data: &Data, unit: usize) -> Vec<u8> {
    data.blobs[&data.results[unit].proof.sha256].clone()
}

#[test]
fn a_wrong_output() {
    Grid::new().refused(
        |data| data.results[1].proof.output.0[2] = Felt::from(5),
        "unit `10,20`: its output is listed as [0xa, 0x14, 0x5, 0x3c], but the proof shows [0xa, 0x14, 0x4, 0x3c]",
    );
}

#[test]
fn a_wrong_number_of_steps() {
    Grid::new().refused(|data| data.results[1].proof.n_steps += 1, "unit `10,20`: its steps are listed as");
}

#[test]
fn changed_arguments() {
    Grid::new().refused(
        |data| data.results[2].arguments.0[1] = Felt::from(31),
        "unit `20,30`: the distributor says that its arguments are [0x14, 0x1f], but [0x14, 0x1e] were pushed",
    );
}

#[test]
fn swapped_proofs() {
    Grid::new().refused(
        |data| {
            let (a, b) = (data.results[0].proof.clone(), data.results[1].proof.clone());
            (data.results[0].proof, data.results[1].proof) = (b, a);
        },
        "unit `0,10`: this is a proof of the program on other arguments",
    );
}

#[test]
fn swapped_units() {
    Grid::new().refused(
        |data| {
            let name = data.results[0].external_id.clone();
            data.results[0].external_id = data.results[1].external_id.clone();
            data.results[1].external_id = name;
        },
        "unit `10,20`: the distributor says that its arguments are",
    );
}

#[test]
fn a_duplicate() {
    Grid::new().refused(
        |data| {
            let mut again = data.results[1].clone();
            again.cursor = 4;
            data.results.push(again);
        },
        "unit `10,20`: the distributor lists its result twice",
    );
}

#[test]
fn a_result_of_nobody() {
    Grid::new().refused(
        |data| data.results[1].external_id = "10,21".parse().expect("an id"),
        "unit `10,21`: it was not pushed from here",
    );
}

#[test]
fn a_withheld_result() {
    Grid::new().refused(
        |data| drop(data.results.remove(1)),
        "unit `10,20`: the distributor says that it is proved, but lists no result for it",
    );
}

#[test]
fn a_forgotten_unit() {
    Grid::new().refused(
        |data| {
            data.results.remove(1);
            data.units.remove(1);
        },
        "unit `10,20`: it was pushed, but the distributor no longer has it",
    );
}

#[test]
fn a_truncated_proof() {
    let grid = Grid::new();
    grid.refused(
        |data| {
            let digest = data.results[1].proof.sha256;
            data.blobs.get_mut(&digest).expect("the proof").truncate(1000);
        },
        "unit `10,20`: its proof is not the one that is listed",
    );
}

#[test]
fn a_truncated_proof_with_its_own_digest() {
    Grid::new().refused(
        |data| {
            let mut proof = proof_of(data, 1);
            proof.truncate(proof.len() - 1);
            replace_proof(data, 1, proof);
        },
        "unit `10,20`: the STARK proof cannot be read",
    );
}

#[test]
fn a_forged_proof() {
    Grid::new().refused(
        |data| {
            let mut proof = proof_of(data, 1);
            let middle = proof.len() / 2;
            proof[middle] ^= 1;
            replace_proof(data, 1, proof);
        },
        "unit `10,20`: the STARK proof",
    );
}

#[test]
fn garbage_and_nothing() {
    let grid = Grid::new();
    grid.refused(|data| replace_proof(data, 1, vec![7; 5000]), "unit `10,20`: this is no proof file");
}

#[test]
fn a_proof_without_end() {
    let grid = Grid::new();
    grid.refused(|data| replace_proof(data, 1, vec![7; MAX_PROOF_BYTES + 1]), "unit `10,20`: its proof is not there");
}

#[test]
fn one_proof_for_two_units() {
    Grid::new().refused(
        |data| data.results[1].proof = data.results[0].proof.clone(),
        "unit `10,20`: this is a proof of the program on other arguments",
    );
}

#[test]
fn a_missing_proof() {
    let grid = Grid::new();
    grid.refused(
        |data| {
            let digest = data.results[1].proof.sha256;
            data.blobs.remove(&digest);
        },
        "unit `10,20`: its proof is not there",
    );
}

#[test]
fn a_stolen_proof() {
    Grid::new().refused(
        |data| data.results[1].proof.prover = DonorKey::from_bytes([9; 32]),
        "unit `10,20`: this proof was made by another prover",
    );
}

#[test]
fn runs_that_a_proof_does_not_have() {
    let grid = Grid::new();
    let refused = |lie: &dyn Fn(&mut Data), message: &str| {
        grid.refused(lie, message);
        std::fs::remove_dir_all(grid.machine.path("primes-results")).expect("the results");
    };
    refused(&|data| data.results[1].proof.index = 1, "unit `10,20`: it is said to be run 1 of a proof of 1");
    refused(
        &|data| data.results[1].proof.runs = 0,
        "unit `10,20`: what the distributor says of its proof's runs makes no sense: it has 0",
    );
    refused(
        &|data| data.results[1].proof.runs = 1 << 30,
        "unit `10,20`: what the distributor says of its proof's runs makes no sense: it has 1073741824",
    );
    refused(
        &|data| data.results[1].proof.runs = 2,
        "unit `10,20`: what the distributor says of its proof's runs makes no sense",
    );
    let list = |data: &Data, runs: usize| {
        let UnitResult { unit, external_id, arguments, proof, .. } = data.results[1].clone();
        let ProofInfo { sha256, size, kept, prover, .. } = proof;
        let run = ProvedRun { unit, external_id, arguments };
        ProofRuns { sha256, size, kept, prover, runs: vec![run; runs] }
    };
    // A list of other runs, of another proof, by somebody else, and one of runs that the proof does not have.
    type Lie = fn(&mut ProofRuns);
    let lies: [(Lie, &str); 4] = [
        (|list| drop(list.runs.pop()), "its proof's runs makes no sense: asked for the 2 runs of"),
        (|list| list.sha256 = Digest::of(b"other"), "its proof's runs makes no sense: asked for the 2 runs of"),
        (
            |list| list.prover = DonorKey::from_bytes([9; 32]),
            "its proof's runs makes no sense: asked for the 2 runs of",
        ),
        (|_| {}, "unit `10,20`: "),
    ];
    for (lie, message) in lies {
        refused(
            &|data| {
                let mut list = list(data, 2);
                lie(&mut list);
                data.results[1].proof.runs = 2;
                data.runs.insert(data.results[1].proof.sha256, list);
            },
            message,
        );
    }
}

#[test]
fn lists_that_make_no_sense() {
    let grid = Grid::new();
    grid.refused(|data| data.results[2].cursor = 1, "the distributor's list makes no sense");
}

#[test]
fn another_program_under_the_name() {
    let grid = Grid::new();
    grid.fake.with(|data| {
        data.project.as_mut().expect("the project").1.program_hash = ProgramHash::from_bytes([5; 32]);
    });
    let outcome = grid.collect(&[]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (4, ""), "{outcome}");
    assert!(outcome.stderr.contains("the distributor has another program under the name `primes`"), "{outcome}");
}

#[test]
fn another_proof_later() {
    let grid = Grid::new();
    assert_eq!(grid.collect(&[]).code, 0);
    // The same unit comes again with another proof, behind the cursor.
    grid.fake.with(|data| {
        let mut again = data.results[1].clone();
        again.cursor = 4;
        again.proof.sha256 = Digest::of(b"other");
        data.results.push(again);
    });
    let outcome = grid.collect(&[]);
    assert_eq!(outcome.code, 4, "{outcome}");
    assert!(outcome.stderr.contains("unit `10,20`: its proof is not there"), "{outcome}");
}

#[test]
fn good_rows_are_kept_beside_refused_ones() {
    let grid = Grid::new();
    grid.fake.with(|data| data.results[1].proof.n_steps += 1);
    assert_eq!(grid.collect(&[]).code, 4);
    let manifest = std::fs::read(grid.machine.path("primes-results/manifest.json")).expect("the manifest");
    let manifest: uploader::manifest::Manifest = serde_json::from_slice(&manifest).expect("a manifest");
    let units: Vec<&str> = manifest.rows.iter().map(|row| row.unit.as_str()).collect();
    assert_eq!((units, manifest.units_pushed), (vec!["0,10", "20,30"], 3));
    assert_eq!(grid.fake.with(|data| data.collected), 0, "the distributor is not told that it may forget");
}

#[test]
fn lies_without_proofs_are_seen_too() {
    let grid = Grid::new();
    grid.fake.with(|data| data.results[1].arguments.0[0] = Felt::from(1));
    let outcome = grid.machine.run_with_key(&grid.fake.address, &["collect", "primes", "--retries", "0"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (4, ""), "{outcome}");
    assert!(outcome.stderr.contains("unit `10,20`: the distributor says that its arguments are"), "{outcome}");
}
