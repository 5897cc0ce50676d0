//! One walk through the distributor's list of results.

use crate::check_proof::{Claimed, OtherResult, Refusal, Refused, Shown};
use crate::error::Error;
use crate::journal::Journal;
use crate::local::Record;
use crate::manifest::ManifestBatch;
use crate::row::Row;
use crate::show::Printer;
use cairo_air::{Policy, Program};
use felt::Felt;
use futures_util::stream::{self, StreamExt as _};
use protocol::client::{ClientError, UploaderClient};
use protocol::{Cause, Digest, DonorKey, ExternalId, Felts, MAX_LEASE_UNITS, UnitResult};
use std::collections::{BTreeMap, HashMap, HashSet};
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
    /// Names of its arguments, if each is one number.
    pub names: Vec<String>,
    /// What proofs must be.
    pub policy: Policy,
}

/// How often a unit may be proven again in one walk. Nobody has the same proven so often, and a list must end.
const MOST_AGAIN: u8 = 8;

/// A result as it is listed.
struct Listed {
    /// The cursor before it.
    before: u64,
    row: Row,
    /// Of how many runs its proof is said to be.
    runs: u32,
    /// Whether the proof is said to be there.
    kept: bool,
}

/// Results of one page that are said to be of one proof.
struct Group {
    proof: Digest,
    prover: DonorKey,
    runs: u32,
    kept: bool,
    /// Each with the cursor before it.
    rows: Vec<(u64, Row)>,
}

/// What became of a group.
struct Checked {
    rows: Vec<(u64, Row, Result<(), Refusal>)>,
    /// What its proof shows, if it holds.
    shown: Option<Arc<Shown>>,
}

/// What became of a page: rows whose proofs hold, and the others, each with the cursor before it.
#[derive(Default)]
struct Verified {
    good: Vec<Row>,
    batches: Vec<ManifestBatch>,
    bad: Vec<(u64, Refused)>,
    /// What the proof of the last results shows: the next page may go on in it.
    last: Option<Arc<Shown>>,
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
    listed: HashMap<ExternalId, Row>,
    refused: Vec<Refused>,
    /// What was listed of each unit since the beginning, and how often.
    seen: HashMap<ExternalId, (Digest, u8)>,
    last: Option<Arc<Shown>>,
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
            listed: HashMap::new(),
            refused: Vec::new(),
            seen: HashMap::new(),
            last: None,
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
                journal.add(Vec::new(), Vec::new(), Some(safe.max(journal.cursor())))?;
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
        let (mut listed, mut units) = (Vec::new(), HashSet::new());
        for result in results {
            let admitted = match units.insert(&result.external_id) {
                true => self.admit(before, result),
                false => Err(Refusal::Repeated),
            };
            match admitted {
                Ok(Some(one)) => listed.push(one),
                Ok(None) => {}
                Err(reason) => {
                    first_refused.get_or_insert(before);
                    self.refused.push(Refused { unit: result.external_id.clone(), reason });
                }
            }
            before = result.cursor;
        }
        let Some(journal) = &self.journal else {
            self.listed.extend(listed.into_iter().map(|one| (one.row.unit.clone(), one.row)));
            return Ok(first_refused);
        };
        let verified = self.verify(journal, by_proof(listed)).await;
        for (before, refused) in verified.bad {
            first_refused = Some(first_refused.map_or(before, |first: u64| first.min(before)));
            self.refused.push(refused);
        }
        self.last = verified.last;
        if let Some(journal) = &mut self.journal {
            journal.add(verified.good, verified.batches, None)?;
        }
        if let Some(error) = verified.error {
            return Err(error);
        }
        Ok(first_refused)
    }

    /// What can be told without the proof. `None` for a result that was collected before.
    fn admit(&mut self, before: u64, result: &UnitResult) -> Result<Option<Listed>, Refusal> {
        let expected = self.pushed.get(&result.external_id).ok_or(Refusal::NotPushed)?;
        if *expected != result.arguments {
            return Err(Refusal::Arguments { found: result.arguments.clone(), expected: expected.clone() });
        }
        let proof = &result.proof;
        // What is proven again moves to the end of the list, also while it is read.
        let times = match self.seen.get(&result.external_id) {
            Some((listed, times)) if *listed == proof.sha256 || *times > MOST_AGAIN => return Err(Refusal::Repeated),
            Some((_, times)) => *times,
            None => 0,
        };
        self.seen.insert(result.external_id.clone(), (proof.sha256, times + 1));
        let row = Row {
            unit: result.external_id.clone(),
            arguments: expected.0.clone(),
            output: proof.output.0.clone(),
            n_steps: proof.n_steps,
            proof: proof.sha256,
            index: proof.index,
            prover: proof.prover,
            verified: self.journal.is_some(),
        };
        match self.journal.as_ref().and_then(|journal| journal.row_of(&row.unit)) {
            Some(collected) if collected.proof == row.proof => return Ok(None),
            // What cannot be had any more need not be, if it only says once more what is known.
            Some(collected) if !proof.kept && collected.is_same_run(&row) => return Ok(None),
            _ => {}
        }
        Ok(Some(Listed { before, row, runs: proof.runs, kept: proof.kept }))
    }

    /// Fetches the proofs and verifies them, several at a time.
    async fn verify(&self, journal: &Journal, groups: Vec<Group>) -> Verified {
        let (done, broken) = (AtomicUsize::new(journal.rows().len()), AtomicBool::new(false));
        let mut checked = stream::iter(groups)
            .map(async |group| {
                if broken.load(Ordering::Relaxed) {
                    return None;
                }
                let rows = group.rows.len();
                let outcome = self.verify_one(journal, group).await;
                broken.fetch_or(outcome.is_err(), Ordering::Relaxed);
                let done = (done.fetch_add(rows, Ordering::Relaxed) + rows).min(self.pushed.len());
                self.printer.progress(format_args!("{done} of {} units verified", self.pushed.len()));
                Some(outcome)
            })
            .buffered(AT_ONCE);
        let mut verified = Verified::default();
        // After an error no proof is begun, but those under way are finished and kept.
        while let Some(one) = checked.next().await {
            let checked = match one {
                Some(Ok(checked)) => checked,
                Some(Err(error)) => {
                    verified.error.get_or_insert(error);
                    continue;
                }
                None => continue,
            };
            verified.batches.extend(checked.shown.as_deref().and_then(Shown::batch));
            verified.last = checked.shown;
            for (before, row, outcome) in checked.rows {
                match outcome {
                    Ok(()) => verified.good.push(row),
                    Err(reason) => verified.bad.push((before, Refused { unit: row.unit, reason })),
                }
            }
        }
        verified
    }

    /// Fetches one proof, verifies it, keeps it if it holds, and checks what is said to be of it.
    async fn verify_one(&self, journal: &Journal, group: Group) -> Result<Checked, Error> {
        let shown = self.show(journal, &group).await?;
        let check = |row: &Row| match &shown {
            Ok(shown) => shown.check_row(row).and_then(|()| check_against(journal, row)),
            Err(reason) => Err(reason.clone()),
        };
        let rows = group.rows.into_iter().map(|(before, row)| {
            let outcome = check(&row);
            (before, row, outcome)
        });
        let rows = rows.collect();
        Ok(Checked { rows, shown: shown.ok() })
    }

    /// What the proof shows.
    async fn show(&self, journal: &Journal, group: &Group) -> Result<Result<Arc<Shown>, Refusal>, Error> {
        if let Some(last) = self.last.as_ref().filter(|last| group.runs > 1 && group.is_said_of(last)) {
            return Ok(Ok(Arc::clone(last)));
        }
        let arguments = match self.arguments(group).await? {
            Ok(arguments) => arguments,
            Err(reason) => return Ok(Err(reason)),
        };
        let file = match self.fetch(journal, group).await? {
            Ok(file) => file,
            Err(reason) => return Ok(Err(reason)),
        };
        let claimed = Claimed { proof: group.proof, prover: group.prover, arguments };
        let settings = Arc::clone(&self.settings);
        let (answer, checked) = oneshot::channel();
        rayon::spawn(move || {
            let outcome = claimed.check(&settings.program, &file, &settings.policy);
            // Nobody waits any more if another proof could not be fetched.
            let _ = answer.send((file, outcome));
        });
        let (file, outcome) = checked.await.map_err(|_| Error::Internal("a verification broke off".to_owned()))?;
        if outcome.is_ok() {
            journal.store_proof(&group.proof, &file)?;
        }
        Ok(outcome.map(Arc::new))
    }

    /// The arguments of each run of the proof. Of one run they are the unit's own; of several, those of other units are what the
    /// distributor says, and what the proof must then bind.
    async fn arguments(&self, group: &Group) -> Result<Result<Vec<Vec<Felt>>, Refusal>, Error> {
        let runs = group.runs as usize;
        if runs == 1 {
            return Ok(Ok(group.rows.iter().map(|(_, row)| row.arguments.clone()).take(1).collect()));
        }
        let nonsense = |what: String| Ok(Err(Refusal::Runs(what)));
        if !(1..=MAX_LEASE_UNITS).contains(&runs) {
            return nonsense(format!("it has {runs}, and proofs are of 1 to {MAX_LEASE_UNITS}"));
        }
        let list = match self.client.proof_runs(&self.settings.record.project, &group.proof).await {
            Ok(list) => list,
            Err(error @ ClientError::TooLarge { .. }) => return nonsense(error.to_string()),
            Err(error) if error.cause() == Some(Cause::UnknownBlob) => return nonsense(error.to_string()),
            Err(error) => return Err(error.into()),
        };
        if list.sha256 != group.proof || list.prover != group.prover || list.runs.len() != runs {
            return nonsense(format!(
                "asked for the {runs} runs of {} by {}, it names {} of {} by {}",
                group.proof,
                group.prover,
                list.runs.len(),
                list.sha256,
                list.prover
            ));
        }
        Ok(Ok(list.runs.into_iter().map(|run| run.arguments.0).collect()))
    }

    /// A proof, from disk if it is there.
    async fn fetch(&self, journal: &Journal, group: &Group) -> Result<Result<Vec<u8>, Refusal>, Error> {
        if let Some(proof) = journal.stored_proof(&group.proof) {
            return Ok(Ok(proof));
        }
        if !group.kept {
            return Ok(Err(Refusal::Thinned));
        }
        match self.client.proof(&group.proof).await {
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
        let mut by_unit: HashMap<&ExternalId, &Row> = match &self.journal {
            Some(journal) => journal.rows().iter().map(|row| (&row.unit, row)).collect(),
            None => self.listed.iter().collect(),
        };
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

impl Group {
    /// Whether these results are said to be of the runs that were shown.
    fn is_said_of(&self, shown: &Shown) -> bool {
        let Claimed { proof, prover, arguments } = &shown.claimed;
        (*proof, *prover, arguments.len()) == (self.proof, self.prover, self.runs as usize)
    }
}

/// Puts together what is said to be of one proof, in the order of the first of each. Two results that both are said to be of the one
/// run of a proof stay apart: one of them is false.
fn by_proof(listed: Vec<Listed>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut places: HashMap<(Digest, DonorKey, u32), usize> = HashMap::new();
    for Listed { before, row, runs, kept } in listed {
        let key = (row.proof, row.prover, runs);
        let group = places.get(&key).filter(|_| runs > 1).and_then(|place| groups.get_mut(*place));
        if let Some(group) = group {
            group.kept |= kept;
            group.rows.push((before, row));
            continue;
        }
        places.insert(key, groups.len());
        groups.push(Group { proof: row.proof, prover: row.prover, runs, kept, rows: vec![(before, row)] });
    }
    groups
}

/// A unit that was proven again must have the result that it had.
fn check_against(journal: &Journal, row: &Row) -> Result<(), Refusal> {
    match journal.row_of(&row.unit) {
        Some(before) if !before.is_same_run(row) => {
            let (before, now) = (before.clone(), row.clone());
            Err(Refusal::OtherResult(Box::new(OtherResult { before, now })))
        }
        _ => Ok(()),
    }
}
