//! The addresses: [`list`] has them all, and each of the other modules holds the handlers of one kind.

mod browser;
mod docs;
mod donors;
mod events;
mod extract;
mod figures;
mod files;
mod layers;
mod leases;
mod list;
mod openapi;
mod operations;
mod owner;
mod pages;
mod profiles;
mod projects;
mod removal;
mod results;
mod submissions;
mod table;
mod units;

pub use list::{document, table};

use crate::addresses::Addresses;
use crate::app::App;
use crate::linger::linger;
use crate::observe::observe;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::{Extension, Router};
use docs::Document;
use layers::{by_source, in_time, no_method, no_route, panicked, versioned};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

/// Everything that is served.
pub fn router(app: App) -> Router {
    layered(app, list::brief(), list::long())
}

/// Puts the layers around the addresses. What their document does not list is not served.
fn layered(app: App, brief: OpenApiRouter<App>, long: OpenApiRouter<App>) -> Router {
    let brief = brief.layer(from_fn_with_state(app.clone(), in_time));
    let (routes, described) = brief.merge(long).split_for_parts();
    let addresses = Addresses::new(described.paths.paths.keys().map(String::as_str));
    routes
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(Extension(Document::new(described)))
        .layer(from_fn(versioned))
        .layer(from_fn_with_state(app.clone(), by_source))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(linger))
        .layer(from_fn_with_state((app.clone(), addresses), observe))
        .with_state(app)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::app::Parts;
    use crate::config::{Place, Settings};
    use crate::{blobs, store};
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use axum::routing::get;
    use hyper::service::Service as _;
    use hyper_util::service::TowerToHyperService;

    #[tokio::test]
    async fn what_is_not_documented_is_not_served() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place { data: Some(folder.path().to_owned()), ..Place::default() };
        let store = store::open(&place.database(), store::IfMissing::Make).await.unwrap();
        let blobs = blobs::open(&place.blobs(), blobs::Use::Look).unwrap();
        let app = App::new(Parts::new(store, blobs, Settings::default()));
        let brief = list::brief().route("/v1/secret", get(async || "told"));
        let service = TowerToHyperService::new(layered(app, brief, list::long()));
        let ask = |path: &str| service.call(Request::get(path).body(Body::empty()).unwrap());
        assert_eq!(ask("/healthz").await.unwrap().status(), StatusCode::OK);
        assert_eq!(ask("/v1/secret").await.unwrap().status(), StatusCode::NOT_FOUND);
    }
}
