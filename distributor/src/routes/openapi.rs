//! The OpenAPI document.

use super::{docs, donors, events, files, leases, operations, projects, results, submissions, units};
use protocol::{HEADER_KEY, PROBLEM_JSON, Problem};
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, ContentBuilder, OpenApi as Document, Ref, ResponseBuilder};
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
    modifiers(&Security, &Common),
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

/// Refusals that any address of a kind may give.
struct Common;

impl Modify for Common {
    fn modify(&self, document: &mut Document) {
        for (path, item) in &mut document.paths.paths {
            let methods = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete];
            for operation in methods.into_iter().flatten() {
                add_refusals(operation, path);
            }
        }
    }
}

fn add_refusals(operation: &mut Operation, path: &str) {
    let mut may = vec![
        (400, "`bad_request`, `protocol_version`"),
        (429, "`rate_limited`"),
        (500, "`internal`"),
        (503, "`busy`, `timeout`, `shutting_down`"),
        (507, "`storage_full`"),
    ];
    let signs = |scheme: &str| {
        let schemes = operation.security.iter().flatten().filter_map(|one| serde_json::to_value(one).ok());
        schemes.into_iter().any(|one| one.get(scheme).is_some())
    };
    if signs("uploader") {
        may.extend([(401, "`missing_key`, `bad_key`"), (403, "`key_revoked`, `out_of_scope`")]);
    }
    if signs("donor") {
        let causes = "`missing_signature`, `bad_signature`, `clock_skew`, `replayed`";
        may.extend([(401, causes), (403, "`key_revoked`")]);
    }
    if operation.request_body.is_some() {
        may.extend([(408, "`body_timeout`"), (413, "`too_large`")]);
    }
    if path.contains('{') {
        may.push((404, "nothing is there"));
    }
    for (status, description) in may {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let response = ResponseBuilder::new().description(description).content(PROBLEM_JSON, content).build();
        operation.responses.responses.entry(status.to_string()).or_insert_with(|| response.into());
    }
}

/// The document as JSON.
pub fn document() -> String {
    // Its parts are all known types, which have a JSON form.
    ApiDoc::openapi().to_pretty_json().unwrap_or_default()
}
