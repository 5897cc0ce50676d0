//! What donors ask.

use super::config::ClientConfig;
use super::error::{ClientError, MOST_WAIT};
use super::http::{Call, Http, MAX_LIST_JSON, MAX_SMALL_JSON, MAX_UNIT_JSON};
use super::payload::{Payload, Progress, json_payload};
use super::projects;
use crate::ids::{Digest, LeaseToken, Nonce, ProjectName, Timestamp, UnitId};
use crate::lease::{DonorCredit, ExecutionReceipt, GivenBack, Lease, LeaseRequest, NoWork, ProofReceipt, Renewed};
use crate::names::DonorProfile;
use crate::problem::Cause;
use crate::project::{Project, ProjectList};
use crate::signing::Identity;
use crate::trailer::trailer;
use crate::{HEADER_LEASE, HEADER_REASON, MAX_PROGRAM_BYTES, routes};
use reqwest::header::RETRY_AFTER;
use reqwest::{Method, Response, StatusCode};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

/// Answer to a request for a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseAnswer {
    /// Units were lent.
    Lease(Box<Lease>),
    /// There is nothing to do now.
    NoWork {
        /// Why.
        reason: NoWork,
        /// When to ask again, at most [`MOST_WAIT`].
        retry_after: Duration,
    },
}

/// A donor's connection to a distributor. Clones share the connection and what is known of the distributor's clock.
#[derive(Clone, Debug)]
pub struct DonorClient {
    http: Http,
    identity: Arc<Identity>,
    /// The distributor's clock less ours, in seconds.
    offset: Arc<AtomicI64>,
    /// Whether the distributor has told its time.
    synchronised: Arc<AtomicBool>,
}

impl DonorClient {
    /// A client; nothing is sent yet.
    ///
    /// # Errors
    /// If the HTTP client cannot be set up.
    pub fn new(config: ClientConfig, identity: Identity) -> Result<Self, ClientError> {
        let identity = Arc::new(identity);
        Ok(Self { http: Http::new(config)?, identity, offset: Arc::default(), synchronised: Arc::default() })
    }

    /// The key that signs.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The distributor's address.
    pub fn config(&self) -> &ClientConfig {
        &self.http.config
    }

    /// The distributor's clock, as far as known.
    pub fn server_now(&self) -> Timestamp {
        Timestamp(Timestamp::now().0.saturating_add_signed(self.offset.load(Ordering::Relaxed)))
    }

    /// Asks for units.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn lease(&self, request: &LeaseRequest) -> Result<LeaseAnswer, ClientError> {
        let mut call = Call::new(Method::POST, routes::LEASES);
        call.payload = json_payload(request)?;
        call.json = true;
        let answer = self.signed(call, |response| async {
            if response.status() == StatusCode::NO_CONTENT {
                return self.no_work(&response);
            }
            let lease: Lease = self.http.read_json(routes::LEASES, response, MAX_UNIT_JSON).await?;
            Ok(LeaseAnswer::Lease(Box::new(lease)))
        });
        let answer = answer.await?;
        if let LeaseAnswer::Lease(lease) = &answer {
            self.set_clock(lease.now);
        }
        Ok(answer)
    }

    fn no_work(&self, response: &Response) -> Result<LeaseAnswer, ClientError> {
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let reason = header(HEADER_REASON).ok_or_else(|| {
            let reason = format!("a 204 without a reason in `{HEADER_REASON}`");
            self.http.bad_answer(routes::LEASES, 204, reason)
        })?;
        // A newer distributor may know more reasons; all of them mean to ask again later.
        let reason = NoWork::from_name(reason).unwrap_or(NoWork::AllLeased);
        let seconds = header(RETRY_AFTER.as_str()).and_then(|seconds| seconds.parse().ok()).unwrap_or(30);
        Ok(LeaseAnswer::NoWork { reason, retry_after: Duration::from_secs(seconds).min(MOST_WAIT) })
    }

    /// Prolongs a lease.
    ///
    /// # Errors
    /// [`ClientError`]; with [`Cause::LeaseExpired`] or [`Cause::UnknownLease`] the work may go on, and its proof is
    /// taken if nobody else was quicker.
    pub async fn renew(&self, token: &LeaseToken) -> Result<Renewed, ClientError> {
        let target = routes::renew(token);
        let call = Call::new(Method::POST, &target);
        let renewed: Renewed =
            self.signed(call, |response| self.http.read_json(&target, response, MAX_SMALL_JSON)).await?;
        self.set_clock(renewed.now);
        Ok(renewed)
    }

    /// Gives units of a lease back, with the failure if there was one; without a word all that it has left.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn release(&self, token: &LeaseToken, back: Option<&GivenBack>) -> Result<(), ClientError> {
        let target = routes::lease(token);
        let mut call = Call::new(Method::DELETE, &target);
        if let Some(back) = back {
            call.payload = json_payload(back)?;
            call.json = true;
        }
        self.signed(call, |_| async { Ok(()) }).await
    }

    /// Submits a proof whose run `i` is that of unit `i`. Sending the same again gets the same answer, so a lost answer costs
    /// nothing.
    ///
    /// # Errors
    /// [`ClientError`] if the units make no list, or the distributor cannot be reached or refuses.
    pub async fn submit_proof(
        &self,
        units: &[UnitId],
        lease: Option<&LeaseToken>,
        proof: &[u8],
        progress: Option<Progress>,
    ) -> Result<ProofReceipt, ClientError> {
        let sent = Digest::of(proof);
        let trailer = trailer(units).map_err(|error| ClientError::Setup(error.to_string()))?;
        let payload = Payload::Bytes([proof, &trailer].concat().into());
        self.synchronise(&payload).await?;
        let target = routes::proof(&sent);
        let call = submission(&target, lease, payload, progress);
        self.signed(call, |response| async {
            let receipt: ProofReceipt = self.http.read_json(&target, response, MAX_UNIT_JSON).await?;
            // The copy here may not be deleted for a receipt for something else.
            let named = receipt.units.iter().map(|unit| &unit.unit);
            if receipt.sha256 == sent && named.eq(units) {
                return Ok(receipt);
            }
            let reason = format!(
                "its receipt is for {} with {} units, but {sent} was sent, or other units",
                receipt.sha256,
                receipt.units.len()
            );
            Err(self.http.bad_answer(&target, 200, reason))
        })
        .await
    }

    /// Submits an execution.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn submit_execution(
        &self,
        unit: &UnitId,
        lease: Option<&LeaseToken>,
        execution: Payload,
        progress: Option<Progress>,
    ) -> Result<ExecutionReceipt, ClientError> {
        self.synchronise(&execution).await?;
        let (target, sent) = (routes::unit_execution(unit), execution.measure().await?.0);
        let call = submission(&target, lease, execution, progress);
        self.signed(call, |response| async {
            let receipt: ExecutionReceipt = self.http.read_json(&target, response, MAX_SMALL_JSON).await?;
            self.check_receipt(&target, (unit, &sent), (&receipt.unit, &receipt.sha256))?;
            Ok(receipt)
        })
        .await
    }

    /// A receipt for something else is none: the copy here may not be deleted for it.
    fn check_receipt(
        &self,
        target: &str,
        sent: (&UnitId, &Digest),
        received: (&UnitId, &Digest),
    ) -> Result<(), ClientError> {
        if sent == received {
            return Ok(());
        }
        let reason = format!(
            "its receipt is for {} of unit {}, but {} of unit {} was sent",
            received.1, received.0, sent.1, sent.0
        );
        Err(self.http.bad_answer(target, 200, reason))
    }

    /// What this donor has done.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn credit(&self) -> Result<DonorCredit, ClientError> {
        let call = Call::new(Method::GET, routes::DONOR);
        self.signed(call, |response| self.http.read_json(routes::DONOR, response, MAX_SMALL_JSON)).await
    }

    /// What this donor says of itself.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn profile(&self) -> Result<DonorProfile, ClientError> {
        let call = Call::new(Method::GET, routes::PROFILE);
        self.signed(call, |response| self.http.read_json(routes::PROFILE, response, MAX_SMALL_JSON)).await
    }

    /// Changes that, and returns what the distributor has now.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn set_profile(&self, profile: &DonorProfile) -> Result<DonorProfile, ClientError> {
        let mut call = Call::new(Method::PUT, routes::PROFILE);
        call.payload = json_payload(profile)?;
        call.json = true;
        self.signed(call, |response| self.http.read_json(routes::PROFILE, response, MAX_SMALL_JSON)).await
    }

    /// One project.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn project(&self, name: &ProjectName) -> Result<Project, ClientError> {
        let target = routes::project(name);
        let call = Call::new(Method::GET, &target);
        let ask = || async { self.http.read_json(call.target, self.http.send(&call).await?, MAX_LIST_JSON).await };
        self.http.config.retry.run(ask).await
    }

    /// All projects.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses.
    pub async fn projects(&self) -> Result<ProjectList, ClientError> {
        projects::all(false, async |target| {
            let call = Call::new(Method::GET, &target);
            let ask = || async { self.http.read_json(call.target, self.http.send(&call).await?, MAX_LIST_JSON).await };
            self.http.config.retry.run(ask).await
        })
        .await
    }

    /// A program file; its digest is checked.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses, or the file is another.
    pub async fn program(&self, digest: &Digest, progress: Option<Progress>) -> Result<Vec<u8>, ClientError> {
        let target = routes::program(digest);
        let call = Call::new(Method::GET, &target);
        let fetch = || async {
            let response = self.http.send(&call).await?;
            let bytes = self.http.read(&target, response, MAX_PROGRAM_BYTES as u64, progress.as_ref()).await?;
            check_digest(&self.http, &target, digest, &bytes)?;
            Ok(bytes)
        };
        self.http.config.retry.run(fetch).await
    }

    /// An execution, saved to a file once its digest is checked. Returns its bytes.
    ///
    /// # Errors
    /// [`ClientError`] if the distributor cannot be reached or refuses, the file is another or larger than `limit`, or
    /// it cannot be written.
    pub async fn execution(
        &self,
        digest: &Digest,
        limit: u64,
        path: &Path,
        progress: Option<Progress>,
    ) -> Result<u64, ClientError> {
        let target = routes::execution(digest);
        let call = Call::new(Method::GET, &target);
        let progress = progress.as_ref();
        self.signed(call, |response| self.http.save(&target, response, digest, limit, path, progress)).await
    }

    /// Sends a request, signed anew for each try. If our clock is off, the refusal says by how much.
    async fn signed<T, F>(&self, mut call: Call<'_>, read: impl Fn(Response) -> F) -> Result<T, ClientError>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let (content, length) = call.payload.measure().await?;
        call.length = length;
        let unsigned = call.headers.len();
        let call = tokio::sync::Mutex::new(call);
        let once = || async {
            let mut call = call.lock().await;
            for corrected in [false, true] {
                let (time, nonce) = (self.server_now(), Nonce::random()?);
                let signed = self.identity.sign_request(call.method.as_str(), call.target, content, time, nonce);
                call.headers.truncate(unsigned);
                call.headers.extend(signed.to_headers());
                match self.http.send(&call).await {
                    Ok(response) => return read(response).await,
                    Err(ClientError::Refused(problem)) if problem.cause == Cause::ClockSkew && !corrected => {
                        let Some(theirs) = problem.server_time else { return Err(ClientError::Refused(problem)) };
                        self.set_clock(theirs);
                    }
                    Err(error) => return Err(error),
                }
            }
            Err(ClientError::Setup("the clock was corrected and is still refused".to_owned()))
        };
        self.http.config.retry.run(once).await
    }

    /// Asks something small before something large is sent for the first time: if our clock is off, that is found out before
    /// megabytes have travelled in vain.
    async fn synchronise(&self, payload: &Payload) -> Result<(), ClientError> {
        const LARGE: u64 = 1 << 20;
        if !self.synchronised.load(Ordering::Relaxed) && payload.measure().await?.1 > LARGE {
            self.credit().await?;
            self.synchronised.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn set_clock(&self, theirs: Timestamp) {
        self.synchronised.store(true, Ordering::Relaxed);
        let offset = i128::from(theirs.0) - i128::from(Timestamp::now().0);
        self.offset.store(i64::try_from(offset).unwrap_or(0), Ordering::Relaxed);
    }
}

fn submission<'a>(
    target: &'a str,
    lease: Option<&LeaseToken>,
    payload: Payload,
    progress: Option<Progress>,
) -> Call<'a> {
    let mut call = Call::new(Method::PUT, target);
    call.headers.extend(lease.map(|lease| (HEADER_LEASE, lease.to_string())));
    call.payload = payload;
    call.progress = progress;
    call
}

pub(super) fn check_digest(http: &Http, target: &str, expected: &Digest, bytes: &[u8]) -> Result<(), ClientError> {
    let found = Digest::of(bytes);
    if found == *expected {
        return Ok(());
    }
    Err(ClientError::Digest { address: http.address(target), expected: *expected, found })
}
