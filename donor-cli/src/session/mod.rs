//! A running donor: a few tasks on one thread. The [`pulse`] looks at the machine and decides, the workers take one unit
//! after the other, the deliverer empties the outbox.
//!
//! The scout fetches the next unit before a worker needs it.
//!
//! There is more than one worker where more than one core may be used: while one unit is fetched or executed, which takes one
//! thread, another is proved.

pub mod ahead;
mod asking;
pub mod backoff;
pub mod board;
pub mod bounds;
pub mod deliver;
mod knock;
pub mod network;
pub mod plan;
pub mod pulse;
pub mod stock;
pub mod unit;

pub use board::Ending;
pub use plan::SessionPlan;

use crate::exit::{Exit, Failure};
use crate::governor::Governor;
use crate::governor::rules::Rules;
use crate::progress::Show;
use crate::progress::notice::Notice;
use crate::service::{connect_through, failure};
use crate::state::lease::Held;
use crate::state::outbox::Kind;
use crate::state::tidy::tidy;
use crate::state::{Folder, StateError, atomic, lease, outbox};
use ahead::Scout;
use asking::{Next, Queue};
use backoff::Backoff;
use board::Board;
use deliver::Deliverer;
use network::Network;
use protocol::client::{DonorClient, RetryPolicy};
use pulse::{Constants, Pulse};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use stock::{Ready, Stock};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use unit::{End, Worker};

/// A running donor.
pub struct Session {
    plan: SessionPlan,
    folder: Folder,
    client: DonorClient,
    board: Arc<Board>,
    show: Arc<Show>,
    network: Arc<Network>,
    queue: Mutex<Queue>,
    stock: Stock,
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
    pub fn new(plan: SessionPlan, folder: Folder, show: Show) -> Result<Self, Failure> {
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
        // Before anything is told: who reads that it has started may end it.
        let signals = tokio::spawn(Signals::listen().end(Arc::clone(&self.board)));
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
        // Those that were finished just before the end: what was kept of them went with the lease, if there had been time.
        for unit in entries.iter().flat_map(|entry| entry.all_units()) {
            atomic::remove(&self.folder.execution(unit))?;
            for kind in [Kind::Execution, Kind::Proof] {
                atomic::remove(&self.folder.work(unit, kind))?;
            }
        }
        for mut held in held {
            entries.iter().for_each(|entry| held.done(entry.all_units()));
            if held.left.is_empty() {
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
                End::Dropped(units) => {
                    let mut queue = self.queue.lock().await;
                    queue.begun = queue.begun.saturating_sub(units);
                }
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
            let message = match held.iter().map(|held| held.left.len()).sum::<usize>() {
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

/// SIGINT and SIGTERM, once they are listened to; nothing where the system does not let one listen.
struct Signals(Option<[Signal; 2]>);

impl Signals {
    fn listen() -> Self {
        let [interrupt, terminate] = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
        Self(interrupt.and_then(|interrupt| Ok([interrupt, terminate?])).ok())
    }

    /// Ends the session at the first of them, at once: everything goes on at the next start.
    async fn end(self, board: Arc<Board>) {
        let Some([mut interrupt, mut terminate]) = self.0 else { return };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        board.end(Ending::Now);
    }
}
