//! Where a backend keeps its things.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::Path;

/// Where a backend keeps its things, as an operator says it: the scheme names the backend, which understands the rest.
///
/// Shown it is the scheme alone, since the rest may hold a password, or the text if there is no scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    scheme: String,
    rest: OsString,
}

impl Location {
    /// A place of a backend.
    pub fn new(scheme: &str, rest: impl Into<OsString>) -> Self {
        Self { scheme: scheme.to_owned(), rest: rest.into() }
    }

    /// Reads `scheme:rest`; the scheme of any other text is empty.
    pub fn parse(text: &str) -> Self {
        let scheme = text.split_once(':').filter(|(scheme, _)| is_scheme(scheme));
        let (scheme, rest) = scheme.unwrap_or(("", text));
        Self::new(scheme, rest)
    }

    /// Which backend.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// What only the backend understands.
    pub fn rest(&self) -> &OsStr {
        &self.rest
    }

    /// The rest as a path, if there is any.
    pub fn path(&self) -> Option<&Path> {
        Some(Path::new(&self.rest)).filter(|path| !path.as_os_str().is_empty())
    }
}

/// As RFC 3986 has it.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scheme.as_str() {
            "" => write!(f, "{}", self.rest.display()),
            scheme => write!(f, "{scheme}:"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_names_the_backend_and_the_rest_is_its_own_business() {
        let parsed = |text| (Location::parse(text).scheme, Location::parse(text).rest);
        assert_eq!(parsed("sqlite:/x/y.db"), ("sqlite".to_owned(), "/x/y.db".into()));
        assert_eq!(parsed("s3://bucket/a:b"), ("s3".to_owned(), "//bucket/a:b".into()));
        for text in ["cairn.db", "", ":x", "/a:b", "1:x", "a b:c"] {
            assert_eq!(parsed(text), (String::new(), text.into()));
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(Location::parse("postgres://me:secret@host/db").to_string(), "postgres:");
        assert_eq!(Location::parse("cairn.db").to_string(), "cairn.db");
    }
}
