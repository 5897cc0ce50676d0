//! `distributor backup`.

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use distributor::blobs::{self, Blobs, Kind};
use distributor::config::Place;
use distributor::store::{Copies, Store};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

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
    pub async fn run(self, place: &Place, store: &dyn Store) -> anyhow::Result<()> {
        let copies = store.copies().with_context(|| {
            format!("a database in `{}` is copied with its own tools, not with this command", place.database())
        })?;
        let partial = Partial::begin(&self.folder)?;
        let copied = copy_all(place, copies, &partial.folder).await;
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
async fn copy_all(place: &Place, copies: &dyn Copies, folder: &Path) -> anyhow::Result<u64> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stopped = CancellationToken::new();
    let stop = stopped.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        stop.cancel();
    });
    // The copy is a data folder, and everything in it is where it is looked for there.
    let copy = Place { data: Some(folder.to_owned()), ..Place::default() };
    let (database, files) = (copy.database(), copy.blobs());
    let (Some(database), Some(files)) = (database.path(), files.path()) else { bail!("the copy has no place") };
    tokio::select! {
        copied = copies.copy_to(database) => {
            copied.with_context(|| format!("cannot copy the database to {}", database.display()))?;
        }
        () = stopped.cancelled() => bail!("interrupted"),
    }
    File::open(database)?.sync_all()?;
    copy_files(&*blobs::open(&place.blobs(), blobs::Use::Look)?, files, &stopped).await
}

async fn copy_files(source: &dyn Blobs, target: &Path, stopped: &CancellationToken) -> anyhow::Result<u64> {
    let mut copied = 0;
    for kind in Kind::ALL {
        for (sha256, _) in source.stored(kind).await? {
            ensure!(!stopped.is_cancelled(), "interrupted");
            let to = blobs::place_in(target, kind, &sha256);
            if let Some(folder) = to.parent() {
                fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
            }
            let copy = source.copy(kind, &sha256, &to).await;
            copied += u64::from(copy.with_context(|| format!("cannot copy the {kind} {sha256} to {}", to.display()))?);
        }
    }
    Ok(copied)
}

fn sync_folder(folder: &Path) -> anyhow::Result<()> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.with_context(|| format!("cannot sync the folder {}", folder.display()))
}
