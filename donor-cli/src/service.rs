//! Reaching a distributor.

use crate::exit::{Exit, Failure};
use protocol::Identity;
use protocol::client::{ClientConfig, ClientError, DonorClient, RetryPolicy, Traffic};
use std::sync::Arc;

/// A connection; nothing is sent yet.
///
/// # Errors
/// If the address is none.
pub fn connect(server: &str, identity: Identity, retry: RetryPolicy) -> Result<DonorClient, ClientError> {
    let config = ClientConfig::new(server, concat!("donor/", env!("CARGO_PKG_VERSION")))?.retry(retry);
    DonorClient::new(config, identity)
}

/// A connection through which everything goes as `traffic` lets it; nothing is sent yet.
///
/// # Errors
/// If the address is none.
pub fn connect_through(
    server: &str,
    identity: Identity,
    retry: RetryPolicy,
    traffic: Arc<dyn Traffic>,
) -> Result<DonorClient, ClientError> {
    let config = ClientConfig::new(server, concat!("donor/", env!("CARGO_PKG_VERSION")))?.retry(retry).traffic(traffic);
    DonorClient::new(config, identity)
}

/// How a command ends that got no answer, with what to do about it.
pub fn failure(error: &ClientError) -> Failure {
    if error.is_unreachable() {
        let advice = "Check the address (--server, or `donor config get server`) and the network, then try again";
        return Failure::new(Exit::Unreachable, format!("{error}. {advice}"));
    }
    Failure::fault(error)
}
