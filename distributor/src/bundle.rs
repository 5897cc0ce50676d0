//! The files for browsers, which `make web` makes and the build takes in, if they are there.

/// A file, as it is and compressed.
pub struct File {
    name: &'static str,
    plain: &'static [u8],
    br: &'static [u8],
    gz: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/bundle.rs"));

/// SHA-256 of all files together, which is part of their addresses: under one address nothing ever changes.
pub const fn digest() -> Option<&'static str> {
    DIGEST
}

/// A file by name.
pub fn file(name: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.name == name)
}

impl File {
    /// Its bytes in the best of the codings that are accepted, and the name of the coding.
    pub fn coded(&self, accepts: impl Fn(&str) -> bool) -> (&'static [u8], Option<&'static str>) {
        [(self.br, "br"), (self.gz, "gzip")]
            .into_iter()
            .find(|(_, coding)| accepts(coding))
            .map_or((self.plain, None), |(bytes, coding)| (bytes, Some(coding)))
    }

    /// Its media type.
    pub fn media_type(&self) -> &'static str {
        match self.name.rsplit_once('.') {
            Some((_, "js")) => "text/javascript; charset=utf-8",
            Some((_, "css")) => "text/css; charset=utf-8",
            Some((_, "wasm")) => "application/wasm",
            _ => "application/octet-stream",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_accepted_coding_is_taken() {
        let file = File { name: "x.wasm", plain: b"plain", br: b"br", gz: b"gz" };
        assert_eq!(file.coded(|_| true), (&b"br"[..], Some("br")));
        assert_eq!(file.coded(|coding| coding == "gzip"), (&b"gz"[..], Some("gzip")));
        assert_eq!(file.coded(|_| false), (&b"plain"[..], None));
        assert_eq!(file.media_type(), "application/wasm");
    }

    #[test]
    fn a_bundle_is_whole_or_not_there() {
        assert_eq!(digest().is_some(), file("donate.js").is_some());
        assert_eq!(digest().is_some(), file("cairn_bg.wasm").is_some());
        assert!(file("bundle").is_none() && file(".gitignore").is_none());
    }
}
