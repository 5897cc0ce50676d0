//! `distributor prune`.

use clap::Args;
use distributor::store::{Store, Thinned};
use protocol::Timestamp;
use protocol::output::line;

/// Let go of collected proofs, as their projects' rules (`--keep-proofs`) say. The distributor does so by itself, with its upkeep.
/// Results stay, and can be proven again.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Prune {
    /// Only say which files would go
    #[arg(long)]
    dry_run: bool,
    /// Let them go now; a running distributor deletes the files with its next upkeep, a stopped one at its next start
    #[arg(long)]
    now: bool,
}

impl Prune {
    /// Does it.
    pub async fn run(self, store: &dyn Store) -> anyhow::Result<()> {
        let thinned = store.thin(Timestamp::now(), self.dry_run).await?;
        let (go, stay) = if self.dry_run { ("would go", "would stay") } else { ("go", "stay") };
        for Thinned { project, rule, files, bytes, stay: staying } in &thinned {
            line(format_args!("{project} ({rule}): {files} files of {bytes} bytes {go}, {staying} {stay}"))?;
        }
        let (files, bytes) =
            thinned.iter().fold((0, 0), |(files, bytes), thinned| (files + thinned.files, bytes + thinned.bytes));
        eprintln!("{files} files of {bytes} bytes {go}; projects that keep all proofs are not listed");
        Ok(())
    }
}
