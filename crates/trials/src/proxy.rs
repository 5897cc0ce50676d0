//! A stretch of bad network: a proxy that passes bytes on until it does something else with the connection.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// What happens to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Nothing.
    Passed,
    /// It is reset after so many bytes of both directions.
    Cut(u64),
    /// One direction ends after so many bytes; the other goes on for a while.
    HalfClosed { upwards: bool, after: u64 },
    /// Each piece comes so much later; after so many bytes it is reset.
    Delayed(Duration, u64),
    /// After so many bytes nothing passes for so long; then it is reset.
    Stalled(u64, Duration),
    /// It is taken, and never connected.
    Refused,
}

impl Fate {
    fn draw(random: &mut StdRng) -> Self {
        // Requests and small answers have some hundred bytes, proofs some ten thousand. A connection is used for many
        // of them, so none lasts.
        let bytes = if random.random() { random.random_range(1..2000) } else { random.random_range(1..400_000) };
        match random.random_range(0..10) {
            0..4 => Self::Cut(bytes),
            4 | 5 => Self::HalfClosed { upwards: random.random(), after: bytes },
            6 | 7 => Self::Delayed(Duration::from_millis(random.random_range(10..500)), bytes),
            8 => Self::Stalled(bytes, Duration::from_millis(random.random_range(500..8000))),
            _ => Self::Refused,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Passed => "connections passed on",
            Self::Cut(_) => "connections cut",
            Self::HalfClosed { .. } => "connections half-closed",
            Self::Delayed(..) => "connections delayed",
            Self::Stalled(..) => "connections stalled, then cut",
            Self::Refused => "connections refused",
        }
    }
}

/// A proxy on a port of its own.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    server: SocketAddr,
    healed: AtomicBool,
    counts: Mutex<BTreeMap<&'static str, u64>>,
}

impl Shared {
    fn counts(&self) -> MutexGuard<'_, BTreeMap<&'static str, u64>> {
        // A panic while holding the lock would leave the map as good as before.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Proxy {
    /// Passes on to a server, as the seed draws it.
    ///
    /// # Errors
    /// If it cannot listen.
    pub async fn start(server: SocketAddr, seed: u64) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.4.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { server, healed: AtomicBool::new(false), counts: Mutex::default() });
        let inner = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            let mut random = StdRng::seed_from_u64(seed);
            while let Ok((stream, _)) = listener.accept().await {
                let fate = if inner.healed.load(Ordering::Relaxed) { Fate::Passed } else { Fate::draw(&mut random) };
                *inner.counts().entry(fate.name()).or_default() += 1;
                let server = inner.server;
                // A connection that broke has met its fate.
                tokio::spawn(async move { drop(pass(stream, server, fate).await) });
            }
        });
        Ok(Self { address, shared, accepting })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on new connections are only passed on.
    pub fn heal(&self) {
        self.shared.healed.store(true, Ordering::Relaxed);
    }

    /// Connections by what happened to them.
    pub fn injected(&self) -> BTreeMap<&'static str, u64> {
        self.shared.counts().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// How one direction ends by force.
enum End {
    /// Both sides are reset.
    Reset,
    /// This direction is closed; the other goes on.
    Closed,
}

async fn pass(client: TcpStream, server: SocketAddr, fate: Fate) -> std::io::Result<()> {
    if fate == Fate::Refused {
        return client.set_zero_linger();
    }
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    if matches!(fate, Fate::Cut(_) | Fate::Stalled(..) | Fate::Delayed(..)) {
        // Closing it is then a reset, as if a cable was pulled and put back.
        client.set_zero_linger()?;
        server.set_zero_linger()?;
    }
    // These halves shut nothing down when they are dropped: a reset must not begin with an orderly end.
    let (from_client, to_client) = split(client);
    let (from_server, to_server) = split(server);
    let mut up = tokio::spawn(copy(from_client, to_server, fate, true));
    let mut down = tokio::spawn(copy(from_server, to_client, fate, false));
    // A reset of one direction ends both; the end of one does not end the other, though nobody keeps half a connection for ever.
    let (ended, other) = tokio::select! {
        ended = &mut up => (ended, &mut down),
        ended = &mut down => (ended, &mut up),
    };
    if matches!(ended, Ok(Ok(End::Closed))) {
        let _ = tokio::time::timeout(Duration::from_secs(30), other).await;
    }
    up.abort();
    down.abort();
    Ok(())
}

async fn copy(
    mut from: ReadHalf<TcpStream>,
    mut to: WriteHalf<TcpStream>,
    fate: Fate,
    upwards: bool,
) -> std::io::Result<End> {
    let (mut buffer, mut passed) = (vec![0; 16 << 10], 0_u64);
    loop {
        let read = from.read(&mut buffer).await?;
        let Some(mut piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else {
            to.shutdown().await?;
            return Ok(End::Closed);
        };
        let limit = match fate {
            Fate::Cut(limit) | Fate::Stalled(limit, _) | Fate::Delayed(_, limit) => Some(limit),
            Fate::HalfClosed { upwards: direction, after } if direction == upwards => Some(after),
            _ => None,
        };
        let left = limit.map_or(u64::MAX, |limit| limit.saturating_sub(passed));
        let ends = left < piece.len() as u64;
        if ends {
            piece = piece.get(..left as usize).unwrap_or_default();
        }
        if let Fate::Delayed(delay, _) = fate {
            sleep(delay).await;
        }
        to.write_all(piece).await?;
        passed += piece.len() as u64;
        if ends {
            return match fate {
                Fate::Stalled(_, time) => {
                    sleep(time).await;
                    Ok(End::Reset)
                }
                Fate::HalfClosed { .. } => {
                    to.shutdown().await?;
                    Ok(End::Closed)
                }
                _ => Ok(End::Reset),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that gives back what it gets.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                    let _ = to.shutdown().await;
                });
            }
        });
        address
    }

    /// Sends bytes through a connection with this fate and reads what comes back.
    async fn through(fate: Fate, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = echo().await;
        let passing = async {
            let (stream, _) = listener.accept().await.unwrap();
            pass(stream, server, fate).await
        };
        let asking = async {
            let mut stream = TcpStream::connect(address).await?;
            stream.write_all(bytes).await?;
            stream.shutdown().await?;
            let mut back = Vec::new();
            stream.read_to_end(&mut back).await?;
            Ok(back)
        };
        let (_, back) = tokio::join!(passing, asking);
        back
    }

    #[tokio::test]
    async fn each_fate_does_what_it_says() {
        let bytes = vec![7; 10_000];
        assert_eq!(through(Fate::Passed, &bytes).await.unwrap(), bytes);
        assert_eq!(through(Fate::Delayed(Duration::from_millis(5), 100_000), &bytes).await.unwrap(), bytes);
        assert!(through(Fate::Cut(100), &bytes).await.is_err());
        assert!(through(Fate::Refused, &bytes).await.is_err());
        assert!(through(Fate::Stalled(100, Duration::from_millis(50)), &bytes).await.is_err());
        let half = Fate::HalfClosed { upwards: true, after: 100 };
        assert_eq!(through(half, &bytes).await.unwrap().len(), 100);
    }

    #[tokio::test]
    async fn a_healed_proxy_passes_everything() {
        let proxy = Proxy::start(echo().await, 1).await.unwrap();
        proxy.heal();
        for _ in 0..20 {
            let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
            stream.write_all(b"hello").await.unwrap();
            stream.shutdown().await.unwrap();
            let mut back = String::new();
            stream.read_to_string(&mut back).await.unwrap();
            assert_eq!(back, "hello");
        }
        assert_eq!(proxy.injected(), BTreeMap::from([("connections passed on", 20)]));
    }
}
