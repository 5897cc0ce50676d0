//! Requests for every address of the OpenAPI document that the distributor serves: valid, almost valid, and garbage. Whatever comes, the
//! answer is one that the document promises, and afterwards everything works and nothing is left over.

use crate::fixture;
use crate::harness::{Grid, behind_a_proxy, lease_request, scopes, signer, spec, unit, until};
use crate::raw::{connect, get};
use distributor::clock::Clock as _;
use distributor::config::Settings;
use protocol::{
    ApiKey, Cause, Digest, FailureCause, FailureReport, Identity, LeaseMode, Nonce, ProofStatus, UnitId, encode_program,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

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
            let mut draw = Draw(seed << 32 | worker as u64);
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
        seen.keys().filter(|(_, status)| *status < 300).map(|(place, _)| place.as_str()).collect();
    for operation in &world.operations {
        let place = format!("{} {}", operation.method, operation.path);
        assert!(requests < 10_000 || served.contains(&place.as_str()), "{place} was never served:\n{report}");
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

/// Random numbers that are the same each time (splitmix64).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        (self.next() % most.max(1) as u64) as usize
    }

    fn once_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn of<'a, T>(&mut self, some: &'a [T]) -> &'a T {
        &some[self.below(some.len())]
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most)).map(|_| self.next() as u8).collect()
    }

    /// Text that nobody expects.
    fn garbage(&mut self) -> String {
        match self.below(8) {
            0 => String::new(),
            1 => "x".repeat(self.below(2000)),
            2 => String::from_utf8_lossy(&self.bytes(40)).into_owned(),
            3 => "\u{1b}[2J\u{202e}\0\r\n'\";--".to_owned(),
            4 => self.next().to_string(),
            5 => format!("-{}", self.next()),
            6 => "../../../etc/passwd".to_owned(),
            _ => ["null", "*", "%", "%00", "..", "0x", "1e999", "18446744073709551616"][self.below(8)].to_owned(),
        }
    }

    /// A text with one place changed.
    fn almost(&mut self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        let place = self.below(bytes.len() + 1);
        match self.below(3) {
            0 if place < bytes.len() => bytes[place] = self.next() as u8 & 0x7f,
            1 if place < bytes.len() => drop(bytes.remove(place)),
            _ => bytes.insert(place, self.next() as u8 & 0x7f),
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// JSON that nobody expects.
    fn junk(&mut self) -> Value {
        match self.below(10) {
            0 => Value::Null,
            1 => json!(true),
            2 => json!(u64::MAX),
            3 => json!(i64::MIN),
            4 => json!(1e300),
            5 => json!([]),
            6 => json!({}),
            7 => json!([[[[[[[[[]]]]]]]]]),
            _ => json!(self.garbage()),
        }
    }
}

/// One kind of request in the document.
struct Operation {
    method: String,
    path: String,
    query: Vec<String>,
    headers: Vec<String>,
    security: Option<String>,
    /// Schema of the body, or none for bytes.
    body: Option<Option<Value>>,
    /// Media types of each status.
    answers: BTreeMap<u16, Vec<String>>,
}

impl Operation {
    fn read(method: &str, path: &str, said: &Value) -> Self {
        let parameters = said["parameters"].as_array().cloned().unwrap_or_default();
        let named = |place: &str| {
            let there = parameters.iter().filter(|parameter| parameter["in"] == place);
            there.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect()
        };
        let answers = said["responses"].as_object().unwrap().iter().map(|(status, answer)| {
            let kinds = answer["content"].as_object().into_iter().flat_map(|content| content.keys().cloned());
            (status.parse().unwrap(), kinds.collect())
        });
        let body = said.get("requestBody").map(|body| body["content"].get("application/json"));
        Self {
            method: method.to_uppercase(),
            path: path.to_owned(),
            query: named("query"),
            headers: named("header"),
            security: said["security"][0].as_object().and_then(|one| one.keys().next().cloned()),
            body: body.map(|json| json.map(|json| json["schema"].clone())),
            answers: answers.collect(),
        }
    }

    /// Whether the answer is one that was promised.
    fn check(&self, answer: &Answer, request: &Request) {
        let about = || format!("{} {}\n{}\n{:?}", self.method, self.path, request.show(), answer);
        let Some(kinds) = self.answers.get(&answer.status) else {
            panic!("the document does not promise status {}: {}", answer.status, about());
        };
        assert_eq!(answer.header("cairn-protocol"), Some("2"), "{}", about());
        let kind = answer.header("content-type").unwrap_or_default();
        let promised = kinds.iter().any(|promised| kind.starts_with(promised.as_str()));
        assert!(promised || (kinds.is_empty() && answer.body.is_empty()), "{kind}: {}", about());
        if kind == "application/json" {
            assert!(serde_json::from_slice::<Value>(&answer.body).is_ok(), "{}", about());
        }
        if answer.status < 400 {
            return;
        }
        let problem: Value =
            serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", about()));
        let cause = Cause::ALL.iter().find(|cause| problem["cause"] == cause.name());
        assert!(cause.is_some_and(|cause| cause.status() == answer.status), "{}", about());
        assert_eq!(problem["request_id"].as_str(), answer.header("x-request-id"), "{}", about());
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.chars().count() <= 1001 && !detail.chars().any(char::is_control), "{}", about());
        if matches!(answer.status, 429 | 503 | 507) {
            let seconds = answer.header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
            assert!(seconds.is_some_and(|seconds| (1..=3600).contains(&seconds)), "{}", about());
        }
        assert_ne!(answer.status, 500, "{}", about());
    }
}

/// A request, as it goes out.
struct Request {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    chunked: bool,
    /// Who signed it, if anybody did.
    donor: u8,
}

impl Request {
    fn show(&self) -> String {
        let headers = self.headers.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value)));
        let body = String::from_utf8_lossy(&self.body[..self.body.len().min(2000)]);
        format!("{} {}\n{}\n\n{body}", self.method, self.target, headers.collect::<Vec<_>>().join("\n"))
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\nhost: x\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend(value.iter().filter(|byte| **byte >= 32 && **byte != 127));
            bytes.extend_from_slice(b"\r\n");
        }
        if self.chunked {
            bytes.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
            for chunk in self.body.chunks(700) {
                bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                bytes.extend_from_slice(chunk);
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"0\r\n\r\n");
        } else {
            bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", self.body.len()).as_bytes());
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}

#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Sends a request and reads its answer, of a stream the head alone.
async fn ask(grid: &Grid, connection: &mut Option<TcpStream>, request: &Request) -> Option<Answer> {
    let reused = connection.is_some();
    let mut stream = match connection.take() {
        Some(stream) => stream,
        None => connect(grid).await,
    };
    let asked = tokio::time::timeout(Duration::from_secs(60), async {
        stream.write_all(&request.bytes()).await.ok()?;
        read(&mut stream).await
    });
    let answer = asked.await.unwrap_or_else(|_| panic!("no answer: {}", request.show()));
    match &answer {
        // A connection that was left alone may have been closed meanwhile.
        None if reused => return Box::pin(ask(grid, connection, request)).await,
        Some(answer) if answer.header("connection") != Some("close") && answer.header("content-length").is_some() => {
            *connection = Some(stream);
        }
        _ => {}
    }
    answer
}

async fn read(stream: &mut TcpStream) -> Option<Answer> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let mut answer = Answer { status, head, body: bytes.split_off(end + 4) };
    let length = answer.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while answer.body.len() < length {
        if stream.read_buf(&mut answer.body).await.ok()? == 0 {
            return None;
        }
    }
    Some(answer)
}

/// What there is to ask for.
struct World {
    operations: Vec<Operation>,
    schemas: Value,
    names: Vec<String>,
    units: Vec<UnitId>,
    digests: Vec<String>,
    keys: Vec<ApiKey>,
    proofs: Vec<(u8, UnitId, Vec<u8>)>,
    executions: Vec<Vec<u8>>,
    /// Tokens of leases that were lent meanwhile, with the donor.
    leases: Mutex<Vec<(u8, String)>>,
}

/// Donors that sign; the last are blocked or unknown to most.
const DONORS: usize = 24;

impl World {
    async fn new(grid: &Grid, document: &Value) -> Self {
        let paths = document["paths"].as_object().unwrap();
        let operations = paths.iter().flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().iter();
            methods.map(|(method, said)| Operation::read(method, path, said))
        });
        let mut units = Vec::new();
        let mut names = Vec::new();
        for number in 0..4 {
            let name = format!("fuzz-{number}");
            units.extend(grid.push_as(&name.parse().unwrap(), 20).await);
            names.push(name);
        }
        let mut proofs = Vec::new();
        for number in 0..30 {
            let donor = 1 + number % 4;
            let id = units[usize::from(number) * 2];
            let arguments = u64::from(number) * 2 % 20;
            let proof = fixture::prove(fixture::run(&[arguments]), &Identity::from_seed(&[donor; 32]).donor_key());
            proofs.push((donor, id, proof));
        }
        let accepted = grid.donor(1).submit(&proofs[0].1, None, proofs[0].2.clone()).await.unwrap();
        assert_eq!(accepted.status, ProofStatus::Accepted);
        let revoked = grid.new_key("*", scopes(true, true, true)).await;
        grid.store.revoke_key(&revoked.id(), grid.clock.now()).await.unwrap();
        let keys = vec![
            grid.key.clone(),
            grid.key.clone(),
            grid.key.clone(),
            grid.new_key("fuzz-1", scopes(true, true, true)).await,
            grid.new_key("*", scopes(false, true, false)).await,
            grid.new_key("*", scopes(true, false, false)).await,
            revoked,
            ApiKey::random().unwrap(),
        ];
        let files = [b"the compiled program".to_vec(), encode_program(&fixture::program()), proofs[0].2.clone()];
        Self {
            operations: operations.collect(),
            schemas: document["components"]["schemas"].clone(),
            names,
            units,
            digests: files.iter().map(|file| Digest::of(file).to_string()).collect(),
            keys,
            proofs,
            executions: (0..20).map(|number| fixture::file(&fixture::run(&[number]))).collect(),
            leases: Mutex::default(),
        }
    }

    /// Notes what an answer lends.
    fn learn(&self, answer: &Answer, donor: u8) {
        let lease = serde_json::from_slice::<Value>(&answer.body).ok();
        if let Some(token) = lease.as_ref().and_then(|lease| lease["token"].as_str()) {
            let mut leases = self.leases.lock().unwrap();
            leases.truncate(30);
            leases.insert(0, (donor, token.to_owned()));
        }
    }

    fn request(&self, operation: &Operation, draw: &mut Draw, now: protocol::Timestamp) -> Request {
        let mut donor = 1 + draw.below(DONORS) as u8;
        let mut body = self.body(operation, draw, &mut donor);
        let path = self.path(operation, draw, &mut donor, &mut body);
        let target = path + &self.query(operation, draw);
        let method = operation.method.clone();
        let mut headers = Vec::new();
        if !draw.once_in(10) {
            let source = format!("10.{}.0.1", draw.below(64));
            headers.push(("x-forwarded-for".to_owned(), source.into_bytes()));
        }
        for name in &operation.headers {
            let value = match (draw.below(4), name.as_str()) {
                (0, _) => continue,
                (1, _) => draw.garbage(),
                (_, "last-event-id") => draw.below(100).to_string(),
                _ => self.lease(draw, &mut donor),
            };
            headers.push((name.clone(), value.into_bytes()));
        }
        if draw.once_in(20) {
            let name = *draw.of(&[
                "cairn-protocol",
                "x-request-id",
                "if-none-match",
                "range",
                "accept",
                "expect",
                "content-type",
            ]);
            let value = if name == "expect" { "100-continues".to_owned() } else { draw.garbage() };
            headers.push((name.to_owned(), value.into_bytes()));
        }
        match operation.security.as_deref() {
            Some("uploader") => headers.extend(self.access_key(draw)),
            Some(_) => headers.extend(sign(draw, donor, (&method, &target), &body, now)),
            None => {}
        }
        Request { method, target, headers, body, chunked: draw.once_in(5), donor }
    }

    fn lease(&self, draw: &mut Draw, donor: &mut u8) -> String {
        let leases = self.leases.lock().unwrap();
        if leases.is_empty() || draw.once_in(4) {
            return "ab".repeat(32);
        }
        let (owner, token) = draw.of(&leases).clone();
        if !draw.once_in(4) {
            *donor = owner;
        }
        token
    }

    fn path(&self, operation: &Operation, draw: &mut Draw, donor: &mut u8, body: &mut Vec<u8>) -> String {
        let mut path = operation.path.clone();
        for place in ["name", "id", "sha256", "token"] {
            let hole = format!("{{{place}}}");
            if !path.contains(&hole) {
                continue;
            }
            let valid = match place {
                "name" if operation.path.ends_with("/withdraw") => format!("gone-{}", draw.below(50)),
                "name" if operation.method == "PUT" => self.new_project(draw, body),
                "name" => draw.of(&self.names).clone(),
                "id" if operation.path.ends_with("/proof") && draw.once_in(2) => {
                    let (owner, id, proof) = draw.of(&self.proofs).clone();
                    (*donor, *body) = (owner, proof);
                    id.to_string()
                }
                "id" => draw.of(&self.units).to_string(),
                "sha256" if operation.method == "PUT" && !draw.once_in(4) => Digest::of(body).to_string(),
                "sha256" if operation.path.starts_with("/v1/executions") => {
                    let file: &Vec<u8> = draw.of(&self.executions);
                    Digest::of(file).to_string()
                }
                "sha256" => draw.of(&self.digests).clone(),
                _ => self.lease(draw, donor),
            };
            let value = match draw.below(8) {
                0 => draw.garbage(),
                1 => draw.almost(&valid),
                _ => valid,
            };
            path = path.replace(&hole, &encoded(&value));
        }
        path
    }

    /// The name of a project that is to be made, and what is sent for it.
    fn new_project(&self, draw: &mut Draw, body: &mut Vec<u8>) -> String {
        let name = if draw.once_in(3) { draw.of(&self.names).clone() } else { format!("gone-{}", draw.below(50)) };
        let mut said = serde_json::to_value(spec(&name.parse().unwrap(), b"the compiled program")).unwrap();
        if draw.once_in(3) {
            said["signer"] = json!(signer().signer_key().to_string());
            said["weight"] = json!(draw.below(10));
        }
        if draw.once_in(3) {
            mutate(&mut said, draw);
        }
        *body = said.to_string().into_bytes();
        name
    }

    fn query(&self, operation: &Operation, draw: &mut Draw) -> String {
        let mut query = String::new();
        for name in operation.query.iter().map(String::as_str).chain(["unknown"]) {
            if draw.once_in(if name == "unknown" { 20 } else { 2 }) {
                let value = match (draw.below(4), name) {
                    (0, _) => draw.garbage(),
                    (_, "state") => (*draw.of(&["queued", "leased", "proved", "failed", "nothing"])).to_owned(),
                    (_, "limit") => draw.below(1100).to_string(),
                    _ => draw.below(50).to_string(),
                };
                query.push(if query.is_empty() { '?' } else { '&' });
                query.push_str(&format!("{name}={}", encoded(&value)));
            }
        }
        query
    }

    fn access_key(&self, draw: &mut Draw) -> Option<(String, Vec<u8>)> {
        let value = match draw.below(20) {
            0 => return None,
            1 => draw.garbage(),
            2 => draw.almost(&format!("Bearer {}", self.keys[0].reveal())),
            _ => format!("Bearer {}", draw.of(&self.keys).reveal()),
        };
        Some(("authorization".to_owned(), value.into_bytes()))
    }

    fn body(&self, operation: &Operation, draw: &mut Draw, donor: &mut u8) -> Vec<u8> {
        match (&operation.body, draw.below(10)) {
            (None, 0..9) => Vec::new(),
            (_, 0) => draw.bytes(4000),
            (Some(Some(schema)), 1..3) => self.made_up(schema, draw, 0).to_string().into_bytes(),
            (Some(Some(_)), _) => {
                let mut said = self.valid(&operation.path, draw);
                if draw.once_in(3) {
                    mutate(&mut said, draw);
                }
                let mut text = said.to_string();
                if draw.once_in(20) {
                    text = draw.almost(&text);
                }
                if operation.method == "DELETE" && draw.once_in(2) { Vec::new() } else { text.into_bytes() }
            }
            (_, 1..5) if operation.path.ends_with("/execution") => draw.of(&self.executions).clone(),
            (_, 5..7) => {
                let (owner, _, mut proof) = draw.of(&self.proofs).clone();
                *donor = owner;
                let place = draw.below(proof.len());
                proof[place] ^= 1 << draw.below(8);
                proof
            }
            (_, 7) => encode_program(&fixture::program()),
            _ => draw.bytes(4000),
        }
    }

    /// What is expected at an address.
    fn valid(&self, path: &str, draw: &mut Draw) -> Value {
        let value = match path {
            "/v1/leases" => {
                let modes = [LeaseMode::Both, LeaseMode::Execute];
                serde_json::to_value(lease_request(*draw.of(&modes)))
            }
            "/v1/leases/{token}" => {
                let cause = *draw.of(FailureCause::ALL);
                serde_json::to_value(FailureReport { cause, detail: draw.garbage() })
            }
            "/v1/projects/{name}/units" => {
                let units: Vec<_> = (0..1 + draw.below(3)).map(|_| unit(draw.below(2000) as u64)).collect();
                Ok(json!({ "units": units }))
            }
            "/v1/projects/{name}/collected" => Ok(json!({ "cursor": draw.below(50) })),
            _ => Ok(json!({})),
        };
        value.unwrap()
    }

    /// Something of the form that the document describes.
    fn made_up(&self, schema: &Value, draw: &mut Draw, depth: usize) -> Value {
        if depth > 8 {
            return Value::Null;
        }
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            return self.made_up(&self.schemas[name], draw, depth + 1);
        }
        if let Some(some) = ["oneOf", "anyOf", "enum"].iter().find_map(|key| schema[*key].as_array()) {
            let one = draw.of(some).clone();
            return if schema["enum"].is_array() { one } else { self.made_up(&one, draw, depth + 1) };
        }
        let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or("object");
        match kind {
            "object" => {
                let fields = schema["properties"].as_object().into_iter().flatten();
                let fields = fields.filter(|_| !draw.once_in(20)).collect::<Vec<_>>();
                fields.into_iter().map(|(name, schema)| (name.clone(), self.made_up(schema, draw, depth + 1))).collect()
            }
            "array" => (0..draw.below(4)).map(|_| self.made_up(&schema["items"], draw, depth + 1)).collect(),
            "integer" | "number" => json!(if draw.once_in(4) { draw.next() } else { draw.next() % 100 }),
            "boolean" => json!(draw.once_in(2)),
            "string" => match draw.below(6) {
                0 => json!(draw.of(&self.digests)),
                1 => json!(draw.of(&self.names)),
                2 => json!(draw.of(&self.units).to_string()),
                3 => json!(format!("0x{:x}", draw.next())),
                4 => json!("ab".repeat(1 + draw.below(64))),
                _ => json!(draw.garbage()),
            },
            _ => draw.junk(),
        }
    }
}

/// Changes one place of a value.
fn mutate(value: &mut Value, draw: &mut Draw) {
    let junk = draw.junk();
    match value {
        Value::Object(fields) if !fields.is_empty() && !draw.once_in(8) => {
            let name = fields.keys().nth(draw.below(fields.len())).unwrap().clone();
            match draw.below(6) {
                0 => drop(fields.remove(&name)),
                1 => drop(fields.insert(format!("{name}x"), junk)),
                _ => mutate(fields.get_mut(&name).unwrap(), draw),
            }
        }
        Value::Array(values) if !values.is_empty() && !draw.once_in(4) => {
            let place = draw.below(values.len());
            mutate(&mut values[place], draw);
        }
        Value::String(text) if draw.once_in(2) => *text = draw.almost(text),
        other => *other = junk,
    }
}

/// The headers of a signature, mostly one that holds.
fn sign(
    draw: &mut Draw,
    donor: u8,
    (method, target): (&str, &str),
    body: &[u8],
    now: protocol::Timestamp,
) -> Vec<(String, Vec<u8>)> {
    let content = if draw.once_in(30) { Digest::of(b"something else") } else { Digest::of(body) };
    let nonce = if draw.once_in(50) { Nonce::from_bytes([7; 16]) } else { Nonce::random().unwrap() };
    let time = if draw.once_in(30) { protocol::Timestamp(draw.next()) } else { now };
    let signed = Identity::from_seed(&[donor; 32]).sign_request(method, target, content, time, nonce);
    let mut headers: Vec<_> =
        signed.to_headers().into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes())).collect();
    let place = draw.below(headers.len());
    match draw.below(20) {
        0 => drop(headers.remove(place)),
        1 => headers[place].1 = draw.garbage().into_bytes(),
        2 => {
            let text = String::from_utf8_lossy(&headers[place].1).into_owned();
            headers[place].1 = draw.almost(&text).into_bytes();
        }
        _ => {}
    }
    headers
}

/// A text as a part of an address.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let mut out = String::new();
    for byte in text.bytes() {
        if plain(byte) { out.push(byte.into()) } else { write!(out, "%{byte:02x}").unwrap() }
    }
    out
}
