//! `uploader history`.

use super::{Context, named_units};
use crate::cli;
use crate::error::Error;
use crate::show::number::counted;
use crate::show::{Column, Sheet, Value};
use protocol::{Attempt, Outcome, Timestamp, UnitDetail, UnitState};

pub(super) async fn run(context: &Context, options: &cli::History) -> Result<(), Error> {
    let client = context.client()?;
    let mut units = named_units(&client, &options.project, &options.units).await?;
    if options.units.is_empty() {
        units.retain(|unit| unit.attempts > 1 || unit.failure.is_some() || unit.state == UnitState::Failed);
    }
    let mut sheet = Sheet::new([
        Column::text("unit"),
        Column::number("attempt"),
        Column::text("began"),
        Column::number("seconds"),
        Column::text("mode"),
        Column::text("outcome"),
        Column::text("cause"),
        Column::text("donor"),
        Column::text("trusted"),
        Column::text("detail"),
    ]);
    for unit in &units {
        let detail = client.unit(&unit.id).await?;
        if detail.folded_attempts > 0 {
            let folded = counted(detail.folded_attempts.into(), "attempt");
            context.printer.note(format_args!("{folded} of {} before these are only counted.", unit.external_id));
        }
        detail.attempts.iter().for_each(|attempt| sheet.push(row(&detail, attempt)));
    }
    if sheet.is_empty() {
        context
            .printer
            .note("There is nothing to show: no unit failed or was tried more than once. Name units to see theirs.");
        return Ok(());
    }
    Ok(options.format.print(&sheet)?)
}

fn row(detail: &UnitDetail, attempt: &Attempt) -> Vec<Value> {
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
    let began = attempt.started_at;
    vec![
        Value::text(&detail.unit.external_id),
        Value::Number(attempt.number.into()),
        Value::Text(utc(began)),
        attempt.ended_at.map(|end| end.since(began)).into(),
        Value::text(attempt.mode),
        Value::text(outcome),
        cause.map_or(Value::Nothing, Value::Text),
        Value::Text(attempt.donor.to_string().chars().take(16).collect()),
        report.map_or(Value::Nothing, |report| Value::Flag(report.trusted)),
        Value::text(&attempt.detail),
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
