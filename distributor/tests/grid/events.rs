//! Server-sent events.

use crate::harness::{Grid, Plan, cause, primes, scopes, until};
use distributor::clock::Clock as _;
use distributor::config::Settings;
use protocol::client::EventStream;
use protocol::{Cause, Event, FailureCause, FailureReport, GivenBack, LeaseMode, UnitState};
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
    let back = GivenBack::failed(ids[0], report);
    donor.0.release(&lease.token, Some(&back)).await.unwrap();
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

#[tokio::test]
async fn a_revoked_keys_streams_end_at_once() {
    let grid = Grid::start().await;
    grid.push(1).await;
    let other = grid.uploader_with(Some(grid.new_key("*", scopes(false, true, false)).await));
    let mut streams = Vec::new();
    for _ in 0..3 {
        streams.push(grid.uploader().events(&primes(), None).await.unwrap());
    }
    let mut stays = other.events(&primes(), Some(0)).await.unwrap();
    grid.store.revoke_key(&grid.key.id(), grid.clock.now()).await.unwrap();
    for mut stream in streams {
        let end = tokio::time::timeout(Duration::from_secs(20), stream.next()).await.expect("it goes on");
        assert!(matches!(end, Ok(None) | Err(_)), "{end:?}");
    }
    assert_eq!(next(&mut stays).await.state, UnitState::Queued);
    drop(stays);
    until(async || grid.app.limits.streams.taken() == 0 && grid.app.feeds.remembered() == 0).await;
}

#[tokio::test]
async fn a_key_has_only_so_many_streams() {
    let settings = Settings { key_streams: 2, ..Settings::default() };
    let grid = Grid::start_with(Plan { settings, ..Plan::default() }).await;
    grid.push(1).await;
    let uploader = grid.uploader();
    let (first, _second) = (uploader.events(&primes(), None).await, uploader.events(&primes(), None).await.unwrap());
    let refused = uploader.events(&primes(), None).await.unwrap_err();
    assert_eq!((refused.cause(), refused.retry_after()), (Some(Cause::RateLimited), Some(Duration::from_secs(60))));
    let other = grid.uploader_with(Some(grid.new_key("*", scopes(false, true, false)).await));
    other.events(&primes(), None).await.unwrap();
    drop(first);
    until(async || uploader.events(&primes(), None).await.is_ok()).await;
}

/// However many listen, events are read once; and nobody misses any, whenever he came.
#[tokio::test]
async fn many_listeners_cost_one_reader() {
    let grid = Grid::start().await;
    let ids = grid.push(3).await;
    let uploader = grid.uploader();
    let mut streams = Vec::new();
    for number in 0..30 {
        streams.push(uploader.events(&primes(), (number % 2 == 0).then_some(0)).await.unwrap());
    }
    for stream in streams.iter_mut().step_by(2) {
        for id in &ids {
            assert_eq!(next(stream).await.unit, *id);
        }
    }
    until(async || grid.app.feeds.idle()).await;
    let before = grid.app.feeds.reads();
    for id in &ids {
        uploader.withdraw_unit(id).await.unwrap();
    }
    for stream in &mut streams {
        for id in &ids {
            let event = next(stream).await;
            assert_eq!((event.unit, event.state), (*id, UnitState::Withdrawn));
        }
    }
    // Each announcement may be read for itself, and each of these reads ends with one that finds nothing.
    let reads = grid.app.feeds.reads() - before;
    assert!(reads <= 8, "{reads} reads for 30 listeners");
    drop(streams);
    until(async || grid.app.feeds.remembered() == 0).await;
}
