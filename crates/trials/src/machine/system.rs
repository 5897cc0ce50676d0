//! What `/proc` tells.

use rustix::process::{Pid, WaitOptions, set_child_subreaper, waitpid};
use std::fs;

/// Makes this process the parent of what its children leave behind, so that it can be found.
///
/// # Errors
/// If the system cannot.
pub fn adopt_orphans() -> std::io::Result<()> {
    set_child_subreaper(Some(rustix::process::getpid()))?;
    Ok(())
}

/// Processes that a process has started and not waited for.
pub fn children(process: u32) -> Vec<u32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{process}/task")) else { return Vec::new() };
    let lists = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let ids = lists.flat_map(|list| list.split_ascii_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>());
    ids.collect()
}

/// Children of ours that live, once all that we know of have ended: somebody left them behind. Those that are
/// dead are buried.
pub fn orphans() -> Vec<u32> {
    let alive = |id: &u32| {
        if state(*id) == Some('Z') {
            // It is ours, and nobody else waits for it.
            let pid = i32::try_from(*id).ok().and_then(Pid::from_raw);
            let _ = waitpid(pid, WaitOptions::NOHANG);
            return false;
        }
        true
    };
    children(std::process::id()).into_iter().filter(alive).collect()
}

/// The letter by which the system tells what a process does.
fn state(process: u32) -> Option<char> {
    fields(process)?.first()?.chars().next()
}

/// The fields of `/proc/PID/stat` behind the name.
fn fields(process: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    Some(text.rsplit_once(')')?.1.split_ascii_whitespace().map(str::to_owned).collect())
}

/// Processor seconds of a process, without its children.
pub fn cpu_seconds(process: u32) -> Option<f64> {
    let fields = fields(process)?;
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    // The system counts in hundredths.
    Some((ticks(11)? + ticks(12)?) as f64 / 100.0)
}

/// Bytes of memory that a process holds.
pub fn resident_bytes(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_ascii_whitespace().next()?.parse::<u64>().ok()? << 10)
}

/// Files, sockets and pipes that a process has open.
pub fn open_files(process: u32) -> Option<u64> {
    Some(fs::read_dir(format!("/proc/{process}/fd")).ok()?.count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_seen() {
        let own = std::process::id();
        assert!(resident_bytes(own).unwrap() > 1 << 20);
        assert!(open_files(own).unwrap() >= 3);
        assert!(cpu_seconds(own).is_some());
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        assert!(children(own).contains(&child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!children(own).contains(&child.id()));
        assert_eq!(resident_bytes(child.id()), None);
    }
}
