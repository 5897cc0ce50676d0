//! Each file of a donor's state folder is truncated, garbled, emptied, made unreadable, or replaced by a folder. Each time the
//! damage is noticed or does no harm: the donor stays who it is, no unit is lost, and none is counted twice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::grid::{Grid, World};
use common::process::{Donor, command};
use protocol::{DonorKey, Identity};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use tempfile::TempDir;
use testkit::faults::{Fault, copy_files, play_all, restore};
use testkit::random::Random;

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
        // A unit whose lease or result was lost is lent again at once.
        grid.world().expire_leases();
        let donor = Identity::load_or_create(&state.join("key")).unwrap().donor_key();
        Self { grid, template, donor }
    }

    fn copy(&self) -> TempDir {
        let copy = tempfile::tempdir().unwrap();
        copy_files(self.template.path(), copy.path());
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
        fault.inject(&path, random);
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

/// One file of each kind.
const KINDS: [&str; 13] = [
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
];

fn play(rounds: usize, chosen: impl Fn(usize, Fault) -> bool) {
    let scene = Scene::new();
    play_all(scene.template.path(), &KINDS, rounds, chosen, |file, fault, random| scene.play(file, fault, random));
}

/// Each file with one fault, another one from file to file.
#[test]
fn a_fault_in_each_file() {
    play(1, |index, fault| Fault::ALL[index % Fault::ALL.len()] == fault);
}

#[test]
#[ignore = "slow: a minute"]
fn all_faults_in_each_file() {
    play(2, |_, _| true);
}
