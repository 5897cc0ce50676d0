//! `/v1/leases`.

use crate::harness::{Grid, Plan, cause, lease_request};
use distributor::config::Settings;
use protocol::client::{ClientError, LeaseAnswer};
use protocol::{Cause, LeaseMode, LeaseToken};

#[tokio::test]
async fn the_same_request_gets_the_same_lease() {
    let grid = Grid::start().await;
    grid.push(2).await;
    let (donor, request) = (grid.donor(1), lease_request(LeaseMode::Both));
    let first = donor.0.lease(&request).await.unwrap();
    assert_eq!(donor.0.lease(&request).await.unwrap(), first, "a lost answer costs nothing");
    let LeaseAnswer::Lease(first) = first else { panic!("no lease") };
    assert_ne!(donor.lease(LeaseMode::Both).await.units[0].id, first.units[0].id);
}

#[tokio::test]
async fn a_lease_is_its_holders() {
    let grid = Grid::start().await;
    grid.push(1).await;
    let lease = grid.donor(1).lease(LeaseMode::Both).await;
    assert_eq!(cause(grid.donor(2).0.renew(&lease.token).await), Cause::UnknownLease);
    assert_eq!(cause(grid.donor(2).0.release(&lease.token, None).await), Cause::UnknownLease);
    let unknown = LeaseToken::from_bytes([1; 32]);
    assert_eq!(cause(grid.donor(1).0.renew(&unknown).await), Cause::UnknownLease);
    grid.donor(1).0.release(&lease.token, None).await.unwrap();
    grid.donor(1).0.release(&lease.token, None).await.unwrap();
    assert_eq!(cause(grid.donor(1).0.renew(&lease.token).await), Cause::LeaseExpired);
    grid.donor(2).lease(LeaseMode::Both).await;
}

#[tokio::test]
async fn requests_are_limited_by_donor_and_leased_submissions_are_not() {
    let settings = Settings { requests_per_minute: 8, unleased_per_minute: 1, ..Settings::default() };
    let grid = Grid::start_with(Plan { settings, ..Plan::default() }).await;
    let ids = grid.push(2).await;
    let (donor, other) = (grid.donor(1), grid.donor(2));
    // The first request learns the clock, the second leases: the burst is a quarter of a minute's.
    let lease = donor.lease(LeaseMode::Both).await;
    donor.0.credit().await.unwrap();
    let error = donor.0.credit().await.unwrap_err();
    assert_eq!(error.cause(), Some(Cause::RateLimited));
    assert_eq!(error.retry_after(), Some(std::time::Duration::from_secs(8)));
    other.0.credit().await.unwrap();
    assert_eq!(
        donor.submit(&ids[0], Some(&lease), b"garbage".to_vec()).await.map_err(|e| e.cause()),
        Err(Some(Cause::BadEncoding))
    );
    // The lease is used up: what comes now counts.
    donor.submit(&ids[0], Some(&lease), donor.proof(0)).await.unwrap();
    let limited = donor.submit(&ids[1], None, donor.proof(1)).await.unwrap_err();
    assert!(matches!(&limited, ClientError::Refused(problem) if problem.cause == Cause::RateLimited), "{limited}");
    grid.clock.advance(limited.retry_after().unwrap().as_secs());
    donor.submit(&ids[1], None, donor.proof(1)).await.unwrap();
}
