//! The OpenAPI document is complete and pinned.

use crate::harness::Grid;
use crate::raw::{get, send};
use protocol::{Digest, LeaseToken, UnitId, routes};
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
        let target = path.replace("{name}", "x").replace("{id}", "x").replace("{sha256}", "x").replace("{token}", "x");
        let request =
            format!("{method} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        let answer = send(&grid, request.as_bytes()).await.unwrap();
        assert!(
            answer.status == 200 || !["unknown_route", "method_not_allowed"].contains(&answer.cause().as_str()),
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
        (routes::unit_proof(&id), "/v1/units/{id}/proof"),
        (routes::unit_execution(&id), "/v1/units/{id}/execution"),
        (routes::lease(&token), "/v1/leases/{token}"),
        (routes::renew(&token), "/v1/leases/{token}/renew"),
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
