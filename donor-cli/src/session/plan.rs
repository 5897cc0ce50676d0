//! What a session may use and is to do.

use super::bounds::Bounds;
use crate::child::sandbox::Walls;
use crate::governor::Settings;
use crate::governor::network::NetworkLimits;
use crate::state::config::Config;
use protocol::{LeaseMode, ProjectName};
use std::time::Duration;

/// What a session may use and is to do.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionPlan {
    /// Address of the distributor.
    pub server: String,
    /// The project; all by weight if not given.
    pub project: Option<ProjectName>,
    /// What to do with units.
    pub mode: LeaseMode,
    /// The governor's settings.
    pub settings: Settings,
    /// All settings, among which pause rules find theirs.
    pub config: Config,
    /// Cores of the machine.
    pub cores: usize,
    /// Units at once, at least 1.
    pub at_once: usize,
    /// Threads of all units together.
    pub threads: usize,
    /// Most memory of all units together in bytes.
    pub max_memory: u64,
    /// What may go over the network.
    pub network: NetworkLimits,
    /// How much work to ask for at once; none for one unit at a time.
    pub batch: Duration,
    /// Whether to fetch the next units while one is worked on.
    pub fetch_ahead: bool,
    /// What a unit gets at most.
    pub bounds: Bounds,
    /// Processors that the donor's control group may use, where it sets a limit.
    pub allowed_cores: Option<f64>,
    /// The walls that units have here.
    pub walls: Walls,
    /// Units after which to end.
    pub max_units: Option<u64>,
    /// How long the distributor may be out of reach at the start; for ever if not given.
    pub patience: Option<Duration>,
}

impl SessionPlan {
    /// Threads of one unit.
    pub fn unit_threads(&self) -> usize {
        (self.threads / self.at_once.max(1)).max(1)
    }

    /// Most memory of one unit in bytes.
    pub fn unit_memory(&self) -> u64 {
        self.max_memory / self.at_once.max(1) as u64
    }
}
