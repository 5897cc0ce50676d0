//! Figures of the process and of its disks, under the names that Prometheus' client libraries use, looked up whenever somebody asks. What
//! the system does not tell is left out.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// This process.
#[derive(Debug)]
pub struct Process {
    /// Seconds since 1970 at which it started.
    start: f64,
}

impl Default for Process {
    /// One that starts now.
    fn default() -> Self {
        let start = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64());
        Self { start }
    }
}

/// Virtual and resident bytes, on Linux.
fn memory() -> Option<[u64; 2]> {
    let text = fs::read_to_string("/proc/self/statm").ok()?;
    let page = rustix::param::page_size() as u64;
    let mut pages = text.split_ascii_whitespace().map(|pages| pages.parse::<u64>().ok()?.checked_mul(page));
    Some([pages.next()??, pages.next()??])
}

/// Processor seconds, of all threads.
fn processor_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Open file descriptors, less the one that it takes to count them.
fn open_files() -> Option<u64> {
    Some((fs::read_dir("/proc/self/fd").ok()?.count() as u64).saturating_sub(1))
}

fn whole(number: u64) -> ConstGauge {
    ConstGauge::new(i64::try_from(number).unwrap_or(i64::MAX))
}

fn write(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help, unit): (&str, &str, Option<&Unit>),
    metric: &impl EncodeMetric,
) -> Result<(), fmt::Error> {
    metric.encode(encoder.encode_descriptor(name, help, unit, metric.metric_type())?)
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let encoder = &mut encoder;
        let (seconds, bytes) = (Some(&Unit::Seconds), Some(&Unit::Bytes));
        let processor = ConstCounter::new(processor_seconds());
        write(encoder, ("process_cpu", "Processor time of all threads", seconds), &processor)?;
        write(encoder, ("process_start_time", "Start since 1970", seconds), &ConstGauge::new(self.start))?;
        if let Some([virtual_bytes, resident]) = memory() {
            write(encoder, ("process_virtual_memory", "Virtual memory", bytes), &whole(virtual_bytes))?;
            write(encoder, ("process_resident_memory", "Resident memory", bytes), &whole(resident))?;
        }
        if let Some(files) = open_files() {
            write(encoder, ("process_open_fds", "Open file descriptors", None), &whole(files))?;
        }
        if let Some(most) = getrlimit(Resource::Nofile).current {
            write(encoder, ("process_max_fds", "Most open file descriptors", None), &whole(most))?;
        }
        Ok(())
    }
}

/// What lies on a disk.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DiskLabels {
    of: &'static str,
}

/// The disks of database and files.
#[derive(Debug)]
pub struct Disks {
    database: Option<PathBuf>,
    files: Option<PathBuf>,
}

/// Bytes of a file system: all, and those that the process may still take.
fn space(path: &Path) -> Option<[u64; 2]> {
    let found = rustix::fs::statvfs(path).ok()?;
    Some([found.f_blocks, found.f_bavail].map(|blocks| blocks.saturating_mul(found.f_frsize)))
}

/// Bytes of the database with its log.
fn database_bytes(path: &Path) -> Option<u64> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let log = fs::metadata(log).map_or(0, |file| file.len());
    fs::metadata(path).ok().map(|file| file.len().saturating_add(log))
}

impl Disks {
    /// Of a database in a file and files in a folder, as far as they are there.
    pub fn new(database: Option<&Path>, files: Option<&Path>) -> Self {
        Self { database: database.map(Path::to_owned), files: files.map(Path::to_owned) }
    }

    fn spaces(&self) -> Vec<(DiskLabels, [u64; 2])> {
        let places = [("database", &self.database), ("files", &self.files)];
        let space = |(of, path): (&'static str, &Option<PathBuf>)| Some((DiskLabels { of }, space(path.as_deref()?)?));
        places.into_iter().filter_map(space).collect()
    }
}

impl Collector for Disks {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let (spaces, unit) = (self.spaces(), Some(&Unit::Bytes));
        let figures = [
            ("filesystem_size", "Size of the disk that the data are on"),
            ("filesystem_avail", "Bytes of the disk that may still be taken"),
        ];
        for (place, (name, help)) in figures.into_iter().enumerate() {
            let any = whole(0);
            let mut family = encoder.encode_descriptor(name, help, unit, any.metric_type())?;
            for (labels, numbers) in &spaces {
                whole(numbers.get(place).copied().unwrap_or(0)).encode(family.encode_family(labels)?)?;
            }
        }
        if let Some(bytes) = self.database.as_deref().and_then(database_bytes) {
            write(&mut encoder, ("database", "Bytes of the database with its log", unit), &whole(bytes))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_tells_of_this_process() {
        let [virtual_bytes, resident] = memory().unwrap();
        assert!(virtual_bytes > resident && resident > 1 << 20, "{virtual_bytes} {resident}");
        let before = open_files().unwrap();
        let held: Vec<_> = (0..64).map(|_| fs::File::open("/proc/self/stat").unwrap()).collect();
        // Other tests open and close files, too.
        assert!(open_files().unwrap() > before.saturating_sub(32), "{}", held.len());
        let first = processor_seconds();
        while processor_seconds() <= first {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn disks_have_a_size() {
        let folder = tempfile::tempdir().unwrap();
        let [size, free] = space(folder.path()).unwrap();
        assert!(size > 0 && free <= size, "{free} of {size}");
        assert_eq!(space(&folder.path().join("nothing")), None);
        let database = folder.path().join("cairn.db");
        assert_eq!(database_bytes(&database), None);
        fs::write(&database, [0; 100]).unwrap();
        assert_eq!(database_bytes(&database), Some(100));
        fs::write(folder.path().join("cairn.db-wal"), [0; 11]).unwrap();
        assert_eq!(database_bytes(&database), Some(111));
    }
}
