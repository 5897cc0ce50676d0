//! Processor times of processes. Units often live for less than the time between two looks, so what has ended counts too.

/// Processor seconds of a process.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Times {
    /// Its own.
    pub own: f64,
    /// Those of its children that have ended and were waited for, with their children's.
    pub ended: f64,
}

/// A process's times; `None` if it is gone, or the system does not tell.
#[cfg(target_os = "linux")]
pub fn of(pid: u32) -> Option<Times> {
    parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// A process's times; `None` if it is gone, or the system does not tell.
#[cfg(not(target_os = "linux"))]
pub fn of(_pid: u32) -> Option<Times> {
    None
}

/// Linux counts in hundredths of a second here, whatever its clock's rate.
#[cfg(target_os = "linux")]
fn parse(stat: &str) -> Option<Times> {
    // The name may have blanks and brackets in it.
    let mut numbers = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11).map(str::parse::<i64>);
    let mut next = || numbers.next()?.ok().map(|ticks| ticks.max(0) as f64 / 100.0);
    Some(Times { own: next()? + next()?, ended: next()? + next()? })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_writes() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194560 1 2 3 4 150 50 1000 250 39 19 3 0 100 1000 5";
        assert_eq!(parse(stat), Some(Times { own: 2.0, ended: 12.5 }));
        assert_eq!(parse("7 (x) S 1"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn children_that_have_ended_count() {
        let me = std::process::id();
        let before = of(me).expect("this process").ended;
        let spin = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let status = std::process::Command::new("sh").args(["-c", spin]).status().expect("a shell");
        assert!(status.success());
        assert!(of(me).expect("this process").ended > before);
        assert_eq!(of(u32::MAX), None);
    }
}
