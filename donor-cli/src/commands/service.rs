//! `donor service`: has systemd start the donor, for a user or for the machine.

use super::output::{print, say};
use super::{open, server, settings};
use crate::cli::{ServerArgs, ServiceAction, ServicePlace, StateArgs};
use crate::exit::{Exit, Failure};
use crate::state::atomic;
use protocol::text::{MAX_SHOWN, printable};
use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::Command;

/// The units that the documentation has, too.
const SYSTEM: &str = include_str!("../../../packaging/systemd/donor.service");
const USER: &str = include_str!("../../../packaging/systemd/donor-user.service");

/// The unit's name.
const NAME: &str = "donor.service";

/// By this first line a file is known as one that may be replaced or removed.
const MARK: &str = "# Written by `donor service install`, and removed by `donor service remove`.";

/// Folders that services of the machine do not see.
const HOMES: [&str; 3] = ["/home", "/root", "/run/user"];

/// Does it.
///
/// # Errors
/// If there is no systemd, it refuses, or the unit's file is somebody else's.
pub fn service(action: &ServiceAction) -> Result<Exit, Failure> {
    match action {
        ServiceAction::Install { place, server, state, max_cpu } => {
            let place = Place::new(place)?;
            let unit = unit(&place, server, state, max_cpu.as_ref().map(ToString::to_string))?;
            install(&place, &unit)
        }
        ServiceAction::Remove { place } => remove(&Place::new(place)?),
        ServiceAction::Status { place } => status(&Place::new(place)?),
    }
}

/// Whose service it is, and where its unit lies.
struct Place {
    system: bool,
    folder: PathBuf,
}

impl Place {
    fn new(place: &ServicePlace) -> Result<Self, Failure> {
        if place.system {
            return Ok(Self { system: true, folder: PathBuf::from("/etc/systemd/system") });
        }
        let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let config = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")));
        let config = config.ok_or_else(|| Failure::fault("there is no home folder ($HOME); --system needs none"))?;
        Ok(Self { system: false, folder: config.join("systemd/user") })
    }

    fn file(&self) -> PathBuf {
        self.folder.join(NAME)
    }

    /// The unit's text, if there is one.
    fn installed(&self) -> Result<Option<String>, Failure> {
        match fs::read_to_string(self.file()) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::fault(format!("cannot read {}: {error}", self.file().display()))),
        }
    }

    /// Refuses if the unit was written by somebody else.
    fn check_own(&self) -> Result<(), Failure> {
        match self.installed()? {
            Some(text) if !text.starts_with(MARK) => Err(Failure::fault(format!(
                "{} was not written by `donor service install`, so it is left as it is; move it away first",
                self.file().display()
            ))),
            _ => Ok(()),
        }
    }

    /// What systemctl says; whether it agrees.
    fn systemctl(&self, arguments: &[&str]) -> Result<(bool, String), Failure> {
        let mut command = Command::new("systemctl");
        if !self.system {
            command.arg("--user");
        }
        let output = command.args(arguments).output().map_err(|error| match error.kind() {
            ErrorKind::NotFound => Failure::fault("there is no systemd here: no systemctl on PATH"),
            _ => Failure::fault(format!("systemctl cannot be run: {error}")),
        })?;
        let said = [output.stdout, output.stderr].concat();
        Ok((output.status.success(), printable(String::from_utf8_lossy(&said).trim(), MAX_SHOWN)))
    }

    fn must(&self, arguments: &[&str]) -> Result<(), Failure> {
        let (done, said) = self.systemctl(arguments)?;
        let refused = || Failure::fault(format!("systemctl {} failed: {said}", arguments.join(" ")));
        if done { Ok(()) } else { Err(refused()) }
    }
}

/// The unit for this program and these settings.
fn unit(place: &Place, address: &ServerArgs, state: &StateArgs, max_cpu: Option<String>) -> Result<String, Failure> {
    let program = env::current_exe().and_then(|path| path.canonicalize());
    let program = program.map_err(|error| Failure::fault(format!("this program's file is not known: {error}")))?;
    let mut line = vec![quoted(&program.display().to_string())?, "run".to_owned()];
    if place.system {
        if HOMES.iter().any(|home| program.starts_with(home)) {
            return Err(Failure::fault(format!(
                "{} is in somebody's home, where services of the machine do not look; copy it to /usr/local/bin, and run that",
                program.display()
            )));
        }
        // Its state is in a folder of its own, not in that of whoever installs it.
        let address = address.server.clone().ok_or_else(|| {
            Failure::new(
                Exit::Usage,
                "a service of the machine has no settings yet: give its distributor with --server URL",
            )
        })?;
        line.extend(["--server".to_owned(), quoted(&address)?]);
    } else {
        let folder = open(state)?;
        server(address, &settings(&folder)?)?;
        if let Some(address) = &address.server {
            line.extend(["--server".to_owned(), quoted(address)?]);
        }
        if state.state.is_some() {
            line.extend(["--state".to_owned(), quoted(&folder.root().display().to_string())?]);
        }
    }
    if let Some(max_cpu) = max_cpu {
        line.extend(["--max-cpu".to_owned(), max_cpu]);
    }
    line.extend(["--patience", "0"].map(str::to_owned));
    let sample = if place.system {
        line.extend(["--state", "/var/lib/donor"].map(str::to_owned));
        SYSTEM
    } else {
        USER
    };
    let own = format!("ExecStart={}", line.join(" "));
    let lines = sample.lines().skip_while(|line| line.starts_with('#'));
    let lines = lines.map(|line| if line.starts_with("ExecStart=") { own.as_str() } else { line });
    Ok(format!("{MARK}\n{}\n", lines.collect::<Vec<_>>().join("\n")))
}

/// A word of systemd's command line.
fn quoted(word: &str) -> Result<String, Failure> {
    if word.chars().any(char::is_control) {
        return Err(Failure::fault(format!("`{}` cannot stand in a unit", printable(word, MAX_SHOWN))));
    }
    // `%` and `$` have a meaning there, also within quotation marks.
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    Ok(if word.contains([' ', '"', '\'', '\\', ';']) { format!("\"{escaped}\"") } else { escaped })
}

fn install(place: &Place, unit: &str) -> Result<Exit, Failure> {
    place.check_own()?;
    // Before anything is written: whether there is a systemd that listens.
    place.must(&["daemon-reload"])?;
    let written = fs::create_dir_all(&place.folder).and_then(|()| fs::write(place.file(), unit));
    written.map_err(|error| {
        let root = if place.system { "; a service of the machine is installed as root (sudo)" } else { "" };
        Failure::fault(format!("cannot write {}: {error}{root}", place.file().display()))
    })?;
    place.must(&["daemon-reload"])?;
    place.must(&["enable", NAME])?;
    place.must(&["restart", NAME])?;
    say(format_args!("the donor runs as a service, and starts by itself: {}", place.file().display()));
    if place.system {
        say("`journalctl --unit donor` shows what it says; `donor service remove --system` ends it");
    } else {
        say("it runs while you are logged in; `loginctl enable-linger` lets it run always");
        say("`donor status` shows what it does; `donor service remove` ends it");
    }
    Ok(Exit::Done)
}

fn remove(place: &Place) -> Result<Exit, Failure> {
    if place.installed()?.is_none() {
        return Err(Failure::fault(format!("there is no service: no {}", place.file().display())));
    }
    place.check_own()?;
    place.must(&["disable", "--now", NAME])?;
    atomic::remove(&place.file())?;
    place.must(&["daemon-reload"])?;
    say("the service is removed; its work, its settings and its key stay where they are");
    Ok(Exit::Done)
}

fn status(place: &Place) -> Result<Exit, Failure> {
    let file = place.file();
    let Some(text) = place.installed()? else {
        print(format_args!("unit       none ({})\n", file.display()))?;
        return Ok(Exit::Fault);
    };
    let by = if text.starts_with(MARK) { "" } else { ", not written by `donor service install`" };
    let runs = text.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap_or("nothing");
    let (_, enabled) = place.systemctl(&["is-enabled", NAME])?;
    let (active, state) = place.systemctl(&["is-active", NAME])?;
    print(format_args!(
        "unit       {}{by}\nstarts     {enabled}\nruns       {state}\ncommand    {}\n",
        file.display(),
        printable(runs, MAX_SHOWN)
    ))?;
    Ok(if active { Exit::Done } else { Exit::Fault })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_words() {
        let of = |word: &str| quoted(word).map_err(|failure| failure.message);
        assert_eq!(of("/usr/bin/donor"), Ok("/usr/bin/donor".to_owned()));
        assert_eq!(of("/a b/100%"), Ok("\"/a b/100%%\"".to_owned()));
        assert_eq!(of("a\"b\\c$d"), Ok("\"a\\\"b\\\\c$$d\"".to_owned()));
        assert!(of("a\nExecStartPost=/bin/sh").is_err());
    }

    #[test]
    fn samples_have_one_command() {
        for sample in [SYSTEM, USER] {
            assert_eq!(sample.lines().filter(|line| line.starts_with("ExecStart=")).count(), 1);
        }
    }
}
