//! `uploader corelib`.

use super::Context;
use crate::cli;
use crate::compile::Corelib;
use crate::error::Error;
use crate::local::Corelibs;
use crate::show::{Column, Format, Sheet, Value};
use std::path::Path;

pub(super) fn run(context: &Context, options: &cli::Corelib) -> Result<(), Error> {
    match options {
        cli::Corelib::Add { folder } => add(context, folder),
        cli::Corelib::List => list(context),
        cli::Corelib::Remove { folder } => remove(context, folder),
    }
}

fn add(context: &Context, folder: &Path) -> Result<(), Error> {
    let corelib = Corelib::fitting(folder)?;
    // It is found from any folder.
    let folder = corelib
        .folder
        .canonicalize()
        .map_err(|error| Error::Fault(format!("cannot read {}: {error}", corelib.folder.display())))?;
    let mut corelibs = Corelibs::load(&context.state)?;
    let again = if corelibs.insert(folder.clone()) { "" } else { " already" };
    corelibs.save(&context.state)?;
    let version = match corelib.fits() {
        Some(_) => format!(" of version {}", corelib.version()),
        None => ", which does not say its version,".to_owned(),
    };
    context.printer.note(format_args!("The core library{version} in {} is remembered{again}.", folder.display()));
    Ok(())
}

fn list(context: &Context) -> Result<(), Error> {
    let corelibs = Corelibs::load(&context.state)?;
    let mut sheet = Sheet::new([Column::text("folder"), Column::text("version"), Column::text("used")]);
    for folder in corelibs.folders() {
        let (version, used) = match Corelib::find(folder) {
            Ok(corelib) => {
                (corelib.version(), if corelib.fits() == Some(false) { "no: another version" } else { "yes" })
            }
            Err(_) => ("?".to_owned(), "no: it is gone"),
        };
        sheet.push(vec![Value::text(folder.display()), Value::text(version), Value::text(used)]);
    }
    if sheet.is_empty() {
        context.printer.note("No core library is remembered; add one with `uploader corelib add FOLDER`.");
        return Ok(());
    }
    Ok(Format::default().print(&sheet)?)
}

fn remove(context: &Context, folder: &Path) -> Result<(), Error> {
    let mut corelibs = Corelibs::load(&context.state)?;
    let found = Corelib::find(folder).ok().and_then(|corelib| corelib.folder.canonicalize().ok());
    // One that is gone is removed by the name under which it is listed.
    let removed = found.is_some_and(|folder| corelibs.remove(&folder)) || corelibs.remove(folder);
    if !removed {
        let text = format!(
            "the core library in {} was not remembered; `uploader corelib list` lists those that are",
            folder.display()
        );
        return Err(Error::Fault(text));
    }
    corelibs.save(&context.state)?;
    context.printer.note(format_args!("The core library in {} is forgotten; its files stay.", folder.display()));
    Ok(())
}
