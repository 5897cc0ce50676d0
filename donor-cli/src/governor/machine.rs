//! Readings of the real machine, by sysinfo.

use super::{group, times};
use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};
use sysinfo::{CpuRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System};

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

/// Processors that this process's control group may use, where it sets a limit; it may be less than one.
pub fn allowed_cores() -> Option<f64> {
    group::allowance(Path::new("/")).cores
}

/// The memory in bytes that this process may use: the machine's, or that of its control group if it is less; `None` if the
/// system does not tell.
pub fn memory() -> Option<u64> {
    #[cfg(target_os = "linux")]
    let machine = group::machine_memory(Path::new("/"));
    #[cfg(not(target_os = "linux"))]
    let machine = {
        let memory = sysinfo::MemoryRefreshKind::nothing().with_ram();
        let system = System::new_with_specifics(RefreshKind::nothing().with_memory(memory)).ok();
        system.map(|system| system.total_memory()).filter(|bytes| *bytes > 0)
    };
    let group = group::allowance(Path::new("/")).memory;
    [machine, group].into_iter().flatten().min()
}

/// How many processes the kernel has killed for lack of memory where this one runs; `None` if it does not tell.
pub fn memory_kills() -> Option<u64> {
    group::memory_kills(Path::new("/"))
}

/// Processor seconds that this process's children have used: those that run, given by their numbers, and those that have
/// ended. Where the system does not tell, 0.
pub fn units_seconds(running: &[u32]) -> f64 {
    let ended = times::of(std::process::id()).map_or(0.0, |times| times.ended);
    ended + running.iter().filter_map(|pid| times::of(*pid)).map(|times| times.own).sum::<f64>()
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
    /// Resident memory of the work units in bytes, in the order in which they were asked for.
    pub unit_memory: Vec<u64>,
}

/// Takes readings.
#[derive(Debug)]
pub struct Machine {
    system: System,
    cores: f64,
    last: Instant,
    /// Processor seconds at the last look: of this process, and of its work units.
    own: f64,
    units: f64,
    follow: Follow,
    list: List,
    /// What others used, as far as known at the last look.
    others: f64,
}

/// Work units' times where the system does not tell those of ended children.
#[derive(Debug, Default)]
struct Follow {
    running: HashMap<u32, f64>,
    ended: f64,
}

/// All processes' processor times at the last list.
#[derive(Debug, Default)]
struct List {
    at: Option<Instant>,
    seconds: HashMap<Pid, f64>,
    /// Those of all other donors together.
    donors: f64,
    /// Shares since the list before; `None` at the first.
    seen: Option<(f64, Option<(String, f64)>)>,
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
        let cores = system.cpus().len().max(1) as f64;
        let (follow, list) = (Follow::default(), List::default());
        let mut machine = Self { system, cores, last: Instant::now(), own: 0.0, units: 0.0, follow, list, others: 0.0 };
        (machine.own, machine.units) = machine.own_times(&[]);
        Ok(machine)
    }

    /// Looks again; `units` are the processes of the running work units. Looks less than 0.2 s apart see no change.
    pub fn look(&mut self, units: &[u32]) -> Load {
        self.system.refresh_cpu_usage();
        let busy = f64::from(self.system.global_cpu_usage()) / 100.0;
        let me = std::process::id();
        let mine: Vec<Pid> = units.iter().chain([&me]).map(|pid| Pid::from_u32(*pid)).collect();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&mine), true, kind());
        let machine = self.last.elapsed().as_secs_f64().max(1e-3) * self.cores;
        self.last = Instant::now();

        let (own, worked) = self.own_times(units);
        let overhead = (own - self.own).max(0.0) / machine;
        let foreign = (busy - overhead - (worked - self.units).max(0.0) / machine).max(0.0);
        (self.own, self.units) = (own, worked);
        if foreign > NOTICEABLE {
            self.list_processes(&mine);
        } else {
            self.list = List::default();
        }
        // Until a second list tells whose it is, it is not known whether other donors are behind it.
        match (&self.list.at, &self.list.seen) {
            (Some(_), None) => {}
            (_, Some((donors, _))) => self.others = (foreign - donors).max(0.0),
            (None, None) => self.others = foreign,
        }
        let memory = |pid: &u32| self.system.process(Pid::from_u32(*pid)).map_or(0, sysinfo::Process::memory);
        Load {
            others: self.others,
            busiest: self.list.seen.as_ref().and_then(|(_, busiest)| busiest.clone()),
            overhead,
            own_seconds: own + worked,
            unit_memory: units.iter().map(memory).collect(),
        }
    }

    /// Processor seconds of this process, and of its work units.
    fn own_times(&mut self, units: &[u32]) -> (f64, f64) {
        let me = std::process::id();
        if let Some(times) = times::of(me) {
            return (times.own, units_seconds(units));
        }
        for pid in units {
            // A process that has just ended is seen with nothing.
            let seconds = self.seconds(*pid).max(self.follow.running.get(pid).copied().unwrap_or(0.0));
            self.follow.running.insert(*pid, seconds);
        }
        let ended = &mut self.follow.ended;
        self.follow.running.retain(|pid, seconds| {
            let running = units.contains(pid);
            *ended += if running { 0.0 } else { *seconds };
            running
        });
        (self.seconds(me), self.follow.ended + self.follow.running.values().sum::<f64>())
    }

    fn seconds(&self, pid: u32) -> f64 {
        self.system.process(Pid::from_u32(pid)).map_or(0.0, |process| process.accumulated_cpu_time() as f64 / 1000.0)
    }

    fn list_processes(&mut self, mine: &[Pid]) {
        if self.list.at.is_some_and(|at| at.elapsed() < BETWEEN_LISTS) {
            return;
        }
        self.system.refresh_processes_specifics(ProcessesToUpdate::All, true, kind());
        let passed = self.list.at.map(|at| at.elapsed().as_secs_f64() * self.cores);
        let before = std::mem::take(&mut self.list.seconds);
        let (mut donors, mut busiest) = (0.0, None::<(String, f64)>);
        for (pid, process) in self.system.processes().iter().filter(|(pid, _)| !mine.contains(pid)) {
            let now = process.accumulated_cpu_time() as f64 / 1000.0;
            let name = process.name().to_string_lossy();
            if name == DONOR {
                // Its units that have ended since the last list are in its own account.
                donors += times::of(pid.as_u32()).map_or(now, |times| times.own + times.ended);
                continue;
            }
            self.list.seconds.insert(*pid, now);
            let (Some(passed), Some(then)) = (passed, before.get(pid)) else { continue };
            let share = (now - then) / passed;
            if busiest.as_ref().is_none_or(|(_, most)| share > *most) && share > 0.01 {
                busiest = Some((name.into_owned(), share));
            }
        }
        self.list.seen = passed.map(|passed| ((donors - self.list.donors).max(0.0) / passed, busiest));
        self.list.at = Some(Instant::now());
        self.list.donors = donors;
    }
}

fn kind() -> ProcessRefreshKind {
    ProcessRefreshKind::nothing().with_cpu().with_memory().without_tasks()
}

/// Time since the machine was started, also while it slept: it goes on steadily whatever is done to the clock.
#[cfg(target_os = "linux")]
pub fn since_boot() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Time since a moment after the program was started, as steady as the system has it.
#[cfg(not(target_os = "linux"))]
pub fn since_boot() -> Duration {
    static BEGIN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    BEGIN.get_or_init(Instant::now).elapsed()
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
        let load = machine.look(&[]);
        assert!(load.overhead > 0.0 && load.own_seconds > 0.05, "{load:?}");
        assert!((0.0..=1.0).contains(&load.others), "{load:?}");
        assert!(memory().is_some_and(|bytes| bytes > 1 << 20) && cores() >= 1);
    }
}
