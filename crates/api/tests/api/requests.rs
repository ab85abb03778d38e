//! Requests that no operation takes, and callers who may not.

use axum::{
    body::Body,
    http::{Method, Request, header},
};
use dray_api::{Access, Caller, v1::Problem};

use crate::support::{
    ask::{ask, ask_as, ask_plainly, bare, get, patch, post, with_body},
    director::Director,
};

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_too() {
    let director = Director::default();
    for uri in [
        "/",
        "/v2/status",
        "/v1",
        "/v1/status/",
        "/v1//status",
        "/v1/services/",
        "/v1/services/web/reals/",
    ] {
        ask(&director, get(uri)).await.problem(404);
    }
    for (method, uri, allowed) in [
        (Method::POST, "/v1/status", "GET,HEAD"),
        (Method::DELETE, "/v1/configuration", "GET,HEAD,PUT"),
        (Method::TRACE, "/v1/services", "GET,HEAD,POST,DELETE"),
        (Method::OPTIONS, "/v1/openapi.json", "GET,HEAD"),
    ] {
        let answer = ask(&director, bare(method, uri)).await;
        answer.problem(405);
        assert_eq!(answer.header(header::ALLOW), allowed, "{uri}");
    }
}

#[tokio::test]
async fn a_path_that_is_not_utf8_is_refused() {
    let director = Director::default();
    ask(&director, get("/v1/services/%ff")).await.problem(400);
    ask(&director, get("/v1/services/web/reals/%c3%28"))
        .await
        .problem(400);
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused() {
    let director = Director::default();
    for body in ["", "{", "{\"name\": }", "\u{feff}{}", "name = 1"] {
        let problem = ask(&director, post("/v1/services", body))
            .await
            .problem(400);
        assert!(problem.detail.contains("not JSON"), "{}", problem.detail);
    }
    ask(&director, patch("/v1/director", "{}{}"))
        .await
        .problem(400);
    let mut request = patch("/v1/director", "");
    *request.body_mut() = Body::from(vec![b'"', 0xff, b'"']);
    ask(&director, request).await.problem(400);
    let deep = "[".repeat(100_000);
    ask(&director, patch("/v1/director", &deep))
        .await
        .problem(400);
}

#[tokio::test]
async fn a_body_of_another_kind_is_refused() {
    let director = Director::default();
    for kind in ["text/plain", "application/toml", "", "application/jsonx"] {
        let request = with_body(Method::POST, "/v1/services", kind, "{}");
        ask(&director, request).await.problem(415);
    }
    let request = Request::post("/v1/services")
        .body(Body::from("{}"))
        .expect("a request");
    ask(&director, request).await.problem(415);
    for kind in ["application/json; charset=utf-8", "Application/JSON"] {
        let request = with_body(Method::POST, "/v1/services", kind, "{}");
        ask(&director, request).await.problem(422);
    }
    let request = with_body(
        Method::PATCH,
        "/v1/director",
        "application/merge-patch+json",
        "{}",
    );
    ask(&director, request).await.success(200);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let director = Director::default();
    let fits = format!("{{{}", " ".repeat((1 << 20) - 1));
    ask(&director, post("/v1/services", &fits))
        .await
        .problem(400);
    let large = format!("{fits} ");
    let problem = ask(&director, post("/v1/services", &large))
        .await
        .problem(413);
    assert!(problem.detail.contains("1 MiB"), "{}", problem.detail);
    // A configuration may have more, but not everything.
    let request = with_body(Method::PUT, "/v1/configuration", "application/json", &large);
    ask(&director, request).await.problem(400);
    let huge = " ".repeat((64 << 20) + 1);
    let request = with_body(Method::PUT, "/v1/configuration", "application/toml", &huge);
    ask(&director, request).await.problem(413);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_given_up() {
    let director = Director::default();
    let forever =
        Body::from_stream(futures_util::stream::pending::<Result<&str, std::io::Error>>());
    let mut request = post("/v1/services", "");
    *request.body_mut() = forever;
    ask(&director, request).await.problem(408);
}

#[tokio::test]
async fn who_may_only_read_changes_nothing() {
    let director = Director::default();
    for uri in [
        "/v1/status",
        "/v1/configuration",
        "/v1/services/web",
        "/v1/drains",
        "/v1/openapi.json",
    ] {
        ask_as(&director, Access::Read, get(uri)).await.success(200);
    }
    for (method, uri) in [
        (Method::PUT, "/v1/configuration"),
        (Method::PUT, "/v1/configuration?plan=true"),
        (Method::POST, "/v1/configuration/confirm"),
        (Method::POST, "/v1/rollback"),
        (Method::POST, "/v1/services"),
        (Method::DELETE, "/v1/services/web"),
        (Method::PATCH, "/v1/services/web/reals/10.77.0.11"),
        (Method::PATCH, "/v1/director"),
        (Method::DELETE, "/v1/connections?all=true"),
        (Method::POST, "/v1/drains"),
        (Method::DELETE, "/v1/drains/1"),
        (Method::POST, "/v1/zero"),
        (Method::POST, "/v1/reload"),
        (Method::POST, "/v1/stop"),
    ] {
        let request = with_body(method, uri, "application/json", "{}");
        let problem = ask_as(&director, Access::Read, request).await.problem(403);
        assert!(problem.detail.contains("the test"), "{}", problem.detail);
    }
    assert_eq!(director.calls(), []);
}

#[tokio::test]
async fn who_was_not_let_in_sees_nothing_at_all() {
    let director = Director::default();
    for uri in [
        "/v1/status",
        "/v1/openapi.json",
        "/v1/events",
        "/v1/nowhere",
    ] {
        ask_plainly(&director, get(uri)).await.problem(403);
        let mut request = get(uri);
        let refused: Result<Caller, _> = Err(Problem::unauthorized("who are you?"));
        request.extensions_mut().insert(refused);
        let answer = ask_plainly(&director, request).await;
        answer.problem(401);
        assert_eq!(answer.header(header::WWW_AUTHENTICATE), "Bearer");
    }
}
