//! All addresses, each once: the router serves what stands here, and the OpenAPI document, the table in `docs/API.md`, the labels of
//! the figures and the fuzz test are made from it. Method, path, types and refusals of an address stand at its handler.

use super::table::markdown;
use super::{
    browser, docs, donors, events, figures, files, leases, openapi, operations, owner, pages, profiles, projects,
    removal, results, submissions, units,
};
use crate::app::App;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Addresses that answer at once.
pub fn brief() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(projects::list))
        .routes(routes!(projects::get, projects::put, removal::delete))
        .routes(routes!(projects::withdraw))
        .routes(routes!(results::list))
        .routes(routes!(results::collected))
        .routes(routes!(results::runs))
        .routes(routes!(units::get))
        .routes(routes!(units::retry))
        .routes(routes!(units::prove_again))
        .routes(routes!(units::withdraw))
        .routes(routes!(leases::lease))
        .routes(routes!(leases::release))
        .routes(routes!(leases::renew))
        .routes(routes!(donors::me))
        .routes(routes!(profiles::get, profiles::put))
        .routes(routes!(profiles::page, profiles::put_page))
        .routes(routes!(figures::figures))
        .routes(routes!(figures::grid_series))
        .routes(routes!(figures::leaderboard))
        .routes(routes!(figures::project))
        .routes(routes!(figures::project_series))
        .routes(routes!(figures::donor))
        .routes(routes!(figures::donor_series))
        .routes(routes!(figures::team))
        .routes(routes!(figures::team_series))
        .routes(routes!(operations::healthz))
        .routes(routes!(operations::readyz))
        .routes(routes!(operations::metrics))
        .routes(routes!(docs::openapi))
        .routes(routes!(pages::front))
        .routes(routes!(pages::projects))
        .routes(routes!(pages::project))
        .routes(routes!(pages::leaderboard))
        .routes(routes!(pages::donors))
        .routes(routes!(pages::donor))
        .routes(routes!(pages::certificate))
        .routes(routes!(pages::teams))
        .routes(routes!(pages::team))
        .routes(routes!(pages::docs))
        .routes(routes!(owner::home))
        .routes(routes!(owner::sign_in))
        .routes(routes!(owner::sign_out))
        .routes(routes!(owner::project))
        .routes(routes!(owner::put_page))
        .routes(routes!(owner::retry))
        .routes(routes!(owner::withdraw))
        .routes(routes!(pages::asset))
        .routes(routes!(browser::donate))
        .routes(routes!(browser::verify))
        .routes(routes!(browser::check))
}

/// Addresses that move large bodies, or never end; they watch their pace themselves.
pub fn long() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(units::add, units::list))
        .routes(routes!(events::stream))
        .routes(routes!(figures::live))
        .routes(routes!(files::put_program, files::get_program))
        .routes(routes!(files::put_record, files::get_record))
        .routes(routes!(files::get_proof, submissions::proof))
        .routes(routes!(files::get_execution))
        .routes(routes!(browser::checked_proof))
        .routes(routes!(browser::file))
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
