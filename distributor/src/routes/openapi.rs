//! The OpenAPI document.

use super::{docs, donors, events, files, leases, operations, projects, results, submissions, units};
use protocol::{HEADER_KEY, Problem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, OpenApi as Document};
use utoipa::{Modify, OpenApi};

/// All addresses with their types.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Cairn distributor",
        description = "Uploaders bring programs and argument sets, donors borrow units and bring proofs. Refusals are \
                       `application/problem+json` with a `cause` for programs and a `detail` for people.",
        version = "1"
    ),
    paths(
        projects::list, projects::get, projects::put, projects::withdraw,
        units::add, units::list, units::get, units::retry, units::withdraw,
        results::list, results::collected, events::stream,
        files::put_program, files::get_program, files::put_record, files::get_record, files::get_proof,
        files::get_execution,
        leases::lease, leases::renew, leases::release,
        submissions::proof, submissions::execution,
        donors::me,
        operations::healthz, operations::readyz, operations::metrics, docs::openapi, docs::page, docs::status,
    ),
    components(schemas(Problem)),
    modifiers(&Security),
    tags(
        (name = "projects", description = "Programs with their limits"),
        (name = "units", description = "Programs with arguments"),
        (name = "results", description = "What was proved"),
        (name = "files", description = "Files under their digests"),
        (name = "leases", description = "Units lent to donors"),
        (name = "submissions", description = "What donors bring"),
        (name = "donors", description = "Credit"),
        (name = "operations", description = "For operators"),
    )
)]
pub struct ApiDoc;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut Document) {
        let bearer =
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("Access key `cairn_<id>_<secret>`"));
        let signature = ApiKeyValue::with_description(
            HEADER_KEY,
            "Signed request: the headers cairn-key, cairn-time, cairn-nonce, cairn-content-sha256 and cairn-signature, see docs/API.md",
        );
        let components = document.components.get_or_insert_with(Components::new);
        components.add_security_scheme("uploader", SecurityScheme::Http(bearer.build()));
        components.add_security_scheme("donor", SecurityScheme::ApiKey(ApiKey::Header(signature)));
    }
}

/// The document as JSON.
pub fn document() -> String {
    // Its parts are all known types, which have a JSON form.
    ApiDoc::openapi().to_pretty_json().unwrap_or_default()
}
