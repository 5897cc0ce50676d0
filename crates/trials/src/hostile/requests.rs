//! Small requests, far too many or far too strange.

use super::{Attacker, Deed, identity};
use crate::wire::sign;
use bytes::Bytes;
use hyper::Method;
use protocol::{LeaseMode, Timestamp, routes};
use rand::Rng as _;

/// Everything that is counted, made or large, and queries at the ends of their ranges.
const PUBLIC: [&str; 7] = ["/v1/projects", "/metrics", "/openapi.json", "/docs", "/", "/readyz", "/v1/nothing"];
const QUERIES: [&str; 6] = [
    "limit=1000",
    "limit=1",
    "limit=4294967295",
    "limit=1000&cursor=18446744073709551615",
    "limit=1000&cursor=9223372036854775807",
    "limit=-1&state=proved",
];

impl Attacker {
    pub(super) async fn pages(&mut self) -> anyhow::Result<()> {
        let (key, project) = self.orders.uploader.clone();
        for _ in 0..4 {
            let query = QUERIES.get(self.random.random_range(0..QUERIES.len())).copied().unwrap_or_default();
            let target = match self.random.random_range(0..3) {
                0 => PUBLIC.get(self.random.random_range(0..PUBLIC.len())).copied().unwrap_or_default().to_owned(),
                1 => format!("/v1/projects/{project}/units?{query}"),
                _ => format!("/v1/projects/{project}/results?{query}"),
            };
            let headers = [("authorization", format!("Bearer {}", key.reveal()))];
            let answer = self.wire.ask(&Method::GET, &target, &headers, Bytes::new()).await?;
            self.tally.answer(Deed::Pages, &answer);
        }
        Ok(())
    }

    pub(super) async fn nonces(&mut self) -> anyhow::Result<()> {
        for _ in 0..10 {
            self.signed(Deed::Nonces, &Method::GET, routes::DONOR, None, Bytes::new()).await?;
        }
        Ok(())
    }

    pub(super) async fn keys(&mut self) -> anyhow::Result<()> {
        for _ in 0..3 {
            self.identity = identity(self.random.random());
            self.signed(Deed::Keys, &Method::GET, routes::DONOR, None, Bytes::new()).await?;
            self.take(Deed::Keys, LeaseMode::Both).await?;
        }
        Ok(())
    }

    pub(super) async fn replays(&mut self) -> anyhow::Result<()> {
        let now = Timestamp::now();
        let time = match self.random.random_range(0..4) {
            0 => Timestamp(0),
            1 => Timestamp(u64::MAX),
            2 => now.plus(299),
            _ => now,
        };
        let mut headers = sign(&self.identity, &Method::GET, routes::DONOR, b"", time)?;
        if self.random.random()
            && let Some((_, value)) = headers.get_mut(self.random.random_range(0..5))
        {
            // Still hexadecimal digits, or decimal ones, and another value.
            *value = value.chars().rev().collect();
        }
        for _ in 0..3 {
            let answer = self.wire.ask(&Method::GET, routes::DONOR, &headers, Bytes::new()).await?;
            self.tally.answer(Deed::Replays, &answer);
        }
        Ok(())
    }

    pub(super) async fn json(&mut self) -> anyhow::Result<()> {
        let body = match self.random.random_range(0..4) {
            0 => Bytes::from("[".repeat(60_000)),
            1 => Bytes::from(format!("{{\"request\":\"{}\"}}", "f".repeat(60_000))),
            2 => Bytes::from_static(b"{\"limits\":{\"max_steps\":99999999999999999999999}}"),
            _ => self.garbage(60_000),
        };
        self.signed(Deed::Json, &Method::POST, routes::LEASES, None, body).await?;
        Ok(())
    }
}
