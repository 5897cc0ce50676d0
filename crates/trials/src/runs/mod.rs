//! The runs, one a file.

mod attack;
mod backup;
mod clock;
mod disk;
mod field;
mod interrupt;
mod kill_distributor;
mod kill_donors;
mod network;
mod soak;

pub use attack::attack;
pub use backup::backup;
pub use clock::clock;
pub use disk::disk;
pub use interrupt::interrupt;
pub use kill_distributor::kill_distributor;
pub use kill_donors::kill_donors;
pub use network::network;
pub use soak::soak;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use std::time::Duration;

/// How much of a run.
#[derive(Debug, Clone)]
pub struct Effort {
    /// So many faults, instead of the usual number.
    pub times: Option<u32>,
    /// So many seconds, instead of the usual time.
    pub seconds: Option<u64>,
    /// The short form.
    pub short: bool,
    /// Makes what is drawn at random the same again.
    pub seed: u64,
    /// Keeps folders of runs that failed.
    pub keep: bool,
}

impl Effort {
    /// Number of faults, of which the run has two usual ones.
    fn times(&self, full: u32, short: u32) -> u32 {
        self.times.unwrap_or(if self.short { short } else { full })
    }

    /// Time of a run, of which it has two usual ones in seconds.
    fn time(&self, full: u64, short: u64) -> Duration {
        Duration::from_secs(self.seconds.unwrap_or(if self.short { short } else { full }))
    }

    /// Where what is drawn comes from.
    fn random(&self) -> StdRng {
        StdRng::seed_from_u64(self.seed)
    }
}
