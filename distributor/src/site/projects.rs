//! All projects.

use super::frame::{Frame, Root};
use super::parts::card;
use crate::store::Card;
use maud::{Markup, html};

/// Projects on one page.
pub const CARDS: u32 = 48;

/// Its frame.
pub fn frame() -> Frame<'static> {
    Frame { root: Root::of("/projects"), title: "Projects", section: "projects" }
}

/// The page: some projects by name, and whether more come.
pub fn page(cards: &[Card], more: bool) -> Markup {
    html! {
        h1 { "Projects" }
        @if cards.is_empty() { p { "There is no project here." } }
        ul.cards { @for one in cards { (card(Root::of("/projects"), one)) } }
        @if let Some(last) = cards.last().filter(|_| more) {
            p { a rel="next" href=(format!("projects?after={}", last.name)) { "More projects" } }
        }
    }
}
