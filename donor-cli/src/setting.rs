//! What a setting is: one name in the file and in the environment, and for some on the command line.

/// A setting: its name, what it means, and its value if it is not set.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Name in the file and on the command line.
    pub name: &'static str,
    /// What it means.
    pub help: &'static str,
    /// What holds if it is not set.
    pub default: &'static str,
    /// The option of `donor run` that sets it, where it is declared along with the setting.
    pub option: Option<RunOption>,
    /// The value of a text.
    pub check: fn(&str) -> Result<toml::Value, String>,
}

/// An option of `donor run` that sets a setting.
#[derive(Debug, Clone, Copy)]
pub struct RunOption {
    /// Its name.
    pub long: &'static str,
    /// What it does.
    pub help: &'static str,
    /// What follows it.
    pub takes: Takes,
}

/// What follows an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// The setting's value, which the help calls so.
    Value(&'static str),
    /// Values, which may come several times; commas join them.
    Values(&'static str),
    /// Nothing: it sets this value.
    Nothing(&'static str),
}

/// The environment variable that sets a setting: `CAIRN_DONOR_MAX_CPU` for `max-cpu`.
pub fn variable(name: &str) -> String {
    format!("CAIRN_DONOR_{}", name.to_ascii_uppercase().replace('-', "_"))
}

/// Where the values of settings are.
pub trait Values {
    /// A setting's value as text, if it is set.
    fn text(&self, name: &str) -> Option<String>;
}

/// A value that is a text.
pub fn string(text: &str) -> toml::Value {
    toml::Value::String(text.to_owned())
}

/// The value of a text that is one of two words.
///
/// # Errors
/// If it is neither.
pub fn one_of(words: [&str; 2], text: &str) -> Result<toml::Value, String> {
    let [first, second] = words;
    if words.contains(&text) { Ok(string(text)) } else { Err(format!("`{text}` is neither `{first}` nor `{second}`")) }
}

/// `pause` or `ignore`.
///
/// # Errors
/// If it is neither.
pub fn pause_or_ignore(text: &str) -> Result<toml::Value, String> {
    one_of(["pause", "ignore"], text)
}

/// The value of a text that a type reads and writes.
///
/// # Errors
/// What the type says of other texts.
pub fn parsed<T>(text: &str) -> Result<toml::Value, String>
where
    T: std::str::FromStr<Err: std::fmt::Display> + std::fmt::Display,
{
    text.parse::<T>().map(|value| string(&value.to_string())).map_err(|error| error.to_string())
}
