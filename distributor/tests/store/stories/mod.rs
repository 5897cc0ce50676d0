//! What a store must do, one story each.

pub mod batches;
pub mod keeping;
pub mod lending;
pub mod projects;
pub mod removal;
pub mod reports;
pub mod statistics;
pub mod units;

use crate::world::{World, donor, shown};
use distributor::store::Accept;
use protocol::{ExecutionReceipt, Lease};

/// Lets a donor submit an execution.
async fn execute(world: &World, lease: &Lease, number: u8, file: &str) -> Accept<ExecutionReceipt> {
    let submission = world.submission(lease.units[0].id, donor(number), Some(lease.token), file);
    world.store.accept_execution(&submission, &shown()).await.unwrap()
}
