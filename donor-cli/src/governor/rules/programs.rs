//! Pausing while a program runs that its owner named.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// Characters of a process's name that Linux keeps.
const KEPT: usize = 15;

/// Names of programs, such as `steam,obs`.
///
/// A name is that of a process, of its program file, or of what its command line begins with. Upper and lower case are the
/// same, and `.exe` at the end is left out, as games under Wine have it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Programs(Vec<String>);

/// Text that names no programs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no program: give names of programs without folders, such as steam,obs")]
pub struct BadProgram(String);

/// What is known of a process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Process<'a> {
    /// Its name. Linux cuts it after 15 characters.
    pub name: &'a str,
    /// Its program file.
    pub file: Option<&'a Path>,
    /// The first word of its command line.
    pub command: Option<&'a str>,
}

impl Programs {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These and others.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// The name by which the process is one of them.
    pub fn find(&self, process: &Process<'_>) -> Option<&str> {
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
}
