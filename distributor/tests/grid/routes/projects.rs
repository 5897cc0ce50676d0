//! `/v1/projects`.

use crate::fixture;
use crate::harness::{Grid, cause, primes, scopes, signer, spec, unit, until};
use crate::raw::{get, send};
use distributor::blobs::Kind;
use distributor::store::GivenQuota;
use protocol::{Cause, Digest, Identity, NewUnits, Preset, ProgramHash, ProjectSpec, ProjectState, encode_program};

const FILE: &[u8] = b"the compiled program";

#[tokio::test]
async fn a_project_is_made_once_and_its_settings_can_change() {
    let grid = Grid::start().await;
    grid.push(0).await;
    let uploader = grid.uploader();
    let again = uploader.put_project(&primes(), &spec(&primes(), FILE)).await.unwrap();
    assert!(!again.created && again.changed.is_empty());
    let mut new = spec(&primes(), FILE);
    (new.weight, new.description) = (5, "counts".to_owned());
    assert_eq!(
        cause(uploader.put_project(&primes(), &new).await),
        Cause::BadProgramSignature,
        "all settings are signed"
    );
    let new = new.signed(&primes(), &signer());
    let changed = uploader.put_project(&primes(), &new).await.unwrap();
    assert_eq!(
        (changed.created, changed.changed, changed.project.spec),
        (false, vec!["description".to_owned(), "weight".to_owned()], new.clone())
    );
    let listed = grid.uploader_with(None).projects().await.unwrap().projects;
    assert_eq!((listed.len(), &listed[0].spec, listed[0].state), (1, &new, ProjectState::Active));
    assert_eq!(grid.uploader_with(None).project(&primes()).await.unwrap(), listed[0]);
}

#[tokio::test]
async fn a_taken_name_is_refused_with_the_difference() {
    let grid = Grid::start().await;
    grid.push(0).await;
    let uploader = grid.uploader();
    let other = b"another program file";
    uploader.put_program(other.as_slice().into(), None).await.unwrap();
    let error = uploader.put_project(&primes(), &spec(&primes(), other)).await.unwrap_err();
    assert_eq!(error.cause(), Some(Cause::ProjectTaken));
    assert!(error.to_string().contains("there is a project `primes` already, and it runs another program"), "{error}");
    let mut stronger = spec(&primes(), FILE);
    stronger.preset = Preset::Compact;
    let stronger = stronger.signed(&primes(), &signer());
    assert_eq!(cause(uploader.put_project(&primes(), &stronger).await), Cause::ProjectTaken);
}

/// A change to a declaration.
type Change = fn(&mut ProjectSpec);

#[tokio::test]
async fn everything_said_about_the_program_is_checked() {
    let grid = Grid::start().await;
    let uploader = grid.uploader();
    assert_eq!(cause(uploader.put_project(&primes(), &spec(&primes(), FILE)).await), Cause::ProgramMissing);
    uploader.put_program(FILE.into(), None).await.unwrap();
    let missing = uploader.put_project(&primes(), &spec(&primes(), FILE)).await.unwrap_err();
    assert!(missing.to_string().starts_with("the record "), "{missing}");
    uploader.put_record(encode_program(&fixture::program()).into()).await.unwrap();
    let changes: [(Change, Cause); 8] = [
        (|spec| spec.program_hash = ProgramHash::from_bytes([9; 32]), Cause::BadRecord),
        (|spec| spec.signer = Identity::from_seed(&[1; 32]).signer_key(), Cause::BadProgramSignature),
        (|spec| spec.signature = protocol::Signature::from_bytes([3; 64]), Cause::BadProgramSignature),
        (|spec| spec.weight = 0, Cause::BadRequest),
        (|spec| spec.limits.max_steps = 0, Cause::BadRequest),
        (|spec| spec.limits.time_limit = u64::MAX, Cause::BadRequest),
        (|spec| spec.description = "x".repeat(2001), Cause::BadRequest),
        (|spec| spec.program = Digest::of(b"nothing"), Cause::ProgramMissing),
    ];
    for (index, (change, expected)) in changes.into_iter().enumerate() {
        let mut changed = spec(&primes(), FILE);
        change(&mut changed);
        assert_eq!(cause(uploader.put_project(&primes(), &changed).await), expected, "change {index}");
    }
    let foreign = spec(&"other".parse().unwrap(), FILE);
    assert_eq!(
        cause(uploader.put_project(&primes(), &foreign).await),
        Cause::BadProgramSignature,
        "signed for another name"
    );
    assert!(uploader.projects().await.unwrap().projects.is_empty());
    assert!(uploader.put_project(&primes(), &spec(&primes(), FILE)).await.unwrap().created);
}

#[tokio::test]
async fn keys_open_what_they_are_for() {
    let grid = Grid::start().await;
    let id = grid.push(1).await[0];
    let key = async |projects: &str, push, read, withdraw| {
        grid.uploader_with(Some(grid.new_key(projects, scopes(push, read, withdraw)).await))
    };
    let (other, reader, pusher) = (
        key("collatz*", true, true, true).await,
        key("pri*", false, true, false).await,
        key("primes", true, false, false).await,
    );
    assert_eq!(cause(other.put_project(&primes(), &spec(&primes(), FILE)).await), Cause::OutOfScope);
    assert_eq!(cause(other.results(&primes(), 0, 1).await), Cause::OutOfScope);
    assert_eq!(cause(other.unit(&id).await), Cause::OutOfScope);
    reader.unit(&id).await.unwrap();
    assert_eq!(cause(reader.withdraw_unit(&id).await), Cause::OutOfScope);
    assert_eq!(cause(reader.put_program(FILE.into(), None).await), Cause::OutOfScope);
    pusher.put_project(&primes(), &spec(&primes(), FILE)).await.unwrap();
    let error = pusher.results(&primes(), 0, 1).await.unwrap_err().to_string();
    assert!(error.contains("lacks the scope `read`"), "{error}");
    assert_eq!(cause(grid.uploader_with(None).unit(&id).await), Cause::MissingKey);
    let unknown = grid.uploader_with(Some(protocol::ApiKey::random().unwrap()));
    assert_eq!(cause(unknown.unit(&id).await), Cause::BadKey);
    let request = "GET /v1/projects/primes/results HTTP/1.1\r\nhost: x\r\nauthorization: Bearer nonsense\r\nconnection: close\r\n\r\n";
    let answer = send(&grid, request.as_bytes()).await.unwrap();
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer realm=\"cairn\"")));
}

#[tokio::test]
async fn a_withdrawn_project_is_out_of_sight_and_can_be_deleted() {
    let grid = Grid::start().await;
    let (ids, donor, uploader) = (grid.push(2).await, grid.donor(1), grid.uploader());
    donor.submit(&ids[1], None, donor.proof(1)).await.unwrap();
    let refused = uploader.delete_project(&primes(), true).await.unwrap_err();
    assert_eq!(refused.cause(), Some(Cause::ProjectState), "{refused}");
    assert!(refused.to_string().contains("`primes` is not withdrawn"), "{refused}");
    uploader.withdraw_project(&primes()).await.unwrap();
    let listed = async |list: Result<protocol::ProjectList, _>| list.unwrap().projects.len();
    let everybody = grid.uploader_with(None);
    assert_eq!((listed(everybody.projects().await).await, listed(everybody.all_projects().await).await), (0, 1));
    assert_eq!(donor.0.projects().await.unwrap().projects, []);
    assert!(!get(&grid, "/metrics").await.body.contains("project=\"primes\""));

    let other = grid.key_of(None, "pri*", scopes(true, true, true), GivenQuota::default()).await;
    assert_eq!(cause(grid.uploader_with(Some(other)).delete_project(&primes(), true).await), Cause::NotOwner);
    let reader = grid.new_key("pri*", scopes(true, true, false)).await;
    assert_eq!(cause(grid.uploader_with(Some(reader)).delete_project(&primes(), true).await), Cause::OutOfScope);
    assert_eq!(cause(everybody.delete_project(&primes(), true).await), Cause::MissingKey);
    let refused = uploader.delete_project(&primes(), false).await.unwrap_err();
    assert!(refused.to_string().contains("1 results of `primes` were not collected"), "{refused}");
    uploader.mark_collected(&primes(), 1000, None).await.unwrap();
    assert_eq!(uploader.delete_project(&primes(), false).await.unwrap().units, 2);
    until(async || everybody.project(&primes()).await.is_err()).await;
    assert_eq!(cause(everybody.project(&primes()).await), Cause::UnknownProject);
    until(async || grid.files(Kind::Proof).await + grid.files(Kind::Program).await == 0).await;
    assert_eq!(cause(uploader.unit(&ids[0]).await), Cause::UnknownUnit);
    assert_eq!(cause(uploader.delete_project(&primes(), false).await), Cause::UnknownProject);
    assert_eq!(donor.0.credit().await.unwrap().proven_units, 1, "what was done is done");
    // The name is free.
    assert_eq!(grid.push(3).await.len(), 3);
}

#[tokio::test]
async fn what_belongs_to_one_owner_no_other_changes() {
    let grid = Grid::start().await;
    let ids = grid.push(2).await;
    let donor = grid.donor(1);
    donor.submit(&ids[1], None, donor.proof(1)).await.unwrap();
    let key = grid.key_of(None, "pri*", scopes(true, true, true), GivenQuota::default()).await;
    let id = key.id();
    let other = grid.uploader_with(Some(key));
    let units = NewUnits { units: vec![unit(7)] };
    let refused = [
        other.put_project(&primes(), &spec(&primes(), FILE)).await.map(|_| ()),
        other.add_units(&primes(), &units).await.map(|_| ()),
        other.withdraw_unit(&ids[0]).await.map(|_| ()),
        other.retry_unit(&ids[0]).await.map(|_| ()),
        other.mark_collected(&primes(), 100, None).await.map(|_| ()),
        other.withdraw_project(&primes()).await.map(|_| ()),
    ];
    for refused in refused {
        let error = refused.unwrap_err();
        assert_eq!(error.cause(), Some(Cause::NotOwner), "{error}");
        assert!(error.to_string().contains(&format!("distributor project give primes {id}")), "{error}");
    }
    other.unit(&ids[0]).await.unwrap();
    let project = grid.uploader().project(&primes()).await.unwrap();
    assert_eq!((project.units.queued, project.units.proved, project.state), (1, 1, ProjectState::Active));
    assert!(grid.store.give_project(&primes(), &id).await.unwrap());
    other.add_units(&primes(), &units).await.unwrap();
    assert_eq!(cause(grid.uploader().withdraw_project(&primes()).await), Cause::NotOwner);
}

#[tokio::test]
async fn quotas_are_named() {
    let grid = Grid::start().await;
    grid.push(0).await;
    let quota = GivenQuota { projects: Some(0), units: Some(2), bytes: Some(1000) };
    let own = protocol::UploaderKeyId::from_bytes(*grid.key.id().as_bytes());
    let key = grid.key_of(Some(own), "*", scopes(true, true, true), quota).await;
    let limited = grid.uploader_with(Some(key));
    let more = "more".parse().unwrap();
    for (refused, what) in [
        (limited.put_project(&more, &spec(&more, FILE)).await.map(|_| ()), "may have 0 projects, has 1, and 1 more"),
        (
            limited.add_units(&primes(), &NewUnits { units: (0..3).map(unit).collect() }).await.map(|_| ()),
            "may have 2 units, has 0, and 3 more",
        ),
        (limited.put_program(vec![1; 2000].into(), None).await.map(|_| ()), "may have 1000 bytes, has "),
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.cause(), Some(Cause::QuotaExceeded), "{error}");
        assert!(error.to_string().contains(what), "{error}");
    }
    assert_eq!(grid.files(distributor::blobs::Kind::Program).await, 1);
}

#[tokio::test]
async fn json_that_is_not_understood_is_placed() {
    let grid = Grid::start().await;
    let body = "{\n  \"program\": 7 }";
    let key = grid.key.reveal();
    let request = format!(
        "PUT /v1/projects/primes HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = send(&grid, request.as_bytes()).await.unwrap();
    assert_eq!((answer.status, answer.cause().as_str()), (400, "bad_request"));
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("line 2 column 14"), "{detail}");
    assert_eq!(get(&grid, "/v1/projects/Bad_Name").await.cause(), "bad_request");
}
