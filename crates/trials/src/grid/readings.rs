//! What a distributor holds: memory, open files, files on disk, rows.

use super::Grid;
use crate::machine;
use crate::report::{Report, mean, megabytes};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// Rows of each table.
pub type Rows = BTreeMap<String, u64>;

/// One look at a distributor.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// Seconds since the first look.
    pub at: f64,
    /// Bytes of memory held.
    pub memory: u64,
    /// Files and sockets open.
    pub open: u64,
    /// Processor seconds used so far.
    pub cpu: f64,
    /// Files in the data folder.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that are being received.
    pub incoming: u64,
    /// Rows of each table.
    pub rows: Rows,
    /// Units that are proved.
    pub proved: u64,
}

impl Reading {
    /// Looks now.
    ///
    /// # Errors
    /// If the distributor does not run or its database cannot be read.
    pub async fn take(grid: &Grid) -> anyhow::Result<Self> {
        let process = grid.process().ok_or_else(|| anyhow::anyhow!("the distributor does not run"))?;
        let gone = || anyhow::anyhow!("the distributor has ended; see {}", grid.log().display());
        let (files, bytes) = count_files(&grid.data);
        let (rows, proved) = rows(&grid.data.join("cairn.db")).await?;
        Ok(Self {
            at: 0.0,
            memory: machine::resident_bytes(process).ok_or_else(gone)?,
            open: machine::open_files(process).ok_or_else(gone)?,
            cpu: machine::cpu_seconds(process).ok_or_else(gone)?,
            files,
            bytes,
            incoming: count_files(&grid.data.join("blobs/tmp")).0,
            rows,
            proved,
        })
    }

    /// Notes the reading as figures.
    pub fn note(&self, report: &mut Report, when: &str) {
        let rows: Vec<_> = self.rows.iter().map(|(table, rows)| format!("{table} {rows}")).collect();
        report.figure(format!("{when}: memory, open files"), format!("{}, {}", megabytes(self.memory), self.open));
        let disk = format!("{} files, {}, {} being received", self.files, megabytes(self.bytes), self.incoming);
        report.figure(format!("{when}: on disk"), disk);
        report.figure(format!("{when}: rows"), rows.join(", "));
    }
}

/// Files below a folder, and their bytes.
fn count_files(folder: &Path) -> (u64, u64) {
    let Ok(entries) = std::fs::read_dir(folder) else { return (0, 0) };
    entries.flatten().fold((0, 0), |(files, bytes), entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => {
            let (more, size) = count_files(&entry.path());
            (files + more, bytes + size)
        }
        Ok(meta) => (files + 1, bytes + meta.len()),
        // It went away meanwhile.
        Err(_) => (files, bytes),
    })
}

/// Rows of each table and the number of proved units, read beside the distributor.
async fn rows(database: &Path) -> anyhow::Result<(Rows, u64)> {
    let options = SqliteConnectOptions::new().filename(database).busy_timeout(Duration::from_secs(10));
    let mut connection: SqliteConnection = options.connect().await?;
    let list = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_%' \
                ESCAPE '\\' ORDER BY name";
    let tables: Vec<(String,)> = sqlx::query_as(list).fetch_all(&mut connection).await?;
    let mut rows = Rows::new();
    for (table,) in tables {
        // The name comes from the database's own schema.
        let count = AssertSqlSafe(format!("SELECT count(*) FROM \"{table}\""));
        let (count,): (i64,) = sqlx::query_as(count).fetch_one(&mut connection).await?;
        rows.insert(table, count.unsigned_abs());
    }
    let proved = "SELECT count(*) FROM units WHERE proof IS NOT NULL";
    let (proved,): (i64,) = sqlx::query_as(proved).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok((rows, proved.unsigned_abs()))
}

/// Looks at a distributor again and again.
pub struct Watch {
    begin: Instant,
    /// What was seen, in order.
    pub readings: Vec<Reading>,
}

impl Watch {
    /// Looks for the first time.
    ///
    /// # Errors
    /// As [`Reading::take`].
    pub async fn start(grid: &Grid) -> anyhow::Result<Self> {
        let mut watch = Self { begin: Instant::now(), readings: Vec::new() };
        watch.look(grid).await?;
        Ok(watch)
    }

    /// Looks once more.
    ///
    /// # Errors
    /// As [`Reading::take`].
    pub async fn look(&mut self, grid: &Grid) -> anyhow::Result<&Reading> {
        let mut reading = Reading::take(grid).await?;
        reading.at = self.begin.elapsed().as_secs_f64();
        self.readings.push(reading);
        self.last()
    }

    /// Looks every `pause` for `time`.
    ///
    /// # Errors
    /// As [`Reading::take`].
    pub async fn look_for(&mut self, grid: &Grid, time: Duration, pause: Duration) -> anyhow::Result<()> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            tokio::time::sleep_until(end.min(Instant::now() + pause)).await;
            self.look(grid).await?;
        }
        Ok(())
    }

    /// The last look.
    ///
    /// # Errors
    /// If there was none.
    pub fn last(&self) -> anyhow::Result<&Reading> {
        self.readings.last().ok_or_else(|| anyhow::anyhow!("nobody has looked"))
    }

    /// One figure of every look.
    pub fn series(&self, figure: impl Fn(&Reading) -> f64) -> Vec<f64> {
        self.readings.iter().map(figure).collect()
    }
}

/// Whether a series that may waver does not grow: its mean in the last sixth of the time is not above the mean in the middle
/// third, but for `slack` and a twentieth. The first third is for warming up.
pub fn flat(series: &[f64], slack: f64) -> bool {
    let sixth = series.len() / 6;
    if sixth == 0 {
        return true;
    }
    let middle = series.get(2 * sixth..4 * sixth).unwrap_or(series);
    let last = series.get(series.len() - sixth..).unwrap_or(series);
    mean(last) <= mean(middle) * 1.05 + slack
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wavers_is_flat_and_what_grows_is_not() {
        let wavers: Vec<f64> = (0..90).map(|look| 100.0 + f64::from(look % 7)).collect();
        assert!(flat(&wavers, 0.0));
        let warms_up: Vec<f64> = (0..90).map(|look| 100.0 + f64::from(look.min(30)) * 10.0).collect();
        assert!(flat(&warms_up, 0.0));
        let grows: Vec<f64> = (0..90).map(|look| 100.0 + f64::from(look) * 2.0 + f64::from(look % 7)).collect();
        assert!(!flat(&grows, 0.0));
        assert!(flat(&grows, 1000.0));
        let steps: Vec<f64> = (0..90).map(|look| if look < 60 { 100.0 } else { 200.0 }).collect();
        assert!(!flat(&steps, 0.0));
        assert!(flat(&[1.0, 100.0], 0.0), "too few to say");
    }

    #[test]
    fn files_are_counted_in_folders() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("a")).unwrap();
        std::fs::write(folder.path().join("a/b"), "123").unwrap();
        std::fs::write(folder.path().join("c"), "1").unwrap();
        assert_eq!(count_files(folder.path()), (2, 4));
        assert_eq!(count_files(&folder.path().join("none")), (0, 0));
    }
}
