//! The network between donors and distributor is cut, half-closed, delayed and stalled.

use super::Effort;
use super::field::Field;
use crate::honest::{Crowd, CrowdPlan};
use crate::machine::Programs;
use crate::proxy::Proxy;
use crate::report::Report;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Faults for ten minutes, through a proxy that every donor goes through.
///
/// # Errors
/// If a program cannot be run.
pub async fn network(programs: &Programs, effort: &Effort, report: &mut Report) -> anyhow::Result<()> {
    let time = effort.time(600, 20);
    let settings = [
        "--retry-all-leased",
        "1",
        "--retry-empty",
        "1",
        "--lease-seconds",
        "20",
        "--idle-seconds",
        "5",
        // Through the proxy all come from one address.
        "--requests-per-minute",
        "0",
    ];
    let mut field = Field::new(programs, effort, &settings, 200).await?;
    let proxy = Proxy::start(field.grid.server, effort.seed).await?;
    let plan = CrowdPlan { server: proxy.address(), ..field.plan(Some(Duration::from_millis(400))) };
    let crowd = Crowd::start(&plan, 6);
    field.start_donors(3, &format!("http://{}", proxy.address()), &["--at-once", "1"])?;
    let end = Instant::now() + time;
    while Instant::now() < end {
        field.keep_busy(150, 200).await?;
        sleep(Duration::from_secs(2).min(end.saturating_duration_since(Instant::now()))).await;
    }
    proxy.heal();
    for (kind, count) in proxy.injected() {
        report.figure(format!("network: {kind}"), count);
    }
    field.judge(Some(crowd), 0, false, report).await
}
