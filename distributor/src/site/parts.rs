//! Parts that several pages have.

use super::frame::Root;
use super::words::{count, counted, percent, short_key, visible};
use crate::store::Card;
use maud::{Markup, html};
use protocol::{DonorKey, Nickname, ShareRow, Tally};

/// Most characters of a declared description on a card.
const CARD_TEXT: usize = 160;

/// A donor: its nickname, if it has one, and always the beginning of its key, since nicknames are anybody's.
pub fn donor(root: Root, key: &DonorKey, nickname: Option<&Nickname>) -> Markup {
    html! {
        a.donor href=(format!("{root}donors/{key}")) {
            @if let Some(name) = nickname { bdi { (name) } " " }
            code { (short_key(key)) }
        }
    }
}

/// Figures with their names: what is in the first of each pair is kept fresh by the script if it has a name there.
pub fn figures(list: &[(&str, &str, String)]) -> Markup {
    html! {
        dl.figures {
            @for (live, name, value) in list {
                div {
                    dt { (name) }
                    dd data-figure=[(!live.is_empty()).then_some(live)] { (value) }
                }
            }
        }
    }
}

/// The usual three.
pub fn tally(tally: &Tally) -> Vec<(&'static str, &'static str, String)> {
    vec![
        ("", "steps proven", count(tally.steps)),
        ("", "units", count(tally.units)),
        ("", "proofs", count(tally.proofs)),
    ]
}

/// How far something is, for eyes and for screen readers.
pub fn progress(done: u64, of: u64) -> Markup {
    html! {
        progress max=(of.max(1)) value=(done.min(of)) aria-label="Units that are proved" {}
        " " (percent(done, of)) " of " (counted(of, "unit", "units"))
    }
}

/// A project at a glance.
pub fn card(root: Root, card: &Card) -> Markup {
    html! {
        li.card {
            h3 { a href=(format!("{root}projects/{}", card.name)) { (card.name) } }
            @if let Some(topic) = card.topic { p.topic { (topic.title()) } }
            @if !card.description.is_empty() { p { bdi { (visible(&card.description, CARD_TEXT)) } } }
            p.progress { (progress(card.proved, card.units)) }
            p.note { (count(card.proven_steps)) " steps · " (counted(card.donors, "donor", "donors")) }
        }
    }
}

/// Who did most, as a table.
pub fn shares(root: Root, caption: &str, rows: &[ShareRow]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table {
                caption { (caption) }
                (head(&["donor"], &["steps", "units", "proofs"]))
                tbody {
                    @for row in rows {
                        tr {
                            th scope="row" { (donor(root, &row.donor, row.nickname.as_ref())) }
                            (numbers(&row.tally))
                        }
                    }
                }
            }
        }
    }
}

/// The head of a table: the names of columns with texts, then of those with numbers.
pub fn head(texts: &[&str], numbers: &[&str]) -> Markup {
    html! {
        thead {
            tr {
                @for name in texts { th scope="col" { (name) } }
                @for name in numbers { th.number scope="col" { (name) } }
            }
        }
    }
}

/// The cells of a sum.
pub fn numbers(tally: &Tally) -> Markup {
    html! {
        @for number in [tally.steps, tally.units, tally.proofs] { td.number { (count(number)) } }
    }
}
