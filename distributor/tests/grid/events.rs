//! Server-sent events.

use crate::harness::{Grid, cause, primes};
use protocol::client::EventStream;
use protocol::{Cause, Event, FailureCause, FailureReport, LeaseMode, UnitState};
use std::time::Duration;

async fn next(stream: &mut EventStream) -> Event {
    let event = tokio::time::timeout(Duration::from_secs(20), stream.next()).await.expect("no event came");
    event.unwrap().expect("the stream ended")
}

#[tokio::test]
async fn changes_come_as_they_happen_and_after_a_break() {
    let grid = Grid::start().await;
    let ids = grid.push(1).await;
    let (uploader, donor) = (grid.uploader(), grid.donor(1));
    let mut live = uploader.events(&primes(), None).await.unwrap();
    let lease = donor.lease(LeaseMode::Both).await;
    let event = next(&mut live).await;
    assert_eq!((event.state, event.unit, event.external_id.as_str()), (UnitState::Leased, ids[0], "unit-0"));
    let report = FailureReport { cause: FailureCause::Crash, detail: String::new() };
    donor.0.release(&lease.token, Some(&report)).await.unwrap();
    let event = next(&mut live).await;
    assert_eq!((event.state, event.failure), (UnitState::Queued, Some(FailureCause::Crash)));
    drop(live);
    donor.submit(&ids[0], None, donor.proof(0)).await.unwrap();

    let mut resumed = uploader.events(&primes(), Some(event.seq)).await.unwrap();
    assert_eq!(next(&mut resumed).await.state, UnitState::Proved);
    let mut from_start = uploader.events(&primes(), Some(0)).await.unwrap();
    for state in [UnitState::Queued, UnitState::Leased, UnitState::Queued, UnitState::Proved] {
        assert_eq!(next(&mut from_start).await.state, state);
    }
    assert_eq!(cause(uploader.events(&"unknown".parse().unwrap(), None).await), Cause::UnknownProject);
    assert_eq!(cause(grid.uploader_with(None).events(&primes(), None).await), Cause::MissingKey);
}

#[tokio::test]
async fn the_stream_ends_when_the_distributor_stops() {
    let mut grid = Grid::start().await;
    grid.push(1).await;
    let mut stream = grid.uploader().events(&primes(), None).await.unwrap();
    grid.begin_stop();
    let end = tokio::time::timeout(Duration::from_secs(20), stream.next()).await.expect("it goes on");
    assert_eq!(end.unwrap(), None);
    grid.stopped().await;
}
