//! `uploader key`.

use super::Context;
use crate::cli;
use crate::error::Error;
use crate::local::Keys;
use crate::show::{Column, Format, Sheet, Value};
use protocol::ApiKey;
use protocol::signing::Identity;
use std::io::{BufRead as _, IsTerminal as _};

pub(super) fn run(context: &Context, options: &cli::Key) -> Result<(), Error> {
    match options {
        cli::Key::Add { key } => add(context, key.as_deref()),
        cli::Key::Show => show(context),
        cli::Key::Remove => remove(context),
    }
}

fn add(context: &Context, given: Option<&str>) -> Result<(), Error> {
    let distributor = match &context.global.distributor {
        Some(_) => context.distributor()?,
        None => return Err(Error::Usage("for which distributor is the key? Give --distributor ADDRESS".to_owned())),
    };
    let text = match given.filter(|text| *text != "-") {
        Some(text) => text.to_owned(),
        None => {
            if std::io::stdin().is_terminal() {
                context.printer.note("Paste the access key:");
            }
            let mut line = String::new();
            std::io::stdin()
                .lock()
                .read_line(&mut line)
                .map_err(|error| Error::Fault(format!("standard input: {error}")))?;
            line
        }
    };
    let key: ApiKey = text.trim().parse().map_err(|error| Error::Fault(format!("{error}")))?;
    let id = key.id();
    let mut keys = Keys::load(&context.state)?;
    let old = keys.insert(&distributor, key).filter(|old| *old != id);
    keys.save(&context.state)?;
    let instead = old.map(|old| format!(" instead of {old}")).unwrap_or_default();
    context.printer.note(format_args!("The key {id} is kept for {distributor}{instead}."));
    Ok(())
}

fn show(context: &Context) -> Result<(), Error> {
    let signer = Identity::load_or_create(&context.state.signing_key()).map_err(crate::local::StateError::from)?;
    context.printer.note(format_args!("Programs are signed with the key {}.", signer.signer_key()));
    let keys = Keys::load(&context.state)?;
    let mut sheet = Sheet::new([Column::text("distributor"), Column::text("key")]);
    for (distributor, id) in keys.list() {
        sheet.push(vec![Value::text(distributor), Value::text(id)]);
    }
    if sheet.is_empty() {
        context.printer.note("There is no access key; add one with `uploader key add --distributor ADDRESS`.");
        return Ok(());
    }
    Ok(Format::default().print(&sheet)?)
}

fn remove(context: &Context) -> Result<(), Error> {
    let distributor = context.distributor()?;
    let mut keys = Keys::load(&context.state)?;
    let Some(id) = keys.remove(&distributor) else {
        return Err(Error::Fault(format!(
            "there is no access key for {distributor}; `uploader key show` lists those there are"
        )));
    };
    keys.save(&context.state)?;
    context.printer.note(format_args!(
        "The key {id} for {distributor} is forgotten here. It stays valid until the operator revokes it."
    ));
    Ok(())
}
