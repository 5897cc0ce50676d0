//! `uploader collect`.

use super::rows::{show_rows, use_threads};
use super::{Context, source};
use crate::cli;
use crate::collect::{Missing, Session, Settings, find_missing};
use crate::error::Error;
use crate::forecast::Forecast;
use crate::journal::{About, Journal};
use crate::local::{Record, RecordedUnit};
use crate::manifest::Manifest;
use crate::row::Row;
use crate::show::number::{counted, grouped};
use crate::units;
use cairo_runner::RunnableProgram;
use protocol::client::UploaderClient;
use protocol::text::{MAX_SHOWN, printable};
use protocol::{Digest, ExternalId, Failure, KeepProofs, program_hash};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// First and longest pause between looks for new results with `--wait`.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// First and longest pause with `--wait` while the distributor cannot be asked.
const BROKEN: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(300));

/// Missing units that are named.
const SHOWN: usize = 5;

pub(super) async fn run(context: &Context, options: cli::Collect) -> Result<(), Error> {
    use_threads(options.jobs)?;
    let client = context.client()?;
    let settings = settings(context, &client, &options).await?;
    let journal = match options.verify {
        true => Some(open_journal(&options, &settings)?),
        false => None,
    };
    let before = journal.as_ref().map_or(0, |journal| journal.rows().len());
    let mut session = Session::new(&client, settings, journal, context.printer)?;
    let keep = session.check_project().await?.spec.keep_proofs;
    let missing = gather(context, &mut session, &options).await?;
    finish(context, &mut session, &options, Start { before, keep }, &missing).await
}

/// What was known before the first look.
#[derive(Clone, Copy)]
struct Start {
    /// Verified rows.
    before: usize,
    /// Which proofs the distributor keeps.
    keep: KeepProofs,
}

/// Own record, own program, own policy; from options if the project was pushed from elsewhere.
async fn settings(context: &Context, client: &UploaderClient, options: &cli::Collect) -> Result<Settings, Error> {
    let distributor = context.distributor()?;
    let stored = Record::load(&context.state, &distributor, &options.project)?;
    let (record, program) = match (&options.program, stored) {
        (None, Some((record, program))) => {
            (record, RunnableProgram::from_json(&program).map_err(|error| Error::Fault(error.to_string()))?)
        }
        (None, None) => return Err(Error::NoRecord { project: options.project.clone(), distributor }),
        (Some(path), stored) => {
            let compiled = context.compile(path, &options.compilation)?;
            let units =
                units::read(&source(&options.arguments), options.arguments.id_field.as_deref(), &compiled.program)?;
            let spec = client.project(&options.project).await?.spec;
            let record = Record {
                distributor,
                project: options.project.clone(),
                program: Digest::of(&compiled.bytes),
                program_hash: program_hash(compiled.program.program()),
                // What was demanded is known only where it was pushed; --min-bits raises it.
                preset: stored.as_ref().map_or(spec.preset, |(record, _)| record.preset),
                max_steps: stored.as_ref().map_or(spec.limits.max_steps, |(record, _)| record.max_steps),
                pushed_at: protocol::Timestamp::now(),
                units: units.into_iter().map(|unit| RecordedUnit { id: unit.id, arguments: unit.arguments }).collect(),
                unsent: Default::default(),
            };
            (record, compiled.program)
        }
    };
    let mut policy = protocol::policy(record.preset, record.max_steps);
    // The manifest names the preset, so that less than the preset's security is never taken.
    policy.min_conjectured_bits = policy.min_conjectured_bits.max(options.min_bits.unwrap_or(0.0));
    let names = program.argument_names().unwrap_or_default().to_vec();
    Ok(Settings { record, program: program.program().clone(), names, policy })
}

fn open_journal(options: &cli::Collect, settings: &Settings) -> Result<Journal, Error> {
    let record = &settings.record;
    let folder = options.out.clone().unwrap_or_else(|| PathBuf::from(format!("{}-results", record.project)));
    let about = About {
        distributor: record.distributor.clone(),
        project: record.project.clone(),
        program_hash: record.program_hash,
    };
    Ok(Journal::open(&folder, &about)?)
}

/// Takes in what is there; with `--wait` until nothing more can come.
async fn gather(context: &Context, session: &mut Session<'_>, options: &cli::Collect) -> Result<Vec<Missing>, Error> {
    let ((mut pause, longest), mut broken) = (PAUSES, BROKEN.0);
    let mut forecast = Forecast::default();
    loop {
        let before = session.len();
        match look(session, options).await {
            Ok(Some(missing)) => return Ok(missing),
            Ok(None) => {
                broken = BROKEN.0;
                let (done, all) = (session.len() as u64, session.settings().record.units.len() as u64);
                forecast.note(Instant::now(), done);
                context.printer.progress(forecast.words(done, all, all.saturating_sub(done)));
            }
            // It was reached at the start, so whatever is in between passes.
            Err(error) if options.wait && error.is_temporary() => {
                context.printer.again(&error, broken);
                tokio::time::sleep(broken).await;
                broken = (broken * 2).min(BROKEN.1);
                continue;
            }
            Err(error) => return Err(error),
        }
        pause = if session.len() > before { PAUSES.0 } else { (pause * 2).min(longest) };
        tokio::time::sleep(pause).await;
    }
}

/// One look. Gives what is missing once there is nothing to wait for.
async fn look(session: &mut Session<'_>, options: &cli::Collect) -> Result<Option<Vec<Missing>>, Error> {
    session.advance().await?;
    if options.wait && session.refused().is_empty() && session.may_wait().await? {
        return Ok(None);
    }
    let missing = find_missing(session).await?;
    let waits = options.wait && session.refused().is_empty() && missing.iter().any(Missing::is_open);
    Ok((!waits).then_some(missing))
}

async fn finish(
    context: &Context,
    session: &mut Session<'_>,
    options: &cli::Collect,
    start: Start,
    missing: &[Missing],
) -> Result<(), Error> {
    let rows = session.rows();
    let pushed = session.settings().record.units.len();
    say_what_came(context, session, rows.len(), start.before);
    say_missing(context, missing);
    // First what is kept: whoever reads the rows may stop reading.
    let root = write_manifest(context, session, &rows, start.keep)?;
    if !session.refused().is_empty() {
        return Err(Error::Refused { refused: session.refused().to_vec() });
    }
    mark(context, session, root).await;
    // A script takes what is on standard output for the result.
    if rows.len() < pushed && !options.partial {
        return Err(Error::Incomplete { missing: pushed - rows.len(), pushed });
    }
    show_rows(&rows, &session.settings().names, &options.aggregation, context.printer)
}

fn say_what_came(context: &Context, session: &Session<'_>, rows: usize, before: usize) {
    let pushed = session.settings().record.units.len() as u64;
    if session.journal().is_some() {
        let (rows, new) = (grouped(rows as u64), grouped(rows.saturating_sub(before) as u64));
        context.printer.note(format_args!("{rows} of {} units are verified, {new} of them now.", grouped(pushed)));
    } else {
        context.printer.warn(format_args!(
            "{} of {} units have a result, as the distributor says; --verify checks the proofs",
            grouped(rows as u64),
            grouped(pushed)
        ));
    }
}

fn say_missing(context: &Context, missing: &[Missing]) {
    let mut by_reason: BTreeMap<String, Vec<&ExternalId>> = BTreeMap::new();
    for one in missing {
        by_reason.entry(reason(one)).or_default().push(&one.unit);
    }
    for (reason, units) in by_reason {
        let named: Vec<String> = units.iter().take(SHOWN).map(ToString::to_string).collect();
        let more = if units.len() > SHOWN { ", …" } else { "" };
        let are = if units.len() == 1 { "is" } else { "are" };
        context.printer.warn(format_args!(
            "{} {are} missing, {reason}: {}{more}",
            counted(units.len() as u64, "unit"),
            named.join("; ")
        ));
    }
}

/// Why there is no result.
fn reason(missing: &Missing) -> String {
    match (&missing.state, &missing.failure) {
        (Some(state), Some(Failure { cause, donors, detail, .. })) => {
            format!("{state} ({cause} on {}: {})", counted((*donors).into(), "donor"), printable(detail, MAX_SHOWN))
        }
        (Some(state), None) => state.to_string(),
        (None, _) => "not sent because the push was cut off (push again)".to_owned(),
    }
}

/// Gives its root.
fn write_manifest(
    context: &Context,
    session: &Session<'_>,
    rows: &[Row],
    keep: KeepProofs,
) -> Result<Option<Digest>, Error> {
    let Some(journal) = session.journal().filter(|_| !rows.is_empty()) else { return Ok(None) };
    let record = &session.settings().record;
    let (project, pushed) = (record.project.clone(), record.units.len() as u64);
    let batches = journal.batches().cloned();
    let manifest = Manifest::new(project, record.program_hash, record.preset, pushed, keep, rows, batches);
    let path = journal.write_manifest(&manifest)?;
    context.printer.note(format_args!("Manifest: {} (Merkle root {}).", path.display(), manifest.root));
    Ok(Some(manifest.root))
}

/// Tells the distributor what was collected; that it does not listen is no reason to fail.
async fn mark(context: &Context, session: &Session<'_>, root: Option<Digest>) {
    let Some(journal) = session.journal().filter(|journal| journal.cursor() > 0) else { return };
    let project = &session.settings().record.project;
    if let Err(error) = session.client().mark_collected(project, journal.cursor(), root).await {
        context.printer.warn(format_args!("the distributor does not note that the results were collected: {error}"));
    }
}
