//! What a unit's process finished comes into the outbox.

use super::{BETWEEN_TRIES, MAX_EXECUTION_BYTES, Stop, Worker};
use crate::child::result;
use crate::progress::notice::Notice;
use crate::state::atomic::Last;
use crate::state::lease::Held;
use crate::state::outbox::{Entry, Kind};
use crate::state::{StateError, outbox};
use protocol::{FailureCause, LeaseMode, MAX_PROOF_BYTES};
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

    pub(super) async fn put_into_outbox(&self, held: &Held, steps: u64, begin: Instant) -> Result<(), Stop> {
        let (kind, most) = match held.lease.mode {
            LeaseMode::Execute => (Kind::Execution, MAX_EXECUTION_BYTES),
            LeaseMode::Both | LeaseMode::Prove => (Kind::Proof, MAX_PROOF_BYTES as u64),
        };
        let (from, to) = (self.folder.work(&held.unit(), kind), outbox::payload(&self.folder, &held.unit(), kind));
        self.take_result(&from, &to, most).await?;
        let entry = loop {
            let (folder, lease) = (self.folder.clone(), held.clone());
            // The disk may be slow, and the other units and the pulse are on this thread.
            let added = tokio::task::spawn_blocking(move || {
                let entry = Entry::of(&folder, &lease, kind, steps)?;
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
        self.forget(held)?;
        let mut worked = begin.elapsed();
        // Working time is counted at each beat of the pulse, which is too coarse for the shortest units.
        self.board
            .with(&held.unit(), |current| worked = worked.min(current.tracker.worked().max(Duration::from_secs(1))));
        self.board.count(|counts| counts.finished += 1);
        self.show.tell(&Notice::Finished {
            unit: entry.unit.to_string(),
            kind: kind.name(),
            steps,
            bytes: entry.bytes,
            seconds: worked.as_secs_f64(),
        });
        Ok(())
    }
}
