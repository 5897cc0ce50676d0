//! Simulated donors who do as the protocol says: they lease, prove, submit, keep what is not acknowledged, and come back
//! when they are told to.
//!
//! Each stands for a machine of its own. Where a pace is given, a unit takes that long from lease to submission, whatever the
//! processors of this machine are busy with; so what slows a donor down is the distributor alone.

use crate::grid::PROJECT;
use crate::ledger::{Acknowledged, Cycle, Ledger};
use crate::prover::Prover;
use crate::wire::{Answer, Wire, sign};
use anyhow::Context as _;
use bytes::Bytes;
use hyper::{Method, StatusCode};
use protocol::{
    Cause, Digest, DonorLimits, HEADER_LEASE, Identity, Lease, LeaseMode, LeaseRequest, ProofReceipt, ProofStatus,
    RequestKey, Timestamp, UnitId, Versions, routes, trailer,
};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Waits between tries, where nothing else is said.
const AGAIN: Duration = Duration::from_millis(200);

/// What donors have in common.
#[derive(Clone)]
pub struct CrowdPlan {
    /// The distributor.
    pub server: SocketAddr,
    /// Who proves.
    pub prover: Prover,
    /// What is acknowledged.
    pub ledger: Arc<Ledger>,
    /// How long a unit takes from lease to submission; as long as it takes if not given.
    pub pace: Option<Duration>,
    /// The longest wait that is obeyed: trials have no time for a real donor's patience.
    pub longest_wait: Duration,
}

/// Donors at work.
pub struct Crowd {
    stop: watch::Sender<bool>,
    donors: Vec<JoinHandle<anyhow::Result<()>>>,
}

impl Crowd {
    /// So many donors, each from an address of its own: 127.0.2.1 and so on.
    pub fn start(plan: &CrowdPlan, count: u8) -> Self {
        let (stop, stopped) = watch::channel(false);
        let donors = (1..=count).map(|number| {
            let identity = Identity::from_seed(&[number; 32]);
            let from = IpAddr::V4(Ipv4Addr::new(127, 0, 2, number));
            let donor = Donor {
                wire: Wire::new(from, plan.server),
                identity,
                plan: plan.clone(),
                stopped: stopped.clone(),
                offset: 0,
            };
            tokio::spawn(donor.work())
        });
        Self { donors: donors.collect(), stop }
    }

    /// Lets each finish its unit, and waits for them.
    ///
    /// # Errors
    /// If a donor could not do its part: not for a refusal, which is noted in the ledger.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.stop.send_replace(true);
        for donor in self.donors {
            donor.await??;
        }
        Ok(())
    }
}

struct Donor {
    wire: Wire,
    identity: Identity,
    plan: CrowdPlan,
    stopped: watch::Receiver<bool>,
    /// The distributor's clock less ours, in seconds, as a refusal has told.
    offset: i64,
}

impl Donor {
    async fn work(mut self) -> anyhow::Result<()> {
        while !*self.stopped.borrow() {
            let begin = Instant::now();
            let mut waited = Duration::ZERO;
            let Some(lease) = self.lease(&mut waited).await? else { break };
            let leased = Instant::now();
            let donor = self.identity.donor_key();
            let unit = lease.units.first().context("a lease of no unit")?;
            let (proof, _) = self.plan.prover.prove(unit.arguments.clone(), donor).await?;
            if let Some(pace) = self.plan.pace {
                let proved = leased.elapsed();
                if proved > pace {
                    // Then this machine slows the donor down, which it must not.
                    self.plan.ledger.trouble("slower than its pace".to_owned());
                }
                tokio::time::sleep_until(leased + pace).await;
            }
            if self.submit(&lease, unit.id, proof, &mut waited).await? {
                self.plan.ledger.cycle(Cycle { whole: begin.elapsed(), waited });
            }
        }
        Ok(())
    }

    /// A unit; `None` if there is none left, or it is time to stop.
    async fn lease(&mut self, waited: &mut Duration) -> anyhow::Result<Option<Lease>> {
        let request = LeaseRequest {
            request: RequestKey::random()?,
            project: Some(PROJECT.parse()?),
            mode: LeaseMode::Both,
            limits: DonorLimits::alone(1 << 24, 1 << 33, 0),
            versions: Versions::current("trial"),
        };
        let body = Bytes::from(serde_json::to_vec(&request)?);
        while !*self.stopped.borrow() {
            let answer = self.ask(&Method::POST, routes::LEASES, None, &body, waited).await?;
            let Some(answer) = answer else { continue };
            match answer.status {
                StatusCode::OK => return Ok(Some(answer.json()?)),
                StatusCode::NO_CONTENT => {
                    let reason = answer.headers.get("cairn-reason").map(|reason| reason.to_str().unwrap_or("?"));
                    if let Some(reason) = reason.filter(|reason| *reason != "empty") {
                        self.plan.ledger.trouble(format!("no work: {reason}"));
                    }
                    self.wait(answer.retry_after(), waited).await;
                }
                _ => self.refused("lease", &answer, waited).await,
            }
        }
        Ok(None)
    }

    /// Brings a proof until it is acknowledged: it is kept whatever happens. Whether it was.
    async fn submit(
        &mut self,
        lease: &Lease,
        unit: UnitId,
        proof: Vec<u8>,
        waited: &mut Duration,
    ) -> anyhow::Result<bool> {
        let sha256 = Digest::of(&proof);
        let target = routes::proof(&sha256);
        let body = Bytes::from([proof, trailer(&[unit])?].concat());
        loop {
            let token = Some(lease.token.to_string());
            let Some(answer) = self.ask(&Method::PUT, &target, token, &body, waited).await? else { continue };
            if answer.status == StatusCode::OK {
                let receipt: ProofReceipt = answer.json()?;
                let named = receipt.units.iter().map(|unit| unit.unit).eq([unit]);
                anyhow::ensure!(named && receipt.sha256 == sha256, "a receipt for something else: {receipt:?}");
                if receipt.count(ProofStatus::Accepted) == 0 {
                    self.plan.ledger.trouble("another was quicker".to_owned());
                    return Ok(false);
                }
                let steps = receipt.credited_steps();
                let donor = self.identity.donor_key();
                self.plan.ledger.acknowledge(Acknowledged { unit, sha256, donor, steps });
                return Ok(true);
            }
            let cause = answer.cause();
            self.refused("proof", &answer, waited).await;
            if !cause.is_some_and(Cause::is_temporary) {
                return Ok(false);
            }
        }
    }

    /// One request, signed; `None` if it broke, after a wait.
    async fn ask(
        &mut self,
        method: &Method,
        target: &str,
        lease: Option<String>,
        body: &Bytes,
        waited: &mut Duration,
    ) -> anyhow::Result<Option<Answer>> {
        let time = Timestamp(Timestamp::now().0.saturating_add_signed(self.offset));
        let mut headers = sign(&self.identity, method, target, body, time)?;
        headers.extend(lease.map(|token| (HEADER_LEASE, token)));
        let begin = Instant::now();
        let answer = self.wire.ask(method, target, &headers, body.clone()).await;
        *waited += begin.elapsed();
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(_) => {
                self.plan.ledger.trouble("no answer".to_owned());
                self.wait(Some(AGAIN), waited).await;
                Ok(None)
            }
        }
    }

    async fn refused(&mut self, what: &str, answer: &Answer, waited: &mut Duration) {
        let cause = answer.cause().unwrap_or(Cause::Unknown);
        self.plan.ledger.trouble(format!("{what}: {cause}"));
        if cause == Cause::ClockSkew
            && let Some(theirs) = answer.json::<protocol::Problem>().ok().and_then(|problem| problem.server_time)
        {
            self.offset = (theirs.0 as i64).saturating_sub(Timestamp::now().0 as i64);
            return;
        }
        self.wait(answer.retry_after().or(Some(AGAIN)), waited).await;
    }

    async fn wait(&mut self, asked: Option<Duration>, waited: &mut Duration) {
        let wait = asked.unwrap_or(AGAIN).min(self.plan.longest_wait);
        let begin = Instant::now();
        // A signal to stop ends the wait; a sender that is gone is one, too.
        let _ = tokio::time::timeout(wait, self.stopped.wait_for(|stopped| *stopped)).await;
        *waited += begin.elapsed();
    }
}
