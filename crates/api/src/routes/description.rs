//! The description of the API (OpenAPI 3.1).

use std::sync::LazyLock;

use axum::{http::header, response::IntoResponse};
use serde_json::Value;
use utoipa::OpenApi;

use super::Description;
use crate::request::Reader;

/// The description of the API as JSON.
pub(super) async fn description(_: Reader) -> impl IntoResponse {
    static TEXT: LazyLock<String> = LazyLock::new(openapi);
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str())
}

/// The description of the API (OpenAPI 3.1) as JSON, which `GET /v1/openapi.json` answers.
pub fn openapi() -> String {
    let description = serde_json::to_value(Description::openapi());
    let mut description = description.expect("a description has only plain fields");
    name_unsigned(&mut description);
    if let Some(Value::Object(paths)) = description.get_mut("paths") {
        let methods = paths.values_mut().filter_map(Value::as_object_mut);
        methods
            .flat_map(|methods| methods.values_mut())
            .for_each(describe_responses);
    }
    format!("{description:#}\n")
}

/// Gives unsigned integers their format of OpenAPI's registry: with that of signed ones, half of them would be out of range.
fn name_unsigned(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let is_unsigned = members.get("minimum").and_then(Value::as_u64).is_some();
            let format = members.get("format").and_then(Value::as_str);
            let unsigned = match format {
                Some("int32") if is_unsigned => Some("uint32"),
                Some("int64") if is_unsigned => Some("uint64"),
                _ => None,
            };
            if let Some(unsigned) = unsigned {
                members.insert("format".to_owned(), unsigned.into());
            }
            members.values_mut().for_each(name_unsigned);
        }
        Value::Array(items) => items.iter_mut().for_each(name_unsigned),
        _ => {}
    }
}

/// A response must have a description; that of one which says nothing more is what its operation is for.
fn describe_responses(operation: &mut Value) {
    let summary = operation["summary"].clone();
    let Some(Value::Object(responses)) = operation.get_mut("responses") else {
        return;
    };
    for response in responses.values_mut().filter_map(Value::as_object_mut) {
        let description = response.entry("description").or_insert(Value::Null);
        if description.as_str().is_none_or(str::is_empty) {
            *description = summary.clone();
        }
    }
}
