//! A distributor below a path of somebody else's host.
//!
//! Everything that stands in an address, and what donors sign, is what follows the distributor's own address. A proxy may cut the
//! path off, and then nothing is to be set here; or it passes the path on, and then it is cut off here, before anything else looks
//! at the request. The path is the operator's word alone: no header says it.

use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use serde::Deserialize;
use std::fmt;
use std::str::FromStr;

/// The path, without a slash at its end; empty for none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PathPrefix(String);

/// What is no such path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no path such as /cairn", .0.escape_debug())]
pub struct PrefixError(String);

impl FromStr for PathPrefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let path = text.trim_end_matches('/');
        let harmless = |part: &str| {
            let mut bytes = part.bytes();
            !part.is_empty()
                && part != "."
                && part != ".."
                && bytes.all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
        };
        let parts = path.strip_prefix('/');
        if path.is_empty() || parts.is_some_and(|parts| parts.split('/').all(harmless)) {
            return Ok(Self(path.to_owned()));
        }
        Err(PrefixError(text.to_owned()))
    }
}

impl TryFrom<String> for PathPrefix {
    type Error = PrefixError;

    fn try_from(text: String) -> Result<Self, PrefixError> {
        text.parse()
    }
}

impl fmt::Display for PathPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PathPrefix {
    /// Cuts it off, where it stands.
    pub fn cut(&self, uri: &mut Uri) {
        let Some(target) = uri.path_and_query().filter(|_| !self.0.is_empty()) else { return };
        let rest = target.as_str().strip_prefix(&self.0).filter(|rest| rest.starts_with('/'));
        if let Some(target) = rest.and_then(|rest| PathAndQuery::from_str(rest).ok()) {
            *uri = target.into();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn cut(prefix: &str, uri: &str) -> String {
        let mut uri = uri.parse().unwrap();
        prefix.parse::<PathPrefix>().unwrap().cut(&mut uri);
        uri.to_string()
    }

    #[test]
    fn only_the_whole_prefix_is_cut_off_and_only_once() {
        assert_eq!(cut("/cairn", "/cairn/v1/projects?x=1"), "/v1/projects?x=1");
        assert_eq!(cut("/a/b/", "/a/b/"), "/");
        for same in ["/v1/projects", "/cairn", "/cairnx/v1", "/CAIRN/v1", "/cairn?x", "*"] {
            assert_eq!(cut("/cairn", same), same);
        }
        assert_eq!(cut("/cairn", "/cairn/cairn/v1"), "/cairn/v1");
        assert_eq!(cut("/cairn", "/cairn//evil.example/x"), "//evil.example/x");
        assert_eq!(cut("", "/v1/projects"), "/v1/projects");
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for bad in ["cairn", "/a//b", "/a/../b", "/a b", "/a?b", "/%61", "http://x/a", "/."] {
            let error = bad.parse::<PathPrefix>().unwrap_err().to_string();
            assert_eq!(error, format!("`{bad}` is no path such as /cairn"));
        }
    }
}
