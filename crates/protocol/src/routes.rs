//! Addresses, for the client. The distributor's router has the same ones as patterns, and a test compares both.

use crate::ids::{Digest, LeaseToken, ProjectName, UnitId};

/// `GET`: all projects.
pub const PROJECTS: &str = "/v1/projects";

/// `GET`: a page of the projects after this one.
pub fn projects_after(cursor: Option<&ProjectName>) -> String {
    cursor.map_or_else(|| PROJECTS.to_owned(), |cursor| format!("{PROJECTS}?cursor={cursor}"))
}

/// `POST`: a lease.
pub const LEASES: &str = "/v1/leases";

/// `GET`: the donor's own credit.
pub const DONOR: &str = "/v1/donors/me";

/// `PUT`, `GET`: a project.
pub fn project(name: &ProjectName) -> String {
    format!("/v1/projects/{name}")
}

/// `POST`, `GET`: its units.
pub fn units(name: &ProjectName) -> String {
    format!("/v1/projects/{name}/units")
}

/// `GET`: its results.
pub fn results(name: &ProjectName) -> String {
    format!("/v1/projects/{name}/results")
}

/// `POST`: marks results as collected.
pub fn collected(name: &ProjectName) -> String {
    format!("/v1/projects/{name}/collected")
}

/// `POST`: withdraws it.
pub fn withdraw_project(name: &ProjectName) -> String {
    format!("/v1/projects/{name}/withdraw")
}

/// `GET`: its events.
pub fn events(name: &ProjectName) -> String {
    format!("/v1/projects/{name}/events")
}

/// `PUT`, `GET`: a program file.
pub fn program(digest: &Digest) -> String {
    format!("/v1/programs/{digest}")
}

/// `PUT`, `GET`: a program's record.
pub fn record(digest: &Digest) -> String {
    format!("/v1/records/{digest}")
}

/// `GET`: a proof.
pub fn proof(digest: &Digest) -> String {
    format!("/v1/proofs/{digest}")
}

/// `GET`: an execution.
pub fn execution(digest: &Digest) -> String {
    format!("/v1/executions/{digest}")
}

/// `GET`: a unit.
pub fn unit(id: &UnitId) -> String {
    format!("/v1/units/{id}")
}

/// `POST`: puts a unit back into the queue.
pub fn retry_unit(id: &UnitId) -> String {
    format!("/v1/units/{id}/retry")
}

/// `POST`: withdraws it.
pub fn withdraw_unit(id: &UnitId) -> String {
    format!("/v1/units/{id}/withdraw")
}

/// `PUT`: its proof.
pub fn unit_proof(id: &UnitId) -> String {
    format!("/v1/units/{id}/proof")
}

/// `PUT`: its execution.
pub fn unit_execution(id: &UnitId) -> String {
    format!("/v1/units/{id}/execution")
}

/// `DELETE`: a lease.
pub fn lease(token: &LeaseToken) -> String {
    format!("/v1/leases/{token}")
}

/// `POST`: renews a lease.
pub fn renew(token: &LeaseToken) -> String {
    format!("/v1/leases/{token}/renew")
}
