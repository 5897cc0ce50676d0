//! A unit's process: what it is told to do, and what it tells.

use super::{MAX_EXECUTION_BYTES, Stop, Worker, time_to_renew, total_seconds};
use crate::child::messages::{Event, Job, JobLimits, Order, VERSION};
use crate::child::result;
use crate::child::unit::UnitProcess;
use crate::progress::Phase;
use crate::session::Ending;
use crate::state::atomic::{FileError, Last};
use crate::state::lease::Held;
use crate::state::ledger;
use crate::state::outbox::Kind;
use protocol::{FailureCause, LeaseMode};
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// What a run has told about itself.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) steps: u64,
    pub(super) execute_seconds: Option<f64>,
    pub(super) failure: Option<(FailureCause, String)>,
    pub(super) finished: bool,
}

impl Worker {
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
            byte_price: project.byte_price,
            limits: JobLimits {
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
    pub(super) async fn run(&self, held: &mut Held) -> Result<Told, Stop> {
        let program = crate::child::program().map_err(FileError::of("find", Path::new("the donor's own file")))?;
        let started = UnitProcess::start(&program, &self.job(held)).await;
        let mut unit = started.map_err(FileError::of("start", &program))?;
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
    async fn attend(&self, held: &mut Held, unit: &mut UnitProcess) -> Result<Told, Stop> {
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
}
