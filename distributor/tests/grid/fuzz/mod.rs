//! Requests for every address of the OpenAPI document that the distributor serves: valid, almost valid, and garbage. Whatever comes, the
//! answer is one that the document promises, and afterwards everything works and nothing is left over.

mod document;
mod odd;
mod wire;
mod world;

use crate::harness::{Grid, behind_a_proxy, until};
use crate::raw::get;
use distributor::clock::Clock as _;
use distributor::config::Settings;
use protocol::ProofStatus;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use testkit::random::Random;
use wire::ask;
use world::World;

/// Requests that are under way at once.
const WORKERS: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_one_that_the_document_promises() {
    fuzz(1500, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "fifty thousand requests take a minute"]
async fn every_answer_to_fifty_thousand_requests_is_one_that_the_document_promises() {
    fuzz(50_000, 2).await;
}

async fn fuzz(requests: usize, seed: u64) {
    let settings = Settings {
        source_requests_per_minute: 0,
        key_requests_per_minute: 0,
        requests_per_minute: 0,
        unleased_per_minute: 0,
        new_keys_per_hour: 0,
        idle_seconds: 5,
        verify_threads: 1,
        ..Settings::default()
    };
    let grid = Arc::new(Grid::start_with(behind_a_proxy(settings)).await);
    let document = get(&grid, "/openapi.json").await.json();
    let world = Arc::new(World::new(&grid, &document).await);
    let seen = Arc::new(Mutex::new(BTreeMap::<(String, u16), usize>::new()));
    let workers = (0..WORKERS).map(|worker| {
        let (grid, world, seen) = (Arc::clone(&grid), Arc::clone(&world), Arc::clone(&seen));
        tokio::spawn(async move {
            let mut draw = Random(seed << 32 | worker as u64);
            let mut connection = None;
            for _ in 0..requests / WORKERS {
                let operation = &world.operations[draw.below(world.operations.len())];
                let request = world.request(operation, &mut draw, grid.clock.now());
                if let Some(answer) = ask(&grid, &mut connection, &request).await {
                    operation.check(&answer, &request);
                    let place = (format!("{} {}", operation.method, operation.path), answer.status);
                    *seen.lock().unwrap().entry(place).or_default() += 1;
                    world.learn(&answer, request.donor);
                }
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    let mut report = String::new();
    for ((place, status), count) in &seen {
        writeln!(report, "{count:>6} {status} {place}").unwrap();
    }
    println!("{report}");
    let answered: usize = seen.values().sum();
    assert!(answered * 100 > requests * 95, "only {answered} of {requests} requests were answered");
    // The garbage does not hide that most addresses were really reached.
    let served: BTreeSet<_> =
        seen.keys().filter(|(_, status)| *status < 400).map(|(place, _)| place.as_str()).collect();
    for operation in &world.operations {
        let place = format!("{} {}", operation.method, operation.path);
        // A build without the files for browsers has none to give.
        let there = world.bundle.is_some() || !operation.path.starts_with("/web/");
        assert!(requests < 10_000 || !there || served.contains(&place.as_str()), "{place} was never served:\n{report}");
    }
    // Health checks have a rate as well.
    grid.clock.advance(60);
    still_in_order(&grid).await;
}

/// Everything works, and nothing is held any more.
async fn still_in_order(grid: &Grid) {
    for target in ["/healthz", "/readyz", "/metrics", "/v1/projects"] {
        assert_eq!(get(grid, target).await.status, 200, "{target}");
    }
    let name = "afterwards".parse().unwrap();
    let ids = grid.push_as(&name, 1).await;
    let donor = grid.donor(200);
    assert_eq!(donor.submit(&ids[0], None, donor.proof(0)).await.unwrap().status, ProofStatus::Accepted);
    drop(donor);
    let limits = &grid.app.limits;
    until(async || limits.incoming.taken() + limits.bodies.taken() + limits.streams.taken() == 0).await;
    until(async || grid.temporary_files() == 0).await;
    assert!(limits.remembered() < 2000, "{} keys and sources are remembered", limits.remembered());
    let figures = get(grid, "/metrics").await.body;
    assert!(!figures.contains("status=\"500\""), "{figures}");
    assert!(figures.lines().count() < 2000, "{}", figures.lines().count());
}
