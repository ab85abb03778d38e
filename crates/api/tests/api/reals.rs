//! Real servers of a service, one by one.

use axum::http::header;
use serde_json::json;

use crate::support::{
    ask::{ask, delete, get, patch, post, put},
    director::Director,
};

#[tokio::test]
async fn real_servers_are_named_by_address_and_port() {
    let director = Director::default();
    let body = ask(&director, get("/v1/services/web/reals"))
        .await
        .success(200);
    assert_eq!(
        body,
        json!({"reals": [{"address": "10.77.0.11"}, {"address": "10.77.0.12:8080", "weight": 3}]})
    );
    for (service, real, address) in [
        ("web", "10.77.0.11", "10.77.0.11"),
        ("web", "10.77.0.11:80", "10.77.0.11"),
        ("web", "10.77.0.12:8080", "10.77.0.12:8080"),
        ("web", "10.77.0.12%3A8080", "10.77.0.12:8080"),
        ("six", "%5B2001:db8::1%5D:8080", "[2001:db8::1]:8080"),
        (
            "six",
            "%5b2001%3adb8%3a%3a1%5d%3a8080",
            "[2001:db8::1]:8080",
        ),
    ] {
        let uri = format!("/v1/services/{service}/reals/{real}");
        assert_eq!(
            ask(&director, get(&uri)).await.success(200)["address"],
            json!(address)
        );
    }
    for (service, real) in [
        ("web", "10.77.0.12"),
        ("web", "10.77.0.99"),
        ("web", "localhost"),
        ("web", "10.77.0.11:0"),
        ("none", "10.77.0.11"),
    ] {
        let uri = format!("/v1/services/{service}/reals/{real}");
        ask(&director, get(&uri)).await.problem(404);
        ask(&director, delete(&uri)).await.problem(404);
        ask(&director, patch(&uri, r#"{"weight": 1}"#))
            .await
            .problem(404);
    }
    ask(&director, get("/v1/services/none/reals"))
        .await
        .problem(404);
}

#[tokio::test]
async fn a_new_real_server_is_at_the_end_and_says_where_it_is() {
    let director = Director::default();
    let added = ask(
        &director,
        post(
            "/v1/services/six/reals",
            r#"{"address": "[2001:db8::2]:81"}"#,
        ),
    )
    .await;
    added.success(201);
    let location = added.header(header::LOCATION).to_owned();
    assert_eq!(location, "/v1/services/six/reals/%5B2001:db8::2%5D:81");
    let found = ask(&director, get(&location)).await;
    assert_eq!(found.success(200), json!({"address": "[2001:db8::2]:81"}));
    assert_eq!(found.header(header::ETAG), added.header(header::ETAG));
    let again = ask(
        &director,
        post(
            "/v1/services/six/reals",
            r#"{"address": "[2001:db8::2]:81"}"#,
        ),
    )
    .await;
    again.problem(409);
    ask(
        &director,
        post("/v1/services/none/reals", r#"{"address": "10.0.0.1"}"#),
    )
    .await
    .problem(404);
    let wrong = ask(
        &director,
        post(
            "/v1/services/web/reals",
            r#"{"address": "10.0.0.1", "weight": -1}"#,
        ),
    )
    .await;
    assert_eq!(wrong.problem(422).fields[0].path, "/weight");
    let vip = ask(
        &director,
        post("/v1/services/web/reals", r#"{"address": "10.77.0.100"}"#),
    )
    .await;
    assert_eq!(vip.problem(422).fields[0].path, "/address");
}

#[tokio::test]
async fn a_weight_is_patched_and_nothing_else_changes() {
    let director = Director::default();
    let uri = "/v1/services/web/reals/10.77.0.11";
    let body = ask(&director, patch(uri, r#"{"weight": 0}"#))
        .await
        .success(200);
    assert_eq!(body, json!({"address": "10.77.0.11", "weight": 0}));
    assert_eq!(director.desired().services[0].reals[0].weight.value(), 0);
    let body = ask(&director, patch(uri, r#"{"address": "10.77.0.13"}"#))
        .await
        .success(200);
    assert_eq!(body, json!({"address": "10.77.0.13", "weight": 0}));
    ask(&director, get(uri)).await.problem(404);
}

#[tokio::test]
async fn a_patch_with_a_misspelt_key_is_refused_whatever_its_value() {
    let director = Director::default();
    for value in ["3", "null"] {
        let body = format!(r#"{{"wieght": {value}}}"#);
        let request = patch("/v1/services/web/reals/10.77.0.12:8080", &body);
        let problem = ask(&director, request).await.problem(422);
        let error = &problem.fields[0];
        assert_eq!(
            (error.path.as_str(), error.cure.as_str()),
            ("/wieght", "did you mean `weight`?")
        );
    }
    assert_eq!(director.calls(), []);
}

#[tokio::test]
async fn put_replaces_or_adds_and_delete_removes() {
    let director = Director::default();
    let uri = "/v1/services/web/reals/10.77.0.14";
    let added = ask(
        &director,
        put(uri, r#"{"address": "10.77.0.14", "weight": 7}"#),
    )
    .await;
    added.success(201);
    assert_eq!(added.header(header::LOCATION), uri);
    let body = ask(&director, put(uri, r#"{"address": "10.77.0.14"}"#))
        .await
        .success(200);
    assert_eq!(
        body,
        json!({"address": "10.77.0.14"}),
        "what is not said has its default"
    );
    ask(&director, delete(uri)).await.success(204);
    ask(&director, get(uri)).await.problem(404);
    assert_eq!(director.desired().services[0].reals.len(), 2);
}
