//! `distributor backup`.

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use distributor::blobs::{FolderBlobs, Kind};
use distributor::config::Place;
use distributor::store::Operations as _;
use distributor::store::sqlite::SqliteStore;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::signal::unix::{SignalKind, signal};

/// Copy database and files to a new folder, which is then a data folder of its own.
#[derive(Debug, Args)]
pub struct Backup {
    /// The folder; it must not exist yet
    folder: PathBuf,
}

impl Backup {
    /// Copies the database first: files are never changed and only deleted when nothing refers to them, so all that the copy
    /// refers to is there to be copied, but for executions that are proved in between, which are not needed any more.
    ///
    /// The copy is made under another name, and gets its own when it is whole: a folder of that name is a backup. What fails
    /// or is interrupted leaves nothing.
    pub async fn run(self, place: &Place, store: &SqliteStore) -> anyhow::Result<()> {
        let partial = Partial::begin(&self.folder)?;
        let copied = copy_all(place, store, &partial.folder).await;
        let copied = copied.context("there is no backup, and nothing is left of it")?;
        partial.complete(&self.folder)?;
        eprintln!("copied the database and {copied} files to {}", self.folder.display());
        Ok(())
    }
}

/// A backup in the making; deleted unless it is completed.
struct Partial {
    folder: PathBuf,
    /// The folder, locked as long as the backup is being made, so that nobody else takes it for a left-over.
    _lock: File,
    complete: bool,
}

impl Partial {
    /// Makes the folder for the copy, in the place of one that a killed process may have left.
    fn begin(target: &Path) -> anyhow::Result<Self> {
        ensure!(fs::symlink_metadata(target).is_err(), "{} exists already; give a new folder", target.display());
        let name = target.file_name().with_context(|| format!("{} is no name of a folder", target.display()))?;
        let mut name = name.to_owned();
        name.push(".partial");
        let folder = target.with_file_name(name);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let lock = File::open(&folder).with_context(|| format!("cannot open the folder {}", folder.display()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("another backup is being made to {}", target.display()),
            Err(TryLockError::Error(error)) => bail!("cannot lock {}: {error}", folder.display()),
        }
        clear(&folder).with_context(|| format!("cannot use the folder {}", folder.display()))?;
        Ok(Self { folder, _lock: lock, complete: false })
    }

    /// Gives the copy its name.
    fn complete(mut self, target: &Path) -> anyhow::Result<()> {
        sync_folder(&self.folder)?;
        let named = fs::rename(&self.folder, target);
        named.with_context(|| format!("cannot rename {} to {}", self.folder.display(), target.display()))?;
        self.complete = true;
        let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
        sync_folder(parent.unwrap_or(Path::new(".")))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.complete
            && let Err(error) = fs::remove_dir_all(&self.folder)
            && error.kind() != io::ErrorKind::NotFound
        {
            eprintln!("distributor: cannot delete {}: {error}", self.folder.display());
        }
    }
}

/// Deletes what a killed process left of a backup, and nothing else.
fn clear(folder: &Path) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    for entry in &entries {
        let name = entry.file_name();
        let ours = name == "blobs" || name.to_str().is_some_and(|name| name.starts_with("cairn.db"));
        ensure!(ours, "it holds {}, which is no part of a backup", entry.path().display());
    }
    for entry in entries {
        let path = entry.path();
        if entry.file_type()?.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
    }
    Ok(())
}

/// Copies everything; how many files. After a signal nothing more is written when it returns.
async fn copy_all(place: &Place, store: &SqliteStore, folder: &Path) -> anyhow::Result<u64> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut stop = std::pin::pin!(async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    });
    let database = folder.join("cairn.db");
    tokio::select! {
        copied = store.backup(&database) => {
            copied.with_context(|| format!("cannot copy the database to {}", database.display()))?;
        }
        () = &mut stop => bail!("interrupted"),
    }
    let stopped = Arc::new(AtomicBool::new(false));
    let (source, folder, flag) = (place.blobs(), folder.to_owned(), Arc::clone(&stopped));
    let mut copying = tokio::task::spawn_blocking(move || {
        File::open(&database)?.sync_all()?;
        copy_files(&FolderBlobs::open(&source)?, &folder.join("blobs"), &flag)
    });
    tokio::select! {
        copied = &mut copying => copied?,
        () = &mut stop => {
            stopped.store(true, Ordering::Relaxed);
            copying.await?
        }
    }
}

fn copy_files(source: &FolderBlobs, target: &Path, stopped: &AtomicBool) -> anyhow::Result<u64> {
    let mut copied = 0;
    for kind in Kind::ALL {
        for (sha256, path) in source.list(kind)? {
            ensure!(!stopped.load(Ordering::Relaxed), "interrupted");
            let digits = sha256.to_string();
            let (beginning, _) = digits.split_at(2);
            let folder = target.join(kind.folder()).join(beginning);
            fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
            copied += u64::from(copy(&path, &folder.join(&digits))?);
        }
    }
    Ok(copied)
}

/// Whether the file was still there. A hard link will do where the file system can: files are never changed.
fn copy(from: &Path, to: &Path) -> anyhow::Result<bool> {
    if fs::hard_link(from, to).is_ok() {
        return Ok(true);
    }
    match fs::copy(from, to).and_then(|_| File::open(to)?.sync_all()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot copy {} to {}", from.display(), to.display())),
    }
}

fn sync_folder(folder: &Path) -> anyhow::Result<()> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.with_context(|| format!("cannot sync the folder {}", folder.display()))
}
