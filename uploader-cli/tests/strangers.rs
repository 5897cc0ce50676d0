//! What lies between the uploader and its distributor, and what may stand in a distributor's texts.
#![allow(clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod common;

use common::fake::Fake;
use common::server::Response;
use common::{KEY, Machine, Outcome, primes};
use protocol::text::is_hidden;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Output;
use std::sync::{Arc, Mutex};

const HOSTILE: &str =
    "=HYPERLINK(\"http://x\")\u{1b}]0;owned\u{7}\u{9b}2J\r\u{202e}gnp.exe\u{2066}\u{200b}\u{7f}\nforged: all is well";

/// Nothing in it acts on a terminal.
fn assert_harmless(outcome: &Outcome) {
    for text in [&outcome.stdout, &outcome.stderr] {
        let acting: Vec<char> = text.chars().filter(|c| *c != '\n' && is_hidden(*c)).collect();
        assert!(acting.is_empty(), "{acting:?} in {outcome}");
        assert!(!text.lines().any(|line| line.starts_with("forged")), "a line of its own: {outcome}");
    }
}

#[test]
fn words_of_strangers_do_nothing() {
    let (machine, fake) = (Machine::new(), Fake::start());
    let program = primes().display().to_string();
    let run = |arguments: &[&str]| machine.run_with_key(&fake.address, arguments);
    assert_eq!(run(&["push", &program, "--range", "0..20:10", "--preset", "bench-96"]).code, 0);
    fake.fail("0,10");
    fake.with(|data| {
        data.words = Some(HOSTILE.to_owned());
        let unit = &mut data.units[0];
        unit.failure.as_mut().expect("a failure").detail = HOSTILE.to_owned();
        let mut other = unit.clone();
        other.id = protocol::UnitId::from_bytes([0x99; 10]);
        other.external_id = "=1+1\u{202e}\u{200b}x".parse().expect("an id, as ids go");
        data.units.push(other);
        data.project.as_mut().expect("the project").1.description = HOSTILE.to_owned();
    });
    for command in [
        &["status"][..],
        &["status", "--format", "jsonl"],
        &["status", "--format", "csv"],
        &["list", "primes"],
        &["list", "primes", "--format", "jsonl"],
        &["list", "primes", "--format", "csv"],
        &["history", "primes"],
        &["history", "primes", "--format", "jsonl"],
        &["history", "primes", "--format", "csv"],
        &["collect", "primes", "--partial"],
        &["retry", "primes"],
        &["withdraw", "primes", "=1+1\u{202e}\u{200b}x"],
    ] {
        let outcome = run(command);
        assert_eq!(outcome.code, 0, "{command:?}: {outcome}");
        assert_harmless(&outcome);
        if command.contains(&"jsonl") {
            for line in outcome.stdout.lines() {
                serde_json::from_str::<serde_json::Value>(line).expect("JSON");
            }
        }
    }
    let history = run(&["history", "primes", "0,10", "--format", "jsonl"]).stdout;
    let line: serde_json::Value = serde_json::from_str(history.lines().next().expect("a line")).expect("JSON");
    assert_eq!(line["detail"], HOSTILE, "JSON says all of it");
    let csv = run(&["history", "primes", "0,10", "--format", "csv"]).stdout;
    assert!(csv.contains("\"'=HYPERLINK("), "no formula for a spreadsheet: {csv}");

    fake.with(|data| data.refusal = Some(HOSTILE.to_owned()));
    for command in [&["status"][..], &["list", "primes"], &["push", &program, "--range", "0..20:10"]] {
        let outcome = run(command);
        assert_eq!(outcome.code, 1, "{outcome}");
        assert!(outcome.stderr.contains("owned"), "it is shown: {outcome}");
        assert_harmless(&outcome);
    }
}

#[test]
fn numbers_that_cannot_be_are_shown_and_do_nothing() {
    let (machine, fake) = (Machine::new(), Fake::start());
    let program = primes().display().to_string();
    let run = |arguments: &[&str]| machine.run_with_key(&fake.address, arguments);
    assert_eq!(run(&["push", &program, "--range", "0..20:10", "--preset", "bench-96"]).code, 0);
    fake.fail("0,10");
    fake.with(|data| {
        data.monstrous = true;
        let unit = &mut data.units[0];
        (unit.estimated_steps, unit.suspect) = (u64::MAX, true);
        (unit.created_at, unit.changed_at) = (protocol::Timestamp(u64::MAX), protocol::Timestamp(0));
        let failure = unit.failure.as_mut().expect("a failure");
        (failure.donors, failure.trusted) = (0, u32::MAX);
    });
    for format in ["table", "jsonl", "csv"] {
        let list = run(&["list", "primes", "--format", format]);
        assert!(list.code == 0 && list.stdout.contains("18446744073709551615"), "{list}");
        let history = run(&["history", "primes", "0,10", "--format", format]);
        assert!(history.code == 0 && history.stdout.contains("4294967295"), "{history}");
        assert!(history.stdout.contains("1970-01-01T00:00:00Z"), "{history}");
        assert!(history.stderr.contains("4,294,967,295 attempts of 0,10 before these"), "{history}");
        let status = run(&["status", "--format", format]);
        assert_eq!(status.code, 0, "{status}");
        for outcome in [list, history, status] {
            assert!(!outcome.stderr.contains("panicked"), "{outcome}");
        }
    }
    let collect = run(&["collect", "primes", "--partial"]);
    assert!(collect.code == 0 && collect.stderr.contains("failed (panic on 0 donors"), "{collect}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_fault() {
    let (machine, fake) = (Machine::new(), Fake::start());
    let program = primes().display().to_string();
    let run = |arguments: &[&str]| machine.run_with_key(&fake.address, arguments);
    assert_eq!(run(&["push", &program, "--range", "0..20:10", "--preset", "bench-96"]).code, 0);
    assert_eq!(run(&["key", "add", KEY, "--distributor", &fake.address]).code, 0);
    for arguments in [
        &["list", "primes"][..],
        &["list", "primes", "--format", "jsonl"],
        &["status", "--format", "csv"],
        &["history", "primes", "0,10"],
        &["collect", "primes", "--partial"],
        &["key", "show"],
        &["--help"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = machine.command(arguments);
        command.env("CAIRN_KEY", KEY).env("CAIRN_DISTRIBUTOR", &fake.address).stdout(writer);
        let output = command.stderr(std::process::Stdio::piped()).output().expect("a run");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !said.contains("panicked"), "{arguments:?}: {}: {said}", output.status);
    }
}

#[test]
fn lists_without_end_end() {
    let (machine, fake) = (Machine::new(), Fake::start());
    let program = primes().display().to_string();
    let run = |arguments: &[&str]| machine.run_with_key(&fake.address, arguments);
    assert_eq!(run(&["push", &program, "--range", "0..20:10", "--preset", "bench-96"]).code, 0);
    fake.prove(&primes(), &["0,10"]);
    fake.with(|data| data.endless = true);
    let outcome = run(&["collect", "primes"]);
    assert_eq!(outcome.code, 4, "{outcome}");
    assert!(outcome.stderr.contains("it was not pushed from here") && outcome.stderr.contains("more"), "{outcome}");
    assert!(outcome.stderr.lines().count() < 100, "nobody reads a thousand lines");
    fake.with(|data| (data.endless, data.endless_units) = (false, true));
    let outcome = run(&["collect", "primes"]);
    assert_eq!(outcome.code, 4, "{outcome}");
    assert!(outcome.stderr.contains("comes in endless pages or repeats itself"), "{outcome}");
}

#[test]
fn a_batch_that_was_not_taken_in_whole_is_not_believed() {
    let (machine, fake) = (Machine::new(), Fake::start());
    fake.with(|data| data.forgetful = true);
    let program = primes().display().to_string();
    let outcome = machine.run_with_key(&fake.address, &["push", &program, "--range", "0..20:10"]);
    assert_eq!(outcome.code, 4, "{outcome}");
    assert!(outcome.stderr.contains("2 were sent, 1 are named"), "{outcome}");
    fake.with(|data| data.forgetful = false);
    assert_eq!(machine.run_with_key(&fake.address, &["push", &program, "--range", "0..20:10"]).code, 0);
}

#[test]
fn a_collection_that_waits_goes_on_through_whoever_answers_in_between() {
    let (machine, fake) = (Machine::new(), Fake::start());
    let program = primes().display().to_string();
    let push = ["push", &program, "--range", "0..10:10", "--preset", "bench-96"];
    assert_eq!(machine.run_with_key(&fake.address, &push).code, 0);
    fake.prove(&primes(), &["0,10"]);
    // One that the same request's own repetitions get over, and one that they do not.
    fake.with(|data| {
        data.strangers = vec![
            Response::stranger(403, "<html>no</html>"),
            Response::stranger(511, "<html>log in</html>"),
            Response::stranger(200, "<html>log in</html>"),
        ];
    });
    let collect = ["collect", "primes", "--wait", "--verify", "--retries", "2"];
    let outcome = machine.run_with_key(&fake.address, &collect);
    assert_eq!(outcome.code, 0, "{outcome}");
    for said in ["does not let the request through", "wants a login first", "lacks the header", "again in"] {
        assert!(outcome.stderr.contains(said), "no `{said}` in {outcome}");
    }
}

#[test]
fn a_distributor_under_a_path() {
    let (machine, fake) = (Machine::new(), Fake::start_under("/cairn/grid"));
    let program = primes().display().to_string();
    for slash in ["", "/"] {
        let address = format!("{}{slash}", fake.address);
        let push = ["push", &program, "--range", "0..10:10", "--preset", "bench-96"];
        let outcome = machine.run_with_key(&address, &push);
        assert_eq!(outcome.code, 0, "{outcome}");
    }
    fake.prove(&primes(), &["0,10"]);
    let outcome = machine.run_with_key(&fake.address, &["collect", "primes", "--verify"]);
    assert_eq!(outcome.code, 0, "{outcome}");
    let root = fake.address.trim_end_matches("/cairn/grid");
    let outcome = machine.run_with_key(root, &["status", "--retries", "0"]);
    assert_eq!(outcome.code, 3, "{outcome}");
}

/// A SOCKS5 proxy that wants a name and a password, and brings whoever asks to `target`. Gives its address, and what was asked.
fn socks(target: &str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let (asked, target) = (Arc::<Mutex<Vec<String>>>::default(), target.trim_start_matches("http://").to_owned());
    let log = Arc::clone(&asked);
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (log, target) = (Arc::clone(&log), target.clone());
            std::thread::spawn(move || carry(client, &target, &log));
        }
    });
    (address, asked)
}

fn carry(mut client: TcpStream, target: &str, log: &Mutex<Vec<String>>) -> Option<()> {
    let take = |client: &mut TcpStream, length: usize| {
        let mut bytes = vec![0; length];
        client.read_exact(&mut bytes).ok().map(|()| bytes)
    };
    let methods = take(&mut client, 2)?[1];
    take(&mut client, methods.into())?;
    client.write_all(&[5, 2]).ok()?;
    let mut credentials = Vec::new();
    take(&mut client, 1)?;
    for _ in 0..2 {
        let length = take(&mut client, 1)?[0];
        credentials.push(String::from_utf8(take(&mut client, length.into())?).ok()?);
    }
    client.write_all(&[1, 0]).ok()?;
    let kind = take(&mut client, 4)?[3];
    let length = if kind == 3 { take(&mut client, 1)?[0] } else { 4 };
    let host = take(&mut client, length.into())?;
    take(&mut client, 2)?;
    log.lock().expect("a log").push(format!("{} for {}", String::from_utf8_lossy(&host), credentials.join(":")));
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).ok()?;
    let mut server = TcpStream::connect(target).ok()?;
    let (mut back, mut to_client) = (server.try_clone().ok()?, client.try_clone().ok()?);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut back, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Both);
    });
    std::io::copy(&mut client, &mut server).ok()?;
    Some(())
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn through_a_socks_proxy_whose_password_is_not_told() {
    let (machine, fake) = (Machine::new(), Fake::start());
    let (proxy, asked) = socks(&fake.address);
    let far = "http://grid.invalid:8080";
    let with = |proxy: &str, arguments: &[&str]| {
        let mut command = machine.command(arguments);
        command.env("ALL_PROXY", format!("socks5h://me:secret@{proxy}")).env("CAIRN_DISTRIBUTOR", far);
        command.env("CAIRN_KEY", KEY);
        command
    };
    let status = with(&proxy, &["status"]).output().expect("a run");
    assert!(status.status.success(), "{}", said(&status));
    assert_eq!(*asked.lock().expect("a log"), ["grid.invalid for me:secret"]);

    // Without leave the key stays here, also through a proxy.
    let program = primes().display().to_string();
    let push = ["push", &program, "--range", "0..10:10"];
    let refused = with(&proxy, &push).output().expect("a run");
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("the access key is not sent to http://grid.invalid:8080/"), "{}", said(&refused));
    assert_eq!(asked.lock().expect("a log").len(), 1, "nothing was sent");
    for allowed in [with(&proxy, &[&push[..], &["--insecure-http"]].concat()).output(), {
        let mut command = with(&proxy, &push);
        command.env("CAIRN_INSECURE_HTTP", "true").output()
    }] {
        let allowed = allowed.expect("a run");
        assert!(allowed.status.success(), "{}", said(&allowed));
    }

    // A proxy that is not there is named, without its password.
    let nowhere = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").to_string();
    let broken = with(&nowhere, &["status", "--retries", "0"]).output().expect("a run");
    assert_eq!(broken.status.code(), Some(3), "{}", said(&broken));
    assert!(said(&broken).contains(&format!("ALL_PROXY=socks5h://…@{nowhere}")), "{}", said(&broken));
    assert!(!said(&broken).contains("secret"), "{}", said(&broken));
    let direct = with(&proxy, &["status", "--retries", "0"]).env("NO_PROXY", "grid.invalid").output().expect("a run");
    assert_eq!(direct.status.code(), Some(3), "NO_PROXY goes past the proxy: {}", said(&direct));
}
