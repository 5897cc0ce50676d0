//! `distributor backup`.

use anyhow::{Context as _, bail};
use clap::Args;
use distributor::blobs::FolderBlobs;
use distributor::blobs::Kind;
use distributor::config::Place;
use distributor::store::Operations as _;
use distributor::store::sqlite::SqliteStore;
use std::fs;
use std::path::{Path, PathBuf};

/// Copy database and files to a new folder, which is then a data folder of its own.
#[derive(Debug, Args)]
pub struct Backup {
    /// The folder; it must not exist yet
    folder: PathBuf,
}

impl Backup {
    /// Copies the database first: files are never changed and only deleted when nothing refers to them, so all that the copy
    /// refers to is there to be copied, but for executions that are proved in between, which are not needed any more.
    pub async fn run(self, place: &Place, store: &SqliteStore) -> anyhow::Result<()> {
        let folder = &self.folder;
        if folder.exists() {
            bail!("{} exists already; give a new folder", folder.display());
        }
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        store.backup(&folder.join("cairn.db")).await?;
        let source = FolderBlobs::open(&place.blobs())?;
        let mut copied = 0;
        for kind in Kind::ALL {
            for (sha256, path) in source.list(kind)? {
                let digits = sha256.to_string();
                let (beginning, _) = digits.split_at(2);
                let target = folder.join("blobs").join(kind.folder()).join(beginning);
                fs::create_dir_all(&target)?;
                copied += u64::from(copy(&path, &target.join(&digits))?);
            }
        }
        eprintln!("copied the database and {copied} files to {}", folder.display());
        Ok(())
    }
}

/// Whether the file was still there. A hard link will do where the file system can: files are never changed.
fn copy(from: &Path, to: &Path) -> anyhow::Result<bool> {
    if fs::hard_link(from, to).is_ok() {
        return Ok(true);
    }
    match fs::copy(from, to) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot copy {} to {}", from.display(), to.display())),
    }
}
