//! Whether somebody uses the machine: types in a terminal (also over SSH), or uses a keyboard or touchpad that is built in.
//! Linux only; keyboards and mice on USB in a graphical desktop are seen only if an X server tells of them. Elsewhere the
//! answer is always no.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How long somebody counts as present after the last sign.
pub const LINGER: Duration = Duration::from_secs(180);

/// Watches for signs of somebody.
#[derive(Debug, Default)]
pub struct Presence {
    /// Interrupts of built-in keyboards and touchpads at the last look.
    interrupts: Option<u64>,
    last: Option<SystemTime>,
}

impl Presence {
    /// Whether there was a sign within the last minutes.
    pub fn look(&mut self) -> bool {
        let interrupts = fs::read_to_string("/proc/interrupts").unwrap_or_default();
        self.see(Path::new("/dev"), &interrupts, SystemTime::now())
    }

    /// Whether this system gives any such signs.
    pub fn can_tell() -> bool {
        Path::new("/proc/interrupts").exists() || Path::new("/dev/pts").exists()
    }

    fn see(&mut self, devices: &Path, interrupts: &str, now: SystemTime) -> bool {
        let count = keyboard_interrupts(interrupts);
        if self.interrupts.replace(count).is_some_and(|before| before != count) {
            self.last = Some(now);
        }
        // A clock that was set back is no sign.
        let typed = last_typed(devices).filter(|at| *at <= now);
        self.last = self.last.max(typed);
        self.last.and_then(|last| now.duration_since(last).ok()).is_some_and(|passed| passed < LINGER)
    }
}

/// Sum of the interrupts of keyboards and touchpads at the i8042 controller, which most laptops have.
fn keyboard_interrupts(text: &str) -> u64 {
    let lines = text.lines().filter(|line| line.contains("i8042"));
    lines.flat_map(|line| line.split_ascii_whitespace().skip(1).map_while(|count| count.parse::<u64>().ok())).sum()
}

/// When somebody last typed in a terminal: reading changes a terminal's time of access, writing does not.
fn last_typed(devices: &Path) -> Option<SystemTime> {
    let is_terminal = |name: &str, prefix: &str| {
        name.strip_prefix(prefix)
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let within = |folder: &Path, prefix: &str| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let terminals = entries.filter(|entry| is_terminal(&entry.file_name().to_string_lossy(), prefix));
        terminals.filter_map(|entry| entry.metadata().ok()?.accessed().ok()).max()
    };
    within(devices, "tty").max(within(&devices.join("pts"), ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERRUPTS: &str = "           CPU0       CPU1\n  1:         10          5   IO-APIC    1-edge      i8042\n \
                               8:          0          1   IO-APIC    8-edge      rtc0\n 12:        100          0   IO-APIC   12-edge      i8042\n";

    #[test]
    fn typing_and_keys_are_signs_for_a_while() {
        let devices = tempfile::tempdir().expect("a folder");
        fs::create_dir(devices.path().join("pts")).expect("made");
        let now = SystemTime::now();
        let touch = |name: &str, at: SystemTime| {
            let file = fs::File::create(devices.path().join(name)).expect("made");
            file.set_times(fs::FileTimes::new().set_accessed(at)).expect("set");
        };
        let mut presence = Presence::default();
        assert!(!presence.see(devices.path(), INTERRUPTS, now), "nobody was ever there");
        touch("pts/ptmx", now);
        touch("tty", now);
        assert!(!presence.see(devices.path(), INTERRUPTS, now), "these are no terminals");
        touch("pts/3", now - LINGER * 2);
        assert!(!presence.see(devices.path(), INTERRUPTS, now), "long ago");
        touch("tty1", now - LINGER / 2);
        assert!(presence.see(devices.path(), INTERRUPTS, now));
        assert!(!presence.see(devices.path(), INTERRUPTS, now + LINGER));
        let pressed = INTERRUPTS.replace("100", "101");
        assert!(presence.see(devices.path(), &pressed, now + LINGER));
        assert!(presence.see(devices.path(), &pressed, now + LINGER * 3 / 2));
        assert!(!presence.see(devices.path(), &pressed, now + LINGER * 2));
    }

    #[test]
    fn counts_keyboards_and_touchpads() {
        assert_eq!(keyboard_interrupts(INTERRUPTS), 115);
        assert_eq!(keyboard_interrupts(""), 0);
    }
}
