//! `uploader push`.

mod work;

use super::Context;
use crate::cli;
use crate::compile::Compiled;
use crate::error::Error;
use crate::local::{Record, RecordedUnit, StateError};
use crate::show::number::{Reading, counted, grouped, integer};
use crate::units::UnitToPush;
use felt::encoding;
use num_bigint::Sign;
use protocol::client::{ClientError, UnitQuery, UploaderClient};
use protocol::signing::Identity;
use protocol::text::printable;
use protocol::{
    Cause, Digest, MAX_BATCH, NewUnit, NewUnits, ProjectName, ProjectSpec, Signature, Timestamp, UnitId, UnitLimits,
    UnitsStored, encode_program, program_hash,
};
use std::path::Path;
use work::{Brought, Work};

/// Most arguments of one request, all units together: some megabytes.
const MAX_BATCH_VALUES: usize = 1 << 16;

pub(super) async fn run(context: &Context, options: cli::Push) -> Result<(), Error> {
    let printer = context.printer;
    // What costs nothing comes first, and the network after all that needs none: a mistake shall be told before minutes of work.
    let client = if options.dry_run { None } else { Some(context.client()?) };
    let compiled = context.compile(&options.program, &options.compilation)?;
    let name = match (&options.project, &compiled.name) {
        (Some(name), _) => name.clone(),
        (None, Some(name)) => name_of(Path::new(name))?,
        (None, None) => name_of(&options.program)?,
    };
    for note in compiled.program.notes() {
        printer.note(format_args!("Note: {note}."));
    }
    let limits = UnitLimits {
        max_steps: options.max_steps,
        max_memory_cells: options.max_memory_cells,
        time_limit: options.time_limit,
    };
    let brought = Brought::read(context, &compiled, &options, &limits)?;
    if let Some(client) = &client {
        with_units(own_record(context, &context.distributor()?, &name, &compiled, &options)?, &brought.units)?;
        is_there(client, &name).await?;
    }
    let Work { units, estimates, execution } = brought.tried(context, &compiled, &options, &limits)?;
    say_negatives(context, &units);
    let Some(client) = client else {
        printer.note("Nothing was sent (--dry-run).");
        return Ok(());
    };

    let distributor = context.distributor()?;
    let lock = context.state.lock(&distributor, &name, || {
        printer.note(format_args!("Another push to {name} runs on this machine; this one waits for it."));
    })?;
    // Another push may have been recorded since.
    let mut record = with_units(own_record(context, &distributor, &name, &compiled, &options)?, &units)?;
    let sending = format!("Sending the program and {} to {distributor}", counted(units.len() as u64, "unit"));
    let busy = printer.begins(sending);
    let created = put_project(context, &client, &name, &compiled, &options, limits).await?;
    // From here on the distributor may have units, so the record must be there first.
    record.save(&context.state, &compiled.bytes)?;
    drop(busy);
    let outcome = put_units(context, &client, &mut record, &units, &estimates).await;
    if let Err(Error::Client(error)) = &outcome
        && error.is_refusal()
        && !error.is_temporary()
    {
        // The same push will never be taken, so it leaves nothing behind.
        record.forget_unsent();
    }
    if record.units.is_empty() {
        record.remove(&context.state)?;
    } else {
        record.save(&context.state, &compiled.bytes)?;
    }
    drop(lock);
    let Sent { new, ids } = outcome?;
    let project = if created { "The project is new" } else { "The project was there already" };
    printer.note(format_args!("{project}; {} of {} units are new.", grouped(new), grouped(units.len() as u64)));
    if let (Some(execution), Some(id)) = (&execution, ids.first()) {
        work::bring(context, &distributor, id, execution).await?;
    }
    printer.note(format_args!(
        "`uploader status {name}` shows how far it is, `uploader collect {name} --verify` fetches results."
    ));
    Ok(())
}

fn name_of(program: &Path) -> Result<ProjectName, Error> {
    let file = program.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let stem = [".cairo", ".executable.json", ".json"].iter().find_map(|end| file.strip_suffix(end)).unwrap_or(&file);
    stem.replace(['_', ' ', '.'], "-").parse().map_err(|error| {
        Error::Usage(format!("the program's file name gives no project name ({error}); give one with --project NAME"))
    })
}

/// Negative numbers are field elements just below p. Who expects them to be small is told once.
fn say_negatives(context: &Context, units: &[UnitToPush]) {
    let negative =
        |unit: &&UnitToPush| unit.arguments.0.iter().any(|felt| integer(felt, Reading::Signed).sign() == Sign::Minus);
    let count = units.iter().filter(negative).count();
    let Some(unit) = units.iter().find(negative) else { return };
    for felt in &unit.arguments.0 {
        let signed = integer(felt, Reading::Signed);
        if signed.sign() == Sign::Minus {
            context.printer.note(format_args!(
                "{} {} negative arguments, which count from the field's modulus p: {signed} of unit {} is sent as p - {} = {}.",
                counted(count as u64, "unit"),
                if count == 1 { "has" } else { "have" },
                unit.id,
                signed.magnitude(),
                encoding::to_hex(felt)
            ));
            return;
        }
    }
}

/// Whether somebody is there who takes the key. Whatever else speaks against the push is told when it is sent.
async fn is_there(client: &UploaderClient, name: &ProjectName) -> Result<(), Error> {
    let refuses = |error: &ClientError| {
        error.is_unreachable()
            || !error.is_refusal()
            || matches!(error.cause(), Some(Cause::MissingKey | Cause::BadKey | Cause::KeyRevoked))
    };
    match client.units(name, &UnitQuery::first(1)).await {
        // A unit with very many arguments.
        Err(ClientError::TooLarge { .. }) => Ok(()),
        Err(error) if refuses(&error) => Err(error.into()),
        _ => Ok(()),
    }
}

/// The record with the units that are to be pushed.
fn with_units(mut record: Record, units: &[UnitToPush]) -> Result<Record, Error> {
    let recorded = |unit: &UnitToPush| RecordedUnit { id: unit.id.clone(), arguments: unit.arguments.clone() };
    record.merge(units.iter().map(recorded).collect())?;
    Ok(record)
}

/// The record of earlier pushes, or a new one.
fn own_record(
    context: &Context,
    distributor: &str,
    name: &ProjectName,
    compiled: &Compiled,
    options: &cli::Push,
) -> Result<Record, Error> {
    let (units, unsent) = match Record::load(&context.state, distributor, name)? {
        Some((old, _)) if old.program_hash != program_hash(compiled.program.program()) => {
            return Err(Error::ProgramChanged { project: name.clone() });
        }
        Some((old, _)) => (old.units, old.unsent),
        None => Default::default(),
    };
    Ok(Record {
        distributor: distributor.to_owned(),
        project: name.clone(),
        program: Digest::of(&compiled.bytes),
        program_hash: program_hash(compiled.program.program()),
        preset: options.preset,
        max_steps: options.max_steps,
        pushed_at: Timestamp::now(),
        units,
        unsent,
    })
}

/// Sends program, record and settings. Gives whether the project is new.
async fn put_project(
    context: &Context,
    client: &UploaderClient,
    name: &ProjectName,
    compiled: &Compiled,
    options: &cli::Push,
    limits: UnitLimits,
) -> Result<bool, Error> {
    let signer = Identity::load_or_create(&context.state.signing_key()).map_err(StateError::from)?;
    let file = encode_program(compiled.program.program());
    let (program, record) = (Digest::of(&compiled.bytes), Digest::of(&file));
    let spec = ProjectSpec {
        program,
        record,
        program_hash: program_hash(compiled.program.program()),
        signer: signer.signer_key(),
        signature: Signature::from_bytes([0; 64]),
        limits,
        preset: options.preset,
        description: options.description.clone(),
        weight: options.weight,
        byte_price: options.byte_price,
        keep_proofs: options.keep_proofs,
    }
    .signed(name, &signer);
    spec.check().map_err(|error| Error::Usage(error.to_string()))?;
    client.put_program(compiled.bytes.clone().into(), None).await?;
    client.put_record(file.into()).await?;
    let stored = client.put_project(name, &spec).await?;
    if !stored.changed.is_empty() {
        context.printer.note(format_args!("Changed settings: {}.", printable(&stored.changed.join(", "), 300)));
    }
    Ok(stored.created)
}

/// Units that were taken in.
struct Sent {
    /// How many are new.
    new: u64,
    /// The distributor's names for them, in order.
    ids: Vec<UnitId>,
}

/// Sends the units in batches and notes in the record which were taken in.
async fn put_units(
    context: &Context,
    client: &UploaderClient,
    record: &mut Record,
    units: &[UnitToPush],
    estimates: &[u64],
) -> Result<Sent, Error> {
    let (mut new, mut sent, mut ids) = (0, 0, Vec::new());
    while let Some(rest) = units.get(sent..).filter(|rest| !rest.is_empty()) {
        let batch = batch_of(rest);
        let unit = |(unit, estimated_steps): (&UnitToPush, &u64)| NewUnit {
            external_id: unit.id.clone(),
            arguments: unit.arguments.clone(),
            estimated_steps: (*estimated_steps).max(1),
        };
        let estimates = estimates.get(sent..).unwrap_or_default();
        let body = NewUnits { units: batch.iter().zip(estimates).map(unit).collect() };
        let stored = client.add_units(&record.project, &body).await?;
        check_stored(batch, &stored)?;
        new += stored.units.iter().filter(|unit| unit.created).count() as u64;
        record.sent(batch.iter().map(|unit| &unit.id));
        ids.extend(stored.units.iter().map(|unit| unit.id));
        sent += batch.len();
        context.printer.progress(format_args!("{sent} of {} units sent", units.len()));
    }
    Ok(Sent { new, ids })
}

/// The answer must be about the units that were sent: what it does not name may not be there.
fn check_stored(batch: &[UnitToPush], stored: &UnitsStored) -> Result<(), Error> {
    let (sent, named) = (batch.len(), stored.units.len());
    if sent != named {
        return Err(Error::OtherUnits { what: format!("{sent} were sent, {named} are named") });
    }
    match batch.iter().zip(&stored.units).find(|(unit, stored)| unit.id != stored.external_id) {
        Some((unit, stored)) => {
            Err(Error::OtherUnits { what: format!("`{}` is named in place of `{}`", stored.external_id, unit.id) })
        }
        None => Ok(()),
    }
}

/// As many of the units as go into one request, at least one.
fn batch_of(units: &[UnitToPush]) -> &[UnitToPush] {
    let mut values = 0;
    let fits = |unit: &&UnitToPush| {
        values += unit.arguments.0.len();
        values <= MAX_BATCH_VALUES
    };
    let length = units.iter().take(MAX_BATCH).take_while(fits).count().max(1);
    units.get(..length).unwrap_or(units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_have_bounds() {
        let unit = |values: usize| UnitToPush {
            id: "u".parse().expect("an id"),
            arguments: protocol::Felts(vec![felt::Felt::from(1); values]),
            place: crate::units::Place { file: String::new(), line: 1, column: None },
        };
        let length = |units: Vec<UnitToPush>| batch_of(&units).len();
        assert_eq!(length((0..MAX_BATCH + 5).map(|_| unit(2)).collect()), MAX_BATCH);
        assert_eq!(length(vec![unit(MAX_BATCH_VALUES - 1), unit(1), unit(1)]), 2);
        assert_eq!(length(vec![unit(MAX_BATCH_VALUES + 1), unit(1)]), 1);
        assert_eq!(length(Vec::new()), 0);
    }

    #[test]
    fn names_of_projects() {
        let name = |path: &str| name_of(Path::new(path)).map(|name| name.to_string());
        assert_eq!(name("a/primes.cairo").expect("a name"), "primes");
        assert_eq!(name("N_Queens.executable.json").expect("a name"), "n-queens");
        assert_eq!(name("v1.2.json").expect("a name"), "v1-2");
        assert!(name("ünit.cairo").expect_err("no name").to_string().contains("--project NAME"));
    }
}
