//! What the process of units finished comes into the outbox.

use super::process::Finished;
use super::{BETWEEN_TRIES, MAX_EXECUTION_BYTES, Stop, Work, Worker};
use crate::child::result;
use crate::progress::notice::Notice;
use crate::state::atomic::Last;
use crate::state::outbox::{Entry, Kind};
use crate::state::{StateError, outbox};
use protocol::{FailureCause, MAX_PROOF_BYTES, MAX_TRAILER, UnitId, trailer};
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

impl Worker {
    /// Takes what the unit's process wrote, waiting if the disk does not let it.
    async fn take_result(&self, from: &Path, to: &Path, most: u64) -> Result<(), Stop> {
        loop {
            let (source, place) = (from.to_owned(), to.to_owned());
            let taken = tokio::task::spawn_blocking(move || result::take(&source, &place, most, Last::Power)).await;
            match taken {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) if matches!(error.error.kind(), ErrorKind::InvalidData | ErrorKind::NotFound) => {
                    // It may be in its place already, if that could not be made sure of.
                    if to.exists() && !from.exists() {
                        return Ok(());
                    }
                    let detail = format!("the work unit's process said that it has finished, but {error}");
                    return Err(Stop::Failed(FailureCause::Crash, detail));
                }
                Ok(Err(error)) => self.show.warn(error),
                Err(error) => self.show.warn(format!("moving a result broke off: {error}")),
            }
            self.pause(BETWEEN_TRIES).await?;
        }
    }

    /// Puts a result into the outbox: after this its units are done. A proof is followed by the list of its units there, as it is
    /// sent.
    pub(super) async fn put_into_outbox(
        &self,
        work: &mut Work,
        finished: &Finished,
        kind: Kind,
        begin: Instant,
    ) -> Result<(), Stop> {
        let Some(first) = finished.units.first().copied() else { return Ok(()) };
        let (from, most) = match kind {
            Kind::Execution => (self.folder.work(&first, kind), MAX_EXECUTION_BYTES),
            Kind::Proof => (self.folder.work(&work.held.unit(), kind), MAX_PROOF_BYTES as u64),
        };
        let to = outbox::payload(&self.folder, &first, kind);
        if kind == Kind::Proof {
            self.name_units(&from, &finished.units).await?;
            self.take_result(&from, &to, most + MAX_TRAILER as u64).await?;
        } else {
            self.take_result(&from, &to, most).await?;
        }
        let entry = loop {
            let (folder, lease, steps) = (self.folder.clone(), work.held.clone(), finished.steps);
            // The disk may be slow, and the other units and the pulse are on this thread.
            let added = tokio::task::spawn_blocking(move || {
                let entry = Entry::of(&folder, &lease, first, kind, steps)?;
                entry.add(&folder)?;
                Ok::<_, StateError>(entry)
            });
            match added.await {
                Ok(Ok(entry)) => break entry,
                // The payload is safe. Until its record is written too, a restart finds it by the lease.
                Ok(Err(error)) => self.show.warn(error),
                Err(error) => self.show.warn(format!("writing into the outbox broke off: {error}")),
            }
            self.pause(BETWEEN_TRIES).await?;
        };
        self.done(&mut work.held, &finished.units)?;
        work.finished += finished.units.len() as u64;
        let mut worked = begin.elapsed();
        // Working time is counted at each beat of the pulse, which is too coarse for the shortest units.
        self.board.with(&work.held.unit(), |current| {
            worked = worked.min(current.tracker.worked().max(Duration::from_secs(1)))
        });
        self.board.count(|counts| counts.finished += 1);
        self.show.tell(&Notice::Finished {
            unit: entry.unit.to_string(),
            units: finished.units.len(),
            kind: kind.name(),
            steps: finished.steps,
            bytes: entry.bytes,
            seconds: worked.as_secs_f64(),
        });
        Ok(())
    }

    /// Writes the list of units behind a proof, waiting if the disk does not let it. The process that wrote the proof has ended, or
    /// is ended before anything of the file counts.
    async fn name_units(&self, path: &Path, units: &[UnitId]) -> Result<(), Stop> {
        let trailer = trailer(units).map_err(|error| Stop::Failed(FailureCause::Crash, error.to_string()))?;
        loop {
            let (path, trailer) = (path.to_owned(), trailer.clone());
            let named = tokio::task::spawn_blocking(move || result::append(&path, &trailer)).await;
            match named {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) if matches!(error.error.kind(), ErrorKind::InvalidData | ErrorKind::NotFound) => {
                    let detail = format!("the work unit's process said that it has finished, but {error}");
                    return Err(Stop::Failed(FailureCause::Crash, detail));
                }
                Ok(Err(error)) => self.show.warn(error),
                Err(error) => self.show.warn(format!("writing behind a proof broke off: {error}")),
            }
            self.pause(BETWEEN_TRIES).await?;
        }
    }
}
