//! Proofs and executions that are none.

use super::{Attacker, Deed, invented};
use bytes::Bytes;
use hyper::Method;
use protocol::{Digest, HEADER_LEASE, LeaseMode, LeaseToken, UnitId, routes, trailer};
use rand::Rng as _;

impl Attacker {
    pub(super) async fn invent(&mut self) -> anyhow::Result<()> {
        let (unit, arguments, token) = match self.take(Deed::Invent, LeaseMode::Execute).await? {
            Some(lease) => (lease.units[0].id, lease.units[0].arguments.clone(), Some(lease.token)),
            None => match self.orders.material.unit(self.random.random_range(0..usize::MAX)) {
                Some((unit, arguments)) => (unit, arguments, None),
                None => return Ok(()),
            },
        };
        let count = self.random.random_range(0..1000);
        let file = invented(&self.orders.material.execution, &arguments, count)?;
        self.submit(Deed::Invent, routes::unit_execution(&unit), token, file.into()).await
    }

    pub(super) async fn forge(&mut self) -> anyhow::Result<()> {
        let (unit, token) = self.target(Deed::Forge).await?;
        let honest = self.orders.material.proof.clone();
        let body = match self.random.random_range(0..5) {
            0 => self.garbage(256 << 10),
            1 => self.altered(honest),
            2 => Bytes::new(),
            3 => Bytes::from(honest.into_iter().take(1000).collect::<Vec<_>>()),
            // Somebody else's, of some unit.
            _ => honest.into(),
        };
        let target = routes::proof(&Digest::of(&body));
        let body = match (self.random.random_range(0..8), trailer(&[unit])) {
            (1.., Ok(trailer)) => Bytes::from([&body[..], &trailer].concat()),
            _ => body,
        };
        self.submit(Deed::Forge, target, token, body).await
    }

    /// A proof with some bytes changed.
    fn altered(&mut self, mut proof: Vec<u8>) -> Bytes {
        for _ in 0..self.random.random_range(1..4) {
            let place = self.random.random_range(0..proof.len().max(1));
            if let Some(byte) = proof.get_mut(place) {
                *byte ^= 1 << self.random.random_range(0..8);
            }
        }
        proof.into()
    }

    /// A unit to send something for, with a lease or without.
    async fn target(&mut self, deed: Deed) -> anyhow::Result<(UnitId, Option<LeaseToken>)> {
        if self.random.random()
            && let Some(lease) = self.take(deed, LeaseMode::Both).await?
        {
            return Ok((lease.units[0].id, Some(lease.token)));
        }
        let known = self.orders.material.unit(self.random.random_range(0..usize::MAX));
        Ok((known.map_or(UnitId::random()?, |(unit, _)| unit), None))
    }

    async fn submit(
        &mut self,
        deed: Deed,
        target: String,
        token: Option<LeaseToken>,
        body: Bytes,
    ) -> anyhow::Result<()> {
        let lease = token.map(|token| (HEADER_LEASE, token.to_string()));
        self.signed(deed, &Method::PUT, &target, lease, body).await?;
        Ok(())
    }
}
