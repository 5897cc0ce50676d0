//! `distributor donor`.

use clap::Subcommand;
use distributor::store::Store;
use protocol::output::line;
use protocol::{DonorKey, Timestamp};

/// List, block and trust donors.
#[derive(Debug, Subcommand)]
pub enum Donor {
    /// List the donors, those that proved most first
    List,
    /// Refuse all requests of a donor
    Block {
        /// Its public key
        key: DonorKey,
    },
    /// Let a donor in again
    Unblock {
        /// Its public key
        key: DonorKey,
    },
    /// Believe what a donor reports in all projects, whatever it has proved
    Trust {
        /// Its public key
        key: DonorKey,
    },
    /// Believe a donor no more than its proofs earn it
    Untrust {
        /// Its public key
        key: DonorKey,
    },
}

impl Donor {
    /// Does it.
    pub async fn run(self, store: &dyn Store) -> anyhow::Result<()> {
        match self {
            Self::List => list(store).await,
            Self::Block { key } => {
                store.block_donor(&key, true, Timestamp::now()).await?;
                eprintln!("the donor {key} is blocked");
                Ok(())
            }
            Self::Unblock { key } => {
                store.block_donor(&key, false, Timestamp::now()).await?;
                eprintln!("the donor {key} is let in");
                Ok(())
            }
            Self::Trust { key } => {
                store.trust_donor(&key, true, Timestamp::now()).await?;
                eprintln!("the donor {key} is trusted");
                Ok(())
            }
            Self::Untrust { key } => {
                store.trust_donor(&key, false, Timestamp::now()).await?;
                eprintln!("the donor {key} is trusted for its proofs alone");
                Ok(())
            }
        }
    }
}

async fn list(store: &dyn Store) -> anyhow::Result<()> {
    line(format_args!(
        "{:<66}{:>14}{:>8}{:>10}{:>9}{:>7}  STATE",
        "DONOR", "STEPS", "PROVED", "EXECUTED", "REFUSED", "MARKS"
    ))?;
    for donor in store.donors(Timestamp::now()).await? {
        let credit = donor.credit;
        let state = match (donor.blocked_at, donor.trusted_at) {
            (Some(_), _) => "blocked",
            (None, Some(_)) => "trusted",
            (None, None) => "",
        };
        let row = format!(
            "{:<66}{:>14}{:>8}{:>10}{:>9}{:>7}  {state}",
            credit.donor, credit.proven_steps, credit.proven_units, credit.executed_units, credit.refused, credit.marks
        );
        line(row.trim_end())?;
    }
    Ok(())
}
