//! `/v1/projects/{name}/units`, `/v1/units`.

use crate::fixture::felts;
use crate::harness::{Grid, cause, primes, unit};
use protocol::client::UnitQuery;
use protocol::{Cause, NewUnit, NewUnits, UnitId, UnitState};

fn batch(units: Vec<NewUnit>) -> NewUnits {
    NewUnits { units }
}

#[tokio::test]
async fn pushing_again_adds_what_is_new() {
    let grid = Grid::start().await;
    let ids = grid.push(3).await;
    let stored = grid.uploader().add_units(&primes(), &batch((0..5).map(unit).collect())).await.unwrap().units;
    let created: Vec<_> = stored.iter().map(|unit| unit.created).collect();
    assert_eq!(created, [false, false, false, true, true]);
    assert_eq!(stored.iter().take(3).map(|unit| unit.id).collect::<Vec<_>>(), ids);
}

#[tokio::test]
async fn other_arguments_under_a_known_id_are_refused_by_name() {
    let grid = Grid::start().await;
    grid.push(2).await;
    let mut other = unit(1);
    other.arguments = felts(&[99]);
    let error = grid.uploader().add_units(&primes(), &batch(vec![unit(5), other])).await.unwrap_err();
    assert_eq!(error.cause(), Some(Cause::ExternalIdTaken));
    assert!(error.to_string().contains("unit 1 of the batch has the external id `unit-1`"), "{error}");
    assert_eq!(grid.uploader().project(&primes()).await.unwrap().units.total(), 2, "all or nothing");
}

#[tokio::test]
async fn a_batch_is_checked() {
    let grid = Grid::start().await;
    grid.push(0).await;
    let uploader = grid.uploader();
    let refused =
        async |units: Vec<NewUnit>| uploader.add_units(&primes(), &batch(units)).await.unwrap_err().to_string();
    assert!(refused(Vec::new()).await.contains("1 to 1000 units, this one has 0"));
    assert!(refused((0..1001).map(unit).collect()).await.contains("has 1001"));
    assert!(
        refused(vec![unit(1), unit(2), unit(1)])
            .await
            .contains("the units 0 and 2 of the batch have the same external id")
    );
    let mut endless = unit(1);
    endless.estimated_steps = 0;
    assert!(refused(vec![endless]).await.contains("estimated steps"));
    let mut long = unit(1);
    long.arguments = felts(&vec![1; protocol::MAX_UNIT_ARGUMENTS + 1]);
    assert!(refused(vec![long]).await.contains("the most are 65536"));
    let unknown = uploader.add_units(&"unknown".parse().unwrap(), &batch(vec![unit(1)])).await;
    assert_eq!(cause(unknown), Cause::UnknownProject);
    uploader.add_units(&primes(), &batch((0..1000).map(unit).collect())).await.unwrap();
}

#[tokio::test]
async fn units_are_listed_by_page_and_state() {
    let grid = Grid::start().await;
    let ids = grid.push(5).await;
    let donor = grid.donor(1);
    donor.submit(&ids[3], None, donor.proof(3)).await.unwrap();
    let uploader = grid.uploader();
    let first = uploader.units(&primes(), &UnitQuery::first(3)).await.unwrap();
    assert_eq!(first.units.iter().map(|unit| unit.id).collect::<Vec<_>>(), ids[..3]);
    let rest = uploader.units(&primes(), &UnitQuery { cursor: first.next, ..UnitQuery::first(3) }).await.unwrap();
    assert_eq!((rest.units.len(), rest.next), (2, None));
    let proved = UnitQuery { state: Some(UnitState::Proved), ..UnitQuery::first(3) };
    let proved = uploader.units(&primes(), &proved).await.unwrap();
    assert_eq!((proved.units.len(), proved.units[0].id), (1, ids[3]));
    for limit in [0, 1001] {
        assert_eq!(cause(uploader.units(&primes(), &UnitQuery::first(limit)).await), Cause::BadRequest);
    }
    let unknown = UnitId::from_bytes([1; 10]);
    assert_eq!(cause(uploader.unit(&unknown).await), Cause::UnknownUnit);
    assert_eq!(cause(uploader.retry_unit(&unknown).await), Cause::UnknownUnit);
    let error = uploader.retry_unit(&ids[3]).await.unwrap_err();
    assert_eq!(error.cause(), Some(Cause::UnitState));
    assert!(error.to_string().starts_with("the unit `unit-3` is proved, so it cannot be retried"), "{error}");
}
