//! A unit's process: what it is told to do, and what it tells.

use super::{MAX_EXECUTION_BYTES, Stop, Work, Worker, time_to_renew, total_seconds};
use crate::child::messages::{Event, Job, JobLimits, JobUnit, Order, VERSION};
use crate::child::result;
use crate::child::unit::UnitProcess;
use crate::session::Ending;
use crate::state::atomic::{FileError, Last};
use crate::state::lease::Held;
use crate::state::ledger;
use crate::state::outbox::Kind;
use protocol::{FailureCause, LeaseMode, LeasedUnit, UnitId};
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// What a run has told about itself.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The unit whose execution is under way.
    pub(super) doing: Option<UnitId>,
    /// Units whose executions the process has.
    pub(super) executed: u64,
    execute_seconds: f64,
    /// Units that cannot be executed, and are not reported yet.
    failed: Vec<(UnitId, FailureCause, String)>,
    /// An execution that is to be handed over.
    ready: Option<Finished>,
    pub(super) proved: Option<Finished>,
    pub(super) failure: Option<(FailureCause, String)>,
}

/// A result that a process wrote.
#[derive(Debug)]
pub(super) struct Finished {
    /// Of which units; of an execution one.
    pub(super) units: Vec<UnitId>,
    /// Steps of all of them.
    pub(super) steps: u64,
}

impl Worker {
    fn job(&self, held: &Held, group: &[LeasedUnit]) -> Job {
        let project = &held.lease.project;
        let limits = self.plan.bounds.limits(&project.limits, held.lease.mode);
        let count = group.len() as u64;
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
            units: group
                .iter()
                .map(|unit| JobUnit {
                    id: unit.id,
                    arguments: unit.arguments.clone(),
                    earlier: self.folder.execution(&unit.id),
                    execution: self.folder.work(&unit.id, Kind::Execution),
                })
                .collect(),
            mode: held.lease.mode,
            proof: self.folder.work(&held.unit(), Kind::Proof),
            prover: self.client.identity().donor_key(),
            preset: project.preset,
            byte_price: project.byte_price,
            limits: JobLimits {
                max_steps: limits.max_steps,
                max_memory_cells: own_cells.min(limits.max_memory_cells),
                own_memory: own_cells < limits.max_memory_cells,
                execute_seconds: limits.time_limit,
                total_seconds: total_seconds(&limits, count).min(self.plan.bounds.max_unit_time.saturating_mul(count)),
                memory_bytes: memory,
                file_bytes: MAX_EXECUTION_BYTES,
            },
            threads: self.plan.unit_threads(),
            credit: self.board.settle(),
            cores: self.board.part(self.board.running().len() + 1),
            walls: self.plan.walls,
        }
    }

    /// Runs the process of a group to its end. Units that fail, and executions that are to be handed over, are dealt with at once.
    pub(super) async fn run(&self, work: &mut Work, group: &[LeasedUnit]) -> Result<Told, Stop> {
        let program = crate::child::program().map_err(FileError::of("find", Path::new("the donor's own file")))?;
        let started = UnitProcess::start(&program, &self.job(&work.held, group)).await;
        let mut unit = started.map_err(FileError::of("start", &program))?;
        self.board.set_process(&work.held.unit(), unit.id());
        let stop = self.attend(work, &mut unit).await;
        match &stop {
            Ok(Told { failure: Some(_), .. }) => unit.kill().await,
            _ => unit.stop().await,
        }
        self.board.set_process(&work.held.unit(), None);
        stop
    }

    /// Listens to the process, hands on what the governor decides, keeps the lease alive.
    async fn attend(&self, work: &mut Work, unit: &mut UnitProcess) -> Result<Told, Stop> {
        let mut told = Told::default();
        let mut parts = self.board.parts.subscribe();
        // What was decided since the job was written is not missed.
        parts.mark_changed();
        let mut renewal = Some(Instant::now() + time_to_renew(&work.held));
        let mut begin = Instant::now();
        loop {
            let due = renewal.unwrap_or_else(|| Instant::now() + Duration::from_secs(86_400));
            tokio::select! {
                event = unit.next() => match event {
                    Some(event) => {
                        self.hear(&work.held, event, &mut told);
                        for (unit, cause, detail) in std::mem::take(&mut told.failed) {
                            self.one_failed(work, &unit, cause, &detail).await?;
                        }
                        if let Some(ready) = told.ready.take() {
                            self.put_into_outbox(work, &ready, Kind::Execution, begin).await?;
                            self.board.outbox.notify_one();
                            begin = Instant::now();
                        }
                    }
                    None => return Ok(told),
                },
                Ok(()) = parts.changed() => {
                    let part = self.board.part(self.board.running().len());
                    unit.order(&Order::Cores(part)).await;
                }
                () = tokio::time::sleep_until(due), if renewal.is_some() => {
                    renewal = self.renew(&mut work.held).await?.map(|wait| Instant::now() + wait);
                }
                // What is finished is not left behind.
                () = self.board.ends(Ending::Now) => {
                    return if told.proved.is_some() { Ok(told) } else { Err(Stop::Interrupted) };
                }
            }
        }
    }

    fn hear(&self, held: &Held, event: Event, told: &mut Told) {
        match event {
            Event::Progress { phase, fraction } => self.report(held, phase, fraction),
            Event::Alive => {}
            Event::Begins { unit } => told.doing = Some(unit),
            Event::Executed { unit, steps, cpu_seconds, kept, .. } => {
                told.doing = None;
                told.executed += 1;
                told.execute_seconds += cpu_seconds;
                if held.lease.mode == LeaseMode::Execute {
                    told.ready = kept.then(|| Finished { units: vec![unit], steps });
                } else if kept {
                    self.keep_execution(&unit);
                }
            }
            Event::UnitFailed { unit, cause, detail } => {
                told.doing = None;
                told.failed.push((unit, cause, detail));
            }
            Event::Waiting { why } => self.show.warn(why),
            Event::Proved { units, steps, cpu_seconds, peak_memory, .. } => {
                told.proved = Some(Finished { units, steps });
                let mut speed = ledger::speed(&self.folder);
                speed.note(steps, Some(told.execute_seconds), cpu_seconds, peak_memory);
                if let Err(error) = ledger::keep_speed(&self.folder, &speed) {
                    self.show.warn(error);
                }
            }
            Event::Failed { cause, detail } => told.failure = Some((cause, detail)),
        }
    }

    /// Keeps an execution that is being proved, so that an interruption from here on costs no second one.
    fn keep_execution(&self, unit: &UnitId) {
        let (from, to) = (self.folder.work(unit, Kind::Execution), self.folder.execution(unit));
        if let Err(error) = result::take(&from, &to, MAX_EXECUTION_BYTES, Last::Process) {
            self.show.warn(error);
        }
    }
}
