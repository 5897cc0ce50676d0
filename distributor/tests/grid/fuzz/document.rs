//! What the OpenAPI document promises.

use super::wire::{Answer, Request};
use protocol::Cause;
use serde_json::Value;
use std::collections::BTreeMap;

/// One kind of request in the document.
pub struct Operation {
    pub method: String,
    pub path: String,
    pub query: Vec<String>,
    pub headers: Vec<String>,
    pub security: Option<String>,
    /// Schema of the body, or none for bytes.
    pub body: Option<Option<Value>>,
    /// Media types of each status.
    pub answers: BTreeMap<u16, Vec<String>>,
}

impl Operation {
    pub fn read(method: &str, path: &str, said: &Value) -> Self {
        let parameters = said["parameters"].as_array().cloned().unwrap_or_default();
        let named = |place: &str| {
            let there = parameters.iter().filter(|parameter| parameter["in"] == place);
            there.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect()
        };
        let answers = said["responses"].as_object().unwrap().iter().map(|(status, answer)| {
            let kinds = answer["content"].as_object().into_iter().flat_map(|content| content.keys().cloned());
            (status.parse().unwrap(), kinds.collect())
        });
        let body = said.get("requestBody").map(|body| body["content"].get("application/json"));
        Self {
            method: method.to_uppercase(),
            path: path.to_owned(),
            query: named("query"),
            headers: named("header"),
            security: said["security"][0].as_object().and_then(|one| one.keys().next().cloned()),
            body: body.map(|json| json.map(|json| json["schema"].clone())),
            answers: answers.collect(),
        }
    }

    /// Whether the answer is one that was promised.
    pub fn check(&self, answer: &Answer, request: &Request) {
        let about = || format!("{} {}\n{}\n{:?}", self.method, self.path, request.show(), answer);
        let Some(kinds) = self.answers.get(&answer.status) else {
            panic!("the document does not promise status {}: {}", answer.status, about());
        };
        assert_eq!(answer.header("cairn-protocol"), Some("3"), "{}", about());
        let kind = answer.header("content-type").unwrap_or_default();
        let promised = kinds.iter().any(|promised| kind.starts_with(promised.as_str()));
        assert!(promised || (kinds.is_empty() && answer.body.is_empty()), "{kind}: {}", about());
        if kind == "application/json" {
            assert!(serde_json::from_slice::<Value>(&answer.body).is_ok(), "{}", about());
        }
        if answer.status < 400 {
            return;
        }
        let problem: Value =
            serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", about()));
        let cause = Cause::ALL.iter().find(|cause| problem["cause"] == cause.name());
        assert!(cause.is_some_and(|cause| cause.status() == answer.status), "{}", about());
        assert_eq!(problem["request_id"].as_str(), answer.header("x-request-id"), "{}", about());
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.chars().count() <= 1001 && !detail.chars().any(char::is_control), "{}", about());
        if matches!(answer.status, 429 | 503 | 507) {
            let seconds = answer.header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
            assert!(seconds.is_some_and(|seconds| (1..=3600).contains(&seconds)), "{}", about());
        }
        assert_ne!(answer.status, 500, "{}", about());
    }
}
