//! What stands around every page.

use maud::{DOCTYPE, Markup, html};
use std::fmt;

/// The way from a page to the site's root: `../` for each folder that the page's address is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Root(usize);

impl Root {
    /// Of a page at this address, such as `/projects/primes`.
    pub fn of(path: &str) -> Self {
        Self(path.matches('/').count().saturating_sub(1))
    }
}

/// Before an address without a slash at its beginning.
impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("./");
        }
        (0..self.0).try_for_each(|_| f.write_str("../"))
    }
}

/// What is written of a page beside its own part.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Its way to the root.
    pub root: Root,
    /// What the browser calls it.
    pub title: &'a str,
    /// Address of the entry of the navigation that it belongs to.
    pub section: &'a str,
}

/// Entries of the navigation: address and name.
const SECTIONS: [(&str, &str); 4] =
    [("projects", "Projects"), ("leaderboard", "Leaderboard"), ("teams", "Teams"), ("docs", "Interface")];

/// A whole page.
pub fn page(frame: &Frame<'_>, main: &Markup) -> Markup {
    let Frame { root, title, section } = frame;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) @if !title.is_empty() { " · " } "Cairn" }
                link rel="icon" type="image/svg+xml" href=(format!("{root}assets/icon.svg"));
                link rel="stylesheet" href=(format!("{root}assets/site.css"));
                script src=(format!("{root}assets/site.js")) defer {}
            }
            body data-root=(root) {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.brand href=(root) { "Cairn" }
                    nav aria-label="Site" {
                        ul {
                            @for (address, name) in SECTIONS {
                                @let here = (address == *section).then_some("page");
                                li { a href=(format!("{root}{address}")) aria-current=[here] { (name) } }
                            }
                        }
                    }
                }
                main #main tabindex="-1" { (main) }
                footer {
                    p {
                        "Cairn " (env!("CARGO_PKG_VERSION")) " · "
                        a href=(format!("{root}docs")) { "interface for programs" } " · "
                        a href=(format!("{root}owner")) { "for owners of projects" } " · "
                        "all times are universal time"
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_the_root_is_relative() {
        for (path, way) in
            [("/", "./"), ("/projects", "./"), ("/projects/primes", "../"), ("/donors/k/certificate", "../../")]
        {
            assert_eq!(Root::of(path).to_string(), way);
        }
    }

    #[test]
    fn titles_are_escaped() {
        let frame = Frame { root: Root::of("/"), title: "</title><script>alert(1)</script>", section: "docs" };
        let page = page(&frame, &html! {}).0;
        assert!(page.contains("&lt;/title&gt;&lt;script&gt;") && !page.contains("<script>"), "{page}");
        assert!(page.contains("aria-current=\"page\">Interface"), "{page}");
    }
}
