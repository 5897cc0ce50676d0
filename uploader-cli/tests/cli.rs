//! What the command line says: help, usage errors, exit codes, tables.
#![allow(clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod common;

use common::fake::Fake;
use common::{KEY, Machine};

#[test]
fn help() {
    let machine = Machine::new();
    insta::assert_snapshot!(machine.run(&["--help"]));
    for command in
        ["push", "status", "list", "collect", "verify", "retry", "prove-again", "withdraw", "delete", "history", "key"]
    {
        insta::assert_snapshot!(format!("help_{command}"), machine.run(&[command, "--help"]));
    }
    insta::assert_snapshot!("help_key_add", machine.run(&["key", "add", "--help"]));
    insta::assert_snapshot!("help_short", machine.run(&["push", "-h"]));
}

#[test]
fn usage_errors_exit_with_2() {
    let machine = Machine::new();
    let mut said = String::new();
    for arguments in [
        &[][..],
        &["fly"],
        &["push"],
        &["push", "a.json", "--range", "5..1:1"],
        &["push", "a.json", "--range", "1-5"],
        &["push", "a.json", "--args", "a", "--range", "0..5:1"],
        &["push", "a.json", "--project", "No Name"],
        &["push", "a.json", "--preset", "strong"],
        &["push", "a.json", "--trial", "0"],
        &["collect", "primes", "--aggregate", "sum"],
        &["collect", "primes", "--aggregate", "mean", "--column", "1"],
        &["collect", "primes", "--out", "folder"],
        &["list", "primes", "--in-state", "lost"],
        &["withdraw", "primes"],
        &["verify", "manifest.json"],
        &["status"],
        &["--distributor", "ftp://a", "status"],
        &["--distributor", "http://a/?b=c", "status"],
        &["key", "add", KEY],
    ] {
        let outcome = machine.run(arguments);
        assert_eq!(outcome.code, 2, "{arguments:?}: {outcome}");
        assert_eq!(outcome.stdout, "", "{arguments:?}");
        let first = outcome.stderr.lines().take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
        said.push_str(&format!("$ uploader {}\n{first}\n\n", arguments.join(" ").replace(KEY, "KEY")));
    }
    insta::assert_snapshot!(said);
}

#[test]
fn mistakes_exit_with_1() {
    let machine = Machine::new();
    let fake = Fake::start();
    let primes = common::primes().display().to_string();
    machine.write("bad.jsonl", "[0, 400]\n[400, oops]\n");
    machine.write("twice.csv", "lo,hi\n0,400\n400,800\n0,400\n");
    machine.write("one.jsonl", "[5, 5]\n");
    machine.write("text.txt", "hello");
    machine.write("source.cairo", "%builtins output\nfunc main() {\n}\n");
    let mut said = String::new();
    for arguments in [
        &["push", "nothing.json"][..],
        &["push", "text.txt"],
        &["push", "source.cairo"],
        &["push", &primes],
        &["push", &primes, "--args", "nothing.jsonl"],
        &["push", &primes, "--args", "bad.jsonl"],
        &["push", &primes, "--args", "twice.csv"],
        &["push", &primes, "--args", "one.jsonl"],
        &["push", &primes, "--range", "0..400:400", "--max-steps", "1000"],
        &["status", "unknown"],
        &["list", "unknown"],
        &["collect", "unknown"],
        &["verify", "nothing.json", "--program", &primes],
        &["verify", "text.txt", "--program", &primes],
        &["key", "remove"],
    ] {
        let outcome = machine.run_with_key(&fake.address, arguments);
        assert_eq!(outcome.code, 1, "{arguments:?}: {outcome}");
        assert_eq!(outcome.stdout, "", "{arguments:?}");
        let shown = arguments.join(" ").replace(&primes, "primes.json");
        said.push_str(&format!("$ uploader {shown}\n{}\n", outcome.stderr));
    }
    insta::assert_snapshot!(said);
    // Nothing half-done remains.
    assert!(fake.with(|data| data.project.is_none() && data.blobs.is_empty() && data.units.is_empty()));
    assert!(!machine.path("state/projects").exists());
}

#[test]
fn an_unreachable_distributor_exits_with_3() {
    let machine = Machine::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", free.local_addr().expect("an address"));
    drop(free);
    let primes = common::primes().display().to_string();
    for arguments in [&["status"][..], &["push", &primes, "--range", "0..400:400"], &["list", "primes"]] {
        let mut arguments = arguments.to_vec();
        arguments.extend(["--retries", "0"]);
        let outcome = machine.run_with_key(&address, &arguments);
        assert_eq!(outcome.code, 3, "{arguments:?}: {outcome}");
        let last = outcome.stderr.lines().last().unwrap_or_default();
        insta::assert_snapshot!("unreachable", last);
    }
    assert!(!machine.path("state/projects").exists());
}

#[test]
fn something_else_at_the_address_exits_with_3() {
    let machine = Machine::new();
    let address = common::server::serve(|_| common::server::Response::bytes(b"<html>hello</html>".to_vec()));
    let outcome = machine.run_with_key(&address, &["status", "--retries", "0"]);
    insta::assert_snapshot!(outcome);
}

#[test]
fn another_protocol_version_is_told() {
    let machine = Machine::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        use std::io::{BufRead as _, Write as _};
        for mut stream in listener.incoming().flatten() {
            let reader = std::io::BufReader::new(stream.try_clone().expect("a stream"));
            reader.lines().map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncairn-protocol: 99\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    insta::assert_snapshot!(machine.run_with_key(&address, &["status"]));
}

/// What goes on is told on lines of its own where nobody sees a progress line, and a core library is remembered for all folders.
#[cfg(unix)]
#[test]
fn cairo2_source_is_compiled_from_any_folder() {
    use std::os::unix::fs::PermissionsExt as _;
    let machine = Machine::new();
    let executable = common::programs().join("collatz/collatz.executable.json");
    let script = format!(
        "#!/bin/sh\necho \"warn: corelib $3\" >&2\ntest -f \"$3/lib.cairo\" && cp {} \"$5\"\n",
        executable.display()
    );
    let compiler = machine.write("cairn-compile-cairo2", &script);
    std::fs::set_permissions(&compiler, std::fs::Permissions::from_mode(0o755)).expect("permissions");
    for folder in ["repository/corelib/src", "old/src", "elsewhere"] {
        std::fs::create_dir_all(machine.path(folder)).expect("a folder");
    }
    machine.write("repository/corelib/src/lib.cairo", "");
    machine.write("repository/corelib/Scarb.toml", "[package]\nname = \"core\"\nversion = \"2.20.0\"\n");
    machine.write("old/src/lib.cairo", "");
    machine.write("old/Scarb.toml", "version = \"2.9.2\"\n");
    machine.write("elsewhere/a.cairo", "#[executable]\nfn main(n: u64) -> u64 {\n    n\n}\n");
    machine.write("elsewhere/a.jsonl", "[7, 8]\n");
    let run = |arguments: &[&str], folder: &str| {
        let mut command = machine.command(arguments);
        let path = format!("{}:/usr/bin:/bin", machine.folder.path().display());
        let output = command.current_dir(machine.path(folder)).env("PATH", path).output();
        machine.finish(output.expect("a run"))
    };
    let push = ["push", "a.cairo", "--args", "a.jsonl", "--dry-run"];
    let none = run(&push, "elsewhere");
    assert!(none.code == 1 && none.stderr.contains("none remembered by `uploader corelib add`"), "{none}");
    assert!(run(&["corelib", "list"], ".").stderr.contains("No core library is remembered"));
    let refused = run(&["corelib", "add", "old"], ".");
    assert!(refused.code == 1 && refused.stderr.contains("is of version 2.9.2, but the compiler takes"), "{refused}");
    assert_eq!(run(&["corelib", "add", "elsewhere"], ".").code, 1);
    insta::assert_snapshot!(run(&["corelib", "add", "corelib"], "repository"), @r"
    exit 0
    --- stdout
    --- stderr
    The core library of version 2.20.0 in FOLDER/repository/corelib/src is remembered.
    ");
    assert!(run(&["corelib", "add", "repository/corelib/src"], ".").stderr.contains("is remembered already."));
    // The column is as wide as the folder's real name.
    let listed = run(&["corelib", "list"], "elsewhere").stdout;
    let words = listed.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(words, "folder version used FOLDER/repository/corelib/src 2.20.0 yes");
    let pushed = run(&push, "elsewhere");
    assert_eq!(pushed.code, 0, "{pushed}");
    let lines: Vec<&str> = pushed.stderr.lines().collect();
    assert_eq!(lines[0], "Compiling a.cairo with FOLDER/cairn-compile-cairo2 …");
    assert_eq!(lines[1], "warn: corelib FOLDER/repository/corelib/src");
    assert_eq!(lines[2], "Checking the program: running 1 unit of 1 here …");

    assert_eq!(run(&["corelib", "remove", "corelib"], "repository").code, 0);
    assert_eq!(run(&["corelib", "remove", "corelib"], "repository").code, 1);
    assert_eq!(run(&push, "elsewhere").code, 1);
}

#[test]
fn keys() {
    let machine = Machine::new();
    let grid = "https://grid.example.org";
    let outcome = machine.run(&["key", "add", "cairn_nonsense", "--distributor", grid]);
    assert_eq!((outcome.code, outcome.stderr.contains("nonsense")), (1, false), "{outcome}");
    insta::assert_snapshot!(machine.run(&["key", "add", KEY, "--distributor", grid]), @"
    exit 0
    --- stdout
    --- stderr
    The key 0123456789ab is kept for https://grid.example.org.
    ");
    let shown = machine.run(&["key", "show"]);
    assert!(!format!("{shown}").contains("001122334455"), "the secret is not shown");
    insta::assert_snapshot!(shown.stdout, @"
    distributor               key
    https://grid.example.org  0123456789ab
    ");
    let again = machine.run(&["key", "show"]);
    assert_eq!(shown.stderr, again.stderr, "the signing key is made once");
    insta::assert_snapshot!(machine.run(&["key", "remove"]), @"
    exit 0
    --- stdout
    --- stderr
    The key 0123456789ab for https://grid.example.org is forgotten here. It stays valid until the operator revokes it.
    ");
    assert_eq!(machine.run(&["key", "remove", "--distributor", grid]).code, 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        for file in ["state/keys.json", "state/signing-key"] {
            let mode = std::fs::metadata(machine.path(file)).expect("the file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
    }
}

#[test]
fn a_key_is_read_from_standard_input() {
    use std::io::Write as _;
    let machine = Machine::new();
    let mut command = machine.command(&["key", "add", "--distributor", "http://127.0.0.1:1"]);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().expect("a run");
    writeln!(child.stdin.take().expect("a pipe"), "{KEY}").expect("a write");
    assert!(child.wait().expect("an end").success());
    assert!(machine.run(&["key", "show"]).stdout.contains("0123456789ab"));
}

#[test]
fn damaged_local_files_are_told() {
    let machine = Machine::new();
    std::fs::create_dir_all(machine.path("state")).expect("a folder");
    machine.write("state/keys.json", "0000\n{}");
    insta::assert_snapshot!(machine.run(&["key", "show"]).stderr.lines().last().unwrap_or_default(), @"error: FOLDER/state/keys.json is damaged: its checksum differs. Remove it and add the keys again with `uploader key add`.");
    machine.write("state/signing-key", "nothing");
    let outcome = machine.run(&["key", "show"]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("the key file FOLDER/state/signing-key is damaged"), "{outcome}");
}

#[test]
fn a_push_and_what_follows() {
    let machine = Machine::new();
    let fake = Fake::start();
    let primes = common::primes().display().to_string();
    let run = |arguments: &[&str]| machine.run_with_key(&fake.address, arguments);
    let untimed = |outcome: common::Outcome| {
        let words: Vec<&str> = outcome.stderr.split(' ').collect();
        let seconds = words.windows(2).find(|pair| pair[1].starts_with("s,")).map(|pair| pair[0].to_owned());
        let stderr = seconds
            .map_or(outcome.stderr.clone(), |seconds| outcome.stderr.replace(&format!("{seconds} s,"), "TIME s,"));
        format!("exit {}\n{}--- stderr\n{stderr}", outcome.code, outcome.stdout)
    };
    let dry = run(&["push", &primes, "--range", "0..100:25", "--trial", "1", "--dry-run"]);
    insta::assert_snapshot!("push_dry_run", untimed(dry));
    assert!(fake.with(|data| data.log.is_empty()));

    let push = ["push", &primes, "--range", "0..100:25", "--trial", "1"];
    insta::assert_snapshot!("push_first", untimed(run(&push)));
    let after_first = fake.with(|data| (data.project.clone(), data.units.clone()));
    insta::assert_snapshot!("push_again", untimed(run(&push)));
    assert_eq!(fake.with(|data| (data.project.clone(), data.units.clone())), after_first);

    fake.fail("25,50");
    insta::assert_snapshot!("status", run(&["status"]));
    insta::assert_snapshot!("status_jsonl", run(&["status", "primes", "--format", "jsonl", "--quiet"]));
    insta::assert_snapshot!("list", run(&["list", "primes"]));
    insta::assert_snapshot!("list_failed_csv", run(&["list", "primes", "--in-state", "failed", "--format", "csv"]));
    insta::assert_snapshot!("history", run(&["history", "primes"]));
    insta::assert_snapshot!("retry", run(&["retry", "primes"]));
    insta::assert_snapshot!("retry_nothing", run(&["retry", "primes"]));
    insta::assert_snapshot!("history_nothing", run(&["history", "primes", "0,25"]));
    insta::assert_snapshot!("withdraw_unknown", run(&["withdraw", "primes", "0,25", "7,8"]));
    insta::assert_snapshot!("withdraw_one", run(&["withdraw", "primes", "0,25"]));
    insta::assert_snapshot!("withdraw_all", run(&["withdraw", "primes", "--all"]));
}

#[test]
fn a_withdrawn_project_is_out_of_sight_and_can_be_deleted() {
    let machine = Machine::new();
    let fake = Fake::start();
    let primes = common::primes().display().to_string();
    let other = common::programs().join("nqueens/nqueens.json").display().to_string();
    let run = |arguments: &[&str]| machine.run_with_key(&fake.address, arguments);
    assert_eq!(run(&["push", &primes, "--range", "0..40:10", "--preset", "bench-96"]).code, 0);
    fake.prove(&common::primes(), &["0,10"]);
    let early = run(&["delete", "primes", "--yes"]);
    assert!(early.code == 1 && early.stderr.contains("withdraw it first"), "{early}");
    assert_eq!(run(&["withdraw", "primes", "--all"]).code, 0);
    let status = run(&["status"]);
    assert!(!status.stdout.contains("primes") && status.stderr.contains("--all"), "{status}");
    assert!(run(&["status", "--all"]).stdout.contains("withdrawn"));
    assert!(run(&["status", "primes"]).stdout.contains("withdrawn"));

    // Nobody can be asked here, so nothing is deleted without a word.
    let unasked = run(&["delete", "primes"]);
    assert_eq!(unasked.code, 2, "{unasked}");
    assert!(unasked.stderr.contains("primes has 4 units, 1 of them with a result (1 not collected)"), "{unasked}");
    let refused = run(&["delete", "primes", "--yes"]);
    assert!(refused.code == 1 && refused.stderr.contains("results were not collected"), "{refused}");
    assert!(fake.with(|data| data.project.is_some()));
    let deleted = run(&["delete", "primes", "--yes", "--force"]);
    assert_eq!(
        (deleted.code, deleted.stderr.as_str()),
        (0, "The project primes is deleted, with 4 units.\n"),
        "{deleted}"
    );
    assert_eq!(run(&["delete", "primes", "--yes"]).code, 1);
    // The name is free here, too.
    machine.write("a.jsonl", "[4, 0, 0]\n");
    let again = run(&["push", &other, "--args", "a.jsonl", "--project", "primes"]);
    assert_eq!(again.code, 0, "{again}");
}

#[test]
fn watching_ends_when_no_unit_is_open() {
    let machine = Machine::new();
    let fake = Fake::start();
    let primes = common::primes().display().to_string();
    let run = |arguments: &[&str]| machine.run_with_key(&fake.address, arguments);
    assert_eq!(run(&["push", &primes, "--range", "0..20:10", "--preset", "bench-96"]).code, 0);
    fake.prove(&common::primes(), &["0,10", "10,20"]);
    let table = run(&["status", "primes", "--watch=1"]);
    assert_eq!((table.code, table.stderr.as_str()), (0, "No unit is open any more.\n"), "{table}");
    assert!(table.stdout.contains("units_an_hour  left") && table.stdout.contains("done"), "{table}");
    assert!(!table.stdout.contains('\u{1b}'), "standard output is no terminal");
    let line = run(&["status", "--watch", "--format", "jsonl"]);
    let object: serde_json::Value = serde_json::from_str(&line.stdout).expect("one JSON object");
    assert_eq!((&object["units_an_hour"], &object["seconds_left"]), (&serde_json::Value::Null, &0.into()), "{line}");
    assert_eq!(run(&["status", "--watch", "--format", "csv"]).code, 2, "a CSV file has one header");
    let gone = run(&["status", "nowhere", "--watch"]);
    assert!(gone.code == 1 && gone.stderr.contains("there is no project `nowhere`"), "{gone}");
}

#[test]
fn what_costs_nothing_is_asked_first() {
    let machine = Machine::new();
    let fake = Fake::start();
    let primes = common::primes().display().to_string();
    // Without a key not even the program is looked at.
    let nokey = machine.run(&["push", "nothing.cairo", "--distributor", &fake.address]);
    assert!(nokey.code == 1 && nokey.stderr.contains("there is no access key"), "{nokey}");
    // A key that is not valid is told before units are run here.
    let mut command = machine.command(&["push", &primes, "--range", "0..50:50", "--distributor", &fake.address]);
    let output = command.env("CAIRN_KEY", KEY.replace("0123456789ab", "ffffffffffff")).output().expect("a run");
    let bad = machine.finish(output);
    assert!(bad.code == 1 && bad.stderr.starts_with("error: the access key is not valid"), "{bad}");
    // And so is another record of the same project.
    let run = |arguments: &[&str]| machine.run_with_key(&fake.address, arguments);
    assert_eq!(run(&["push", &primes, "--range", "0..50:50"]).code, 0);
    machine.write("a.csv", "id,lo,hi\n\"0,50\",0,60\n");
    let changed = run(&["push", &primes, "--args", "a.csv", "--id-field", "id"]);
    assert!(changed.code == 1 && !changed.stderr.contains("Checking the program"), "{changed}");
    // A dry run needs nobody.
    assert_eq!(machine.run(&["push", &primes, "--range", "0..50:50", "--dry-run"]).code, 0);
}

#[test]
fn what_was_pushed_is_not_changed() {
    let machine = Machine::new();
    let fake = Fake::start();
    let primes = common::primes().display().to_string();
    let other = common::programs().join("nqueens/nqueens.json").display().to_string();
    machine.write("a.csv", "id,lo,hi\nfirst,0,50\n");
    machine.write("b.csv", "id,lo,hi\nsecond,0,60\nfirst,0,70\n");
    let push = |arguments: &[&str]| machine.run_with_key(&fake.address, arguments);
    assert_eq!(push(&["push", &primes, "--args", "a.csv", "--id-field", "id"]).code, 0);
    let before = fake.with(|data| data.log.len());

    let changed = push(&["push", &primes, "--args", "b.csv", "--id-field", "id"]);
    assert_eq!(changed.code, 1, "{changed}");
    insta::assert_snapshot!(changed.stderr.lines().last().unwrap_or_default(), @"error: the unit `first` of project `primes` was pushed with other arguments before; give the new arguments another name (a unit keeps its arguments, since its result is about them)");
    machine.write("c.jsonl", "[4, 0, 0]\n");
    let program = push(&["push", &other, "--args", "c.jsonl", "--project", "primes"]);
    assert_eq!(program.code, 1, "{program}");
    insta::assert_snapshot!(program.stderr.lines().last().unwrap_or_default(), @"error: the project `primes` was pushed from here with another program; give the new program a name of its own with --project NAME (a project keeps its program, since its results are about it)");
    assert_eq!(fake.with(|data| data.log.len()), before, "nothing was sent");

    // Another machine knows nothing of it; then the distributor refuses.
    let stranger = Machine::new();
    stranger.write("b.csv", "id,lo,hi\nfirst,0,70\n");
    let refused = stranger.run_with_key(&fake.address, &["push", &primes, "--args", "b.csv", "--id-field", "id"]);
    assert_eq!(refused.code, 1, "{refused}");
    assert!(refused.stderr.contains("the unit `first` has other arguments"), "{refused}");
}

#[test]
fn the_same_arguments_are_not_pushed_under_another_name() {
    let machine = Machine::new();
    let fake = Fake::start();
    let primes = common::primes().display().to_string();
    let push = |arguments: &[&str]| machine.run_with_key(&fake.address, arguments);
    assert_eq!(push(&["push", &primes, "--range", "0..50:25"]).code, 0);
    machine.write("named.csv", "id,lo,hi\nfirst,25,50\n");
    let renamed = push(&["push", &primes, "--args", "named.csv", "--id-field", "id"]);
    assert_eq!(renamed.code, 1, "{renamed}");
    insta::assert_snapshot!(renamed.stderr.lines().last().unwrap_or_default(), @"error: the arguments of the unit `first` were pushed to project `primes` before, as unit `25,50`. The same arguments give the same result, which would be counted twice: leave them out, or push them under the old name");
    assert_eq!(fake.with(|data| data.units.len()), 2);
}

/// More units than go into one request.
const MANY: [&str; 6] = ["--range", "0..1500:1", "--trial", "1", "--retries", "0"];

#[test]
fn a_push_that_is_cut_off_goes_on() {
    let machine = Machine::new();
    let fake = Fake::start();
    let primes = common::primes().display().to_string();
    let run = |arguments: &[&str]| machine.run_with_key(&fake.address, arguments);
    let push = [&["push", &primes][..], &MANY].concat();
    // Whether it is there, program, record, project, the first batch.
    fake.with(|data| data.budget = Some(5));
    let cut = run(&push);
    assert_eq!(cut.code, 3, "{cut}");
    insta::assert_snapshot!(cut.stderr.lines().last().unwrap_or_default(), @"error: the distributor has too much to do. Run the same command again later");
    fake.with(|data| data.budget = None);
    assert_eq!(fake.with(|data| data.units.len()), 1000);
    let collected = run(&["collect", "primes"]);
    assert_eq!(collected.code, 1, "that units are missing is not the distributor's lie: {collected}");
    insta::assert_snapshot!(collected.stderr, @"
    warning: 0 of 1,500 units have a result, as the distributor says; --verify checks the proofs
    warning: 500 units are missing, not sent because the push was cut off (push again): 1000,1001; 1001,1002; 1002,1003; 1003,1004; 1004,1005, …
    warning: 1,000 units are missing, queued: 0,1; 1,2; 2,3; 3,4; 4,5, …
    error: 1,500 of 1,500 units have no result yet; --wait waits for them, --partial goes on without them
    ");
    let again = run(&push);
    assert!(again.stderr.contains("The project was there already; 500 of 1,500 units are new."), "{again}");
    assert_eq!(fake.with(|data| data.units.len()), 1500);
    // Now a unit that is gone is a lie.
    fake.with(|data| data.units.pop());
    assert_eq!(run(&["collect", "primes"]).code, 4);
}

#[test]
fn a_push_that_is_refused_leaves_nothing_behind() {
    let machine = Machine::new();
    let fake = Fake::start();
    let primes = common::primes().display().to_string();
    let run = |arguments: &[&str]| machine.run_with_key(&fake.address, arguments);
    fake.with(|data| data.batches = Some(0));
    let refused = run(&["push", &primes, "--range", "0..50:25"]);
    assert_eq!(refused.code, 1, "{refused}");
    let unknown = run(&["collect", "primes"]);
    assert!(unknown.stderr.contains("there is no record here of the project `primes`"), "{unknown}");

    fake.with(|data| data.batches = Some(1));
    let refused = run(&[&["push", &primes][..], &MANY].concat());
    assert_eq!(refused.code, 1, "{refused}");
    let collected = run(&["collect", "primes"]);
    assert!(collected.stderr.contains("1,000 of 1,000 units have no result yet"), "{collected}");
}

#[test]
fn pushes_at_the_same_time_are_all_recorded() {
    let machine = Machine::new();
    let fake = Fake::start();
    let primes = common::primes().display().to_string();
    let ranges = ["0..20:10", "20..40:10", "40..60:10", "60..80:10"];
    std::thread::scope(|scope| {
        for range in ranges {
            scope.spawn(|| {
                let pushed = machine.run_with_key(&fake.address, &["push", &primes, "--range", range]);
                assert_eq!(pushed.code, 0, "{pushed}");
            });
        }
    });
    let collected = machine.run_with_key(&fake.address, &["collect", "primes"]);
    assert!(collected.stderr.contains("8 of 8 units have no result yet"), "{collected}");
}

#[test]
fn colours_only_where_they_are_wanted() {
    let machine = Machine::new();
    let coloured = |arguments: &[&str]| machine.run(arguments).stderr.contains('\u{1b}');
    assert!(!coloured(&["status"]), "standard error is no terminal");
    assert!(!coloured(&["status", "--color", "never"]));
    assert!(coloured(&["status", "--color", "always"]));
}

#[test]
fn without_a_key_it_says_how_to_get_one() {
    let machine = Machine::new();
    let fake = Fake::start();
    let primes = common::primes().display().to_string();
    let outcome = machine.run(&["push", &primes, "--range", "0..50:50", "--distributor", &fake.address]);
    assert_eq!(outcome.code, 1, "{outcome}");
    let last = outcome.stderr.lines().last().unwrap_or_default().replace(&fake.address, "ADDRESS");
    insta::assert_snapshot!(last, @"error: there is no access key for ADDRESS. Its operator makes one with `distributor key create`; then run `uploader key add --distributor ADDRESS` and paste it, or set CAIRN_KEY");
    // What is public needs none.
    let status = machine.run(&["status", "--distributor", &fake.address]);
    assert_eq!(status.code, 0, "{status}");

    let mut command = machine.command(&["list", "primes", "--distributor", &fake.address]);
    let output = command.env("CAIRN_KEY", KEY.replace("0123456789ab", "ffffffffffff")).output().expect("a run");
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    insta::assert_snapshot!(stderr, @"error: the access key is not valid. Ask the operator for a key and add it with `uploader key add`");
}
