//! What goes on beside requests: files that nothing refers to are deleted, withdrawing and deleting are brought to an end, proofs are let go that
//! need not be kept, old events are folded.

use crate::app::App;
use crate::blobs::Kind;
use crate::error::ApiResult;
use crate::store::{BlobRef, Thinned};
use protocol::Digest;
use std::time::Duration;

/// Seconds for which a program or record may lie without a project, since it is uploaded before its project is made.
const UPLOAD_WAITS: u64 = 24 * 3600;

/// Files that lost a reference and are dealt with at once.
const ORPHANS: u32 = 100;

/// Seconds between two looks at all files.
const SWEEP_SECONDS: u64 = 24 * 3600;

/// Keeps up until the distributor stops.
pub async fn run(app: App) {
    let mut swept = None;
    while !app.stopping.is_cancelled() {
        let now = app.now();
        if swept.is_none_or(|swept| now.since(swept) >= SWEEP_SECONDS || swept > now) {
            swept = Some(now);
            sweep(&app).await;
        }
        withdraw(&app).await;
        remove(&app).await;
        thin(&app).await;
        collect(&app).await;
        match app.store.fold(now).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "old events and donors folded"),
            Err(error) => tracing::warn!(%error, "old events could not be folded"),
        }
        let pause = Duration::from_secs(app.settings.upkeep_seconds.max(1));
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Deletes the files that lost their last reference. Costs one look if there are none.
pub async fn collect(app: &App) {
    while !app.stopping.is_cancelled() {
        let orphans = match app.store.orphans(ORPHANS).await {
            Ok(orphans) => orphans,
            Err(error) => return tracing::warn!(%error, "files without a reference are not known"),
        };
        let mut left = 0;
        for orphan in &orphans {
            left += usize::from(!app.forget(orphan.kind, &orphan.sha256).await);
        }
        if left > 0 || orphans.len() < ORPHANS as usize {
            return;
        }
    }
}

/// Lets go of collected proofs, as their projects' rules say.
async fn thin(app: &App) {
    match app.store.thin(app.now(), false).await {
        Ok(thinned) => {
            for Thinned { project, rule, files, bytes, .. } in thinned.into_iter().filter(|thinned| thinned.files > 0) {
                tracing::info!(%project, %rule, files, bytes, "collected proofs are not kept any more");
            }
        }
        Err(error) => tracing::warn!(%error, "collected proofs could not be let go"),
    }
}

/// Withdraws what is left of withdrawn projects, a batch at a time, so that others get their turn.
pub async fn withdraw(app: &App) {
    while !app.stopping.is_cancelled() {
        match app.store.withdraw_more(app.now()).await {
            Ok(true) => app.announce(),
            Ok(false) => return,
            Err(error) => return tracing::warn!(%error, "a project could not be withdrawn in full"),
        }
    }
}

/// Deletes what is left of deleted projects, a batch at a time.
pub async fn remove(app: &App) {
    while !app.stopping.is_cancelled() {
        match app.store.remove_more().await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => return tracing::warn!(%error, "a project could not be deleted in full"),
        }
    }
}

/// Marks results as collected, a batch at a time; how many were not before.
pub async fn mark_collected(
    app: &App,
    name: &protocol::ProjectName,
    cursor: u64,
    root: Option<&Digest>,
) -> ApiResult<u64> {
    let mut marked = 0;
    loop {
        let batch = app.store.mark_collected(name, cursor, root, app.now()).await?;
        if batch == 0 {
            return Ok(marked);
        }
        marked += batch;
        app.announce();
    }
}

/// Looks at all files: what a crash left between a file and its reference is found here.
async fn sweep(app: &App) {
    for kind in Kind::ALL {
        let files = match app.blobs.stored(kind).await {
            Ok(files) => files,
            Err(error) => {
                tracing::warn!(%kind, %error, "the stored files could not be listed");
                continue;
            }
        };
        for (sha256, stored_at) in files {
            if app.stopping.is_cancelled() {
                return;
            }
            let waits = matches!(kind, Kind::Program | Kind::Record) && app.now().since(stored_at) < UPLOAD_WAITS;
            if !waits && is_orphan(app, kind, &sha256).await {
                app.forget(kind, &sha256).await;
            }
        }
    }
}

/// Whether nothing refers to the file now; something may before it is deleted, which is why that looks again.
async fn is_orphan(app: &App, kind: Kind, sha256: &Digest) -> bool {
    match app.store.needs_file(&BlobRef { kind, sha256: *sha256 }).await {
        Ok(needed) => !needed,
        Err(error) => {
            tracing::warn!(%kind, %sha256, %error, "whether a file is needed is not known");
            false
        }
    }
}
