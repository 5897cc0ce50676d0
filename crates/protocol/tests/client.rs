//! The client against servers that are no distributors, or out of their minds.

#![cfg(feature = "client")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use protocol::client::{
    ClientConfig, ClientError, DonorClient, LeaseAnswer, MOST_WAIT, Pace, RetryPolicy, UploaderClient,
};
use protocol::{
    ApiKey, Cause, Digest, DonorLimits, Identity, LeaseMode, LeaseRequest, LeaseToken, ProofStatus, RequestKey,
    SignedHeaders, UnitId, Versions,
};
use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Requests as they came: the first line, and the headers.
type Seen = Arc<Mutex<Vec<(String, Vec<(String, String)>)>>>;

/// Answers every request with what `answer` writes, then closes. Gives the address and what was asked.
fn serve(answer: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> (String, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (seen, answer) = (Seen::default(), Arc::new(answer));
    let log = Arc::clone(&seen);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut lines = Vec::new();
                loop {
                    let mut line = String::new();
                    match reader.read_line(&mut line) {
                        Ok(1..) if !line.trim_end().is_empty() => lines.push(line.trim_end().to_owned()),
                        _ => break,
                    }
                }
                let headers: Vec<(String, String)> = lines
                    .iter()
                    .filter_map(|line| line.split_once(": "))
                    .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                    .collect();
                let length = headers.iter().find(|(name, _)| name == "content-length");
                let length = length.map_or(0, |(_, value)| value.parse().unwrap());
                reader.read_exact(&mut vec![0; length]).unwrap();
                log.lock().unwrap().push((lines.first().cloned().unwrap_or_default(), headers));
                // The client may go before everything is written.
                let _ = answer(&mut stream);
            });
        }
    });
    (address, seen)
}

fn canned(text: impl Into<Vec<u8>>) -> (String, Seen) {
    let text = text.into();
    serve(move |stream| stream.write_all(&text))
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

fn problem(status: &str, headers: &str, body: &str) -> String {
    answer(status, &format!("content-type: application/problem+json\r\n{headers}"), body)
}

const OURS: &str = "cairn-protocol: 3\r\n";

fn config(address: &str) -> ClientConfig {
    ClientConfig::new(address, "test").unwrap().retry(RetryPolicy::never())
}

fn donor(config: ClientConfig) -> DonorClient {
    DonorClient::new(config, Identity::from_seed(&[7; 32])).unwrap()
}

fn request() -> LeaseRequest {
    LeaseRequest {
        request: RequestKey::random().unwrap(),
        project: None,
        mode: LeaseMode::Both,
        limits: DonorLimits { max_steps: 1, max_memory: 1, steps_per_second: 1, lease_steps: 1, lease_units: 1 },
        versions: Versions::current("test"),
    }
}

async fn lease(address: &str) -> Result<LeaseAnswer, ClientError> {
    donor(config(address)).lease(&request()).await
}

#[tokio::test]
async fn nobody_is_sent_away_for_ever() {
    for seconds in ["18446744073709551615", "99999999999999999999999", "-1", "1e99", "soon", "3601"] {
        let none = format!("{OURS}cairn-reason: empty\r\nretry-after: {seconds}\r\n");
        let (address, _) = canned(answer("204 No Content", &none, ""));
        let Ok(LeaseAnswer::NoWork { retry_after, .. }) = lease(&address).await else { panic!("{seconds}") };
        assert!(retry_after <= MOST_WAIT, "{seconds}: {retry_after:?}");
    }
    let body = r#"{"type":"x","title":"x","status":1,"detail":"x","cause":"busy","retry_after":18446744073709551615}"#;
    let (address, _) = canned(problem("503 Busy", OURS, body));
    let error = lease(&address).await.unwrap_err();
    assert_eq!((error.cause(), error.retry_after()), (Some(Cause::Busy), Some(MOST_WAIT)));
    assert!(error.is_unreachable(), "the status is that of the answer, not what the document says");
}

#[tokio::test]
async fn what_is_no_answer_of_a_distributor_is_no_refusal() {
    const HTML: &str = "<html>Please log in</html>";
    let revoked = r#"{"type":"x","title":"x","status":403,"detail":"x","cause":"key_revoked"}"#;
    for (text, said) in [
        (
            answer("302 Found", "location: http://login.example/?from=x\r\n", HTML),
            "redirects to `http://login.example/?from=x`",
        ),
        (answer("403 Forbidden", "", HTML), "does not let the request through"),
        (answer("407 Proxy Authentication Required", "", ""), "a proxy wants a name and a password"),
        (answer("511 Network Authentication Required", "", HTML), "wants a login first"),
        (answer("502 Bad Gateway", "", HTML), "says that it is out of reach"),
        (answer("200 OK", "content-type: text/html\r\n", HTML), "lacks the header `cairn-protocol`"),
        (answer("404 Not Found", "", HTML), "its status is 404"),
        // A document like ours, from somebody who does not speak our protocol.
        (problem("403 Forbidden", "", revoked), "does not let the request through"),
        (problem("403 Forbidden", OURS, "{\"cause\":"), "cannot be read"),
        (answer("403 Forbidden", OURS, HTML), "without a problem document"),
        (answer("200 OK", OURS, "{\"token\":\"0123"), "its JSON is not as expected"),
        (answer("200 OK", OURS, &"[".repeat(1 << 20)), "its JSON is not as expected"),
        (answer("200 OK", &format!("{OURS}content-encoding: gzip\r\n"), "\u{1f}\u{8b}"), "its JSON is not as expected"),
        ("nonsense\r\n\r\n".to_owned(), "cannot be reached"),
        (String::new(), "cannot be reached"),
    ] {
        let (address, _) = canned(text.clone());
        let error = lease(&address).await.unwrap_err();
        assert!(!error.is_refusal() && error.is_temporary(), "{text}: {error}");
        assert!(error.to_string().contains(said), "no `{said}` in: {error}");
    }
    for version in ["1", "0", "", "1, 1", "99999999999999999999", "\u{7f}"] {
        let (address, _) = canned(answer("200 OK", &format!("cairn-protocol: {version}\r\n"), ""));
        let error = lease(&address).await.unwrap_err();
        assert!(!error.is_refusal(), "{version:?}: {error}");
    }
    let (address, _) = canned(problem("403 Forbidden", OURS, revoked));
    assert!(lease(&address).await.unwrap_err().is_refusal());
    // A cause of a newer distributor counts by its status.
    for (status, temporary) in [("503 X", true), ("429 X", true), ("422 X", false)] {
        let body = r#"{"type":"x","title":"x","status":200,"detail":"x","cause":"tired"}"#;
        let (address, _) = canned(problem(status, OURS, body));
        let error = lease(&address).await.unwrap_err();
        assert_eq!((error.is_refusal(), error.is_temporary()), (false, temporary), "{status}");
    }
}

#[tokio::test]
async fn bodies_without_end_end() {
    let endless = |head: &'static str| {
        serve(move |stream| {
            stream.write_all(head.as_bytes())?;
            loop {
                stream.write_all(&[b' '; 4096])?;
            }
        })
    };
    let (address, _) = endless("HTTP/1.1 200 OK\r\ncairn-protocol: 3\r\n\r\n");
    let error = donor(config(&address)).renew(&LeaseToken::from_bytes([1; 32])).await.unwrap_err();
    assert!(matches!(error, ClientError::TooLarge { .. }), "{error}");
    let head = "HTTP/1.1 503 X\r\ncairn-protocol: 3\r\ncontent-type: application/problem+json\r\n\r\n";
    let (address, _) = endless(head);
    assert!(matches!(lease(&address).await, Err(ClientError::TooLarge { .. })));
    let (address, _) = endless("HTTP/1.1 200 OK\r\nx: ");
    assert!(lease(&address).await.is_err());
}

#[tokio::test]
async fn whoever_drips_or_is_silent_does_not_hold_us() {
    let drip = |head: &'static str| {
        serve(move |stream| {
            stream.write_all(head.as_bytes())?;
            loop {
                stream.write_all(b" ")?;
                std::thread::sleep(Duration::from_millis(10));
            }
        })
    };
    let quick = |address: &str| {
        let mut config = config(address);
        config.idle_timeout = Duration::from_millis(300);
        config.pace = Pace { grace: Duration::from_millis(300), least: 1 << 20 };
        config
    };
    for (head, said) in [
        ("HTTP/1.1 200 OK\r\ncairn-protocol: 3\r\n\r\n", "too slowly"),
        ("HTTP/1.1 200 OK\r\nx: ", "does not answer in time"),
    ] {
        let (address, _) = drip(head);
        let error = donor(quick(&address)).lease(&request()).await.unwrap_err();
        assert!(error.to_string().contains(said) && error.is_temporary(), "{error}");
    }
    let (address, _) = serve(|stream| stream.read(&mut [0]).map(drop));
    let error = donor(quick(&address)).credit().await.unwrap_err();
    assert!(error.to_string().contains("does not answer in time"), "{error}");
}

#[tokio::test]
async fn a_receipt_for_something_else_is_none() {
    let [first, second, third] = [1, 2, 3].map(|byte| UnitId::from_bytes([byte; 10]));
    let (right, other) = (Digest::of(b"proof"), Digest::of(b"other"));
    for (named, digest, taken) in [
        (vec![first, second], right, true),
        (vec![first, second], other, false),
        (vec![first, third], right, false),
        (vec![second, first], right, false),
        (vec![first], right, false),
        (vec![first, second, third], right, false),
        (vec![], right, false),
    ] {
        let unit =
            |unit: &UnitId| format!(r#"{{"status":"accepted","unit":"{unit}","credited_steps":18446744073709551615}}"#);
        let units: Vec<String> = named.iter().map(unit).collect();
        let body = format!(r#"{{"sha256":"{digest}","units":[{}]}}"#, units.join(","));
        let (address, _) = canned(answer("200 OK", OURS, &body));
        let answer = donor(config(&address)).submit_proof(&[first, second], None, b"proof", None).await;
        assert_eq!(answer.is_ok(), taken, "{answer:?}");
        if let Ok(receipt) = answer {
            assert_eq!((receipt.count(ProofStatus::Accepted), receipt.credited_steps()), (2, u64::MAX));
        }
    }
    // What is no list of units is not sent.
    let (address, seen) = canned(answer("200 OK", OURS, "{}"));
    for units in [vec![], vec![first, first], vec![first; 1025]] {
        let error = donor(config(&address)).submit_proof(&units, None, b"proof", None).await.unwrap_err();
        assert!(matches!(error, ClientError::Setup(_)), "{error}");
    }
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn access_keys_travel_encrypted_or_not_at_all() {
    let key = || Some(ApiKey::random().unwrap());
    for address in
        ["http://grid.example.org", "http://10.0.0.1:8080", "http://localhost.example.org", "http://[2001:db8::1]"]
    {
        let error = UploaderClient::new(config(address), key()).unwrap_err();
        assert!(matches!(error, ClientError::Insecure { .. }), "{error}");
        assert!(error.to_string().contains("--insecure-http"), "{error}");
        UploaderClient::new(config(address).insecure_http(true), key()).unwrap();
        UploaderClient::new(config(address), None).unwrap();
    }
    for address in ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:1"] {
        UploaderClient::new(config(address), key()).unwrap();
    }
}

#[tokio::test]
async fn a_redirect_never_takes_the_key_along() {
    let (thief, stolen) = canned(answer("200 OK", OURS, "{}"));
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let (address, seen) = canned(answer(status, &format!("{OURS}location: {thief}/v1/projects\r\n"), ""));
        let client = UploaderClient::new(config(&address), Some(ApiKey::random().unwrap())).unwrap();
        let error = client.projects().await.unwrap_err();
        assert!(matches!(error, ClientError::Answer { .. }), "{error}");
        let seen = seen.lock().unwrap();
        assert!(seen[0].1.iter().any(|(name, _)| name == "authorization"), "it was sent to where it belongs");
    }
    assert!(stolen.lock().unwrap().is_empty(), "and nowhere else");
}

#[tokio::test]
async fn under_a_path_the_signature_covers_what_the_distributor_sees() {
    let (address, seen) = canned(answer("204 X", &format!("{OURS}cairn-reason: empty\r\n"), ""));
    for base in ["/cairn", "/cairn/", "/a/b/"] {
        donor(config(&format!("{address}{base}"))).lease(&request()).await.unwrap();
        let (line, headers) = seen.lock().unwrap().pop().unwrap();
        assert_eq!(line, format!("POST {}/v1/leases HTTP/1.1", base.trim_end_matches('/')));
        let get = |name: &str| headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
        SignedHeaders::from_headers(get).unwrap().verify("POST", "/v1/leases").unwrap();
    }
}

#[test]
fn addresses_are_checked_and_hide_passwords() {
    for (address, said) in [
        ("grid.example.org", "relative URL"),
        ("ftp://grid.example.org", "begins with `ftp:`"),
        ("https://grid.example.org/?a=b", "must end after host, port and path"),
        ("https://grid.example.org/#a", "must end after host, port and path"),
        ("https://me:secret@grid.example.org", "must not have a name and a password"),
    ] {
        let error = ClientConfig::new(address, "test").unwrap_err().to_string();
        assert!(error.contains(said) && !error.contains("secret"), "{address}: {error}");
    }
}

#[tokio::test]
async fn hostile_words_do_nothing() {
    let hostile = "\\u001b]0;owned\\u0007\\u009b2J\\u202egnp.exe\\u2066\\u200b\\nforged line";
    let body = format!(
        r#"{{"type":"{hostile}","title":"{hostile}","status":409,"detail":"{hostile}","cause":"{hostile}","request_id":"{hostile}"}}"#
    );
    let long =
        format!(r#"{{"type":"x","title":"x","status":409,"detail":"{}","cause":"unit_state"}}"#, "x".repeat(60_000));
    for text in [
        problem("409 Conflict", OURS, &body),
        problem("409 Conflict", OURS, &long),
        problem("409 Conflict", OURS, &format!("{{\"cause\": \"unit_state\", \"status\": \"{hostile}\"}}")),
        answer("200 OK", OURS, &format!("{{\"token\": \"{hostile}\"}}")),
        answer("302 Found", "location: http://x/\u{1b}[2J\r\n", ""),
        answer("200 OK", "cairn-protocol: \u{9b}2J\r\n", ""),
    ] {
        let (address, _) = canned(text);
        let error = lease(&address).await.unwrap_err().to_string();
        assert!(!error.chars().any(protocol::text::is_hidden), "{error:?}");
        assert!(error.chars().count() < 3000, "{} characters", error.chars().count());
    }
}
