//! What most runs have: a grid with a project, donors of both kinds at work, and the judgement at the end.

use super::Effort;
use crate::grid::{Claims, DonorProcess, Grid, UnitSize, Uploader, check};
use crate::honest::{Crowd, CrowdPlan};
use crate::ledger::Ledger;
use crate::machine::Programs;
use crate::prover::Prover;
use crate::report::Report;
use anyhow::ensure;
use protocol::UnitCounts;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Longest wait for the units that are left when the faults are over.
const PATIENCE: Duration = Duration::from_secs(600);

/// A project under way.
pub struct Field {
    /// The distributor.
    pub grid: Grid,
    /// Whose project it is.
    pub uploader: Uploader,
    /// Units pushed so far.
    pub units: u64,
    /// What was acknowledged to simulated donors.
    pub ledger: Arc<Ledger>,
    /// Who proves for simulated donors.
    pub prover: Prover,
    /// Real donors.
    pub donors: Vec<DonorProcess>,
}

impl Field {
    /// A distributor with these flags of `serve`, and a project with so many units.
    ///
    /// # Errors
    /// If a program fails.
    pub async fn new(programs: &Programs, effort: &Effort, settings: &[&str], units: u64) -> anyhow::Result<Self> {
        Self::on(Grid::start(programs, settings).await?, effort, units, UnitSize::SMALL).await
    }

    /// The same on a grid that is there, with units of this size.
    ///
    /// # Errors
    /// If a program fails.
    pub async fn on(mut grid: Grid, effort: &Effort, units: u64, size: UnitSize) -> anyhow::Result<Self> {
        grid.keep(effort.keep);
        let uploader = Uploader::new(&grid, size)?;
        uploader.push(units).await?;
        Ok(Self { grid, uploader, units, ledger: Arc::default(), prover: Prover::new(2)?, donors: Vec::new() })
    }

    /// A plan for simulated donors, who speak to the distributor itself.
    pub fn plan(&self, pace: Option<Duration>) -> CrowdPlan {
        CrowdPlan {
            server: self.grid.server,
            prover: self.prover.clone(),
            ledger: Arc::clone(&self.ledger),
            pace,
            longest_wait: Duration::from_secs(1),
        }
    }

    /// Starts so many real donors that ask at this address.
    ///
    /// # Errors
    /// If one cannot be started.
    pub fn start_donors(&mut self, count: usize, server: &str, arguments: &[&str]) -> anyhow::Result<()> {
        for number in self.donors.len()..self.donors.len() + count {
            let state = self.grid.path(&format!("donor-{number}"));
            self.donors.push(DonorProcess::start(&self.grid.programs, server, &state, arguments)?);
        }
        Ok(())
    }

    /// Counts of the project's units.
    ///
    /// # Errors
    /// If the distributor does not answer.
    pub async fn counts(&self) -> anyhow::Result<UnitCounts> {
        Ok(self.grid.client()?.project(&crate::grid::PROJECT.parse()?).await?.units)
    }

    /// Pushes more units if fewer than `least` are open.
    ///
    /// # Errors
    /// If the uploader fails.
    pub async fn keep_busy(&mut self, least: u64, more: u64) -> anyhow::Result<()> {
        if self.counts().await?.open() < least {
            self.units += more;
            self.uploader.push(self.units).await?;
        }
        Ok(())
    }

    /// Waits until every unit is proved or failed.
    ///
    /// # Errors
    /// If it takes too long, or a real donor has ended.
    pub async fn all_done(&mut self) -> anyhow::Result<()> {
        let begin = Instant::now();
        loop {
            let counts = self.counts().await?;
            if counts.open() == 0 {
                return Ok(());
            }
            ensure!(begin.elapsed() < PATIENCE, "units are still open after {PATIENCE:?}: {counts:?}");
            for donor in &mut self.donors {
                ensure!(!donor.has_ended()?, "a donor has ended by itself; see {}", donor.log().display());
            }
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// Starts real donors again, since one may be in the middle of a long wait, and waits until nothing is left to deliver.
    ///
    /// # Errors
    /// If it takes too long.
    pub async fn deliver_all(&mut self) -> anyhow::Result<()> {
        for donor in &mut self.donors {
            donor.stop().await?;
            donor.start_again()?;
        }
        let begin = Instant::now();
        while self.donors.iter().any(|donor| donor.outbox() > 0) {
            ensure!(begin.elapsed() < PATIENCE, "a donor does not deliver within {PATIENCE:?}");
            sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Lets all units be done, ends the simulated donors, and judges. `spare_files` without a reference may be left.
    ///
    /// # Errors
    /// If a program cannot be run.
    pub async fn judge(
        mut self,
        crowd: Option<Crowd>,
        spare_files: u64,
        restored: bool,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        self.all_done().await?;
        self.deliver_all().await?;
        if let Some(crowd) = crowd {
            crowd.stop().await?;
        }
        self.judge_now(spare_files, restored, false, report).await
    }

    /// The same, with units that may be left, and the simulated donors ended already.
    ///
    /// # Errors
    /// If a program cannot be run.
    pub async fn judge_now(
        mut self,
        spare_files: u64,
        restored: bool,
        partial: bool,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        self.note_troubles(report);
        let (acknowledged, units) = (self.ledger.acknowledged(), self.units);
        let donors = &mut self.donors;
        let claims = Claims { units, acknowledged: &acknowledged, donors, spare_files, restored, partial };
        check(&mut self.grid, claims, report).await?;
        if report.passed() {
            self.grid.keep(false);
        } else {
            report.figure("logs, if they are kept", self.grid.folder().display());
        }
        Ok(())
    }

    /// What simulated donors met on their way.
    pub fn note_troubles(&self, report: &mut Report) {
        let troubles: Vec<_> =
            self.ledger.take_troubles().into_iter().map(|(kind, count)| format!("{kind}: {count}")).collect();
        let list = if troubles.is_empty() { "none".to_owned() } else { troubles.join(", ") };
        report.figure("what simulated donors met", list);
    }
}
