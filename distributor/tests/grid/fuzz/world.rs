//! What there is to ask for.

use super::document::Operation;
use super::odd::{Odd as _, mutate};
use super::wire::{Answer, Request};
use crate::fixture;
use crate::harness::{Grid, lease_request, scopes, signer, spec, unit};
use crate::raw::get;
use distributor::clock::Clock as _;
use protocol::{
    ApiKey, Digest, FailureCause, FailureReport, GivenBack, Identity, LeaseMode, Nonce, ProjectPage, ProofStatus,
    UnitId, encode_program,
};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Mutex;
use testkit::random::Random;

/// What there is to ask for.
pub struct World {
    pub operations: Vec<Operation>,
    schemas: Value,
    names: Vec<String>,
    units: Vec<UnitId>,
    digests: Vec<String>,
    keys: Vec<ApiKey>,
    proofs: Vec<(u8, UnitId, Vec<u8>)>,
    executions: Vec<Vec<u8>>,
    /// What the addresses of the files for browsers have, if the distributor was built with them.
    pub bundle: Option<String>,
    /// Tokens of leases that were lent meanwhile, with the donor.
    leases: Mutex<Vec<(u8, String)>>,
}

/// Donors that sign; the last are blocked or unknown to most.
const DONORS: usize = 24;

impl World {
    pub async fn new(grid: &Grid, document: &Value) -> Self {
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
        let page = get(grid, "/donate").await.body;
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
            bundle: page.split_once("web/").map(|(_, rest)| rest[..64].to_owned()),
            leases: Mutex::default(),
        }
    }

    /// Notes what an answer lends.
    pub fn learn(&self, answer: &Answer, donor: u8) {
        let lease = serde_json::from_slice::<Value>(&answer.body).ok();
        if let Some(token) = lease.as_ref().and_then(|lease| lease["token"].as_str()) {
            let mut leases = self.leases.lock().unwrap();
            leases.truncate(30);
            leases.insert(0, (donor, token.to_owned()));
        }
    }

    pub fn request(&self, operation: &Operation, draw: &mut Random, now: protocol::Timestamp) -> Request {
        let mut donor = 1 + draw.below(DONORS) as u8;
        let mut body = self.body(operation, draw, &mut donor);
        let path = self.path(operation, draw, &mut donor, &mut body);
        let target = path + &self.query(operation, draw);
        let method = operation.method.clone();
        let mut headers = Vec::new();
        if !draw.one_in(10) {
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
        if draw.one_in(20) {
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
        Request { method, target, headers, body, chunked: draw.one_in(5), donor }
    }

    fn lease(&self, draw: &mut Random, donor: &mut u8) -> String {
        let leases = self.leases.lock().unwrap();
        if leases.is_empty() || draw.one_in(4) {
            return "ab".repeat(32);
        }
        let (owner, token) = draw.of(&leases).clone();
        if !draw.one_in(4) {
            *donor = owner;
        }
        token
    }

    fn path(&self, operation: &Operation, draw: &mut Random, donor: &mut u8, body: &mut Vec<u8>) -> String {
        let mut path = operation.path.clone();
        for place in ["name", "id", "sha256", "token", "key", "team", "file"] {
            let hole = format!("{{{place}}}");
            if !path.contains(&hole) {
                continue;
            }
            let valid = match place {
                "name" if operation.path.ends_with("/withdraw") || operation.method == "DELETE" => {
                    format!("gone-{}", draw.below(50))
                }
                "name" if operation.path.starts_with("/web/") => {
                    draw.of(&["donate.js", "checker.js", "cairn_bg.wasm"]).to_string()
                }
                "name" if operation.method == "PUT" && !operation.path.ends_with("/page") => {
                    self.new_project(draw, body)
                }
                "name" => draw.of(&self.names).clone(),
                "id" => draw.of(&self.units).to_string(),
                "key" => Identity::from_seed(&[1 + draw.below(4) as u8; 32]).donor_key().to_string(),
                "team" => (1 + draw.below(3)).to_string(),
                "file" => (*draw.of(&["site.css", "site.js", "docs.js", "icon.svg", "nothing"])).to_owned(),
                "sha256"
                    if operation.method == "PUT" && operation.path.starts_with("/v1/proofs") && !draw.one_in(4) =>
                {
                    self.submission(draw, donor, body)
                }
                "sha256" if operation.method == "PUT" && !draw.one_in(4) => Digest::of(body).to_string(),
                "sha256" if operation.path.starts_with("/v1/executions") => {
                    let file: &Vec<u8> = draw.of(&self.executions);
                    Digest::of(file).to_string()
                }
                "sha256" if operation.path.starts_with("/web/") => self.bundle.clone().unwrap_or_default(),
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

    /// A proof with what follows it, mostly as it should be. Returns the digest of what is before the trailer.
    fn submission(&self, draw: &mut Random, donor: &mut u8, body: &mut Vec<u8>) -> String {
        let (owner, id, proof) = draw.of(&self.proofs).clone();
        let mut units = vec![id];
        if draw.one_in(4) {
            units.extend((0..draw.below(4)).map(|_| *draw.of(&self.units)));
        }
        let digest = Digest::of(&proof);
        (*donor, *body) = (owner, proof);
        let trailer = protocol::trailer(&units).unwrap_or_else(|_| draw.bytes(40));
        body.extend_from_slice(&trailer);
        if draw.one_in(8) {
            let place = body.len() - 1 - draw.below(trailer.len());
            body[place] ^= 1 << draw.below(8);
        }
        digest.to_string()
    }

    /// The name of a project that is to be made, and what is sent for it.
    fn new_project(&self, draw: &mut Random, body: &mut Vec<u8>) -> String {
        let name = if draw.one_in(3) { draw.of(&self.names).clone() } else { format!("gone-{}", draw.below(50)) };
        let mut said = serde_json::to_value(spec(&name.parse().unwrap(), b"the compiled program")).unwrap();
        if draw.one_in(3) {
            said["signer"] = json!(signer().signer_key().to_string());
            said["weight"] = json!(draw.below(10));
        }
        if draw.one_in(3) {
            mutate(&mut said, draw);
        }
        *body = said.to_string().into_bytes();
        name
    }

    fn query(&self, operation: &Operation, draw: &mut Random) -> String {
        let mut query = String::new();
        for name in operation.query.iter().map(String::as_str).chain(["unknown"]) {
            if draw.one_in(if name == "unknown" { 20 } else { 2 }) {
                let value = match (draw.below(4), name) {
                    (0, _) => draw.garbage(),
                    (_, "by") => (*draw.of(&["hour", "day", "month", "ever", "year"])).to_owned(),
                    (_, "of") => (*draw.of(&["donors", "teams", "projects"])).to_owned(),
                    (_, "called") => (*draw.of(&["anna", "Zoë", "<b>"])).to_owned(),
                    (_, "after") => draw.of(&self.names).clone(),
                    (_, "state") => (*draw.of(&["queued", "leased", "proved", "failed", "nothing"])).to_owned(),
                    (_, "force") => (*draw.of(&["true", "false"])).to_owned(),
                    (_, "limit") => draw.below(1100).to_string(),
                    _ => draw.below(50).to_string(),
                };
                query.push(if query.is_empty() { '?' } else { '&' });
                query.push_str(&format!("{name}={}", encoded(&value)));
            }
        }
        query
    }

    fn access_key(&self, draw: &mut Random) -> Option<(String, Vec<u8>)> {
        let value = match draw.below(20) {
            0 => return None,
            1 => draw.garbage(),
            2 => draw.almost(&format!("Bearer {}", self.keys[0].reveal())),
            _ => format!("Bearer {}", draw.of(&self.keys).reveal()),
        };
        Some(("authorization".to_owned(), value.into_bytes()))
    }

    fn body(&self, operation: &Operation, draw: &mut Random, donor: &mut u8) -> Vec<u8> {
        match (&operation.body, draw.below(10)) {
            (None, 0..9) => Vec::new(),
            (_, 0) => draw.bytes(4000),
            (Some(Some(schema)), 1..3) => self.made_up(schema, draw, 0).to_string().into_bytes(),
            (Some(Some(_)), _) => {
                let mut said = self.valid(&operation.path, draw);
                if draw.one_in(3) {
                    mutate(&mut said, draw);
                }
                let mut text = said.to_string();
                if draw.one_in(20) {
                    text = draw.almost(&text);
                }
                if operation.method == "DELETE" && draw.one_in(2) { Vec::new() } else { text.into_bytes() }
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
    fn valid(&self, path: &str, draw: &mut Random) -> Value {
        let value = match path {
            "/v1/leases" => {
                let modes = [LeaseMode::Both, LeaseMode::Execute];
                serde_json::to_value(lease_request(*draw.of(&modes)))
            }
            "/v1/leases/{token}" => {
                let cause = *draw.of(FailureCause::ALL);
                let failure = (!draw.one_in(4)).then(|| FailureReport { cause, detail: draw.garbage() });
                let units = (0..draw.below(3)).map(|_| *draw.of(&self.units)).collect();
                serde_json::to_value(GivenBack { units, failure })
            }
            "/v1/projects/{name}/units" => {
                let units: Vec<_> = (0..1 + draw.below(3)).map(|_| unit(draw.below(2000) as u64)).collect();
                Ok(json!({ "units": units }))
            }
            "/v1/donors/me/profile" => Ok(json!({ "nickname": "Anna", "team": *draw.of(&["One", "Two", "one"]) })),
            "/v1/projects/{name}/page" => serde_json::to_value(ProjectPage {
                about: draw.garbage(),
                plot: Some("histogram:0".parse().unwrap()),
                open_results: draw.one_in(2),
                ..ProjectPage::default()
            }),
            "/v1/projects/{name}/collected" => Ok(json!({ "cursor": draw.below(50), "root": draw.of(&self.digests) })),
            _ => Ok(json!({})),
        };
        value.unwrap()
    }

    /// Something of the form that the document describes.
    fn made_up(&self, schema: &Value, draw: &mut Random, depth: usize) -> Value {
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
                let fields = fields.filter(|_| !draw.one_in(20)).collect::<Vec<_>>();
                fields.into_iter().map(|(name, schema)| (name.clone(), self.made_up(schema, draw, depth + 1))).collect()
            }
            "array" => (0..draw.below(4)).map(|_| self.made_up(&schema["items"], draw, depth + 1)).collect(),
            "integer" | "number" => json!(if draw.one_in(4) { draw.bits() } else { draw.bits() % 100 }),
            "boolean" => json!(draw.one_in(2)),
            "string" => match draw.below(6) {
                0 => json!(draw.of(&self.digests)),
                1 => json!(draw.of(&self.names)),
                2 => json!(draw.of(&self.units).to_string()),
                3 => json!(format!("0x{:x}", draw.bits())),
                4 => json!("ab".repeat(1 + draw.below(64))),
                _ => json!(draw.garbage()),
            },
            _ => draw.junk(),
        }
    }
}

/// The headers of a signature, mostly one that holds.
fn sign(
    draw: &mut Random,
    donor: u8,
    (method, target): (&str, &str),
    body: &[u8],
    now: protocol::Timestamp,
) -> Vec<(String, Vec<u8>)> {
    let content = if draw.one_in(30) { Digest::of(b"something else") } else { Digest::of(body) };
    let nonce = if draw.one_in(50) { Nonce::from_bytes([7; 16]) } else { Nonce::random().unwrap() };
    let time = if draw.one_in(30) { protocol::Timestamp(draw.bits()) } else { now };
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
