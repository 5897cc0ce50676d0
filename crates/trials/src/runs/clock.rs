//! The distributor's clock jumps by days, forth and back, while donors work.

use super::Effort;
use super::field::Field;
use crate::grid::{Grid, UnitSize};
use crate::honest::Crowd;
use crate::machine::Programs;
use crate::report::Report;
use distributor::app::{App, Parts};
use distributor::blobs::{self, Use};
use distributor::clock::{Clock, SystemClock};
use distributor::config::Settings;
use distributor::location::Location;
use distributor::server;
use distributor::store::{self, IfMissing};
use protocol::Timestamp;
use rand::Rng as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// Seconds of a day.
const DAY: i64 = 24 * 3600;

/// The machine's clock, moved by so many seconds. What never steps does not step here either.
struct MovedClock {
    moved: AtomicI64,
    machine: SystemClock,
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.machine.now().0.saturating_add_signed(self.moved.load(Ordering::SeqCst)))
    }

    fn elapsed(&self) -> Duration {
        self.machine.elapsed()
    }
}

/// A distributor in this process, since nothing else moves its clock.
struct Serving {
    clock: Arc<MovedClock>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Serving {
    async fn start(grid: &mut Grid) -> anyhow::Result<Self> {
        let clock = Arc::new(MovedClock { moved: AtomicI64::new(0), machine: SystemClock::default() });
        let settings = Settings { retry_all_leased: 1, retry_empty: 1, lease_seconds: 20, ..Settings::default() };
        let store = store::open(&Location::new("sqlite", grid.data.join("cairn.db")), IfMissing::Make).await?;
        let blobs = blobs::open(&Location::new("folder", grid.data.join("blobs")), Use::Serve)?;
        let mut parts = Parts::new(store, blobs, settings);
        parts.clock = Arc::clone(&clock) as Arc<dyn Clock>;
        let listener = TcpListener::bind(grid.server).await?;
        grid.server = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        // It also ends if this value goes away.
        let stopped = async move { drop(stopped.await) };
        let server = tokio::spawn(server::serve(App::new(parts), listener, stopped));
        Ok(Self { clock, stop, server })
    }

    async fn end(self) -> anyhow::Result<()> {
        // It may have ended already, and says so below.
        let _ = self.stop.send(());
        self.server.await??;
        Ok(())
    }
}

/// So many jumps, of a day or some days, each for a second or two; then the clock is right again.
///
/// # Errors
/// If a program cannot be run.
pub async fn clock(programs: &Programs, effort: &Effort, report: &mut Report) -> anyhow::Result<()> {
    let (jumps, mut random) = (effort.times(50, 8), effort.random());
    let folder = tempfile::Builder::new().prefix("cairn-trial-").tempdir()?;
    let data = folder.path().join("grid");
    let mut grid = Grid::without_process(programs, folder, data).await?;
    let serving = Serving::start(&mut grid).await?;
    let mut field = Field::on(grid, effort, 200, UnitSize::SMALL).await?;
    let crowd = Crowd::start(&field.plan(Some(Duration::from_millis(400))), 6);
    let address = field.grid.address();
    field.start_donors(2, &address, &["--at-once", "1"])?;
    let (mut ahead, mut behind) = (0_u32, 0_u32);
    for number in 0..jumps {
        if number % 5 == 0 {
            field.keep_busy(150, 200).await?;
        }
        let days = random.random_range(1..=3);
        let moved = if random.random() { days * DAY } else { -days * DAY };
        ahead += u32::from(moved > 0);
        behind += u32::from(moved < 0);
        serving.clock.moved.store(moved, Ordering::SeqCst);
        sleep(Duration::from_millis(random.random_range(500..2500))).await;
    }
    serving.clock.moved.store(0, Ordering::SeqCst);
    report.figure("jumps of the distributor's clock, days ahead, days behind", format!("{ahead}, {behind}"));
    field.all_done().await?;
    field.deliver_all().await?;
    // What the operator's commands read is what they would read of a process.
    let judged = field.judge(Some(crowd), 0, false, report).await;
    serving.end().await?;
    judged
}
