//! Strangers who mean no good: many keys from few addresses, and whatever they can think of, mixed at random.
//!
//! What is sent is bounded in rate for each address, and what is held open in number, so that an attack is what ten machines
//! with a network would send, not what one machine's processors can.

mod connections;
mod deeds;
mod leases;
mod material;
mod requests;
mod submissions;
mod tally;

pub use deeds::Deed;
pub use material::{Material, invented};
pub use tally::Tally;

use crate::wire::Wire;
use protocol::client::Bytes;
use protocol::{ApiKey, Identity};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Deeds of one address that may be under way, and connections that it may hold open for nothing.
const AT_ONCE: usize = 32;
const HELD_OPEN: usize = 40;

/// What an attack is made of.
#[derive(Clone)]
pub struct Orders {
    /// The distributor.
    pub server: SocketAddr,
    /// Donor keys, shared out among the addresses.
    pub keys: u32,
    /// Addresses: 127.0.1.1 and so on.
    pub addresses: u8,
    /// Deeds of an address in a second.
    pub rate: f64,
    /// Makes the attack the same again.
    pub seed: u64,
    /// The access key of an organisation that is one of them, and its project.
    pub uploader: (ApiKey, String),
    /// What they learn and what they are given.
    pub material: Arc<Material>,
    /// Which deeds, each as often as it is here.
    pub deeds: Vec<Deed>,
}

/// An attack under way.
pub struct Army {
    stop: watch::Sender<bool>,
    addresses: Vec<JoinHandle<()>>,
    tally: Arc<Tally>,
}

impl Army {
    /// Begins.
    pub fn start(orders: &Orders) -> Self {
        let (stop, stopped) = watch::channel(false);
        let tally = Arc::new(Tally::default());
        let addresses = (1..=orders.addresses).map(|number| {
            let keys = (0..orders.keys).filter(|key| key % u32::from(orders.addresses) == u32::from(number - 1));
            let address = Address {
                from: IpAddr::V4(Ipv4Addr::new(127, 0, 1, number)),
                keys: Arc::new(keys.map(identity).collect()),
                orders: orders.clone(),
                tally: Arc::clone(&tally),
                stopped: stopped.clone(),
                at_once: Arc::new(Semaphore::new(AT_ONCE)),
                held_open: Arc::new(Semaphore::new(HELD_OPEN)),
            };
            tokio::spawn(address.attack(orders.seed.wrapping_add(u64::from(number))))
        });
        Self { addresses: addresses.collect(), stop, tally }
    }

    /// What was done so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Ends it, connections that are held open included, and returns what was done.
    ///
    /// # Errors
    /// If an attacker failed on its own account.
    pub async fn stop(self) -> anyhow::Result<Arc<Tally>> {
        self.stop.send_replace(true);
        for address in self.addresses {
            address.await?;
        }
        Ok(self.tally)
    }
}

/// A hostile donor's key. None of them is an honest donor's.
fn identity(number: u32) -> Identity {
    let mut seed = [0xee; 32];
    seed[..4].copy_from_slice(&number.to_le_bytes());
    Identity::from_seed(&seed)
}

/// One hostile address.
#[derive(Clone)]
struct Address {
    from: IpAddr,
    keys: Arc<Vec<Identity>>,
    orders: Orders,
    tally: Arc<Tally>,
    stopped: watch::Receiver<bool>,
    at_once: Arc<Semaphore>,
    held_open: Arc<Semaphore>,
}

impl Address {
    async fn attack(mut self, seed: u64) {
        let mut random = StdRng::seed_from_u64(seed);
        let mut ticks = interval(Duration::from_secs_f64(1.0 / self.orders.rate.max(0.01)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut under_way = JoinSet::new();
        loop {
            tokio::select! {
                _ = self.stopped.changed() => break,
                _ = ticks.tick() => {}
            }
            while under_way.try_join_next().is_some() {}
            let Some(deed) = pick(&mut random, &self.orders.deeds) else { break };
            let places = if deed.holds_open() { &self.held_open } else { &self.at_once };
            let Ok(place) = Arc::clone(places).try_acquire_owned() else {
                self.tally.note(deed, "left out: enough are under way");
                continue;
            };
            let attacker = self.attacker(&mut random);
            under_way.spawn(async move {
                let _place = place;
                attacker.perform(deed).await;
            });
        }
        under_way.shutdown().await;
    }

    fn attacker(&self, random: &mut StdRng) -> Attacker {
        let index = random.random_range(0..self.keys.len().max(1));
        let identity = self.keys.get(index).cloned().unwrap_or_else(|| identity(u32::MAX));
        Attacker {
            wire: Wire::new(self.from, self.orders.server),
            identity,
            random: StdRng::seed_from_u64(random.random()),
            orders: self.orders.clone(),
            tally: Arc::clone(&self.tally),
            stopped: self.stopped.clone(),
        }
    }
}

fn pick<T: Copy>(random: &mut StdRng, list: &[T]) -> Option<T> {
    if list.is_empty() { None } else { list.get(random.random_range(0..list.len())).copied() }
}

/// One key at one deed.
struct Attacker {
    wire: Wire,
    identity: Identity,
    random: StdRng,
    orders: Orders,
    tally: Arc<Tally>,
    stopped: watch::Receiver<bool>,
}

impl Attacker {
    async fn perform(mut self, deed: Deed) {
        let done = match deed {
            Deed::Hoard => self.hoard().await,
            Deed::Renew => self.renew().await,
            Deed::Report => self.report().await,
            Deed::ReportBadExecution => self.report_bad_execution().await,
            Deed::Invent => self.invent().await,
            Deed::Forge => self.forge().await,
            Deed::Drip => self.drip().await,
            Deed::Methods => self.methods().await,
            Deed::Streams => self.stream().await,
            Deed::Pages => self.pages().await,
            Deed::Nonces => self.nonces().await,
            Deed::Keys => self.keys().await,
            Deed::Replays => self.replays().await,
            Deed::Heads => self.heads().await,
            Deed::Json => self.json().await,
        };
        if let Err(error) = done {
            // That is the distributor's right; which of the few kinds it was is worth knowing.
            let refused = error.downcast_ref::<std::io::Error>().map(|error| error.kind().to_string());
            self.tally.note(deed, &refused.unwrap_or_else(|| "the connection broke".to_owned()));
        }
    }

    /// Random bytes.
    fn garbage(&mut self, most: usize) -> Bytes {
        let mut bytes = vec![0; self.random.random_range(0..most)];
        self.random.fill(bytes.as_mut_slice());
        bytes.into()
    }

    /// Waits, unless the attack ends before. Whether it did not.
    async fn linger(&mut self, time: Duration) -> bool {
        let end = Instant::now() + time;
        tokio::time::timeout_at(end, self.stopped.wait_for(|stopped| *stopped)).await.is_err()
    }
}
