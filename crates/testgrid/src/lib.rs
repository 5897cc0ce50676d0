//! The real distributor, with its database and files in a folder, for the tests of those who talk to it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may panic")]

use distributor::app::{App, Parts};
use distributor::blobs::{self, Blobs, Use};
use distributor::clock::Clock;
use distributor::config::Settings;
use distributor::location::Location;
use distributor::server;
use distributor::store::{self, GivenQuota, IfMissing, Scopes, Store, UploaderKey};
use protocol::{ApiKey, DonorKey, Timestamp};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

/// What an access key of a test may do.
pub const ALL: Scopes = Scopes { push: true, read: true, withdraw: true };

/// The database in a data folder; it is made if there is none.
pub async fn open_store(data: &Path) -> Arc<dyn Store> {
    store::open(&Location::new("sqlite", data.join("cairn.db")), IfMissing::Make).await.unwrap()
}

/// The files in a data folder, to be served.
pub fn open_blobs(data: &Path) -> Arc<dyn Blobs> {
    blobs::open(&Location::new("folder", data.join("blobs")), Use::Serve).unwrap()
}

/// An access key as the database has it, its own owner, for these projects.
pub fn stored_key(key: &ApiKey, projects: &str, scopes: Scopes) -> UploaderKey {
    UploaderKey {
        id: key.id(),
        name: "test".to_owned(),
        secret_hash: key.secret_hash(),
        projects: projects.to_owned(),
        scopes,
        owner: key.id(),
        quota: GivenQuota::default(),
        created_at: Timestamp::now(),
        revoked_at: None,
    }
}

/// Puts an access key for everything into the database of a data folder.
pub async fn add_key(data: &Path, key: &ApiKey) {
    open_store(data).await.add_key(&stored_key(key, "*", ALL)).await.unwrap();
}

/// The operator names a donor as trusted.
pub async fn trust(data: &Path, donor: &DonorKey) {
    open_store(data).await.trust_donor(donor, true, Timestamp::now()).await.unwrap();
}

/// Opens a data folder and a port. What is returned is the address, and what serves until it is dropped.
pub async fn serve(
    data: &Path,
    at: SocketAddr,
    settings: Settings,
    clock: Option<Arc<dyn Clock>>,
) -> (String, impl Future<Output = ()> + use<>) {
    let mut parts = Parts::new(open_store(data).await, open_blobs(data), settings);
    if let Some(clock) = clock {
        parts.clock = clock;
    }
    let listener = tokio::net::TcpListener::bind(at).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let serving = server::serve(App::new(parts), listener, std::future::pending());
    (address, async move { drop(serving.await) })
}
