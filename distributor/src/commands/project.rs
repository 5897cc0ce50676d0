//! `distributor project`.

use anyhow::{Context as _, bail};
use clap::Subcommand;
use distributor::store::{RemoveProject, Store};
use protocol::output::line;
use protocol::{MAX_PAGE, MAX_WEIGHT, ProjectName, Timestamp, UploaderKeyId};

/// List projects, weigh them, give them to another owner, delete them.
#[derive(Debug, Subcommand)]
pub enum Project {
    /// List the projects with their owners and weights, without those that were withdrawn
    List {
        /// List those that were withdrawn, too
        #[arg(long)]
        all: bool,
    },
    /// Give a project at most this share of the donors that serve all projects; its owner may ask for less
    Weight {
        /// The project
        name: ProjectName,
        /// 1 to 1000; 100 without this command
        #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_WEIGHT)))]
        weight: u32,
    },
    /// Give a project to the owner of an access key
    Give {
        /// The project
        name: ProjectName,
        /// Id of the key, the 12 digits after `cairn_`
        key: UploaderKeyId,
    },
    /// Delete a withdrawn project with its units, results and proofs, for good
    Delete {
        /// The project
        name: ProjectName,
        /// Also while donors hold leases of its units, or results were not collected
        #[arg(long)]
        force: bool,
        /// Do it; without this it is only said what would be deleted
        #[arg(long)]
        yes: bool,
    },
}

impl Project {
    /// Does it.
    pub async fn run(self, store: &dyn Store) -> anyhow::Result<()> {
        match self {
            Self::List { all } => list(store, all).await,
            Self::Delete { name, force, yes } => delete(store, &name, force, yes).await,
            Self::Weight { name, weight } => {
                known(&name, store.set_weight(&name, weight).await?)?;
                eprintln!("the project {name} has a weight of at most {weight}");
                Ok(())
            }
            Self::Give { name, key } => {
                let Some(key) = store.key(&key).await? else {
                    bail!("there is no key {key}; `distributor key list` shows all");
                };
                known(&name, store.give_project(&name, &key.owner).await?)?;
                eprintln!("the project {name} belongs to the owner of the key {}", key.id);
                Ok(())
            }
        }
    }
}

fn known(name: &ProjectName, known: bool) -> anyhow::Result<()> {
    anyhow::ensure!(known, "there is no project {name}; `distributor project list` shows all");
    Ok(())
}

/// Deletes the rows. The files lose their references with them, and go as those of a running distributor do.
async fn delete(store: &dyn Store, name: &ProjectName, force: bool, yes: bool) -> anyhow::Result<()> {
    let now = Timestamp::now();
    if !yes {
        let project = store.project(name, now).await?;
        let project = project.with_context(|| format!("there is no project {name}"))?;
        let units = &project.units;
        bail!(
            "nothing was deleted: {name} has {} units, {} results ({} of them not collected) and {} proofs of {} bytes; \
             say it again with --yes",
            units.total(),
            units.proved + units.collected,
            units.proved,
            project.proofs.files,
            project.proofs.bytes
        );
    }
    match store.remove_project(name, force, now).await? {
        RemoveProject::Begun(units) => {
            while store.remove_more().await? {}
            eprintln!(
                "the project {name} is deleted, with {units} units; its files go with the distributor's next upkeep"
            );
            Ok(())
        }
        RemoveProject::Unknown => bail!("there is no project {name}; `distributor project list --all` shows all"),
        RemoveProject::Active => bail!("nothing was deleted: {name} is not withdrawn; its owner withdraws it first"),
        RemoveProject::Lent(units) => {
            bail!("nothing was deleted: donors hold leases of {units} units of {name}; wait some minutes, or --force")
        }
        RemoveProject::Uncollected(units) => {
            bail!("nothing was deleted: {units} results of {name} were not collected; --force deletes them, too")
        }
    }
}

async fn list(store: &dyn Store, all: bool) -> anyhow::Result<()> {
    line(format_args!(
        "{:<32}{:<14}{:>8}{:>10}{:>12}{:>12}",
        "PROJECT", "OWNER", "WEIGHT", "DECLARED", "UNITS", "OPEN"
    ))?;
    let mut after = None;
    loop {
        let page = match all {
            true => store.projects(after.as_ref(), MAX_PAGE, Timestamp::now()).await?,
            false => store.active_projects(after.as_ref(), MAX_PAGE, Timestamp::now()).await?,
        };
        for project in &page.projects {
            row(store, project).await?;
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

async fn row(store: &dyn Store, project: &protocol::Project) -> anyhow::Result<()> {
    let owner = store.project_owner(&project.name).await?.map(|owner| owner.to_string()).unwrap_or_default();
    line(format_args!(
        "{:<32}{owner:<14}{:>8}{:>10}{:>12}{:>12}",
        project.name,
        project.weight,
        project.spec.weight,
        project.units.total(),
        project.units.open()
    ))?;
    Ok(())
}
