//! Events.

use super::Write;
use super::rows::time;
use crate::store::StoreResult;
use protocol::{FailureCause, Timestamp, UnitState};
use sqlx::query;

/// Notes a unit's new state and returns the number of the event.
pub(super) async fn event(
    write: &mut Write,
    unit: i64,
    state: UnitState,
    failure: Option<FailureCause>,
    now: Timestamp,
) -> StoreResult<i64> {
    let done = query(
        "INSERT INTO events (project, unit, state, failure, time) \
         SELECT project, seq, ?2, ?3, ?4 FROM units WHERE seq = ?1",
    )
    .bind(unit)
    .bind(state.name())
    .bind(failure.map(FailureCause::name))
    .bind(time(now))
    .execute(&mut **write)
    .await?;
    Ok(done.last_insert_rowid())
}
