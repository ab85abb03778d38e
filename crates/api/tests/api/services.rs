//! Services of the configuration, one by one.

use axum::http::header;
use serde_json::json;

use crate::support::{
    ask::{ask, delete, get, patch, post, put},
    director::Director,
};

const SHOP: &str = r#"{"name": "shop", "address": "tcp://10.77.0.102:443", "scheduler": "rr"}"#;

#[tokio::test]
async fn services_are_listed_as_the_configuration_has_them() {
    let answer = ask(&Director::default(), get("/v1/services")).await;
    let body = answer.success(200);
    assert_eq!(answer.header(header::ETAG), "\"1\"");
    let names: Vec<_> = body["services"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|each| &each["name"])
        .collect();
    assert_eq!(names, ["web", "six", "marked"]);
    let one = ask(&Director::default(), get("/v1/services/web"))
        .await
        .success(200);
    assert_eq!(one, body["services"][0]);
    assert_eq!(
        one,
        json!({
            "name": "web",
            "address": "tcp://10.77.0.100:80",
            "scheduler": "wrr",
            "forward": "nat",
            "real": [{"address": "10.77.0.11"}, {"address": "10.77.0.12:8080", "weight": 3}],
        })
    );
}

#[tokio::test]
async fn a_new_service_is_at_the_end_and_says_where_it_is() {
    let director = Director::default();
    let answer = ask(&director, post("/v1/services", SHOP)).await;
    let body = answer.success(201);
    assert_eq!(answer.header(header::LOCATION), "/v1/services/shop");
    let found = ask(&director, get("/v1/services/shop")).await;
    assert_eq!(found.success(200), body);
    assert_eq!(found.header(header::ETAG), answer.header(header::ETAG));
    assert_eq!(
        director
            .desired()
            .services
            .last()
            .expect("a service")
            .name
            .as_str(),
        "shop"
    );
    ask(&director, post("/v1/services", SHOP))
        .await
        .problem(409);
    let same_address = SHOP.replace("shop", "other");
    ask(&director, post("/v1/services", &same_address))
        .await
        .problem(409);
}

#[tokio::test]
async fn an_error_of_a_service_has_its_path_cause_and_cure() {
    let director = Director::default();
    let cases = [
        (
            r#"{"name": "a", "address": "tcp://10.77.0.102"}"#,
            "/address",
        ),
        (
            r#"{"name": "a", "address": "tcp://10.77.0.102:1", "real": [{"address": "10.0.0.1", "weight": 65536}]}"#,
            "/real/0/weight",
        ),
        (
            r#"{"name": "a", "address": "tcp://10.77.0.102:1", "real": [{"address": "10.77.0.100"}]}"#,
            "/real/0/address",
        ),
        (r#"{"name": "a", "colour": "red"}"#, "/colour"),
        ("{}", ""),
        (r#"{"name": 5, "address": "tcp://10.77.0.102:1"}"#, "/name"),
        (
            r#"{"name": "a b", "address": "tcp://10.77.0.102:1"}"#,
            "/name",
        ),
        ("[]", ""),
        ("null", ""),
    ];
    for (body, path) in cases {
        let problem = ask(&director, post("/v1/services", body))
            .await
            .problem(422);
        let paths: Vec<_> = problem.fields.iter().map(|error| &error.path).collect();
        assert_eq!(paths, [path], "{body}: {:?}", problem.fields);
        assert!(
            problem
                .fields
                .iter()
                .all(|error| !error.cause.is_empty() && !error.cure.is_empty())
        );
    }
    assert_eq!(director.desired().services.len(), 3, "nothing was changed");
}

#[tokio::test]
async fn put_replaces_renames_or_adds() {
    let director = Director::default();
    let answer = ask(&director, put("/v1/services/shop", SHOP)).await;
    answer.success(201);
    assert_eq!(answer.header(header::LOCATION), "/v1/services/shop");
    let slower = SHOP.replace("rr", "wlc");
    let body = ask(&director, put("/v1/services/shop", &slower))
        .await
        .success(200);
    assert_eq!(body["scheduler"], json!(null), "the default is not written");
    let renamed = SHOP.replace("shop", "store");
    ask(&director, put("/v1/services/shop", &renamed))
        .await
        .success(200);
    ask(&director, get("/v1/services/shop")).await.problem(404);
    ask(&director, get("/v1/services/store")).await.success(200);
    ask(
        &director,
        put("/v1/services/nowhere", &SHOP.replace("shop", "else")),
    )
    .await
    .problem(404);
    ask(&director, put("/v1/services/a%20b", SHOP))
        .await
        .problem(404);
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_null_gives_the_default() {
    let director = Director::default();
    let body = ask(
        &director,
        patch(
            "/v1/services/web",
            r#"{"scheduler": null, "persistent": "6m"}"#,
        ),
    )
    .await
    .success(200);
    assert_eq!(
        (&body["scheduler"], &body["persistent"]),
        (&json!(null), &json!("6m"))
    );
    assert_eq!(body["real"][1]["weight"], json!(3), "the rest stays");
    let body = ask(&director, patch("/v1/services/web", r#"{"name": "www"}"#))
        .await
        .success(200);
    assert_eq!(body["name"], json!("www"));
    ask(&director, patch("/v1/services/web", "{}"))
        .await
        .problem(404);
    let problem = ask(
        &director,
        patch("/v1/services/www", r#"{"scheduler": "best"}"#),
    )
    .await
    .problem(422);
    assert_eq!(problem.fields[0].path, "/scheduler");
    for no_patch in ["5", "[]", "null", "\"wrr\""] {
        ask(&director, patch("/v1/services/www", no_patch))
            .await
            .problem(422);
    }
}

#[tokio::test]
async fn services_are_removed_one_by_one_or_all() {
    let director = Director::default();
    ask(&director, delete("/v1/services/six"))
        .await
        .success(204);
    ask(&director, delete("/v1/services/six"))
        .await
        .problem(404);
    assert_eq!(director.desired().services.len(), 2);
    ask(&director, delete("/v1/services")).await.success(204);
    assert_eq!(director.desired().services.len(), 0);
}

#[tokio::test]
async fn the_directors_settings_are_read_and_patched() {
    let director = Director::default();
    let body = ask(&director, get("/v1/director")).await.success(200);
    assert_eq!(body["interfaces"], json!(["eth0"]));
    let body = ask(
        &director,
        patch("/v1/director", r#"{"timeouts": {"tcp": "10m"}}"#),
    )
    .await
    .success(200);
    assert_eq!(body["timeouts"], json!({"tcp": "10m"}));
    let problem = ask(
        &director,
        patch("/v1/director", r#"{"timeouts": {"tcp": "soon"}}"#),
    )
    .await
    .problem(422);
    assert_eq!(problem.fields[0].path, "/timeouts/tcp");
    ask(&director, patch("/v1/director", r#"{"timeouts": null}"#))
        .await
        .success(200);
    assert_eq!(director.calls().len(), 2);
}
