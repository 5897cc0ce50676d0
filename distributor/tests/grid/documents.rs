//! The OpenAPI document is complete and pinned.

use crate::harness::Grid;
use crate::raw::{get, send};
use distributor::config::SETTINGS;
use protocol::{
    Cause, Digest, FailureCause, Identity, LeaseMode, LeaseToken, NoWork, Nonce, Timestamp, UnitId, routes,
};
use serde_json::Value;

fn document() -> Value {
    serde_json::from_str(&distributor::routes::document()).unwrap()
}

/// Method and path of everything in the document.
fn operations() -> Vec<(String, String)> {
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, methods)| {
        methods.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone()))
    });
    all.collect()
}

#[test]
fn the_document_is_pinned() {
    insta::assert_snapshot!("openapi", distributor::routes::document());
}

#[tokio::test]
async fn the_document_is_served() {
    let grid = Grid::start().await;
    assert_eq!(get(&grid, "/openapi.json").await.json(), document());
}

#[tokio::test]
async fn every_documented_address_exists() {
    let grid = Grid::start().await;
    for (method, path) in operations() {
        let holes = ["{name}", "{id}", "{sha256}", "{token}", "{key}", "{team}"];
        let target = holes.iter().fold(path.replace("{file}", "site.css"), |target, hole| target.replace(hole, "x"));
        let request =
            format!("{method} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        // A stream goes on; its address is looked at elsewhere.
        if path == "/v1/figures/events" {
            continue;
        }
        let answer = send(&grid, request.as_bytes()).await.unwrap();
        assert!(
            answer.status < 400 || !["unknown_route", "method_not_allowed"].contains(&answer.cause().as_str()),
            "{method} {path}"
        );
    }
}

#[test]
fn every_address_of_the_client_is_documented() {
    let name = "x".parse().unwrap();
    let (digest, id, token) = (Digest::of(b""), UnitId::from_bytes([1; 10]), LeaseToken::from_bytes([1; 32]));
    let patterns: Vec<_> = operations().into_iter().map(|(_, path)| path).collect();
    let addresses = [
        (routes::PROJECTS.to_owned(), "/v1/projects"),
        (routes::LEASES.to_owned(), "/v1/leases"),
        (routes::DONOR.to_owned(), "/v1/donors/me"),
        (routes::PROFILE.to_owned(), "/v1/donors/me/profile"),
        (routes::page(&name), "/v1/projects/{name}/page"),
        (routes::project(&name), "/v1/projects/{name}"),
        (routes::units(&name), "/v1/projects/{name}/units"),
        (routes::results(&name), "/v1/projects/{name}/results"),
        (routes::collected(&name), "/v1/projects/{name}/collected"),
        (routes::withdraw_project(&name), "/v1/projects/{name}/withdraw"),
        (routes::events(&name), "/v1/projects/{name}/events"),
        (routes::program(&digest), "/v1/programs/{sha256}"),
        (routes::record(&digest), "/v1/records/{sha256}"),
        (routes::proof(&digest), "/v1/proofs/{sha256}"),
        (routes::execution(&digest), "/v1/executions/{sha256}"),
        (routes::unit(&id), "/v1/units/{id}"),
        (routes::retry_unit(&id), "/v1/units/{id}/retry"),
        (routes::withdraw_unit(&id), "/v1/units/{id}/withdraw"),
        (routes::prove_again(&id), "/v1/units/{id}/prove-again"),
        (routes::project_proof(&name, &digest), "/v1/projects/{name}/proofs/{sha256}"),
        (routes::unit_execution(&id), "/v1/units/{id}/execution"),
        (routes::lease(&token), "/v1/leases/{token}"),
        (routes::renew(&token), "/v1/leases/{token}/renew"),
        (routes::check(&digest), "/v1/checks/{sha256}"),
        (routes::checked_proof(&digest), "/v1/checks/{sha256}/proof"),
    ];
    for (address, pattern) in &addresses {
        let filled = pattern
            .replace("{name}", "x")
            .replace("{sha256}", &digest.to_string())
            .replace("{id}", &id.to_string())
            .replace("{token}", &token.to_string());
        assert_eq!(*address, filled);
        assert!(patterns.iter().any(|documented| documented == pattern), "{pattern} is not documented");
    }
}

/// A page of the documentation.
fn page(name: &str) -> String {
    std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)).unwrap()
}

/// The rows of all tables whose first cell is code, as cells without blanks around them.
fn rows(page: &str) -> Vec<Vec<&str>> {
    let rows = page.lines().filter_map(|line| line.trim_start().strip_prefix("| `"));
    rows.map(|row| row.trim_end_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`')).collect()).collect()
}

#[test]
fn refusals_are_of_the_status_that_they_stand_at() {
    let document = document();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            for (status, answer) in
                operation["responses"].as_object().unwrap().iter().filter(|(s, _)| s.as_str() >= "4")
            {
                assert!(answer["content"]["application/problem+json"].is_object(), "{method} {path} {status}");
                for cause in answer["description"].as_str().unwrap().split(", ") {
                    let cause = Cause::ALL.iter().find(|one| format!("`{one}`") == cause);
                    let told = cause.map(|cause| cause.status().to_string());
                    assert_eq!(told.as_ref(), Some(status), "{method} {path} {answer}");
                }
            }
        }
    }
}

#[test]
fn the_page_has_the_table_that_is_made_from_the_addresses() {
    let (page, table) = (page("API.md"), distributor::routes::table());
    let head = table.lines().next().unwrap();
    let listed: Vec<_> = page.lines().skip_while(|line| *line != head).take_while(|line| !line.is_empty()).collect();
    let expected: Vec<_> = table.lines().collect();
    assert!(listed == expected, "put what `distributor openapi --table` prints into docs/API.md:\n{table}");
    assert_eq!(expected.len(), 2 + operations().len());
}

#[test]
fn the_page_lists_every_cause() {
    let page = page("API.md");
    let rows = rows(&page);
    let listed: Vec<_> = rows.iter().filter(|row| row.len() == 4 && row[1].parse::<u16>().is_ok()).collect();
    assert_eq!(listed.len(), Cause::ALL.len());
    for (row, cause) in listed.into_iter().zip(Cause::ALL) {
        let again = if cause.is_temporary() { "yes" } else { "no" };
        assert_eq!((row[0], row[1], row[2]), (cause.name(), cause.status().to_string().as_str(), again));
    }
    // What stands in the tables beside the addresses is a cause too.
    for row in rows.iter().filter(|row| row[0].contains(" /")) {
        for cause in row[4].split(", ") {
            let cause = cause.trim_matches('`');
            assert!(cause.is_empty() || Cause::ALL.iter().any(|one| one.name() == cause), "{cause:?} in {row:?}");
        }
    }
    for reason in NoWork::ALL {
        assert!(rows.iter().any(|row| row[0] == reason.name()), "{reason}");
    }
    for failure in FailureCause::ALL {
        assert!(page.contains(&format!("`{failure}`")), "{failure}");
    }
}

#[test]
fn the_page_shows_a_signature_that_holds() {
    let nonce = Nonce::from_bytes([3; 16]);
    let donor = Identity::from_seed(&[7; 32]);
    let signed = donor.sign_request("PUT", "/v1/x?y=1", Digest::of(b"body"), Timestamp(1_700_000_000), nonce);
    let page = page("API.md");
    for (name, value) in signed.to_headers() {
        assert!(page.contains(&format!("\n{name}: {value}\n")), "{name}: {value}");
    }
}

#[test]
fn the_page_lists_every_setting_with_its_default() {
    let page = page("OPERATIONS.md");
    let rows = rows(&page);
    for (name, variable, says) in SETTINGS {
        let name = name.replace('_', "-");
        let row = rows.iter().find(|row| row[0] == name).unwrap_or_else(|| panic!("{name} is missing"));
        let (says, default) = says.trim().split_once(" [default: ").unwrap();
        assert_eq!((row[1], row[2], row[3]), (*variable, default.trim_end_matches(']'), says), "{name}");
    }
}

#[tokio::test]
async fn the_page_lists_every_figure() {
    // A figure is shown once there is something to count.
    let grid = Grid::start().await;
    let id = grid.push(1).await[0];
    let donor = grid.donor(1);
    let lease = donor.lease(LeaseMode::Execute).await;
    donor.execute(&lease, b"garbage".to_vec()).await.unwrap_err();
    donor.refused(&id, b"garbage".to_vec()).await;
    let page = page("OPERATIONS.md");
    let figures = get(&grid, "/metrics").await.body;
    let mut count = 0;
    for line in figures.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        let name = if kind == "counter" { format!("{name}_total") } else { name.to_owned() };
        assert!(page.contains(&format!("`{name}")), "{name} is missing");
        count += 1;
    }
    assert_eq!(count, 21, "{figures}");
}
