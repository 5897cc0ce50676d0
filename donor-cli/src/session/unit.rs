//! One unit, from its lease to the outbox.

use super::board::{Board, Current};
use super::stock::{Ready, lead};
use super::{Ending, Plan};
use crate::child::messages::{Event, Job, Limits, Order, VERSION};
use crate::child::result;
use crate::child::unit::Unit;
use crate::progress::show::Notice;
use crate::progress::{Phase, Show, Tracker};
use crate::state::atomic::Last;
use crate::state::lease::Held;
use crate::state::outbox::{Entry, Kind};
use crate::state::{Folder, StateError, atomic, lease, ledger, outbox, tidy};
use protocol::client::{ClientError, DonorClient};
use protocol::{Cause, Digest, FailureCause, FailureReport, LeaseMode, MAX_DETAIL, MAX_PROOF_BYTES, UnitLimits};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Processor seconds that a unit may take beyond what its steps explain.
const SPARE_SECONDS: u64 = 600;

/// Steps proved in a processor second by a very slow machine.
const SLOWEST: u64 = 500;

/// Largest execution file that is taken.
const MAX_EXECUTION_BYTES: u64 = 1 << 30;

/// Longest time between two renewals of a lease.
const LONGEST_WITHOUT_RENEWAL: Duration = Duration::from_secs(3600);

/// Between two tries of something on disk that does not work.
const BETWEEN_TRIES: Duration = Duration::from_secs(5);

/// How a unit ended for the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its result is in the outbox.
    Finished,
    /// It failed, and was given back.
    Failed,
    /// It was interrupted and goes on at the next start.
    Interrupted,
    /// Nobody wants it any more.
    Dropped,
}

/// Why a unit does not get to an end of its own.
enum Stop {
    Failed(FailureCause, String),
    Interrupted,
    Dropped(String),
    Broken(StateError),
}

impl<E: Into<StateError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Broken(error.into())
    }
}

/// Works on units.
#[derive(Clone)]
pub struct Worker {
    /// The distributor.
    pub client: DonorClient,
    /// The board of the session.
    pub board: Arc<Board>,
    /// The state folder.
    pub folder: Folder,
    /// Where to tell.
    pub show: Arc<Show>,
    /// What the session may use.
    pub plan: Plan,
}

/// What a run has told about itself.
#[derive(Debug, Default)]
struct Told {
    steps: u64,
    execute_seconds: Option<f64>,
    failure: Option<(FailureCause, String)>,
    finished: bool,
}

impl Worker {
    /// Takes a unit to its end. Its lease is on disk.
    ///
    /// # Errors
    /// If the state folder does not work.
    pub async fn work(&self, ready: Ready) -> Result<End, StateError> {
        let Ready { mut held, resumed, fetch, .. } = ready;
        let unit = held.unit();
        let mode = held.lease.mode;
        self.show.tell(&Notice::Unit {
            unit: unit.to_string(),
            project: held.lease.project.name.to_string(),
            steps: held.lease.unit.estimated_steps,
            mode: mode.name().to_owned(),
            resumed,
        });
        let phases: Vec<Phase> = Phase::ALL.into_iter().filter(|phase| belongs(*phase, mode)).collect();
        self.board.begin(Current {
            unit,
            project: held.lease.project.name.clone(),
            tracker: Tracker::new(&phases),
            process: None,
            memory: 0,
            expected: self.expected(&held),
            lead: lead(&held),
        });
        let end = self.to_an_end(&mut held, fetch).await;
        self.board.finish(&unit);
        if matches!(end, Ok(End::Finished)) {
            self.board.outbox.notify_one();
        }
        end
    }

    /// Working time of a unit, as far as the machine's speed is known.
    fn expected(&self, held: &Held) -> Option<Duration> {
        let cores = self.plan.settings.cap.cores(self.plan.cores) / self.plan.at_once.max(1) as f64;
        let seconds = ledger::speed(&self.folder).seconds(held.lease.unit.estimated_steps, held.lease.mode, cores)?;
        Duration::try_from_secs_f64(seconds).ok()
    }

    async fn to_an_end(&self, held: &mut Held, fetch: Option<JoinHandle<()>>) -> Result<End, StateError> {
        let outcome = self.through(held, fetch).await;
        match outcome {
            Ok(()) => Ok(End::Finished),
            Err(Stop::Failed(cause, detail)) => self.failed(held, cause, detail).await,
            Err(Stop::Interrupted) => Ok(End::Interrupted),
            Err(Stop::Dropped(why)) => {
                self.show.warn(format!("unit {} is not worked on any more: {why}", held.unit()));
                self.forget(held)?;
                Ok(End::Dropped)
            }
            Err(Stop::Broken(error)) => Err(error),
        }
    }

    async fn through(&self, held: &mut Held, fetch: Option<JoinHandle<()>>) -> Result<(), Stop> {
        if let Some(why) = self.plan.bounds.refuse(&held.lease) {
            return Err(Stop::Failed(FailureCause::Stopped, why));
        }
        self.check_signature(held)?;
        let lent = held.clone();
        let fetched = async {
            if let Some(fetch) = fetch {
                // How it went is found out below.
                let _ = fetch.await;
            }
            self.fetch(&lent).await
        };
        self.keeping(held, fetched).await?;
        let begin = Instant::now();
        let told = self.run(held).await?;
        if let Some((cause, detail)) = told.failure {
            let limits = &held.lease.project.limits;
            let executed = told.execute_seconds.is_some() || held.lease.mode == LeaseMode::Prove;
            let seconds = if executed { total_seconds(limits) } else { limits.time_limit };
            return Err(match self.plan.bounds.explain(limits, seconds, cause) {
                Some(why) => Stop::Failed(FailureCause::Stopped, why),
                None => Stop::Failed(cause, detail),
            });
        }
        if !told.finished {
            return Err(Stop::Failed(FailureCause::Crash, "the work unit ended without a result".to_owned()));
        }
        self.put_into_outbox(held, told.steps, begin).await
    }

    /// Nothing of a stranger is fetched or run before its signature is right.
    fn check_signature(&self, held: &Held) -> Result<(), Stop> {
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

    /// Gets a unit's files before its turn. What goes wrong is told when its turn comes.
    pub async fn fetch_ahead(&self, held: &Held) {
        if self.check_signature(held).is_ok() {
            let _ = self.fetch(held).await;
        }
    }

    /// Does something that may take long, and keeps the lease alive meanwhile.
    async fn keeping<T>(&self, held: &mut Held, work: impl Future<Output = Result<T, Stop>>) -> Result<T, Stop> {
        tokio::pin!(work);
        let mut renewal = Some(Instant::now() + time_to_renew(held));
        loop {
            let due = renewal.unwrap_or_else(|| Instant::now() + Duration::from_secs(86_400));
            tokio::select! {
                outcome = &mut work => return outcome,
                () = tokio::time::sleep_until(due), if renewal.is_some() => {
                    renewal = self.renew(held).await?.map(|wait| Instant::now() + wait);
                }
                () = self.board.ends(Ending::Now) => return Err(Stop::Interrupted),
            }
        }
    }

    /// Gets program and execution, each under its digest.
    async fn fetch(&self, held: &Held) -> Result<(), Stop> {
        let program = held.lease.project.program;
        let path = self.folder.program(&program);
        self.clear(&path);
        self.clear(&self.folder.execution(&held.unit()));
        for kind in [Kind::Proof, Kind::Execution] {
            self.clear(&outbox::payload(&self.folder, &held.unit(), kind));
        }
        // The unit's process checks the digest of what lies here again.
        if !std::fs::read(&path).is_ok_and(|bytes| Digest::of(&bytes) == program) {
            let bytes = self.download(FailureCause::BadProgram, || self.client.program(&program, None)).await?;
            self.store(&path, &bytes).await?;
        }
        tidy::used(&path);
        self.report(held, Phase::Download, 0.5);
        if let (LeaseMode::Prove, Some(execution)) = (held.lease.mode, held.lease.execution) {
            let path = self.folder.execution(&held.unit());
            if !std::fs::read(&path).is_ok_and(|bytes| Digest::of(&bytes) == execution.sha256) {
                let fetch = || self.client.execution(&execution.sha256, MAX_EXECUTION_BYTES, &path, None);
                self.download(FailureCause::BadExecution, fetch).await?;
            }
        }
        self.report(held, Phase::Download, 1.0);
        Ok(())
    }

    /// A folder where a file is to be is moved out of the way.
    fn clear(&self, path: &std::path::Path) {
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
        let (mut backoff, mut wrong) = (super::backoff::Backoff::new(), 0);
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

    async fn pause(&self, time: Duration) -> Result<(), Stop> {
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            () = self.board.ends(Ending::Now) => Err(Stop::Interrupted),
        }
    }

    fn job(&self, held: &Held) -> Job {
        let (project, unit) = (&held.lease.project, held.unit());
        let limits = self.plan.bounds.limits(&project.limits, held.lease.mode);
        let memory = self.plan.unit_memory();
        // Two copies of each cell exist at once, in the virtual machine and in the execution.
        let own_cells = memory / 64;
        Job {
            version: VERSION,
            parent: std::process::id(),
            program: self.folder.program(&project.program),
            program_digest: project.program,
            record: project.record,
            program_hash: project.program_hash,
            arguments: held.lease.unit.arguments.clone(),
            mode: held.lease.mode,
            earlier: self.folder.execution(&unit),
            execution: self.folder.work(&unit, Kind::Execution),
            proof: self.folder.work(&unit, Kind::Proof),
            prover: self.client.identity().donor_key(),
            preset: project.preset,
            limits: Limits {
                max_steps: limits.max_steps,
                max_memory_cells: own_cells.min(limits.max_memory_cells),
                own_memory: own_cells < limits.max_memory_cells,
                execute_seconds: limits.time_limit,
                total_seconds: total_seconds(&limits).min(self.plan.bounds.max_unit_time),
                memory_bytes: memory,
                file_bytes: MAX_EXECUTION_BYTES,
            },
            threads: self.plan.unit_threads(),
            credit: self.board.settle(),
            cores: self.board.part(self.board.running().len() + 1),
            walls: self.plan.walls,
        }
    }

    /// Runs the unit's process to its end.
    async fn run(&self, held: &mut Held) -> Result<Told, Stop> {
        let program =
            crate::child::program().map_err(atomic::FileError::of("find", Path::new("the donor's own file")))?;
        let started = Unit::start(&program, &self.job(held)).await;
        let mut unit = started.map_err(atomic::FileError::of("start", &program))?;
        self.board.set_process(&held.unit(), unit.id());
        let stop = self.attend(held, &mut unit).await;
        match &stop {
            Ok(Told { failure: Some(_), .. }) => unit.kill().await,
            _ => unit.stop().await,
        }
        self.board.set_process(&held.unit(), None);
        stop
    }

    /// Listens to the unit, hands on what the governor decides, keeps the lease alive.
    async fn attend(&self, held: &mut Held, unit: &mut Unit) -> Result<Told, Stop> {
        let mut told = Told::default();
        let mut parts = self.board.parts.subscribe();
        // What was decided since the job was written is not missed.
        parts.mark_changed();
        let mut renewal = Some(Instant::now() + time_to_renew(held));
        loop {
            let due = renewal.unwrap_or_else(|| Instant::now() + Duration::from_secs(86_400));
            tokio::select! {
                event = unit.next() => match event {
                    Some(event) => self.hear(held, event, &mut told),
                    None => return Ok(told),
                },
                Ok(()) = parts.changed() => {
                    let part = self.board.part(self.board.running().len());
                    unit.order(&Order::Cores(part)).await;
                }
                () = tokio::time::sleep_until(due), if renewal.is_some() => {
                    renewal = self.renew(held).await?.map(|wait| Instant::now() + wait);
                }
                // What is finished is not left behind.
                () = self.board.ends(Ending::Now) => return if told.finished { Ok(told) } else { Err(Stop::Interrupted) },
            }
        }
    }

    fn report(&self, held: &Held, phase: Phase, fraction: f64) {
        let mut before = phase;
        self.board.with(&held.unit(), |current| {
            before = current.tracker.phase();
            current.tracker.report(phase, fraction);
        });
        if before < phase {
            self.show.tell(&Notice::Phase { unit: held.unit().to_string(), phase: phase.name() });
            // The scout may have to hurry.
            self.board.parts.send_replace(());
        }
    }

    fn hear(&self, held: &Held, event: Event, told: &mut Told) {
        match event {
            Event::Progress { phase, fraction } => self.report(held, phase, fraction),
            Event::Alive => {}
            Event::Executed { steps, cpu_seconds, kept, .. } => {
                told.steps = steps;
                told.execute_seconds = Some(cpu_seconds);
                if held.lease.mode == LeaseMode::Execute {
                    told.finished = kept;
                } else if kept {
                    self.keep_execution(held);
                }
                self.report(held, Phase::Execute, 1.0);
            }
            Event::Waiting { why } => self.show.warn(why),
            Event::Proved { steps, cpu_seconds, peak_memory, .. } => {
                told.steps = steps;
                told.finished = true;
                let mut speed = ledger::speed(&self.folder);
                speed.note(steps, told.execute_seconds, cpu_seconds, peak_memory);
                if let Err(error) = ledger::keep_speed(&self.folder, &speed) {
                    self.show.warn(error);
                }
            }
            Event::Failed { cause, detail } => told.failure = Some((cause, detail)),
        }
    }

    /// Keeps an execution that is being proved, so that an interruption from here on costs no second one.
    fn keep_execution(&self, held: &Held) {
        let unit = held.unit();
        let (from, to) = (self.folder.work(&unit, Kind::Execution), self.folder.execution(&unit));
        if let Err(error) = result::take(&from, &to, MAX_EXECUTION_BYTES, Last::Process) {
            self.show.warn(error);
        }
    }

    /// Renews the lease. Returns when to do so again; `None` if it cannot be renewed any more, which is no reason to stop: a
    /// late proof is taken while the unit is unproved.
    async fn renew(&self, held: &mut Held) -> Result<Option<Duration>, Stop> {
        match self.client.renew(&held.lease.token).await {
            Ok(renewed) => {
                held.renewed(&renewed);
                lease::keep(&self.folder, held)?;
                Ok(Some(time_to_renew(held)))
            }
            Err(error) => match error.cause() {
                Some(Cause::UnitWithdrawn | Cause::ProjectWithdrawn | Cause::UnknownUnit) => {
                    Err(Stop::Dropped(error.to_string()))
                }
                Some(Cause::LeaseExpired | Cause::UnknownLease) => Ok(None),
                Some(_) => Ok(Some(error.retry_after().unwrap_or(Duration::from_secs(60)).max(Duration::from_secs(1)))),
                None => Ok(Some(Duration::from_secs(30))),
            },
        }
    }

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

    async fn put_into_outbox(&self, held: &Held, steps: u64, begin: Instant) -> Result<(), Stop> {
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

    async fn failed(&self, held: &Held, cause: FailureCause, detail: String) -> Result<End, StateError> {
        self.board.count(|counts| counts.failed += 1);
        if let Err(error) = ledger::add(&self.folder, |totals| ledger::one_more(&mut totals.failed)) {
            self.show.warn(error);
        }
        let unit = held.unit();
        self.show.tell(&Notice::Failed {
            unit: unit.to_string(),
            cause: cause.name().to_owned(),
            detail: detail.clone(),
        });
        let detail = detail.chars().take(MAX_DETAIL).collect();
        let report = FailureReport { cause, detail };
        // A report that does not arrive costs the others only the rest of the lease.
        if let Err(error) = self.client.release(&held.lease.token, Some(&report)).await {
            self.show.warn(format!("the failure of unit {unit} could not be reported: {error}"));
        }
        self.forget(held)?;
        Ok(End::Failed)
    }

    /// Removes what was kept of a unit.
    fn forget(&self, held: &Held) -> Result<(), StateError> {
        atomic::remove(&self.folder.execution(&held.unit()))?;
        for kind in [Kind::Execution, Kind::Proof] {
            atomic::remove(&self.folder.work(&held.unit(), kind))?;
        }
        lease::forget(&self.folder, &held.unit())
    }
}

/// Half of the time that is left, at least a second. Of a long lease not so much: the clock may be set meanwhile.
fn time_to_renew(held: &Held) -> Duration {
    let left = held.expires_here.since(protocol::Timestamp::now());
    (Duration::from_secs(left) / 2).clamp(Duration::from_secs(1), LONGEST_WITHOUT_RENEWAL)
}

/// Processor seconds of a unit from begin to end, as its limits explain them.
const fn total_seconds(limits: &UnitLimits) -> u64 {
    limits.time_limit.saturating_add(limits.max_steps / SLOWEST).saturating_add(SPARE_SECONDS)
}

/// Whether a unit goes through this phase. Upload is not among them: the outbox takes its time.
const fn belongs(phase: Phase, mode: LeaseMode) -> bool {
    match phase {
        Phase::Download => true,
        Phase::Execute => !matches!(mode, LeaseMode::Prove),
        Phase::Upload => false,
        _ => !matches!(mode, LeaseMode::Execute),
    }
}
