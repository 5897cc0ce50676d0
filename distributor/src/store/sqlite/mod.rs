//! The store in one SQLite file. All of its SQL is in this module.
//!
//! SQLite has one writer at a time, so writing transactions queue up at a lock in memory, which is fair, before they
//! begin with `BEGIN IMMEDIATE`. There are two connections for them: what an answer promises (proofs, executions, projects, units,
//! keys) is synced to disk before the answer; what a power cut may undo without harm (leases, nonces) is not. Readers have
//! connections of their own and never wait for writers.

mod counts;
mod credit;
mod donors;
mod events;
mod keys;
mod leases;
mod lending;
mod operations;
mod pages;
mod profiles;
mod projects;
mod proofs;
mod queue;
mod removal;
mod rows;
mod statistics;
mod submissions;
mod trust;
mod units;
mod upkeep;
#[cfg(test)]
mod work;

use super::{IfMissing, OpenError, Rules, StoreError, StoreResult};
use protocol::Timestamp;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Sqlite, Transaction};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Connections for reading.
const READERS: u32 = 4;

/// How long to wait for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// A store in one SQLite file.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    path: PathBuf,
    queue: Arc<Mutex<()>>,
    durable: SqlitePool,
    quick: SqlitePool,
    readers: SqlitePool,
    /// For deleting what much refers to, in an order in which nothing is left that does.
    loose: SqlitePool,
    rules: Arc<RwLock<Rules>>,
}

/// Whether a transaction must survive a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durability {
    /// Synced to disk before the answer.
    Durable,
    /// Survives the end of the process, but maybe not of the machine.
    Quick,
}

/// A writing transaction; rolled back unless committed.
struct Write {
    // Dropped before the place in the queue is given up.
    transaction: Transaction<'static, Sqlite>,
    _turn: OwnedMutexGuard<()>,
}

impl Write {
    async fn commit(self) -> StoreResult<()> {
        Ok(self.transaction.commit().await?)
    }
}

impl Deref for Write {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.transaction
    }
}

impl DerefMut for Write {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }
}

impl SqliteStore {
    /// Opens the database, makes it if it may be missing, and brings its schema up to date.
    ///
    /// # Errors
    /// If there is no file, or it cannot be opened, is no database, or was written by a newer version.
    pub(super) async fn open(path: &Path, missing: IfMissing) -> Result<Self, OpenError> {
        if missing == IfMissing::Refuse && !path.exists() {
            return Err(OpenError::Missing(path.to_owned()));
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|source| OpenError::Folder { folder: folder.to_owned(), source })?;
        }
        let failed = |source| OpenError::Failed { database: path.display().to_string(), source };
        Self::connect(path).await.map_err(failed)
    }

    async fn connect(path: &Path) -> StoreResult<Self> {
        let options = |synchronous| {
            SqliteConnectOptions::new()
                .filename(path)
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(synchronous)
                .foreign_keys(true)
                .busy_timeout(BUSY_TIMEOUT)
                .pragma("cache_size", "-65536")
        };
        let pool = |connections| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .test_before_acquire(false)
                .idle_timeout(None)
                .max_lifetime(None)
        };
        let durable = pool(1).connect_with(options(SqliteSynchronous::Full)).await?;
        migrator().run(&durable).await.map_err(|error| StoreError::Failed(format!("its schema: {error}")))?;
        let quick = pool(1).connect_with(options(SqliteSynchronous::Normal)).await?;
        let readers = pool(READERS).connect_with(options(SqliteSynchronous::Normal).read_only(true)).await?;
        // SQLite would look for what refers to each deleted row, without an index where nobody else needs one.
        let loose = pool(1).connect_lazy_with(options(SqliteSynchronous::Full).foreign_keys(false));
        Ok(Self { path: path.to_owned(), queue: Arc::default(), durable, quick, readers, loose, rules: Arc::default() })
    }

    /// No lease ends after this.
    fn far(&self, now: Timestamp) -> Timestamp {
        now.plus(self.rules().longest_lease)
    }

    fn rules(&self) -> Rules {
        *self.rules.read().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write(&self, durability: Durability) -> StoreResult<Write> {
        let turn = Arc::clone(&self.queue).lock_owned().await;
        let pool = match durability {
            Durability::Durable => &self.durable,
            Durability::Quick => &self.quick,
        };
        Self::begin(pool, turn).await
    }

    /// A durable transaction in which references are not looked after.
    async fn write_loosely(&self) -> StoreResult<Write> {
        let turn = Arc::clone(&self.queue).lock_owned().await;
        Self::begin(&self.loose, turn).await
    }

    async fn begin(pool: &SqlitePool, turn: OwnedMutexGuard<()>) -> StoreResult<Write> {
        const BEGIN: &str = "BEGIN IMMEDIATE";
        let transaction = match pool.begin_with(BEGIN).await {
            // On a full disk SQLite rolls back by itself, which sqlx does not notice: this connection can begin nothing any more.
            Err(sqlx::Error::InvalidSavePointStatement) => {
                pool.acquire().await?.close().await?;
                pool.begin_with(BEGIN).await?
            }
            begun => begun?,
        };
        Ok(Write { transaction, _turn: turn })
    }
}

/// All versions of the schema, oldest first. None of them ever changes.
const MIGRATIONS: [(&str, &str); 7] = [
    ("init", include_str!("../../../migrations/sqlite/0001_init.sql")),
    ("trust", include_str!("../../../migrations/sqlite/0002_trust.sql")),
    ("open projects", include_str!("../../../migrations/sqlite/0003_open_projects.sql")),
    ("byte price", include_str!("../../../migrations/sqlite/0004_byte_price.sql")),
    ("batches", include_str!("../../../migrations/sqlite/0005_batches.sql")),
    ("statistics", include_str!("../../../migrations/sqlite/0006_statistics.sql")),
    ("removal", include_str!("../../../migrations/sqlite/0007_removal.sql")),
];

fn migrator() -> Migrator {
    let migration = |(version, (name, sql)): (i64, (&'static str, &'static str))| {
        Migration::new(version, name.into(), MigrationType::Simple, sqlx::SqlStr::from_static(sql), false)
    };
    Migrator::with_migrations((1..).zip(MIGRATIONS).map(migration).collect())
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|error| error.code());
        // Extended result codes hold the primary one in their lowest byte.
        match code.and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff) {
            Some(13) => Self::Full,
            Some(5 | 6) => Self::Busy(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}
