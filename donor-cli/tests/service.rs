//! `donor service`, with a stand-in for systemctl that writes down what it is asked for.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// A user's home, with a systemctl of its own.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        home.systemctl("exit 0");
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What systemctl does after it has written down its arguments.
    fn systemctl(&self, then: &str) {
        std::fs::create_dir_all(self.path("bin")).unwrap();
        let text = format!("#!/bin/sh\necho \"$@\" >> '{}'\n{then}\n", self.path("asked").display());
        std::fs::write(self.path("bin/systemctl"), text).unwrap();
        std::fs::set_permissions(self.path("bin/systemctl"), std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// What was asked of it since the last look.
    fn asked(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("asked")).unwrap_or_default();
        let _ = std::fs::remove_file(self.path("asked"));
        text.lines().map(str::to_owned).collect()
    }

    /// Exit code, standard output, standard error.
    fn donor(&self, arguments: &[&str]) -> (i32, String, String) {
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        let mut command = Command::new(env!("CARGO_BIN_EXE_donor"));
        command.args(arguments).env_clear().env("HOME", self.0.path()).env("PATH", path);
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap().replace(&self.0.path().display().to_string(), "HOME");
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn unit(&self) -> Option<String> {
        std::fs::read_to_string(self.path(".config/systemd/user/donor.service")).ok()
    }
}

#[test]
fn a_users_service_comes_and_goes() {
    let home = Home::new();
    let (code, _, said) = home.donor(&["service", "install"]);
    assert_eq!((code, home.unit()), (2, None), "no distributor is set: {said}");
    assert_eq!(home.donor(&["config", "set", "server", "https://grid.example.org"]).0, 0);
    let (code, _, said) = home.donor(&["service", "install", "--max-cpu", "30"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("HOME/.config/systemd/user/donor.service") && said.contains("enable-linger"), "{said}");
    let reload = "--user daemon-reload";
    assert_eq!(home.asked(), [reload, reload, "--user enable donor.service", "--user restart donor.service"]);
    let unit = home.unit().unwrap();
    let program = std::fs::canonicalize(env!("CARGO_BIN_EXE_donor")).unwrap();
    let start = format!("\nExecStart={} run --max-cpu 30 --patience 0\n", program.display());
    assert!(unit.contains(&start) && unit.contains("\nNoNewPrivileges=yes\n"), "{unit}");

    // The same again, with other settings.
    assert_eq!(home.donor(&["service", "install", "--server", "http://127.0.0.1:1", "--state", "HOME"]).0, 0);
    assert!(home.unit().unwrap().contains(" run --server http://127.0.0.1:1 --state "));
    home.systemctl("case \"$2\" in is-enabled) echo enabled;; is-active) echo inactive; exit 3;; esac");
    let (code, shown, _) = home.donor(&["service", "status"]);
    assert_eq!(code, 1, "it does not run");
    assert!(shown.contains("starts     enabled\nruns       inactive\n"), "{shown}");
    assert_eq!(home.donor(&["service", "remove"]).0, 0);
    assert!(home.asked().ends_with(&["--user disable --now donor.service".to_owned(), reload.to_owned()]));
    assert_eq!(home.unit(), None);
    assert!(home.path(".local/share/cairn/donor/config.toml").exists(), "settings stay");
    let (code, _, said) = home.donor(&["service", "remove"]);
    assert!(code == 1 && said.contains("there is no service"), "{said}");
    assert_eq!(home.donor(&["service", "status"]).0, 1);
}

#[test]
fn what_somebody_else_wrote_stays() {
    let home = Home::new();
    std::fs::create_dir_all(home.path(".config/systemd/user")).unwrap();
    std::fs::write(home.path(".config/systemd/user/donor.service"), "[Service]\nExecStart=/bin/true\n").unwrap();
    for action in [&["service", "install", "--server", "http://127.0.0.1:1"][..], &["service", "remove"]] {
        let (code, _, said) = home.donor(action);
        assert!(code == 1 && said.contains("was not written by `donor service install`"), "{said}");
    }
    assert_eq!(home.unit().unwrap(), "[Service]\nExecStart=/bin/true\n");
    assert_eq!(home.asked(), Vec::<String>::new());
}

#[test]
fn without_systemd_it_says_so_and_writes_nothing() {
    let home = Home::new();
    let install = ["service", "install", "--server", "http://127.0.0.1:1"];
    home.systemctl("echo 'Failed to connect to bus' >&2; exit 1");
    let (code, _, said) = home.donor(&install);
    assert!(code == 1 && said.contains("Failed to connect to bus"), "{said}");
    std::fs::remove_file(home.path("bin/systemctl")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_donor"));
    let output =
        command.args(install).env_clear().env("HOME", home.0.path()).env("PATH", home.path("bin")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no systemd here"));
    assert_eq!(home.unit(), None);
}

#[test]
fn a_service_of_the_machine_needs_an_address() {
    let home = Home::new();
    let (code, _, said) = home.donor(&["service", "install", "--system"]);
    // In somebody's home, or without an address: nothing is written either way.
    assert!(code != 0 && (said.contains("--server URL") || said.contains("in somebody's home")), "{said}");
    assert_eq!(home.asked(), Vec::<String>::new());
}
