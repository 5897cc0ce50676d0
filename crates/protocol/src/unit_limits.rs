//! What one unit of a project may use.

use serde::{Deserialize, Serialize};

/// What one unit of a project may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UnitLimits {
    /// Most steps of a run.
    pub max_steps: u64,
    /// Most memory cells of a run, 32 bytes each.
    pub max_memory_cells: u64,
    /// Most seconds of a run; proving is not limited by it.
    pub time_limit: u64,
}

impl Default for UnitLimits {
    /// 2^24 steps, 2^26 cells (2 GiB), ten minutes.
    fn default() -> Self {
        Self { max_steps: 1 << 24, max_memory_cells: 1 << 26, time_limit: 600 }
    }
}
