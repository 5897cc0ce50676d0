//! A team.

use super::frame::{Frame, Root};
use super::front::over_time;
use super::parts::{figures, shares, tally};
use super::words::{count, moment};
use maud::{Markup, html};
use protocol::{Series, TeamPage, Timestamp};

/// Days on the chart.
const DAYS: u64 = 60;

/// Its frame.
pub fn frame(team: &TeamPage) -> Frame<'_> {
    Frame { root: Root::of("/teams/x"), title: team.name.as_str(), section: "teams" }
}

/// The page.
pub fn page(team: &TeamPage, days: &Series, now: Timestamp) -> Markup {
    let root = Root::of("/teams/x");
    let mut numbers = tally(&team.ever);
    numbers.push(("", "donors", count(team.donors)));
    html! {
        h1 { bdi { (team.name) } }
        p.note { "Anybody may join a team by naming it. What a donor proves counts for the team that it names at the time." }
        (figures(&numbers))
        dl.facts {
            @if let Some(rank) = team.rank { dt { "rank of all time" } dd { (count(rank)) } }
            dt { "since" } dd { (moment(team.since)) }
        }
        section aria-labelledby="time" { h2 #time { "Steps over time" } (over_time("steps-by-day", "day", days, now, DAYS)) }
        section aria-labelledby="members" { h2 #members { "Members" } (shares(root, "Who proved most for it", &team.members)) }
    }
}
