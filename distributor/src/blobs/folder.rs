//! Files in a folder: `<folder>/<kind>/<first two digits>/<digest>`, and `tmp/` for what is being received.

use super::{BlobError, Blobs, Kind, OpenError, Opened, Spooled, Use};
use async_trait::async_trait;
use protocol::{Digest, Timestamp};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use tempfile::NamedTempFile;

/// Files in a folder.
#[derive(Debug, Clone)]
pub struct FolderBlobs {
    root: Arc<Path>,
    /// Held as long as the folder is served.
    _lock: Option<Arc<File>>,
}

impl FolderBlobs {
    /// Opens a folder, and makes it if it is not there.
    ///
    /// # Errors
    /// If the folder cannot be made, or is to be served and another distributor serves it.
    pub(super) fn open(root: &Path, purpose: Use) -> Result<Self, OpenError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            |source| OpenError::Folder { path, source }
        };
        make_folders(root).map_err(failed(root))?;
        let mut lock = None;
        if purpose == Use::Serve {
            let path = root.join("lock");
            let file = File::create(&path).map_err(failed(&path))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(OpenError::InUse(root.to_owned())),
                Err(TryLockError::Error(error)) => return Err(failed(&path)(error)),
            }
            lock = Some(Arc::new(file));
            let temporary = root.join("tmp");
            clear(&temporary).map_err(failed(&temporary))?;
        }
        Ok(Self { root: root.into(), _lock: lock })
    }

    fn path(&self, kind: Kind, sha256: &Digest) -> PathBuf {
        place_in(&self.root, kind, sha256)
    }

    /// All files of a kind.
    fn list(&self, kind: Kind) -> io::Result<Vec<(Digest, PathBuf)>> {
        let mut files = Vec::new();
        for folder in fs::read_dir(self.root.join(kind.folder()))? {
            for file in fs::read_dir(folder?.path())? {
                let path = file?.path();
                let digest = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
                files.extend(digest.map(|digest| (digest, path)));
            }
        }
        Ok(files)
    }

    /// Syncs the file, then renames it to its place, then syncs the folder: what has its name is whole. A new folder is synced
    /// into its own one first.
    fn store(&self, kind: Kind, spooled: Spooled) -> Result<bool, BlobError> {
        let path = self.path(kind, &spooled.sha256);
        if path.try_exists()? {
            // Who stores it again may need it as long as who stores it first.
            File::open(path)?.set_modified(SystemTime::now())?;
            return Ok(false);
        }
        spooled.file.as_file().sync_all()?;
        let folder = path.parent().unwrap_or(&self.root);
        match fs::create_dir(folder) {
            Ok(()) => File::open(self.root.join(kind.folder()))?.sync_all()?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
        spooled.file.persist(&path).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()?;
        Ok(true)
    }
}

/// Where a file is within a folder of files.
pub fn place_in(root: &Path, kind: Kind, sha256: &Digest) -> PathBuf {
    let digits = sha256.to_string();
    let (beginning, _) = digits.split_at(2);
    root.join(kind.folder()).join(beginning).join(&digits)
}

fn make_folders(root: &Path) -> io::Result<()> {
    fs::create_dir_all(root.join("tmp"))?;
    Kind::ALL.into_iter().try_for_each(|kind| fs::create_dir_all(root.join(kind.folder())))
}

/// Deletes what a crash left half received.
fn clear(temporary: &Path) -> io::Result<()> {
    for entry in fs::read_dir(temporary)? {
        fs::remove_file(entry?.path())?;
    }
    Ok(())
}

/// Runs work on the disk off the async threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| BlobError::Io(io::Error::other(error)))?
}

/// `None` for a file that is not there.
fn optional<T>(result: io::Result<T>) -> Result<Option<T>, BlobError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[async_trait]
impl Blobs for FolderBlobs {
    fn folder(&self) -> Option<&Path> {
        Some(&self.root)
    }

    async fn spool(&self) -> Result<NamedTempFile, BlobError> {
        let folder = self.root.join("tmp");
        blocking(move || Ok(NamedTempFile::new_in(folder)?)).await
    }

    async fn put(&self, kind: Kind, spooled: Spooled) -> Result<bool, BlobError> {
        let this = self.clone();
        blocking(move || this.store(kind, spooled)).await
    }

    async fn open(&self, kind: Kind, sha256: &Digest) -> Result<Option<Opened>, BlobError> {
        let path = self.path(kind, sha256);
        let open = move || {
            let file = File::open(path)?;
            Ok((file.metadata()?.len(), file))
        };
        let opened = blocking(move || optional(open())).await?;
        Ok(opened.map(|(size, file)| Opened { size, bytes: Box::new(tokio::fs::File::from_std(file)) }))
    }

    async fn fetch(&self, kind: Kind, sha256: &Digest) -> Result<Option<File>, BlobError> {
        let path = self.path(kind, sha256);
        blocking(move || optional(File::open(path))).await
    }

    async fn read(&self, kind: Kind, sha256: &Digest) -> Result<Option<Vec<u8>>, BlobError> {
        let path = self.path(kind, sha256);
        blocking(move || optional(fs::read(path))).await
    }

    async fn copy(&self, kind: Kind, sha256: &Digest, to: &Path) -> io::Result<bool> {
        let (from, to) = (self.path(kind, sha256), to.to_owned());
        let copy = move || {
            if fs::hard_link(&from, &to).is_ok() {
                return Ok(true);
            }
            match fs::copy(&from, &to).and_then(|_| File::open(&to)?.sync_all()) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && !from.exists() => Ok(false),
                copied => copied.map(|()| true),
            }
        };
        tokio::task::spawn_blocking(copy).await.map_err(io::Error::other)?
    }

    async fn stored(&self, kind: Kind) -> Result<Vec<(Digest, Timestamp)>, BlobError> {
        let this = self.clone();
        blocking(move || {
            let mut files = Vec::new();
            for (digest, path) in this.list(kind)? {
                // It may have been deleted since it was listed.
                let Some(modified) = optional(fs::metadata(path).and_then(|metadata| metadata.modified()))? else {
                    continue;
                };
                let since = modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                files.push((digest, Timestamp(since.as_secs())));
            }
            Ok(files)
        })
        .await
    }

    async fn delete(&self, kind: Kind, sha256: &Digest) -> Result<(), BlobError> {
        let path = self.path(kind, sha256);
        blocking(move || optional(fs::remove_file(path))).await?;
        Ok(())
    }

    async fn ping(&self) -> Result<(), BlobError> {
        let folder = self.root.join("tmp");
        blocking(move || Ok(NamedTempFile::new_in(folder)?.close()?)).await
    }
}
