//! The table of addresses for people.

use serde_json::{Map, Value};
use std::collections::BTreeMap;
use utoipa::openapi::OpenApi;

/// The head of the table.
const HEAD: &str = "| request | who | what | body → answer | refused with |\n|---|---|---|---|---|\n";

/// Methods in their order, as the document and as people write them.
const METHODS: [(&str, &str); 4] = [("get", "GET"), ("put", "PUT"), ("post", "POST"), ("delete", "DELETE")];

/// All addresses as a Markdown table, those below `/v1` first.
pub fn markdown(document: &OpenApi) -> String {
    // Its parts are all known types, which have a JSON form.
    let document = serde_json::to_value(document).unwrap_or_default();
    let mut rows = Vec::new();
    for (path, item) in entries(&document["paths"]) {
        for (key, method) in METHODS {
            let row = item.get(key).map(|operation| row(method, path, operation));
            rows.extend(row.map(|row| (!path.starts_with("/v1"), row)));
        }
    }
    // Within both parts they stay in their order.
    rows.sort_by_key(|(later, _)| *later);
    rows.into_iter().fold(HEAD.to_owned(), |table, (_, row)| table + &row)
}

fn row(method: &str, path: &str, operation: &Value) -> String {
    let (taken, given) = (taken(operation), given(operation));
    let (who, what, causes) = (who(operation), what(operation), causes(operation));
    format!("| `{method} {path}` | {who} | {what} | {taken}→ {given} | {causes} |\n")
}

/// The entries of an object; none of anything else.
fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The scope of an access key, or `donor`.
fn who(operation: &Value) -> &str {
    let Some((scheme, scopes)) = entries(&operation["security"][0]).next() else { return "anyone" };
    scopes[0].as_str().unwrap_or(scheme)
}

/// The first sentence of what the handler says.
fn what(operation: &Value) -> String {
    let said = format!("{} {}", text(&operation["summary"]), text(&operation["description"])).replace('\n', " ");
    said.split_once(". ").map_or(said.as_str(), |(first, _)| first).trim().trim_end_matches('.').to_owned()
}

/// Query, headers and body.
fn taken(operation: &Value) -> String {
    let mut taken = String::new();
    let parameters = || operation["parameters"].as_array().into_iter().flatten();
    for place in ["query", "header"] {
        let named = parameters().filter(|one| one["in"] == place).map(|one| format!("`{}`", text(&one["name"])));
        let named = named.collect::<Vec<_>>().join(", ");
        if !named.is_empty() {
            taken = format!("{taken}{place} {named}; ");
        }
    }
    match held(&operation["requestBody"]) {
        body if body.is_empty() => taken,
        body => format!("{taken}{body} "),
    }
}

/// The answers that are no refusals, by what they hold.
fn given(operation: &Value) -> String {
    let mut answers: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (status, response) in entries(&operation["responses"]).filter(|(status, _)| status.starts_with(['2', '3'])) {
        answers.entry(held(response)).or_default().push(status);
    }
    let only = answers.len() == 1;
    let mut answers: Vec<_> = answers.into_iter().collect();
    answers.sort_by(|(_, a), (_, b)| a.cmp(b));
    let answers = answers.into_iter().map(|(held, statuses)| match statuses.as_slice() {
        ["200"] if only && !held.is_empty() => held,
        statuses => format!("{} {held}", statuses.join(" or ")).trim_end().to_owned(),
    });
    answers.collect::<Vec<_>>().join(", ")
}

/// What a body holds, if there is one: a type of the document, or a word for its kind.
fn held(body: &Value) -> String {
    let Some((media, content)) = entries(&body["content"]).next() else { return String::new() };
    let schema = &content["schema"];
    let name = |schema: &Value| schema["$ref"].as_str()?.rsplit('/').next().map(|name| format!("`{name}`"));
    let options = || schema["oneOf"].as_array().into_iter().flatten();
    match media.as_str() {
        "application/octet-stream" => "bytes".to_owned(),
        "text/html" => "page".to_owned(),
        "application/x-www-form-urlencoded" => "form".to_owned(),
        "text/event-stream" => format!("stream of {}", name(schema).unwrap_or_default()),
        "application/json" => {
            let optional = || options().find_map(name).map(|name| format!("{name} or nothing"));
            name(schema).or_else(optional).unwrap_or_else(|| "JSON".to_owned())
        }
        _ => "text".to_owned(),
    }
}

/// The causes of refusals that belong to the address.
fn causes(operation: &Value) -> String {
    let responses = entries(&operation["responses"]).filter(|(status, _)| status.starts_with(['4', '5']));
    responses.map(|(_, response)| text(&response["description"])).collect::<Vec<_>>().join(", ")
}
