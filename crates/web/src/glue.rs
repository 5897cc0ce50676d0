//! What JavaScript calls, and what it must offer: `globalThis.cairn` with the functions below.

#![allow(unsafe_code, reason = "what wasm-bindgen generates")]

use crate::{Bounds, Failure, Host, OpenProject, Stop};
use felt::Felt;
use protocol::{Digest, DonorKey, Identity, Lease, LeasedUnit, Nonce, Timestamp};
use serde::Deserialize;
use stark::Cancelled;
use std::collections::BTreeMap;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// May block; `true` cancels.
    #[wasm_bindgen(js_namespace = ["globalThis", "cairn"])]
    fn checkpoint() -> bool;
    /// Seconds worked, pauses not counted.
    #[wasm_bindgen(js_namespace = ["globalThis", "cairn"])]
    fn seconds() -> f64;
    /// How far a phase is.
    #[wasm_bindgen(js_namespace = ["globalThis", "cairn"])]
    fn progress(phase: &str, fraction: f64);
    /// This instance is about to trap, for this reason.
    #[wasm_bindgen(js_namespace = ["globalThis", "cairn"])]
    fn panicked(text: &str);
}

#[wasm_bindgen(start)]
fn start() {
    std::panic::set_hook(Box::new(|info| panicked(&info.to_string())));
}

struct Page;

impl Host for Page {
    fn checkpoint(&self) -> Result<(), Cancelled> {
        if checkpoint() { Err(Cancelled) } else { Ok(()) }
    }

    fn seconds(&self) -> f64 {
        seconds()
    }

    fn progress(&self, phase: &str, fraction: f64) {
        progress(phase, fraction);
    }
}

fn thrown(text: impl ToString) -> JsError {
    JsError::new(&text.to_string())
}

/// A failure is thrown as JSON with `cause` and `detail`.
fn failed(failure: &Failure) -> JsValue {
    JsValue::from_str(&serde_json::json!({ "cause": failure.cause.name(), "detail": failure.detail }).to_string())
}

fn json(value: &impl serde::Serialize) -> Result<String, JsError> {
    serde_json::to_string(value).map_err(thrown)
}

/// SHA-256 in hexadecimal digits: browsers have their own only on secure addresses.
#[wasm_bindgen]
pub fn sha256(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string()
}

/// Name of the kernel that computes here: `relaxed` or `portable`.
#[wasm_bindgen]
pub fn kernel() -> String {
    felt::packed::kernel_name().to_owned()
}

/// Compares the kernels of this browser on some thousand elements, for tests. Says where they differ.
#[wasm_bindgen(js_name = compareKernels)]
pub fn compare_kernels(seed: u32) -> Result<(), JsError> {
    let mut values = vec![Felt::zero(), Felt::one(), -Felt::one(), Felt::from(u64::MAX), -Felt::from(u64::MAX)];
    values.extend((1..63).map(|power| Felt::from(2).pow(4 * power as u64) - Felt::one()));
    let mut random = Felt::from(u64::from(seed) + 3);
    for _ in 0..1000 {
        random = &random * &random + Felt::from(1);
        values.push(random);
    }
    let shifted: Vec<_> = values.iter().cycle().skip(7).take(values.len()).copied().collect();
    felt::packed::compare(&values, &values).and_then(|()| felt::packed::compare(&values, &shifted)).map_err(thrown)
}

/// Version of the wire protocol.
#[wasm_bindgen(js_name = protocolVersion)]
pub fn protocol_version() -> u32 {
    protocol::PROTOCOL_VERSION
}

/// A donor's secret key.
#[wasm_bindgen]
pub struct Key(Identity);

#[wasm_bindgen]
impl Key {
    /// A random one.
    pub fn generate() -> Result<Key, JsError> {
        Identity::random().map(Key).map_err(thrown)
    }

    /// The one of a key file.
    #[wasm_bindgen(js_name = fromText)]
    pub fn from_text(text: &str) -> Result<Key, JsError> {
        let damaged = "this is no key file of a donor, or secret and public key in it do not belong together";
        Identity::from_key_text(text).map(Key).ok_or_else(|| thrown(damaged))
    }

    /// Its key file, as `donor` has it.
    #[wasm_bindgen(js_name = toText)]
    pub fn to_text(&self) -> String {
        self.0.to_key_text()
    }

    /// The public key.
    pub fn public(&self) -> String {
        self.0.donor_key().to_string()
    }

    /// The headers of a signed request, as a JSON object. `content` is the SHA-256 of the body, `time` the distributor's.
    pub fn sign(&self, method: &str, target: &str, content: &str, time: f64) -> Result<String, JsError> {
        let content = content.parse().map_err(thrown)?;
        let nonce = Nonce::random().map_err(thrown)?;
        let signed = self.0.sign_request(method, target, content, Timestamp(time as u64), nonce);
        json(&BTreeMap::from(signed.to_headers()))
    }
}

/// See [`crate::lease_request`].
#[wasm_bindgen(js_name = leaseRequest)]
pub fn lease_request(wish: &str) -> Result<String, JsError> {
    crate::lease_request(wish).map_err(thrown)
}

/// See [`crate::read_lease`].
#[wasm_bindgen(js_name = readLease)]
pub fn read_lease(request: &str, answer: &str) -> Result<String, JsError> {
    json(&crate::read_lease(request, answer).map_err(thrown)?)
}

/// See [`crate::read_renewal`].
#[wasm_bindgen(js_name = readRenewal)]
pub fn read_renewal(answer: &str) -> Result<String, JsError> {
    json(&crate::read_renewal(answer).map_err(thrown)?)
}

/// See [`crate::read_no_work`].
#[wasm_bindgen(js_name = readNoWork)]
pub fn read_no_work(reason: &str, retry_after: &str) -> String {
    crate::read_no_work(reason, retry_after)
}

/// See [`crate::read_receipt`].
#[wasm_bindgen(js_name = readReceipt)]
pub fn read_receipt(sha256: &str, unit: &str, answer: &str) -> Result<String, JsError> {
    json(&crate::read_receipt(sha256, unit, answer).map_err(thrown)?)
}

/// See [`crate::read_problem`].
#[wasm_bindgen(js_name = readProblem)]
pub fn read_problem(answer: &str) -> Result<String, JsError> {
    crate::read_problem(answer).map_err(thrown)
}

/// See [`crate::submission_target`].
#[wasm_bindgen(js_name = submissionTarget)]
pub fn submission_target(sha256: &str) -> Result<String, JsError> {
    crate::submission_target(sha256).map_err(thrown)
}

/// What a stranger wrote, so that it does nothing but show itself.
#[wasm_bindgen]
pub fn printable(text: &str, most: usize) -> String {
    protocol::text::printable(text, most)
}

/// A project whose signature and program were checked.
#[wasm_bindgen]
pub struct Project(OpenProject);

/// Bounds as JSON.
#[derive(Deserialize)]
struct BoundsText {
    max_steps: u64,
    max_memory: u64,
    max_seconds: f64,
}

/// A finished unit.
#[wasm_bindgen]
pub struct Done(crate::Proven);

#[wasm_bindgen]
impl Done {
    /// What is sent.
    pub fn body(&self) -> Vec<u8> {
        self.0.body.clone()
    }

    /// Digest of the proof within it.
    pub fn sha256(&self) -> String {
        self.0.sha256.to_string()
    }

    /// Steps of the run.
    pub fn steps(&self) -> f64 {
        self.0.steps as f64
    }
}

#[wasm_bindgen]
impl Project {
    /// Opens the project of a lease (JSON that `readLease` returned).
    pub fn open(lease: &str, file: &[u8]) -> Result<Project, JsValue> {
        let lease: Lease = serde_json::from_str(lease).map_err(|error| JsValue::from(thrown(error)))?;
        OpenProject::open(lease.project, file).map(Project).map_err(|failure| failed(&failure))
    }

    /// Runs and proves a unit of it (JSON of one of the lease's `units`). A failure is thrown as JSON with `cause` and `detail`.
    pub fn work(&self, unit: &str, prover: &str, bounds: &str) -> Result<Done, JsValue> {
        let unreadable = |error: String| JsValue::from(thrown(error));
        let unit: LeasedUnit = serde_json::from_str(unit).map_err(|error| unreadable(error.to_string()))?;
        let prover: DonorKey = prover.parse().map_err(|error: protocol::IdError| unreadable(error.to_string()))?;
        let BoundsText { max_steps, max_memory, max_seconds } =
            serde_json::from_str(bounds).map_err(|error| unreadable(error.to_string()))?;
        let bounds = Bounds { max_steps, max_memory, max_seconds };
        crate::work(&self.0, &unit, &prover, &bounds, &Page).map(Done).map_err(|stop| match stop {
            Stop::Failed(failure) => failed(&failure),
            Stop::Cancelled => JsValue::from_str(r#"{"cause":"cancelled","detail":""}"#),
        })
    }
}

/// See [`crate::read_check`].
#[wasm_bindgen(js_name = readCheck)]
pub fn read_check(sha256: &str, account: &str) -> Result<String, JsError> {
    json(&crate::read_check(sha256, account).map_err(thrown)?)
}

/// See [`crate::check`]: what a proof shows, as JSON.
#[wasm_bindgen]
pub fn check(sha256: &str, account: &str, program: &[u8], proof: &[u8]) -> Result<String, JsError> {
    let account = crate::read_check(sha256, account).map_err(thrown)?;
    json(&crate::check(&account, program, proof).map_err(thrown)?)
}
