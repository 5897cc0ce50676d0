//! Leases that nobody means to work on.

use super::{Attacker, Deed};
use crate::wire::{Answer, sign};
use bytes::Bytes;
use hyper::{Method, StatusCode};
use protocol::{
    DonorLimits, FailureCause, FailureReport, GivenBack, Identity, Lease, LeaseMode, LeaseRequest, RequestKey,
    Timestamp, Versions, routes,
};
use rand::Rng as _;

impl Attacker {
    /// A signed request of this attacker.
    pub(super) async fn signed(
        &mut self,
        deed: Deed,
        method: &Method,
        target: &str,
        more: Option<(&'static str, String)>,
        body: Bytes,
    ) -> anyhow::Result<Answer> {
        let mut headers = sign(&self.identity, method, target, &body, Timestamp::now())?;
        headers.extend(more);
        let answer = self.wire.ask(method, target, &headers, body).await?;
        self.tally.answer(deed, &answer);
        Ok(answer)
    }

    /// Takes a lease, if there is one.
    pub(super) async fn take(&mut self, deed: Deed, mode: LeaseMode) -> anyhow::Result<Option<Lease>> {
        let request = LeaseRequest {
            request: RequestKey::random()?,
            project: None,
            mode,
            limits: DonorLimits::alone(1 << 40, 1 << 50, 0),
            versions: Versions::current("x".repeat(self.random.random_range(0..2000))),
        };
        let body = Bytes::from(serde_json::to_vec(&request)?);
        let answer = self.signed(deed, &Method::POST, routes::LEASES, None, body).await?;
        if answer.status != StatusCode::OK {
            return Ok(None);
        }
        let lease: Lease = answer.json()?;
        self.orders.material.learn(&self.identity, &lease);
        Ok(Some(lease))
    }

    pub(super) async fn hoard(&mut self) -> anyhow::Result<()> {
        for _ in 0..5 {
            if self.take(Deed::Hoard, LeaseMode::Both).await?.is_none() {
                break;
            }
        }
        Ok(())
    }

    pub(super) async fn renew(&mut self) -> anyhow::Result<()> {
        let Some((identity, token)) = self.orders.material.lease(self.random.random_range(0..usize::MAX)) else {
            return self.hoard().await;
        };
        let _own: Identity = std::mem::replace(&mut self.identity, identity);
        self.signed(Deed::Renew, &Method::POST, &routes::renew(&token), None, Bytes::new()).await?;
        Ok(())
    }

    pub(super) async fn report(&mut self) -> anyhow::Result<()> {
        let mode = if self.random.random() { LeaseMode::Both } else { LeaseMode::Execute };
        let cause = FailureCause::ALL.get(self.random.random_range(0..FailureCause::ALL.len())).copied();
        self.fail(Deed::Report, mode, cause.unwrap_or(FailureCause::Panic)).await
    }

    pub(super) async fn report_bad_execution(&mut self) -> anyhow::Result<()> {
        self.fail(Deed::ReportBadExecution, LeaseMode::Prove, FailureCause::BadExecution).await
    }

    async fn fail(&mut self, deed: Deed, mode: LeaseMode, cause: FailureCause) -> anyhow::Result<()> {
        if let Some(lease) = self.take(deed, mode).await? {
            let detail = "\u{1b}[2J it failed \u{202e}".repeat(self.random.random_range(0..200));
            let body = Bytes::from(serde_json::to_vec(&GivenBack {
                units: Vec::new(),
                failure: Some(FailureReport { cause, detail }),
            })?);
            self.signed(deed, &Method::DELETE, &routes::lease(&lease.token), None, body).await?;
        }
        Ok(())
    }
}
