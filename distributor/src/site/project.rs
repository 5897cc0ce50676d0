//! One project.

use super::forecast::Forecast;
use super::frame::{Frame, Root};
use super::front::over_time;
use super::parts::{donor, figures, progress, shares};
use super::words::{bytes, count, counted, date, duration, moment};
use super::{markdown, words};
use crate::store::ProofRow;
use maud::{Markup, html};
use protocol::{
    MAX_DESCRIPTION, Project, ProjectFigures, ProjectPage, ProjectState, Series, Span, Timestamp, UnitCounts,
};

/// Proofs and donors on the page.
pub const ROWS: u32 = 20;

/// What the page shows.
pub struct View<'a> {
    /// The project.
    pub project: &'a Project,
    /// What its owner says.
    pub page: &'a ProjectPage,
    /// What was credited, and to whom.
    pub figures: &'a ProjectFigures,
    /// What was proven by the day, and by the hour.
    pub series: [&'a Series; 2],
    /// When it will be finished.
    pub forecast: Forecast,
    /// The newest proofs.
    pub proofs: &'a [ProofRow],
    /// The results as a plot, if the owner wants one.
    pub plot: Option<Markup>,
    /// Whether this distributor has the page that verifies within a browser.
    pub web: bool,
    /// The time.
    pub now: Timestamp,
}

/// Its frame.
pub fn frame(project: &Project) -> Frame<'_> {
    Frame { root: Root::of("/projects/x"), title: project.name.as_str(), section: "projects" }
}

/// The page.
pub fn page(view: &View<'_>) -> Markup {
    let View { project, page, figures: sums, .. } = view;
    let root = Root::of("/projects/x");
    let units = &project.units;
    html! {
        h1 { (project.name) }
        @if let Some(topic) = page.cause { p.topic { (topic.title()) } }
        @if project.state != ProjectState::Active {
            p.notice { "Its owner has withdrawn this project: no more of it is computed, and its results stay." }
        }
        @if !project.spec.description.is_empty() { p.lead { bdi { (words::visible(&project.spec.description, MAX_DESCRIPTION)) } } }
        p.progress { (progress(units.proved.saturating_add(units.collected), units.total().saturating_sub(units.withdrawn))) }
        (forecast(view))
        (figures(&[
            ("", "steps proven", count(sums.ever.steps)),
            ("", "units", count(sums.ever.units)),
            ("", "proofs", count(sums.ever.proofs)),
            ("", "donors", count(sums.donors)),
        ]))
        @if !page.about.is_empty() {
            section aria-labelledby="about" { h2 #about { "About" } div.prose { (markdown::render(&page.about)) } }
        }
        @if let Some(plot) = &view.plot {
            section aria-labelledby="results" {
                h2 #results { "Results so far" }
                (plot)
            }
        }
        section aria-labelledby="time" { h2 #time { "Steps over time" } (throughput(view)) }
        section aria-labelledby="units" { h2 #units { "Units" } (states(units)) }
        section aria-labelledby="proofs" { h2 #proofs { "Recent proofs" } (proofs(root, view)) }
        @if !sums.most.is_empty() {
            section aria-labelledby="donors" { h2 #donors { "Donors" } (shares(root, "Who proved most of it", &sums.most)) }
        }
        section aria-labelledby="program" { h2 #program { "Program" } (program(root, project)) }
        @if !page.cite.is_empty() {
            section aria-labelledby="cite" { h2 #cite { "How to cite" } pre.cite tabindex="0" { (page.cite) } }
        }
    }
}

fn forecast(view: &View<'_>) -> Markup {
    let open = view.project.units.open();
    html! {
        p.forecast {
            @match view.forecast {
                Forecast::Done => { "Nothing is left to do." }
                Forecast::Resting => {
                    (counted(open, "unit is", "units are")) " left; nothing was proven in the last week, so there is no forecast."
                }
                Forecast::TooEarly => { (counted(open, "unit is", "units are")) " left; it is too early for a forecast." }
                Forecast::Within { soonest, likely, latest } => {
                    (counted(open, "unit is", "units are")) " left. If donors go on as in the last week, that takes about "
                    strong { (duration(likely)) } " (" (duration(soonest)) " to "
                    @match latest { Some(latest) => { (duration(latest)) } None => { "much longer: the pace is not steady" } }
                    "), until about " (date(view.now.plus(likely))) "."
                }
            }
        }
    }
}

/// By the day, or by the hour if all is of the last two days.
fn throughput(view: &View<'_>) -> Markup {
    let [days, hours] = view.series;
    let young = days.points.first().is_none_or(|first| view.now.since(first.start) < 2 * 86400);
    match (young, hours.span) {
        (true, Span::Hour) => over_time("steps-by-hour", "hour", hours, view.now, 48),
        _ => over_time("steps-by-day", "day", days, view.now, super::front::DAYS),
    }
}

fn states(units: &UnitCounts) -> Markup {
    let rows = [
        ("queued", "waiting for a donor", units.queued),
        ("leased", "with a donor now", units.leased),
        ("executed", "executed, waiting for a prover", units.executed),
        ("proved", "proved", units.proved.saturating_add(units.collected)),
        ("failed", "set aside after failures", units.failed),
        ("withdrawn", "withdrawn by the owner", units.withdrawn),
    ];
    let most = rows.iter().map(|(.., number)| *number).max().unwrap_or(0).max(1);
    html! {
        div.scroll tabindex="0" role="region" aria-label="States of units" {
            table {
                thead { tr { th scope="col" { "state" } th.number scope="col" { "units" } td {} } }
                tbody {
                    @for (state, says, number) in rows {
                        tr {
                            th scope="row" { (says) }
                            td.number { (count(number)) }
                            td.share { meter class=(state) min="0" max=(most) value=(number) aria-label=(says) {} }
                        }
                    }
                }
            }
        }
    }
}

fn proofs(root: Root, view: &View<'_>) -> Markup {
    let open = view.page.open_results;
    if view.proofs.is_empty() {
        return html! { p { "There is none yet." } };
    }
    html! {
        @if !open { p.note { "The owner of the project keeps its results and proofs to itself." } }
        div.scroll tabindex="0" role="region" aria-label="Recent proofs" {
            table {
                thead { tr {
                    th scope="col" { "accepted" } th scope="col" { "donor" } th.number scope="col" { "steps" }
                    th.number scope="col" { "runs" } th.number scope="col" { "size" }
                    @if open { th scope="col" { "proof" } }
                } }
                tbody {
                    @for proof in view.proofs {
                        tr {
                            td { (moment(proof.accepted_at)) }
                            td { (donor(root, &proof.prover, proof.nickname.as_ref())) }
                            td.number { (count(proof.steps)) } td.number { (count(proof.runs)) } td.number { (bytes(proof.size)) }
                            @if open { td { (links(root, view.web, proof)) } }
                        }
                    }
                }
            }
        }
    }
}

/// Where a proof is, and where to verify it.
pub fn links(root: Root, web: bool, proof: &ProofRow) -> Markup {
    let ProofRow { sha256, kept, open, .. } = proof;
    html! {
        @if !open { code { (sha256.to_string().get(..16).unwrap_or_default()) "…" } }
        @else if !kept { "no longer kept" }
        @else {
            a href=(format!("{root}v1/proofs/{sha256}")) download=(format!("{sha256}.proof")) { "download" }
            @if web { " · " a href=(format!("{root}verify/{sha256}")) { "verify here" } }
        }
    }
}

fn program(root: Root, project: &Project) -> Markup {
    let spec = &project.spec;
    let limits = &spec.limits;
    html! {
        dl.facts {
            dt { "hash of the program" } dd { code { (spec.program_hash) } }
            dt { "compiled program" }
            dd {
                a href=(format!("{root}v1/programs/{}", spec.program)) download=(format!("{}.json", project.name)) { "download" }
                " · SHA-256 " code { (spec.program) }
            }
            dt { "record for verifiers" }
            dd {
                a href=(format!("{root}v1/records/{}", spec.record)) download=(format!("{}.record", project.name)) { "download" }
                " · SHA-256 " code { (spec.record) }
            }
            dt { "signed by" } dd { code { (spec.signer) } }
            dt { "security" } dd { (spec.preset.name()) }
            dt { "limits of a unit" }
            dd {
                (counted(limits.max_steps, "step", "steps")) ", "
                (counted(limits.max_memory_cells, "memory cell", "memory cells")) ", " (duration(limits.time_limit))
            }
            dt { "proof files" }
            dd {
                (count(project.proofs.files)) " of " (bytes(project.proofs.bytes))
                @if project.proofs.thinned > 0 { ", " (count(project.proofs.thinned)) " no longer kept" }
            }
            dt { "since" } dd { (words::moment(project.created_at)) }
        }
    }
}
