//! Collecting from an honest distributor: verification, resumption, aggregates, manifests.
#![allow(clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod common;

use common::fake::Fake;
use common::{Machine, Outcome, primes};

/// Four units of primes below 40, pushed, and some of them proved.
fn pushed(proved: &[&str]) -> (Machine, Fake) {
    let (machine, fake) = (Machine::new(), Fake::start());
    let program = primes().display().to_string();
    let push = machine.run_with_key(&fake.address, &["push", &program, "--range", "0..40:10", "--preset", "bench-96"]);
    assert_eq!(push.code, 0, "{push}");
    fake.prove(&primes(), proved);
    (machine, fake)
}

const ALL: [&str; 4] = ["0,10", "10,20", "20,30", "30,40"];

fn collect(machine: &Machine, fake: &Fake, more: &[&str]) -> Outcome {
    let arguments: Vec<&str> = ["collect", "primes", "--retries", "0"].iter().chain(more).copied().collect();
    machine.run_with_key(&fake.address, &arguments)
}

/// Digests of proofs differ from run to run of a test only if the prover changes; they are left out.
fn without_digests(text: &str) -> String {
    let mut out = String::new();
    let mut digits = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_hexdigit() && !c.is_ascii_uppercase() {
            digits.push(c);
            continue;
        }
        out.push_str(if digits.len() >= 12 { "DIGEST" } else { &digits });
        digits.clear();
        out.push(c);
    }
    out.pop();
    out
}

#[test]
fn verified_rows_in_every_form() {
    let (machine, fake) = pushed(&["20,30", "0,10", "30,40", "10,20"]);
    let table = collect(&machine, &fake, &["--verify", "--aggregate", "sum", "--column", "2"]);
    insta::assert_snapshot!("table", without_digests(&table.to_string()));
    // Everything is on disk: no proof is fetched twice, and the rows are the same.
    let fetched = fake.with(|data| data.log.iter().filter(|line| line.contains("/proofs/")).count());
    assert_eq!(fetched, 4);
    let jsonl = collect(&machine, &fake, &["--verify", "--format", "jsonl", "--aggregate", "max", "--column", "3"]);
    insta::assert_snapshot!("jsonl", without_digests(&jsonl.stdout));
    let csv = collect(&machine, &fake, &["--verify", "--format", "csv", "--aggregate", "count"]);
    insta::assert_snapshot!("csv", without_digests(&csv.to_string()));
    let value =
        collect(&machine, &fake, &["--verify", "--aggregate", "sum", "--column", "3", "--only-aggregate", "--quiet"]);
    assert_eq!((value.stdout.as_str(), value.stderr.as_str()), ("197\n", ""));
    assert_eq!(fake.with(|data| data.log.iter().filter(|line| line.contains("/proofs/")).count()), fetched);
    assert_eq!(fake.with(|data| data.collected), 4);
    let missing_column = collect(&machine, &fake, &["--verify", "--aggregate", "sum", "--column", "9"]);
    assert_eq!(missing_column.code, 1);
    assert!(
        missing_column.stderr.contains("the output of unit `0,10` has 4 values, so it has no column 9"),
        "{missing_column}"
    );
}

#[test]
fn without_verification_it_says_so() {
    let (machine, fake) = pushed(&["0,10"]);
    let outcome = collect(&machine, &fake, &["--partial", "--aggregate", "sum", "--column", "2"]);
    insta::assert_snapshot!("unverified", without_digests(&outcome.to_string()));
    assert!(!machine.path("primes-results").exists());
}

#[test]
fn it_goes_on_where_it_stopped_and_counts_nothing_twice() {
    let (machine, fake) = pushed(&["10,20", "0,10"]);
    let first = collect(&machine, &fake, &["--verify"]);
    assert_eq!(first.code, 1, "{first}");
    insta::assert_snapshot!("incomplete", without_digests(&first.stderr));
    // Nothing that a script could take for the result, in any form.
    for form in [
        &[][..],
        &["--format", "csv"],
        &["--aggregate", "sum", "--column", "2", "--only-aggregate"],
        &["--exec", "cat"],
    ] {
        for verify in [&["--verify"][..], &[]] {
            let outcome = collect(&machine, &fake, &[verify, form].concat());
            assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""), "{form:?}: {outcome}");
        }
    }
    fake.fail("30,40");
    fake.prove(&primes(), &["20,30"]);
    let second = collect(&machine, &fake, &["--verify", "--wait", "--partial", "--aggregate", "sum", "--column", "2"]);
    assert_eq!(second.code, 0, "{second}");
    assert!(second.stdout.ends_with("sum of output 2 over 3 rows: 10\n"), "{second}");
    assert!(second.stderr.contains("3 of 4 units are verified, 1 of them now."), "{second}");
    assert!(second.stderr.contains("1 unit is missing, failed (panic on 3 donors: it panicked): 30,40"), "{second}");
}

#[test]
fn a_kill_in_the_middle_loses_nothing() {
    let (machine, fake) = pushed(&ALL);
    assert_eq!(collect(&machine, &fake, &["--verify"]).code, 0);
    let rows = machine.path("primes-results/rows.jsonl");
    let whole = std::fs::read_to_string(&rows).expect("the journal");
    let manifest = std::fs::read_to_string(machine.path("primes-results/manifest.json")).expect("the manifest");
    // Killed at any byte of the journal: it goes on, to the same manifest.
    for length in (0..whole.len()).step_by(whole.len() / 13) {
        std::fs::write(&rows, &whole.as_bytes()[..length]).expect("a write");
        let again = collect(&machine, &fake, &["--verify", "--aggregate", "count", "--only-aggregate"]);
        assert_eq!((again.code, again.stdout.as_str()), (0, "4\n"), "cut at {length}: {again}");
        let now = std::fs::read_to_string(machine.path("primes-results/manifest.json")).expect("the manifest");
        assert_eq!(now, manifest, "cut at {length}");
    }
    // A proof that was deleted is fetched again.
    let proofs = machine.path("primes-results/proofs");
    let one = std::fs::read_dir(&proofs).expect("the proofs").next().expect("a proof").expect("an entry").path();
    std::fs::remove_file(&one).expect("the proof");
    let again = collect(&machine, &fake, &["--verify", "--aggregate", "count", "--only-aggregate"]);
    assert_eq!((again.code, again.stdout.as_str(), one.exists()), (0, "4\n", true), "{again}");
    assert_eq!(collect(&machine, &fake, &["--verify"]).code, 0, "the journal is sound still");
}

#[test]
fn damaged_or_foreign_folders_are_told() {
    let (machine, fake) = pushed(&ALL);
    assert_eq!(collect(&machine, &fake, &["--verify"]).code, 0);
    let rows = machine.path("primes-results/rows.jsonl");
    let whole = std::fs::read_to_string(&rows).expect("the journal");
    let mut lines: Vec<&str> = whole.lines().collect();
    lines[2] = "{\"row\": 5}";
    std::fs::write(&rows, lines.join("\n") + "\n").expect("a write");
    let damaged = collect(&machine, &fake, &["--verify"]);
    assert_eq!(damaged.code, 1);
    assert!(damaged.stderr.contains("primes-results/rows.jsonl is damaged: line 3:"), "{damaged}");
    assert!(damaged.stderr.contains("Move the folder away"), "{damaged}");

    // As an earlier version wrote it: without checksums.
    let foreign = whole.replacen("\"project\":\"primes\"", "\"project\":\"other\"", 1);
    let (_, foreign) = foreign.split_once(' ').expect("a checksum");
    std::fs::write(&rows, foreign).expect("a write");
    let foreign = collect(&machine, &fake, &["--verify"]);
    assert_eq!(foreign.code, 1);
    assert!(foreign.stderr.contains("primes-results holds results of project `other`"), "{foreign}");

    let record =
        std::fs::read_dir(machine.path("state/projects")).expect("projects").next().expect("one").expect("an entry");
    std::fs::write(record.path().join("primes/record.json"), "abc").expect("a write");
    let broken = collect(&machine, &fake, &["--verify", "--out", "new"]);
    assert_eq!(broken.code, 1);
    assert!(
        broken.stderr.contains("record.json is damaged: it has no checksum. Remove the folder and push again"),
        "{broken}"
    );
}

#[test]
fn rows_are_fed_to_a_program() {
    let (machine, fake) = pushed(&ALL);
    let script = machine.write("sum", "#!/bin/sh\nwc -l\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("permissions");
    }
    let fed = collect(&machine, &fake, &["--verify", "--exec", "./sum"]);
    assert_eq!((fed.code, fed.stdout.trim()), (0, "4"), "{fed}");
    std::fs::write(&script, "#!/bin/sh\nexit 7\n").expect("a write");
    let failed = collect(&machine, &fake, &["--verify", "--exec", "./sum"]);
    assert_eq!(failed.code, 1);
    assert!(failed.stderr.contains("./sum: it failed (exit status: 7)"), "{failed}");
    assert_eq!(collect(&machine, &fake, &["--verify", "--exec", "./nothing"]).code, 1);
}

#[test]
fn from_another_machine_with_program_and_arguments() {
    let (_, fake) = pushed(&ALL);
    let machine = Machine::new();
    let none = collect(&machine, &fake, &["--verify"]);
    assert_eq!(none.code, 1);
    assert!(none.stderr.contains("there is no record here of the project `primes`"), "{none}");
    let program = primes().display().to_string();
    let given = ["--verify", "--program", &program, "--range", "0..40:10", "--aggregate", "count", "--only-aggregate"];
    let collected = collect(&machine, &fake, &given);
    assert_eq!((collected.code, collected.stdout.as_str()), (0, "4\n"), "{collected}");
}

#[test]
fn a_third_party_verifies_the_manifest() {
    let (machine, fake) = pushed(&ALL);
    assert_eq!(collect(&machine, &fake, &["--verify"]).code, 0);
    let program = primes().display().to_string();
    let verify = |more: &[&str]| {
        let arguments: Vec<&str> =
            ["verify", "primes-results", "--program", &program].iter().chain(more).copied().collect();
        machine.run(&arguments)
    };
    let good = verify(&["--aggregate", "sum", "--column", "2"]);
    insta::assert_snapshot!("manifest_good", without_digests(&good.to_string()));

    let path = machine.path("primes-results/manifest.json");
    let text = std::fs::read_to_string(&path).expect("the manifest");
    let manifest: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let root = manifest["root"].as_str().expect("a root");
    assert_eq!(verify(&["--root", root, "--quiet"]).code, 0);
    let other_root = verify(&["--root", &"00".repeat(32)]);
    assert_eq!(other_root.code, 4);
    assert!(other_root.stderr.contains("this is not the manifest that was published"), "{other_root}");

    let queens = common::programs().join("nqueens/nqueens.json").display().to_string();
    let other = machine.run(&["verify", "primes-results", "--program", &queens]);
    assert_eq!(other.code, 4);
    assert!(other.stderr.contains("the manifest is about another program"), "{other}");

    // A row changed, without and with a new root.
    let mut forged: serde_json::Value = manifest.clone();
    forged["rows"][0]["output"][2] = "0x5".into();
    std::fs::write(&path, forged.to_string()).expect("a write");
    let changed = verify(&[]);
    assert_eq!(changed.code, 4);
    assert!(changed.stderr.contains("it was changed after it was made"), "{changed}");
    let mut forged: uploader::manifest::Manifest = serde_json::from_value(forged).expect("a manifest");
    forged.root = forged.compute_root();
    std::fs::write(&path, serde_json::to_string(&forged).expect("JSON")).expect("a write");
    let changed = verify(&[]);
    assert_eq!((changed.code, changed.stdout.as_str()), (4, ""));
    assert!(changed.stderr.contains("1 of 4 proofs are refused:\n  unit `0,10`: its output is listed as"), "{changed}");

    // A proof missing, and one for another.
    std::fs::write(&path, &text).expect("a write");
    let proof = |row: usize| {
        let digest = manifest["rows"][row]["proof"].as_str().expect("a digest");
        machine.path(&format!("primes-results/proofs/{digest}.proof"))
    };
    std::fs::copy(proof(1), proof(0)).expect("a copy");
    std::fs::remove_file(proof(2)).expect("the proof");
    let changed = verify(&[]);
    assert_eq!(changed.code, 4);
    assert!(changed.stderr.contains("unit `0,10`: its proof is not the one that is listed"), "{changed}");
    assert!(changed.stderr.contains("unit `20,30`: its proof is not there"), "{changed}");
}

#[test]
fn demands_on_security_are_kept() {
    let (machine, fake) = pushed(&["0,10"]);
    let weak = collect(&machine, &fake, &["--verify", "--partial", "--min-bits", "120"]);
    assert_eq!(weak.code, 4, "{weak}");
    assert!(weak.stderr.contains("unit `0,10`: the proof has 9"), "{weak}");
    // It is taken as soon as the demand is one that it meets.
    let good = collect(&machine, &fake, &["--verify", "--partial", "--aggregate", "count", "--only-aggregate"]);
    assert_eq!((good.code, good.stdout.as_str()), (0, "1\n"), "{good}");
}

#[test]
fn a_distributor_that_breaks_off_anywhere_loses_nothing() {
    let (machine, fake) = pushed(&ALL);
    let fetched = || fake.with(|data| data.log.iter().filter(|line| line.contains("/proofs/")).count());
    let mut cuts = 0;
    let complete = loop {
        fake.with(|data| data.budget = Some(cuts));
        let outcome = collect(&machine, &fake, &["--verify", "--aggregate", "count"]);
        if outcome.code == 0 {
            break outcome;
        }
        assert_eq!((outcome.code, outcome.stdout.as_str()), (3, ""), "after {cuts} requests: {outcome}");
        assert!(outcome.stderr.contains("Run the same command again later"), "{outcome}");
        cuts += 1;
    };
    assert!(cuts > 4, "it was cut off after each request: {cuts}");
    assert!(complete.stdout.ends_with("count over 4 rows: 4\n"), "{complete}");
    assert_eq!(fetched(), 4, "each proof was fetched once");
    let rows = std::fs::read_to_string(machine.path("primes-results/rows.jsonl")).expect("the journal");
    assert_eq!(rows.lines().filter(|line| line.contains("\"row\"")).count(), 4, "each row stands once:\n{rows}");
}

#[test]
fn without_results_there_is_no_manifest() {
    let (machine, fake) = pushed(&[]);
    let nothing = collect(&machine, &fake, &["--verify", "--aggregate", "sum", "--column", "2"]);
    assert_eq!(nothing.code, 1, "{nothing}");
    assert!(nothing.stderr.contains("4 of 4 units have no result yet"), "{nothing}");
    assert!(!machine.path("primes-results/manifest.json").exists());
    let partial = collect(&machine, &fake, &["--verify", "--partial", "--aggregate", "max", "--column", "2"]);
    assert_eq!(partial.code, 1, "{partial}");
    assert!(partial.stderr.contains("there is no row, so there is no max"), "{partial}");
}

#[test]
fn two_collections_into_one_folder_do_not_mix() {
    let (machine, fake) = pushed(&ALL);
    assert_eq!(collect(&machine, &fake, &["--verify"]).code, 0);
    let rows = std::fs::File::open(machine.path("primes-results/rows.jsonl")).expect("the journal");
    rows.lock().expect("a lock");
    let second = collect(&machine, &fake, &["--verify"]);
    assert_eq!(second.code, 1, "{second}");
    assert!(second.stderr.contains("another uploader is collecting into this folder now"), "{second}");
    drop(rows);
    assert_eq!(collect(&machine, &fake, &["--verify"]).code, 0);
}

#[test]
fn whoever_stops_reading_is_no_error() {
    use std::io::Read as _;
    let (machine, fake) = pushed(&ALL);
    let mut command = machine.command(&["collect", "primes", "--verify", "--retries", "0"]);
    command.env("CAIRN_KEY", common::KEY).env("CAIRN_DISTRIBUTOR", &fake.address);
    let mut child =
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().expect("a run");
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut said).expect("text");
    assert_eq!(child.wait().expect("an end").code(), Some(0), "{said}");
    assert!(!said.contains("error") && machine.path("primes-results/manifest.json").exists(), "{said}");
}

#[test]
fn what_is_proven_again_takes_the_place_of_what_was_there() {
    let (machine, fake) = pushed(&ALL);
    assert_eq!(collect(&machine, &fake, &["--verify"]).code, 0);
    let manifest = || {
        let text = std::fs::read_to_string(machine.path("primes-results/manifest.json")).expect("the manifest");
        serde_json::from_str::<uploader::manifest::Manifest>(&text).expect("a manifest")
    };
    let before = manifest();
    assert_eq!(fake.with(|data| data.root), Some(before.root));
    // The distributor let a proof go: whoever has it needs it no more.
    fake.with(|data| {
        data.results[1].proof.kept = false;
        data.blobs.remove(&data.results[1].proof.sha256).expect("a proof");
    });
    assert_eq!(collect(&machine, &fake, &["--verify"]).code, 0);
    let elsewhere = Machine::new();
    let program = primes().display().to_string();
    let given = ["--verify", "--program", &program, "--range", "0..40:10"];
    let gone = collect(&elsewhere, &fake, &given);
    assert_eq!(gone.code, 4, "{gone}");
    assert!(gone.stderr.contains("unit `10,20`: its proof is not kept any more; `uploader prove-again`"), "{gone}");

    // It is made anew, by somebody else.
    let again = machine.run_with_key(&fake.address, &["prove-again", "primes", "10,20"]);
    assert_eq!((again.code, again.stdout.as_str()), (0, "10,20\n"), "{again}");
    assert_eq!(fake.with(|data| data.units.iter().filter(|unit| unit.again).count()), 1);
    assert_eq!(machine.run_with_key(&fake.address, &["prove-again", "primes", "nothing"]).code, 1);
    fake.prove_by(4, &primes(), &["10,20"]);
    let new = collect(&machine, &fake, &["--verify"]);
    assert_eq!(new.code, 0, "{new}");
    assert!(new.stderr.contains("4 of 4 units are verified, 0 of them now."), "{new}");
    let after = manifest();
    assert_eq!(after.rows.len(), 4);
    for (old, new) in before.rows.iter().zip(&after.rows) {
        let same = (&old.proof, &old.prover) == (&new.proof, &new.prover);
        assert_eq!((&old.unit, &old.output, same), (&new.unit, &new.output, old.unit.as_str() != "10,20"));
    }
    assert_eq!(machine.run(&["verify", "primes-results", "--program", &program]).code, 0);
    assert_eq!(collect(&elsewhere, &fake, &given).code, 0, "nothing is missing any more");

    // What was collected once said otherwise: one of the two proofs is false.
    let rows = machine.path("primes-results/rows.jsonl");
    let text = std::fs::read_to_string(&rows).expect("the journal");
    let changed: Vec<String> = text
        .lines()
        .map(|line| {
            let (_, json) = line.split_once(' ').expect("a checksum");
            if json.contains("\"10,20\"") { json.replace("\"0x4\"", "\"0x5\"") } else { line.to_owned() }
        })
        .collect();
    assert_ne!(text, changed.join("\n"));
    std::fs::write(&rows, changed.join("\n") + "\n").expect("a write");
    fake.prove_by(5, &primes(), &["10,20"]);
    let other = collect(&machine, &fake, &["--verify"]);
    assert_eq!(other.code, 4, "{other}");
    assert!(
        other.stderr.contains("unit `10,20`: it was proven again, with another result: [0xa, 0x14, 0x4, 0x3c]"),
        "{other}"
    );
}
