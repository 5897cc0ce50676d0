//! What pages cost with 200,000 units and 10,000 donors, in processor time. Nothing is asserted of times: read what it prints.

use super::browse;
use crate::fixture::felts;
use crate::harness::{Grid, primes, unit};
use crate::raw::get;
use distributor::clock::Clock as _;
use distributor::store::{DrawnUnit, Pusher, Quota, Submission, VerifiedRun};
use protocol::{Digest, DonorKey, DonorProfile, ProjectPage, UnitId};

const UNITS: u64 = 200_000;
const DONORS: u64 = 10_000;
/// Requests for each page.
const TIMES: u32 = 300;

fn drawn<const N: usize>(number: u64) -> [u8; N] {
    let mut bytes = [0xa5; N];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bytes
}

/// Processor time of this process, in hundredths of a second, as Linux counts it.
fn ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split(' ').collect();
    fields[12].parse::<u64>().unwrap() + fields[13].parse::<u64>().unwrap()
}

async fn fill(grid: &Grid) {
    grid.push(0).await;
    let pusher = Pusher { owner: grid.key.id(), quota: Quota::NONE };
    for first in (0..UNITS).step_by(1000) {
        let units = (first..first + 1000).map(|n| DrawnUnit { id: UnitId::from_bytes(drawn(n)), unit: unit(n) });
        grid.store.add_units(&primes(), &units.collect::<Vec<_>>(), &pusher, grid.clock.now()).await.unwrap();
    }
    let each = UNITS / DONORS;
    for number in 0..DONORS {
        let donor = DonorKey::from_bytes(drawn(number));
        if number.is_multiple_of(4) {
            let team = Some(format!("Team {}", number % 97).parse().unwrap());
            let profile = DonorProfile { nickname: Some(format!("donor {number}").parse().unwrap()), team };
            grid.store.set_profile(&donor, &profile, grid.clock.now()).await.unwrap();
        }
        let units: Vec<_> = (number * each..(number + 1) * each).map(|n| UnitId::from_bytes(drawn(n))).collect();
        let shown: Vec<_> =
            (0..each).map(|n| VerifiedRun { n_steps: 100 + number, output: felts(&[number * n]) }).collect();
        let sha256 = Digest::of(&number.to_be_bytes());
        let now = protocol::Timestamp(grid.clock.now().0 - (DONORS - number) * 300);
        let submission = Submission { units, donor, lease: None, sha256, size: 100_000, now };
        grid.store.accept_proof(&submission, &shown).await.unwrap();
    }
    let plot = Some("histogram:0".parse().unwrap());
    let page = ProjectPage { about: "Text. ".repeat(1000), plot, open_results: true, ..ProjectPage::default() };
    grid.store.put_page(&primes(), &page, grid.clock.now()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "makes a database of 200,000 units, which takes minutes, and prints what pages cost"]
async fn what_pages_cost_with_many_units_and_donors() {
    // A measurement, for a quiet machine and somebody who reads it.
    if std::env::var_os("CAIRN_COST").is_none() {
        println!("not measured: CAIRN_COST is not set");
        return;
    }
    let settings = distributor::config::Settings { source_requests_per_minute: 0, ..Default::default() };
    let grid = Grid::start_with(crate::harness::Plan { settings, ..Default::default() }).await;
    fill(&grid).await;
    // Sums of hours that are long over go when they are folded; the grid has folded before it was filled.
    grid.store.fold(grid.clock.now()).await.unwrap();
    assert!(grid.store.recount(false).await.unwrap().is_empty());
    let best = DonorKey::from_bytes(drawn(DONORS - 1));
    let worst = DonorKey::from_bytes(drawn(0));
    let begin = ticks();
    browse(&grid, "/projects/primes").await;
    println!("{:>6} ms for the first look at a project", (ticks() - begin) * 10);
    crate::harness::until(async || !browse(&grid, "/projects/primes").await.body.contains("are read so far")).await;
    for target in [
        "/",
        "/projects",
        "/projects/primes",
        "/leaderboard",
        "/leaderboard?by=day",
        "/leaderboard?by=month",
        "/teams",
        "/teams/1",
        "/donors?called=donor%208",
        &format!("/donors/{best}"),
        &format!("/donors/{worst}"),
        &format!("/donors/{best}/certificate"),
        "/v1/figures",
        "/v1/figures/series",
        "/v1/leaderboard",
        "/v1/projects/primes/figures",
        "/v1/projects/primes/series?by=hour",
        "/healthz",
    ] {
        assert_eq!(browse(&grid, target).await.status, 200, "{target}");
        let begin = ticks();
        for _ in 0..TIMES {
            get(&grid, target).await;
        }
        println!("{:>6.2} ms {target}", (ticks() - begin) as f64 * 10.0 / f64::from(TIMES));
    }
}
