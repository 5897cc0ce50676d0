//! All addresses, each once: the router serves what stands here, and the OpenAPI document, the table in `docs/API.md`, the labels of
//! the figures and the fuzz test are made from it. Method, path, types and refusals of an address stand at its handler.

use super::table::markdown;
use super::{docs, donors, events, files, leases, openapi, operations, projects, results, submissions, units};
use crate::app::App;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Addresses that answer at once.
pub fn brief() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(projects::list))
        .routes(routes!(projects::get, projects::put))
        .routes(routes!(projects::withdraw))
        .routes(routes!(results::list))
        .routes(routes!(results::collected))
        .routes(routes!(units::get))
        .routes(routes!(units::retry))
        .routes(routes!(units::withdraw))
        .routes(routes!(leases::lease))
        .routes(routes!(leases::release))
        .routes(routes!(leases::renew))
        .routes(routes!(donors::me))
        .routes(routes!(operations::healthz))
        .routes(routes!(operations::readyz))
        .routes(routes!(operations::metrics))
        .routes(routes!(docs::openapi))
        .routes(routes!(docs::page))
        .routes(routes!(docs::status))
}

/// Addresses that move large bodies, or never end; they watch their pace themselves.
pub fn long() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(units::add, units::list))
        .routes(routes!(events::stream))
        .routes(routes!(files::put_program, files::get_program))
        .routes(routes!(files::put_record, files::get_record))
        .routes(routes!(files::get_proof))
        .routes(routes!(files::get_execution))
        .routes(routes!(submissions::proof))
        .routes(routes!(submissions::execution))
}

/// What the handlers say of themselves.
pub fn described() -> OpenApi {
    brief().merge(long()).into_openapi()
}

/// The OpenAPI document as JSON.
pub fn document() -> String {
    // Its parts are all known types, which have a JSON form.
    openapi::complete(described()).to_pretty_json().unwrap_or_default()
}

/// The table of addresses in `docs/API.md`.
pub fn table() -> String {
    markdown(&described())
}
