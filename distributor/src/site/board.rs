//! Leaderboards.

use super::frame::{Frame, Root};
use super::parts::{donor, numbers};
use super::words::{date, month};
use maud::{Markup, html};
use protocol::{Board, BoardKind, Span};

/// Rows of a board.
pub const ROWS: u32 = 100;

/// The frame of a board.
pub fn frame(kind: BoardKind) -> Frame<'static> {
    match kind {
        BoardKind::Donors => Frame { root: Root::of("/leaderboard"), title: "Leaderboard", section: "leaderboard" },
        BoardKind::Teams => Frame { root: Root::of("/teams"), title: "Teams", section: "teams" },
    }
}

/// The page of a board.
pub fn page(board: &Board) -> Markup {
    let (address, heading) = match board.kind {
        BoardKind::Donors => ("leaderboard", "Leaderboard"),
        BoardKind::Teams => ("teams", "Teams"),
    };
    let period = match board.span {
        Span::Day | Span::Hour => format!("on {}", date(board.start)),
        Span::Month => format!("in {}", month(board.start)),
        Span::Ever => "of all time".to_owned(),
    };
    html! {
        h1 { (heading) }
        nav.tabs aria-label="Period" {
            ul {
                @for (span, name) in [(Span::Day, "today"), (Span::Month, "this month"), (Span::Ever, "all time")] {
                    li { a href=(format!("{address}?by={span}")) aria-current=[(span == board.span).then_some("page")] { (name) } }
                }
            }
        }
        @if board.kind == BoardKind::Donors { (search("")) }
        @if board.rows.is_empty() {
            p { "Nothing was proven " (period) " yet." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label=(heading) {
                table {
                    caption { "Most steps proven " (period) }
                    thead { tr {
                        th.number scope="col" { "rank" }
                        th scope="col" { @if board.kind == BoardKind::Donors { "donor" } @else { "team" } }
                        th.number scope="col" { "steps" } th.number scope="col" { "units" } th.number scope="col" { "proofs" }
                    } }
                    tbody {
                        @for row in &board.rows {
                            tr {
                                td.number { (row.rank) }
                                th scope="row" {
                                    @if let Some(key) = &row.donor { (donor(Root::of("/leaderboard"), key, row.nickname.as_ref())) }
                                    @if let (Some(team), Some(name)) = (row.team, &row.team_name) {
                                        a href=(format!("./teams/{team}")) { bdi { (name) } }
                                    }
                                }
                                (numbers(&row.tally))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The form that finds donors by nickname.
pub fn search(asked: &str) -> Markup {
    html! {
        form.search method="get" action="./donors" role="search" {
            label for="called" { "Find a donor by nickname or key" }
            input #called type="search" name="called" value=(asked) maxlength="64" autocomplete="off" required;
            button type="submit" { "Find" }
        }
    }
}
