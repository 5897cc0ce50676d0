//! What was proven, when, for whom and by whom: the figures of the site.

use crate::hex::IdError;
use crate::ids::{DonorKey, ProjectName, Timestamp};
use crate::names::{Nickname, TeamId, TeamName};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Most points of a series.
pub const MAX_POINTS: u32 = 400;

/// What was credited: the first proof of each unit, and proofs that were asked for once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tally {
    /// Steps of the runs that were proven.
    pub steps: u64,
    /// Units.
    pub units: u64,
    /// Proof files, each of one or several units.
    pub proofs: u64,
}

/// How long the time is over which is added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// Hours of universal time; kept for two weeks.
    Hour,
    /// Days of universal time.
    Day,
    /// Months of universal time.
    Month,
    /// Since the beginning.
    Ever,
}

impl Span {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Hour, Self::Day, Self::Month, Self::Ever];

    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
            Self::Ever => "ever",
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Span {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let span = Self::ALL.iter().copied().find(|span| span.name() == text);
        span.ok_or_else(|| IdError::new("a span", "hour, day, month or ever", text))
    }
}

/// What was credited in one hour, day or month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Point {
    /// When it begins.
    pub start: Timestamp,
    /// What was credited.
    #[serde(flatten)]
    pub tally: Tally,
}

/// What was credited over time. Times in which nothing was are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Series {
    /// What each point is over.
    pub span: Span,
    /// The points, oldest first.
    pub points: Vec<Point>,
}

/// Answer to `GET /v1/figures`: the whole grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Figures {
    /// When they were read.
    pub now: Timestamp,
    /// What was credited since the beginning.
    pub ever: Tally,
    /// What was credited on this day, of universal time.
    pub today: Tally,
    /// Donors that proved something.
    pub donors: u64,
    /// Donors that proved something on this day.
    pub donors_today: u64,
    /// Projects that have work.
    pub projects: u64,
    /// Units that donors have work on.
    pub open_units: u64,
}

/// What a leaderboard is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BoardKind {
    /// Donors.
    Donors,
    /// Teams.
    Teams,
}

/// One row of a leaderboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BoardRow {
    /// Counted from 1.
    pub rank: u64,
    /// The donor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub donor: Option<DonorKey>,
    /// What it calls itself: others may call themselves the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nickname: Option<Nickname>,
    /// The team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// What the team is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_name: Option<TeamName>,
    /// What was credited.
    #[serde(flatten)]
    pub tally: Tally,
}

/// Answer to `GET /v1/leaderboard`: who proved most steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Board {
    /// Of whom.
    pub kind: BoardKind,
    /// Over how long.
    pub span: Span,
    /// When that begins.
    pub start: Timestamp,
    /// The rows, most steps first.
    pub rows: Vec<BoardRow>,
}

/// What a donor did for one project or team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShareRow {
    /// The donor.
    pub donor: DonorKey,
    /// What it calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nickname: Option<Nickname>,
    /// The project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// What was credited.
    #[serde(flatten)]
    pub tally: Tally,
}

/// Answer to `GET /v1/donors/{key}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DonorPage {
    /// Who.
    pub donor: DonorKey,
    /// What it calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nickname: Option<Nickname>,
    /// The team that it counts for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_name: Option<TeamName>,
    /// That team's number, once somebody in it has proven something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// When it was first seen.
    pub since: Timestamp,
    /// What was credited since the beginning.
    pub ever: Tally,
    /// Its place among all donors by steps, if it is among the first 10,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u64>,
    /// The projects that it did most for.
    pub projects: Vec<ShareRow>,
}

/// Answer to `GET /v1/teams/{team}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TeamPage {
    /// Its number.
    pub team: TeamId,
    /// What it is called.
    pub name: TeamName,
    /// When somebody first proved something for it.
    pub since: Timestamp,
    /// What was credited since the beginning.
    pub ever: Tally,
    /// Donors that proved something for it.
    pub donors: u64,
    /// Its place among all teams by steps, if it is among the first 10,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u64>,
    /// The donors that did most for it.
    pub members: Vec<ShareRow>,
}

/// Answer to `GET /v1/projects/{name}/figures`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProjectFigures {
    /// What was credited since the beginning.
    pub ever: Tally,
    /// Donors that proved something for it.
    pub donors: u64,
    /// The donors that did most for it.
    pub most: Vec<ShareRow>,
}
