//! `donor status`.

use super::output::print_on;
use super::{open, sandbox, settings};
use crate::child::sandbox::Report as Sandbox;
use crate::cli::StatusArgs;
use crate::exit::{Exit, Failure};
use crate::progress::summary::summary;
use crate::progress::words;
use crate::session::bounds::Bounds;
use crate::state::control::{self, RuleStatus, Status};
use crate::state::ledger::{self, Speed, Totals};
use crate::state::{Folder, outbox};
use protocol::text::{self, MAX_SHOWN, printable};
use protocol::wrap::wrap;
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// What `donor status --json` prints.
#[derive(Debug, Serialize)]
struct Report {
    donor: String,
    state_folder: String,
    running: bool,
    now: Option<Status>,
    outbox: usize,
    unfinished: usize,
    totals: Totals,
    speed: Speed,
    sandbox: Sandbox,
    #[serde(skip)]
    verbose: bool,
}

/// What clears a terminal, from its upper left corner.
const CLEAR: &str = "\x1b[H\x1b[2J\x1b[3J";

/// Where what is said begins on each line, behind what it is about.
const INDENT: usize = 11;

/// Shows what the running donor does, and what was done so far; again and again if asked for.
///
/// # Errors
/// If the state folder cannot be read.
pub fn status(arguments: &StatusArgs) -> Result<Exit, Failure> {
    let folder = open(&arguments.state)?;
    // A broken settings file is worth knowing about here.
    settings(&folder)?;
    // It stays what it is.
    let sandbox = sandbox()?;
    let mut first = true;
    loop {
        let report = report(&folder, sandbox.clone(), arguments.verbose)?;
        let is_read = show(&report, arguments, first)?;
        let Some(seconds) = arguments.watch.filter(|_| report.running && is_read) else { return Ok(Exit::Done) };
        first = false;
        std::thread::sleep(Duration::from_secs(seconds));
    }
}

/// Whether somebody still reads it.
fn show(report: &Report, arguments: &StatusArgs, first: bool) -> Result<bool, Failure> {
    if arguments.json {
        // Of several, each has a line.
        let json = match arguments.watch {
            Some(_) => serde_json::to_string(report),
            None => serde_json::to_string_pretty(report),
        };
        return print_on(format_args!("{}\n", text::json(&json.map_err(Failure::fault)?)));
    }
    let width = terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0));
    match (width, arguments.watch) {
        (Some(width), Some(_)) => print_on(format_args!("{CLEAR}{}", wrap(&report.to_string(), width, INDENT))),
        (Some(width), None) => print_on(wrap(&report.to_string(), width, INDENT)),
        (None, _) if first => print_on(report),
        (None, _) => print_on(format_args!("\n{report}")),
    }
}

fn report(folder: &Folder, sandbox: Sandbox, verbose: bool) -> Result<Report, Failure> {
    let running = folder.running();
    // A status of an earlier donor says nothing about this one.
    let now = control::read_status(folder)
        .filter(|status| running.is_some_and(|pid| pid.is_none_or(|pid| pid == status.pid)));
    let unfinished = std::fs::read_dir(folder.path("leases")).map_or(0, |files| {
        files.flatten().filter(|file| file.path().extension().is_some_and(|extension| extension == "json")).count()
    });
    Ok(Report {
        donor: folder.identity()?.donor_key().to_string(),
        state_folder: folder.root().display().to_string(),
        running: running.is_some(),
        now,
        outbox: outbox::waiting(folder),
        unfinished,
        totals: ledger::totals(folder),
        speed: ledger::speed(folder),
        sandbox,
        verbose,
    })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self;
        writeln!(f, "donor      {}", report.donor)?;
        writeln!(f, "state      {}", report.state_folder)?;
        match &report.now {
            Some(status) => {
                let project = status.project.as_deref().unwrap_or("all projects");
                writeln!(f, "running    process {}, for {}", status.pid, printable(project, MAX_SHOWN))?;
                writeln!(f, "server     {}", printable(&status.server, MAX_SHOWN))?;
                writeln!(f, "now        {}", printable(&summary(status, report.verbose), MAX_SHOWN))?;
                let Bounds { max_unit_time, max_unit_steps } = status.bounds;
                let time = words::duration(Duration::from_secs(max_unit_time));
                let steps = max_unit_steps.map_or_else(
                    || "as many steps as fit its memory".to_owned(),
                    |steps| format!("{} steps", words::count(steps)),
                );
                writeln!(f, "a unit     at most {time} of processor time, {steps}")?;
                print_rate(status, f)?;
                print_limits(status, f)?;
            }
            None if report.running => writeln!(f, "running    it has just started")?,
            None => writeln!(f, "running    no; start it with `donor run`")?,
        }
        let plural = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        writeln!(f, "outbox     {} to be delivered", plural(report.outbox, "result"))?;
        let ahead = report.now.as_ref().map_or(0, |status| status.ahead);
        let ahead = if ahead > 0 { format!(", {ahead} of them fetched ahead") } else { String::new() };
        writeln!(f, "unfinished {}{ahead}", plural(report.unfinished, "unit"))?;
        let Totals { proofs, steps, executions, late, refused, failed } = report.totals;
        writeln!(
            f,
            "so far     {proofs} proofs accepted ({} steps), {executions} executions accepted",
            words::count(steps)
        )?;
        if late > 0 || refused > 0 || failed > 0 {
            writeln!(f, "           {late} came too late, {refused} refused, {failed} units failed")?;
        }
        match report.speed.steps_per_second(1.0) {
            0 => writeln!(f, "speed      not measured yet; `donor bench` does")?,
            speed => writeln!(f, "speed      {} steps a second and core", words::count(speed))?,
        }
        writeln!(f, "sandbox    {}", report.sandbox)?;
        for missing in &report.sandbox.missing {
            writeln!(f, "           {missing}")?;
        }
        Ok(())
    }
}

/// How much the running donor did so far.
fn print_rate(status: &Status, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (finished, time) = (status.finished, Duration::from_secs(status.running_for));
    if finished == 0 || time.is_zero() {
        return Ok(());
    }
    let results = if finished == 1 { "1 result".to_owned() } else { format!("{finished} results") };
    write!(f, "finished   {results} in {}", words::duration(time))?;
    // Of a few minutes nothing follows for an hour.
    if time >= Duration::from_secs(600) && finished > 1 {
        write!(f, ", {:.1} an hour", finished as f64 * 3600.0 / time.as_secs_f64())?;
    }
    writeln!(f)
}

/// What limits the running donor now.
fn print_limits(status: &Status, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if let Some(RuleStatus { rule, cap, until }) = &status.rule {
        let now = if *cap > 0.0 { format!("{cap} %") } else { "paused".to_owned() };
        let until = until.as_ref().map_or_else(String::new, |until| format!(" until {until}"));
        let rule = rule.as_ref().map_or_else(|| "no rule fits".to_owned(), |rule| format!("`{rule}`"));
        writeln!(f, "schedule   {now}{until} ({rule})")?;
    }
    for seen in &status.watched {
        writeln!(f, "{:<10} {}", seen.label, printable(&seen.text, MAX_SHOWN))?;
    }
    let (today, month) = status.network_used;
    if today + month > 0 {
        writeln!(f, "network    {} today, {} this month", words::bytes(today), words::bytes(month))?;
    }
    if let Some(closed) = &status.network_closed {
        writeln!(f, "           no transfers now: {closed}")?;
    }
    status.unseen.iter().try_for_each(|message| writeln!(f, "unseen     {message}"))
}
