//! What holds for every address.

use crate::harness::Grid;
use crate::raw::{get, send};

#[tokio::test]
async fn a_refusal_is_a_problem_document_with_the_request_id() {
    let grid = Grid::start().await;
    let request = "GET /v1/projects/nothing HTTP/1.1\r\nhost: x\r\nx-request-id: my-id\r\nconnection: close\r\n\r\n";
    let answer = send(&grid, request.as_bytes()).await.unwrap();
    assert_eq!(answer.status, 404);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.header("x-request-id"), Some("my-id"));
    assert_eq!(answer.header("cairn-protocol"), Some("3"));
    let expected = concat!(
        r#"{"type":"urn:cairn:problem:unknown_project","title":"There is no such project","status":404,"#,
        r#""detail":"there is no project `nothing`","#,
        r#""cause":"unknown_project","request_id":"my-id"}"#
    );
    assert_eq!(answer.body, expected);
}

#[tokio::test]
async fn a_request_id_that_could_forge_log_lines_is_replaced() {
    let grid = Grid::start().await;
    for id in ["", "a b", "a\tb", &"x".repeat(65), "a;b"] {
        let request = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx-request-id: {id}\r\nconnection: close\r\n\r\n");
        let answer = send(&grid, request.as_bytes()).await.unwrap();
        let given = answer.header("x-request-id").unwrap();
        assert!(given.len() == 32 && given.bytes().all(|digit| digit.is_ascii_hexdigit()), "{given}");
    }
}

#[tokio::test]
async fn unknown_addresses_and_methods_are_named() {
    let grid = Grid::start().await;
    let answer = get(&grid, "/v1/nothing").await;
    assert_eq!((answer.status, answer.cause().as_str()), (404, "unknown_route"));
    let request = "PATCH /v1/projects HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answer = send(&grid, request.as_bytes()).await.unwrap();
    assert_eq!((answer.status, answer.cause().as_str()), (405, "method_not_allowed"));
    assert_eq!(answer.json()["detail"], "`/v1/projects` does not take PATCH; see /docs");
}

#[tokio::test]
async fn another_protocol_version_is_refused() {
    let grid = Grid::start().await;
    for (version, status) in [("3", 200), ("2", 400), ("4", 400), ("x", 400)] {
        let request =
            format!("GET /v1/projects HTTP/1.1\r\nhost: x\r\ncairn-protocol: {version}\r\nconnection: close\r\n\r\n");
        let answer = send(&grid, request.as_bytes()).await.unwrap();
        assert_eq!(answer.status, status);
        if status != 200 {
            assert_eq!(answer.cause(), "protocol_version");
        }
    }
}
