//! The arithmetic of the throttle: a bucket that fills with processor time at the allowed rate and is emptied by the
//! processor time that was really used.

use std::time::Duration;

/// Unused time that is kept, in seconds of the allowed rate: it makes up for stretches in which a proof cannot use all its
/// threads.
const KEEP: f64 = 1.0;

/// The longest wait before looking again.
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// What to do at a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Go on working.
    Work,
    /// Look again after this time.
    Wait(Duration),
    /// Wait until the rate changes.
    Pause,
}

/// Holds the processor time that a process uses to a number of cores. Pure: the clocks are the caller's.
#[derive(Debug, Clone)]
pub struct Bucket {
    cores: f64,
    /// Seconds that may be used at once; below 0 when too much was used.
    credit: f64,
    wall: Duration,
    cpu: Duration,
}

impl Bucket {
    /// A bucket with so much credit in seconds of one core; less than 0 is a debt. `wall` and `cpu` are what the clocks show.
    pub const fn new(cores: f64, credit: f64, wall: Duration, cpu: Duration) -> Self {
        Self { cores, credit, wall, cpu }
    }

    /// What may be used at once, in seconds of one core, at the last look at the clocks.
    pub const fn credit(&self) -> f64 {
        self.credit
    }

    /// Changes the rate; 0 pauses. What was saved at the old rate beyond what the new one would have saved is lost.
    pub fn set(&mut self, cores: f64, wall: Duration, cpu: Duration) {
        self.settle(wall, cpu);
        self.cores = if cores.is_finite() { cores.max(0.0) } else { 0.0 };
        self.credit = self.credit.min(self.cores * KEEP);
    }

    /// Looks at the clocks and decides.
    pub fn visit(&mut self, wall: Duration, cpu: Duration) -> Verdict {
        self.settle(wall, cpu);
        if self.cores <= 0.0 {
            Verdict::Pause
        } else if self.credit >= 0.0 {
            Verdict::Work
        } else {
            let wait = Duration::from_secs_f64((-self.credit / self.cores).min(LONGEST_WAIT.as_secs_f64()));
            // Shorter waits than a millisecond cost more than they hold back.
            Verdict::Wait(wait.max(Duration::from_millis(1)))
        }
    }

    fn settle(&mut self, wall: Duration, cpu: Duration) {
        let passed = wall.saturating_sub(self.wall).as_secs_f64();
        let used = cpu.saturating_sub(self.cpu).as_secs_f64();
        self.credit = (self.credit + self.cores * passed - used).min(self.cores * KEEP);
        self.wall = self.wall.max(wall);
        self.cpu = self.cpu.max(cpu);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Threads that work in stretches of `stretch` and then visit the bucket, on an idle machine. Time goes in steps of
    /// 0.1 ms.
    struct Simulation {
        bucket: Bucket,
        /// Steps until each thread visits again; the flag says whether it works until then.
        threads: Vec<(u32, bool)>,
        stretch: u32,
        wall: f64,
        cpu: f64,
    }

    const STEP: f64 = 1e-4;

    impl Simulation {
        fn new(threads: usize, stretch: f64, cores: f64) -> Self {
            let bucket = Bucket::new(cores, 0.0, Duration::ZERO, Duration::ZERO);
            Self { bucket, threads: vec![(0, false); threads], stretch: (stretch / STEP) as u32, wall: 0.0, cpu: 0.0 }
        }

        fn clocks(&self) -> (Duration, Duration) {
            (Duration::from_secs_f64(self.wall), Duration::from_secs_f64(self.cpu))
        }

        /// Runs on and returns the cores that were used on average.
        fn run(&mut self, seconds: f64) -> f64 {
            let before = self.cpu;
            for _ in 0..(seconds / STEP) as u64 {
                let (wall, cpu) = self.clocks();
                for (left, working) in &mut self.threads {
                    if *left == 0 {
                        (*left, *working) = match self.bucket.visit(wall, cpu) {
                            Verdict::Work => (self.stretch, true),
                            Verdict::Wait(time) => ((time.as_secs_f64() / STEP) as u32 + 1, false),
                            Verdict::Pause => (100, false),
                        };
                    }
                    *left -= 1;
                    self.cpu += if *working { STEP } else { 0.0 };
                }
                self.wall += STEP;
            }
            (self.cpu - before) / seconds
        }

        fn set(&mut self, cores: f64) {
            let (wall, cpu) = self.clocks();
            self.bucket.set(cores, wall, cpu);
        }
    }

    #[test]
    fn holds_the_rate_whatever_the_stretches() {
        for (threads, cores) in [(1, 0.2), (1, 0.5), (1, 0.9), (2, 1.0), (2, 1.5), (4, 0.4), (8, 6.0)] {
            for stretch in [0.0005, 0.005, 0.05] {
                let used = Simulation::new(threads, stretch, cores).run(30.0);
                assert!((used / cores - 1.0).abs() < 0.03, "{threads} threads, {stretch} s: {used} of {cores}");
            }
        }
    }

    #[test]
    fn follows_changes_at_once() {
        let mut simulation = Simulation::new(2, 0.02, 2.0);
        assert!(simulation.run(5.0) > 1.95);
        simulation.set(0.0);
        simulation.run(0.1);
        assert_eq!(simulation.run(5.0), 0.0);
        simulation.set(1.0);
        let used = simulation.run(5.0);
        assert!((used - 1.0).abs() < 0.03, "{used}: nothing is saved during a pause");
    }

    #[test]
    fn makes_up_for_a_serial_stretch_but_not_for_a_long_one() {
        let mut simulation = Simulation::new(2, 0.01, 1.5);
        let second = simulation.threads.pop();
        assert!(simulation.run(60.0) > 0.99);
        simulation.threads.extend(second);
        let used = simulation.run(4.0);
        assert!((1.5..=1.5 + 1.5 / 4.0 + 0.02).contains(&used), "at most one second's worth is made up for: {used}");
    }

    #[test]
    fn credit_and_debt_of_earlier_units_count() {
        for (credit, expected) in [(0.5, 1.05), (-0.5, 0.95), (0.0, 1.0), (99.0, 1.1)] {
            let mut simulation = Simulation::new(2, 0.01, 1.0);
            simulation.bucket = Bucket::new(1.0, credit, Duration::ZERO, Duration::ZERO);
            let used = simulation.run(10.0);
            assert!((used - expected).abs() < 0.02, "{credit}: {used}");
        }
    }

    #[test]
    fn senseless_rates_pause() {
        let mut bucket = Bucket::new(1.0, 0.0, Duration::ZERO, Duration::ZERO);
        for cores in [f64::NAN, -1.0, f64::INFINITY] {
            bucket.set(cores, Duration::ZERO, Duration::ZERO);
            assert_eq!(bucket.visit(Duration::from_secs(1), Duration::ZERO), Verdict::Pause);
        }
    }
}
