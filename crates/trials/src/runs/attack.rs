//! A thousand hostile keys from ten addresses against twenty honest donors.

use super::Effort;
use super::field::Field;
use crate::grid::{PROJECT, UnitSize, Uploader, Watch, flat};
use crate::honest::Crowd;
use crate::hostile::{Army, Deed, Material, Orders};
use crate::ledger::Ledger;
use crate::machine::Programs;
use crate::report::{Report, mean, megabytes, quantile};
use std::sync::Arc;
use std::time::Duration;

/// Honest donors, and how long a unit takes each.
pub const HONEST: u8 = 20;
const PACE: Duration = Duration::from_secs(2);

/// Hostile keys and addresses, and deeds of an address in a second; a deed is up to ten requests.
pub const KEYS: u32 = 1000;
pub const ADDRESSES: u8 = 10;
pub const RATE: f64 = 20.0;

/// Most of the honest donors' pace that an attack may take.
const MOST_SLOWED: f64 = 0.1;

/// How often to measure, until honest work is slowed by less in one of them: whatever else the machine does, for a moment, counts as
/// the attack's.
const ROUNDS: u32 = 3;

/// Memory that an attack may cost, and by which it may waver, in bytes.
const MOST_MEMORY: u64 = 96 << 20;
pub const SLACK: f64 = 6e6;

/// What honest donors got done in a stretch of time.
struct Stretch {
    rate: f64,
    cycle: f64,
    waited: f64,
    waited_p99: f64,
}

impl Stretch {
    fn of(ledger: &Ledger, time: Duration) -> Self {
        let cycles = ledger.take_cycles();
        let whole: Vec<f64> = cycles.iter().map(|cycle| cycle.whole.as_secs_f64()).collect();
        let mut waited: Vec<f64> = cycles.iter().map(|cycle| cycle.waited.as_secs_f64() * 1e3).collect();
        Self {
            rate: cycles.len() as f64 / time.as_secs_f64(),
            cycle: mean(&whole),
            waited: mean(&waited),
            waited_p99: quantile(&mut waited, 0.99),
        }
    }

    fn note(&self, report: &mut Report, when: &str, cpu: f64) {
        let Self { rate, cycle, waited, waited_p99 } = self;
        report.figure(
            format!("{when}: honest units a second, seconds for each"),
            format!("{rate:.2}, {cycle:.2} (waiting {waited:.0} ms, p99 {waited_p99:.0} ms)"),
        );
        report.figure(format!("{when}: processors that the distributor used"), format!("{cpu:.2}"));
    }
}

/// Makes the attack's orders: somebody with an access key is one of them.
///
/// # Errors
/// If a program fails.
pub async fn orders(field: &Field, effort: &Effort) -> anyhow::Result<Orders> {
    let key = field.grid.make_key("evil*", "push,read,withdraw").await?;
    let uploader = Uploader::of(&field.grid, &key, "evil", UnitSize::SMALL)?;
    uploader.push(1000).await?;
    Ok(Orders {
        server: field.grid.server,
        keys: KEYS,
        addresses: ADDRESSES,
        rate: RATE,
        seed: effort.seed,
        uploader: (key, "evil".to_owned()),
        material: Arc::new(Material::new(&field.prover).await?),
        deeds: Deed::ALL.to_vec(),
    })
}

/// Measures honest work without and with the attack, on a distributor with its default settings.
///
/// # Errors
/// If a program cannot be run, or the distributor ends.
pub async fn attack(programs: &Programs, effort: &Effort, report: &mut Report) -> anyhow::Result<()> {
    let time = effort.time(120, 25);
    let expected = f64::from(HONEST) * time.as_secs_f64() / PACE.as_secs_f64();
    // Half as many again in each stretch, and some that attackers may hold for a while.
    let units = (3.5 * expected * f64::from(ROUNDS)) as u64 + 1000;
    let mut field = Field::new(programs, effort, &[], units).await?;
    let orders = orders(&field, effort).await?;
    let crowd = Crowd::start(&field.plan(Some(PACE)), HONEST);
    let address = field.grid.address();
    field.start_donors(1, &address, &["--at-once", "1", "--max-cpu", "15", "--project", PROJECT])?;

    let (mut least, mut before) = (f64::INFINITY, None);
    for _ in 0..ROUNDS {
        let slowed = round(&mut field, &orders, time, &mut before, report).await?;
        least = least.min(slowed);
        if least < MOST_SLOWED {
            break;
        }
    }
    let slowed = format!("{:.1} %", least * 100.0);
    report.demand("honest work is slowed by less than a tenth", least < MOST_SLOWED, slowed);
    crowd.stop().await?;
    field.judge_now(0, false, true, report).await
}

/// Measures honest work for a while, and then under attack. By how much it was slowed; `before` is the distributor's memory before the
/// first attack.
async fn round(
    field: &mut Field,
    orders: &Orders,
    time: Duration,
    before: &mut Option<u64>,
    report: &mut Report,
) -> anyhow::Result<f64> {
    // Two units of each donor, after which connections and caches are there.
    tokio::time::sleep(2 * PACE).await;
    field.ledger.take_cycles();
    let mut watch = Watch::start(&field.grid).await?;
    let pause = time / 30;
    watch.look_for(&field.grid, time, pause).await?;
    let quiet = Stretch::of(&field.ledger, time);
    let memory = *before.get_or_insert(watch.last()?.memory);
    quiet.note(report, "quiet", cpu_used(&watch));
    field.note_troubles(report);

    let army = Army::start(orders);
    let mut watch = Watch::start(&field.grid).await?;
    watch.look_for(&field.grid, time, pause).await?;
    let attacked = Stretch::of(&field.ledger, time);
    attacked.note(report, "attacked", cpu_used(&watch));
    report.figure("hostile deeds a second", format!("{:.0}", army.tally().count() as f64 / time.as_secs_f64()));
    field.note_troubles(report);
    let tally = army.stop().await?;
    tally.report(report);
    watch.last()?.note(report, "attacked");

    report.none("faults of the distributor (500)", tally.faults());
    let took = watch.last()?.memory.saturating_sub(memory);
    report.demand("memory that the attack costs", took < MOST_MEMORY, megabytes(took));
    let steady = flat(&watch.series(|reading| reading.memory as f64), SLACK);
    report.demand("memory is flat during the attack", steady, range(&watch));
    Ok(1.0 - attacked.rate / quiet.rate.max(f64::MIN_POSITIVE))
}

/// Processors that the distributor used on average while it was watched.
fn cpu_used(watch: &Watch) -> f64 {
    match (watch.readings.first(), watch.readings.last()) {
        (Some(first), Some(last)) if last.at > first.at => (last.cpu - first.cpu) / (last.at - first.at),
        _ => 0.0,
    }
}

/// Memory over time, in words.
pub fn range(watch: &Watch) -> String {
    let series = watch.series(|reading| reading.memory as f64 / 1e6);
    let at = |share: f64| series.get((series.len().saturating_sub(1) as f64 * share) as usize).copied().unwrap_or(0.0);
    format!("{:.1}, {:.1}, {:.1}, {:.1} MB at each third", at(0.0), at(1.0 / 3.0), at(2.0 / 3.0), at(1.0))
}
