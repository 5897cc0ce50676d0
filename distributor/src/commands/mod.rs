//! The command line. Data goes to standard output, messages to standard error.

mod backup;
mod check;
mod donor;
mod health;
mod key;
mod project;
mod prune;
mod serve;

use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::{Shell, generate};
use distributor::config::{ConfigFile, Place};
use distributor::routes::{document, table};
use distributor::store::{self, IfMissing, Store};
use protocol::output::line;
use std::path::PathBuf;
use std::time::Duration;

/// Keeps projects and units, lends units to donors, verifies their proofs.
#[derive(Debug, Parser)]
#[command(version = env!("CAIRN_VERSION"), propagate_version = true, after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage.")]
pub struct Cli {
    /// TOML file with the tables [place] and [serve]; flags and environment go before it
    #[arg(
        long,
        env = "CAIRN_CONFIG",
        value_name = "FILE",
        global = true,
        hide_env_values = true,
        help_heading = "Place"
    )]
    config: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the grid
    Serve(Box<serve::Serve>),
    /// Make, list and revoke uploaders' access keys
    #[command(subcommand)]
    Key(key::Key),
    /// List, block and trust donors
    #[command(subcommand)]
    Donor(donor::Donor),
    /// List projects, weigh them, give them to another owner, delete them
    #[command(subcommand)]
    Project(project::Project),
    /// Give out no more work; proofs are still taken
    Pause,
    /// Give out work again
    Resume,
    /// Compare database and files
    Check(check::Check),
    /// Let go of collected proofs, as their projects' rules say
    Prune(prune::Prune),
    /// Copy database and files, also while the distributor runs
    Backup(backup::Backup),
    /// Ask the distributor of this machine whether it is ready; for health checks
    Health(health::Health),
    /// Print what completes this program's words in a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual pages into a folder
    #[command(hide = true)]
    Man {
        /// The folder
        folder: PathBuf,
    },
    /// Print the OpenAPI document
    Openapi {
        /// Print the table of addresses in docs/API.md instead
        #[arg(long)]
        table: bool,
    },
}

/// Runs a command.
pub fn run(cli: Cli) -> anyhow::Result<()> {
    let file = cli.config.as_deref().map(ConfigFile::read).transpose()?.unwrap_or_default();
    let place = cli.place.or(file.place);
    let command = match cli.command {
        Command::Openapi { table: false } => {
            line(document())?;
            return Ok(());
        }
        Command::Openapi { table: true } => {
            line(table().trim_end())?;
            return Ok(());
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            generate(shell, &mut Cli::command(), "distributor", &mut script);
            protocol::output::text(String::from_utf8_lossy(&script))?;
            return Ok(());
        }
        Command::Man { folder } => {
            let written = std::fs::create_dir_all(&folder);
            written.and_then(|()| clap_mangen::generate_to(Cli::command().name("distributor"), &folder))?;
            return Ok(());
        }
        Command::Serve(serve) => return serve.run(&place, file.serve),
        Command::Health(health) => return health.run(file.serve.listen),
        command => command,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // A key may be made before the distributor first runs.
        let missing = match command {
            Command::Key(key::Key::Create { .. }) => IfMissing::Make,
            _ => IfMissing::Refuse,
        };
        let store = store::open(&place.database(), missing).await?;
        let store = &*store;
        let done = match command {
            Command::Key(key) => key.run(store).await,
            Command::Donor(donor) => donor.run(store).await,
            Command::Project(project) => project.run(store).await,
            Command::Pause => pause(store, true).await,
            Command::Resume => pause(store, false).await,
            Command::Check(check) => check.run(&place, store).await,
            Command::Prune(prune) => prune.run(store).await,
            Command::Backup(backup) => backup.run(&place, store).await,
            Command::Openapi { .. }
            | Command::Completions { .. }
            | Command::Man { .. }
            | Command::Health(_)
            | Command::Serve(_) => Ok(()),
        };
        if done.is_ok() {
            store.close().await;
        } else {
            // Work that was given up may go on for long, and the database needs no end.
            let _ = tokio::time::timeout(Duration::from_secs(1), store.close()).await;
        }
        done
    })
}

async fn pause(store: &dyn Store, paused: bool) -> anyhow::Result<()> {
    store.set_paused(paused).await?;
    eprintln!("the grid {}", if paused { "is paused; `distributor resume` ends it" } else { "gives out work" });
    Ok(())
}
