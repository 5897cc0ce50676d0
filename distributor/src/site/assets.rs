//! The files that pages are made with, in the program itself.

use super::answer::Fixed;
use super::frame::{Frame, Root};
use maud::html;
use std::sync::LazyLock;

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

static STYLE: LazyLock<Fixed> = LazyLock::new(|| Fixed::new(include_str!("../../assets/site.css"), CSS));
static SITE: LazyLock<Fixed> = LazyLock::new(|| Fixed::new(include_str!("../../assets/site.js"), SCRIPT));
static DOCS_SCRIPT: LazyLock<Fixed> = LazyLock::new(|| Fixed::new(include_str!("../../assets/docs.js"), SCRIPT));
static ICON: LazyLock<Fixed> = LazyLock::new(|| Fixed::new(include_str!("../../assets/icon.svg"), "image/svg+xml"));

/// The file of this name.
pub fn named(name: &str) -> Option<&'static Fixed> {
    match name {
        "site.css" => Some(&STYLE),
        "site.js" => Some(&SITE),
        "docs.js" => Some(&DOCS_SCRIPT),
        "icon.svg" => Some(&ICON),
        _ => None,
    }
}

/// The page that shows the OpenAPI document.
pub static DOCS: LazyLock<Fixed> = LazyLock::new(|| {
    let frame = Frame { root: Root::of("/docs"), title: "Interface", section: "docs" };
    Fixed::page(
        &frame,
        &html! {
            h1 { "Interface" }
            p #intro { "What programs may ask is described in " a href="openapi.json" { "openapi.json" } "." }
            div #interface {}
            script src="assets/docs.js" defer {}
        },
    )
});

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::HashMap;

    const STYLE: &str = include_str!("../../assets/site.css");

    /// The colours of a scheme by their names.
    fn colours(block: &str) -> HashMap<&str, [f64; 3]> {
        let mut colours = HashMap::new();
        for declaration in block.split([';', '{', '}']) {
            let Some((name, value)) = declaration.trim().split_once(": #") else { continue };
            if name.starts_with("--") && value.len() == 6 {
                let part = |at: usize| f64::from(u8::from_str_radix(&value[at..at + 2], 16).unwrap()) / 255.0;
                colours.insert(name, [part(0), part(2), part(4)]);
            }
        }
        colours
    }

    /// Relative luminance and contrast of the Web Content Accessibility Guidelines.
    fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
        let linear = |c: f64| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) };
        let light = |[r, g, b]: [f64; 3]| 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
        let (a, b) = (light(a) + 0.05, light(b) + 0.05);
        a.max(b) / a.min(b)
    }

    #[test]
    fn texts_can_be_read_in_both_schemes() {
        let dark = STYLE.find("@media (prefers-color-scheme: dark)").unwrap();
        let rest = STYLE[dark..].find("\n}").unwrap();
        for scheme in [&STYLE[..dark], &STYLE[dark..dark + rest]] {
            let colours = colours(scheme);
            assert_eq!(colours.len(), 11, "{colours:?}");
            for (text, ground) in [
                ("--text", "--ground"),
                ("--text", "--raised"),
                ("--text", "--notice"),
                ("--quiet", "--ground"),
                ("--quiet", "--raised"),
                ("--link", "--ground"),
                ("--link", "--raised"),
                ("--accent", "--ground"),
                ("--on-accent", "--accent"),
            ] {
                let found = contrast(colours[text], colours[ground]);
                assert!(found >= 4.5, "{text} on {ground}: {found:.2}");
            }
            // What is no text needs less.
            for (part, ground) in [("--bar", "--ground"), ("--focus", "--ground"), ("--focus", "--raised")] {
                let found = contrast(colours[part], colours[ground]);
                assert!(found >= 3.0, "{part} on {ground}: {found:.2}");
            }
        }
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        let scripts = [include_str!("../../assets/site.js"), include_str!("../../assets/docs.js")];
        for text in scripts.into_iter().chain([STYLE]) {
            assert!(
                !text.contains("//cdn")
                    && !text.contains("http:")
                    && !text.contains("https:")
                    && !text.contains("@import")
            );
            assert!(!text.contains("innerHTML") && !text.contains("eval(") && !text.contains("document.write"));
        }
    }
}
