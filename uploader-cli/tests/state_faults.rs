//! Each file that the uploader keeps is truncated, garbled, emptied, made unreadable, or replaced by a folder. Each time the
//! damage is told with the file's name or does no harm: no result is lost, and none is counted twice.
#![allow(clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod common;

use common::fake::Fake;
use common::{KEY, Machine, Outcome, primes};
use std::fs;
use std::path::{Path, PathBuf};

/// What is done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Truncated,
    Flipped,
    Emptied,
    Garbled,
    Folder,
    Unreadable,
    ReadOnly,
}

const FAULTS: [Fault; 7] = [
    Fault::Truncated,
    Fault::Flipped,
    Fault::Emptied,
    Fault::Garbled,
    Fault::Folder,
    Fault::Unreadable,
    Fault::ReadOnly,
];

/// Numbers that are the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

fn inject(path: &Path, fault: Fault, random: &mut Random) {
    let mut bytes = fs::read(path).expect("the file");
    match fault {
        Fault::Truncated => bytes.truncate(random.below(bytes.len())),
        Fault::Flipped if !bytes.is_empty() => {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
        Fault::Garbled => (0..bytes.len()).for_each(|at| bytes[at] = random.below(256) as u8),
        Fault::Emptied | Fault::Flipped => bytes.clear(),
        Fault::Folder => {
            fs::remove_file(path).expect("gone");
            return fs::create_dir(path).expect("a folder");
        }
        Fault::Unreadable => return set_mode(path, 0o000),
        Fault::ReadOnly => return set_mode(path, 0o444),
    }
    fs::write(path, bytes).expect("a write");
}

fn files_of(root: &Path) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files.iter().map(|file| file.strip_prefix(root).expect("below the root").to_owned()).collect()
}

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
        for file in files_of(self.template.folder.path()) {
            let to = copy.path(&file.display().to_string());
            fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
            fs::copy(self.template.folder.path().join(&file), to).expect("a copy");
        }
        copy
    }

    /// Puts a fault into a copy and does what somebody would do. Returns whether it was told.
    fn play(&self, file: &Path, fault: Fault, random: &mut Random) -> bool {
        let machine = self.copy();
        let path = machine.path(&file.display().to_string());
        inject(&path, fault, random);
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        let mut told = false;
        let mut settle = |outcome: Outcome, again: &dyn Fn() -> Outcome| {
            let mut outcome = outcome;
            if outcome.code != 0 {
                assert!(outcome.stderr.contains(&name), "{fault:?} {}: the file is named: {outcome}", file.display());
                assert!(!outcome.stderr.contains("panicked"), "{outcome}");
                told = true;
                self.restore(&path, file);
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

    fn restore(&self, path: &Path, file: &Path) {
        if path.is_dir() {
            fs::remove_dir(path).expect("gone");
        } else if path.exists() {
            set_mode(path, 0o600);
        }
        fs::copy(self.template.folder.path().join(file), path).expect("a copy");
    }
}

fn play_all(rounds: usize, chosen: impl Fn(usize, Fault) -> bool) {
    let (scene, mut random) = (Scene::new(), Random(0x9e37_79b9_7f4a_7c15));
    let files = files_of(scene.template.folder.path());
    for kind in
        ["keys.json", "signing-key", "record.json", "program-", "locks/", "rows.jsonl", "manifest.json", "proofs/"]
    {
        assert!(files.iter().any(|file| file.to_string_lossy().contains(kind)), "no {kind} among {files:?}");
    }
    let (mut injected, mut told) = (0, 0);
    for _ in 0..rounds {
        for (index, file) in files.iter().enumerate() {
            for fault in FAULTS.into_iter().filter(|fault| chosen(index, *fault)) {
                injected += 1;
                told += u32::from(scene.play(file, fault, &mut random));
            }
        }
    }
    println!(
        "{} files: {injected} faults injected, {told} told, {} harmless, 0 results lost, 0 doubled",
        files.len(),
        injected - told
    );
}

/// Each file with two faults, others from file to file.
#[test]
fn faults_in_each_file() {
    play_all(1, |index, fault| [index, index + 3].iter().any(|at| FAULTS[at % FAULTS.len()] == fault));
}

#[test]
#[ignore = "slow: a minute or two"]
fn all_faults_in_each_file() {
    play_all(4, |_, _| true);
}
