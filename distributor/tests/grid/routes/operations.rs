//! Health, figures, files that stay.

use crate::harness::Grid;
use crate::raw::{get, send};
use protocol::LeaseMode;

#[tokio::test]
async fn health_and_readiness() {
    let grid = Grid::start().await;
    for target in ["/healthz", "/readyz"] {
        assert_eq!(get(&grid, target).await.status, 200);
    }
    std::fs::remove_dir_all(grid.folder().join("blobs/tmp")).unwrap();
    assert_eq!(get(&grid, "/healthz").await.status, 200);
    let answer = get(&grid, "/readyz").await;
    assert_eq!((answer.status, answer.cause().as_str()), (500, "internal"));
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(!detail.contains("tmp"), "nothing of the inside is told: {detail}");
}

#[tokio::test]
async fn figures_count_what_happens() {
    let grid = Grid::start().await;
    let ids = grid.push(3).await;
    let donor = grid.donor(1);
    donor.submit(&ids[2], None, donor.proof(2)).await.unwrap();
    donor.refused(&ids[1], b"garbage".to_vec()).await;
    donor.lease(LeaseMode::Both).await;
    let text = get(&grid, "/metrics").await.body;
    for line in [
        "cairn_proofs_total{result=\"accepted\"} 1",
        "cairn_proofs_total{result=\"bad_encoding\"} 1",
        "cairn_leases_total{result=\"granted\"} 1",
        "cairn_proven_steps_total 6",
        "cairn_units{project=\"primes\",state=\"leased\"} 1",
        "cairn_units{project=\"primes\",state=\"proved\"} 1",
        "cairn_units{project=\"primes\",state=\"queued\"} 1",
        "cairn_verify_seconds_count 2",
        "cairn_requests_total{method=\"PUT\",route=\"/v1/proofs/{sha256}\",status=\"422\"} 1",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
}

#[tokio::test]
async fn what_stays_as_it_is_is_sent_once() {
    let grid = Grid::start().await;
    for target in ["/assets/site.css", "/assets/site.js", "/assets/icon.svg", "/docs", "/openapi.json"] {
        let first = get(&grid, target).await;
        let tag = first.header("etag").unwrap().to_owned();
        assert_eq!(first.status, 200);
        let again = async |tags: &str| {
            let request =
                format!("GET {target} HTTP/1.1\r\nhost: x\r\nif-none-match: {tags}\r\nconnection: close\r\n\r\n");
            send(&grid, request.as_bytes()).await.unwrap()
        };
        for tags in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
            let answer = again(&tags).await;
            assert_eq!((answer.status, answer.body.as_str(), answer.header("etag")), (304, "", Some(tag.as_str())));
        }
        assert_eq!(again("\"x\"").await.body, first.body);
    }
}
