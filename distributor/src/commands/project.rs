//! `distributor project`.

use anyhow::bail;
use clap::Subcommand;
use distributor::store::Store;
use protocol::output::line;
use protocol::{MAX_PAGE, MAX_WEIGHT, ProjectName, Timestamp, UploaderKeyId};

/// List projects, weigh them, give them to another owner.
#[derive(Debug, Subcommand)]
pub enum Project {
    /// List the projects with their owners and weights
    List,
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
}

impl Project {
    /// Does it.
    pub async fn run(self, store: &dyn Store) -> anyhow::Result<()> {
        match self {
            Self::List => list(store).await,
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

async fn list(store: &dyn Store) -> anyhow::Result<()> {
    line(format_args!(
        "{:<32}{:<14}{:>8}{:>10}{:>12}{:>12}",
        "PROJECT", "OWNER", "WEIGHT", "DECLARED", "UNITS", "OPEN"
    ))?;
    let mut after = None;
    loop {
        let page = store.projects(after.as_ref(), MAX_PAGE, Timestamp::now()).await?;
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
