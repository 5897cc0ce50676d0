//! The pages of owners who are signed in.

use super::frame::{Frame, Root};
use super::parts::head;
use super::words::{count, visible};
use crate::store::Card;
use maud::{Markup, html};
use protocol::{Failure, PlotKind, Project, ProjectPage, Topic, Unit};

/// Units of each kind on a page.
pub const UNITS: u32 = 50;

/// Projects on a page.
pub const PROJECTS: u32 = 200;

/// Most characters of a failure's detail.
const DETAIL: usize = 300;

/// The frame of an owner's page at this address.
pub fn frame<'a>(path: &str, title: &'a str) -> Frame<'a> {
    Frame { root: Root::of(path), title, section: "owner" }
}

/// The form to sign in. What went wrong before stands above it.
pub fn sign_in(action: &str, wrong: Option<&str>) -> Markup {
    html! {
        h1 { "Sign in as an owner" }
        @if let Some(wrong) = wrong { p.notice role="alert" { (wrong) } }
        form.stack method="post" action=(action) {
            label for="key" { "Access key" }
            input #key type="password" name="key" autocomplete="current-password" maxlength="200" required;
            button type="submit" { "Sign in" }
        }
        p.note {
            "It is the key of " code { "uploader key add" } ", which the operator gave you. It is sent once; a cookie for "
            "these pages alone stands for it until you sign out, an hour passes without a click, or the distributor "
            "starts anew."
        }
    }
}

/// What every form of a session has.
fn hidden(form_token: &str) -> Markup {
    html! { input type="hidden" name="form_token" value=(form_token); }
}

/// The projects that a key reaches.
pub fn projects(cards: &[Card], more: bool, form_token: &str) -> Markup {
    html! {
        h1 { "Your projects" }
        @if cards.is_empty() { p { "There is no project that this key reaches." } }
        @if !cards.is_empty() {
            div.scroll tabindex="0" role="region" aria-label="Your projects" {
                table {
                    (head(&["project"], &["open", "proved", "all"]))
                    tbody { @for card in cards { tr {
                        th scope="row" { a href=(format!("./owner/projects/{}", card.name)) { (card.name) } }
                        td.number { (count(card.open)) } td.number { (count(card.proved)) } td.number { (count(card.units)) }
                    } } }
                }
            }
        }
        @if more { p.note { "Only the first projects are listed; the address of each other one is owner/projects/NAME." } }
        form method="post" action="./owner/sign-out" { (hidden(form_token)) button type="submit" { "Sign out" } }
    }
}

/// What an owner sees of a project.
pub struct View<'a> {
    /// The project.
    pub project: &'a Project,
    /// What visitors are told.
    pub page: &'a ProjectPage,
    /// Units that failed, and those of which failures were reported.
    pub failed: &'a [Unit],
    /// The same of those that are still tried.
    pub suspect: &'a [Unit],
    /// What each form must bring.
    pub form_token: &'a str,
    /// Whether the key may change the page, and withdraw and retry units.
    pub may: (bool, bool),
}

/// The page of one project.
pub fn project(view: &View<'_>) -> Markup {
    let View { project, page, failed, suspect, form_token, may: (edit, change) } = view;
    let units = &project.units;
    html! {
        h1 { (project.name) }
        p { a href="../../owner" { "Your projects" } " · " a href=(format!("../../projects/{}", project.name)) { "What visitors see" } }
        (super::parts::figures(&[
            ("", "waiting", count(units.queued)),
            ("", "with donors", count(units.leased)),
            ("", "executed", count(units.executed)),
            ("", "proved", count(units.proved.saturating_add(units.collected))),
            ("", "failed", count(units.failed)),
            ("", "suspect", count(units.suspect)),
        ]))
        section aria-labelledby="failed" {
            h2 #failed { "Set aside after failures" }
            (troubled(failed, units.failed, *change, form_token))
        }
        section aria-labelledby="suspect" {
            h2 #suspect { "Reported, and still tried" }
            (troubled(suspect, units.suspect, *change, form_token))
        }
        @if *edit { section aria-labelledby="page" { h2 #page { "What visitors are told" } (form(page, form_token, project)) } }
    }
}

fn troubled(list: &[Unit], all: u64, change: bool, form_token: &str) -> Markup {
    if list.is_empty() {
        return html! { p { "None." } };
    }
    html! {
        @if (list.len() as u64) < all { p.note { "The first " (list.len()) " of " (count(all)) "." } }
        div.scroll tabindex="0" role="region" aria-label="Units with failures" {
            table {
                thead {
                    tr {
                        th scope="col" { "unit" } th scope="col" { "failure" } th.number scope="col" { "attempts" }
                        @if change { td {} }
                    }
                }
                tbody {
                    @for unit in list {
                        tr {
                            th scope="row" { bdi { (visible(unit.external_id.as_str(), 80)) } }
                            td { @if let Some(failure) = &unit.failure { (said(failure)) } }
                            td.number { (unit.attempts) }
                            @if change { td { @for (act, name) in [("retry", "Retry"), ("withdraw", "Withdraw")] {
                                form.inline method="post" action=(format!("../units/{}/{act}", unit.id)) {
                                    (hidden(form_token)) button type="submit" { (name) }
                                }
                            } } }
                        }
                    }
                }
            }
        }
    }
}

fn said(failure: &Failure) -> Markup {
    html! {
        strong { (failure.cause) } " on " (super::words::counted(failure.donors.into(), "donor", "donors"))
        @if !failure.detail.is_empty() { ": " bdi { (visible(&failure.detail, DETAIL)) } }
    }
}

fn form(page: &ProjectPage, form_token: &str, project: &Project) -> Markup {
    let plot = page.plot.as_ref();
    let written = plot.map_or_else(String::new, |plot| match (plot.kind, plot.argument) {
        (PlotKind::Line, Some(argument)) => format!("line:{argument}:{}", plot.output),
        _ => format!("histogram:{}", plot.output),
    });
    html! {
        form.stack method="post" action=(format!("./{}/page", project.name)) {
            (hidden(form_token))
            label for="about-text" { "Description, in Markdown" }
            // What begins with a line end would lose it.
            textarea #about-text name="about" rows="14" maxlength="20000" { "\n" (page.about) }
            label for="cause" { "What it is good for" }
            select #cause name="cause" {
                option value="" selected[page.cause.is_none()] { "not said" }
                @for topic in Topic::ALL { option value=(topic) selected[page.cause == Some(*topic)] { (topic.title()) } }
            }
            label for="plot" { "Plot: histogram:OUTPUT or line:ARGUMENT:OUTPUT, numbers of columns from 0; empty for none" }
            input #plot name="plot" value=(written) maxlength="40" autocomplete="off";
            label for="label" { "What the output is called" }
            input #label name="label" value=(plot.map_or("", |plot| plot.label.as_str())) maxlength="80" autocomplete="off";
            @let argument = plot.map_or("", |plot| plot.argument_label.as_str());
            label for="argument-label" { "What the argument is called" }
            input #argument-label name="argument_label" value=(argument) maxlength="80" autocomplete="off";
            label for="cite-text" { "How to cite" }
            textarea #cite-text name="cite" rows="4" maxlength="2000" { "\n" (page.cite) }
            p {
                input.check #open type="checkbox" name="open_results" value="yes" checked[page.open_results];
                " " label.beside for="open" { "Anybody may see each result and fetch its proof" }
            }
            button type="submit" { "Save" }
        }
    }
}
