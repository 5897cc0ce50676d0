//! Addresses, for the client. The distributor's router has the same ones as patterns, and a test compares both.

use crate::ids::{Digest, LeaseToken, ProjectName, UnitId};

/// `GET`: all projects.
pub const PROJECTS: &str = "/v1/projects";

/// `GET`: a page of the projects after this one, with those that were withdrawn or without.
pub fn projects_after(cursor: Option<&ProjectName>, withdrawn: bool) -> String {
    match (cursor, withdrawn) {
        (None, false) => PROJECTS.to_owned(),
        (Some(cursor), false) => format!("{PROJECTS}?cursor={cursor}"),
        (None, true) => format!("{PROJECTS}?withdrawn=true"),
        (Some(cursor), true) => format!("{PROJECTS}?cursor={cursor}&withdrawn=true"),
    }
}

/// `POST`: a lease.
pub const LEASES: &str = "/v1/leases";

/// `GET`: the donor's own credit.
pub const DONOR: &str = "/v1/donors/me";

/// `PUT`, `GET`: what the donor says of itself.
pub const PROFILE: &str = "/v1/donors/me/profile";

/// `PUT`, `GET`: what visitors are told of a project.
pub fn page(name: &ProjectName) -> String {
    format!("/v1/projects/{name}/page")
}

/// `PUT`, `GET`, `DELETE`: a project.
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

/// `GET`: of which runs a proof is.
pub fn project_proof(name: &ProjectName, digest: &Digest) -> String {
    format!("/v1/projects/{name}/proofs/{digest}")
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

/// `GET`: a proof; `PUT`: a proof of units, followed by its trailer.
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

/// `POST`: has it proven again, though its result is there.
pub fn prove_again(id: &UnitId) -> String {
    format!("/v1/units/{id}/prove-again")
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

/// `GET`: what is needed to check a proof.
pub fn check(digest: &Digest) -> String {
    format!("/v1/checks/{digest}")
}

/// `GET`: the proof, for whoever checks it.
pub fn checked_proof(digest: &Digest) -> String {
    format!("/v1/checks/{digest}/proof")
}
