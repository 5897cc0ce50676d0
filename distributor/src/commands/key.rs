//! `distributor key`.

use anyhow::{Context as _, bail};
use clap::{Subcommand, ValueEnum};
use distributor::store::{GivenQuota, Scopes, Store, UploaderKey};
use protocol::output::line;
use protocol::text::printable;
use protocol::{ApiKey, ProjectName, Timestamp, UploaderKeyId};

/// Make, list and revoke uploaders' access keys.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Make a key and print it; it is shown this once
    Create {
        /// Projects it is for: a name, or a beginning and `*`
        #[arg(long, value_name = "PATTERN", default_value = "*", value_parser = pattern)]
        project: String,
        /// Whose it is, for your own information
        #[arg(long, default_value = "uploader")]
        name: String,
        /// What it may do there
        #[arg(long, value_enum, value_delimiter = ',', default_values = ["push", "read", "withdraw"])]
        scope: Vec<ScopeName>,
        /// A key of the same owner: both change the same projects, and share what they may have
        #[arg(long, value_name = "ID")]
        like: Option<UploaderKeyId>,
        /// Most projects of its owner, instead of the setting `most-projects`
        #[arg(long, value_name = "N")]
        max_projects: Option<u64>,
        /// Most units of its owner, instead of the setting `most-units`
        #[arg(long, value_name = "N")]
        max_units: Option<u64>,
        /// Most bytes of its owner, instead of the setting `most-bytes`
        #[arg(long, value_name = "BYTES")]
        max_bytes: Option<u64>,
    },
    /// List the keys
    List,
    /// Revoke a key at once
    Revoke {
        /// Its id, the 12 digits after `cairn_`
        id: UploaderKeyId,
    },
}

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScopeName {
    /// Make projects and add units
    Push,
    /// Read units, results, proofs and events
    Read,
    /// Withdraw and retry
    Withdraw,
}

/// A project name, or the beginning of one and `*`.
fn pattern(text: &str) -> Result<String, String> {
    let beginning = text.strip_suffix('*').unwrap_or(text);
    let valid = text == "*" || beginning.parse::<ProjectName>().is_ok();
    if valid { Ok(text.to_owned()) } else { Err("give a project name, or the beginning of one and `*`".to_owned()) }
}

impl Key {
    /// Does it.
    pub async fn run(self, store: &dyn Store) -> anyhow::Result<()> {
        match self {
            Self::Create { name, project, scope, like, max_projects, max_units, max_bytes } => {
                let quota = GivenQuota { projects: max_projects, units: max_units, bytes: max_bytes };
                create(store, name, project, &scope, like, quota).await
            }
            Self::List => list(store).await,
            Self::Revoke { id } => {
                if !store.revoke_key(&id, Timestamp::now()).await? {
                    bail!("there is no key {id}; `distributor key list` shows all");
                }
                eprintln!("the key {id} is revoked");
                Ok(())
            }
        }
    }
}

async fn create(
    store: &dyn Store,
    name: String,
    projects: String,
    scopes: &[ScopeName],
    like: Option<UploaderKeyId>,
    quota: GivenQuota,
) -> anyhow::Result<()> {
    let owner = match like {
        None => None,
        Some(id) => match store.key(&id).await? {
            Some(other) => Some(other.owner),
            None => bail!("there is no key {id}; `distributor key list` shows all"),
        },
    };
    let key = ApiKey::random().context("the operating system gives no random bytes")?;
    let scopes = Scopes {
        push: scopes.contains(&ScopeName::Push),
        read: scopes.contains(&ScopeName::Read),
        withdraw: scopes.contains(&ScopeName::Withdraw),
    };
    let created_at = Timestamp::now();
    let stored = UploaderKey {
        id: key.id(),
        name,
        secret_hash: key.secret_hash(),
        projects,
        scopes,
        owner: owner.unwrap_or(key.id()),
        quota,
        created_at,
        revoked_at: None,
    };
    store.add_key(&stored).await?;
    // Nobody has it now, so this is a failure even if the reader is gone.
    if let Err(error) = line(key.reveal()) {
        bail!("the key {} was made and could not be shown ({error}); revoke it", key.id());
    }
    eprintln!("this key is shown only now; give it to `{}`, who sets $CAIRN_KEY to it", printable(&stored.name, 60));
    Ok(())
}

async fn list(store: &dyn Store) -> anyhow::Result<()> {
    line(format_args!("{:<14}{:<14}{:<20}{:<24}{:<20}STATE", "ID", "OWNER", "NAME", "PROJECTS", "SCOPES"))?;
    for key in store.keys().await? {
        let scopes = [(key.scopes.push, "push"), (key.scopes.read, "read"), (key.scopes.withdraw, "withdraw")];
        let scopes: Vec<_> = scopes.into_iter().filter(|(has, _)| *has).map(|(_, name)| name).collect();
        let state = if key.revoked_at.is_some() { "revoked" } else { "valid" };
        let name = printable(&key.name, 60);
        line(format_args!(
            "{:<14}{:<14}{name:<20}{:<24}{:<20}{state}",
            key.id,
            key.owner,
            key.projects,
            scopes.join(",")
        ))?;
    }
    Ok(())
}
