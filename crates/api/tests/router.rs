//! The router, called without a socket.

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use dray_api::{
    router,
    v1::{ConnectionsQuery, Limit, StopMode, TemplatesQuery},
};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

#[path = "support/director.rs"]
mod director;

use director::{Call, Director};

#[tokio::test]
async fn status_is_what_the_backend_says() {
    let (status, kind, body) = ask(&Director::default(), get("/v1/status")).await;
    assert_eq!(
        (status, kind.as_str()),
        (StatusCode::OK, "application/json")
    );
    assert_eq!(
        body,
        serde_json::to_value(director::status()).expect("JSON")
    );
}

#[tokio::test]
async fn a_query_reaches_the_backend_parsed() {
    let director = Director::default();
    let uri =
        "/v1/connections?client=10.0.0.0/8&service=web&real=10.77.0.11&state=established&limit=7";
    let (status, _, body) = ask(&director, get(uri)).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["more"], json!(true));
    let first = &body["connections"][0];
    assert_eq!(first["virtual"], json!("10.77.0.100:80"));
    assert_eq!(first["real_port"], json!(8080));
    assert_eq!(first["forward"], json!("fullnat"));
    assert_eq!(first["local"], json!("10.77.0.200:1024"));
    let wanted = ConnectionsQuery {
        client: Some("10.0.0.0/8".parse().expect("a prefix")),
        service: Some("web".to_owned()),
        real: Some("10.77.0.11".parse().expect("an address")),
        state: Some("established".to_owned()),
        limit: Limit::new(7).expect("a limit"),
    };
    assert_eq!(director.calls(), [Call::Connections(wanted)]);
}

#[tokio::test]
async fn a_query_that_says_nothing_has_a_limit() {
    let director = Director::default();
    ask(&director, get("/v1/connections")).await;
    assert_eq!(
        director.calls(),
        [Call::Connections(ConnectionsQuery::default())]
    );
    assert_eq!(Limit::default().value(), 1_000);
}

#[tokio::test]
async fn templates_are_what_the_backend_says() {
    let director = Director::default();
    let (status, _, body) = ask(&director, get("/v1/templates?limit=7")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        body["templates"][0],
        json!({
            "client": "10.9.8.0",
            "mark": 5,
            "family": "ipv4",
            "service": "shop",
            "real": "10.77.0.11",
            "state": "ASSURED",
            "expires_seconds": 359,
            "connections": 2,
        })
    );
    let wanted = TemplatesQuery {
        limit: Limit::new(7).expect("a limit"),
    };
    assert_eq!(director.calls(), [Call::Templates(wanted)]);
    let (status, _, _) = ask(&director, get("/v1/templates?service=web")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_wrong_query_is_refused_and_says_what_is_wrong() {
    let cases = [
        ("client=10.0.0", "10.0.0.0/8"),
        ("client=10.0.0.0/33", "10.0.0.0/8"),
        ("real=web", "invalid IP address"),
        ("limit=0", "1 to 100000"),
        ("limit=100001", "1 to 100000"),
        ("limit=many", "invalid digit"),
        ("colour=red", "unknown field `colour`"),
    ];
    for (query, words) in cases {
        let director = Director::default();
        let (status, kind, body) = ask(&director, get(&format!("/v1/connections?{query}"))).await;
        assert_eq!(
            (status, kind.as_str()),
            (StatusCode::BAD_REQUEST, "application/problem+json"),
            "{query}"
        );
        let detail = body["detail"].as_str().expect("a detail");
        assert!(detail.contains(words), "{query}: {detail}");
        assert_eq!(director.calls(), [], "{query}");
    }
}

#[tokio::test]
async fn a_refused_reload_carries_every_error_with_its_place() {
    let director = Director::with_a_broken_config();
    let (status, kind, body) = ask(&director, post("/v1/reload", "")).await;
    assert_eq!(
        (status, kind.as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "application/problem+json")
    );
    assert_eq!(
        body,
        serde_json::to_value(director::bad_config()).expect("JSON")
    );
    assert_eq!(body["errors"][0]["line"], json!(3));
}

#[tokio::test]
async fn stop_takes_its_mode_from_the_body() {
    let director = Director::default();
    let (status, _, body) = ask(&director, post("/v1/stop", r#"{"mode":"withdraw"}"#)).await;
    assert_eq!(
        (status, body),
        (StatusCode::OK, json!({"mode": "withdraw"}))
    );
    let (status, _, _) = ask(&director, post("/v1/stop", r#"{"mode":"keep-forwarding"}"#)).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        director.calls(),
        [
            Call::Stop(StopMode::Withdraw),
            Call::Stop(StopMode::KeepForwarding)
        ]
    );
}

#[tokio::test]
async fn stop_without_a_mode_that_it_knows_stops_nothing() {
    for body in [
        "",
        "{}",
        r#"{"mode":"burn"}"#,
        r#"{"mode":"withdraw","now":true}"#,
    ] {
        let director = Director::default();
        let (status, kind, _) = ask(&director, post("/v1/stop", body)).await;
        assert_eq!(
            (status, kind.as_str()),
            (StatusCode::BAD_REQUEST, "application/problem+json"),
            "{body}"
        );
        assert_eq!(director.calls(), [], "{body}");
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_too() {
    let director = Director::default();
    let (status, kind, _) = ask(&director, get("/v2/status")).await;
    assert_eq!(
        (status, kind.as_str()),
        (StatusCode::NOT_FOUND, "application/problem+json")
    );
    let (status, kind, _) = ask(&director, post("/v1/status", "")).await;
    assert_eq!(
        (status, kind.as_str()),
        (StatusCode::METHOD_NOT_ALLOWED, "application/problem+json")
    );
}

async fn ask(director: &Director, request: Request<Body>) -> (StatusCode, String, Value) {
    let router: Router = router(director.clone());
    let response = router
        .oneshot(request)
        .await
        .expect("a router always answers");
    let status = response.status();
    let kind = response.headers()[header::CONTENT_TYPE]
        .to_str()
        .expect("text")
        .to_owned();
    let body = response
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    (status, kind, serde_json::from_slice(&body).expect("JSON"))
}

fn get(uri: &str) -> Request<Body> {
    Request::get(uri).body(Body::empty()).expect("a request")
}

fn post(uri: &str, body: &str) -> Request<Body> {
    Request::post(uri)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_owned()))
        .expect("a request")
}
