//! Delivering what is in the outbox: until it is acknowledged, however long that takes.

use super::backoff::Backoff;
use super::board::Board;
use super::network::Network;
use crate::progress::Show;
use crate::progress::notice::Notice;
use crate::service::connect_through;
use crate::state::ledger::Became;
use crate::state::outbox::{Entry, Kind};
use crate::state::record::RecordError;
use crate::state::{Folder, lease, ledger, outbox};
use cairo_air::claim::MAX_STEPS;
use protocol::client::{Bytes, ClientError, DonorClient, Payload, RetryPolicy};
use protocol::{Cause, Digest, ExecutionReceipt, ExecutionStatus, ProofReceipt, ProofStatus, UnitId, UnitReceipt};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Delivers.
pub struct Deliverer {
    /// The distributor of this session. Results may be for others, of earlier sessions.
    pub client: DonorClient,
    /// Its address as the outbox has it.
    pub server: String,
    /// The board of the session.
    pub board: Arc<Board>,
    /// The state folder.
    pub folder: Folder,
    /// Where to tell.
    pub show: Arc<Show>,
    /// What everything goes through.
    pub network: Arc<Network>,
    /// When to renew the leases of results that wait for the network; never again if it is not given.
    pub renewals: HashMap<UnitId, Option<Instant>>,
    /// Held while a result is on its way.
    pub sending: Arc<tokio::sync::Mutex<()>>,
    /// Results whose delivery was tried in vain, and when to try again.
    pub tries: HashMap<UnitId, (Backoff, Instant)>,
}

/// What became of a result that was taken: in a word, of how many units, and of each.
#[derive(Debug, Clone)]
struct Taken {
    status: &'static str,
    accepted: u64,
    late: u64,
    units: Vec<Became>,
}

impl Taken {
    fn proof(receipt: &ProofReceipt) -> Self {
        let count = |status| receipt.count(status) as u64;
        let (accepted, late) = (count(ProofStatus::Accepted), count(ProofStatus::AlreadyProved));
        let status = match (accepted, late) {
            (1.., _) => ProofStatus::Accepted,
            (0, 1..) => ProofStatus::AlreadyProved,
            (0, 0) => ProofStatus::Withdrawn,
        };
        let unit = |one: &UnitReceipt| Became {
            unit: one.unit,
            status: one.status.name(),
            // No run has more steps, whatever the distributor says.
            steps: if one.status == ProofStatus::Accepted { one.credited_steps.min(MAX_STEPS) } else { 0 },
        };
        Self { status: status.name(), accepted, late, units: receipt.units.iter().map(unit).collect() }
    }

    fn execution(unit: UnitId, receipt: &ExecutionReceipt) -> Self {
        let (status, accepted) = match receipt.status {
            ExecutionStatus::Accepted => ("accepted", 1),
            ExecutionStatus::AlreadyExecuted => ("already_executed", 0),
        };
        Self { status, accepted, late: 1 - accepted, units: vec![Became { unit, status, steps: 0 }] }
    }

    fn credited(&self) -> u64 {
        self.units.iter().fold(0, |sum, one| sum.saturating_add(one.steps))
    }
}

/// What became of a try.
enum Try {
    /// Acknowledged, refused or set aside: it is out of the outbox.
    Done,
    /// To be tried again.
    Later(Duration, String),
}

impl Deliverer {
    /// Delivers for as long as the session lasts.
    pub async fn run(mut self) {
        let mut network = self.board.network.subscribe();
        loop {
            network.mark_unchanged();
            let next = self.round().await;
            let wait = next.map_or(Duration::from_secs(3600), |next| next.saturating_duration_since(Instant::now()));
            tokio::select! {
                () = self.board.outbox.notified() => {}
                _ = network.changed() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Tries everything that is due. Returns when the next try is due.
    async fn round(&mut self) -> Option<Instant> {
        let entries = match self.entries() {
            Ok(entries) => entries,
            Err(message) => {
                self.show.warn(message);
                return Some(Instant::now() + Duration::from_secs(30));
            }
        };
        self.board.set_in_outbox(entries.len());
        if let Some(closed) = self.board.network_closed().filter(|_| !entries.is_empty()) {
            self.board.held_up(Some(format!("results wait in the outbox: {closed}")));
            return self.keep_leases(&entries).await;
        }
        self.renewals.clear();
        let (mut next, mut left, mut held_up) = (None::<Instant>, entries.len(), None);
        for entry in entries {
            let due = self.tries.get(&entry.unit).map(|(_, due)| *due).filter(|due| *due > Instant::now());
            let due = match due {
                Some(due) => due,
                None => match self.attempt(&entry).await {
                    Try::Done => {
                        self.tries.remove(&entry.unit);
                        left -= 1;
                        self.board.set_in_outbox(left);
                        continue;
                    }
                    Try::Later(wait, why) => {
                        held_up = Some(why);
                        self.tries
                            .get(&entry.unit)
                            .map_or_else(Instant::now, |(_, due)| *due)
                            .max(Instant::now() + wait)
                    }
                },
            };
            next = Some(next.map_or(due, |next| next.min(due)));
        }
        if held_up.is_some() || left == 0 {
            self.board.held_up(held_up);
        }
        next
    }

    fn entries(&self) -> Result<Vec<Entry>, String> {
        let (held, _) = lease::all(&self.folder).map_err(|error| error.to_string())?;
        let current: Vec<UnitId> = self.board.current().into_iter().flat_map(|current| current.units).collect();
        // The payload of a running unit may be there while its record is not.
        let held: Vec<_> = held.into_iter().filter(|held| !current.contains(&held.unit())).collect();
        let (entries, damaged) =
            outbox::all(&self.folder, &self.server, &held, &current).map_err(|error| error.to_string())?;
        damaged.iter().for_each(|message| self.show.warn(message));
        Ok(entries)
    }

    /// Renews the leases of results that may not be sent now, so that nobody else does the work again. Returns when to do so next.
    async fn keep_leases(&mut self, entries: &[Entry]) -> Option<Instant> {
        for entry in entries.iter().filter(|entry| entry.server == self.server) {
            let now = Instant::now();
            if self.renewals.get(&entry.unit).is_some_and(|due| due.is_none_or(|due| due > now)) {
                continue;
            }
            // A result whose lease is lost may still be sent; there is nothing to renew.
            let Some(lease) = &entry.lease else { continue };
            let next = match self.client.renew(lease).await {
                Ok(renewed) => Some(renewed.expires_at.since(renewed.now) / 2),
                Err(ClientError::Refused(problem)) if problem.status < 500 => None,
                Err(_) => Some(30),
            };
            let next = next.map(|seconds| now + Duration::from_secs(seconds.clamp(1, 3600)));
            self.renewals.insert(entry.unit, next);
        }
        entries.iter().filter_map(|entry| self.renewals.get(&entry.unit).copied().flatten()).min()
    }

    async fn attempt(&mut self, entry: &Entry) -> Try {
        let sending = Arc::clone(&self.sending);
        let _sending = sending.lock().await;
        match self.send(entry).await {
            Ok(()) => Try::Done,
            Err((why, asked)) => {
                let (backoff, due) = self.tries.entry(entry.unit).or_insert_with(|| (Backoff::new(), Instant::now()));
                let wait = backoff.next(asked);
                *due = Instant::now() + wait;
                let why = format!("the {} of unit {} waits in the outbox: {why}", entry.kind.name(), entry.unit);
                self.show.tell(&Notice::Waiting { why: why.clone(), seconds: wait.as_secs() });
                Try::Later(wait, why)
            }
        }
    }

    /// Sends one result. The error says why it stays in the outbox, and how long the distributor asked to wait.
    async fn send(&self, entry: &Entry) -> Result<(), (String, Option<Duration>)> {
        let disk = |error: String| (error, None);
        let bytes = match entry.read(&self.folder) {
            Ok(bytes) => bytes,
            Err(RecordError::Damaged { path, why }) => {
                let why = format!("{} is damaged: {why}; its unit will be lent to somebody else", path.display());
                self.show.warn(self.folder.set_aside(&path, &why));
                return entry.remove(&self.folder).map_err(|error| disk(error.to_string()));
            }
            Err(error) => return Err(disk(error.to_string())),
        };
        let client = if entry.server == self.server {
            self.client.clone()
        } else {
            let identity = self.client.identity().clone();
            let network = Arc::clone(&self.network);
            connect_through(&entry.server, identity, RetryPolicy::never(), network)
                .map_err(|error| disk(error.to_string()))?
        };
        let lease = entry.lease.as_ref();
        // As it is sent: a proof without the units' names behind it.
        let sha256 = match entry.kind {
            Kind::Proof => Digest::of(outbox::bare(&bytes)),
            Kind::Execution => entry.sha256,
        };
        let sent = match entry.kind {
            Kind::Proof => {
                let proof = client.submit_proof(entry.all_units(), lease, outbox::bare(&bytes), None);
                proof.await.map(|receipt| Taken::proof(&receipt))
            }
            Kind::Execution => {
                let payload = Payload::Bytes(Bytes::from(bytes));
                client
                    .submit_execution(&entry.unit, lease, payload, None)
                    .await
                    .map(|receipt| Taken::execution(entry.unit, &receipt))
            }
        };
        match sent {
            Ok(taken) => self.acknowledged(entry, sha256, &taken),
            Err(ClientError::Refused(problem)) if problem.cause.is_final() => {
                self.refused(entry, sha256, problem.cause, &problem.to_string())
            }
            Err(error) => {
                let asked = error.retry_after();
                return Err((error.to_string(), asked));
            }
        }
        .map_err(|error| disk(error.to_string()))
    }

    fn acknowledged(&self, entry: &Entry, sha256: Digest, taken: &Taken) -> Result<(), RecordError> {
        let (credited, &Taken { status, accepted, late, .. }) = (taken.credited(), taken);
        ledger::write_history(&self.folder, entry, sha256, &taken.units);
        entry.remove(&self.folder)?;
        self.board.count(|counts| {
            counts.delivered += 1;
            counts.steps = counts.steps.saturating_add(credited);
        });
        let kept = ledger::add(&self.folder, |totals| {
            totals.late = totals.late.saturating_add(late);
            let of_its_kind = match entry.kind {
                Kind::Proof => &mut totals.proofs,
                Kind::Execution => &mut totals.executions,
            };
            *of_its_kind = of_its_kind.saturating_add(accepted);
            totals.steps = totals.steps.saturating_add(credited);
        });
        if let Err(error) = kept {
            self.show.warn(error);
        }
        self.show.tell(&Notice::Delivered {
            unit: entry.unit.to_string(),
            units: entry.all_units().len(),
            kind: entry.kind.name(),
            status: status.to_owned(),
            credited_steps: credited,
        });
        Ok(())
    }

    fn refused(&self, entry: &Entry, sha256: Digest, cause: Cause, detail: &str) -> Result<(), RecordError> {
        let refused = |unit: &UnitId| Became { unit: *unit, status: cause.name(), steps: 0 };
        let units: Vec<Became> = entry.all_units().iter().map(refused).collect();
        ledger::write_history(&self.folder, entry, sha256, &units);
        let place = entry.refuse(&self.folder, &format!("{cause}: {detail}"))?;
        // That nobody wants a unit any more is no refusal of the work.
        let gone = matches!(cause, Cause::UnknownUnit | Cause::UnitWithdrawn | Cause::ProjectWithdrawn);
        if !gone {
            self.board.count(|counts| counts.refused += 1);
            if let Err(error) = ledger::add(&self.folder, |totals| ledger::one_more(&mut totals.refused)) {
                self.show.warn(error);
            }
        }
        let detail = format!("{detail}. It is kept as {}", place.display());
        self.show.tell(&Notice::Refused {
            unit: entry.unit.to_string(),
            kind: entry.kind.name(),
            cause: cause.name().to_owned(),
            detail,
        });
        Ok(())
    }
}
