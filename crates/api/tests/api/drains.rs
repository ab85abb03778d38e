//! Drains.

use axum::http::header;
use serde_json::json;

use crate::support::{
    ask::{ask, delete, get, post},
    director::Director,
};

#[tokio::test]
async fn a_drain_is_started_seen_and_called_off() {
    let director = Director::default();
    let request = r#"{"real": "10.77.0.11", "service": "web", "deadline": "5m", "then": "move"}"#;
    let started = ask(&director, post("/v1/drains", request)).await;
    let drain = started.success(201);
    assert_eq!(started.header(header::LOCATION), "/v1/drains/1");
    assert_eq!(
        (&drain["then"], &drain["seconds_left"]),
        (&json!("move"), &json!(300))
    );
    assert_eq!(
        drain["destinations"],
        json!([{"service": "web", "real": "10.77.0.11"}])
    );
    assert_eq!(
        ask(&director, get("/v1/drains/1")).await.success(200),
        drain
    );
    let all = ask(&director, get("/v1/drains")).await.success(200);
    assert_eq!(all, json!({"drains": [drain]}));
    ask(&director, post("/v1/drains", request))
        .await
        .problem(409);
    assert_eq!(
        ask(&director, delete("/v1/drains/1")).await.success(200),
        drain
    );
    ask(&director, delete("/v1/drains/1")).await.problem(404);
    ask(&director, get("/v1/drains/1")).await.problem(404);
}

#[tokio::test]
async fn what_cannot_be_drained_is_refused() {
    let director = Director::default();
    for (request, status) in [
        (r#"{"real": "10.77.0.99", "deadline": "5m"}"#, 404),
        (r#"{"real": "web", "deadline": "5m"}"#, 404),
        (
            r#"{"real": "10.77.0.11", "service": "none", "deadline": "5m"}"#,
            404,
        ),
        (r#"{"real": "10.77.0.11", "deadline": "5"}"#, 422),
        (r#"{"real": "10.77.0.11"}"#, 422),
        (
            r#"{"real": "10.77.0.11", "deadline": "5m", "then": "burn"}"#,
            422,
        ),
        (
            r#"{"real": "10.77.0.11", "deadline": "5m", "now": true}"#,
            422,
        ),
    ] {
        ask(&director, post("/v1/drains", request))
            .await
            .problem(status);
    }
    ask(&director, get("/v1/drains/-1")).await.problem(400);
    assert_eq!(director.calls(), []);
}
