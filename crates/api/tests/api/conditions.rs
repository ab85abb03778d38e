//! Entity tags: nobody overwrites what it has not seen.

use axum::http::{
    Method, StatusCode,
    header::{ETAG, IF_MATCH, IF_NONE_MATCH},
};

use crate::support::{
    ask::{ask, delete, get, patch, post, put, with, with_body},
    director::{CONFIGURATION, Director},
};

const REAL: &str = "/v1/services/web/reals/10.77.0.11";
const NEW: &str = r#"{"name": "new", "address": "tcp://10.77.0.103:1"}"#;

async fn tag(director: &Director, uri: &str) -> String {
    ask(director, get(uri)).await.header(ETAG).to_owned()
}

#[tokio::test]
async fn of_two_writers_who_saw_the_same_one_is_refused() {
    let director = Director::default();
    let seen = tag(&director, REAL).await;
    let first = with(patch(REAL, r#"{"weight": 5}"#), IF_MATCH, &seen);
    let answer = ask(&director, first).await;
    answer.success(200);
    let second = with(patch(REAL, r#"{"weight": 6}"#), IF_MATCH, &seen);
    let problem = ask(&director, second).await.problem(412);
    let now = answer.header(ETAG);
    assert!(problem.detail.contains(now), "{}", problem.detail);
    assert_eq!(director.desired().services[0].reals[0].weight.value(), 5);
    let again = with(patch(REAL, r#"{"weight": 6}"#), IF_MATCH, now);
    ask(&director, again).await.success(200);
}

#[tokio::test]
async fn writers_of_different_things_are_not_in_each_others_way() {
    let director = Director::default();
    let seen = tag(&director, "/v1/services/six").await;
    ask(&director, patch(REAL, r#"{"weight": 5}"#))
        .await
        .success(200);
    let other = patch("/v1/services/six", r#"{"scheduler": "rr"}"#);
    ask(&director, with(other, IF_MATCH, &seen))
        .await
        .success(200);
}

#[tokio::test]
async fn every_change_can_be_made_to_what_was_seen_and_to_nothing_else() {
    let cases = [
        (Method::PATCH, "/v1/services/web", "{}", "/v1/services/web"),
        (Method::PUT, "/v1/services/web", NEW, "/v1/services/web"),
        (Method::DELETE, "/v1/services/web", "", "/v1/services/web"),
        (
            Method::POST,
            "/v1/services/web/reals",
            r#"{"address": "10.77.0.15"}"#,
            "/v1/services/web/reals",
        ),
        (Method::PUT, REAL, r#"{"address": "10.77.0.16"}"#, REAL),
        (Method::PATCH, REAL, "{}", REAL),
        (Method::DELETE, REAL, "", REAL),
        (Method::PATCH, "/v1/director", "{}", "/v1/director"),
        (Method::POST, "/v1/services", NEW, "/v1/services"),
        (Method::DELETE, "/v1/services", "", "/v1/configuration"),
    ];
    for (method, uri, body, seen_at) in cases {
        let director = Director::default();
        let request = || with_body(method.clone(), uri, "application/json", body);
        let stale = with(request(), IF_MATCH, "\"stale\", W/\"1\"");
        ask(&director, stale).await.problem(412);
        assert_eq!(director.calls(), [], "{method} {uri}");
        let seen = tag(&director, seen_at).await;
        let fresh = with(request(), IF_MATCH, &format!("\"stale\", {seen}"));
        let answer = ask(&director, fresh).await;
        assert!(answer.status.is_success(), "{method} {uri}: {answer:?}");
        let whatever_is_there = with(request(), IF_MATCH, "*");
        let answer = ask(&Director::default(), whatever_is_there).await;
        assert!(answer.status.is_success(), "{method} {uri}: {answer:?}");
    }
}

#[tokio::test]
async fn a_whole_configuration_replaces_only_the_revision_that_was_seen() {
    let director = Director::default();
    let seen = tag(&director, "/v1/configuration").await;
    let put = |query: &str| {
        let uri = format!("/v1/configuration{query}");
        with_body(Method::PUT, &uri, "application/toml", CONFIGURATION)
    };
    ask(&director, with(put(""), IF_MATCH, &seen))
        .await
        .success(200);
    ask(&director, with(put(""), IF_MATCH, &seen))
        .await
        .problem(412);
    ask(&director, with(put("?plan=true"), IF_MATCH, &seen))
        .await
        .problem(412);
}

/// Preconditions come after the usual checks of a request, and before what it asks for is looked at (RFC 9110 §13.2.1).
#[tokio::test]
async fn a_request_that_makes_no_sense_is_told_so_whatever_was_seen_and_one_that_cannot_be_only_to_who_is_up_to_date()
 {
    let director = Director::default();
    let seen = tag(&director, REAL).await;
    for (body, stale, fresh) in [
        ("{", 400, 400),
        ("[]", 422, 422),
        (r#"{"weight": 65536}"#, 412, 422),
        (r#"{"wieght": null}"#, 412, 422),
    ] {
        let old = with(patch(REAL, body), IF_MATCH, "\"stale\"");
        ask(&director, old).await.problem(stale);
        for good in [seen.as_str(), "*"] {
            let new = with(patch(REAL, body), IF_MATCH, good);
            ask(&director, new).await.problem(fresh);
        }
    }
    let other_kind = with_body(Method::PATCH, REAL, "text/plain", "{}");
    let other_kind = with(other_kind, IF_MATCH, "\"stale\"");
    ask(&director, other_kind).await.problem(415);
    assert_eq!(director.calls(), []);
}

#[tokio::test]
async fn put_can_be_made_to_add_only_or_to_replace_only() {
    let director = Director::default();
    let put = || put("/v1/services/new", NEW);
    ask(&director, with(put(), IF_MATCH, "*"))
        .await
        .problem(412);
    ask(&director, with(put(), IF_MATCH, "\"any\""))
        .await
        .problem(412);
    ask(&director, with(put(), IF_NONE_MATCH, "*"))
        .await
        .success(201);
    ask(&director, with(put(), IF_NONE_MATCH, "*"))
        .await
        .problem(412);
    ask(&director, with(put(), IF_MATCH, "*"))
        .await
        .success(200);
}

#[tokio::test]
async fn what_is_not_there_is_not_found_whatever_was_seen() {
    let director = Director::default();
    for request in [
        delete("/v1/services/none"),
        patch("/v1/services/none", "{}"),
        delete("/v1/services/web/reals/10.77.0.99"),
        post("/v1/services/none/reals", r#"{"address": "10.0.0.1"}"#),
    ] {
        ask(&director, with(request, IF_MATCH, "\"1\""))
            .await
            .problem(404);
    }
}

#[tokio::test]
async fn a_reader_that_has_it_already_gets_nothing() {
    let director = Director::default();
    for uri in [
        "/v1/configuration",
        "/v1/services",
        "/v1/services/web",
        "/v1/services/web/reals",
        REAL,
        "/v1/director",
    ] {
        let seen = tag(&director, uri).await;
        let again = with(get(uri), IF_NONE_MATCH, &format!("\"old\", {seen}"));
        let answer = ask(&director, again).await;
        assert_eq!(answer.status, StatusCode::NOT_MODIFIED, "{uri}");
        assert!(answer.bytes.is_empty());
        assert_eq!(answer.header(ETAG), seen);
        for on_the_way in [format!("W/{seen}"), "*".to_owned()] {
            let answer = ask(&director, with(get(uri), IF_NONE_MATCH, &on_the_way)).await;
            assert_eq!(answer.status, StatusCode::NOT_MODIFIED, "{uri}");
        }
        let old = with(get(uri), IF_NONE_MATCH, "\"old\"");
        ask(&director, old).await.success(200);
    }
}

#[tokio::test]
async fn headers_that_are_no_tags_are_refused() {
    let director = Director::default();
    for text in [
        "",
        "1",
        "\"1",
        "\"1 2\"",
        "\"1\" \"2\"",
        "\"1\"; \"2\"",
        "*, \"1\"",
        "w/\"1\"",
    ] {
        let request = with(patch(REAL, "{}"), IF_MATCH, text);
        let problem = ask(&director, request).await.problem(400);
        assert!(problem.detail.contains("if-match"), "{}", problem.detail);
        ask(&director, with(get(REAL), IF_NONE_MATCH, text))
            .await
            .problem(400);
    }
    let tags = with(patch(REAL, "{}"), IF_NONE_MATCH, "\"1\"");
    ask(&director, tags).await.problem(400);
    let both = with(patch(REAL, "{}"), IF_NONE_MATCH, "*");
    ask(&director, with(both, IF_MATCH, "*")).await.problem(400);
    assert_eq!(director.calls(), []);
}
