//! Each file that the uploader keeps is truncated, garbled, emptied, made unreadable, or replaced by a folder. Each time the
//! damage is told with the file's name or does no harm: no result is lost, and none is counted twice.
#![allow(clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod common;

use common::fake::Fake;
use common::{KEY, Machine, Outcome, primes};
use std::fs;
use std::path::Path;
use testkit::faults::{Fault, copy_files, play_all, restore};
use testkit::random::Random;

/// A machine that pushed three units and collected two, and whose distributor has the third as well.
struct Scene {
    fake: Fake,
    template: Machine,
}

const PUSH: [&str; 4] = ["--range", "0..30:10", "--preset", "bench-96"];

impl Scene {
    fn new() -> Self {
        let (template, fake) = (Machine::new(), Fake::start());
        let scene = Self { fake, template };
        let added = scene.template.run(&["key", "add", KEY, "--distributor", &scene.fake.address]);
        assert_eq!(added.code, 0, "{added}");
        let push = scene.push(&scene.template);
        assert_eq!(push.code, 0, "{push}");
        scene.fake.prove(&primes(), &["0,10", "10,20"]);
        let collect = scene.collect(&scene.template, &["--partial"]);
        assert_eq!(collect.code, 0, "{collect}");
        scene.fake.prove(&primes(), &["20,30"]);
        scene
    }

    fn push(&self, machine: &Machine) -> Outcome {
        let program = primes().display().to_string();
        let push = [&["push", &program, "--distributor", &self.fake.address][..], &PUSH].concat();
        machine.run(&push)
    }

    fn collect(&self, machine: &Machine, more: &[&str]) -> Outcome {
        let collect = ["collect", "primes", "--verify", "--aggregate", "sum", "--column", "2", "--only-aggregate"];
        machine.run(&[&collect[..], &["--distributor", &self.fake.address], more].concat())
    }

    fn verify(&self, machine: &Machine) -> Outcome {
        let program = primes().display().to_string();
        let verify =
            ["verify", "primes-results", "--aggregate", "sum", "--column", "2", "--only-aggregate", "--program"];
        machine.run(&[&verify[..], &[&program]].concat())
    }

    fn copy(&self) -> Machine {
        let copy = Machine::new();
        copy_files(self.template.folder.path(), copy.folder.path());
        copy
    }

    /// Puts a fault into a copy and does what somebody would do. Returns whether it was told.
    fn play(&self, file: &Path, fault: Fault, random: &mut Random) -> bool {
        let machine = self.copy();
        let path = machine.path(&file.display().to_string());
        fault.inject(&path, random);
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        let mut told = false;
        let mut settle = |outcome: Outcome, again: &dyn Fn() -> Outcome| {
            let mut outcome = outcome;
            if outcome.code != 0 {
                assert!(outcome.stderr.contains(&name), "{fault:?} {}: the file is named: {outcome}", file.display());
                assert!(!outcome.stderr.contains("panicked"), "{outcome}");
                told = true;
                restore(&path, &self.template.folder.path().join(file));
                outcome = again();
            }
            assert_eq!(outcome.code, 0, "{fault:?} {}: {outcome}", file.display());
            outcome
        };
        settle(self.push(&machine), &|| self.push(&machine));
        let sum = settle(self.collect(&machine, &[]), &|| self.collect(&machine, &[]));
        assert_eq!(sum.stdout, "10\n", "{fault:?} {}: {sum}", file.display());
        assert_eq!(self.fake.with(|data| data.units.len()), 3, "{fault:?} {}: no unit twice", file.display());
        // What was damaged among the proofs is seen by whoever looks at them; it is fetched again once it is gone.
        let verified = self.verify(&machine);
        if verified.code != 0 {
            assert!(verified.stderr.contains("unit `") || verified.stderr.contains(&name), "{fault:?}: {verified}");
            told = true;
            if path.is_dir() {
                fs::remove_dir(&path).expect("gone")
            } else {
                fs::remove_file(&path).expect("gone")
            }
            assert_eq!(self.collect(&machine, &[]).stdout, "10\n", "{fault:?} {}", file.display());
            assert_eq!(self.verify(&machine).stdout, "10\n", "{fault:?} {}", file.display());
        }
        told
    }
}

/// One file of each kind.
const KINDS: [&str; 8] =
    ["keys.json", "signing-key", "record.json", "program-", "locks/", "rows.jsonl", "manifest.json", "proofs/"];

fn play(rounds: usize, chosen: impl Fn(usize, Fault) -> bool) {
    let scene = Scene::new();
    let template = scene.template.folder.path();
    play_all(template, &KINDS, rounds, chosen, |file, fault, random| scene.play(file, fault, random));
}

/// Each file with two faults, others from file to file.
#[test]
fn faults_in_each_file() {
    play(1, |index, fault| [index, index + 3].iter().any(|at| Fault::ALL[at % Fault::ALL.len()] == fault));
}

#[test]
#[ignore = "slow: a minute or two"]
fn all_faults_in_each_file() {
    play(4, |_, _| true);
}
