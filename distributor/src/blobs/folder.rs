//! Files in a folder: `<folder>/<kind>/<first two digits>/<digest>`, and `tmp/` for what is being received.

use super::{BlobError, Blobs, Kind, Spooled};
use async_trait::async_trait;
use protocol::{Digest, Timestamp};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use tempfile::NamedTempFile;

/// Files in a folder.
#[derive(Debug, Clone)]
pub struct FolderBlobs {
    root: Arc<Path>,
}

impl FolderBlobs {
    /// Opens a folder, and makes it if it is not there.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn open(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root.join("tmp"))?;
        for kind in Kind::ALL {
            fs::create_dir_all(root.join(kind.folder()))?;
        }
        Ok(Self { root: root.into() })
    }

    /// Deletes what a crash left half received. Only for a distributor that has the folder for itself.
    ///
    /// # Errors
    /// If the folder cannot be read or a file not be deleted.
    pub fn clear_temporary(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.root.join("tmp"))? {
            fs::remove_file(entry?.path())?;
        }
        Ok(())
    }

    fn path(&self, kind: Kind, sha256: &Digest) -> PathBuf {
        let digits = sha256.to_string();
        let (beginning, _) = digits.split_at(2);
        self.root.join(kind.folder()).join(beginning).join(&digits)
    }

    /// All files of a kind.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn list(&self, kind: Kind) -> io::Result<Vec<(Digest, PathBuf)>> {
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
    async fn spool(&self) -> Result<NamedTempFile, BlobError> {
        let folder = self.root.join("tmp");
        blocking(move || Ok(NamedTempFile::new_in(folder)?)).await
    }

    async fn put(&self, kind: Kind, spooled: Spooled) -> Result<bool, BlobError> {
        let this = self.clone();
        blocking(move || this.store(kind, spooled)).await
    }

    async fn open(&self, kind: Kind, sha256: &Digest) -> Result<Option<(u64, tokio::fs::File)>, BlobError> {
        let path = self.path(kind, sha256);
        let open = move || {
            let file = File::open(path)?;
            Ok((file.metadata()?.len(), file))
        };
        let opened = blocking(move || optional(open())).await?;
        Ok(opened.map(|(length, file)| (length, tokio::fs::File::from_std(file))))
    }

    async fn read(&self, kind: Kind, sha256: &Digest) -> Result<Option<Vec<u8>>, BlobError> {
        let path = self.path(kind, sha256);
        blocking(move || optional(fs::read(path))).await
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
