//! `distributor check`.

use anyhow::bail;
use clap::Args;
use distributor::blobs::{self, Blobs, Kind};
use distributor::config::Place;
use distributor::store::{BlobRef, Miscount, Store};
use protocol::output::line;
use protocol::{Digest, MAX_PAGE, Timestamp};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use tokio::io::AsyncReadExt as _;

/// Bytes of a file that are read at once.
const PIECE: usize = 1 << 18;

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
    pub async fn run(self, place: &Place, store: &dyn Store) -> anyhow::Result<()> {
        let miscounts = store.recount(self.mend_counts).await?;
        for Miscount { what, kept, found } in &miscounts {
            say(format_args!("the count `{what}` is {kept} and should be {found}"));
        }
        let blobs = blobs::open(&place.blobs(), blobs::Use::Look)?;
        let mut files = BTreeSet::new();
        for kind in Kind::ALL {
            files.extend(blobs.stored(kind).await?.into_iter().map(|(sha256, _)| BlobRef { kind, sha256 }));
        }
        let (mut found, mut bad) = (0, 0);
        for wanted in store.blob_refs().await? {
            found += 1;
            files.remove(&wanted);
            let problem = match digest(&*blobs, &wanted).await? {
                None => Some("is missing"),
                Some(found) if found != wanted.sha256 => Some("is damaged"),
                Some(_) => None,
            };
            if let Some(problem) = problem {
                bad += 1;
                say(format_args!("the {} {} {problem}", wanted.kind, wanted.sha256));
            }
        }
        for orphan in &files {
            say(format_args!("nothing refers to the {} {}", orphan.kind, orphan.sha256));
            if self.delete_orphans {
                blobs.delete(orphan.kind, &orphan.sha256).await?;
            }
        }
        let thinned = thinned(store).await?;
        if thinned > 0 {
            eprintln!("{thinned} proofs of collected results are not kept, as their projects' rules say");
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

/// How many proofs were let go.
async fn thinned(store: &dyn Store) -> anyhow::Result<u64> {
    let (mut thinned, mut after) = (0, None);
    loop {
        let page = store.projects(after.as_ref(), MAX_PAGE, Timestamp::now()).await?;
        thinned += page.projects.iter().map(|project| project.proofs.thinned).sum::<u64>();
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(thinned),
        }
    }
}

/// The digest of a stored file, if it is there.
async fn digest(blobs: &dyn Blobs, file: &BlobRef) -> anyhow::Result<Option<Digest>> {
    let Some(mut opened) = blobs.open(file.kind, &file.sha256).await? else { return Ok(None) };
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; PIECE]);
    loop {
        match opened.bytes.read(&mut buffer).await? {
            0 => return Ok(Some(Digest::from_bytes(hasher.finalize().into()))),
            length => hasher.update(buffer.get(..length).unwrap_or_default()),
        }
    }
}

/// Says something of what was found. The check goes on if nobody reads it: whether all is well is said by the exit code.
fn say(text: impl std::fmt::Display) {
    let _ = line(text);
}
