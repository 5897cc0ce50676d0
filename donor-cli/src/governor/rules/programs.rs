//! Pausing while a program runs that its owner named.

use super::rule::{Kind, Now, Rule};
use super::senses::Senses;
use crate::setting::{RunOption, Setting, Takes, parsed};
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use sysinfo::{ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind};

pub(super) static KIND: Kind = Kind {
    word: "program",
    pauses_while: "a program runs that you named",
    settings: &[Setting {
        name: "pause-for",
        help: "programs to pause for, such as steam,obs",
        default: "none",
        option: Some(RunOption {
            long: "pause-for",
            help: "Pause while one of these programs runs, such as steam,obs; may be given several times",
            takes: Takes::Values("NAMES"),
        }),
        check: parsed::<Programs>,
    }],
    field: None,
    make: |values| {
        let programs = values.text("pause-for")?.parse().ok()?;
        Some(Box::new(Named { programs, list: None, running: None }))
    },
};

/// Watches for named programs.
#[derive(Debug)]
struct Named {
    programs: Programs,
    list: Option<ProcessList>,
    running: Option<String>,
}

impl Rule for Named {
    fn look(&mut self, senses: &mut Senses) {
        let list = self.list.get_or_insert_with(ProcessList::new);
        self.running = list.find(&self.programs, senses.units());
    }

    fn pause(&mut self, _: &Now) -> Option<String> {
        self.running.as_ref().map(|name| format!("{name} runs"))
    }

    fn unseen(&self) -> Option<String> {
        let message = "which programs run cannot be seen here: work never pauses for them";
        self.list.as_ref().is_some_and(|list| !list.can_tell()).then(|| message.to_owned())
    }
}

/// The names of all processes.
#[derive(Debug)]
struct ProcessList(Option<System>);

impl ProcessList {
    /// Of this machine.
    fn new() -> Self {
        Self(System::new().ok())
    }

    /// Whether the system tells of its processes.
    const fn can_tell(&self) -> bool {
        self.0.is_some()
    }

    /// The first of the programs that runs, by its name. This process and its children, given by their numbers, do not count.
    fn find(&mut self, programs: &Programs, units: &[u32]) -> Option<String> {
        let kind = ProcessRefreshKind::nothing().with_exe(UpdateKind::OnlyIfNotSet).with_cmd(UpdateKind::OnlyIfNotSet);
        let system = self.0.as_mut()?;
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, kind.without_tasks());
        let me = std::process::id();
        let others = system.processes().values().filter(|process| {
            let pid = process.pid().as_u32();
            pid != me && !units.contains(&pid) && process.status() != ProcessStatus::Zombie
        });
        let found = others.filter_map(|process| {
            let name = process.name().to_string_lossy();
            let command = process.cmd().first().map(|word| word.to_string_lossy());
            let process = Process { name: &name, file: process.exe(), command: command.as_deref() };
            programs.find(&process).map(str::to_owned)
        });
        found.min()
    }
}

/// Characters of a process's name that Linux keeps.
const KEPT: usize = 15;

/// Names of programs, such as `steam,obs`.
///
/// A name is that of a process, of its program file, or of what its command line begins with. Upper and lower case are the
/// same, and `.exe` at the end is left out, as games under Wine have it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Programs(Vec<String>);

/// Text that names no programs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no program: give names of programs without folders, such as steam,obs")]
struct BadProgram(String);

/// What is known of a process.
#[derive(Debug, Clone, Copy, Default)]
struct Process<'a> {
    /// Its name. Linux cuts it after 15 characters.
    name: &'a str,
    /// Its program file.
    file: Option<&'a Path>,
    /// The first word of its command line.
    command: Option<&'a str>,
}

impl Programs {
    /// The name by which the process is one of them.
    fn find(&self, process: &Process<'_>) -> Option<&str> {
        let last = |path: &str| path.rsplit(['/', '\\']).next().map(plain);
        let name = plain(process.name);
        let file = process.file.and_then(Path::file_name).map(|name| plain(&name.to_string_lossy()));
        let command = process.command.and_then(last);
        let cut = (process.name.chars().count() == KEPT).then(|| process.name.to_lowercase());
        let is = |wanted: &&String| {
            **wanted == name
                || file.as_ref() == Some(*wanted)
                || command.as_ref() == Some(*wanted)
                || cut.as_ref().is_some_and(|cut| format!("{wanted}.exe").starts_with(cut))
        };
        self.0.iter().find(is).map(String::as_str)
    }
}

fn plain(name: &str) -> String {
    let name = name.trim().to_lowercase();
    name.strip_suffix(".exe").map(str::to_owned).unwrap_or(name)
}

impl FromStr for Programs {
    type Err = BadProgram;

    fn from_str(text: &str) -> Result<Self, BadProgram> {
        let name = |part: &str| {
            let name = plain(part);
            let wrong = name.is_empty() || name.contains(['/', '\\']) || name.chars().any(char::is_control);
            if wrong { Err(BadProgram(part.trim().to_owned())) } else { Ok(name) }
        };
        text.split(',').map(name).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Programs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_program_by_any_of_its_names() {
        let programs: Programs = "Steam, obs ,Some.Long-Program-Name,game.exe".parse().expect("names");
        assert_eq!(programs.to_string(), "steam,obs,some.long-program-name,game");
        let found = |name, file: Option<&str>, command| {
            programs.find(&Process { name, file: file.map(Path::new), command }).map(str::to_owned)
        };
        assert_eq!(found("steam", None, None).as_deref(), Some("steam"));
        assert_eq!(found("STEAM", None, None).as_deref(), Some("steam"));
        assert_eq!(found("Main", Some("/usr/bin/obs"), None).as_deref(), Some("obs"));
        assert_eq!(found("wine64-preloade", None, Some("C:\\Games\\Game.exe")).as_deref(), Some("game"));
        assert_eq!(found("some.long-progr", None, None).as_deref(), Some("some.long-program-name"));
        for (name, file, command) in [
            ("steamwebhelper", None, None),
            ("ste", None, None),
            ("some.long", None, None),
            ("bash", Some("/home/steam/bin/bash"), Some("/opt/obs/bash")),
            ("", None, None),
        ] {
            assert_eq!(found(name, file, command), None, "{name}");
        }
    }

    #[test]
    fn names_have_no_folders() {
        for text in ["", "steam,", "/usr/bin/steam", "a,,b", "C:\\x", "a\u{7}"] {
            assert!(text.parse::<Programs>().is_err(), "{text}");
        }
    }

    #[test]
    fn finds_programs_and_not_itself() {
        let mut sleeper = std::process::Command::new("sleep").arg("60").spawn().expect("a program");
        let mut list = ProcessList::new();
        let programs: Programs = "no-such-program-anywhere,SLEEP".parse().expect("names");
        assert_eq!(list.find(&programs, &[]).as_deref(), Some("sleep"));
        let me = std::env::current_exe().expect("a path");
        let me: Programs = me.file_name().expect("a name").to_string_lossy().parse().expect("a name");
        assert_eq!(list.find(&me, &[]), None);
        let only = |pid: u32| {
            list_one(pid)
                .and_then(|name| programs.find(&Process { name: &name, ..Process::default() }).map(str::to_owned))
        };
        assert!(only(sleeper.id()).is_some());
        sleeper.kill().expect("killed");
        sleeper.wait().expect("ended");
    }

    fn list_one(pid: u32) -> Option<String> {
        std::fs::read_to_string(format!("/proc/{pid}/comm")).ok().map(|name| name.trim().to_owned())
    }

    #[test]
    fn names_the_program_that_runs() {
        let mut sleeper = std::process::Command::new("sleep").arg("60").spawn().expect("a program");
        let mut rule = Named { programs: "sleep".parse().expect("a name"), list: None, running: None };
        let now = Now { local_time: jiff::civil::date(2026, 1, 5).at(12, 0, 0, 0), asked: None };
        assert_eq!(rule.pause(&now), None, "nothing was looked at");
        rule.look(&mut Senses::default());
        assert_eq!((rule.pause(&now).as_deref(), rule.unseen()), (Some("sleep runs"), None));
        sleeper.kill().expect("killed");
        sleeper.wait().expect("ended");
    }
}
