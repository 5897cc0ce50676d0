//! One walk through the distributor's list of results.

use crate::check_proof::{Refusal, Refused, check_proof};
use crate::error::Error;
use crate::journal::Journal;
use crate::local::Record;
use crate::row::Row;
use crate::show::Printer;
use cairo_air::{Policy, Program};
use futures_util::stream::{self, StreamExt as _};
use protocol::client::{ClientError, UploaderClient};
use protocol::{Cause, Digest, ExternalId, Felts, UnitResult};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::sync::oneshot;

/// Results of one page.
const PAGE: u32 = 256;

/// Results that are not believed, after which nothing more is asked for: who lies so often lies without end.
const MOST_REFUSED: usize = 1000;

/// Proofs that are fetched or verified at once, and in memory.
const AT_ONCE: usize = 16;

/// What is collected and how.
pub struct Settings {
    /// The uploader's own record.
    pub record: Record,
    /// The uploader's own program.
    pub program: Program,
    /// What proofs must be.
    pub policy: Policy,
}

/// What became of a page: rows whose proofs hold, and the others, each with the cursor before it.
#[derive(Default)]
struct Verified {
    good: Vec<Row>,
    bad: Vec<(u64, Refused)>,
    /// Why the page was not finished.
    error: Option<Error>,
}

/// A collection from one distributor: own record and program on one side, the distributor's claims on the other.
pub struct Session<'a> {
    client: &'a UploaderClient,
    settings: Arc<Settings>,
    pushed: BTreeMap<ExternalId, Felts>,
    printer: Printer,
    /// Verified rows on disk; without it rows are taken as they are listed.
    journal: Option<Journal>,
    listed: Vec<Row>,
    refused: Vec<Refused>,
    seen: HashSet<ExternalId>,
    cursor: u64,
    page: u32,
}

impl<'a> Session<'a> {
    /// A session that verifies, with a journal, or one that only lists.
    pub fn new(
        client: &'a UploaderClient,
        settings: Settings,
        journal: Option<Journal>,
        printer: Printer,
    ) -> Result<Self, Error> {
        let pushed = settings.record.by_id();
        for row in journal.iter().flat_map(Journal::rows) {
            if pushed.get(&row.unit).is_none_or(|arguments| arguments.0 != row.arguments) {
                return Err(Error::JournalDiffers { unit: row.unit.clone() });
            }
        }
        let cursor = journal.as_ref().map_or(0, Journal::cursor);
        Ok(Self {
            client,
            settings: Arc::new(settings),
            pushed,
            printer,
            journal,
            listed: Vec::new(),
            refused: Vec::new(),
            seen: HashSet::new(),
            cursor,
            page: PAGE,
        })
    }

    /// The distributor must offer the program that was pushed.
    ///
    /// # Errors
    /// If it offers another one, or cannot be asked.
    pub async fn check_project(&self) -> Result<protocol::Project, Error> {
        let record = &self.settings.record;
        let project = self.client.project(&record.project).await?;
        let (found, expected) = (project.spec.program_hash, record.program_hash);
        if found != expected || project.spec.program != record.program {
            return Err(Error::OtherProgramOffered { project: record.project.clone(), found, expected });
        }
        Ok(project)
    }

    /// Takes in everything that is listed after the cursor.
    ///
    /// # Errors
    /// If the distributor cannot be asked, its list makes no sense, or local files cannot be written. A result that is not
    /// believed is no error here: see [`Session::refused`].
    pub async fn advance(&mut self) -> Result<(), Error> {
        loop {
            let page = match self.client.results(&self.settings.record.project, self.cursor, self.page).await {
                // Long outputs.
                Err(ClientError::TooLarge { .. }) if self.page > 1 => {
                    self.page /= 2;
                    continue;
                }
                page => page?,
            };
            let mut last = self.cursor;
            for result in &page.results {
                if result.cursor <= last {
                    return Err(Error::BadList { cursor: result.cursor, after: last });
                }
                last = result.cursor;
            }
            if page.results.len() > self.page as usize || page.next != last || (page.more && page.results.is_empty()) {
                return Err(Error::BadList { cursor: page.next, after: last });
            }
            let refused_before = self.refused.len();
            let first_refused = self.take_page(&page.results).await?;
            // What was refused is listed again next time: the stored cursor stays before it.
            let whole = self.refused.len() == refused_before && refused_before == 0;
            let safe = if whole { Some(last) } else { first_refused.filter(|_| refused_before == 0) };
            if let (Some(journal), Some(safe)) = (&mut self.journal, safe) {
                journal.add(Vec::new(), Some(safe.max(journal.cursor())))?;
            }
            self.cursor = last;
            if !page.more || self.refused.len() >= MOST_REFUSED {
                return Ok(());
            }
        }
    }

    /// Goes back to the beginning of the list; what is verified stays.
    pub fn restart(&mut self) {
        self.cursor = 0;
        self.seen.clear();
        self.listed.clear();
    }

    /// Takes a page in. Gives the cursor before the first refused result, if one was refused.
    async fn take_page(&mut self, results: &[UnitResult]) -> Result<Option<u64>, Error> {
        let mut before = self.cursor;
        let mut first_refused = None;
        let mut rows = Vec::new();
        for result in results {
            match self.admit(result) {
                Ok(Some(row)) => rows.push((before, row)),
                Ok(None) => {}
                Err(reason) => {
                    first_refused.get_or_insert(before);
                    self.refused.push(Refused { unit: result.external_id.clone(), reason });
                }
            }
            before = result.cursor;
        }
        let Some(journal) = &self.journal else {
            self.listed.extend(rows.into_iter().map(|(_, row)| row));
            return Ok(first_refused);
        };
        let verified = self.verify(journal, rows).await;
        for (before, refused) in verified.bad {
            first_refused = Some(first_refused.map_or(before, |first: u64| first.min(before)));
            self.refused.push(refused);
        }
        if let Some(journal) = &mut self.journal {
            journal.add(verified.good, None)?;
        }
        if let Some(error) = verified.error {
            return Err(error);
        }
        Ok(first_refused)
    }

    /// What can be told without the proof. `None` for a result that was collected before.
    fn admit(&mut self, result: &UnitResult) -> Result<Option<Row>, Refusal> {
        let expected = self.pushed.get(&result.external_id).ok_or(Refusal::NotPushed)?;
        if *expected != result.arguments {
            return Err(Refusal::Arguments { found: result.arguments.clone(), expected: expected.clone() });
        }
        if !self.seen.insert(result.external_id.clone()) {
            return Err(Refusal::Repeated);
        }
        let proof = &result.proof;
        match self.journal.as_ref().and_then(|journal| journal.proof_of(&result.external_id)) {
            Some(before) if before == proof.sha256 => return Ok(None),
            Some(before) => return Err(Refusal::OtherProof { found: proof.sha256, before }),
            None => {}
        }
        Ok(Some(Row {
            unit: result.external_id.clone(),
            arguments: expected.0.clone(),
            output: proof.output.0.clone(),
            n_steps: proof.n_steps,
            proof: proof.sha256,
            prover: proof.prover,
            verified: self.journal.is_some(),
        }))
    }

    /// Fetches the proofs and verifies them, several at a time. Each row stands with the cursor before it.
    async fn verify(&self, journal: &Journal, rows: Vec<(u64, Row)>) -> Verified {
        let (done, broken) = (AtomicUsize::new(journal.rows().len()), AtomicBool::new(false));
        let mut checked = stream::iter(rows)
            .map(async |(before, row)| {
                if broken.load(Ordering::Relaxed) {
                    return None;
                }
                let outcome = self.verify_one(journal, row).await;
                broken.fetch_or(outcome.is_err(), Ordering::Relaxed);
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                self.printer.progress(format_args!("{done} of {} units verified", self.pushed.len()));
                Some(outcome.map(|(row, outcome)| (before, row, outcome)))
            })
            .buffered(AT_ONCE);
        let mut verified = Verified::default();
        // After an error no proof is begun, but those under way are finished and kept.
        while let Some(one) = checked.next().await {
            match one {
                Some(Ok((_, row, Ok(())))) => verified.good.push(row),
                Some(Ok((before, row, Err(reason)))) => verified.bad.push((before, Refused { unit: row.unit, reason })),
                Some(Err(error)) => drop(verified.error.get_or_insert(error)),
                None => {}
            }
        }
        verified
    }

    /// Fetches one proof, verifies it and keeps it if it is good.
    async fn verify_one(&self, journal: &Journal, row: Row) -> Result<(Row, Result<(), Refusal>), Error> {
        let proof = match self.fetch(journal, &row.proof).await? {
            Ok(proof) => proof,
            Err(reason) => return Ok((row, Err(reason))),
        };
        let settings = Arc::clone(&self.settings);
        let (answer, checked) = oneshot::channel();
        rayon::spawn(move || {
            let outcome = check_proof(&settings.program, &row, &proof, &settings.policy);
            // Nobody waits any more if another proof could not be fetched.
            let _ = answer.send((row, proof, outcome));
        });
        let (row, proof, outcome) =
            checked.await.map_err(|_| Error::Internal("a verification broke off".to_owned()))?;
        if outcome.is_ok() {
            journal.store_proof(&row.proof, &proof)?;
        }
        Ok((row, outcome))
    }

    /// A proof, from disk if it is there.
    async fn fetch(&self, journal: &Journal, digest: &Digest) -> Result<Result<Vec<u8>, Refusal>, Error> {
        if let Some(proof) = journal.stored_proof(digest) {
            return Ok(Ok(proof));
        }
        match self.client.proof(digest).await {
            Ok(proof) => Ok(Ok(proof)),
            Err(ClientError::Digest { found, expected, .. }) => Ok(Err(Refusal::Digest { found, expected })),
            Err(error @ ClientError::TooLarge { .. }) => Ok(Err(Refusal::NoProof(error.to_string()))),
            Err(error) if error.cause() == Some(Cause::UnknownBlob) => Ok(Err(Refusal::NoProof(error.to_string()))),
            Err(error) => Err(error.into()),
        }
    }

    /// How many rows there are so far.
    pub fn len(&self) -> usize {
        self.journal.as_ref().map_or(self.listed.len(), |journal| journal.rows().len())
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it is sure that units without a row are still being worked on, from the project's counts alone, without a look
    /// at each unit.
    ///
    /// # Errors
    /// If the distributor cannot be asked.
    pub async fn may_wait(&self) -> Result<bool, Error> {
        let missing = (self.pushed.len() - self.len().min(self.pushed.len())) as u64;
        let units = self.client.project(&self.settings.record.project).await?.units;
        Ok(units.open() > 0 && missing > units.failed.saturating_add(units.withdrawn))
    }

    /// All rows so far, in the order in which the units were pushed.
    pub fn rows(&self) -> Vec<Row> {
        let rows = self.journal.as_ref().map_or(self.listed.as_slice(), Journal::rows);
        let mut by_unit: BTreeMap<&ExternalId, &Row> = rows.iter().map(|row| (&row.unit, row)).collect();
        let units = self.settings.record.units.iter();
        units.filter_map(|unit| by_unit.remove(&unit.id)).cloned().collect()
    }

    /// What is not believed.
    pub fn refused(&self) -> &[Refused] {
        &self.refused
    }

    /// Adds something that is not believed.
    pub fn refuse(&mut self, refused: Vec<Refused>) {
        self.refused.extend(refused);
    }

    /// The record, the program and the policy.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The verified rows on disk.
    pub const fn journal(&self) -> Option<&Journal> {
        self.journal.as_ref()
    }

    /// The connection.
    pub const fn client(&self) -> &UploaderClient {
        self.client
    }
}
