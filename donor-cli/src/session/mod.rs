//! A running donor: three tasks on one thread. The [`pulse`] looks at the machine and decides, the worker takes one unit
//! after the other, the deliverer empties the outbox.

pub mod backoff;
pub mod board;
pub mod deliver;
pub mod pulse;
pub mod unit;

pub use board::Ending;

use crate::exit::{Exit, Failure};
use crate::governor::{Decision, Governor, Settings};
use crate::progress::Show;
use crate::progress::show::Notice;
use crate::service::{connect, failure};
use crate::state::lease::Held;
use crate::state::{Folder, StateError, ledger, lease, outbox};
use backoff::Backoff;
use board::Board;
use deliver::Deliverer;
use protocol::client::{ClientError, DonorClient, LeaseAnswer, RetryPolicy};
use protocol::{Cause, DonorLimits, LeaseMode, LeaseRequest, NoWork, ProjectName, Versions};
use pulse::{Constants, Pulse};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use unit::{End, Worker};

/// What a session may use and is to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Address of the distributor.
    pub server: String,
    /// The project; all by weight if not given.
    pub project: Option<ProjectName>,
    /// What to do with units.
    pub mode: LeaseMode,
    /// The governor's settings.
    pub settings: Settings,
    /// Cores of the machine.
    pub cores: usize,
    /// Threads of a unit.
    pub threads: usize,
    /// Most memory of a unit in bytes.
    pub max_memory: u64,
    /// Units after which to end.
    pub max_units: Option<u64>,
    /// How long the distributor may be out of reach at the start; for ever if not given.
    pub patience: Option<Duration>,
}

/// A running donor.
pub struct Session {
    plan: Plan,
    folder: Folder,
    client: DonorClient,
    board: Arc<Board>,
    show: Arc<Show>,
    /// Whether the distributor has answered since the start.
    reached: bool,
    begin: Instant,
}

/// What the worker does next.
enum Next {
    Unit(Box<Held>, bool),
    End,
}

impl Session {
    /// A session that has not begun. The folder must be locked.
    ///
    /// # Errors
    /// If the key cannot be had or the address is none.
    pub fn new(plan: Plan, folder: Folder, show: Show) -> Result<Self, Failure> {
        let identity = folder.identity()?;
        // The session waits itself, so that it can tell why and be ended meanwhile.
        let client = connect(&plan.server, identity, RetryPolicy::never()).map_err(|error| failure(&error))?;
        Ok(Self {
            plan,
            folder,
            client,
            board: Arc::new(Board::new()),
            show: Arc::new(show),
            reached: false,
            begin: Instant::now(),
        })
    }

    /// Works until told to end.
    ///
    /// # Errors
    /// If it cannot go on: the distributor was never reached, the project does not exist, the state folder does not work.
    pub async fn run(mut self) -> Result<Exit, Failure> {
        let constants = self.constants();
        self.show.tell(&Notice::Started {
            donor: constants.donor.clone(),
            server: constants.server.clone(),
            project: constants.project.clone(),
            max_cpu: self.plan.settings.cap.percent(),
            cores: constants.cores,
            threads: constants.threads,
            max_memory: constants.max_memory,
            state: self.folder.root().display().to_string(),
        });
        let resumed = self.recover()?;
        let governor = Governor::new(self.plan.settings.clone());
        let pulse =
            Pulse::new(governor, constants, Arc::clone(&self.board), self.folder.clone(), Arc::clone(&self.show));
        let pulse = pulse.map_err(|error| Failure::fault(format!("the machine cannot be watched: {error}")))?;
        let deliverer = Deliverer {
            client: self.client.clone(),
            server: self.plan.server.clone(),
            board: Arc::clone(&self.board),
            folder: self.folder.clone(),
            show: Arc::clone(&self.show),
            tries: HashMap::new(),
        };
        let pulse = tokio::spawn(pulse.run());
        let deliverer = tokio::spawn(deliverer.run());
        let signals = tokio::spawn(listen_for_signals(Arc::clone(&self.board)));
        let outcome = self.work(resumed).await;
        let outcome = match outcome {
            Ok(()) => {
                self.empty_outbox().await;
                Ok(())
            }
            failed => failed,
        };
        [pulse, deliverer, signals].iter().for_each(tokio::task::JoinHandle::abort);
        self.show.end();
        outcome.map(|()| self.farewell())
    }

    fn constants(&self) -> Constants {
        Constants {
            donor: self.client.identity().donor_key().to_string(),
            server: self.plan.server.clone(),
            project: self.plan.project.as_ref().map(ToString::to_string),
            cores: self.plan.cores,
            threads: self.plan.threads,
            max_memory: self.plan.max_memory,
        }
    }

    /// What an earlier session left.
    fn recover(&self) -> Result<Vec<Held>, StateError> {
        let (held, mut damaged) = lease::all(&self.folder)?;
        let (entries, more) = outbox::all(&self.folder, &held, None)?;
        damaged.extend(more);
        damaged.iter().for_each(|message| self.show.warn(message));
        self.board.set_in_outbox(entries.len());
        let mut resumed = Vec::new();
        for held in held {
            if entries.iter().any(|entry| entry.unit == held.unit()) {
                // It was finished just before the end.
                lease::forget(&self.folder, &held.unit())?;
            } else if held.server == self.plan.server {
                resumed.push(held);
            } else {
                self.show.warn(format!("unit {} belongs to {} and is left for a start with that address", held.unit(), held.server));
            }
        }
        resumed.reverse();
        Ok(resumed)
    }

    async fn work(&mut self, mut resumed: Vec<Held>) -> Result<(), Failure> {
        let worker = Worker {
            client: self.client.clone(),
            board: Arc::clone(&self.board),
            folder: self.folder.clone(),
            show: Arc::clone(&self.show),
            plan: self.plan.clone(),
        };
        let (mut done, mut failures) = (0, Backoff::new());
        while self.plan.max_units.is_none_or(|most| done < most) {
            let (held, resumed) = match self.next(&mut resumed).await? {
                Next::Unit(held, resumed) => (*held, resumed),
                Next::End => break,
            };
            match worker.work(held, resumed).await? {
                End::Finished => {
                    done += 1;
                    failures = Backoff::new();
                }
                End::Interrupted => break,
                End::Dropped => {}
                End::Failed => {
                    done += 1;
                    // A machine on which everything fails must not spoil a project in seconds.
                    let wait = failures.next(None);
                    self.wait("a unit failed".to_owned(), wait, false).await;
                }
            }
        }
        Ok(())
    }

    async fn next(&mut self, resumed: &mut Vec<Held>) -> Result<Next, Failure> {
        if self.board.ending() != Ending::Not {
            return Ok(Next::End);
        }
        if let Some(held) = resumed.pop() {
            return Ok(Next::Unit(Box::new(held), true));
        }
        let mut backoff = Backoff::new();
        loop {
            // A unit that is not worked on is better off with somebody else.
            let mut decisions = self.board.decision.subscribe();
            tokio::select! {
                _ = decisions.wait_for(|decision| matches!(decision, Decision::Work(share) if *share > 0.0)) => {}
                () = self.board.ends(Ending::AfterUnit) => return Ok(Next::End),
            }
            let answer = tokio::select! {
                answer = self.ask() => answer,
                () = self.board.ends(Ending::AfterUnit) => return Ok(Next::End),
            };
            let (why, wait) = match answer? {
                Ok(LeaseAnswer::Lease(lease)) => {
                    let held = Held::new(&self.plan.server, *lease);
                    self.keep(&held).await?;
                    self.reached = true;
                    return Ok(Next::Unit(Box::new(held), false));
                }
                Ok(LeaseAnswer::NoWork { reason, retry_after }) => {
                    self.reached = true;
                    lease::request_done(&self.folder)?;
                    let asked = retry_after.max(Duration::from_secs(1));
                    (self.no_work(reason), asked + asked.mul_f64(0.2 * fraction_of_now()))
                }
                Err(error) => {
                    self.check_fatal(&error)?;
                    let wait = backoff.next(error.retry_after());
                    (error.to_string(), wait)
                }
            };
            if self.wait(why, wait, true).await {
                return Ok(Next::End);
            }
        }
    }

    /// Asks for a lease.
    async fn ask(&self) -> Result<Result<LeaseAnswer, ClientError>, StateError> {
        let speed = ledger::speed(&self.folder);
        let request = LeaseRequest {
            request: lease::request_key(&self.folder)?,
            project: self.plan.project.clone(),
            mode: self.plan.mode,
            limits: DonorLimits {
                max_steps: speed.max_steps(self.plan.max_memory),
                max_memory: self.plan.max_memory,
                steps_per_second: speed.steps_per_second(self.plan.settings.cap.cores(self.plan.cores)),
            },
            versions: Versions::current(env!("CARGO_PKG_VERSION")),
        };
        Ok(self.client.lease(&request).await)
    }

    /// Keeps a lease, waiting for space if there is none.
    async fn keep(&self, held: &Held) -> Result<(), Failure> {
        while let Err(error) = lease::keep(&self.folder, held) {
            if self.wait(error.to_string(), Duration::from_secs(5), true).await {
                return Err(error.into());
            }
        }
        Ok(lease::request_done(&self.folder)?)
    }

    /// Waits, telling why. Returns whether the session is to end.
    async fn wait(&self, why: String, time: Duration, tell: bool) -> bool {
        if tell {
            self.show.tell(&Notice::Waiting { why: why.clone(), seconds: time.as_secs() });
        }
        self.board.wait_for(Some(why));
        let ends = tokio::select! {
            () = tokio::time::sleep(time) => false,
            () = self.board.ends(Ending::AfterUnit) => true,
        };
        self.board.wait_for(None);
        ends
    }

    fn no_work(&self, reason: NoWork) -> String {
        let of = self.plan.project.as_ref().map_or_else(|| self.plan.server.clone(), |name| format!("project {name}"));
        let memory = crate::progress::words::bytes(self.plan.max_memory);
        match reason {
            NoWork::Empty => format!("no work: {of} has no unit left to do"),
            NoWork::AllLeased => format!("no work: all open units of {of} are with other donors"),
            NoWork::TooLarge => {
                format!("no work: the open units of {of} are too large for {memory} of memory; allow more with --max-memory")
            }
            NoWork::Version => format!("no work: {of} does not take proofs of this version; install a newer donor"),
            NoWork::Paused => format!("no work: {of} is paused by its operator"),
        }
    }

    /// Whether an answer means that trying again is of no use.
    fn check_fatal(&self, error: &ClientError) -> Result<(), Failure> {
        let impatient = self.plan.patience.is_some_and(|patience| self.begin.elapsed() >= patience);
        match error.cause() {
            Some(Cause::UnknownProject | Cause::ProjectWithdrawn) => {
                Err(Failure::fault(format!("{error}. `donor projects` lists the projects of {}", self.plan.server)))
            }
            _ if !self.reached && impatient => Err(failure(error)),
            _ if error.is_temporary() || error.is_unreachable() => Ok(()),
            _ => Err(failure(error)),
        }
    }

    /// Waits until everything is delivered, unless the session is to end at once.
    async fn empty_outbox(&self) {
        self.board.end(Ending::AfterUnit);
        self.board.outbox.notify_one();
        loop {
            let empty = self.board.delivered.notified();
            if outbox::waiting(&self.folder) == 0 {
                return;
            }
            tokio::select! {
                () = empty => {}
                () = tokio::time::sleep(Duration::from_millis(500)) => {}
                () = self.board.ends(Ending::Now) => return,
            }
        }
    }

    fn farewell(&self) -> Exit {
        let counts = self.board.counts();
        let outbox = outbox::waiting(&self.folder);
        if outbox > 0 {
            self.show.warn(format!("{outbox} finished results are kept and will be sent first at the next start"));
        }
        if let Ok((held, _)) = lease::all(&self.folder)
            && let Some(held) = held.first()
        {
            let left = Duration::from_secs(held.expires_here.since(protocol::Timestamp::now()));
            let left = crate::progress::words::duration(left);
            self.show.warn(format!("unit {} is unfinished; start again within {left} and it goes on", held.unit()));
        }
        self.show.tell(&Notice::Ended {
            delivered: counts.delivered,
            steps: counts.steps,
            failed: counts.failed,
            refused: counts.refused,
            outbox,
        });
        if counts.refused > 0 { Exit::Refused } else { Exit::Done }
    }
}

/// Anything between 0 and 1: so that donors that were refused together do not come back together.
fn fraction_of_now() -> f64 {
    f64::from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.subsec_micros())) / 1e6
}

/// SIGINT and SIGTERM end the session at once: everything goes on at the next start.
async fn listen_for_signals(board: Arc<Board>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
        return;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    board.end(Ending::Now);
}
