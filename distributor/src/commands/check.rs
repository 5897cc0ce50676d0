//! `distributor check`.

use anyhow::bail;
use clap::Args;
use distributor::blobs::{FolderBlobs, Kind};
use distributor::config::Place;
use distributor::store::sqlite::SqliteStore;
use distributor::store::{BlobRef, Miscount, Operations as _};
use protocol::Digest;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Compare database and files: every file that is referred to must be there, and hold what its name says; and what is counted
/// must be what is there.
#[derive(Debug, Args)]
pub struct Check {
    /// Delete files that nothing refers to; only while the distributor is stopped
    #[arg(long)]
    delete_orphans: bool,
    /// Correct wrong counts
    #[arg(long)]
    mend_counts: bool,
}

impl Check {
    /// Does it.
    pub async fn run(self, place: &Place, store: &SqliteStore) -> anyhow::Result<()> {
        let miscounts = store.recount(self.mend_counts).await?;
        for Miscount { what, kept, found } in &miscounts {
            println!("the count `{what}` is {kept} and should be {found}");
        }
        let blobs = FolderBlobs::open(&place.blobs())?;
        let mut files: BTreeMap<BlobRef, PathBuf> = BTreeMap::new();
        for kind in Kind::ALL {
            files.extend(blobs.list(kind)?.into_iter().map(|(sha256, path)| (BlobRef { kind, sha256 }, path)));
        }
        let (mut found, mut bad) = (0, 0);
        for wanted in store.blob_refs().await? {
            found += 1;
            let problem = match files.remove(&wanted) {
                None => Some("is missing"),
                Some(path) if !intact(&path, &wanted.sha256)? => Some("is damaged"),
                Some(_) => None,
            };
            if let Some(problem) = problem {
                bad += 1;
                println!("the {} {} {problem}", wanted.kind, wanted.sha256);
            }
        }
        for (orphan, path) in &files {
            println!("nothing refers to the {} {}", orphan.kind, orphan.sha256);
            if self.delete_orphans {
                std::fs::remove_file(path)?;
            }
        }
        let done = if self.delete_orphans { "deleted" } else { "without a reference" };
        eprintln!("{found} files referred to, {bad} of them bad; {} files {done}", files.len());
        if bad > 0 {
            bail!("{bad} files are bad; restore them from a backup");
        }
        if !miscounts.is_empty() && !self.mend_counts {
            bail!("{} counts are wrong; --mend-counts corrects them", miscounts.len());
        }
        Ok(())
    }
}

fn intact(path: &Path, expected: &Digest) -> anyhow::Result<bool> {
    Ok(Digest::of(&std::fs::read(path)?) == *expected)
}
