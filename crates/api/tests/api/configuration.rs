//! The configuration as a whole, and its history.

use axum::{
    body::Body,
    http::{
        Method, Request,
        header::{ACCEPT, CONTENT_TYPE},
    },
};
use dray_model::config;
use serde_json::{Value, json};

use crate::support::{
    ask::{ask, get, post, put, with, with_body},
    director::{CONFIGURATION, Director},
};

/// The configuration with one service more.
fn larger() -> String {
    format!("{CONFIGURATION}\n[[service]]\nname = \"shop\"\naddress = \"tcp://10.77.0.102:443\"\n")
}

fn put_toml(query: &str, text: &str) -> Request<Body> {
    let uri = format!("/v1/configuration{query}");
    with_body(Method::PUT, &uri, "application/toml", text)
}

#[tokio::test]
async fn it_is_read_as_json_or_as_a_file() {
    let director = Director::default();
    let body = ask(&director, get("/v1/configuration")).await.success(200);
    assert_eq!(body["director"]["interfaces"], json!(["eth0"]));
    assert_eq!(body["service"][0]["name"], json!("web"));
    for accept in [
        "application/toml",
        "application/toml, application/json",
        "text/html, application/toml;q=0.5",
    ] {
        let answer = ask(&director, with(get("/v1/configuration"), ACCEPT, accept)).await;
        assert_eq!(answer.header(CONTENT_TYPE), "application/toml");
        let text = String::from_utf8(answer.bytes).expect("UTF-8");
        let again = config::parse("saved", &text).expect("a good file");
        assert_eq!(again, *director.desired());
    }
    for accept in ["*/*", "application/json", "application/*"] {
        ask(&director, with(get("/v1/configuration"), ACCEPT, accept))
            .await
            .success(200);
    }
    ask(
        &director,
        with(get("/v1/configuration"), ACCEPT, "text/html"),
    )
    .await
    .problem(406);
}

#[tokio::test]
async fn what_was_read_as_json_can_be_put_back() {
    let director = Director::default();
    let mut body = ask(&director, get("/v1/configuration")).await.success(200);
    let outcome = ask(&director, put("/v1/configuration", &body.to_string()))
        .await
        .success(200);
    assert_eq!(outcome["plan"]["services"], json!([]));
    body["service"][0]["scheduler"] = json!("mh");
    ask(&director, put("/v1/configuration", &body.to_string()))
        .await
        .success(200);
    assert_eq!(director.desired().services[0].scheduler.name(), "mh");
}

#[tokio::test]
async fn a_plan_tells_and_changes_nothing() {
    let director = Director::default();
    let outcome = ask(&director, put_toml("?plan=true", &larger()))
        .await
        .success(200);
    assert_eq!(outcome["applied"], Value::Null);
    assert_eq!(outcome["plan"]["services"][0]["service"], json!("shop"));
    assert_eq!(outcome["plan"]["services"][0]["change"], json!("added"));
    assert_eq!(director.calls(), []);
    assert_eq!(director.desired().services.len(), 3);
}

#[tokio::test]
async fn an_error_in_a_file_has_its_line_and_the_file_its_name() {
    let director = Director::default();
    let text = larger().replace("tcp://10.77.0.102:443", "tcp://10.77.0.102");
    let problem = ask(&director, put_toml("?file=/etc/my.toml", &text))
        .await
        .problem(422);
    assert_eq!(problem.errors.len(), 1);
    let line = text
        .lines()
        .position(|line| line.contains(".102"))
        .expect("it is there")
        + 1;
    assert_eq!(problem.errors[0].line, line);
    let rendered = problem.rendered.expect("as a person reads it");
    assert!(
        rendered.contains(&format!("/etc/my.toml:{line}")),
        "{rendered}"
    );
    assert_eq!(director.calls(), []);
}

#[tokio::test]
async fn an_error_in_json_has_its_path() {
    let director = Director::default();
    let mut body = ask(&director, get("/v1/configuration")).await.success(200);
    body["service"][0]["real"][1]["weight"] = json!(70_000);
    body["service"][1]["colour"] = json!("red");
    let problem = ask(&director, put("/v1/configuration", &body.to_string()))
        .await
        .problem(422);
    let mut paths: Vec<_> = problem
        .fields
        .iter()
        .map(|error| error.path.as_str())
        .collect();
    paths.sort_unstable();
    assert_eq!(paths, ["/service/0/real/1/weight", "/service/1/colour"]);
    for body in ["5", "[]", "null", "{}", r#"{"director": 5}"#] {
        let problem = ask(&director, put("/v1/configuration", body))
            .await
            .problem(422);
        assert!(!problem.fields.is_empty(), "{body}");
    }
    assert_eq!(director.calls(), []);
}

#[tokio::test]
async fn a_configuration_waits_for_its_confirmation_when_that_was_asked() {
    let director = Director::default();
    ask(&director, post("/v1/configuration/confirm", ""))
        .await
        .problem(409);
    let outcome = ask(&director, put_toml("?confirm=90s", &larger()))
        .await
        .success(200);
    assert_eq!(outcome["applied"]["pending"]["seconds_left"], json!(90));
    assert_eq!(outcome["applied"]["pending"]["back_to"], json!(1));
    let status = ask(&director, get("/v1/status")).await.success(200);
    assert_eq!(
        status["configuration"]["pending"],
        outcome["applied"]["pending"]
    );
    ask(&director, put_toml("", CONFIGURATION))
        .await
        .problem(409);
    ask(&director, post("/v1/configuration/confirm?number=1", ""))
        .await
        .problem(409);
    let confirmed = ask(&director, post("/v1/configuration/confirm?number=2", ""))
        .await
        .success(200);
    assert_eq!(confirmed, json!({"number": 2}));
    ask(&director, put_toml("", CONFIGURATION))
        .await
        .success(200);
}

#[tokio::test]
async fn queries_that_make_no_sense_are_refused() {
    let director = Director::default();
    for query in [
        "?confirm=soon",
        "?confirm=60",
        "?confirm=32d",
        "?plan=maybe",
        "?edits=burn",
        "?colour=red",
        "?plan=true&plan=true",
    ] {
        ask(&director, put_toml(query, CONFIGURATION))
            .await
            .problem(400);
    }
    assert_eq!(director.calls(), []);
}

#[tokio::test]
async fn history_keeps_what_was_applied_and_rollback_returns_to_it() {
    let director = Director::default();
    ask(&director, put_toml("?file=/etc/large.toml", &larger()))
        .await
        .success(200);
    let history = ask(&director, get("/v1/history")).await.success(200);
    let newest = &history["entries"][0];
    assert_eq!(newest["number"], json!(2));
    assert_eq!(newest["who"], json!("the test"));
    assert_eq!(newest["file"], json!("/etc/large.toml"));
    assert_eq!(newest["current"], json!(true));
    assert_eq!(history["entries"][1]["current"], json!(false));
    let first = ask(&director, get("/v1/history/1")).await.success(200);
    assert_eq!(first["text"], json!(CONFIGURATION));
    assert_eq!(first["number"], json!(1));
    ask(&director, get("/v1/history/7")).await.problem(404);
    ask(&director, get("/v1/history/first")).await.problem(400);

    ask(&director, post("/v1/rollback", r#"{"number": 7}"#))
        .await
        .problem(404);
    let outcome = ask(&director, post("/v1/rollback", "{}"))
        .await
        .success(200);
    assert_eq!(outcome["plan"]["services"][0]["change"], json!("removed"));
    assert_eq!(director.desired().services.len(), 3);
    let outcome = ask(
        &director,
        post("/v1/rollback", r#"{"number": 2, "edits": "keep"}"#),
    )
    .await
    .success(200);
    assert_eq!(outcome["applied"]["services"], json!(4));
    ask(&director, post("/v1/rollback", "[]"))
        .await
        .problem(422);
    ask(&director, post("/v1/rollback", r#"{"number": "two"}"#))
        .await
        .problem(422);
}

#[tokio::test]
async fn a_file_that_is_not_utf8_or_comes_as_something_else_is_refused() {
    let director = Director::default();
    let mut request = put_toml("", "");
    *request.body_mut() = Body::from(b"# caf\xe9".to_vec());
    let problem = ask(&director, request).await.problem(400);
    assert!(problem.detail.contains("byte 5"), "{}", problem.detail);
    for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let request = with_body(Method::PUT, "/v1/configuration", kind, CONFIGURATION);
        ask(&director, request).await.problem(415);
    }
}
