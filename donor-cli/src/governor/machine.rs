//! Readings of the real machine, by sysinfo.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System};

/// The name that donors' processes have. What other donors use is no reason to give way: they hold caps of their own.
const DONOR: &str = "donor";

/// Programs are looked through one by one at most this often, and only while others use a noticeable share.
const BETWEEN_LISTS: Duration = Duration::from_millis(500);

/// The share from which it is worth knowing who uses it.
const NOTICEABLE: f64 = 0.08;

/// Cores of the machine that this process may run on.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The machine's memory in bytes, or that of the control group if it is less.
pub fn memory() -> u64 {
    let memory = MemoryRefreshKind::nothing().with_ram();
    let Ok(system) = System::new_with_specifics(RefreshKind::nothing().with_memory(memory)) else { return 0 };
    let total = system.total_memory();
    system.cgroup_limits().map_or(total, |limits| limits.total_memory.min(total))
}

/// What was used since the last look.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Load {
    /// Share of the machine that programs other than donors used.
    pub others: f64,
    /// Which of them used most, with its share.
    pub busiest: Option<(String, f64)>,
    /// Share of the machine that this process itself used, without its work units.
    pub overhead: f64,
    /// Processor seconds that this process and its work units have used so far.
    pub own_seconds: f64,
    /// Resident memory of the work unit in bytes.
    pub unit_memory: u64,
}

/// Takes readings.
#[derive(Debug)]
pub struct Machine {
    system: System,
    cores: f64,
    me: Pid,
    last: Instant,
    /// Processor seconds of this process and of the running work unit at the last look.
    own: f64,
    unit: Option<(Pid, f64)>,
    /// Processor seconds of work units that have ended.
    ended: f64,
    list: List,
}

/// All processes' processor times at the last list.
#[derive(Debug, Default)]
struct List {
    at: Option<Instant>,
    milliseconds: HashMap<Pid, u64>,
    other_donors: f64,
    busiest: Option<(String, f64)>,
}

impl Machine {
    /// Takes a first look, which later ones are compared with.
    ///
    /// # Errors
    /// If the system tells nothing about itself.
    pub fn new() -> Result<Self, sysinfo::Error> {
        let usage = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing().with_usage());
        let mut system = System::new_with_specifics(usage)?;
        system.refresh_cpu_usage();
        let me = Pid::from_u32(std::process::id());
        let cores = system.cpus().len().max(1) as f64;
        let mut machine =
            Self { system, cores, me, last: Instant::now(), own: 0.0, unit: None, ended: 0.0, list: List::default() };
        machine.own = machine.seconds(me);
        Ok(machine)
    }

    /// Looks again; `unit` is the process of the running work unit. Looks less than 0.2 s apart see no change.
    pub fn look(&mut self, unit: Option<u32>) -> Load {
        self.system.refresh_cpu_usage();
        let busy = f64::from(self.system.global_cpu_usage()) / 100.0;
        let unit = unit.map(Pid::from_u32);
        let pids: Vec<Pid> = [Some(self.me), unit].into_iter().flatten().collect();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&pids), false, kind());
        let passed = self.last.elapsed().as_secs_f64().max(1e-3);
        self.last = Instant::now();

        let own = self.seconds(self.me);
        let overhead = (own - self.own) / passed / self.cores;
        self.own = own;
        let worked = self.follow(unit) / passed / self.cores;

        let foreign = (busy - overhead - worked).max(0.0);
        if foreign > NOTICEABLE {
            self.list_processes(&pids);
        } else {
            self.list = List::default();
        }
        Load {
            others: (foreign - self.list.other_donors).max(0.0),
            busiest: self.list.busiest.clone(),
            overhead,
            own_seconds: self.own + self.ended + self.unit.map_or(0.0, |(_, seconds)| seconds),
            unit_memory: unit.and_then(|pid| self.system.process(pid)).map_or(0, sysinfo::Process::memory),
        }
    }

    /// Seconds that work units have used since the last look.
    fn follow(&mut self, unit: Option<Pid>) -> f64 {
        let before = match self.unit.take() {
            Some((pid, seconds)) if Some(pid) == unit => seconds,
            Some((_, seconds)) => {
                self.ended += seconds;
                0.0
            }
            None => 0.0,
        };
        let Some(pid) = unit else { return 0.0 };
        // A process that has just ended is seen with nothing.
        let seconds = self.seconds(pid).max(before);
        self.unit = Some((pid, seconds));
        seconds - before
    }

    fn seconds(&mut self, pid: Pid) -> f64 {
        if self.system.process(pid).is_none() {
            self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, kind());
        }
        self.system.process(pid).map_or(0.0, |process| process.accumulated_cpu_time() as f64 / 1000.0)
    }

    fn list_processes(&mut self, mine: &[Pid]) {
        if self.list.at.is_some_and(|at| at.elapsed() < BETWEEN_LISTS) {
            return;
        }
        self.system.refresh_processes_specifics(ProcessesToUpdate::All, true, kind());
        let passed = self.list.at.map(|at| at.elapsed().as_secs_f64());
        let before = std::mem::take(&mut self.list.milliseconds);
        let (mut other_donors, mut busiest) = (0.0, None::<(String, f64)>);
        for (pid, process) in self.system.processes() {
            let now = process.accumulated_cpu_time();
            self.list.milliseconds.insert(*pid, now);
            let (Some(passed), Some(then)) = (passed, before.get(pid)) else { continue };
            let share = now.saturating_sub(*then) as f64 / 1000.0 / passed / self.cores;
            if mine.contains(pid) {
                continue;
            }
            let name = process.name().to_string_lossy();
            if name == DONOR {
                other_donors += share;
            } else if busiest.as_ref().is_none_or(|(_, most)| share > *most) && share > 0.01 {
                busiest = Some((name.into_owned(), share));
            }
        }
        self.list.at = Some(Instant::now());
        self.list.other_donors = other_donors;
        self.list.busiest = busiest;
    }
}

fn kind() -> ProcessRefreshKind {
    ProcessRefreshKind::nothing().with_cpu().with_memory().without_tasks()
}

/// Whether the machine is on battery, where that can be told.
pub fn on_battery() -> bool {
    super::battery::on_battery(Path::new(super::battery::POWER_SUPPLIES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_its_own_use() {
        let mut machine = Machine::new().expect("a system that tells");
        let begin = Instant::now();
        let mut sum = 0_u64;
        while begin.elapsed() < Duration::from_millis(400) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let load = machine.look(None);
        assert!(load.overhead > 0.0 && load.own_seconds > 0.05, "{load:?}");
        assert!((0.0..=1.0).contains(&load.others), "{load:?}");
        assert!(memory() > 1 << 20 && cores() >= 1);
    }
}
