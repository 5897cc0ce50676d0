//! The command line.

use crate::machine::{Programs, adopt_orphans};
use crate::report::Report;
use crate::runs::{self, Effort};
use clap::{Args, Parser, ValueEnum};
use std::time::Instant;

/// Attacks the real programs and breaks things under them, on this machine alone, and judges from outside.
#[derive(Debug, Parser)]
#[command(name = "trials", version, max_term_width = 100, arg_required_else_help = true, after_help = AFTER)]
pub struct Cli {
    /// What to do
    #[arg(value_enum, required = true)]
    runs: Vec<Run>,
    #[command(flatten)]
    options: Options,
}

const AFTER: &str = "\
`distributor`, `donor` and `uploader` are taken from the folder of this program.
Exit codes: 0 all was as it must be, 1 something was not, 2 wrong usage.";

/// How much of it.
#[derive(Debug, Args)]
struct Options {
    /// So many faults, instead of the run's usual number
    #[arg(long, value_name = "N")]
    times: Option<u32>,
    /// So many seconds, instead of the run's usual time
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<u64>,
    /// A short form of each run, for every change
    #[arg(long)]
    short: bool,
    /// Makes what is drawn at random the same again
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Print reports as JSON lines
    #[arg(long)]
    json: bool,
    /// Keep folders of runs that failed, with all logs
    #[arg(long)]
    keep: bool,
}

/// The runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Run {
    /// A thousand hostile keys from ten addresses against twenty honest donors
    Attack,
    /// Hostile traffic of all kinds for an hour
    Soak,
    /// The distributor is killed again and again while donors work
    KillDistributor,
    /// Donors and their units' processes are killed again and again
    KillDonors,
    /// The network is cut, half-closed and delayed
    Network,
    /// The disks of distributor, donor and uploader run full
    Disk,
    /// The distributor's clock jumps by days
    Clock,
    /// Backups while donors work, and a restore
    Backup,
    /// Push and collect are killed again and again
    Interrupt,
    /// All of them but the soak
    All,
}

impl Run {
    /// All that [`Run::All`] stands for.
    const EACH: [Self; 8] = [
        Self::Attack,
        Self::KillDistributor,
        Self::KillDonors,
        Self::Network,
        Self::Disk,
        Self::Clock,
        Self::Backup,
        Self::Interrupt,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Attack => "attack",
            Self::Soak => "soak",
            Self::KillDistributor => "kill-distributor",
            Self::KillDonors => "kill-donors",
            Self::Network => "network",
            Self::Disk => "disk",
            Self::Clock => "clock",
            Self::Backup => "backup",
            Self::Interrupt => "interrupt",
            Self::All => "all",
        }
    }
}

/// Does what is asked, and says whether all was as it must be.
///
/// # Errors
/// If the programs are not there.
pub async fn run(cli: Cli) -> anyhow::Result<bool> {
    let programs = Programs::beside_us()?;
    adopt_orphans()?;
    let Options { times, seconds, short, seed, json, keep } = cli.options;
    let effort = Effort { times, seconds, short, seed, keep };
    let mut passed = true;
    for run in cli.runs.iter().flat_map(|run| if *run == Run::All { Run::EACH.to_vec() } else { vec![*run] }) {
        let report = one(run, &programs, &effort).await;
        passed &= report.passed();
        if json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            print!("{}", report.lines());
        }
    }
    Ok(passed)
}

/// One run. What keeps it from its end is a demand that was not met.
async fn one(run: Run, programs: &Programs, effort: &Effort) -> Report {
    let mut report = Report::new(run.name());
    let begin = Instant::now();
    let done = match run {
        Run::Attack => runs::attack(programs, effort, &mut report).await,
        Run::Soak => runs::soak(programs, effort, &mut report).await,
        Run::KillDistributor => runs::kill_distributor(programs, effort, &mut report).await,
        Run::KillDonors => runs::kill_donors(programs, effort, &mut report).await,
        Run::Network => runs::network(programs, effort, &mut report).await,
        Run::Disk => runs::disk(programs, effort, &mut report).await,
        Run::Clock => runs::clock(programs, effort, &mut report).await,
        Run::Backup => runs::backup(programs, effort, &mut report).await,
        Run::Interrupt => runs::interrupt(programs, effort, &mut report).await,
        Run::All => Ok(()),
    };
    if let Err(error) = done {
        report.demand("the run came to its end", false, format!("{error:#}"));
    }
    report.seconds = begin.elapsed().as_secs_f64();
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
        for run in Run::EACH {
            assert_eq!(run.to_possible_value().unwrap().get_name(), run.name());
        }
    }
}
