//! The rules' options on the command line of `donor run`.

use super::settings;
use crate::setting::{RunOption, Setting, Takes};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};

/// What the command line says of the rules' settings: names and values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PauseOptions(pub Vec<(&'static str, String)>);

fn options() -> impl Iterator<Item = (&'static Setting, RunOption)> {
    settings().filter_map(|setting| Some((setting, setting.option?)))
}

fn argument(setting: &'static Setting, option: RunOption) -> Arg {
    let argument = Arg::new(setting.name).long(option.long).help(option.help);
    let check = move |text: &str| (setting.check)(text.trim()).map(|_| text.trim().to_owned());
    match option.takes {
        Takes::Value(name) => argument.value_name(name).value_parser(check),
        Takes::Values(name) => argument.value_name(name).value_parser(check).action(ArgAction::Append),
        Takes::Nothing(_) => argument.action(ArgAction::SetTrue),
    }
}

fn value(matches: &ArgMatches, setting: &Setting, option: RunOption) -> Option<String> {
    match option.takes {
        Takes::Value(_) => matches.get_one::<String>(setting.name).cloned(),
        Takes::Values(_) => {
            let values: Vec<&str> = matches.get_many::<String>(setting.name)?.map(String::as_str).collect();
            Some(values.join(","))
        }
        Takes::Nothing(value) => matches.get_flag(setting.name).then(|| value.to_owned()),
    }
}

impl FromArgMatches for PauseOptions {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let set = |(setting, option): (&'static Setting, RunOption)| {
            value(matches, setting, option).map(|value| (setting.name, value))
        };
        Ok(Self(options().filter_map(set).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for PauseOptions {
    fn augment_args(command: Command) -> Command {
        command.args(options().map(|(setting, option)| argument(setting, option)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Vec<(&'static str, String)>, String> {
        let command = PauseOptions::augment_args(Command::new("run").no_binary_name(true));
        let matches = command.try_get_matches_from(arguments).map_err(|error| error.to_string())?;
        PauseOptions::from_arg_matches(&matches).map(|options| options.0).map_err(|error| error.to_string())
    }

    #[test]
    fn options_set_settings() {
        assert_eq!(parse(&[]), Ok(vec![]));
        let arguments = ["--pause-for", "steam", "--pause-when-used", "--pause-for", "obs,vlc"];
        let expected = vec![("pause-for", "steam,obs,vlc".to_owned()), ("used", "pause".to_owned())];
        assert_eq!(parse(&arguments), Ok(expected));
        assert_eq!(parse(&["--schedule", "22:00-7:00"]), Ok(vec![("schedule", "22:00-7:00".to_owned())]));
    }

    #[test]
    fn bad_values_are_refused() {
        for (arguments, message) in [
            (["--max-temperature", "hot"], "give degrees Celsius"),
            (["--schedule", "at night"], "is no schedule"),
            (["--pause-for", "/usr/bin/steam"], "names of programs without folders"),
        ] {
            let error = parse(&arguments).expect_err("no value");
            assert!(error.contains(message), "{error}");
        }
    }
}
