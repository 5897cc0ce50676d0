//! `distributor donor`.

use clap::Subcommand;
use distributor::store::Donors as _;
use distributor::store::sqlite::SqliteStore;
use protocol::{DonorKey, Timestamp};

/// List and block donors.
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
}

impl Donor {
    /// Does it.
    pub async fn run(self, store: &SqliteStore) -> anyhow::Result<()> {
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
        }
    }
}

async fn list(store: &SqliteStore) -> anyhow::Result<()> {
    println!("{:<66}{:>14}{:>8}{:>10}{:>9}{:>7}  STATE", "DONOR", "STEPS", "PROVED", "EXECUTED", "REFUSED", "MARKS");
    for donor in store.donors(Timestamp::now()).await? {
        let credit = donor.credit;
        let state = if donor.blocked_at.is_some() { "blocked" } else { "" };
        let line = format!(
            "{:<66}{:>14}{:>8}{:>10}{:>9}{:>7}  {state}",
            credit.donor, credit.proven_steps, credit.proven_units, credit.executed_units, credit.refused, credit.marks
        );
        println!("{}", line.trim_end());
    }
    Ok(())
}
