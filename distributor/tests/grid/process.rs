//! The program itself: its command line, and what is left when it is killed.

use crate::fixture;
use crate::harness::{config, primes, spec, unit};
use crate::raw::{sign, signed_head};
use protocol::client::{ClientError, DonorClient, UploaderClient};
use protocol::{
    ApiKey, Digest, Identity, MAX_PROOF_BYTES, MAX_TRAILER, NewUnits, Timestamp, UnitId, encode_program, routes,
};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_distributor"));
    command.env_clear().stdin(Stdio::null());
    command
}

pub fn run(folder: &Path, arguments: &[&str]) -> Output {
    program().args(arguments).arg("--data").arg(folder).output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A running distributor, killed when dropped.
pub struct Serving {
    child: Child,
    pub address: String,
}

impl Serving {
    pub fn start(folder: &Path) -> Self {
        let mut command = program();
        command.args(["serve", "--listen", "127.0.0.1:0", "--unleased-per-minute", "0", "--data"]).arg(folder);
        Self::start_as(command)
    }

    /// Starts a process that says where it listens.
    pub fn start_as(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let address = lines.filter_map(|line| line.split_once("listening on ").map(|(_, address)| address.to_owned()));
        let address = address.into_iter().next().expect("it does not listen");
        Self { child, address }
    }

    /// Waits until it has ended by itself.
    pub fn ended(mut self) {
        assert!(!self.child.wait().unwrap().success());
    }

    /// The most memory it has held so far, in bytes.
    pub fn memory(&self) -> u64 {
        memory(&self.child.id().to_string())
    }

    pub fn donor(&self) -> DonorClient {
        DonorClient::new(config(&self.address), Identity::from_seed(&[1; 32])).unwrap()
    }

    /// SIGKILL: nothing is tidied up.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The most memory that a process has held so far, in bytes.
pub fn memory(process: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

/// A data folder with a key.
pub fn data() -> (TempDir, ApiKey) {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["key", "create", "--name", "alice"]);
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output.stderr).contains("shown only now"));
    let key = text(&output.stdout).trim().parse().unwrap();
    (folder, key)
}

pub async fn push(serving: &Serving, key: &ApiKey, units: u64) -> Vec<UnitId> {
    let uploader = UploaderClient::new(config(&serving.address), Some(key.clone())).unwrap();
    let file = b"the compiled program";
    uploader.put_program(file.as_slice().into(), None).await.unwrap();
    uploader.put_record(encode_program(&fixture::program()).into()).await.unwrap();
    uploader.put_project(&primes(), &spec(&primes(), file)).await.unwrap();
    let stored = uploader.add_units(&primes(), &NewUnits { units: (0..units).map(unit).collect() }).await.unwrap();
    stored.units.into_iter().map(|unit| unit.id).collect()
}

#[tokio::test]
async fn the_operator_manages_keys_and_donors_while_it_serves() {
    let (folder, key) = data();
    let serving = Serving::start(folder.path());
    push(&serving, &key, 1).await;
    let list = run(folder.path(), &["key", "list"]);
    let id = key.id().to_string();
    assert_eq!(
        text(&list.stdout).lines().nth(1).unwrap(),
        format!("{id}  {id}  alice               *                       push,read,withdraw  valid")
    );
    assert!(!text(&list.stdout).contains(&key.reveal()[20..]));
    let revoked = run(folder.path(), &["key", "revoke", &id]);
    assert_eq!(text(&revoked.stderr), format!("the key {id} is revoked\n"));
    let uploader = UploaderClient::new(config(&serving.address), Some(key)).unwrap();
    assert_eq!(uploader.results(&primes(), 0, 1).await.unwrap_err().cause(), Some(protocol::Cause::KeyRevoked));

    serving.donor().credit().await.unwrap();
    let donor = Identity::from_seed(&[1; 32]).donor_key().to_string();
    run(folder.path(), &["donor", "block", &donor]);
    assert_eq!(serving.donor().credit().await.unwrap_err().cause(), Some(protocol::Cause::KeyRevoked));
    let list = run(folder.path(), &["donor", "list"]);
    assert!(text(&list.stdout).lines().nth(1).unwrap().ends_with("blocked"), "{list:?}");
    run(folder.path(), &["donor", "unblock", &donor]);
    run(folder.path(), &["donor", "trust", &donor]);
    let list = run(folder.path(), &["donor", "list"]);
    assert!(text(&list.stdout).lines().nth(1).unwrap().ends_with("trusted"), "{list:?}");

    // What an owner made somebody else gets, and weighs what the operator says.
    let other = run(folder.path(), &["key", "create", "--name", "bob", "--max-units", "7"]);
    let other = text(&other.stdout).trim().parse::<ApiKey>().unwrap().id().to_string();
    assert!(run(folder.path(), &["project", "give", "primes", &other]).status.success());
    assert!(run(folder.path(), &["project", "weight", "primes", "250"]).status.success());
    let list = text(&run(folder.path(), &["project", "list"]).stdout);
    let row: Vec<_> = list.lines().nth(1).unwrap().split_ascii_whitespace().collect();
    assert_eq!(row, ["primes", &other, "1", "1", "1", "1"], "at most 250, and its owner asks for 1");
    let unknown = run(folder.path(), &["project", "weight", "unknown", "5"]);
    assert!(text(&unknown.stderr).contains("there is no project unknown"), "{unknown:?}");
    let delete = |more: &[&str]| run(folder.path(), &[&["project", "delete", "primes"], more].concat());
    let asked = delete(&[]);
    assert_eq!(asked.status.code(), Some(1));
    assert!(text(&asked.stderr).contains("nothing was deleted: primes has 1 units, 0 results"), "{asked:?}");
    assert!(text(&delete(&["--yes", "--force"]).stderr).contains("primes is not withdrawn"));
    let check = run(folder.path(), &["check"]);
    assert!(check.status.success(), "{check:?}");
    serving.donor().credit().await.unwrap();
    let prune = run(folder.path(), &["prune", "--dry-run"]);
    let nothing = "0 files of 0 bytes would go; projects that keep all proofs are not listed\n";
    assert_eq!((text(&prune.stdout), text(&prune.stderr)), (String::new(), nothing.to_owned()));
    assert_eq!(run(folder.path(), &["prune"]).status.code(), Some(2), "what it is to do must be said");

    let copy = folder.path().join("copy");
    let backup = run(folder.path(), &["backup", copy.to_str().unwrap()]);
    assert!(text(&backup.stderr).starts_with("copied the database and 2 files"), "{backup:?}");
    assert!(run(&copy, &["check"]).status.success());
    std::fs::remove_dir_all(copy.join("blobs/records")).unwrap();
    let check = run(&copy, &["check"]);
    assert_eq!(check.status.code(), Some(1));
    assert!(
        text(&check.stdout).starts_with("the record ") && text(&check.stdout).ends_with(" is missing\n"),
        "{check:?}"
    );
}

#[test]
fn a_second_distributor_is_refused() {
    let (folder, _) = data();
    let serving = Serving::start(folder.path());
    let second = run(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(text(&second.stderr).contains("another distributor uses the folder"), "{second:?}");
    let other = tempfile::tempdir().unwrap();
    let address = serving.address.trim_start_matches("http://");
    let taken = run(other.path(), &["serve", "--listen", address]);
    assert!(text(&taken.stderr).contains(&format!("cannot listen on {address}")), "{taken:?}");
}

#[test]
fn it_stops_at_a_signal() {
    let (folder, _) = data();
    let mut serving = Serving::start(folder.path());
    let killed = Command::new("kill").args(["-TERM", &serving.child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(serving.child.wait().unwrap().code(), Some(0));
    assert!(!folder.path().join("cairn.db-wal").exists(), "the database is closed");
}

#[test]
fn messages_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let case = |arguments: &[&str], code: i32, expected: &str| {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert!(text(&output.stderr).contains(expected), "{expected} is missing: {output:?}");
    };
    case(&["check"], 1, "there is no database");
    case(&["key", "create", "--project", "A*"], 2, "give a project name, or the beginning of one and `*`");
    case(&["key", "revoke", "123"], 2, "6 bytes in lower-case hexadecimal");
    case(&["serve", "--database", "postgres://x"], 1, "this version takes `sqlite:FILE`");
    case(&["serve", "--log", "a=b=c"], 1, "is not understood");
    case(&["frobnicate"], 2, "unrecognized subcommand");
    let file = folder.path().join("config.toml");
    std::fs::write(&file, "[serve]\nlisten = \"127.0.0.1:0\"\nlease-second = 3\n").unwrap();
    case(&["serve", "--config", file.to_str().unwrap()], 1, "unknown field `lease-second`");
    std::fs::write(folder.path().join("cairn.db"), "this is no database, but a text of some length").unwrap();
    case(&["key", "list"], 1, "file is not a database");
}

#[test]
fn help_is_pinned() {
    let help = |arguments: &[&str]| text(&program().args(arguments).output().unwrap().stdout);
    insta::assert_snapshot!("help", help(&["--help"]));
    insta::assert_snapshot!("help-serve", help(&["serve", "--help"]));
    insta::assert_snapshot!("help-key-create", help(&["key", "create", "--help"]));
    insta::assert_snapshot!("help-health", help(&["health", "--help"]));
    assert_eq!(help(&["openapi"]).trim(), distributor::routes::document().trim());
}

#[tokio::test]
async fn a_dead_distributor_is_unreachable() {
    let (folder, _) = data();
    let serving = Serving::start(folder.path());
    let donor = serving.donor();
    donor.credit().await.unwrap();
    serving.kill();
    assert!(matches!(donor.credit().await, Err(ClientError::Unreachable { .. })));
}

#[test]
fn a_script_gets_the_key_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["key", "create", "--project", "primes*", "--scope", "read"]);
    let key = text(&output.stdout);
    assert_eq!(key.lines().count(), 1);
    assert_eq!(key, format!("{}\n", key.trim().parse::<ApiKey>().unwrap().reveal()));
    let list = text(&run(folder.path(), &["key", "list"]).stdout);
    let row: Vec<_> = list.lines().nth(1).unwrap().split_ascii_whitespace().skip(2).collect();
    assert_eq!(row, ["uploader", "primes*", "read", "valid"]);
}

#[test]
fn health_says_whether_it_is_ready() {
    let (folder, _) = data();
    let serving = Serving::start(folder.path());
    let address = serving.address.trim_start_matches("http://").to_owned();
    let health = || run(folder.path(), &["health", "--listen", &address]);
    let output = health();
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(0), "ready\n"), "{output:?}");
    let by_environment = program().arg("health").env("CAIRN_LISTEN", address.replace("127.0.0.1", "0.0.0.0")).output();
    assert_eq!(by_environment.unwrap().status.code(), Some(0));
    std::fs::remove_dir_all(folder.path().join("blobs/tmp")).unwrap();
    let output = health();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("is not ready (status 500): the distributor failed"), "{output:?}");
    serving.kill();
    let output = health();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).starts_with(&format!("distributor: no distributor answers at {address}: ")),
        "{output:?}"
    );
}

#[tokio::test]
async fn a_gigabyte_of_garbage_is_held_neither_in_memory_nor_on_disk() {
    let (folder, key) = data();
    let serving = Serving::start(folder.path());
    let id = push(&serving, &key, 1).await[0];
    serving.donor().credit().await.unwrap();
    let before = serving.memory();
    // What a proof may have; and what an execution within this project's limits may have, which is far less than any may.
    for (target, most) in
        [(routes::proof(&Digest::of(b"x")), MAX_PROOF_BYTES + MAX_TRAILER), (routes::unit_execution(&id), 5 << 20)]
    {
        let signed = sign(1, "PUT", &target, b"garbage", Timestamp::now());
        let mut stream = TcpStream::connect(serving.address.trim_start_matches("http://")).await.unwrap();
        let head = signed_head("PUT", &target, "transfer-encoding: chunked", &signed);
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut chunk = b"100000\r\n".to_vec();
        chunk.resize(chunk.len() + (1 << 20), 0x5a);
        chunk.extend_from_slice(b"\r\n");
        let (mut sent, mut on_disk) = (0, 0);
        while sent < 1024 && stream.write_all(&chunk).await.is_ok() {
            sent += 1;
            on_disk = on_disk.max(size(&folder.path().join("blobs/tmp")));
        }
        assert!(sent < 200, "{target}: {sent} MiB were taken");
        assert!((1..=most as u64).contains(&on_disk), "{target}: {on_disk} bytes were on disk");
    }
    let took = serving.memory().saturating_sub(before);
    assert!(took < 48 << 20, "it took {took} bytes");
    assert_eq!(size(&folder.path().join("blobs/tmp")), 0);
}

/// Bytes of the files in a folder, some of which may vanish meanwhile.
fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.filter_map(|entry| entry.unwrap().metadata().ok()).map(|file| file.len()).sum()
}

#[test]
fn names_cannot_act_on_the_operators_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let name = "a\u{1b}[2J\nID  valid\u{202e}";
    let created = run(folder.path(), &["key", "create", "--name", name]);
    let list = run(folder.path(), &["key", "list"]);
    for shown in [text(&created.stderr), text(&list.stdout)] {
        assert!(shown.contains("a\\u{1b}[2J\\nID  valid\\u{202e}"), "{shown}");
        assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{shown}");
    }
    assert_eq!(text(&list.stdout).lines().count(), 2);
}

/// Whatever clients make up, a line of the log stays short and shows as itself.
#[tokio::test]
async fn the_log_holds_nothing_that_clients_make_up() {
    let (folder, _) = data();
    let log = folder.path().join("log");
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--log", "info,distributor=debug", "--data"]).arg(folder.path());
    let mut child = command.stdout(Stdio::piped()).stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().trim_start_matches("listening on http://").to_owned();
    let long = "Z".repeat(20_000);
    let odd = [
        format!("GET /{long} HTTP/1.1\r\nhost: x\r\n"),
        format!("{long} / HTTP/1.1\r\nhost: x\r\n"),
        format!("GET /v1/projects/{long} HTTP/1.1\r\nhost: {long}\r\n"),
        format!("GET /v1/projects?x={long} HTTP/1.1\r\nhost: x\r\nx-request-id: {long}\r\n"),
        format!("GET /healthz HTTP/1.1\r\nhost: x\r\nuser-agent: \u{9b}2J{long}\r\nx-forwarded-for: {long}\r\n"),
        format!("GET /healthz HTTP/1.1\r\nhost: x\r\ncairn-protocol: {long}\r\n"),
        "GET /healthz HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 203.0.113.1\r\n".to_owned(),
        format!("GET /v1/donors/me HTTP/1.1\r\nhost: x\r\ncairn-key: {long}\r\n"),
        format!("GET /v1/units/1 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {long}\r\n"),
        "NONSENSE\u{1b}[2J".to_owned(),
    ];
    for request in odd {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(format!("{request}connection: close\r\n\r\n").as_bytes()).await.unwrap();
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut Vec::new()).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(log.lines().count() > 8, "{log}");
    assert!(log.lines().any(|line| line.contains("client=127.0.0.1") && line.contains("method=\"other\"")), "{log}");
    assert_eq!(log.matches("a proxy that is not trusted").count(), 1, "{log}");
    for line in log.lines() {
        assert!(line.len() < 500 && !line.contains("ZZZ") && !line.chars().any(char::is_control), "{line}");
    }
}

/// As with `distributor … | head -1`.
#[test]
fn a_reader_that_has_enough_is_no_fault() {
    let (folder, _) = data();
    for arguments in [["openapi", "--table"], ["key", "list"], ["donor", "list"], ["project", "list"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = program();
        command.args(arguments).arg("--data").arg(folder.path()).stdout(writer);
        let output = command.output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""), "{arguments:?}");
    }
}
