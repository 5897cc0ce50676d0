//! What a run has found: figures and judgements.

use serde::Serialize;

/// Outcome of a run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Name of the run.
    pub run: &'static str,
    /// Seconds that it took.
    pub seconds: f64,
    /// Whether this machine could do it at all; if not, why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// What was measured, in order.
    pub figures: Vec<Figure>,
    /// What was demanded, in order.
    pub demands: Vec<Demand>,
}

/// A measured number or word.
#[derive(Debug, Serialize)]
pub struct Figure {
    /// What.
    pub name: String,
    /// How much, with its unit.
    pub value: String,
}

/// Something that must be so.
#[derive(Debug, Serialize)]
pub struct Demand {
    /// What must be so.
    pub name: String,
    /// Whether it was.
    pub met: bool,
    /// What was found.
    pub found: String,
}

impl Report {
    /// Of a run of this name; nothing found yet.
    pub const fn new(run: &'static str) -> Self {
        Self { run, seconds: 0.0, skipped: None, figures: Vec::new(), demands: Vec::new() }
    }

    /// Notes a figure.
    pub fn figure(&mut self, name: impl Into<String>, value: impl ToString) {
        self.figures.push(Figure { name: name.into(), value: value.to_string() });
    }

    /// Notes whether something is as it must be.
    pub fn demand(&mut self, name: impl Into<String>, met: bool, found: impl ToString) {
        self.demands.push(Demand { name: name.into(), met, found: found.to_string() });
    }

    /// Notes something that must be zero.
    pub fn none(&mut self, name: impl Into<String>, found: u64) {
        self.demand(name, found == 0, found);
    }

    /// Whether all was as it must be.
    pub fn passed(&self) -> bool {
        self.demands.iter().all(|demand| demand.met)
    }

    /// The report as lines for people.
    pub fn lines(&self) -> String {
        let verdict = match (&self.skipped, self.passed()) {
            (Some(why), _) => format!("SKIPPED: {why}"),
            (None, true) => "passed".to_owned(),
            (None, false) => "FAILED".to_owned(),
        };
        let mut out = format!("\n== {} ({:.0} s): {verdict}\n", self.run, self.seconds);
        for figure in &self.figures {
            out.push_str(&format!("   {:<58} {}\n", figure.name, figure.value));
        }
        for demand in &self.demands {
            let mark = if demand.met { "ok  " } else { "FAIL" };
            out.push_str(&format!(" {mark} {:<57} {}\n", demand.name, demand.found));
        }
        out
    }
}

/// The value below which this share of the values lies; 0 without values.
pub fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (values.len().saturating_sub(1) as f64 * share).round() as usize;
    values.get(place).copied().unwrap_or(0.0)
}

/// The mean; 0 without values.
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// Bytes as megabytes.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demand_that_is_not_met_fails_the_run() {
        let mut report = Report::new("x");
        report.none("lost", 0);
        assert!(report.passed());
        report.none("doubled", 1);
        assert!(!report.passed());
        assert!(report.lines().contains("FAIL doubled"), "{}", report.lines());
    }

    #[test]
    fn quantiles_of_few_and_many() {
        assert_eq!(quantile(&mut [], 0.5), 0.0);
        assert_eq!(quantile(&mut [3.0, 1.0, 2.0], 0.5), 2.0);
        let mut many: Vec<f64> = (0..=100).map(f64::from).collect();
        assert_eq!(quantile(&mut many, 0.99), 99.0);
        assert_eq!(mean(&[]), 0.0);
        assert_eq!(mean(&[1.0, 2.0]), 1.5);
    }
}
