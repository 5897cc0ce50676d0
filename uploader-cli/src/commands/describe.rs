//! `uploader describe`.

use super::Context;
use crate::cli;
use crate::error::Error;
use protocol::{MAX_ABOUT, Plot, PlotKind, ProjectPage, text};
use std::io::{Read as _, Write as _};
use std::path::Path;

/// Bytes of a description that are read: no character has more than four.
const MOST_BYTES: u64 = 4 * MAX_ABOUT as u64 + 4;

pub(super) async fn run(context: &Context, options: &cli::Describe) -> Result<(), Error> {
    // What is wrong with the options is found out before anybody is asked.
    let about = options.file.as_deref().map(read).transpose()?;
    let client = if options.changes() { context.client()? } else { context.public_client()? };
    let before = client.page(&options.project).await?;
    if !options.changes() {
        return show(options, &before);
    }
    let page = changed(before, options, about);
    page.check().map_err(|error| Error::Fault(format!("{}: {error}", options.project)))?;
    let page = client.put_page(&options.project, &page).await?;
    context.printer.note(format_args!(
        "Visitors of {}/projects/{} see it; results are {}.",
        context.distributor()?,
        options.project,
        if page.open_results { "open to everybody" } else { "for your keys only" }
    ));
    Ok(())
}

/// A description in a file, or on standard input for `-`.
fn read(path: &Path) -> Result<String, Error> {
    let fault = |reason: String| Error::Fault(format!("{}: {reason}", text::printable(&path.to_string_lossy(), 200)));
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().take(MOST_BYTES).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes))
    };
    read.map_err(|error| fault(error.to_string()))?;
    if bytes.len() as u64 == MOST_BYTES {
        return Err(fault(format!("a description has at most {MAX_ABOUT} characters")));
    }
    String::from_utf8(bytes).map_err(|_| fault("a description is text in UTF-8".to_owned()))
}

/// What is not said stays.
fn changed(mut page: ProjectPage, options: &cli::Describe, about: Option<String>) -> ProjectPage {
    if let Some(about) = about {
        page.about = about;
    }
    if options.cause.is_some() {
        page.cause = options.cause;
    }
    if let Some(cite) = &options.cite {
        page.cite.clone_from(cite);
    }
    if let Some(plot) = &options.plot {
        page.plot = Some(named(plot, options));
    } else if options.no_plot {
        page.plot = None;
    }
    page.open_results = (page.open_results || options.open_results) && !options.close_results;
    page
}

fn named(plot: &Plot, options: &cli::Describe) -> Plot {
    let label = |name: &Option<String>| name.clone().unwrap_or_default();
    let argument_label = if plot.kind == PlotKind::Line { label(&options.argument_label) } else { String::new() };
    Plot { label: label(&options.label), argument_label, ..plot.clone() }
}

fn show(options: &cli::Describe, page: &ProjectPage) -> Result<(), Error> {
    let json = serde_json::to_string_pretty(page).map_err(|error| Error::Internal(error.to_string()))?;
    let plain = || {
        let plot = page.plot.as_ref().map_or_else(|| "none".to_owned(), shown);
        let cause = page.cause.map_or("none", protocol::Topic::title);
        let open = if page.open_results { "open to everybody" } else { "for the owner's keys" };
        // The lines of both are the owner's; whatever else is in them only shows.
        let (cite, about) = (text::message(&page.cite), text::message(&page.about));
        format!("cause    {cause}\nplot     {plot}\nresults  {open}\ncite     {cite}\n\n{about}")
    };
    let shown = if options.json { text::json(&json) } else { plain() };
    writeln!(std::io::stdout(), "{}", shown.trim_end())?;
    Ok(())
}

fn shown(plot: &Plot) -> String {
    let label = |name: &str| if name.is_empty() { String::new() } else { format!(" ({})", text::printable(name, 200)) };
    match (plot.kind, plot.argument) {
        (PlotKind::Line, Some(argument)) => {
            format!("line:{argument}:{}{}{}", plot.output, label(&plot.argument_label), label(&plot.label))
        }
        _ => format!("histogram:{}{}", plot.output, label(&plot.label)),
    }
}
