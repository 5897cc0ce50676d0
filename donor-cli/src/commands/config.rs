//! `donor config`.

use super::open;
use super::output::{print, say};
use super::table::{Side, table};
use crate::cli::{ConfigAction, StateArgs};
use crate::exit::{Exit, Failure};
use crate::setting::variable;
use crate::state::Folder;
use crate::state::config::Config;
use crate::state::settings;
use std::path::PathBuf;

/// Shows or changes the settings.
///
/// # Errors
/// If a setting or its value is not valid, or the file cannot be read or written.
pub fn config(action: ConfigAction) -> Result<Exit, Failure> {
    match action {
        ConfigAction::Get { name, state } => {
            let (_, _, config) = load(&state)?;
            match config.get(&name)? {
                Some(value) => print(format_args!("{value}\n"))?,
                None => say(format_args!("`{name}` is not set")),
            }
        }
        ConfigAction::Set { name, value, state } => {
            let (folder, path, mut config) = load(&state)?;
            config.set(&name, &value)?;
            config.thresholds()?;
            config.save(&path)?;
            say(format_args!("{name} = {}{}", config.get(&name)?.unwrap_or_default(), note(&folder)));
        }
        ConfigAction::Unset { name, state } => {
            let (folder, path, mut config) = load(&state)?;
            config.unset(&name)?;
            config.save(&path)?;
            say(format_args!("{name} is not set any more{}", note(&folder)));
        }
        ConfigAction::List { state } => {
            let (_, path, config) = load(&state)?;
            let rows: Result<Vec<_>, Failure> = settings::all()
                .map(|key| {
                    let value = config.get(key.name)?.unwrap_or_else(|| format!("({})", key.default));
                    Ok(vec![key.name.to_owned(), value, key.help.to_owned()])
                })
                .collect();
            say(path.display());
            print(table(&[("", Side::Left); 3], &rows?))?;
            let set = settings::all().map(|key| variable(key.name)).filter(|name| std::env::var_os(name).is_some());
            let set: Vec<String> = set.collect();
            if !set.is_empty() {
                say(format_args!("set by the environment, which goes first: {}", set.join(", ")));
            }
        }
    }
    Ok(Exit::Done)
}

fn load(state: &StateArgs) -> Result<(Folder, PathBuf, Config), Failure> {
    let folder = open(state)?;
    let path = folder.path("config.toml");
    let config = Config::load(&path)?;
    Ok((folder, path, config))
}

fn note(folder: &Folder) -> &'static str {
    if folder.running().is_some() { " (from the next start of the donor on)" } else { "" }
}
