//! Each file of a donor's state folder is truncated, garbled, emptied, made unreadable, or replaced by a folder. Each time the
//! damage is noticed or does no harm: the donor stays who it is, no unit is lost, and none is counted twice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::grid::{Grid, World};
use common::process::{Donor, command};
use protocol::{DonorKey, Identity};
use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

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

fn inject(path: &Path, fault: Fault, random: &mut Random) {
    let mut bytes = fs::read(path).unwrap();
    match fault {
        Fault::Truncated => bytes.truncate(random.below(bytes.len())),
        Fault::Flipped if !bytes.is_empty() => {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
        Fault::Garbled => (0..bytes.len()).for_each(|at| bytes[at] = random.below(256) as u8),
        Fault::Emptied | Fault::Flipped => bytes.clear(),
        Fault::Folder => {
            fs::remove_file(path).unwrap();
            return fs::create_dir(path).unwrap();
        }
        Fault::Unreadable => return fs::set_permissions(path, Permissions::from_mode(0o000)).unwrap(),
        Fault::ReadOnly => return fs::set_permissions(path, Permissions::from_mode(0o444)).unwrap(),
    }
    fs::write(path, bytes).unwrap();
}

/// A state folder with a file of each kind, and the grid that it belongs to.
struct Scene {
    grid: Grid,
    template: TempDir,
    donor: DonorKey,
}

impl Scene {
    /// One unit delivered, one finished and not delivered, one executed and not proved.
    fn new() -> Self {
        let units = [r#"{"n": "20"}"#, r#"{"n": "30"}"#, r#"{"n": "40"}"#];
        let (grid, template) = (Grid::of("cairo0/sum_to_n.json").with_units(&units), tempfile::tempdir().unwrap());
        let state = template.path();
        let (status, events) = Donor::run(state, &grid.address, &["--max-units", "1"]).end();
        assert!(status.success(), "{events:?}");
        grid.world().script.unavailable = true;
        let mut second = Donor::run(state, &grid.address, &["--at-once", "1"]);
        second.wait_event("finished");
        second.kill();
        let (third, _) = Donor::run_to("main", state, &grid.address, &[]);
        third.kill();
        let config = format!("server = \"{}\"\nmax-cpu = \"100\"\n", grid.address);
        fs::write(state.join("config.toml"), config).unwrap();
        // A wish that nobody took.
        fs::write(state.join("control/pause"), "").unwrap();
        grid.world().script.unavailable = false;
        // A unit whose lease was lost is lent again at once.
        grid.world().script.lease_seconds = 0;
        let donor = Identity::load_or_create(&state.join("key")).unwrap().donor_key();
        Self { grid, template, donor }
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.template.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files.sort();
        files.iter().map(|file| file.strip_prefix(self.template.path()).unwrap().to_owned()).collect()
    }

    fn copy(&self) -> TempDir {
        let copy = tempfile::tempdir().unwrap();
        for file in self.files() {
            let to = copy.path().join(&file);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(self.template.path().join(&file), to).unwrap();
        }
        copy
    }

    /// Puts a fault into a copy and lets the donor work until every unit is proved. Returns whether it noticed.
    fn play(&self, file: &Path, fault: Fault, random: &mut Random) -> bool {
        {
            let world: &mut World = &mut self.grid.world();
            for unit in &mut world.units[1..] {
                (unit.proofs, unit.submissions) = (Vec::new(), 0);
                unit.failures.clear();
            }
        }
        let state = self.copy();
        let path = state.path().join(file);
        inject(&path, fault, random);
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let mut noticed = false;
        let mut log = String::new();
        for _ in 0..6 {
            if self.grid.world().units.iter().all(|unit| !unit.proofs.is_empty()) {
                break;
            }
            let mut run = command();
            run.args([
                "run",
                "--json",
                "--no-yield",
                "--max-cpu",
                "100",
                "--max-units",
                "1",
                // The grid is there: only an address that a fault has changed is waited for.
                "--patience",
                "2",
                "--state",
            ]);
            // Given again on the command line, as somebody would whose settings are gone.
            run.arg(state.path()).args(["--server", &self.grid.address]);
            let output = run.output().unwrap();
            let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            assert!(!said.contains("panicked"), "{said}");
            noticed |= said.contains(&name);
            let _ = writeln!(log, "exit {:?}: {said}", output.status.code());
            if !output.status.success() {
                assert!(said.contains(&name), "{fault:?} {}: the file is named: {log}", file.display());
                // What the message asks for: a backup.
                restore(&path, &self.template.path().join(file));
            }
        }
        let world = self.grid.world();
        for unit in &world.units[1..] {
            assert_eq!(unit.proofs.len(), 1, "{fault:?} {}: a unit is lost: {log}", file.display());
            assert_eq!(unit.submissions, 1, "{fault:?} {}: a unit is doubled: {log}", file.display());
            assert_eq!(unit.proofs[0].1, self.donor, "{fault:?} {}: it became another donor: {log}", file.display());
        }
        noticed
    }
}

fn restore(path: &Path, from: &Path) {
    if path.is_dir() {
        fs::remove_dir_all(path).unwrap();
    } else if path.exists() {
        fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    }
    fs::copy(from, path).unwrap();
}

fn play_all(rounds: usize, chosen: impl Fn(usize, Fault) -> bool) {
    let (scene, mut random) = (Scene::new(), Random(0x9e37_79b9_7f4a_7c15));
    let files = scene.files();
    for kind in [
        "key",
        "config.toml",
        "lock",
        "status.json",
        "history.jsonl",
        "totals.json",
        "speed.json",
        "signers.json",
        "leases/",
        "programs/",
        "executions/",
        "outbox/",
        "control/",
    ] {
        assert!(files.iter().any(|file| file.to_string_lossy().starts_with(kind)), "no {kind} among {files:?}");
    }
    let (mut injected, mut noticed) = (0, 0);
    for _ in 0..rounds {
        for (index, file) in files.iter().enumerate() {
            for fault in FAULTS.into_iter().filter(|fault| chosen(index, *fault)) {
                injected += 1;
                noticed += u32::from(scene.play(file, fault, &mut random));
            }
        }
    }
    println!(
        "{} files: {injected} faults injected, {noticed} noticed, {} harmless, 0 units lost, 0 doubled",
        files.len(),
        injected - noticed
    );
}

/// Each file with one fault, another one from file to file.
#[test]
fn a_fault_in_each_file() {
    play_all(1, |index, fault| FAULTS[index % FAULTS.len()] == fault);
}

#[test]
#[ignore = "slow: some minutes"]
fn all_faults_in_each_file() {
    play_all(2, |_, _| true);
}
