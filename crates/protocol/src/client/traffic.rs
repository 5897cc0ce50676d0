//! Watching what travels, and slowing it down.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

/// Which way bytes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To the distributor.
    Up,
    /// From the distributor.
    Down,
}

/// Told of all bytes of bodies, and may slow them down.
pub trait Traffic: fmt::Debug + Send + Sync {
    /// Called before bytes are sent, and when bytes have come. Nothing more is sent or taken until the answer is there.
    fn pass(&self, way: Way, bytes: u64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// Lets bytes pass; at once if nobody watches.
pub(super) async fn pass(traffic: Option<&Arc<dyn Traffic>>, way: Way, bytes: usize) {
    if let Some(traffic) = traffic.filter(|_| bytes > 0) {
        traffic.pass(way, bytes as u64).await;
    }
}
