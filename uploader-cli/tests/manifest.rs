//! Manifests and proofs that somebody tampered with. A third party has the program, the manifest and the proofs, and believes
//! nothing that a proof or the published root does not show.
#![allow(clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod common;

use common::fake::Fake;
use common::{Machine, Outcome, primes};
use serde_json::{Value, json};
use std::path::PathBuf;
use uploader::manifest::Manifest;

const ALL: [&str; 3] = ["0,10", "10,20", "20,30"];

/// A folder of results with three rows, and nothing else.
struct Published {
    machine: Machine,
    manifest: Value,
}

impl Published {
    fn new() -> Self {
        let (origin, machine, fake) = (Machine::new(), Machine::new(), Fake::start());
        let program = primes().display().to_string();
        let push = ["push", &program, "--range", "0..30:10", "--preset", "bench-96"];
        assert_eq!(origin.run_with_key(&fake.address, &push).code, 0);
        fake.prove(&primes(), &ALL);
        assert_eq!(origin.run_with_key(&fake.address, &["collect", "primes", "--verify"]).code, 0);
        std::fs::rename(origin.path("primes-results"), machine.path("published")).expect("a move");
        let text = std::fs::read_to_string(machine.path("published/manifest.json")).expect("the manifest");
        let manifest = serde_json::from_str(&text).expect("JSON");
        Self { machine, manifest }
    }

    fn verify(&self, more: &[&str]) -> Outcome {
        let program = primes().display().to_string();
        let arguments = [&["verify", "published", "--program", &program], more].concat();
        self.machine.run(&arguments)
    }

    /// Verifies a changed manifest.
    fn verify_changed(&self, change: impl FnOnce(&mut Value), more: &[&str]) -> Outcome {
        let mut manifest = self.manifest.clone();
        change(&mut manifest);
        self.machine.write("published/manifest.json", &manifest.to_string());
        let outcome = self.verify(more);
        self.machine.write("published/manifest.json", &self.manifest.to_string());
        outcome
    }

    /// The same, with the root that the changed manifest has.
    fn verify_forged(&self, change: impl FnOnce(&mut Value), more: &[&str]) -> Outcome {
        let forge = |manifest: &mut Value| {
            change(manifest);
            let root = serde_json::from_value::<Manifest>(manifest.clone()).expect("a manifest").compute_root();
            manifest["root"] = root.to_string().into();
        };
        self.verify_changed(forge, more)
    }

    fn proof(&self, row: usize) -> PathBuf {
        let digest = self.manifest["rows"][row]["proof"].as_str().expect("a digest");
        self.machine.path(&format!("published/proofs/{digest}.proof"))
    }
}

/// Exit code, nothing shown, and the message.
fn assert_refused(outcome: &Outcome, code: i32, message: &str) {
    assert_eq!((outcome.code, outcome.stdout.as_str()), (code, ""), "{outcome}");
    assert!(outcome.stderr.contains(message), "no `{message}` in {outcome}");
}

fn zeros() -> Value {
    "0".repeat(64).into()
}

type Change = fn(&mut Value);

/// A change of every field, and what is said of it once the root is computed anew; `None` where no proof can show it.
const FIELDS: [(&str, Change, Option<&str>); 11] = [
    ("project", |m| m["project"] = "other".into(), None),
    ("units_pushed", |m| m["units_pushed"] = 4.into(), None),
    ("unit", |m| m["rows"][2]["unit"] = "30,40".into(), None),
    ("program_hash", |m| m["program_hash"] = zeros(), Some("the manifest is about another program")),
    (
        "preset",
        |m| m["preset"] = "default-100".into(),
        Some("3 of 3 proofs are refused:\n  unit `0,10`: the proof has "),
    ),
    (
        "arguments",
        |m| m["rows"][1]["arguments"][1] = "0x15".into(),
        Some("1 of 3 proofs are refused:\n  unit `10,20`: this is a proof of the program on other arguments"),
    ),
    ("output", |m| m["rows"][1]["output"][2] = "0x5".into(), Some("unit `10,20`: its output is listed as")),
    ("output length", |m| m["rows"][1]["output"] = json!([]), Some("unit `10,20`: its output is listed as []")),
    ("n_steps", |m| m["rows"][1]["n_steps"] = 1.into(), Some("unit `10,20`: its steps are listed as 1")),
    ("proof", |m| m["rows"][1]["proof"] = zeros(), Some("unit `10,20`: its proof is not there")),
    ("prover", |m| m["rows"][1]["prover"] = zeros(), Some("unit `10,20`: this proof was made by another prover")),
];

#[test]
fn every_field_is_under_the_root() {
    let published = Published::new();
    for (field, change, _) in FIELDS {
        let outcome = published.verify_changed(change, &[]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (4, ""), "{field}: {outcome}");
    }
    let outcome = published.verify_changed(|m| m["root"] = zeros(), &[]);
    assert_refused(&outcome, 4, "it was changed after it was made");
    assert_eq!(published.verify(&[]).code, 0);
}

#[test]
fn with_a_new_root_the_proofs_tell_and_the_published_root_tells_the_rest() {
    let published = Published::new();
    let root = published.manifest["root"].as_str().expect("a root").to_owned();
    for (field, change, message) in FIELDS {
        let alone = published.verify_forged(change, &[]);
        match message {
            Some(message) => assert_refused(&alone, 4, message),
            None => assert_eq!(alone.code, 0, "{field}: {alone}"),
        }
        let outcome = published.verify_forged(change, &["--root", &root]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (4, ""), "{field}: {outcome}");
    }
    assert_eq!(published.verify(&["--root", &root]).code, 0);
}

#[test]
fn rows_that_are_left_out_or_doubled() {
    let published = Published::new();
    let root = published.manifest["root"].as_str().expect("a root").to_owned();
    let drop_one: Change = |m| drop(m["rows"].as_array_mut().expect("rows").remove(1));
    let count = ["--aggregate", "count", "--only-aggregate"];
    for whole in [&count[..], &["--exec", "cat"]] {
        let fewer = published.verify_forged(drop_one, whole);
        assert_refused(&fewer, 1, "1 of 3 units have no row in this manifest");
        assert!(fewer.stderr.contains("warning: 1 of 3 units have no row"), "{fewer}");
    }
    let fewer = published.verify_forged(drop_one, &[&count[..], &["--partial"]].concat());
    assert_eq!((fewer.code, fewer.stdout.as_str()), (0, "2\n"), "{fewer}");
    assert_eq!(published.verify_forged(drop_one, &["--quiet"]).code, 0, "each row holds by itself");
    let published_root = published.verify_forged(drop_one, &["--root", &root]);
    assert_refused(&published_root, 4, "this is not the manifest that was published");

    let none = published.verify_forged(|m| m["rows"] = json!([]), &[]);
    assert_refused(&none, 4, "the manifest has no rows, so it shows nothing");

    let double = |m: &mut Value, name: &str| {
        let mut row = m["rows"][1].clone();
        row["unit"] = name.into();
        m["rows"].as_array_mut().expect("rows").insert(2, row);
    };
    let more = published.verify_forged(|m| double(m, "10,20"), &[]);
    assert_refused(&more, 4, "the manifest's rows are not in the order of their units: `10,20` follows `10,20`");
    let more = published.verify_forged(|m| double(m, "10,21"), &[]);
    assert_refused(&more, 4, "the manifest has 4 rows, but says that 3 units were pushed");
    let renamed = published.verify_forged(
        |m| {
            double(m, "10,21");
            m["units_pushed"] = 4.into();
        },
        &[],
    );
    assert_refused(&renamed, 4, "the run on the same arguments twice, as units `10,20` and `10,21`");
    let disordered = published.verify_forged(|m| m["rows"].as_array_mut().expect("rows").swap(0, 1), &[]);
    assert_refused(&disordered, 4, "the manifest's rows are not in the order of their units");
}

#[test]
fn proofs_that_are_swapped() {
    let published = Published::new();
    let swap: Change = |m| {
        let (first, second) = (m["rows"][0]["proof"].clone(), m["rows"][1]["proof"].clone());
        (m["rows"][0]["proof"], m["rows"][1]["proof"]) = (second, first);
    };
    let swapped = published.verify_forged(swap, &[]);
    assert_refused(
        &swapped,
        4,
        "2 of 3 proofs are refused:\n  unit `0,10`: this is a proof of the program on other arguments",
    );
    std::fs::copy(published.proof(0), published.proof(1)).expect("a copy");
    assert_refused(&published.verify(&[]), 4, "unit `10,20`: its proof is not the one that is listed");
}

#[test]
fn huge_files_are_refused_unread() {
    let published = Published::new();
    let huge = |path: PathBuf| std::fs::File::create(path).expect("a file").set_len(1 << 40).expect("a hole");
    huge(published.proof(1));
    assert_refused(&published.verify(&[]), 4, "bytes, the most that is read");
    huge(published.machine.path("published/manifest.json"));
    assert_refused(&published.verify(&[]), 1, "it has more than 4294967296 bytes, the most that is read");
    huge(published.machine.path("huge.json"));
    let program = published.machine.run(&["verify", "published", "--program", "huge.json"]);
    assert_refused(&program, 1, "bytes, the most that is read");
}

#[test]
fn manifests_of_the_format_before() {
    let published = Published::new();
    let old: Change = |m| {
        m["format"] = "cairn-manifest-1".into();
        m["proof_version"] = 6.into();
    };
    assert_eq!(published.verify_forged(old, &[]).code, 0);
    // Its root is one of other bytes, and it knows no proofs of several runs.
    assert_refused(&published.verify_changed(old, &[]), 4, "it was changed after it was made");
    let batches = published.verify_forged(
        |m| {
            old(m);
            m["batches"] = json!([{ "proof": m["rows"][0]["proof"], "prover": m["rows"][0]["prover"], "runs": [] }]);
        },
        &[],
    );
    assert_refused(&batches, 1, "it has batches, which its format does not know");
    let older = published.verify_forged(|m| m["proof_version"] = 5.into(), &[]);
    assert_refused(&older, 1, "its proofs have version 5, and this program verifies versions 6 to 7");
}

#[test]
fn files_that_are_no_manifests() {
    let published = Published::new();
    let changes: [(Change, &str); 6] = [
        (|m| m["format"] = "cairn-manifest-3".into(), "its format is `cairn-manifest-3`"),
        (|m| m["proof_version"] = 99.into(), "its proofs have version 99"),
        (|m| m["more"] = 1.into(), "unknown field `more`"),
        (|m| drop(m.as_object_mut().expect("an object").remove("units_pushed")), "missing field `units_pushed`"),
        (
            |m| m["rows"][0]["output"][0] = "0x1ffff".repeat(12).into(),
            "is no manifest of this version (cairn-manifest-2) or the one before",
        ),
        (|m| m["rows"][0]["unit"] = "a\u{1b}[2J".into(), "no manifest of this version"),
    ];
    for (change, message) in changes {
        assert_refused(&published.verify_changed(change, &[]), 1, message);
    }
}
