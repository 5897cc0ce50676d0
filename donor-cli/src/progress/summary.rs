//! One line about what goes on, in a volunteer's words; with `--verbose` in those of the prover, too.

use super::notice::short;
use super::{Phase, words};
use crate::state::control::{Status, UnitStatus};
use std::time::Duration;

/// Less is as good as over.
const NEARLY: Duration = Duration::from_secs(15);

/// What goes on, the most important first: a narrow terminal shows the beginning.
pub fn summary(status: &Status, verbose: bool) -> String {
    let usage = format!("using {:.0} % of {} %", status.cpu, status.max_cpu);
    let waiting = match (&*status.state, &status.reason) {
        ("paused", Some(reason)) => Some(format!("paused: {reason}")),
        (_, reason) => reason.clone(),
    };
    let outbox = match status.outbox {
        0 => None,
        1 => Some("1 result to be delivered".to_owned()),
        many => Some(format!("{many} results to be delivered")),
    };
    let mut parts = Vec::new();
    if let Some(done) = done(&status.units) {
        let doing = doing(&status.units);
        match waiting {
            Some(why) => parts.extend([words::percent(done) + " done", why, doing]),
            None => {
                parts.push(words::percent(done) + " done");
                parts.extend(left(&status.units));
                parts.extend([doing, usage]);
            }
        }
    } else {
        parts.push(waiting.unwrap_or_else(|| format!("{}, {usage}", status.state)));
    }
    parts.extend(outbox);
    if verbose {
        parts.extend(status.units.iter().map(technical));
    }
    parts.join(", ")
}

/// How far all units at once are, from 0 to 1; `None` if there are none.
pub fn done(units: &[UnitStatus]) -> Option<f64> {
    let sum: f64 = units.iter().map(|unit| unit.fraction.clamp(0.0, 1.0)).sum();
    // Not quite done is not done.
    (!units.is_empty()).then(|| (sum / units.len() as f64).min(0.99))
}

/// The time until the last of the units is done, if it is known of all of them.
pub fn seconds_left(units: &[UnitStatus]) -> Option<u64> {
    units.iter().map(|unit| unit.seconds_left).collect::<Option<Vec<u64>>>()?.into_iter().max()
}

fn left(units: &[UnitStatus]) -> Option<String> {
    let left = Duration::from_secs(seconds_left(units)?);
    Some(match left {
        _ if left < NEARLY => "nearly done".to_owned(),
        _ if left < Duration::from_secs(60) => "less than a minute left".to_owned(),
        _ => format!("about {} left", words::about(left)),
    })
}

/// `proving primes`, `computing and proving 3 units of 2 projects`.
fn doing(units: &[UnitStatus]) -> String {
    let in_order = |mut names: Vec<String>| {
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|name| seen.insert(name.clone()));
        names
    };
    let phase = |unit: &UnitStatus| {
        let known = Phase::named(&unit.phase).map(|phase| phase.words().to_owned());
        known.unwrap_or_else(|| unit.phase.clone())
    };
    let activities = in_order(units.iter().map(phase).collect()).join(" and ");
    match in_order(units.iter().map(|unit| unit.project.clone()).collect()).as_slice() {
        [project] if units.len() == 1 => format!("{activities} {project}"),
        [project] => format!("{activities} {project}, {} at once", units.len()),
        projects => format!("{activities} {} units of {} projects", units.len(), projects.len()),
    }
}

/// `unit 0123456789ab of primes: fri 40 %, 250 MB`.
fn technical(unit: &UnitStatus) -> String {
    format!(
        "unit {} of {}: {} {}, {}",
        short(&unit.unit),
        unit.project,
        unit.phase,
        words::percent(unit.phase_fraction),
        words::bytes(unit.memory)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(phase: Phase, fraction: f64, seconds_left: Option<u64>) -> UnitStatus {
        UnitStatus {
            unit: "0123456789abcdef0123".to_owned(),
            project: "primes".to_owned(),
            phase: phase.name().to_owned(),
            phase_fraction: 0.4,
            fraction,
            seconds_left,
            memory: 250_000_000,
        }
    }

    fn status(units: Vec<UnitStatus>) -> Status {
        Status {
            state: if units.is_empty() { "waiting" } else { "working" }.to_owned(),
            max_cpu: 50.0,
            cpu: 49.6,
            units,
            ..Status::default()
        }
    }

    #[test]
    fn work_in_a_volunteers_words() {
        let of = |status: &Status| summary(status, false);
        let working = status(vec![unit(Phase::Main, 0.31, Some(125))]);
        assert_eq!(of(&working), "31 % done, about 2 min left, proving primes, using 50 % of 50 %");
        let nearly = Status { outbox: 1, ..status(vec![unit(Phase::Fri, 0.999, Some(3))]) };
        let said = "99 % done, nearly done, proving primes, using 50 % of 50 %, 1 result to be delivered";
        assert_eq!(of(&nearly), said);
        let soon = status(vec![unit(Phase::Verify, 0.9, Some(40))]);
        assert_eq!(of(&soon), "90 % done, less than a minute left, checking the proof of primes, using 50 % of 50 %");
        let unknown = status(vec![unit(Phase::Download, 0.0, None)]);
        assert_eq!(of(&unknown), "0 % done, fetching primes, using 50 % of 50 %");
        for phase in Phase::ALL {
            let said = of(&status(vec![unit(phase, 0.5, None)]));
            assert!(
                !["fri", "witness", "lookup", "quotient", "openings", "main"].iter().any(|word| said.contains(word)),
                "{said}"
            );
        }
    }

    #[test]
    fn all_units_at_once() {
        let two = [unit(Phase::Execute, 0.1, Some(4000)), unit(Phase::Fri, 0.9, Some(60))];
        assert_eq!((done(&two), seconds_left(&two)), (Some(0.5), Some(4000)));
        let said = "50 % done, about 1 h 10 min left, computing and proving primes, 2 at once, using 50 % of 50 %";
        assert_eq!(summary(&status(two.to_vec()), false), said);
        let other = UnitStatus { project: "queens".to_owned(), ..unit(Phase::Fri, 0.9, None) };
        let mixed = [two.to_vec(), vec![other]].concat();
        assert_eq!(seconds_left(&mixed), None, "what is not known of one is not known of all");
        let said = "63 % done, computing and proving 3 units of 2 projects, using 50 % of 50 %";
        assert_eq!(summary(&status(mixed), false), said);
        assert_eq!((done(&[]), seconds_left(&[])), (None, None));
    }

    #[test]
    fn pauses_and_waits() {
        let reason = Some("the machine runs on battery".to_owned());
        let units = vec![unit(Phase::Main, 0.31, Some(125))];
        let paused = Status { state: "paused".to_owned(), reason, ..status(units) };
        assert_eq!(summary(&paused, false), "31 % done, paused: the machine runs on battery, proving primes");
        let waiting = Status { reason: Some("no work".to_owned()), outbox: 2, ..status(vec![]) };
        assert_eq!(summary(&waiting, false), "no work, 2 results to be delivered");
        assert_eq!(summary(&status(vec![]), false), "waiting, using 50 % of 50 %");
    }

    #[test]
    fn the_provers_words_are_for_who_asks() {
        let said = summary(&status(vec![unit(Phase::Fri, 0.5, None)]), true);
        assert!(said.ends_with(", unit 0123456789ab of primes: fri 40 %, 250 MB"), "{said}");
    }
}
