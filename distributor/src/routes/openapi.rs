//! What the OpenAPI document says beside the addresses themselves.

use protocol::{HEADER_KEY, PROBLEM_JSON, Problem};
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, ContentBuilder, OpenApi as Document, Ref, RefOr, ResponseBuilder};

/// The beginning of the document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Cairn distributor",
        description = "Uploaders bring programs and argument sets, donors borrow units and bring proofs. Refusals are \
                       `application/problem+json` with a `cause` for programs and a `detail` for people.",
        version = "1"
    ),
    components(schemas(Problem)),
    tags(
        (name = "projects", description = "Programs with their limits"),
        (name = "units", description = "Programs with arguments"),
        (name = "results", description = "What was proved"),
        (name = "files", description = "Files under their digests"),
        (name = "leases", description = "Units lent to donors"),
        (name = "submissions", description = "What donors bring"),
        (name = "donors", description = "Credit"),
        (name = "figures", description = "What was proven, when and by whom"),
        (name = "site", description = "Pages for people"),
        (name = "pages", description = "For browsers"),
        (name = "operations", description = "For operators"),
    )
)]
struct Frame;

/// The whole document: the addresses, how requests are authenticated, and the refusals that any address of a kind may give.
pub fn complete(addresses: Document) -> Document {
    let mut document = Frame::openapi();
    document.merge(addresses);
    add_security(&mut document);
    for (path, item) in &mut document.paths.paths {
        for operation in operations_mut(item) {
            add_refusals(operation, path);
        }
    }
    document
}

fn operations_mut(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete].into_iter().flatten()
}

fn add_security(document: &mut Document) {
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

/// By which scheme a request is authenticated, unless anyone may make it.
fn scheme(operation: &Operation) -> Option<String> {
    let first = serde_json::to_value(operation.security.as_ref()?.first()?).ok()?;
    first.as_object()?.keys().next().cloned()
}

/// Completes the refusals that the handler names, which say only their causes, and adds those of every such request.
fn add_refusals(operation: &mut Operation, path: &str) {
    let mut may = vec![
        (400, "`bad_request`, `protocol_version`"),
        (429, "`rate_limited`"),
        (500, "`internal`"),
        (503, "`busy`, `timeout`, `shutting_down`"),
        (507, "`storage_full`"),
    ];
    match scheme(operation).as_deref() {
        Some("uploader") => may.extend([(401, "`missing_key`, `bad_key`"), (403, "`key_revoked`, `out_of_scope`")]),
        Some("donor") => {
            let causes = "`missing_signature`, `bad_signature`, `clock_skew`, `replayed`";
            may.extend([(401, causes), (403, "`key_revoked`")]);
        }
        _ => {}
    }
    if operation.request_body.is_some() {
        may.extend([(400, "`digest_mismatch`, `body_broken`"), (408, "`body_timeout`"), (413, "`too_large`")]);
    }
    if path.contains('{') {
        // What stands in its place may hold a slash.
        may.push((404, "`unknown_route`"));
    }
    for (status, causes) in may {
        let empty = || ResponseBuilder::new().build().into();
        let response = operation.responses.responses.entry(status.to_string()).or_insert_with(empty);
        let RefOr::T(response) = response else { continue };
        for cause in causes.split(", ") {
            if !response.description.contains(cause) {
                let comma = if response.description.is_empty() { "" } else { ", " };
                response.description.push_str(&format!("{comma}{cause}"));
            }
        }
    }
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if status.starts_with(['4', '5']) {
            let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
            response.content.insert(PROBLEM_JSON.to_owned(), problem.into());
        }
    }
}
