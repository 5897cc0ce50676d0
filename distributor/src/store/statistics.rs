//! What the store counts for the site, and what owners and donors say of themselves there.

use super::StoreResult;
use async_trait::async_trait;
use protocol::{
    Board, BoardKind, Digest, DonorKey, DonorPage, DonorProfile, Figures, Plot, Point, ProjectFigures, ProjectName,
    ProjectPage, Series, ShareRow, Span, Tally, TeamId, TeamPage, Timestamp, Topic,
};

/// Whose figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The whole grid's.
    Grid,
    /// A project's.
    Project(ProjectName),
    /// A donor's; not by the hour.
    Donor(DonorKey),
    /// A team's; not by the hour.
    Team(TeamId),
}

/// A project at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Its name.
    pub name: ProjectName,
    /// What its declaration says of it.
    pub description: String,
    /// What it is good for.
    pub topic: Option<Topic>,
    /// Units that are not withdrawn.
    pub units: u64,
    /// Those that are proved.
    pub proved: u64,
    /// Those that donors have work on.
    pub open: u64,
    /// Steps of its results.
    pub proven_steps: u64,
    /// Donors that proved something of it.
    pub donors: u64,
}

/// An accepted proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofRow {
    /// Its file.
    pub sha256: Digest,
    /// Of which project.
    pub project: ProjectName,
    /// By whom.
    pub prover: DonorKey,
    /// What that one calls itself.
    pub nickname: Option<protocol::Nickname>,
    /// When it was first accepted.
    pub accepted_at: Timestamp,
    /// Steps of the units that it was accepted for.
    pub steps: u64,
    /// Runs in it.
    pub runs: u64,
    /// Bytes of the file.
    pub size: u64,
    /// Whether the file is there.
    pub kept: bool,
    /// Whether anybody may see it.
    pub open: bool,
}

/// Whose proofs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProofsOf {
    /// A project's.
    Project(ProjectName),
    /// A donor's.
    Donor(DonorKey),
}

/// What a result has in the columns of a plot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value {
    /// The result's place in the order of proofs.
    pub cursor: u64,
    /// The argument; `None` if the unit has none there.
    pub argument: Option<felt::Felt>,
    /// The output; `None` if the run has none there.
    pub output: Option<felt::Felt>,
}

/// Figures, leaderboards, profiles and pages. No answer takes longer for there being more units or donors, but for
/// ranks, which are counted up to 10,000.
#[async_trait]
pub trait Statistics {
    /// The grid's figures.
    async fn figures(&self, now: Timestamp) -> StoreResult<Figures>;
    /// What was credited since `from`, at most the newest [`protocol::MAX_POINTS`] points.
    async fn series(&self, subject: &Subject, span: Span, from: Timestamp) -> StoreResult<Series>;
    /// Who proved most in the hour, day or month of `at`. Blocked donors are left out.
    async fn board(&self, kind: BoardKind, span: Span, at: Timestamp, limit: u32) -> StoreResult<Board>;
    /// What was credited of a project, and to whom most.
    async fn project_figures(&self, name: &ProjectName, limit: u32) -> StoreResult<ProjectFigures>;
    /// A donor's page, if it was ever seen.
    async fn donor_page(&self, key: &DonorKey) -> StoreResult<Option<DonorPage>>;
    /// The donors with a nickname that looks like this one, those that proved most first.
    async fn donors_called(&self, likeness: &str, limit: u32) -> StoreResult<Vec<ShareRow>>;
    /// A team's page, if there is such a team.
    async fn team_page(&self, team: TeamId) -> StoreResult<Option<TeamPage>>;
    /// What a donor says of itself.
    async fn profile(&self, key: &DonorKey) -> StoreResult<DonorProfile>;
    /// Changes that.
    async fn set_profile(&self, key: &DonorKey, profile: &DonorProfile, now: Timestamp) -> StoreResult<()>;
    /// The projects with most proven steps that are not withdrawn.
    async fn first_cards(&self, limit: u32) -> StoreResult<Vec<Card>>;
    /// Projects that are not withdrawn by name, the first being `from` or what comes after it, and whether more come.
    async fn cards(&self, from: &str, limit: u32) -> StoreResult<(Vec<Card>, bool)>;
    /// The newest proofs.
    async fn proofs_of(&self, of: &ProofsOf, limit: u32) -> StoreResult<Vec<ProofRow>>;
    /// What an owner tells visitors; the default if it told nothing, `None` if there is no such project.
    async fn page(&self, name: &ProjectName) -> StoreResult<Option<ProjectPage>>;
    /// Changes that; whether there is such a project.
    async fn put_page(&self, name: &ProjectName, page: &ProjectPage, now: Timestamp) -> StoreResult<bool>;
    /// What results have in the columns of a plot, after a cursor in the order of proofs.
    async fn values(&self, name: &ProjectName, plot: &Plot, after: u64, limit: u32) -> StoreResult<Vec<Value>>;
}

/// Adds up.
pub fn sum(points: &[Point]) -> Tally {
    points.iter().fold(Tally::default(), |sum, point| Tally {
        steps: sum.steps.saturating_add(point.tally.steps),
        units: sum.units.saturating_add(point.tally.units),
        proofs: sum.proofs.saturating_add(point.tally.proofs),
    })
}
