//! The uploader against the real distributor, with donors that execute and prove in this process.
#![allow(clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod common;

use cairo_runner::{Arguments, RunLimits, RunnableProgram, run, unwatched};
use common::{Machine, load, primes, prove_units};
use distributor::config::Settings;
use distributor::store::Scopes;
use protocol::client::{ClientConfig, DonorClient, LeaseAnswer};
use protocol::signing::Identity;
use protocol::{
    ApiKey, DonorLimits, FailureCause, FailureReport, GivenBack, Lease, LeaseMode, LeaseRequest, Preset, RequestKey,
    Timestamp, Versions,
};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A distributor with a database and a folder of its own, and one access key: [`common::KEY`].
struct Grid {
    address: String,
    runtime: Runtime,
    folder: TempDir,
}

impl Grid {
    fn start() -> Self {
        Self::with_key("*", testgrid::ALL, None)
    }

    /// A distributor whose access key is for these projects and may do this.
    fn with_key(projects: &str, scopes: Scopes, revoked_at: Option<Timestamp>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let runtime = Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let store = testgrid::open_store(folder.path()).await;
            let key: ApiKey = common::KEY.parse().expect("a key");
            store.add_key(&testgrid::stored_key(&key, projects, scopes)).await.expect("a key");
            if let Some(now) = revoked_at {
                assert!(store.revoke_key(&key.id(), now).await.expect("a write"));
            }
        });
        Self::serve(runtime, folder, "127.0.0.1:0")
    }

    /// Ends it and starts it again at the same address.
    fn restart(self, meanwhile: impl FnOnce()) -> Self {
        let Self { address, runtime, folder } = self;
        runtime.shutdown_timeout(Duration::from_secs(5));
        meanwhile();
        let address = address.strip_prefix("http://").expect("an address").to_owned();
        Self::serve(Runtime::new().expect("a runtime"), folder, &address)
    }

    fn serve(runtime: Runtime, folder: TempDir, at: &str) -> Self {
        let address = runtime.block_on(async {
            let settings = Settings { quarantine_after: 1, ..Settings::default() };
            let at = at.parse().expect("an address");
            let (address, serving) = testgrid::serve(folder.path(), at, settings, None).await;
            tokio::spawn(serving);
            address
        });
        Self { address, runtime, folder }
    }

    fn donor(&self, seed: u8) -> DonorClient {
        let config = ClientConfig::new(&self.address, "test").expect("an address");
        DonorClient::new(config, Identity::from_seed(&[seed; 32])).expect("a client")
    }

    fn lease(&self, donor: &DonorClient) -> Option<Lease> {
        self.lease_of(donor, 1)
    }

    /// A lease of at most so many units.
    fn lease_of(&self, donor: &DonorClient, units: u32) -> Option<Lease> {
        let limits =
            DonorLimits { lease_units: units, lease_steps: 1 << 30, ..DonorLimits::alone(1 << 24, 8 << 30, 100_000) };
        let request = LeaseRequest {
            request: RequestKey::random().expect("random bytes"),
            project: None,
            mode: LeaseMode::Both,
            limits,
            versions: Versions::current("test"),
        };
        match self.runtime.block_on(donor.lease(&request)).expect("an answer") {
            LeaseAnswer::Lease(lease) => Some(*lease),
            LeaseAnswer::NoWork { .. } => None,
        }
    }

    /// Proves all units of primes that there are.
    fn work(&self, seed: u8) -> usize {
        self.prove(seed, &primes(), usize::MAX)
    }

    /// Proves at most so many units of the program.
    fn prove(&self, seed: u8, program: &Path, most: usize) -> usize {
        let (donor, program) = (self.donor(seed), load(program));
        let mut proved = 0;
        while proved < most
            && let Some(lease) = self.lease(&donor)
        {
            self.prove_lease(&donor, &program, &lease);
            proved += 1;
        }
        proved
    }

    /// Proves all units of a lease together.
    fn prove_lease(&self, donor: &DonorClient, program: &RunnableProgram, lease: &Lease) {
        let runs: Vec<Arguments> = lease.units.iter().map(|unit| Arguments::from_felts(&unit.arguments.0)).collect();
        let proof = prove_units(program, &runs, donor.identity(), Preset::Bench96);
        let units: Vec<_> = lease.units.iter().map(|unit| unit.id).collect();
        let sent = donor.submit_proof(&units, Some(&lease.token), &proof, None);
        self.runtime.block_on(sent).expect("it is accepted");
    }

    /// Fails at one unit.
    fn fail_one(&self, seed: u8) {
        let donor = self.donor(seed);
        self.runtime.block_on(testgrid::trust(self.folder.path(), &donor.identity().donor_key()));
        let lease = self.lease(&donor).expect("a lease");
        let report = FailureReport { cause: FailureCause::Panic, detail: "it panicked".to_owned() };
        let back = GivenBack { units: vec![lease.units[0].id], failure: Some(report) };
        self.runtime.block_on(donor.release(&lease.token, Some(&back))).expect("it is taken back");
    }
}

/// Writes a run as other tools write it: 24 bytes a step, 40 bytes a cell.
fn write_run(folder: &Path, arguments: &str) {
    let arguments = Arguments::from_json(arguments.as_bytes()).expect("arguments");
    let execution = run(&load(&primes()), &arguments, &RunLimits::default(), &mut unwatched).expect("a run");
    let word = |word: u32| u64::from(word).to_le_bytes();
    let trace = execution.trace.iter().flat_map(|state| [word(state.ap), word(state.fp), word(state.pc)].concat());
    let cell = |(address, value): (u32, &felt::Felt)| {
        let mut value = felt::encoding::to_canonical_be(value);
        value.reverse();
        [&word(address)[..], &value].concat()
    };
    let memory = (1..).zip(execution.memory.iter().skip(1)).flat_map(cell);
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::write(folder.join("trace.bin"), trace.collect::<Vec<u8>>()).expect("a write");
    std::fs::write(folder.join("memory.bin"), memory.collect::<Vec<u8>>()).expect("a write");
}

#[test]
fn a_run_made_elsewhere_is_proved_by_others() {
    let (grid, machine) = (Grid::start(), Machine::new());
    let run = |arguments: &[&str]| machine.run_with_key(&grid.address, arguments);
    let program = primes().display().to_string();
    let folder = machine.path("run");
    write_run(&folder, "[10, 30]");
    let push = ["push", &program, "--run", "run", "--preset", "bench-96"];
    let dry = run(&[&push[..], &["--dry-run"]].concat());
    assert!(dry.stderr.contains("The run run is one of unit 10,30: "), "{dry}");
    let pushed = run(&push);
    assert_eq!(pushed.code, 0, "{pushed}");
    assert!(pushed.stderr.contains("The execution was checked and taken; donors only have to prove it."), "{pushed}");
    let listed = run(&["list", "primes", "--in-state", "executed", "--format", "csv"]);
    assert!(listed.stdout.contains("10,30"), "{listed}");
    // Nobody need run it.
    let request = LeaseRequest {
        request: RequestKey::random().expect("random bytes"),
        project: None,
        mode: LeaseMode::Execute,
        limits: DonorLimits::alone(1 << 24, 8 << 30, 100_000),
        versions: Versions::current("test"),
    };
    let answer = grid.runtime.block_on(grid.donor(4).lease(&request)).expect("an answer");
    assert!(matches!(answer, LeaseAnswer::NoWork { .. }));
    let lease = grid.lease(&grid.donor(5)).expect("a lease");
    assert_eq!((lease.mode, lease.units[0].execution.is_some()), (LeaseMode::Prove, true));
    grid.runtime.block_on(grid.donor(5).release(&lease.token, None)).expect("it is taken back");
    assert_eq!(grid.work(3), 1);
    let again = run(&push);
    assert!(again.code == 0 && again.stderr.contains("0 of 1 units are new."), "{again}");
    let collected = run(&["collect", "primes", "--verify", "--format", "csv"]);
    assert_eq!(collected.code, 0, "{collected}");

    // Files that contradict each other, or are cut off, are refused before anything is sent.
    let trace = std::fs::read(folder.join("trace.bin")).expect("the trace");
    write_run(&folder, "[10, 31]");
    std::fs::write(folder.join("trace.bin"), &trace).expect("a write");
    for (length, what) in [(trace.len(), ""), (trace.len() - 7, "trace.bin: the trace is cut off or no trace")] {
        std::fs::write(folder.join("trace.bin"), &trace[..length]).expect("a write");
        let refused = run(&["push", &program, "--run", "run", "--project", "other"]);
        let said =
            format!("the run run is not taken, so nothing was sent: {}", if what.is_empty() { "" } else { "run/" });
        assert!(refused.code == 1 && refused.stderr.contains(&said) && refused.stderr.contains(what), "{refused}");
    }
    assert!(!run(&["status"]).stdout.contains("other"));
}

#[test]
fn units_that_are_proved_together() {
    let (grid, machine) = (Grid::start(), Machine::new());
    let run = |arguments: &[&str]| machine.run_with_key(&grid.address, arguments);
    let program = primes().display().to_string();
    let push = ["push", &program, "--range", "0..90:10", "--preset", "bench-96"];
    assert_eq!(run(&push).code, 0);
    let (donor, loaded) = (grid.donor(3), load(&primes()));
    // Nine units in proofs of four, four and one.
    for units in [4, 4, 1] {
        let lease = grid.lease_of(&donor, 4).expect("a lease");
        assert_eq!(lease.units.len(), units);
        grid.prove_lease(&donor, &loaded, &lease);
    }
    let collected = run(&["collect", "primes", "--verify", "--aggregate", "sum", "--column", "2", "--only-aggregate"]);
    assert_eq!((collected.code, collected.stdout.as_str()), (0, "24\n"), "{collected}");
    let proofs = std::fs::read_dir(machine.path("primes-results/proofs")).expect("the proofs").count();
    assert_eq!(proofs, 3, "each file once");

    // Somebody else has the folder and the program.
    let verified = machine.run(&["verify", "primes-results", "--program", &program, "--format", "csv"]);
    assert!(verified.code == 0 && verified.stderr.contains("All 9 proofs hold"), "{verified}");
    assert_eq!(verified.stdout.lines().count(), 10, "{verified}");
}

#[test]
fn push_prove_collect_verify() {
    let (grid, machine) = (Grid::start(), Machine::new());
    let run = |arguments: &[&str]| machine.run_with_key(&grid.address, arguments);
    let program = primes().display().to_string();
    let push = ["push", &program, "--range", "0..60:10", "--preset", "bench-96", "--description", "primes below 60"];
    let first = run(&push);
    assert_eq!(first.code, 0, "{first}");
    assert!(first.stderr.contains("The project is new; 6 of 6 units are new."), "{first}");
    let again = run(&push);
    assert!(again.stderr.contains("The project was there already; 0 of 6 units are new."), "{again}");

    // A unit fails, is seen, and is tried again.
    grid.fail_one(1);
    let status = run(&["status", "primes"]);
    assert!(status.stderr.contains("1 unit of primes failed"), "{status}");
    let failed = run(&["list", "primes", "--in-state", "failed", "--format", "csv"]);
    assert!(failed.stdout.contains("panic on 1 donor, 1 of them trusted: it panicked"), "{failed}");
    let history = run(&["history", "primes", "--format", "jsonl"]);
    assert!(
        history.stdout.contains("\"outcome\":\"failed\"") && history.stdout.contains("\"cause\":\"panic\""),
        "{history}"
    );
    assert_eq!(run(&["retry", "primes"]).stdout.lines().count(), 1);
    assert_eq!(run(&["withdraw", "primes", "50,60"]).stdout, "50,60\n");

    // A collection waits while donors work.
    let waiting = std::thread::scope(|scope| {
        let collect = ["collect", "primes", "--verify", "--wait", "--partial", "--aggregate", "sum", "--column", "2"];
        let waiting = scope.spawn(move || run(&collect));
        assert_eq!(grid.work(2), 5);
        waiting.join().expect("a run")
    });
    assert_eq!(waiting.code, 0, "{waiting}");
    // Primes below 50.
    assert!(waiting.stdout.ends_with("sum of output 2 over 5 rows: 15\n"), "{waiting}");
    assert!(waiting.stderr.contains("1 unit is missing, withdrawn: 50,60"), "{waiting}");

    let status = run(&["status", "--format", "jsonl"]);
    let status: serde_json::Value = serde_json::from_str(&status.stdout).expect("JSON");
    assert_eq!((status["collected"].as_u64(), status["withdrawn"].as_u64()), (Some(5), Some(1)), "{status}");
    let whole = ["verify", "primes-results", "--program", &program, "--aggregate", "max", "--column", "output_3"];
    assert_eq!(machine.run(&whole).code, 1, "a unit has no row");
    let offline = machine.run(&[&whole[..], &["--partial"]].concat());
    assert_eq!(offline.code, 0, "{offline}");
    assert!(offline.stdout.ends_with("max of output 3 over 5 rows: 131 (unit 40,50)\n"), "{offline}");
}

/// A program without output, and one that declares more than it uses, through the whole grid: the rows are empty, or have what was
/// written, in every format.
#[test]
fn programs_without_output_and_with_unused_builtins() {
    let (grid, machine) = (Grid::start(), Machine::new());
    for (name, outputs) in [("no_output", &[][..]), ("all_builtins_unused", &["11"])] {
        let path = common::programs().join(format!("fixtures/cairo0/{name}.json"));
        let (program, project) = (path.display().to_string(), name.replace('_', "-"));
        let run = |arguments: &[&str]| machine.run_with_key(&grid.address, arguments);
        let pushed = run(&["push", &program, "--project", &project, "--preset", "bench-96"]);
        assert_eq!(pushed.code, 0, "{pushed}");
        assert_eq!(grid.prove(2, &path, usize::MAX), 1);
        let collected = run(&["collect", &project, "--verify", "--format", "jsonl"]);
        assert_eq!(collected.code, 0, "{collected}");
        let row: serde_json::Value = serde_json::from_str(&collected.stdout).expect("one line of JSON");
        assert_eq!(row["output"], serde_json::json!(outputs), "{collected}");
        let folder = format!("{project}-results");
        let verify = |more: &[&str]| machine.run(&[&["verify", &folder, "--program", &program], more].concat());
        for format in ["table", "csv", "jsonl"] {
            let shown = verify(&["--format", format]);
            assert_eq!(shown.code, 0, "{shown}");
            assert_eq!(shown.stdout.contains("output_0"), format != "jsonl" && !outputs.is_empty(), "{shown}");
        }
        assert_eq!(verify(&["--aggregate", "count", "--only-aggregate"]).stdout, "1\n");
        let sum = verify(&["--aggregate", "sum", "--column", "0", "--only-aggregate"]);
        match outputs.first() {
            Some(value) => assert_eq!(sum.stdout, format!("{value}\n"), "{sum}"),
            None => assert!(sum.code != 0 && sum.stderr.contains("has no output"), "{sum}"),
        }
    }
}

/// Arguments with lists and records: a donor gets them as numbers one after the other, and reads them by the program's hints.
#[test]
fn nested_arguments_reach_the_donor() {
    let (grid, machine) = (Grid::start(), Machine::new());
    let path = common::programs().join("fixtures/cairo0/args_forms.json");
    let program = path.display().to_string();
    let run = |arguments: &[&str]| machine.run_with_key(&grid.address, arguments);
    let unit = r#"{"last": 9, "points": [{"x": 1, "y": 2}], "third": [4], "second": [10, "0xb"], "first": [], "a": 5,
        "deep": {"inner": {"c": 7}, "b": 16}}"#;
    machine.write("units.jsonl", &(unit.replace('\n', " ") + "\n"));
    let pushed = run(&["push", &program, "--args", "units.jsonl", "--preset", "bench-96"]);
    assert_eq!(pushed.code, 0, "{pushed}");
    assert!(pushed.stderr.contains("`print` in hints is ignored"), "{pushed}");
    assert_eq!(grid.prove(2, &path, usize::MAX), 1);
    let collected = run(&["collect", "args-forms", "--verify", "--format", "jsonl"]);
    assert_eq!(collected.code, 0, "{collected}");
    let row: serde_json::Value = serde_json::from_str(&collected.stdout).expect("one line of JSON");
    let expected = ["5", "16", "7", "0", "2", "10", "11", "1", "4", "1", "2", "1", "9"];
    assert_eq!(row["arguments"], serde_json::json!(expected), "{collected}");
    let output = row["output"].as_array().expect("a list");
    assert_eq!(output[..expected.len()], row["arguments"].as_array().expect("a list")[..], "{collected}");
    // Another kind of value than the hints read.
    machine.write("wrong.jsonl", &(unit.replace('\n', " ").replace("[4]", "4") + "\n"));
    let wrong = run(&["push", &program, "--args", "wrong.jsonl", "--dry-run"]);
    assert!(
        wrong.code != 0 && wrong.stderr.contains("`third` is a number, but the program's hints read an array"),
        "{wrong}"
    );
}

#[test]
fn a_proof_that_was_changed_at_the_distributor_is_refused() {
    let (grid, machine) = (Grid::start(), Machine::new());
    let program = primes().display().to_string();
    let run = |arguments: &[&str]| machine.run_with_key(&grid.address, arguments);
    assert_eq!(run(&["push", &program, "--range", "0..20:10", "--preset", "bench-96"]).code, 0);
    assert_eq!(grid.work(2), 2);
    let proofs: Vec<_> = walk(grid.folder.path()).into_iter().filter(|path| is_proof(path)).collect();
    assert_eq!(proofs.len(), 2);
    let mut bytes = std::fs::read(&proofs[0]).expect("a proof");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&proofs[0], bytes).expect("a write");
    let refused = run(&["collect", "primes", "--verify", "--retries", "0"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (4, ""), "{refused}");
    assert!(refused.stderr.contains("1 result is not believed:\n  unit `"), "{refused}");
}

#[test]
fn a_cairo_2_project_is_collected_in_parts_and_verified_elsewhere() {
    let (grid, machine) = (Grid::start(), Machine::new());
    let run = |arguments: &[&str]| machine.run_with_key(&grid.address, arguments);
    let collatz = common::programs().join("collatz/collatz.executable.json");
    let program = collatz.display().to_string();
    machine.write("units.csv", "name,lo,hi\nfirst,1,10\nsecond,10,20\nthird,20,30\nfourth,30,40\n");
    let push = ["push", &program, "--args", "units.csv", "--id-field", "name", "--preset", "bench-96"];
    let pushed = run(&push);
    assert!(pushed.stderr.contains("The project is new; 4 of 4 units are new."), "{pushed}");

    // Two donors, and a collection after each.
    assert_eq!(grid.prove(2, &collatz, 2), 2);
    let collect = ["collect", "collatz", "--verify", "--aggregate", "max", "--column", "3"];
    let half = run(&collect);
    assert_eq!(half.code, 1, "{half}");
    assert!(half.stderr.contains("2 of 4 units have no result yet"), "{half}");
    assert_eq!(half.stdout, "", "a value of a part looks like a result: {half}");
    assert_eq!(grid.prove(3, &collatz, 5), 2);
    let whole = run(&collect);
    assert_eq!(whole.code, 0, "{whole}");
    assert!(whole.stderr.contains("4 of 4 units are verified, 2 of them now."), "{whole}");
    // 27 takes 111 steps.
    assert!(whole.stdout.ends_with("max of output 3 over 4 rows: 111 (unit third)\n"), "{whole}");

    // A third party has the folder and the program, and neither the distributor nor this machine's records.
    let elsewhere = Machine::new();
    copy(&machine.path("collatz-results"), &elsewhere.path("copied"));
    std::fs::copy(&collatz, elsewhere.path("program.json")).expect("a copy");
    drop(grid);
    let verify = |more: &[&str]| elsewhere.run(&[&["verify", "copied", "--program", "program.json"], more].concat());
    let csv = verify(&["--format", "csv"]);
    assert_eq!(csv.code, 0, "{csv}");
    let columns: Vec<Vec<&str>> = csv.stdout.lines().map(|line| line.split(',').collect()).collect();
    let names: Vec<&str> = columns.iter().map(|cells| cells[0]).collect();
    assert_eq!(names, ["unit", "first", "fourth", "second", "third"]);
    assert!(columns.iter().all(|cells| cells.len() == columns[0].len()), "{csv}");
    let provers: std::collections::BTreeSet<&str> = columns[1..].iter().map(|cells| cells[cells.len() - 3]).collect();
    assert_eq!(provers.len(), 2, "each row names its own prover: {csv}");
    assert_eq!(verify(&["--aggregate", "max", "--column", "4", "--only-aggregate"]).stdout, "9232\n");
}

#[test]
fn a_distributor_that_goes_away_is_gone_on_with() {
    let (grid, machine) = (Grid::start(), Machine::new());
    let address = grid.address.clone();
    let run = |arguments: &[&str]| machine.run_with_key(&address, arguments);
    let program = primes().display().to_string();
    let push = ["push", &program, "--range", "0..40:10", "--preset", "bench-96", "--retries", "0"];
    assert_eq!(run(&push).code, 0);
    assert_eq!(grid.prove(2, &primes(), 2), 2);
    let collect = ["collect", "primes", "--verify", "--retries", "0", "--aggregate", "count", "--only-aggregate"];
    assert_eq!(run(&collect).code, 1);
    let grid = grid.restart(|| {
        for arguments in [&push[..], &collect, &["status", "--retries", "0"]] {
            let outcome = run(arguments);
            assert_eq!((outcome.code, outcome.stdout.as_str()), (3, ""), "{outcome}");
            assert!(outcome.stderr.contains("cannot be reached"), "{outcome}");
        }
    });
    let again = run(&push);
    assert!(again.stderr.contains("The project was there already; 0 of 4 units are new."), "{again}");
    assert_eq!(grid.work(3), 2);
    let whole = run(&collect);
    assert_eq!((whole.code, whole.stdout.as_str()), (0, "4\n"), "{whole}");
    assert!(whole.stderr.contains("4 of 4 units are verified, 2 of them now."), "{whole}");
}

#[test]
fn keys_that_may_not() {
    let all = testgrid::ALL;
    let read_only = Scopes { push: false, read: true, withdraw: false };
    let program = primes().display().to_string();
    for (projects, scopes, revoked, message) in [
        ("other", all, None, "the access key 0123456789ab is for the projects `other`, not for `primes`"),
        ("*", read_only, None, "the access key 0123456789ab lacks the scope `push`; ask the operator for another key"),
        ("*", all, Some(Timestamp(1)), "Ask the operator for a key and add it with `uploader key add`"),
    ] {
        let (grid, machine) = (Grid::with_key(projects, scopes, revoked), Machine::new());
        let refused = machine.run_with_key(&grid.address, &["push", &program, "--range", "0..40:10"]);
        assert_eq!((refused.code, refused.stdout.as_str()), (1, ""), "{refused}");
        assert!(refused.stderr.contains(message), "no `{message}` in {refused}");
        assert!(!machine.path("state/projects").exists(), "nothing half-done remains");
        let projects = machine.run_with_key(&grid.address, &["status", "--format", "jsonl"]);
        assert_eq!(projects.stdout, "", "nothing half-done remains there");
    }
}

#[test]
fn a_name_that_is_taken() {
    let (grid, machine, other) = (Grid::start(), Machine::new(), Machine::new());
    let push = |machine: &Machine, program: &str, arguments: &str| {
        let arguments = machine.write("args.jsonl", arguments).display().to_string();
        machine.run_with_key(&grid.address, &["push", program, "--args", &arguments, "--project", "mine"])
    };
    assert_eq!(push(&machine, &primes().display().to_string(), "[0, 10]").code, 0);
    let queens = common::programs().join("nqueens/nqueens.json").display().to_string();
    let taken = push(&other, &queens, "[4, 0, 0]");
    assert_eq!(taken.code, 1, "{taken}");
    assert!(taken.stderr.contains("Choose another name with --project"), "{taken}");
    assert!(!other.path("state/projects").exists(), "nothing half-done remains");
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

fn copy(from: &Path, to: &Path) {
    for path in walk(from) {
        let target = to.join(path.strip_prefix(from).expect("a path below"));
        std::fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
        std::fs::copy(&path, &target).expect("a copy");
    }
}

fn is_proof(path: &std::path::Path) -> bool {
    std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"CAIRNPRF"))
}

#[test]
fn visitors_are_told_about_a_project() {
    let (grid, machine) = (Grid::start(), Machine::new());
    let run = |arguments: &[&str]| machine.run_with_key(&grid.address, arguments);
    let pushed = run(&["push", &primes().display().to_string(), "--range", "0..20:10"]);
    assert_eq!(pushed.code, 0, "{pushed}");
    std::fs::write(machine.path("about.md"), "# Primes\n\nWe *count* them.\n").expect("a write");
    let options = ["--cause", "mathematics", "--plot", "line:0:2", "--label", "primes", "--argument-label", "from"];
    let told =
        run(&[&["describe", "primes", "about.md", "--cite", "Primes, 2026", "--open-results"], &options[..]].concat());
    assert!(told.code == 0 && told.stderr.contains("results are open to everybody"), "{told}");
    let shown = run(&["describe", "primes"]);
    let expected = "cause    Mathematics\nplot     line:0:2 (from) (primes)\nresults  open to everybody\ncite     Primes, 2026\n\n\
         # Primes\n\nWe *count* them.\n";
    assert_eq!((shown.code, shown.stdout.as_str()), (0, expected), "{shown}");
    // What is not said stays.
    let closed = run(&["describe", "primes", "--close-results", "--no-plot"]);
    assert!(closed.code == 0 && closed.stderr.contains("results are for your keys only"), "{closed}");
    let json = run(&["describe", "primes", "--json"]).stdout;
    let page: protocol::ProjectPage = serde_json::from_str(&json).expect("a page");
    assert_eq!((page.plot, page.open_results, page.cite.as_str()), (None, false, "Primes, 2026"));
    // What is not good is named, and changes nothing.
    std::fs::write(machine.path("long.md"), "x".repeat(20_001)).expect("a write");
    std::fs::write(machine.path("huge.md"), "x".repeat(100_000)).expect("a write");
    std::fs::write(machine.path("hides.md"), "a\u{202e}b").expect("a write");
    std::fs::write(machine.path("latin.md"), b"caf\xe9").expect("a write");
    for (file, says) in [
        ("long.md", "about must be at most 20000 characters"),
        ("huge.md", "a description has at most 20000 characters"),
        ("hides.md", "without control characters"),
        ("latin.md", "text in UTF-8"),
        ("none.md", "none.md: "),
    ] {
        let refused = run(&["describe", "primes", file]);
        assert!(refused.code == 1 && refused.stderr.contains(says), "{file}: {refused}");
    }
    for wrong in [["--cause", "money"], ["--plot", "pie:1"], ["--label", "x"]] {
        assert_eq!(run(&[&["describe", "primes"], &wrong[..]].concat()).code, 2, "{wrong:?}");
    }
    assert_eq!(run(&["describe", "nothing", "about.md"]).code, 1);
    assert_eq!(run(&["describe", "primes", "--json"]).stdout, json);
}
