//! The command line.

use crate::governor::Share;
use crate::governor::network::{Hours, rate, volume};
use crate::governor::rules::PauseOptions;
use crate::governor::schedule::LocalTime;
use crate::progress::words;
use crate::session::bounds::LEAST_MEMORY;
use crate::state::settings::check_server;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use protocol::{Nickname, ProjectName, TeamName};
use std::path::PathBuf;
use std::time::Duration;

const AFTER: &str = "\
Exit codes:
  0  done
  1  the user's or the data's fault
  2  the command line is not understood
  3  the distributor could not be reached
  4  the distributor refused a proof

Data go to standard output, messages to standard error.";

/// Gives spare computing time to a grid: runs Cairo programs and proves the runs.
#[derive(Debug, Parser)]
#[command(name = "donor", version = env!("CAIRN_VERSION"), after_help = AFTER, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The state folder.
#[derive(Debug, Clone, Args)]
pub struct StateArgs {
    /// Folder with key, settings and unfinished work [default: ~/.local/share/cairn/donor]
    #[arg(long, value_name = "DIR", env = "CAIRN_DONOR_STATE", hide_env_values = true)]
    pub state: Option<PathBuf>,
}

/// The distributor.
#[derive(Debug, Clone, Args)]
pub struct ServerArgs {
    /// Address of the distributor, such as https://grid.example.org [default: the setting `server`]
    #[arg(long, alias = "distributor", value_name = "URL", env = "CAIRN_SERVER", hide_env_values = true, value_parser = server)]
    pub server: Option<String>,
}

fn server(text: &str) -> Result<String, String> {
    check_server(text).map(|()| text.trim_end_matches('/').to_owned())
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Take units, prove them and deliver the proofs, until told to stop
    ///
    /// Ctrl-C stops at once; the next start goes on where this one stopped. `donor finish` stops after the unit.
    Run(Box<RunArgs>),
    /// List the distributor's projects
    Projects {
        /// The distributor.
        #[command(flatten)]
        server: ServerArgs,
        /// The state folder.
        #[command(flatten)]
        state: StateArgs,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show or change what others see of this donor: a nickname and a team
    ///
    /// Without them it is shown by the beginning of its key. What it proves counts for the team that it names at that time. Several may
    /// choose the same nickname; teams whose names look the same are one.
    Profile(Box<ProfileArgs>),
    /// Show what the running donor does, and what this machine has done so far
    Status(StatusArgs),
    /// Pause the running donor
    ///
    /// With --for or --until the pause ends by itself, and a restart of the donor does not end it sooner.
    Pause {
        /// Pause for so long, such as 30m, 2h or 1h30m
        #[arg(long = "for", value_name = "TIME", value_parser = words::parse_duration, conflicts_with = "until")]
        length: Option<Duration>,
        /// Pause until the clock shows this, such as 18:00 or "mon 08:00"
        #[arg(long, value_name = "TIME")]
        until: Option<LocalTime>,
        /// The state folder.
        #[command(flatten)]
        state: StateArgs,
    },
    /// Let the running donor go on after `pause`
    Resume {
        /// The state folder.
        #[command(flatten)]
        state: StateArgs,
    },
    /// Let the running donor finish its unit, deliver it and end
    Finish {
        /// The state folder.
        #[command(flatten)]
        state: StateArgs,
    },
    /// Measure how fast this machine executes and proves
    ///
    /// `run` uses the result to ask only for units that fit.
    Bench(BenchArgs),
    /// Have systemd start the donor, now and whenever you log in or the machine starts
    Service {
        /// What to do.
        #[command(subcommand)]
        action: ServiceAction,
    },
    /// Show or change the settings
    ///
    /// The environment goes before them: CAIRN_DONOR_MAX_CPU for max-cpu, and so on. The command line goes before both.
    Config {
        /// What to do.
        #[command(subcommand)]
        action: ConfigAction,
    },
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
    /// Work on one unit; started by `run`
    #[command(name = crate::child::COMMAND, hide = true)]
    WorkUnit {
        /// Only build the walls of the sandbox and say which there are
        #[arg(long)]
        probe: bool,
    },
}

/// Arguments of `donor profile`.
#[derive(Debug, Clone, Args)]
pub struct ProfileArgs {
    /// Take this nickname
    #[arg(long, value_name = "NAME", conflicts_with = "no_nickname")]
    pub nickname: Option<Nickname>,
    /// Be nameless again
    #[arg(long)]
    pub no_nickname: bool,
    /// Count for this team from now on
    #[arg(long, value_name = "NAME", conflicts_with = "no_team")]
    pub team: Option<TeamName>,
    /// Count for no team any more
    #[arg(long)]
    pub no_team: bool,
    /// The distributor.
    #[command(flatten)]
    pub server: ServerArgs,
    /// The state folder.
    #[command(flatten)]
    pub state: StateArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Whose service.
#[derive(Debug, Clone, Args)]
pub struct ServicePlace {
    /// A service of the machine, for root, and not one of yours
    #[arg(long)]
    pub system: bool,
}

/// What to do with the service.
#[derive(Debug, Subcommand)]
pub enum ServiceAction {
    /// Write the unit and start it; the same again replaces it
    Install {
        /// Whose service.
        #[command(flatten)]
        place: ServicePlace,
        /// The distributor.
        #[command(flatten)]
        server: ServerArgs,
        /// The state folder.
        #[command(flatten)]
        state: StateArgs,
        /// Use at most this share of the whole machine [default: the setting `max-cpu`]
        #[arg(long, value_name = "PERCENT")]
        max_cpu: Option<Share>,
    },
    /// Stop it and remove the unit; work, settings and key stay
    Remove {
        /// Whose service.
        #[command(flatten)]
        place: ServicePlace,
    },
    /// Show whether there is one, and whether it runs (exit code 1 if not)
    Status {
        /// Whose service.
        #[command(flatten)]
        place: ServicePlace,
    },
}

/// What to do with the settings.
#[derive(Debug, Subcommand)]
pub enum ConfigAction {
    /// Print a setting's value
    Get {
        /// Its name
        name: String,
        /// The state folder.
        #[command(flatten)]
        state: StateArgs,
    },
    /// Change a setting
    Set {
        /// Its name
        name: String,
        /// Its value
        #[arg(allow_hyphen_values = true)]
        value: String,
        /// The state folder.
        #[command(flatten)]
        state: StateArgs,
    },
    /// Take a setting back to its default
    Unset {
        /// Its name
        name: String,
        /// The state folder.
        #[command(flatten)]
        state: StateArgs,
    },
    /// List all settings with their values
    List {
        /// The state folder.
        #[command(flatten)]
        state: StateArgs,
    },
}

/// Arguments of `donor run`.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Work for this project only [default: the setting `project`, or all, by weight]
    #[arg(long, value_name = "NAME")]
    pub project: Option<ProjectName>,
    /// The distributor.
    #[command(flatten)]
    pub server: ServerArgs,
    /// Use at most this share of the whole machine: 50 on two cores is one core [default: 50]
    #[arg(long, value_name = "PERCENT")]
    pub max_cpu: Option<Share>,
    /// Use at most this many threads for all units together [default: as many as --max-cpu needs, and some to spare]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Work on at most this many units at once [default: about one for each core of --max-cpu, with 2 GB of --max-memory each]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub at_once: Option<u16>,
    /// Let the units take at most this much memory together, such as 2G [default: half of the machine's]
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    pub max_memory: Option<u64>,
    /// Give a unit back that takes more processor time than this, such as 90m, 12h or 2d, whatever its project allows [default: 24h]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub max_unit_time: Option<u64>,
    /// Take no unit of more steps than this, whatever its project allows [default: as many as fit the memory]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_unit_steps: Option<u64>,
    /// Take as many units at once as make about this many minutes of work, proved together as far as they fit the memory; 0 for one at a
    /// time [default: 15]
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(..=1440))]
    pub batch_minutes: Option<u32>,
    /// End after this many units
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_units: Option<u64>,
    /// Only execute; others prove
    #[arg(long, conflicts_with = "prove_only")]
    pub execute_only: bool,
    /// Only prove what others have executed
    #[arg(long)]
    pub prove_only: bool,
    /// For what to pause.
    #[command(flatten)]
    pub pauses: PauseOptions,
    /// Do not pause while other programs are busy (work still has the lowest priority)
    #[arg(long)]
    pub no_yield: bool,
    /// Do not fetch the next unit before one ends
    #[arg(long)]
    pub no_fetch_ahead: bool,
    /// Take at most so much from the network, such as 1MB/s
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub max_download: Option<u64>,
    /// Send at most so much, such as 500kB/s
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub max_upload: Option<u64>,
    /// Fetch units and deliver results only at these local times, such as 22:00-07:00
    #[arg(long, value_name = "TIMES")]
    pub network_hours: Option<Hours>,
    /// Fetch and deliver at most so much in a day, such as 2GB
    #[arg(long, value_name = "SIZE", value_parser = volume)]
    pub max_network_per_day: Option<u64>,
    /// The same in a month
    #[arg(long, value_name = "SIZE", value_parser = volume)]
    pub max_network_per_month: Option<u64>,
    /// Do not start if the system lacks a part of the sandbox that units run in
    #[arg(long)]
    pub require_sandbox: bool,
    /// Give up if the distributor does not answer at the start within this many seconds; 0 never gives up
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub patience: u64,
    /// The state folder.
    #[command(flatten)]
    pub state: StateArgs,
    /// Print what happens as JSON lines
    #[arg(long)]
    pub json: bool,
    /// Say more of each unit: its id, the prover's phases, its memory
    #[arg(long, short, conflicts_with = "json")]
    pub verbose: bool,
}

/// Arguments of `donor status`.
#[derive(Debug, Clone, Args)]
pub struct StatusArgs {
    /// The state folder.
    #[command(flatten)]
    pub state: StateArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Say more of each unit: its id, the prover's phases, its memory
    #[arg(long, short)]
    pub verbose: bool,
    /// Look again every so many seconds, until the donor ends
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "2", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub watch: Option<u64>,
}

/// Arguments of `donor bench`.
#[derive(Debug, Clone, Args)]
pub struct BenchArgs {
    /// Use this many threads [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// The state folder.
    #[command(flatten)]
    pub state: StateArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

fn time(text: &str) -> Result<u64, String> {
    words::parse_duration(text).map(|time| time.as_secs())
}

fn memory(text: &str) -> Result<u64, String> {
    match words::parse_bytes(text) {
        Ok(bytes) if bytes < LEAST_MEMORY => {
            Err(format!("`{text}` is too little: a unit takes at least {}", words::bytes(LEAST_MEMORY)))
        }
        other => other,
    }
}
