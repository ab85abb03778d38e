//! The description of the API (OpenAPI).

use axum::http::Method;
use dray_api::openapi;
use serde_json::Value;

use crate::support::{
    ask::{ask, bare, get},
    director::Director,
};

fn described() -> Value {
    serde_json::from_str(&openapi()).expect("JSON")
}

/// Every operation: method, path, and what is said of it.
fn operations(description: &Value) -> Vec<(Method, String, &Value)> {
    let paths = description["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().expect("methods");
        methods.iter().map(move |(method, operation)| {
            let method = method.to_uppercase().parse().expect("a method");
            (method, path.clone(), operation)
        })
    });
    operations.collect()
}

#[tokio::test]
async fn the_daemon_gives_its_description() {
    let body = ask(&Director::default(), get("/v1/openapi.json"))
        .await
        .success(200);
    assert_eq!(body, described());
    assert_eq!(body["openapi"], "3.1.0");
}

#[tokio::test]
async fn every_operation_that_is_described_is_there() {
    let description = described();
    let operations = operations(&description);
    assert!(operations.len() > 30, "{}", operations.len());
    for (method, path, _) in operations {
        // The stream of events would not end.
        if path == "/v1/events" {
            continue;
        }
        let uri = path
            .replace("{name}", "web")
            .replace("{address}", "10.77.0.11")
            .replace("{number}", "1")
            .replace("{id}", "1");
        let answer = ask(&Director::default(), bare(method.clone(), &uri)).await;
        assert_ne!(answer.status, 405, "{method} {path}");
        if answer.status == 404 {
            let problem = answer.problem(404);
            assert!(!problem.detail.contains("nothing at"), "{method} {path}");
        }
    }
}

#[test]
fn every_operation_has_a_name_of_its_own_a_summary_and_what_it_may_refuse() {
    let description = described();
    let operations = operations(&description);
    let mut names: Vec<_> = operations
        .iter()
        .map(|(_, _, operation)| operation["operationId"].as_str().expect("a name"))
        .collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), operations.len());
    for (method, path, operation) in &operations {
        assert!(operation["summary"].is_string(), "{method} {path}");
        let responses = operation["responses"].as_object().expect("responses");
        for status in ["400", "401", "403", "500", "503"] {
            let content = &responses[status]["content"];
            assert!(
                content["application/problem+json"].is_object(),
                "{method} {path}"
            );
        }
        let described = |response: &Value| {
            let description = response["description"].as_str();
            description.is_some_and(|text| !text.is_empty())
        };
        assert!(responses.values().all(described), "{method} {path}");
        let takes_body = operation["requestBody"].is_object();
        assert_eq!(takes_body, responses.contains_key("413"), "{method} {path}");
    }
}

#[test]
fn everything_that_is_named_is_described() {
    let text = openapi();
    let description = described();
    let schemas = &description["components"]["schemas"];
    let named = text.split("#/components/schemas/").skip(1);
    for name in named.map(|rest| rest.split('"').next().expect("a name")) {
        assert!(schemas[name].is_object(), "{name}");
    }
}
