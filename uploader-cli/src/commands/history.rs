//! `uploader history`.

use super::{Context, named_units};
use crate::cli;
use crate::error::Error;
use crate::show::number::counted;
use crate::show::{Align, Table};
use protocol::{Attempt, Outcome, Timestamp, UnitDetail, UnitState};

pub(super) async fn run(context: &Context, options: &cli::History) -> Result<(), Error> {
    let client = context.client()?;
    let mut units = named_units(&client, &options.project, &options.units).await?;
    if options.units.is_empty() {
        units.retain(|unit| unit.attempts > 1 || unit.failure.is_some() || unit.state == UnitState::Failed);
    }
    let columns = [
        ("unit", Align::Left),
        ("attempt", Align::Right),
        ("began", Align::Left),
        ("seconds", Align::Right),
        ("mode", Align::Left),
        ("outcome", Align::Left),
        ("cause", Align::Left),
        ("donor", Align::Left),
        ("trusted", Align::Left),
        ("detail", Align::Left),
    ];
    let mut table = Table::new(columns);
    for unit in &units {
        let detail = client.unit(&unit.id).await?;
        if detail.folded_attempts > 0 {
            let folded = counted(detail.folded_attempts.into(), "attempt");
            context.printer.note(format_args!("{folded} of {} before these are only counted.", unit.external_id));
        }
        detail.attempts.iter().for_each(|attempt| table.push(row(&detail, attempt)));
    }
    if table.is_empty() {
        context
            .printer
            .note("There is nothing to show: no unit failed or was tried more than once. Name units to see theirs.");
        return Ok(());
    }
    Ok(table.write(options.format, &mut std::io::stdout().lock())?)
}

fn row(detail: &UnitDetail, attempt: &Attempt) -> Vec<String> {
    let outcome = match attempt.outcome {
        Outcome::Running => "running",
        Outcome::Expired => "expired",
        Outcome::Released => "released",
        Outcome::Failed => "failed",
        Outcome::Executed => "executed",
        Outcome::Proved => "proved",
        Outcome::Refused => "refused",
        Outcome::Superseded => "superseded",
    };
    let cause = attempt.failure.map(|cause| cause.to_string()).or(attempt.refusal.map(|cause| cause.to_string()));
    // Whether what it reported counts; of other attempts nothing is said.
    let report = detail.reports.iter().find(|report| attempt.failure.is_some() && report.donor == attempt.donor);
    let trusted = report.map_or("", |report| if report.trusted { "yes" } else { "no" });
    vec![
        detail.unit.external_id.to_string(),
        attempt.number.to_string(),
        utc(attempt.started_at),
        attempt.ended_at.map(|end| end.since(attempt.started_at).to_string()).unwrap_or_default(),
        attempt.mode.to_string(),
        outcome.to_owned(),
        cause.unwrap_or_default(),
        attempt.donor.to_string().chars().take(16).collect(),
        trusted.to_owned(),
        attempt.detail.clone(),
    ]
}

/// `2026-01-31T23:59:59Z`.
fn utc(time: Timestamp) -> String {
    let (days, seconds) = (time.0 / 86_400, time.0 % 86_400);
    // Days since 0000-03-01 in eras of 400 years, after Hinnant's "chrono-compatible low-level date algorithms".
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(utc(Timestamp(0)), "1970-01-01T00:00:00Z");
        assert_eq!(utc(Timestamp(951_782_399)), "2000-02-28T23:59:59Z");
        assert_eq!(utc(Timestamp(951_782_400)), "2000-02-29T00:00:00Z");
        assert_eq!(utc(Timestamp(1_767_225_599)), "2025-12-31T23:59:59Z");
        assert_eq!(utc(Timestamp(4_107_542_400)), "2100-03-01T00:00:00Z");
    }
}
