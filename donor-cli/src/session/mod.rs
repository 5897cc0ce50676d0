//! A running donor: a few tasks on one thread. The [`pulse`] looks at the machine and decides, the workers take one unit
//! after the other, the deliverer empties the outbox.
//!
//! The scout fetches the next unit before a worker needs it.
//!
//! There is more than one worker where more than one core may be used: while one unit is fetched or executed, which takes one
//! thread, another is proved.

pub mod ahead;
pub mod backoff;
pub mod board;
pub mod bounds;
pub mod deliver;
pub mod network;
pub mod pulse;
pub mod stock;
pub mod unit;

pub use board::Ending;

use crate::child::sandbox::Walls;
use crate::exit::{Exit, Failure};
use crate::governor::network::Limits;
use crate::governor::rules::Rules;
use crate::governor::{Decision, Governor, Settings};
use crate::progress::Show;
use crate::progress::show::Notice;
use crate::service::{connect_through, failure};
use crate::state::config::Config;
use crate::state::lease::Held;
use crate::state::tidy::tidy;
use crate::state::{Folder, StateError, lease, ledger, outbox};
use ahead::Scout;
use backoff::Backoff;
use board::Board;
use bounds::{Bounds, check_lease};
use deliver::Deliverer;
use network::Network;
use protocol::client::{ClientError, DonorClient, LeaseAnswer, RetryPolicy};
use protocol::{Cause, DonorLimits, Lease, LeaseMode, LeaseRequest, NoWork, ProjectName, Versions};
use pulse::{Constants, Pulse};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use stock::{Ready, Stock};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
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
    /// All settings, among which pause rules find theirs.
    pub config: Config,
    /// Cores of the machine.
    pub cores: usize,
    /// Units at once, at least 1.
    pub at_once: usize,
    /// Threads of all units together.
    pub threads: usize,
    /// Most memory of all units together in bytes.
    pub max_memory: u64,
    /// What may go over the network.
    pub network: Limits,
    /// Whether to fetch the next unit while one is worked on.
    pub fetch_ahead: bool,
    /// What a unit gets at most.
    pub bounds: Bounds,
    /// Processors that the donor's control group may use, where it sets a limit.
    pub allowed_cores: Option<f64>,
    /// The walls that units have here.
    pub walls: Walls,
    /// Units after which to end.
    pub max_units: Option<u64>,
    /// How long the distributor may be out of reach at the start; for ever if not given.
    pub patience: Option<Duration>,
}

impl Plan {
    /// Threads of one unit.
    pub fn unit_threads(&self) -> usize {
        (self.threads / self.at_once.max(1)).max(1)
    }

    /// Most memory of one unit in bytes.
    pub fn unit_memory(&self) -> u64 {
        self.max_memory / self.at_once.max(1) as u64
    }
}

/// A running donor.
pub struct Session {
    plan: Plan,
    folder: Folder,
    client: DonorClient,
    board: Arc<Board>,
    show: Arc<Show>,
    network: Arc<Network>,
    queue: Mutex<Queue>,
    stock: Stock,
}

/// What the workers of a session share. One at a time asks for a unit.
#[derive(Default)]
struct Queue {
    /// Units begun, less those that nobody wanted any more.
    begun: u64,
    /// Whether the distributor has answered since the start.
    reached: bool,
    /// When it was asked first: work may begin long after the start.
    first_try: Option<Instant>,
}

/// What the worker does next.
enum Next {
    Unit(Box<Ready>),
    End,
}

/// Between two looks at the folders that only fill up.
const BETWEEN_TIDYING: Duration = Duration::from_secs(3600);

/// How long a delivery under way may take once the session has ended.
const LET_THROUGH: Duration = Duration::from_secs(5);

impl Session {
    /// A session that has not begun. The folder must be locked.
    ///
    /// # Errors
    /// If the key cannot be had or the address is none.
    pub fn new(plan: Plan, folder: Folder, show: Show) -> Result<Self, Failure> {
        let identity = folder.identity()?;
        let (network, lost) = Network::new(plan.network.clone(), &folder);
        lost.iter().for_each(|message| show.warn(message));
        let network = Arc::new(network);
        // The session waits itself, so that it can tell why and be ended meanwhile.
        let client = connect_through(&plan.server, identity, RetryPolicy::never(), Arc::clone(&network) as _);
        let client = client.map_err(|error| failure(&error))?;
        let (board, show) = (Arc::new(Board::new(plan.cores).within(plan.allowed_cores)), Arc::new(show));
        let (queue, stock) = (Mutex::default(), Stock::default());
        Ok(Self { plan, folder, client, board, show, network, queue, stock })
    }

    /// Works until told to end.
    ///
    /// # Errors
    /// If it cannot go on: the distributor was never reached, the project does not exist, the state folder does not work.
    pub async fn run(self) -> Result<Exit, Failure> {
        let constants = self.constants();
        self.show.tell(&Notice::Started {
            donor: constants.donor.clone(),
            server: constants.server.clone(),
            project: constants.project.clone(),
            max_cpu: self.plan.settings.most().percent(),
            cores: constants.cores,
            at_once: constants.at_once,
            threads: constants.threads,
            max_memory: constants.max_memory,
            bounds: constants.bounds,
            state: self.folder.root().display().to_string(),
        });
        self.recover()?.into_iter().for_each(|held| self.stock.add(Ready::resumed(held)));
        self.board.network.send_replace(self.network.closed(&jiff::Zoned::now()));
        let governor = Governor::new(self.plan.settings.clone());
        let (board, network, show) = (Arc::clone(&self.board), Arc::clone(&self.network), Arc::clone(&self.show));
        let rules = Rules::new(&self.plan.config);
        let pulse = Pulse::new(governor, rules, constants, board, network, self.folder.clone(), show);
        let pulse = pulse.map_err(|error| Failure::fault(format!("the machine cannot be watched: {error}")))?;
        let deliverer = Deliverer {
            client: self.client.clone(),
            server: self.plan.server.clone(),
            board: Arc::clone(&self.board),
            folder: self.folder.clone(),
            show: Arc::clone(&self.show),
            network: Arc::clone(&self.network),
            tries: HashMap::new(),
            renewals: HashMap::new(),
            sending: Arc::default(),
        };
        let sending = Arc::clone(&deliverer.sending);
        let pulse = tokio::spawn(pulse.run());
        let deliverer = tokio::spawn(deliverer.run());
        let signals = tokio::spawn(listen_for_signals(Arc::clone(&self.board)));
        let session = Arc::new(self);
        let tidier = tokio::spawn(Arc::clone(&session).tidy());
        let scout = tokio::spawn(Scout::new(Arc::clone(&session), session.new_worker()).run());
        let outcome = Arc::clone(&session).work().await;
        session.board.end(Ending::AfterUnit);
        // It gives back what was fetched ahead, within seconds.
        let _ = scout.await;
        if outcome.is_ok() {
            session.empty_outbox().await;
        }
        // What is being sent is let through, so that it is not sent a second time; nothing new is begun.
        let _let_through = tokio::time::timeout(LET_THROUGH, sending.lock()).await;
        [pulse, deliverer, signals, tidier].iter().for_each(tokio::task::JoinHandle::abort);
        if let Err(error) = session.network.keep(&session.folder, true) {
            session.show.warn(error);
        }
        session.show.end();
        outcome.map(|()| session.farewell())
    }

    /// Keeps folders within bounds. On this thread and in one go: no unit is begun meanwhile.
    async fn tidy(self: Arc<Self>) {
        let mut times = tokio::time::interval(BETWEEN_TIDYING);
        loop {
            times.tick().await;
            tidy(&self.folder, SystemTime::now()).iter().for_each(|error| self.show.warn(error));
        }
    }

    fn constants(&self) -> Constants {
        Constants {
            donor: self.client.identity().donor_key().to_string(),
            server: self.plan.server.clone(),
            project: self.plan.project.as_ref().map(ToString::to_string),
            cores: self.plan.cores,
            at_once: self.plan.at_once,
            threads: self.plan.threads,
            max_memory: self.plan.max_memory,
            bounds: self.plan.bounds,
        }
    }

    /// What an earlier session left.
    fn recover(&self) -> Result<Vec<Held>, StateError> {
        let (held, mut damaged) = lease::all(&self.folder)?;
        let (entries, more) = outbox::all(&self.folder, &self.plan.server, &held, &[])?;
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
                self.show.warn(format!(
                    "unit {} belongs to {} and is left for a start with that address",
                    held.unit(),
                    held.server
                ));
            }
        }
        Ok(resumed)
    }

    /// Lets the workers work until all of them have ended.
    async fn work(self: Arc<Self>) -> Result<(), Failure> {
        let mut workers = JoinSet::new();
        for _ in 0..self.plan.at_once.max(1) {
            workers.spawn(Arc::clone(&self).worker());
        }
        let mut outcome = Ok(());
        while let Some(ended) = workers.join_next().await {
            let ended =
                ended.unwrap_or_else(|error| Err(Failure::fault(format!("a task of the donor broke off: {error}"))));
            if ended.is_err() && outcome.is_ok() {
                outcome = ended;
                self.board.end(Ending::Now);
            }
        }
        outcome
    }

    fn new_worker(&self) -> Worker {
        Worker {
            client: self.client.clone(),
            board: Arc::clone(&self.board),
            folder: self.folder.clone(),
            show: Arc::clone(&self.show),
            plan: self.plan.clone(),
        }
    }

    /// Takes one unit after the other.
    async fn worker(self: Arc<Self>) -> Result<(), Failure> {
        let worker = self.new_worker();
        let mut failures = Backoff::new();
        loop {
            let ready = match self.next().await? {
                Next::Unit(ready) => *ready,
                Next::End => return Ok(()),
            };
            match worker.work(ready).await? {
                End::Finished => failures = Backoff::new(),
                End::Interrupted => return Ok(()),
                End::Dropped => self.queue.lock().await.begun -= 1,
                End::Failed => {
                    // A machine on which everything fails must not spoil a project in seconds.
                    if !self.is_last(self.queue.lock().await.begun) {
                        let wait = failures.next(None);
                        self.wait("a unit failed".to_owned(), wait, false).await;
                    }
                }
            }
        }
    }

    /// Whether no more than so many units are to be begun.
    fn is_last(&self, begun: u64) -> bool {
        self.plan.max_units.is_some_and(|most| begun >= most)
    }

    async fn next(&self) -> Result<Next, Failure> {
        let mut queue = self.queue.lock().await;
        if self.board.ending() != Ending::Not || self.is_last(queue.begun) {
            return Ok(Next::End);
        }
        if let Some(ready) = self.stock.take() {
            self.board.set_ahead(self.stock.len());
            queue.begun += 1;
            return Ok(Next::Unit(Box::new(ready)));
        }
        let mut backoff = Backoff::new();
        loop {
            // A unit that is not worked on is better off with somebody else.
            let mut decisions = self.board.decision.subscribe();
            tokio::select! {
                _ = decisions.wait_for(|decision| matches!(decision, Decision::Work(share) if *share > 0.0)) => {}
                () = self.board.ends(Ending::AfterUnit) => return Ok(Next::End),
            }
            if self.wait_for_network().await {
                return Ok(Next::End);
            }
            queue.first_try.get_or_insert_with(Instant::now);
            let request = self.request()?;
            let answer = tokio::select! {
                answer = self.client.lease(&request) => answer,
                () = self.board.ends(Ending::AfterUnit) => return Ok(Next::End),
            };
            let (why, wait) = match answer {
                Ok(LeaseAnswer::Lease(lease)) => {
                    queue.reached = true;
                    match self.decline(&request, &lease).await? {
                        Some(why) => (why, backoff.next(None)),
                        None => {
                            let held = Held::new(&self.plan.server, *lease);
                            self.keep(&held).await?;
                            queue.begun += 1;
                            return Ok(Next::Unit(Box::new(Ready::new(held))));
                        }
                    }
                }
                Ok(LeaseAnswer::NoWork { reason, retry_after }) => {
                    queue.reached = true;
                    lease::request_done(&self.folder)?;
                    let asked = retry_after.max(Duration::from_secs(1));
                    (self.no_work(reason), asked + asked.mul_f64(0.2 * fraction_of_now()))
                }
                Err(error) => {
                    self.check_fatal(&error, &queue)?;
                    let wait = backoff.next(error.retry_after());
                    (error.to_string(), wait)
                }
            };
            if self.wait(why, wait, true).await {
                return Ok(Next::End);
            }
        }
    }

    /// Why nothing is begun under a lease that was just given, if so.
    async fn decline(&self, request: &LeaseRequest, lease: &Lease) -> Result<Option<String>, StateError> {
        let unit = lease.unit.id;
        let again = self.stock.has(&unit)
            || self.board.current().iter().any(|current| current.unit == unit)
            || outbox::has(&self.folder, &unit);
        if again {
            // After a crash between lease and request the key may still be that of a lease that is kept.
            lease::request_done(&self.folder)?;
            return Ok(Some(format!("unit {unit} came again, which is being worked on or delivered")));
        }
        let Err(why) = check_lease(request, lease) else { return Ok(None) };
        lease::request_done(&self.folder)?;
        // If it does not arrive, the lease runs out.
        let _ = self.client.release(&lease.token, None).await;
        Ok(Some(format!("what {} lent makes no sense and was given back: {why}", self.plan.server)))
    }

    /// What is asked for.
    fn request(&self) -> Result<LeaseRequest, StateError> {
        let speed = ledger::speed(&self.folder);
        Ok(LeaseRequest {
            request: lease::request_key(&self.folder)?,
            project: self.plan.project.clone(),
            mode: self.plan.mode,
            limits: DonorLimits {
                max_steps: self.plan.bounds.most_steps(&speed, speed.max_steps(self.plan.unit_memory())),
                max_memory: self.plan.unit_memory(),
                steps_per_second: speed.steps_per_second(self.plan.settings.cap.cores(self.plan.cores)),
            },
            versions: Versions::current(env!("CARGO_PKG_VERSION")),
        })
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

    /// Waits until something may go over the network, telling why. Returns whether the session is to end.
    async fn wait_for_network(&self) -> bool {
        let Some(closed) = self.board.network_closed() else { return false };
        self.show.warn(format!("no unit is fetched now: {closed}"));
        self.board.wait_for(Some(closed.to_string()));
        let ends = tokio::select! {
            () = self.board.network_opens() => false,
            () = self.board.ends(Ending::AfterUnit) => true,
        };
        self.board.wait_for(None);
        ends
    }

    fn no_work(&self, reason: NoWork) -> String {
        let of = self.plan.project.as_ref().map_or_else(|| self.plan.server.clone(), |name| format!("project {name}"));
        let memory = crate::progress::words::bytes(self.plan.unit_memory());
        let more = if self.plan.at_once > 1 {
            "allow more with --max-memory, or --at-once 1"
        } else {
            "allow more with --max-memory"
        };
        match reason {
            NoWork::Empty => format!("no work: {of} has no unit left to do"),
            NoWork::AllLeased => format!("no work: all open units of {of} are with other donors"),
            NoWork::TooLarge => {
                let bounds = &self.plan.bounds;
                let steps = bounds.max_unit_steps.map_or_else(String::new, |steps| {
                    format!(" and {} steps (--max-unit-steps)", crate::progress::words::count(steps))
                });
                format!("no work: the open units of {of} are too large for {memory} of memory{steps}; {more}")
            }
            NoWork::Version => format!("no work: {of} does not take proofs of this version; install a newer donor"),
            NoWork::Paused => format!("no work: {of} is paused by its operator"),
            NoWork::LeaseLimit => {
                format!("no work: this donor holds as many leases of {of} as it may; proofs raise the limit")
            }
        }
    }

    /// Whether an answer means that trying again is of no use.
    fn check_fatal(&self, error: &ClientError, queue: &Queue) -> Result<(), Failure> {
        let tried = queue.first_try.map_or(Duration::ZERO, |begin| begin.elapsed());
        let (impatient, reached) = (self.plan.patience.is_some_and(|patience| tried >= patience), queue.reached);
        match error.cause() {
            Some(Cause::UnknownProject | Cause::ProjectWithdrawn) => {
                Err(Failure::fault(format!("{error}. `donor projects` lists the projects of {}", self.plan.server)))
            }
            _ if !reached && impatient => Err(failure(error)),
            _ if error.is_temporary() || error.is_unreachable() => Ok(()),
            // Whoever was reached once is there: what is no refusal of its own comes from somewhere on the way, and passes.
            _ if reached && !error.is_refusal() => Ok(()),
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
            && let Some(first) = held.first()
        {
            let left = Duration::from_secs(first.expires_here.since(protocol::Timestamp::now()));
            let left = crate::progress::words::duration(left);
            let message = match held.len() {
                1 => format!("unit {} is unfinished; start again within {left} and it goes on", first.unit()),
                many => format!("{many} units are unfinished; start again within {left} and they go on"),
            };
            self.show.warn(message);
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
    f64::from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.subsec_micros()))
        / 1e6
}

/// SIGINT and SIGTERM end the session at once: everything goes on at the next start.
async fn listen_for_signals(board: Arc<Board>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    board.end(Ending::Now);
}
