//! Figures for Prometheus.

use crate::machine::{Disks, Process};
use axum::http::Method;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// One kind of answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// HTTP method, see [`method`].
    pub method: Text,
    /// Pattern of the address.
    pub route: Arc<str>,
    /// HTTP status.
    pub status: u16,
}

/// One kind of result.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ResultLabels {
    /// What came out.
    pub result: Text,
}

/// One address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RouteLabels {
    /// Pattern of the address.
    pub route: Arc<str>,
}

/// Units of one project in one state.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct UnitLabels {
    /// The project.
    pub project: String,
    /// The state.
    pub state: Text,
}

/// One project.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ProjectLabels {
    /// The project.
    pub project: String,
}

/// A label that is one of a few fixed words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Text(pub &'static str);

impl EncodeLabelValue for Text {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        self.0.encode(encoder)
    }
}

/// The label of a method: one of those that addresses take, or `other`. A client may make up as many as it likes.
pub fn method(method: &Method) -> Text {
    let known = ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"];
    Text(known.into_iter().find(|name| *name == method.as_str()).unwrap_or("other"))
}

/// All figures, with their registry.
pub struct Metrics {
    registry: Registry,
    /// Figures of the process, whose names have no prefix.
    process: Registry,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    proofs: Family<ResultLabels, Counter>,
    proof_units: Family<ResultLabels, Counter>,
    executions: Family<ResultLabels, Counter>,
    leases: Family<ResultLabels, Counter>,
    verify: Histogram,
    steps: Counter,
    units: Family<UnitLabels, Gauge>,
    suspect: Family<ProjectLabels, Gauge>,
    waiting: Gauge,
}

/// From a tenth of a millisecond to fourteen seconds.
fn histogram() -> Histogram {
    Histogram::new(exponential_buckets(1e-4, 2.0, 18))
}

impl Metrics {
    /// Nothing has happened yet. `disks` are those of the data.
    pub fn new(disks: Disks) -> Self {
        let (mut registry, mut process) = (Registry::with_prefix("cairn"), Registry::default());
        let build = [("version", env!("CARGO_PKG_VERSION")), ("commit", env!("CAIRN_COMMIT"))];
        registry.register("build", "Version and commit of the program", Info::new(build.to_vec()));
        registry.register_collector(Box::new(disks));
        process.register_collector(Box::new(Process::default()));
        let metrics = Self {
            requests: Family::default(),
            seconds: Family::new_with_constructor(histogram),
            proofs: Family::default(),
            proof_units: Family::default(),
            executions: Family::default(),
            leases: Family::default(),
            verify: histogram(),
            steps: Counter::default(),
            units: Family::default(),
            suspect: Family::default(),
            waiting: Gauge::default(),
            registry: Registry::default(),
            process: Registry::default(),
        };
        registry.register("requests", "Answered requests", metrics.requests.clone());
        registry.register_with_unit("request", "Time to answer", Unit::Seconds, metrics.seconds.clone());
        registry.register("proofs", "Submitted proofs, each a file, by result", metrics.proofs.clone());
        registry.register("proof_units", "Units of submitted proofs by result", metrics.proof_units.clone());
        registry.register("executions", "Submitted executions by result", metrics.executions.clone());
        registry.register("leases", "Requests for work by result", metrics.leases.clone());
        registry.register_with_unit("verify", "Time to verify a proof", Unit::Seconds, metrics.verify.clone());
        registry.register("proven_steps", "Steps of accepted proofs", metrics.steps.clone());
        registry.register("units", "Units by project and state", metrics.units.clone());
        let said = "Units of which donors reported failures that are not settled, by project";
        registry.register("suspect_units", said, metrics.suspect.clone());
        registry.register(
            "verifications_waiting",
            "Submissions in verification or waiting for it",
            metrics.waiting.clone(),
        );
        Self { registry, process, ..metrics }
    }

    /// A request was answered.
    pub fn request(&self, labels: &RequestLabels, took: Duration) {
        self.requests.get_or_create(labels).inc();
        self.seconds.get_or_create(&RouteLabels { route: Arc::clone(&labels.route) }).observe(took.as_secs_f64());
    }

    /// A proof was judged, which is one file; `steps` if it was accepted.
    pub fn proof(&self, result: &'static str, steps: u64) {
        self.proofs.get_or_create(&ResultLabels { result: Text(result) }).inc();
        self.steps.inc_by(steps);
    }

    /// So many units of a proof were judged.
    pub fn proof_units(&self, result: &'static str, units: u64) {
        self.proof_units.get_or_create(&ResultLabels { result: Text(result) }).inc_by(units);
    }

    /// A proof was verified.
    pub fn verified(&self, took: Duration) {
        self.verify.observe(took.as_secs_f64());
    }

    /// An execution was judged.
    pub fn execution(&self, result: &'static str) {
        self.executions.get_or_create(&ResultLabels { result: Text(result) }).inc();
    }

    /// Work was asked for.
    pub fn lease(&self, result: &'static str) {
        self.leases.get_or_create(&ResultLabels { result: Text(result) }).inc();
    }

    /// Sets the figures that are read from the store when somebody asks.
    pub fn set_levels(&self, projects: &[protocol::Project], waiting: usize) {
        self.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        // What is not there any more is not shown any more.
        self.units.clear();
        self.suspect.clear();
        for project in projects {
            let units = &project.units;
            let labels = ProjectLabels { project: project.name.to_string() };
            self.suspect.get_or_create(&labels).set(i64::try_from(units.suspect).unwrap_or(i64::MAX));
            for (state, count) in [
                ("queued", units.queued),
                ("leased", units.leased),
                ("executed", units.executed),
                ("proved", units.proved),
                ("collected", units.collected),
                ("failed", units.failed),
                ("withdrawn", units.withdrawn),
            ] {
                let labels = UnitLabels { project: project.name.to_string(), state: Text(state) };
                self.units.get_or_create(&labels).set(i64::try_from(count).unwrap_or(i64::MAX));
            }
        }
    }

    /// All figures as text.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode_registry(&mut text, &self.registry);
        let _ = encode_registry(&mut text, &self.process);
        let _ = encode_eof(&mut text);
        text
    }
}
