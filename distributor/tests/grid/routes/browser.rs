//! `/donate`, `/verify`, `/web`, `/v1/checks`: what browsers get, whether or not this build has pages for them.

use crate::harness::{Grid, primes};
use crate::raw::{get, send};
use protocol::{Digest, LeaseMode, ProofCheck, routes};

#[tokio::test]
async fn who_knows_a_proof_may_check_it_and_nobody_else() {
    let grid = Grid::start().await;
    let units = grid.push(1).await;
    let donor = grid.donor(1);
    let lease = donor.lease(LeaseMode::Both).await;
    let file = donor.proof(0);
    donor.submit(&units[0], Some(&lease), file.clone()).await.unwrap();
    let sha256 = Digest::of(&file);
    let answer = get(&grid, &routes::check(&sha256)).await;
    let check: ProofCheck = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((check.project, check.proof.sha256), (primes(), sha256));
    assert_eq!(check.proof.runs[0].unit, units[0]);
    assert!(
        protocol::signing::verify_program(&check.spec.signer, &check.spec.offer(&primes()), &check.spec.signature)
            .is_ok()
    );
    let proof = get(&grid, &routes::checked_proof(&sha256)).await;
    assert_eq!(proof.header("cairn-content-sha256"), Some(sha256.to_string().as_str()));
    assert_eq!(proof.header("content-length"), Some(file.len().to_string().as_str()));
    let unknown = Digest::of(b"another");
    for target in [routes::check(&unknown), routes::checked_proof(&unknown)] {
        let answer = get(&grid, &target).await;
        assert_eq!((answer.status, answer.cause().as_str()), (404, "unknown_blob"));
    }
    // A file that is no proof is not given out as one.
    let program = get(&grid, &routes::checked_proof(&check.spec.program)).await;
    assert_eq!(program.status, 404);
}

#[tokio::test]
async fn pages_are_shut_in_and_load_only_what_is_theirs() {
    let grid = Grid::start().await;
    let sha256 = Digest::of(b"a proof");
    for (target, root) in [("/donate".to_owned(), "./"), (format!("/verify/{sha256}"), "../")] {
        let answer = get(&grid, &target).await;
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';"), "{policy}");
        assert_eq!(answer.header("cross-origin-opener-policy"), Some("same-origin"));
        assert!(!answer.body.contains("{{"), "{}", answer.body);
        assert_eq!(answer.status, 200);
        if answer.body.contains("make web") {
            continue;
        }
        let begin = answer.body.find(&format!("{root}web/")).unwrap();
        let address = answer.body[begin..].split('"').next().unwrap();
        let at = format!("/{}", address.trim_start_matches("../").trim_start_matches("./"));
        let file = send(&grid, asking(&at, "gzip;q=0.5, br").as_bytes()).await.unwrap();
        assert_eq!((file.status, file.header("content-encoding")), (200, Some("br")), "{at}");
        assert_eq!(file.header("cache-control"), Some("public, max-age=31536000, immutable"));
        let tag = file.header("etag").unwrap();
        let again = asking(&at, &format!("br\r\nif-none-match: {tag}"));
        assert_eq!(send(&grid, again.as_bytes()).await.unwrap().status, 304);
        let plain = send(&grid, asking(&at, "br;q=0").as_bytes()).await.unwrap();
        assert_eq!((plain.status, plain.header("content-encoding")), (200, None));
        assert_ne!(plain.header("etag"), file.header("etag"), "a tag is that of one form");
    }
    for target in [format!("/web/{sha256}/donate.js"), format!("/web/{sha256}/..%2f..%2fcairn.db")] {
        let answer = get(&grid, &target).await;
        assert_eq!((answer.status, answer.cause().as_str()), (404, "unknown_blob"), "{target}");
    }
    assert_eq!(get(&grid, "/verify/<script>").await.status, 400);
}

fn asking(target: &str, codings: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\naccept-encoding: {codings}\r\n\r\n")
}
