//! The control group that this process is in: how much memory and processor time it may use, whatever the machine has.
//! Containers and services are given less than the machine in this way.
//!
//! A group's limit holds for all groups below it, so the least of all limits from the process's own group up to the highest
//! that can be seen counts. Which that is, and where the groups are, the kernel tells in `/proc/self`; tests put other files
//! there.

use std::fs;
use std::path::{Path, PathBuf};

/// What the control groups allow; `None` where they set no limit.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Allowance {
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Processors.
    pub cores: Option<f64>,
}

/// Reads what this process may use, with the file system beginning at `root`.
pub fn allowance(root: &Path) -> Allowance {
    let mut allowance = Allowance::default();
    for group in groups(root) {
        for folder in group.upwards() {
            allowance.memory = least(allowance.memory, memory(&folder, group.kind));
            allowance.cores = least(allowance.cores, cores(&folder, group.kind));
        }
    }
    allowance
}

/// How many processes of this process's group the kernel has killed for lack of memory, its own group's or the machine's.
/// Where groups do not tell, those of the whole machine; `None` if nothing tells.
pub fn memory_kills(root: &Path) -> Option<u64> {
    let of_group = groups(root).into_iter().filter_map(|group| {
        let name = match group.kind {
            Kind::Unified => "memory.events",
            Kind::Separate => "memory.oom_control",
        };
        field(&group.own.join(name), "oom_kill")
    });
    of_group.max().or_else(|| field(&root.join("proc/vmstat"), "oom_kill"))
}

/// The number after a name in a file of such lines.
fn field(path: &Path, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    value.trim().parse().ok()
}

/// The machine's memory in bytes, as the kernel tells it.
pub fn machine_memory(root: &Path) -> Option<u64> {
    let text = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024).filter(|bytes| *bytes > 0)
}

fn least<T: PartialOrd>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if other < one { other } else { one }),
        (one, other) => one.or(other),
    }
}

/// How a hierarchy is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One for everything.
    Unified,
    /// One for each controller, or for some.
    Separate,
}

/// A place in a hierarchy of groups.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    kind: Kind,
    /// The highest group that can be seen.
    top: PathBuf,
    /// The process's own, or the highest if its own is out of sight.
    own: PathBuf,
}

impl Group {
    /// The folders from its own to the highest.
    fn upwards(&self) -> Vec<PathBuf> {
        self.own.ancestors().take_while(|folder| folder.starts_with(&self.top)).map(Path::to_owned).collect()
    }
}

/// The groups of this process, in all hierarchies that can be seen.
fn groups(root: &Path) -> Vec<Group> {
    let read = |name: &str| fs::read_to_string(root.join("proc/self").join(name)).unwrap_or_default();
    let (memberships, mounts) = (read("cgroup"), read("mountinfo"));
    memberships.lines().filter_map(|line| find(root, line, &mounts)).collect()
}

/// The group that a line of `/proc/self/cgroup` names: `number:controllers:path`.
fn find(root: &Path, line: &str, mounts: &str) -> Option<Group> {
    let mut fields = line.splitn(3, ':').skip(1);
    let (controllers, path) = (fields.next()?, Path::new(fields.next()?));
    let kind = if controllers.is_empty() { Kind::Unified } else { Kind::Separate };
    let controllers: Vec<&str> = controllers.split(',').collect();
    if kind == Kind::Separate && !controllers.iter().any(|name| ["memory", "cpu"].contains(name)) {
        return None;
    }
    mounts.lines().filter_map(Mount::parse).find_map(|mount| {
        let fits = match kind {
            Kind::Unified => mount.format == "cgroup2",
            Kind::Separate => mount.format == "cgroup" && controllers.iter().any(|name| mount.has(name)),
        };
        if !fits {
            return None;
        }
        let top = root.join(mount.at.strip_prefix("/").unwrap_or(&mount.at));
        // In a container the path may be that of the machine, of which only the part below the mount's root is there.
        let below = path.strip_prefix(&mount.root).unwrap_or(Path::new(""));
        let own = top.join(below.strip_prefix("/").unwrap_or(below));
        let escapes = below.components().any(|part| part == std::path::Component::ParentDir);
        let own = if escapes || !own.is_dir() { top.clone() } else { own };
        Some(Group { kind, top, own })
    })
}

/// A line of `/proc/self/mountinfo`, as far as it matters.
struct Mount<'a> {
    root: PathBuf,
    at: PathBuf,
    format: &'a str,
    options: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (front, back) = line.split_once(" - ")?;
        let mut front = front.split(' ').skip(3);
        let mut back = back.split(' ');
        Some(Self {
            root: unescape(front.next()?),
            at: unescape(front.next()?),
            format: back.next()?,
            options: back.nth(1)?,
        })
    }

    fn has(&self, controller: &str) -> bool {
        self.options.split(',').any(|option| option == controller)
    }
}

/// Blanks in paths are written as `\040`, and the like.
fn unescape(text: &str) -> PathBuf {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(text.to_owned(), |text, (written, meant)| text.replace(written, meant))
        .into()
}

fn number(folder: &Path, name: &str) -> Option<u64> {
    fs::read_to_string(folder.join(name)).ok()?.trim().parse().ok()
}

/// A group's limit of memory. `max`, and the largest number of pages, are no limits.
fn memory(folder: &Path, kind: Kind) -> Option<u64> {
    let limit = match kind {
        // Above `high` a group is held back so much that work stands still.
        Kind::Unified => least(number(folder, "memory.max"), number(folder, "memory.high")),
        Kind::Separate => number(folder, "memory.limit_in_bytes"),
    };
    limit.filter(|bytes| *bytes < 1 << 62)
}

/// A group's limit of processor time, in processors.
fn cores(folder: &Path, kind: Kind) -> Option<f64> {
    let (quota, period) = match kind {
        Kind::Unified => {
            let text = fs::read_to_string(folder.join("cpu.max")).ok()?;
            let mut numbers = text.split_ascii_whitespace().map(|number| number.parse::<u64>().ok());
            (numbers.next()??, numbers.next()??)
        }
        Kind::Separate => (number(folder, "cpu.cfs_quota_us")?, number(folder, "cpu.cfs_period_us")?),
    };
    (quota > 0 && period > 0).then(|| quota as f64 / period as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIFIED: &str = "25 20 0:22 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
    const SEPARATE: &str = "30 25 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                            31 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n";

    /// A machine with these files.
    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, text).expect("written");
        }
        root
    }

    fn found(files: &[(&str, &str)]) -> Allowance {
        allowance(machine(files).path())
    }

    fn allowed(memory: u64, cores: f64) -> Allowance {
        Allowance { memory: Some(memory), cores: Some(cores) }
    }

    #[test]
    fn a_service_has_the_least_of_its_own_and_all_above() {
        let files = [
            ("proc/self/cgroup", "0::/system.slice/donor.service\n"),
            ("proc/self/mountinfo", UNIFIED),
            ("sys/fs/cgroup/system.slice/memory.max", "4000000000\n"),
            ("sys/fs/cgroup/system.slice/cpu.max", "50000 100000\n"),
            ("sys/fs/cgroup/system.slice/donor.service/memory.max", "6000000000\n"),
            ("sys/fs/cgroup/system.slice/donor.service/cpu.max", "max 100000\n"),
        ];
        assert_eq!(found(&files), allowed(4_000_000_000, 0.5));
        let mut own = files;
        own[4].1 = "1000000000\n";
        own[5].1 = "25000 100000\n";
        assert_eq!(found(&own), allowed(1_000_000_000, 0.25));
        let mut high = files;
        high[4] = ("sys/fs/cgroup/system.slice/donor.service/memory.high", "500000000\n");
        assert_eq!(found(&high).memory, Some(500_000_000));
    }

    #[test]
    fn a_container_that_sees_only_its_own_group() {
        let files = [
            ("proc/self/cgroup", "0::/\n"),
            ("proc/self/mountinfo", UNIFIED),
            ("sys/fs/cgroup/memory.max", "2147483648\n"),
            ("sys/fs/cgroup/cpu.max", "150000 100000\n"),
        ];
        assert_eq!(found(&files), allowed(2 << 30, 1.5));
    }

    #[test]
    fn separate_hierarchies() {
        let files = [
            ("proc/self/cgroup", "4:memory:/a/b\n2:cpu,cpuacct:/c\n1:name=systemd:/\n0::/\n"),
            ("proc/self/mountinfo", SEPARATE),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "3000000000\n"),
            ("sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us", "200000\n"),
            ("sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_period_us", "100000\n"),
        ];
        assert_eq!(found(&files), allowed(3_000_000_000, 2.0));
        let mut free = files;
        (free[3].1, free[5].1) = ("9223372036854771712\n", "-1\n");
        assert_eq!(found(&free), Allowance::default());
    }

    #[test]
    fn a_container_with_the_machines_names_for_its_groups() {
        let mounts = "30 25 0:26 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        let files = [
            ("proc/self/cgroup", "4:memory:/docker/abc/inner\n"),
            ("proc/self/mountinfo", mounts),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "800000000\n"),
            ("sys/fs/cgroup/memory/inner/memory.limit_in_bytes", "700000000\n"),
        ];
        assert_eq!(found(&files).memory, Some(700_000_000));
        let mut elsewhere = files;
        elsewhere[0].1 = "4:memory:/../../other\n";
        assert_eq!(found(&elsewhere).memory, Some(800_000_000), "out of sight: the highest that can be seen");
    }

    #[test]
    fn a_group_at_a_place_of_its_own() {
        let mounts = "25 20 0:22 / /mnt/control\\040groups rw - cgroup2 none rw\n";
        let files = [
            ("proc/self/cgroup", "0::/a:b\n"),
            ("proc/self/mountinfo", mounts),
            ("mnt/control groups/a:b/memory.max", "600000000\n"),
        ];
        assert_eq!(found(&files).memory, Some(600_000_000));
    }

    #[test]
    fn nonsense_is_no_limit() {
        assert_eq!(found(&[]), Allowance::default());
        let files = [
            ("proc/self/cgroup", "0::/x\nrubbish\n:\n"),
            ("proc/self/mountinfo", UNIFIED),
            ("sys/fs/cgroup/x/memory.max", "lots\n"),
            ("sys/fs/cgroup/x/cpu.max", "0 0\n"),
        ];
        assert_eq!(found(&files), Allowance::default());
    }

    #[test]
    fn kills_for_lack_of_memory_are_counted_by_group_or_machine() {
        let kills = |files: &[(&str, &str)]| memory_kills(machine(files).path());
        let vmstat = ("proc/vmstat", "pgfault 7\noom_kill 40\noom_kill_other 3\n");
        let unified = [
            ("proc/self/cgroup", "0::/donor\n"),
            ("proc/self/mountinfo", UNIFIED),
            ("sys/fs/cgroup/donor/memory.events", "low 0\nhigh 2\nmax 3\noom 1\noom_kill 5\noom_group_kill 9\n"),
            vmstat,
        ];
        assert_eq!(kills(&unified), Some(5));
        let separate = [
            ("proc/self/cgroup", "4:memory:/a\n2:cpu,cpuacct:/c\n"),
            ("proc/self/mountinfo", SEPARATE),
            ("sys/fs/cgroup/memory/a/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 6\n"),
            ("sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us", "-1\n"),
            vmstat,
        ];
        assert_eq!(kills(&separate), Some(6));
        // The highest group does not count, and older kernels do not either.
        let mut silent = unified;
        silent[2].1 = "low 0\n";
        assert_eq!(kills(&silent), Some(40));
        assert_eq!(kills(&[("proc/vmstat", "oom_kill lots\n")]), None);
        assert_eq!(kills(&[]), None);
    }

    #[test]
    fn the_machines_memory_is_read_and_not_assumed() {
        let root = machine(&[("proc/meminfo", "MemTotal:       16384000 kB\nMemFree: 1 kB\n")]);
        assert_eq!(machine_memory(root.path()), Some(16_384_000 * 1024));
        for text in ["", "MemTotal: many kB\n", "MemTotal: 0 kB\n", "MemFree: 1 kB\n"] {
            assert_eq!(machine_memory(machine(&[("proc/meminfo", text)]).path()), None, "{text}");
        }
        assert_eq!(machine_memory(machine(&[]).path()), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn reads_this_machine() {
        let allowance = allowance(Path::new("/"));
        assert!(machine_memory(Path::new("/")).is_some_and(|bytes| bytes > 1 << 26));
        assert!(
            allowance.memory.is_none_or(|bytes| bytes > 1 << 20) && allowance.cores.is_none_or(|cores| cores > 0.0)
        );
    }
}
