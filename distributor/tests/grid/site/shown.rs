//! What pages and their figures say.

use super::{browse, call, furnished, page};
use crate::fixture::STEPS;
use crate::harness::{Grid, cause, primes, until};
use crate::raw::{connect, get};
use protocol::{Cause, DonorProfile, ProjectPage};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[tokio::test]
async fn the_first_page_has_figures_a_chart_and_projects() {
    let grid = furnished().await;
    let page = page(&grid, "/").await;
    let figure = |name: &str| {
        let one = page.all("dd").into_iter().find(|one| one.get("data-figure") == Some(name));
        one.unwrap_or_else(|| panic!("{name}")).text.clone()
    };
    assert_eq!(figure("ever.steps"), (4 * STEPS).to_string());
    assert_eq!((figure("ever.units"), figure("donors"), figure("open_units")), ("4".into(), "3".into(), "2".into()));
    let cards: Vec<_> = page.all("h3").iter().map(|card| card.text.clone()).collect();
    assert_eq!(cards, ["primes", "quiet"]);
    assert!(page.text().contains("80.0 % of 5 units") && page.text().contains("Mathematics"));
    assert!(page.text().contains("donor run --server http://grid.example"), "{}", page.text());
    assert!(page.text().contains("of 4 units in 1 day."));
}

#[tokio::test]
async fn a_project_page_says_what_its_owner_and_its_units_say() {
    let grid = furnished().await;
    let page = page(&grid, "/projects/primes").await;
    let text = page.text();
    for part in [
        "writes seven",
        "Sevens matter; see the paper.",
        "The Sevens, 2026.",
        "Results by output 0",
        "4 results are on it, from 7 to 7.",
        "1 unit is left; it is too early for a forecast.",
        "Who proved most of it",
        "bench-96",
        "Anna",
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    assert_eq!(page.link("the paper"), "https://example.org/paper");
    let record = grid.uploader().project(&primes()).await.unwrap().spec.record;
    assert!(page.source.contains(&format!("../v1/records/{record}")));
    let quiet = super::page(&grid, "/projects/quiet").await;
    assert!(quiet.text().contains("There is none yet."), "{}", quiet.text());
}

#[tokio::test]
async fn donors_have_pages_certificates_and_ranks() {
    let grid = furnished().await;
    let key = grid.donor(1).0.identity().donor_key();
    let short = &key.to_string()[..8];
    let own = page(&grid, &format!("/donors/{key}")).await;
    assert!(own.all("h1")[0].text.starts_with(&format!("Anna {short}")), "{}", own.all("h1")[0].text);
    assert!(own.text().contains("rank of all time1") && own.text().contains("Team One"), "{}", own.text());
    let certificate = page(&grid, &format!("/donors/{key}/certificate")).await;
    let says = format!("has proven {} steps of computation in 2 units, by 2 proofs.", 2 * STEPS);
    assert!(certificate.text().contains(&says), "{}", certificate.text());
    assert_eq!(certificate.all("a").iter().filter(|link| link.text == "download").count(), 2);
    // Nameless, with a page of its own.
    let key = grid.donor(3).0.identity().donor_key();
    let nameless = page(&grid, &format!("/donors/{key}")).await;
    assert!(nameless.all("h1")[0].text.starts_with("Donor "));
    let found = page(&grid, "/donors?called=ANNA").await;
    assert_eq!(found.all("tbody")[0].text.matches("nna").count(), 2, "two donors have the name");
    let answer = browse(&grid, &format!("/donors?called={key}")).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some(format!("./donors/{key}").as_str())));
}

#[tokio::test]
async fn the_interface_has_the_same_figures() {
    let grid = furnished().await;
    let json = async |target: &str| {
        let answer = get(&grid, target).await;
        assert_eq!(answer.status, 200, "{target}: {answer:?}");
        answer.json()
    };
    let figures = json("/v1/figures").await;
    assert_eq!((&figures["ever"]["units"], &figures["donors_today"]), (&Value::from(4), &Value::from(3)));
    let series = json("/v1/figures/series?by=hour").await;
    assert_eq!((series["points"].as_array().unwrap().len(), &series["points"][0]["proofs"]), (1, &Value::from(4)));
    let board = json("/v1/leaderboard?by=month&limit=2").await;
    assert_eq!((board["rows"].as_array().unwrap().len(), &board["rows"][0]["nickname"]), (2, &Value::from("Anna")));
    let teams = json("/v1/leaderboard?of=teams").await;
    assert_eq!(
        (&teams["rows"][0]["team_name"], &teams["rows"][0]["units"]),
        (&Value::from("Team One"), &Value::from(3))
    );
    let team = json("/v1/teams/1").await;
    assert_eq!((&team["donors"], team["members"].as_array().unwrap().len()), (&Value::from(2), 2));
    assert_eq!(json("/v1/teams/1/series").await["points"][0]["units"], 3);
    let project = json("/v1/projects/primes/figures").await;
    assert_eq!((&project["donors"], &project["steps"]), (&Value::from(3), &Value::Null));
    assert_eq!(json("/v1/projects/primes/series?by=day").await["points"][0]["units"], 4);
    let key = grid.donor(2).0.identity().donor_key();
    let donor = json(&format!("/v1/donors/{key}")).await;
    assert_eq!(
        (&donor["nickname"], &donor["team"], &donor["projects"][0]["project"]),
        (&Value::from("anna"), &Value::from("1"), &Value::from("primes"))
    );
    assert_eq!(json(&format!("/v1/donors/{key}/series?by=month")).await["points"][0]["units"], 1);
    assert_eq!(json("/v1/projects/primes/page").await["cause"], "mathematics");
    for target in [
        "/v1/leaderboard?by=hour",
        "/v1/leaderboard?limit=0",
        "/v1/figures/series?by=month",
        "/v1/teams/1/series?by=hour",
    ] {
        assert_eq!(get(&grid, target).await.status, 400, "{target}");
    }
}

#[tokio::test]
async fn figures_come_as_they_change() {
    let grid = Grid::start().await;
    let ids = grid.push(1).await;
    let mut stream = connect(&grid).await;
    stream.write_all(b"GET /v1/figures/events HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut read = String::new();
    let mut wait_for = async |part: &str| {
        while !read.contains(part) {
            let mut bytes = [0; 4096];
            let length = stream.read(&mut bytes).await.unwrap();
            assert!(length > 0, "it ended: {read}");
            read.push_str(std::str::from_utf8(&bytes[..length]).unwrap());
        }
    };
    wait_for("event: figures\ndata: {").await;
    wait_for("\"units\":0").await;
    let donor = grid.donor(1);
    donor.submit(&ids[0], None, donor.proof(0)).await.unwrap();
    grid.clock.advance(2);
    wait_for("\"ever\":{\"steps\":6,\"units\":1,\"proofs\":1}").await;
    drop(stream);
    until(async || grid.app.limits.watchers.taken() == 0).await;
}

#[tokio::test]
async fn results_are_open_only_if_their_owner_says_so() {
    let grid = furnished().await;
    let results = grid.uploader().results(&primes(), 0, 10).await.unwrap().results;
    let proof = results[0].proof.sha256;
    let targets = [
        format!("/v1/proofs/{proof}"),
        "/v1/projects/primes/results".to_owned(),
        format!("/v1/projects/primes/proofs/{proof}"),
    ];
    for target in &targets {
        assert_eq!(get(&grid, target).await.status, 200, "{target}");
    }
    let closed = ProjectPage { open_results: false, ..grid.uploader().page(&primes()).await.unwrap() };
    grid.uploader().put_page(&primes(), &closed).await.unwrap();
    for target in &targets {
        let answer = get(&grid, target).await;
        assert_eq!((answer.status, answer.cause().as_str()), (401, "missing_key"), "{target}");
    }
    assert_eq!(get(&grid, "/v1/projects/quiet/results").await.status, 401);
    assert_eq!(get(&grid, "/v1/projects/nothing/results").await.status, 404);
    let project = page(&grid, "/projects/primes").await;
    assert!(
        project.text().contains("keeps its results and proofs to itself") && !project.source.contains("v1/proofs/")
    );
    assert!(grid.uploader().results(&primes(), 0, 10).await.is_ok(), "its own key reads them");
}

#[tokio::test]
async fn only_its_owner_changes_a_page_and_only_its_key_a_profile() {
    let grid = furnished().await;
    let stranger = grid.key_of(None, "*", crate::harness::scopes(true, true, true), Default::default()).await;
    let put = grid.uploader_with(Some(stranger)).put_page(&primes(), &ProjectPage::default()).await;
    assert_eq!(cause(put), Cause::NotOwner);
    let reader = grid.new_key("*", crate::harness::scopes(false, true, false)).await;
    let put = grid.uploader_with(Some(reader)).put_page(&primes(), &ProjectPage::default()).await;
    assert_eq!(cause(put), Cause::OutOfScope);
    let name = "nothing".parse().unwrap();
    assert_eq!(cause(grid.uploader().put_page(&name, &ProjectPage::default()).await), Cause::UnknownProject);
    let long = ProjectPage { about: "x".repeat(20_001), ..ProjectPage::default() };
    assert_eq!(cause(grid.uploader().put_page(&primes(), &long).await), Cause::BadRequest);
    // Taken back, a name is gone.
    call(&grid, 1, None, None).await;
    assert!(!page(&grid, "/leaderboard").await.text().contains("Anna"));
    let unsigned = crate::raw::send(
        &grid,
        b"PUT /v1/donors/me/profile HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}",
    );
    assert_eq!(unsigned.await.unwrap().cause(), "missing_signature");
    assert_eq!(grid.donor(1).0.profile().await.unwrap(), DonorProfile::default());
}
