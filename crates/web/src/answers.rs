//! What is asked of the distributor, and what is made of its answers: as texts, since fetching is the page's business.

use protocol::text::{MAX_SHOWN, printable};
use protocol::{
    Cause, Digest, DonorLimits, Lease, LeaseMode, LeaseRequest, NoWork, Problem, ProjectName, ProofReceipt, Renewed,
    RequestKey, UnitId, Versions, check_lease, routes,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What the page wants to work on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaseWish {
    /// From which project; from all if not given.
    #[serde(default)]
    pub project: Option<ProjectName>,
    /// Most steps of a unit.
    pub max_steps: u64,
    /// Most bytes of memory.
    pub max_memory: u64,
    /// Steps that one core proves in a second; 0 if it is not known.
    pub steps_per_second: u64,
}

/// The longest pause that the distributor may ask for, in seconds.
const MOST_WAIT: u64 = 3600;

/// The longest lease that makes sense, in seconds.
const MOST_LEASE: u64 = 7 * 24 * 3600;

/// A request for one unit, to be sent as it is, again after a lost answer.
///
/// # Errors
/// If the wish cannot be read or there are no random bytes.
pub fn lease_request(wish: &str) -> Result<String, String> {
    let wish: LeaseWish = serde_json::from_str(wish).map_err(|error| error.to_string())?;
    let request = LeaseRequest {
        request: RequestKey::random().map_err(|error| format!("there are no random bytes: {error}"))?,
        project: wish.project,
        mode: LeaseMode::Both,
        limits: DonorLimits::alone(wish.max_steps, wish.max_memory, wish.steps_per_second),
        versions: Versions::current(concat!(env!("CARGO_PKG_VERSION"), "-browser")),
    };
    serde_json::to_string(&request).map_err(|error| error.to_string())
}

/// Reads a lease that answers this request. A lease to prove what somebody else executed is as one to do both: the execution follows
/// from the arguments.
///
/// # Errors
/// Says what makes no sense of it.
pub fn read_lease(request: &str, answer: &str) -> Result<Lease, String> {
    let request: LeaseRequest = serde_json::from_str(request).map_err(|error| error.to_string())?;
    let lease: Lease = read("lease", answer)?;
    check_lease(&request, &lease)?;
    check_length(lease.now.0, lease.expires_at.0)?;
    Ok(lease)
}

/// Reads the answer to a renewal.
///
/// # Errors
/// Says what makes no sense of it.
pub fn read_renewal(answer: &str) -> Result<Renewed, String> {
    let renewed: Renewed = read("renewal", answer)?;
    check_length(renewed.now.0, renewed.expires_at.0)?;
    Ok(renewed)
}

fn check_length(now: u64, until: u64) -> Result<(), String> {
    match until.checked_sub(now) {
        Some(seconds) if seconds <= MOST_LEASE => Ok(()),
        _ => Err(format!("a lease from {now} to {until} came; there is none of more than a week")),
    }
}

/// Reads why there is no work, and how long to wait: a text as JSON with `reason` and `seconds`.
pub fn read_no_work(reason: &str, retry_after: &str) -> String {
    // A newer distributor may know more reasons; all of them mean to ask again later.
    let reason = NoWork::from_name(reason).unwrap_or(NoWork::AllLeased);
    let seconds = retry_after.parse().unwrap_or(30_u64).clamp(1, MOST_WAIT);
    json!({ "reason": reason.name(), "seconds": seconds }).to_string()
}

/// Reads the receipt of a proof. One for something else is none: the copy here may not be deleted for it.
///
/// # Errors
/// Says what makes no sense of it.
pub fn read_receipt(sha256: &str, unit: &str, answer: &str) -> Result<ProofReceipt, String> {
    let (sent, unit): (Digest, UnitId) = (parse(sha256)?, parse(unit)?);
    let mut receipt: ProofReceipt = read("receipt", answer)?;
    let [named] = receipt.units.as_mut_slice() else {
        return Err(format!("a receipt for {} units came; one was sent", receipt.units.len()));
    };
    if receipt.sha256 != sent || named.unit != unit {
        return Err(format!("a receipt for {} of {} came, but {sent} of {unit} was sent", receipt.sha256, named.unit));
    }
    // No run has more steps, whatever the distributor says; and JavaScript counts to 2^53.
    named.credited_steps = named.credited_steps.min(1 << 40);
    Ok(receipt)
}

/// Reads a refusal. What is returned is JSON with `cause`, `detail`, `final` (whether sending the same proof again changes anything),
/// `retry_after` and `server_time`.
///
/// # Errors
/// If it is none: then it comes from somebody in between.
pub fn read_problem(answer: &str) -> Result<String, String> {
    let problem: Problem = read("refusal", answer)?;
    let known = json!({
        "cause": problem.cause.name(),
        "detail": printable(&problem.detail, MAX_SHOWN),
        "final": problem.cause.is_final(),
        "temporary": problem.cause.is_temporary() || problem.cause == Cause::Unknown,
        "retry_after": problem.retry_after.map(|seconds| seconds.min(MOST_WAIT)),
        "server_time": problem.server_time.map(|time| time.0.min(1 << 40)),
    });
    Ok(known.to_string())
}

/// Where a proof is sent to.
///
/// # Errors
/// If this is no digest.
pub fn submission_target(sha256: &str) -> Result<String, String> {
    Ok(routes::proof(&parse(sha256)?))
}

fn parse<T: std::str::FromStr<Err = protocol::IdError>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: protocol::IdError| error.to_string())
}

fn read<'a, T: Deserialize<'a>>(what: &str, answer: &'a str) -> Result<T, String> {
    serde_json::from_str(answer).map_err(|error| {
        let error = printable(&error.to_string(), 300);
        format!("the distributor's {what} cannot be read: {error}")
    })
}
