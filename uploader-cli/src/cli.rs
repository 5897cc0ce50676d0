//! The command line.

use crate::aggregate::Operation;
use crate::show::{ColorChoice, Format};
use crate::units::Range;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use protocol::{Digest, ExternalId, KeepProofs, Plot, Preset, ProjectName, Topic, UnitState};
use std::path::PathBuf;

/// Pushes Cairo programs with their arguments to a grid, and collects results that it verifies itself.
#[derive(Debug, Parser)]
#[command(name = "uploader", version = env!("CAIRN_VERSION"), max_term_width = 100, after_help = AFTER)]
pub struct Cli {
    /// What all commands take.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER: &str = "\
Example:
  uploader key add --distributor https://grid.example.org
  uploader push primes.cairo --range 0..4000:400
  uploader status
  uploader collect primes --wait --verify --aggregate sum --column 2
  uploader verify primes-results --program primes.cairo

Exit codes:
  0  done
  1  the user's or the data's fault: a bad file, an unknown project, results that are missing
  2  the command line makes no sense
  3  the distributor could not be reached or could not work; the same command goes on
  4  something is not believed: a proof, a row, a list, a manifest
Data go to standard output, messages to standard error.";

/// Heading over what all commands take.
const GLOBAL: &str = "Options of all commands";

/// What all commands take.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Address of the distributor; if a key for one only was added, that one.
    #[arg(long, alias = "server", global = true, help_heading = GLOBAL, value_name = "ADDRESS", env = "CAIRN_DISTRIBUTOR", hide_env_values = true)]
    pub distributor: Option<String>,
    /// Folder of keys and records, instead of the user's own.
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "DIR", env = "CAIRN_UPLOADER_STATE", hide_env_values = true)]
    pub state: Option<PathBuf>,
    /// Send the access key over plain HTTP to another machine, where everybody on the way can read it.
    #[arg(long, global = true, help_heading = GLOBAL, env = "CAIRN_INSECURE_HTTP", hide_env_values = true)]
    pub insecure_http: bool,
    /// How often a request is repeated that may succeed later.
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "N", default_value_t = 5)]
    pub retries: usize,
    /// Say only what went wrong.
    #[arg(long, short, global = true, help_heading = GLOBAL)]
    pub quiet: bool,
    /// Colours in messages.
    #[arg(long, global = true, help_heading = GLOBAL, value_enum, default_value_t)]
    pub color: ColorChoice,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Send a program and its argument sets; the same again changes nothing.
    Push(Box<Push>),
    /// Show how far projects are.
    Status(Status),
    /// List the units of a project.
    List(List),
    /// Fetch results, verify them, aggregate them.
    Collect(Box<Collect>),
    /// Verify a manifest of results with nothing from the distributor.
    Verify(Verify),
    /// Put failed units back into the queue.
    Retry(Retry),
    /// Have results proven once more, for instance because their proofs are not kept any more.
    ProveAgain(ProveAgain),
    /// Take units or a whole project back.
    Withdraw(Withdraw),
    /// Delete a withdrawn project at the distributor, with its units, results and proofs.
    Delete(Delete),
    /// Tell visitors of the site about a project, or show what they are told.
    Describe(Box<Describe>),
    /// Show who tried units, and what became of it.
    History(History),
    /// Access keys and the key that signs programs.
    #[command(subcommand)]
    Key(Key),
    /// Core libraries that Cairo 2 source is compiled with.
    #[command(subcommand)]
    Corelib(Corelib),
    /// Print what completes this program's words in a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Write the manual pages into a folder.
    #[command(hide = true)]
    Man {
        /// The folder.
        folder: PathBuf,
    },
}

/// Where argument sets come from.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// Argument sets: JSON lines (an object or an array a line), or columns below a header, with commas, semicolons or tabs between. Negative numbers count from p: -5 is p - 5.
    #[arg(long, value_name = "FILE", conflicts_with = "range")]
    pub args: Option<PathBuf>,
    /// Units [lo, lo + step), [lo + step, lo + 2 step), … for a program that takes lo and hi.
    #[arg(long, value_name = "LO..HI:STEP")]
    pub range: Option<Range>,
    /// Field or column that names the units; else they are named after their arguments.
    #[arg(long, value_name = "NAME", requires = "args")]
    pub id_field: Option<String>,
}

/// How a `.cairo` file is compiled.
#[derive(Debug, Clone, Args)]
pub struct Compilation {
    /// Core library for Cairo 2 source: corelib/src of the Cairo repository [else $CAIRO_CORELIB, those added with `uploader corelib`, Scarb's].
    #[arg(long, value_name = "DIR")]
    pub corelib: Option<PathBuf>,
    /// Which executable, if a Scarb package has several, or which function, if a Cairo 2 source has.
    #[arg(long, value_name = "NAME")]
    pub executable: Option<String>,
}

/// Options of `push`.
#[derive(Debug, Args)]
pub struct Push {
    /// Cairo 0 source or compiled program, Cairo 2 source or executable, or the folder of a Scarb package.
    pub program: PathBuf,
    /// Name of the project [default: the program's file name; of a package, the executable's].
    #[arg(long, value_name = "NAME")]
    pub project: Option<ProjectName>,
    /// Where argument sets come from.
    #[command(flatten)]
    pub arguments: Arguments,
    /// A run of the program that was made elsewhere: a Cairo PIE, an air private input (which names trace and memory), or a folder of these files. It is checked, and sent for others to prove.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["args", "range", "id_field"])]
    pub run: Option<PathBuf>,
    /// How source is compiled.
    #[command(flatten)]
    pub compilation: Compilation,
    /// What the project is for, for those who give their computing time.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub description: String,
    /// Security of the proofs: bench-96, default-100, compact or proven-100.
    #[arg(long, value_name = "PRESET", default_value_t = Preset::Default100)]
    pub preset: Preset,
    /// What a byte of a proof is worth, in nanoseconds of a donor's time: more make proofs smaller, and slower to make [default: the donor's, 500].
    #[arg(long, value_name = "NS", value_parser = clap::value_parser!(u32).range(..=i64::from(protocol::MAX_BYTE_PRICE)))]
    pub byte_price: Option<u32>,
    /// Most steps of a unit.
    #[arg(long, value_name = "N", default_value_t = protocol::UnitLimits::default().max_steps)]
    pub max_steps: u64,
    /// Most memory cells of a unit, 32 bytes each.
    #[arg(long, value_name = "N", default_value_t = protocol::UnitLimits::default().max_memory_cells)]
    pub max_memory_cells: u64,
    /// Most seconds that a unit may run.
    #[arg(long, value_name = "SECONDS", default_value_t = protocol::UnitLimits::default().time_limit)]
    pub time_limit: u64,
    /// Share of the donors that serve all projects, 1 to 1000.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub weight: u32,
    /// Which proofs the distributor keeps: all, until-collected (until-collected+DAYS: so many days longer), or sample:FRACTION of those that were collected, drawn by the manifest's root. Results stay, and can be proven again.
    #[arg(long, value_name = "RULE", default_value_t)]
    pub keep_proofs: KeepProofs,
    /// Units that are run here first; the others' steps are estimated from them.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    pub trial: u32,
    /// Compile, read the arguments, run the trial, and send nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// Options of `status`.
#[derive(Debug, Args)]
pub struct Status {
    /// The project; all of the distributor's if not given, but for those that were withdrawn.
    pub project: Option<ProjectName>,
    /// Show those that were withdrawn, too.
    #[arg(long, conflicts_with = "project")]
    pub all: bool,
    /// Look again every so many seconds until no unit is open, with the rate and the time that is left.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "5", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub watch: Option<u64>,
    /// Form of the output.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Options of `list`.
#[derive(Debug, Args)]
pub struct List {
    /// The project.
    pub project: ProjectName,
    /// Only units in this state: queued, leased, executed, proved, collected, failed or withdrawn.
    #[arg(long, value_name = "STATE", value_parser = unit_state)]
    pub in_state: Option<UnitState>,
    /// Only units of which donors reported failures that are not settled.
    #[arg(long)]
    pub suspect: bool,
    /// Form of the output.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// How rows become one value.
#[derive(Debug, Clone, Args)]
pub struct Aggregation {
    /// Aggregate a column of the outputs.
    #[arg(long, value_enum, value_name = "OPERATION")]
    pub aggregate: Option<Operation>,
    /// Which column of the output, counted from 0: N, or output_N as it is headed. (The output of a Cairo 0 program begins with its arguments.)
    #[arg(long, value_name = "N", value_parser = column, requires = "aggregate", required_if_eq_any = [("aggregate", "sum"), ("aggregate", "min"), ("aggregate", "max"), ("aggregate", "concat")])]
    pub column: Option<usize>,
    /// Show the aggregate and no rows.
    #[arg(long, requires = "aggregate")]
    pub only_aggregate: bool,
    /// Feed the rows as JSON lines to a program, whose output takes their place.
    #[arg(long, value_name = "PROGRAM", conflicts_with = "aggregate")]
    pub exec: Option<PathBuf>,
    /// Read values above p/2 as negative numbers.
    #[arg(long)]
    pub signed: bool,
    /// Form of the output.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Options of `collect`.
#[derive(Debug, Args)]
pub struct Collect {
    /// The project.
    pub project: ProjectName,
    /// Fetch every proof, verify it here, and keep proofs and manifest.
    #[arg(long)]
    pub verify: bool,
    /// Folder of verified results, where a collection goes on [default: PROJECT-results].
    #[arg(long, value_name = "DIR", requires = "verify")]
    pub out: Option<PathBuf>,
    /// Wait until every unit has a result or failed for good.
    #[arg(long)]
    pub wait: bool,
    /// Show what is there although some units have no result; else nothing is shown then.
    #[arg(long)]
    pub partial: bool,
    /// The program, if the project was pushed from elsewhere.
    #[arg(long, value_name = "FILE")]
    pub program: Option<PathBuf>,
    /// Where argument sets come from.
    #[command(flatten)]
    pub arguments: Arguments,
    /// How source is compiled.
    #[command(flatten)]
    pub compilation: Compilation,
    /// Least bits of conjectured security, if more than the preset's that was pushed.
    #[arg(long, value_name = "BITS")]
    pub min_bits: Option<f64>,
    /// Threads that verify [default: all].
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// How rows become one value.
    #[command(flatten)]
    pub aggregation: Aggregation,
}

/// Options of `verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// The manifest, or the folder that it lies in.
    pub manifest: PathBuf,
    /// The program that the results are said to be of: source or compiled.
    #[arg(long, value_name = "FILE")]
    pub program: PathBuf,
    /// How source is compiled.
    #[command(flatten)]
    pub compilation: Compilation,
    /// Folder of the proofs [default: proofs, beside the manifest].
    #[arg(long, value_name = "DIR")]
    pub proofs: Option<PathBuf>,
    /// The Merkle root that was published.
    #[arg(long, value_name = "DIGEST")]
    pub root: Option<Digest>,
    /// Least bits of conjectured security.
    #[arg(long, value_name = "BITS", default_value_t = 96.0)]
    pub min_bits: f64,
    /// Aggregate the rows, or feed them to a program, although some units have none.
    #[arg(long)]
    pub partial: bool,
    /// Threads that verify [default: all].
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// How rows become one value.
    #[command(flatten)]
    pub aggregation: Aggregation,
}

/// Options of `retry`.
#[derive(Debug, Args)]
pub struct Retry {
    /// The project.
    pub project: ProjectName,
    /// The units; all failed ones if none is given.
    pub units: Vec<ExternalId>,
}

/// Options of `prove-again`.
#[derive(Debug, Args)]
pub struct ProveAgain {
    /// The project.
    pub project: ProjectName,
    /// The units.
    #[arg(required = true)]
    pub units: Vec<ExternalId>,
}

/// Options of `withdraw`.
#[derive(Debug, Args)]
pub struct Withdraw {
    /// The project.
    pub project: ProjectName,
    /// The units.
    #[arg(required_unless_present = "all")]
    pub units: Vec<ExternalId>,
    /// The whole project, with all units that are not proved.
    #[arg(long, conflicts_with = "units")]
    pub all: bool,
}

/// Options of `delete`.
#[derive(Debug, Args)]
pub struct Delete {
    /// The project.
    pub project: ProjectName,
    /// Also while donors hold leases of its units, or results were not collected.
    #[arg(long)]
    pub force: bool,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

/// Options of `history`.
#[derive(Debug, Args)]
pub struct History {
    /// The project.
    pub project: ProjectName,
    /// The units; if none is given, all that failed or were tried more than once.
    pub units: Vec<ExternalId>,
    /// Form of the output.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Keep an access key for a distributor. Without one on the command line it is read from standard input.
    Add {
        /// The key, `cairn_…`.
        key: Option<String>,
    },
    /// Show which distributors have a key, and the public key that signs programs.
    Show,
    /// Forget the access key for a distributor.
    Remove,
}

/// What to do with core libraries.
#[derive(Debug, Subcommand)]
pub enum Corelib {
    /// Remember one for all later pushes.
    Add {
        /// corelib of the Cairo repository, or its folder src.
        folder: PathBuf,
    },
    /// Show those that are remembered.
    List,
    /// Forget one.
    Remove {
        /// Its folder.
        folder: PathBuf,
    },
}

fn column(text: &str) -> Result<usize, String> {
    let number = text.strip_prefix("output_").unwrap_or(text);
    number.parse().map_err(|_| "give a number from 0, or output_N as the column is headed".to_owned())
}

fn unit_state(text: &str) -> Result<UnitState, String> {
    let names = || UnitState::ALL.map(UnitState::name).join(", ");
    UnitState::ALL.into_iter().find(|state| state.name() == text).ok_or_else(|| format!("the states are: {}", names()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}

/// Options of `describe`. What is not given stays as it is; without any, what visitors are told is shown.
#[derive(Debug, Args)]
pub struct Describe {
    /// The project.
    pub project: ProjectName,
    /// Description in Markdown; - for standard input. HTML is shown as text, images are not.
    pub file: Option<PathBuf>,
    /// What it is good for: mathematics, physics, chemistry, biology, medicine, climate, computing, cryptography, economics, art or other.
    #[arg(long, value_name = "TOPIC")]
    pub cause: Option<Topic>,
    /// What of the results is drawn for everybody: histogram:OUTPUT or line:ARGUMENT:OUTPUT, numbers of columns from 0.
    #[arg(long, value_name = "PLOT")]
    pub plot: Option<Plot>,
    /// What the plot's output is called.
    #[arg(long, value_name = "TEXT", requires = "plot")]
    pub label: Option<String>,
    /// What the plot's argument is called.
    #[arg(long, value_name = "TEXT", requires = "plot")]
    pub argument_label: Option<String>,
    /// Draw nothing.
    #[arg(long, conflicts_with = "plot")]
    pub no_plot: bool,
    /// How to cite the project.
    #[arg(long, value_name = "TEXT")]
    pub cite: Option<String>,
    /// Let anybody see each result and fetch its proof.
    #[arg(long, conflicts_with = "close_results")]
    pub open_results: bool,
    /// Keep results and proofs for the owner's keys.
    #[arg(long)]
    pub close_results: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

impl Describe {
    /// Whether anything is to be changed.
    pub const fn changes(&self) -> bool {
        self.file.is_some()
            || self.cause.is_some()
            || self.plot.is_some()
            || self.no_plot
            || self.cite.is_some()
            || self.open_results
            || self.close_results
    }
}
