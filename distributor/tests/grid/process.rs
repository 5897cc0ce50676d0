//! The program itself: its command line, and what is left when it is killed.

use crate::fixture;
use crate::harness::{config, primes, spec, unit};
use protocol::client::{ClientError, DonorClient, Payload, UploaderClient};
use protocol::{ApiKey, Identity, NewUnits, Preset, ProofStatus, UnitId, encode_program};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_distributor"));
    command.env_clear().stdin(Stdio::null());
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    program().args(arguments).arg("--data").arg(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A running distributor, killed when dropped.
struct Serving {
    child: Child,
    address: String,
}

impl Serving {
    fn start(folder: &Path) -> Self {
        let mut child = program()
            .args(["serve", "--listen", "127.0.0.1:0", "--unleased-per-minute", "0", "--data"])
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { child, address }
    }

    fn donor(&self) -> DonorClient {
        DonorClient::new(config(&self.address), Identity::from_seed(&[1; 32])).unwrap()
    }

    /// SIGKILL: nothing is tidied up.
    fn kill(mut self) {
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

/// A data folder with a key.
fn data() -> (TempDir, ApiKey) {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["key", "create", "--name", "alice"]);
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output.stderr).contains("shown only now"));
    let key = text(&output.stdout).trim().parse().unwrap();
    (folder, key)
}

async fn push(serving: &Serving, key: &ApiKey, units: u64) -> Vec<UnitId> {
    let uploader = UploaderClient::new(config(&serving.address), Some(key.clone())).unwrap();
    let file = b"the compiled program";
    uploader.put_program(file.as_slice().into(), None).await.unwrap();
    uploader.put_record(encode_program(&fixture::program()).into()).await.unwrap();
    uploader.put_project(&primes(), &spec(&primes(), file)).await.unwrap();
    let stored = uploader.add_units(&primes(), &NewUnits { units: (0..units).map(unit).collect() }).await.unwrap();
    stored.units.into_iter().map(|unit| unit.id).collect()
}

/// Kills the distributor at ever later moments of a submission, starts it again, and submits again.
#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_of_a_submission_nothing_is_lost_or_counted_twice() {
    const UNITS: u64 = 7;
    let (folder, key) = data();
    let mut serving = Serving::start(folder.path());
    let ids = push(&serving, &key, UNITS).await;
    let donor = Identity::from_seed(&[1; 32]).donor_key();
    for (number, id) in (0..UNITS).zip(&ids) {
        let proof = fixture::prove_with(fixture::run(&[number]), &donor, Preset::Bench96.parameters());
        let payload = Payload::Bytes(proof.into());
        let client = serving.donor();
        let first = tokio::spawn({
            let (client, id, payload) = (client.clone(), *id, payload.clone());
            async move { client.submit_proof(&id, None, payload, None).await }
        });
        // From before the first byte to after the answer.
        tokio::time::sleep(Duration::from_millis([0, 2, 5, 10, 20, 40, 200][number as usize])).await;
        serving.kill();
        let acknowledged = first.await.unwrap().ok();
        serving = Serving::start(folder.path());
        let receipt = serving.donor().submit_proof(id, None, payload, None).await.unwrap();
        assert_eq!(receipt.status, ProofStatus::Accepted);
        if let Some(acknowledged) = acknowledged {
            assert_eq!(acknowledged, receipt, "what was acknowledged stays");
        }
    }
    let credit = serving.donor().credit().await.unwrap();
    assert_eq!((credit.proven_units, credit.proven_steps), (UNITS, UNITS * fixture::STEPS));
    let uploader = UploaderClient::new(config(&serving.address), Some(key)).unwrap();
    let results = uploader.results(&primes(), 0, 100).await.unwrap().results;
    assert_eq!(results.len() as u64, UNITS);
    for result in results {
        assert_eq!(uploader.unit(&result.unit).await.unwrap().attempts.len(), 1);
    }
    serving.kill();
    let output = run(folder.path(), &["check"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(text(&output.stderr), format!("{} files referred to, 0 of them bad; 0 files without a reference\n", UNITS + 2));
    let left = std::fs::read_dir(folder.path().join("blobs/tmp")).unwrap().count();
    drop(Serving::start(folder.path()));
    assert_eq!(std::fs::read_dir(folder.path().join("blobs/tmp")).unwrap().count(), 0, "{left} files were left half received");
}

#[tokio::test]
async fn the_operator_manages_keys_and_donors_while_it_serves() {
    let (folder, key) = data();
    let serving = Serving::start(folder.path());
    push(&serving, &key, 1).await;
    let list = run(folder.path(), &["key", "list"]);
    let id = key.id().to_string();
    assert_eq!(text(&list.stdout).lines().nth(1).unwrap(), format!("{id}  alice               *                       push,read,withdraw  valid"));
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
    serving.donor().credit().await.unwrap();

    let copy = folder.path().join("copy");
    let backup = run(folder.path(), &["backup", copy.to_str().unwrap()]);
    assert!(text(&backup.stderr).starts_with("copied the database and 2 files"), "{backup:?}");
    assert!(run(&copy, &["check"]).status.success());
    std::fs::remove_dir_all(copy.join("blobs/records")).unwrap();
    let check = run(&copy, &["check"]);
    assert_eq!(check.status.code(), Some(1));
    assert!(text(&check.stdout).starts_with("the record ") && text(&check.stdout).ends_with(" is missing\n"), "{check:?}");
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
    case(&["key", "create", "--name", "x", "--projects", "A*"], 2, "give a project name, or the beginning of one and `*`");
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
