//! The walls around a unit's process: every way out that is known is tried from inside, all sample programs run behind them,
//! and nothing that comes out is believed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(target_os = "linux")]

mod common;

use cairo_runner::{Arguments, RunnableProgram};
use common::fixture;
use common::grid::Grid;
use donor::child::ATTEMPT;
use donor::child::messages::Order;
use donor::child::messages::{Event, Job, JobLimits, JobUnit, VERSION};
use donor::child::sandbox::Walls;
use donor::child::unit::{UnitProcess, command};
use protocol::{Digest, FailureCause, Felts, Identity, LeaseMode, Preset, UnitId};
use rustix::process::geteuid;
use rustix::thread::CapabilitySet;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
use serde_json::Value;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;

const DONOR: &str = env!("CARGO_BIN_EXE_donor");

const WHOLE: Walls = Walls { landlock: 1, filter: true };

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A job on a program of its own folder.
fn job(folder: &Path, file: &[u8], arguments: &str, mode: LeaseMode) -> Job {
    let program = RunnableProgram::from_json(file);
    let bound = program.as_ref().map_or_else(
        |_| vec![],
        |program| {
            Arguments::from_json(arguments.as_bytes())
                .ok()
                .and_then(|given| program.bind(&given).ok())
                .unwrap_or_default()
        },
    );
    let (program_hash, record) = program.as_ref().map_or_else(
        |_| (serde_json::from_value(Value::from("00".repeat(32))).unwrap(), Digest::of(b"")),
        |program| (protocol::program_hash(program.program()), protocol::record_digest(program.program())),
    );
    let place = |name: &str| folder.join(name);
    std::fs::write(place("program"), file).unwrap();
    Job {
        version: VERSION,
        parent: std::process::id(),
        program: place("program"),
        program_digest: Digest::of(file),
        record,
        program_hash,
        units: vec![JobUnit {
            id: UnitId::from_bytes([0; 10]),
            arguments: Felts(bound),
            earlier: place("earlier"),
            execution: place("execution"),
        }],
        mode,
        proof: place("proof"),
        prover: Identity::random().unwrap().donor_key(),
        preset: Preset::Default100,
        byte_price: None,
        limits: JobLimits {
            max_steps: 1 << 18,
            max_memory_cells: 1 << 20,
            own_memory: false,
            execute_seconds: 60,
            total_seconds: 600,
            memory_bytes: 2 << 30,
            file_bytes: 1 << 28,
        },
        threads: 2,
        cores: 2.0,
        credit: 0.0,
        walls: WHOLE,
    }
}

/// Everything that a unit's process says.
fn run(job: &Job, attempt: &str) -> Vec<Event> {
    runtime().block_on(async {
        let mut command = command(Path::new(DONOR));
        command.env(ATTEMPT, attempt);
        if attempt.is_empty() {
            command.env_remove(ATTEMPT);
        }
        let mut unit = UnitProcess::spawn(command, job).await.unwrap();
        let mut events = Vec::new();
        while let Some(event) = unit.next().await {
            events.push(event);
        }
        unit.kill().await;
        events
    })
}

fn attempt_job(folder: &Path) -> Job {
    job(folder, &fixture("bench/fib_tiny.json"), "{}", LeaseMode::Both)
}

/// How an attempt went: `out`, `in` with the reason, `ended` by the system for what it tried, or what else the donor said.
fn outcome(job: &Job, attempt: &str) -> String {
    match run(job, attempt).pop() {
        Some(Event::Waiting { why }) => why,
        Some(Event::Failed { detail, .. }) if detail.contains("what the sandbox does not allow") => "ended".to_owned(),
        Some(Event::Failed { cause, detail }) => format!("{cause}: {detail}"),
        other => panic!("{attempt}: {other:?}"),
    }
}

/// What there is to get at outside.
struct Outside {
    folder: TempDir,
    tcp: TcpListener,
    udp: UdpSocket,
    _unix: UnixListener,
}

static SECRET: u8 = 7;

impl Outside {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let unix = UnixListener::bind(folder.path().join("socket")).unwrap();
        let outside = Self {
            folder,
            tcp: TcpListener::bind("127.0.0.1:0").unwrap(),
            udp: UdpSocket::bind("127.0.0.1:0").unwrap(),
            _unix: unix,
        };
        outside.restore();
        outside
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn restore(&self) {
        std::fs::write(self.path("key"), "secret").unwrap();
        std::fs::create_dir_all(self.path("mount")).unwrap();
        for name in ["key.gone", "key.link", "new"] {
            let _ = std::fs::remove_file(self.path(name));
        }
    }

    fn is_untouched(&self) -> bool {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::read(self.path("key")).is_ok_and(|bytes| bytes == b"secret")
            && std::fs::metadata(self.path("key")).unwrap().permissions().mode() & 0o777 != 0o777
            && ["key.gone", "key.link", "new"].iter().all(|name| !self.path(name).exists())
    }

    /// Ways out, and whether one of them is open without walls to everybody, or to root only.
    fn ways(&self) -> Vec<(String, bool)> {
        let at = |name: &str| self.path(name).display().to_string();
        let root = geteuid().is_root();
        let may_raise = rustix::thread::capabilities(None).unwrap().effective.contains(CapabilitySet::SYS_RESOURCE);
        vec![
            (format!("read:{}", at("key")), true),
            (format!("list:{}", at("")), true),
            (format!("stat:{}", at("key")), true),
            (format!("write:{}", at("new")), true),
            (format!("rename:{}", at("key")), true),
            (format!("link:{}", at("key")), true),
            (format!("chmod:{}", at("key")), true),
            (format!("chown:{}", at("key")), root),
            (format!("remove:{}", at("key")), true),
            (format!("tcp:{}", self.tcp.local_addr().unwrap()), true),
            (format!("udp:{}", self.udp.local_addr().unwrap()), true),
            (format!("unix:{}", at("socket")), true),
            ("pair".to_owned(), true),
            ("thread".to_owned(), true),
            ("exec:/bin/true".to_owned(), true),
            ("signal".to_owned(), true),
            ("ptrace".to_owned(), root),
            (format!("peek:{:p}", &raw const SECRET), root),
            ("memory".to_owned(), root),
            ("environ".to_owned(), true),
            (format!("mount:{}", at("mount")), false),
            ("unshare".to_owned(), false),
            ("anonymous".to_owned(), true),
            ("capabilities".to_owned(), root),
            ("raise".to_owned(), may_raise),
            ("renice".to_owned(), root),
        ]
    }
}

/// Without walls the ways are open: otherwise the tests below would show nothing.
#[test]
fn without_walls_the_ways_are_open() {
    let (outside, folder) = (Outside::new(), tempfile::tempdir().unwrap());
    for (way, open) in outside.ways() {
        outside.restore();
        if open {
            let outcome = outcome(&attempt_job(folder.path()), &format!("free-{way}"));
            // The donor's own watch may look just while the thread is there, which shows as well that it could be started.
            let watched = way == "thread" && outcome.contains("threads; it needs");
            assert!(outcome == "out" || watched, "{way}: {outcome}");
        }
    }
    // This one does not come back to tell.
    let events = run(&attempt_job(folder.path()), "free-become:/bin/true");
    assert_eq!(events, [], "another program took its place and ended well");
}

#[test]
fn nothing_gets_out() {
    let (outside, folder) = (Outside::new(), tempfile::tempdir().unwrap());
    let job = attempt_job(folder.path());
    assert_eq!(outcome(&job, "nothing"), "out", "the attempts themselves come to their end");
    for (way, _) in outside.ways().into_iter().chain([("become:/bin/true".to_owned(), true)]) {
        let outcome = outcome(&job, &way);
        let name = way.split(':').next().unwrap();
        if ["read", "list", "stat", "write", "memory", "environ"].contains(&name) {
            assert_eq!(outcome, "in: Permission denied (os error 13)", "{way}");
        } else {
            assert_eq!(outcome, "ended", "{way}");
        }
        assert!(outside.is_untouched(), "{way}");
    }
    outside.udp.set_nonblocking(true).unwrap();
    outside.tcp.set_nonblocking(true).unwrap();
    assert!(outside.udp.recv(&mut [0; 8]).is_err() && outside.tcp.accept().is_err());
}

/// Where system calls cannot be filtered, Landlock, the privileges that are given up, and the lack of descriptors hold most
/// of it by themselves.
#[test]
fn most_holds_without_the_filter() {
    let (outside, folder) = (Outside::new(), tempfile::tempdir().unwrap());
    let job = Job { walls: Walls { filter: false, ..WHOLE }, ..attempt_job(folder.path()) };
    for (way, _) in outside.ways().into_iter().chain([("become:/bin/true".to_owned(), true)]) {
        let name = way.split(':').next().unwrap();
        // Landlock does not cover these; the files are the donor's own.
        if ["stat", "chmod", "chown", "thread", "unshare", "pair"].contains(&name) {
            continue;
        }
        let outcome = outcome(&job, &way);
        assert!(outcome.starts_with("in: "), "{way}: {outcome}");
        assert!(outside.is_untouched(), "{way}");
    }
}

#[test]
fn limits_end_what_goes_beyond_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut job = attempt_job(folder.path());
    let tight = JobLimits { memory_bytes: 512 << 20, file_bytes: 1 << 20, total_seconds: 1, ..job.limits };
    for (attempt, expected) in [
        ("allocate", "in: memory allocation failed"),
        ("fill", "crash: the system ended the work unit's process: it wrote more than it may"),
        ("spin", "time_limit: the unit took more than 1 s of processor time"),
    ] {
        let loose = format!("free-{attempt}");
        job.limits = JobLimits { memory_bytes: 8 << 30, file_bytes: 1 << 30, total_seconds: 600, ..tight };
        assert_eq!(outcome(&job, &loose), "out", "{attempt}");
        job.limits = tight;
        let outcome = outcome(&job, attempt);
        assert!(outcome.starts_with(expected), "{attempt}: {outcome}");
    }
    assert!(std::fs::metadata(&job.units[0].execution).unwrap().len() <= tight.file_bytes);
}

#[test]
fn it_has_nothing_of_the_donors() {
    let folder = tempfile::tempdir().unwrap();
    let job = attempt_job(folder.path());
    assert!(std::env::var_os("PATH").is_some() && std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    for name in ["PATH", "CARGO_MANIFEST_DIR"] {
        let outcome = outcome(&job, &format!("environment:{name}"));
        assert!(outcome.starts_with("in: "), "{name}: {outcome}");
    }
    // One that is left open across the start of a program, as shells and services do.
    let file = std::fs::File::open(folder.path()).unwrap();
    let open = rustix::io::fcntl_dupfd_cloexec(&file, 150).unwrap();
    rustix::io::fcntl_setfd(&open, rustix::io::FdFlags::empty()).unwrap();
    assert_eq!(outcome(&job, "free-descriptors"), "out");
    let outcome = outcome(&Job { walls: Walls { filter: false, ..WHOLE }, ..job }, "descriptors");
    assert_eq!(outcome, "in: nothing was left open");
}

#[test]
fn the_kernel_says_so_too() {
    let folder = tempfile::tempdir().unwrap();
    let job = attempt_job(folder.path());
    runtime().block_on(async {
        let mut command = command(Path::new(DONOR));
        command.env(ATTEMPT, r#"lie:{"waiting":{"why":"here"}}"#);
        let mut unit = UnitProcess::spawn(command, &job).await.unwrap();
        assert_eq!(unit.next().await, Some(Event::Waiting { why: "here".to_owned() }));
        let proc = PathBuf::from(format!("/proc/{}", unit.id().unwrap()));
        let mut threads = 0;
        for task in std::fs::read_dir(proc.join("task")).unwrap().flatten() {
            let status = std::fs::read_to_string(task.path().join("status")).unwrap();
            for line in ["NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000", "CapPrm:\t0000000000000000"] {
                assert!(status.contains(line), "{line} in {status}");
            }
            threads += 1;
        }
        assert_eq!(threads, 5, "two of the prover, and three more");
        let limits = std::fs::read_to_string(proc.join("limits")).unwrap();
        let limit = |name: &str| {
            let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
            line[name.len()..].split_ascii_whitespace().next().unwrap().to_owned()
        };
        assert_eq!((limit("Max open files"), limit("Max core file size")), ("0".to_owned(), "0".to_owned()));
        assert_eq!(limit("Max file size"), job.limits.file_bytes.to_string());
        assert_eq!(limit("Max data size"), job.limits.memory_bytes.to_string());
        assert_eq!(limit("Max cpu time"), "630");
        let mut open: Vec<String> = std::fs::read_dir(proc.join("fd"))
            .unwrap()
            .flatten()
            .map(|entry| std::fs::read_link(entry.path()).unwrap().display().to_string())
            .map(|target| target.rsplit('/').next().unwrap().split(':').next().unwrap().to_owned())
            .collect();
        open.sort();
        assert_eq!(open, ["execution", "pipe", "pipe", "pipe", "program", "proof", "status"].map(str::to_owned));
        let environment = std::fs::read_to_string(proc.join("environ")).unwrap();
        // GNU's library takes its settings apart where they lie.
        let allowed = ["GLIBC_TUNABLES", "glibc.", "CAIRN_KERNEL", "LD_LIBRARY_PATH", ATTEMPT];
        let foreign = |line: &&str| !line.is_empty() && !allowed.iter().any(|name| line.starts_with(name));
        assert_eq!(environment.split('\0').find(foreign), None);
        assert_eq!(std::fs::read_link(proc.join("cwd")).unwrap(), Path::new("/"));
        unit.kill().await;
    });
}

#[test]
fn nothing_that_it_says_is_believed() {
    let folder = tempfile::tempdir().unwrap();
    let job = attempt_job(folder.path());
    let proved = format!(
        r#"lie:{{"proved":{{"units":["00000000000000000000"],"bytes":1,"sha256":"{}","steps":1000000000,"cpu_seconds":0.001,"peak_memory":1}}}}"#,
        Digest::of(b"")
    );
    for (lie, expected) in [
        (proved.as_str(), "did not execute"),
        (
            r#"lie:{"executed":{"unit":"00000000000000000000","steps":18446744073709551615,"cells":1,"cpu_seconds":1,"kept":true}}"#,
            "the most",
        ),
        ("lie:hello", "no message: hello"),
        (r#"lie:{"progress":{"phase":"upload","fraction":1}}"#, "phase `upload`"),
        ("output", "more than 65536 bytes"),
    ] {
        let outcome = outcome(&job, lie);
        assert!(outcome.starts_with("crash: ") && outcome.contains(expected), "{lie}: {outcome}");
    }
    let without = Job { walls: Walls { filter: false, ..WHOLE }, ..job };
    let outcome = outcome(&without, "crowd");
    assert!(outcome.starts_with("crash: ") && outcome.contains("threads; it needs 5"), "{outcome}");
}

#[test]
fn a_wall_that_is_not_there_any_more_is_no_fault_of_the_unit() {
    let folder = tempfile::tempdir().unwrap();
    let job = Job { walls: Walls { landlock: 1000, filter: true }, ..attempt_job(folder.path()) };
    let events = run(&job, "");
    assert!(matches!(&events[..], [Event::Failed { cause: FailureCause::Stopped, .. }]), "{events:?}");
}

/// Runs the donor on a kernel that answers a system call otherwise, and returns exit code, output and errors.
fn on_a_kernel(call: i64, action: SeccompAction, arguments: &[&str]) -> (Option<i32>, String, String) {
    let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    // A filter holds for the thread that sets it, and for what it starts.
    let thread = std::thread::spawn(move || {
        let rules = [(call, vec![])].into_iter().collect();
        let arch = std::env::consts::ARCH.try_into().unwrap();
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, action, arch).unwrap();
        seccompiler::apply_filter(&BpfProgram::try_from(filter).unwrap()).unwrap();
        let output = common::process::command().args(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    });
    thread.join().unwrap()
}

#[test]
fn what_the_kernel_lacks_is_found_and_said() {
    let state = tempfile::tempdir().unwrap();
    let at = state.path().to_str().unwrap();
    let refused = || SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let whole = (libc::SYS_reboot, refused(), (true, true), "");
    let landlock = libc::SYS_landlock_create_ruleset;
    let cases = [
        whole,
        (landlock, refused(), (false, true), "no Landlock"),
        // As containers forbid it.
        (landlock, SeccompAction::Errno(libc::EPERM.unsigned_abs()), (false, true), "no Landlock"),
        (libc::SYS_seccomp, refused(), (true, false), "cannot be filtered"),
        // The filter would end each unit: better none, and said.
        (libc::SYS_seccomp, SeccompAction::KillProcess, (true, false), "cannot be filtered"),
    ];
    for (call, action, (files, filter), words) in cases {
        let (code, out, err) = on_a_kernel(call, action.clone(), &["status", "--json", "--state", at]);
        assert_eq!(code, Some(0), "{err}");
        let sandbox = serde_json::from_str::<Value>(&out).unwrap()["sandbox"].clone();
        assert_eq!(sandbox["landlock"].as_u64().unwrap() > 0, files, "{sandbox}");
        assert_eq!(sandbox["filter"].as_bool().unwrap(), filter, "{sandbox}");
        let (_, said, _) = on_a_kernel(call, action.clone(), &["status", "--state", at]);
        assert!(
            said.contains(words) && said.contains(if files && filter { "whole (" } else { "To mend it: " }),
            "{said}"
        );
        let server = ["--no-yield", "--server", "http://127.0.0.1:1", "--patience", "1", "--state", at];
        let run = ["run", "--require-sandbox"];
        let (code, _, err) = on_a_kernel(call, action, &[&run[..], &server].concat());
        if files && filter {
            assert_eq!(code, Some(3), "it comes as far as the distributor: {err}");
        } else {
            assert_eq!(code, Some(1), "{err}");
            assert!(err.contains("the sandbox is required and not whole here") && err.contains(words), "{err}");
        }
    }
}

#[test]
fn a_donor_without_landlock_warns_and_works() {
    let (grid, state) = (Grid::of("cairo0/sum_to_n.json").with_units(&[r#"{"n": "5"}"#]), tempfile::tempdir().unwrap());
    let arguments = ["run", "--json", "--no-yield", "--max-units", "1", "--server", &grid.address, "--state"];
    let arguments = [&arguments[..], &[state.path().to_str().unwrap()]].concat();
    let refused = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let (code, out, _) = on_a_kernel(libc::SYS_landlock_create_ruleset, refused, &arguments);
    assert_eq!(code, Some(0), "{out}");
    let events: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let sandbox = events.iter().find(|event| event["event"] == "sandbox").expect("an event about the sandbox");
    assert_eq!((&sandbox["landlock"], &sandbox["filter"]), (&0.into(), &true.into()));
    assert!(sandbox["missing"][0]["cure"].as_str().unwrap().contains("Linux 5.13"), "{sandbox}");
    grid.assert_all_proved_once();
}

/// Runs that fail as they should, and the files of those that end well.
struct Sample {
    name: String,
    file: Vec<u8>,
    arguments: String,
}

fn samples() -> Vec<Sample> {
    let expected: Value = serde_json::from_slice(&fixture("expected.json")).unwrap();
    let mut samples: Vec<Sample> = expected
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, run)| Sample {
            name: name.clone(),
            file: fixture(run["file"].as_str().unwrap()),
            arguments: run["args"].to_string(),
        })
        .collect();
    for (project, file) in [
        ("primes", "primes.json"),
        ("nqueens", "nqueens.json"),
        ("collatz", "collatz.executable.json"),
        ("montecarlo", "montecarlo.executable.json"),
    ] {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../programs").join(project);
        let arguments = std::fs::read_to_string(folder.join("args.jsonl")).unwrap();
        samples.push(Sample {
            name: project.to_owned(),
            file: std::fs::read(folder.join(file)).unwrap(),
            arguments: arguments.lines().next().unwrap().to_owned(),
        });
    }
    samples
}

/// What became of a unit: `proved`, `executed`, or why it failed.
fn end(events: &[Event]) -> String {
    match events.last() {
        Some(Event::Proved { .. }) => "proved".to_owned(),
        Some(Event::Executed { .. }) => "executed".to_owned(),
        Some(Event::Failed { cause, detail } | Event::UnitFailed { cause, detail, .. }) => {
            format!("{cause}: {detail}")
        }
        other => panic!("{other:?}"),
    }
}

/// A system call that is missing from the list shows here: with and without walls all sample programs end in the same way,
/// executed and proved at once, and apart.
fn same_behind_walls(samples: &[Sample]) -> usize {
    let mut proved = 0;
    for Sample { name, file, arguments } in samples {
        let folder = tempfile::tempdir().unwrap();
        let both = job(folder.path(), file, arguments, LeaseMode::Both);
        let inside = end(&run(&both, ""));
        assert!(!inside.contains("sandbox"), "{name}: {inside}");
        if inside == "proved" {
            proved += 1;
            assert!(std::fs::metadata(&both.proof).unwrap().len() > 1000, "{name}");
            let execute = Job { mode: LeaseMode::Execute, ..both.clone() };
            assert_eq!(end(&run(&execute, "")), "executed", "{name}");
            std::fs::rename(&execute.units[0].execution, &execute.units[0].earlier).unwrap();
            let prove = Job { mode: LeaseMode::Prove, ..both };
            assert_eq!(end(&run(&prove, "")), "proved", "{name}");
        } else {
            let outside = end(&run(&both, "free-work"));
            assert_eq!(inside, outside, "{name}");
        }
    }
    proved
}

#[test]
fn sample_projects_run_behind_the_walls() {
    let projects: Vec<Sample> = samples().into_iter().filter(|sample| !sample.name.contains('/')).collect();
    assert_eq!(same_behind_walls(&projects), projects.len());
}

#[test]
#[ignore = "slow: proves all sample programs three times"]
fn all_sample_programs_run_behind_the_walls() {
    let samples = samples();
    assert!(same_behind_walls(&samples) > 50);
}

#[test]
fn a_throttled_and_paused_unit_works_behind_the_walls() {
    let folder = tempfile::tempdir().unwrap();
    let mut job = job(folder.path(), &fixture("bench/fib_2p14.json"), "{}", LeaseMode::Both);
    job.cores = 0.0;
    runtime().block_on(async {
        let mut unit = UnitProcess::start(Path::new(DONOR), &job).await.unwrap();
        let paused = async {
            while let Some(event) = unit.next().await {
                assert!(!matches!(event, Event::Proved { .. } | Event::Failed { .. }), "{event:?}");
            }
        };
        assert!(tokio::time::timeout(Duration::from_secs(2), paused).await.is_err(), "it waits");
        unit.order(&Order::Cores(1.0)).await;
        let mut events = Vec::new();
        while let Some(event) = unit.next().await {
            events.push(event);
        }
        assert_eq!(end(&events), "proved");
    });
}
