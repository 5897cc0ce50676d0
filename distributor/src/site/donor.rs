//! Donors: their pages, their certificates, and finding them.

use super::board::search;
use super::frame::{Frame, Root};
use super::front::over_time;
use super::parts::{donor, figures, head, numbers, tally};
use super::project::links;
use super::words::{count, counted, date, moment, short_key};
use crate::store::ProofRow;
use maud::{Markup, html};
use protocol::{DonorPage, Series, ShareRow, Timestamp};

/// Proofs on a donor's page, and on its certificate.
pub const PROOFS: u32 = 20;
pub const CERTIFIED: u32 = 200;

/// Donors that a search finds.
pub const FOUND: u32 = 50;

/// Days and months on the charts.
const DAYS: u64 = 60;

/// The frame of a donor's pages, at this address.
pub fn frame<'a>(path: &str, title: &'a str) -> Frame<'a> {
    Frame { root: Root::of(path), title, section: "leaderboard" }
}

/// What a donor is called, for a title.
pub fn title(page: &DonorPage) -> String {
    let key = short_key(&page.donor);
    page.nickname.as_ref().map_or_else(|| format!("Donor {key}"), |name| format!("{name} ({key})"))
}

fn heading(page: &DonorPage) -> Markup {
    html! {
        @match &page.nickname {
            Some(name) => { bdi { (name) } " " small { code { (short_key(&page.donor)) } } }
            None => { "Donor " code { (short_key(&page.donor)) } }
        }
    }
}

fn facts(root: Root, page: &DonorPage) -> Markup {
    html! {
        dl.facts {
            dt { "key" } dd { code { (page.donor) } }
            @if let Some(name) = &page.team_name {
                dt { "team" }
                dd {
                    @match page.team {
                        Some(team) => { a href=(format!("{root}teams/{team}")) { bdi { (name) } } }
                        None => { bdi { (name) } }
                    }
                }
            }
            @if let Some(rank) = page.rank { dt { "rank of all time" } dd { (count(rank)) } }
            dt { "first seen" } dd { (moment(page.since)) }
        }
    }
}

/// A donor's page.
pub fn page(page: &DonorPage, days: &Series, proofs: &[ProofRow], web: bool, now: Timestamp) -> Markup {
    let root = Root::of("/donors/x");
    html! {
        h1 { (heading(page)) }
        (figures(&tally(&page.ever)))
        (facts(root, page))
        @if page.ever.units == 0 {
            p { "This donor has proven nothing yet." }
        } @else {
            p { a href=(format!("./{}/certificate", page.donor)) { "Certificate" } }
            section aria-labelledby="time" {
                h2 #time { "Steps over time" }
                (over_time("steps-by-day", "day", days, now, DAYS))
            }
            section aria-labelledby="projects" { h2 #projects { "Projects" } (projects(root, page)) }
            section aria-labelledby="proofs" { h2 #proofs { "Recent proofs" } (proof_list(root, proofs, web)) }
        }
    }
}

fn projects(root: Root, page: &DonorPage) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Projects" {
            table {
                (head(&["project"], &["steps", "units", "proofs"]))
                tbody {
                    @for row in &page.projects {
                        @if let Some(name) = &row.project {
                            tr { th scope="row" { a href=(format!("{root}projects/{name}")) { (name) } } (numbers(&row.tally)) }
                        }
                    }
                }
            }
        }
    }
}

fn proof_list(root: Root, proofs: &[ProofRow], web: bool) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Proofs" {
            table {
                thead {
                    tr {
                        th scope="col" { "accepted" } th scope="col" { "project" }
                        th.number scope="col" { "steps" } th scope="col" { "proof" }
                    }
                }
                tbody {
                    @for proof in proofs {
                        tr {
                            td { (moment(proof.accepted_at)) }
                            td { a href=(format!("{root}projects/{}", proof.project)) { (proof.project) } }
                            td.number { (count(proof.steps)) }
                            td { (links(root, web, proof)) }
                        }
                    }
                }
            }
        }
    }
}

/// A page to be printed, that says what a donor proved, and by what anybody can check it.
pub fn certificate(page: &DonorPage, proofs: &[ProofRow], web: bool, now: Timestamp) -> Markup {
    let root = Root::of("/donors/x/certificate");
    html! {
        article.certificate {
            p.brand { "Cairn" }
            h1 { "Certificate" }
            p.lead { (heading(page)) }
            p.big {
                "has proven " strong { (counted(page.ever.steps, "step", "steps")) } " of computation in "
                (counted(page.ever.units, "unit", "units")) ", by " (counted(page.ever.proofs, "proof", "proofs")) "."
            }
            @if !page.projects.is_empty() {
                p { "For " @for (index, row) in page.projects.iter().enumerate() {
                    @if let Some(name) = &row.project { @if index > 0 { ", " } (name) " (" (counted(row.tally.units, "unit", "units")) ")" }
                } "." }
            }
            p {
                "As of " (date(now)) ", under the key " code { (page.donor) }
                ". The key stands in every one of the proofs, so none of them can be somebody else's."
            }
        }
        section aria-labelledby="proofs" {
            h2 #proofs { "The proofs" }
            @if (proofs.len() as u64) < page.ever.proofs {
                p.note {
                    "The newest " (proofs.len()) " of " (count(page.ever.proofs))
                    "; owners may have let others go once they had collected their results."
                }
            }
            (proof_list(root, proofs, web))
        }
    }
}

/// What a search for a nickname found.
pub fn found(called: &str, rows: &[ShareRow]) -> Markup {
    let root = Root::of("/donors");
    html! {
        h1 { "Donors" }
        (search(called))
        @if called.is_empty() {
        } @else if rows.is_empty() {
            p { "No donor calls itself that." }
        } @else {
            p.note {
                "Anybody may take any nickname: the characters behind it are the beginning of the key, which tells "
                "donors apart."
            }
            div.scroll tabindex="0" role="region" aria-label="Donors" {
                table {
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
}
