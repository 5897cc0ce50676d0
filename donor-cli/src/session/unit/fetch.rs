//! Getting what the units of a lease need: the signature is looked at, then their files come.

use super::{BETWEEN_TRIES, MAX_EXECUTION_BYTES, Stop, Worker};
use crate::progress::Phase;
use crate::progress::notice::Notice;
use crate::session::Ending;
use crate::session::backoff::Backoff;
use crate::state::lease::Held;
use crate::state::outbox::Kind;
use crate::state::{atomic, ledger, outbox, tidy};
use protocol::client::ClientError;
use protocol::{Cause, Digest, FailureCause, LeaseMode, UnitId};
use std::path::Path;

impl Worker {
    /// Nothing of a stranger is fetched or run before its signature is right.
    pub(super) fn check_signature(&self, held: &Held) -> Result<(), Stop> {
        let project = &held.lease.project;
        let signed = protocol::signing::verify_program(&project.signer, &project.offer(), &project.signature);
        if let Err(error) = signed {
            let detail = format!(
                "the uploader's signature of the program of {} and its limits is not valid: {error}",
                project.name
            );
            return Err(Stop::Failed(FailureCause::BadProgram, detail));
        }
        let mut signers = ledger::Signers::load(&self.folder)?;
        match signers.check(&held.server, &project.name, &project.signer) {
            Ok(true) => Ok(()),
            Ok(false) => Ok(signers.trust(&self.folder, &held.server, &project.name, project.signer)?),
            Err(known) => {
                let detail = format!(
                    "the program of {} is signed by {}, but earlier ones were signed by {known}. If that is right, remove {} and \
                     start again",
                    project.name,
                    project.signer,
                    self.folder.path("signers.json").display()
                );
                Err(Stop::Failed(FailureCause::BadProgram, detail))
            }
        }
    }

    /// Gets the files of a lease before its turn. What goes wrong is told when its turn comes.
    pub async fn fetch_ahead(&self, held: &Held) {
        if self.check_signature(held).is_ok() {
            let _ = self.fetch(held).await;
        }
    }

    /// Gets program and executions, each under its digest. Returns the units whose executions cannot be had.
    pub(super) async fn fetch(&self, held: &Held) -> Result<Vec<(UnitId, FailureCause, String)>, Stop> {
        let program = held.lease.project.program;
        let path = self.folder.program(&program);
        self.clear(&path);
        for unit in held.open() {
            self.clear(&self.folder.execution(&unit.id));
            for kind in [Kind::Proof, Kind::Execution] {
                self.clear(&outbox::payload(&self.folder, &unit.id, kind));
            }
        }
        // The unit's process checks the digest of what lies here again.
        if !std::fs::read(&path).is_ok_and(|bytes| Digest::of(&bytes) == program) {
            let bytes = self.download(FailureCause::BadProgram, || self.client.program(&program, None)).await?;
            self.store(&path, &bytes).await?;
        }
        tidy::used(&path);
        self.report(held, Phase::Download, 0.5);
        let mut failed = Vec::new();
        for (number, unit) in (1..).zip(held.open()) {
            let Some(execution) = unit.execution.filter(|_| held.lease.mode == LeaseMode::Prove) else { continue };
            let path = self.folder.execution(&unit.id);
            if !std::fs::read(&path).is_ok_and(|bytes| Digest::of(&bytes) == execution.sha256) {
                let fetch = || self.client.execution(&execution.sha256, MAX_EXECUTION_BYTES, &path, None);
                match self.download(FailureCause::BadExecution, fetch).await {
                    Err(Stop::Failed(cause, detail)) => failed.push((unit.id, cause, detail)),
                    fetched => drop(fetched?),
                }
            }
            self.report(held, Phase::Download, 0.5 + 0.5 * f64::from(number) / held.left.len() as f64);
        }
        self.report(held, Phase::Download, 1.0);
        Ok(failed)
    }

    /// A folder where a file is to be is moved out of the way.
    fn clear(&self, path: &Path) {
        if path.is_dir() {
            let why = format!("{} is a folder, where a file was expected", path.display());
            self.show.warn(self.folder.set_aside(path, &why));
        }
    }

    /// Downloads, however long the distributor is out of reach. A file that is not there, or again and again another than
    /// announced, fails the unit.
    async fn download<T, F>(&self, cause: FailureCause, fetch: impl Fn() -> F) -> Result<T, Stop>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let (mut backoff, mut wrong) = (Backoff::new(), 0);
        loop {
            self.wait_for_network().await?;
            let error = tokio::select! {
                answer = fetch() => match answer {
                    Ok(answer) => return Ok(answer),
                    Err(error) => error,
                },
                () = self.board.ends(Ending::Now) => return Err(Stop::Interrupted),
            };
            wrong += u32::from(matches!(error, ClientError::Digest { .. }));
            let missing = error.cause() == Some(Cause::UnknownBlob) || matches!(error, ClientError::TooLarge { .. });
            if wrong >= 2 || missing {
                return Err(Stop::Failed(cause, error.to_string()));
            }
            let wait = backoff.next(error.retry_after());
            self.show.tell(&Notice::Waiting { why: error.to_string(), seconds: wait.as_secs() });
            self.pause(wait).await?;
        }
    }

    /// Waits until something may go over the network, telling why.
    async fn wait_for_network(&self) -> Result<(), Stop> {
        let Some(closed) = self.board.network_closed() else { return Ok(()) };
        self.show.warn(format!("a download waits: {closed}"));
        tokio::select! {
            () = self.board.network_opens() => Ok(()),
            () = self.board.ends(Ending::Now) => Err(Stop::Interrupted),
        }
    }

    /// Writes a file, waiting for space if there is none.
    async fn store(&self, path: &Path, bytes: &[u8]) -> Result<(), Stop> {
        loop {
            match atomic::write(path, bytes) {
                Ok(()) => return Ok(()),
                Err(error) if error.is_full() => {
                    self.show.warn(&error);
                    self.pause(BETWEEN_TRIES).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
