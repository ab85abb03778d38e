//! Connections and templates.

use serde_json::json;

use crate::support::{
    ask::{ask, delete, get},
    director::Director,
};

#[tokio::test]
async fn connections_are_those_that_every_filter_accepts() {
    let director = Director::default();
    let count = async |query: &str| {
        let answer = ask(&director, get(&format!("/v1/connections{query}"))).await;
        answer.success(200)["connections"]
            .as_array()
            .expect("a list")
            .len()
    };
    assert_eq!(count("").await, 4);
    assert_eq!(count("?client=10.0.0.0/8").await, 2);
    assert_eq!(count("?client=2001:db8:9::/48").await, 1);
    assert_eq!(count("?service=web&real=10.77.0.12").await, 2);
    assert_eq!(
        count("?service=web&real=10.77.0.12&client=192.0.2.1").await,
        1
    );
    assert_eq!(count("?state=established").await, 4);
    assert_eq!(count("?state=time_wait").await, 0);
}

#[tokio::test]
async fn a_list_that_was_cut_says_so() {
    let director = Director::default();
    let body = ask(&director, get("/v1/connections?limit=3"))
        .await
        .success(200);
    assert_eq!(body["more"], json!(true));
    let first = &body["connections"][0];
    assert_eq!(first["virtual"], json!("10.77.0.100:80"));
    assert_eq!(first["real_port"], json!(8080));
    assert_eq!(first["forward"], json!("fullnat"));
    assert_eq!(first["local"], json!("10.77.0.200:1024"));
    let body = ask(&director, get("/v1/connections?limit=4"))
        .await
        .success(200);
    assert_eq!(body["more"], json!(false));
}

#[tokio::test]
async fn templates_are_what_the_backend_says() {
    let director = Director::default();
    let body = ask(&director, get("/v1/templates?limit=7"))
        .await
        .success(200);
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
    ask(&director, get("/v1/templates?service=web"))
        .await
        .problem(400);
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
        ("limit=1&limit=2", "duplicate field"),
        ("colour=red", "unknown field `colour`"),
    ];
    for (query, words) in cases {
        let director = Director::default();
        let uri = format!("/v1/connections?{query}");
        let problem = ask(&director, get(&uri)).await.problem(400);
        assert!(
            problem.detail.contains(words),
            "{query}: {}",
            problem.detail
        );
    }
}

#[tokio::test]
async fn connections_of_a_service_that_is_not_there_are_not_found() {
    let director = Director::default();
    for name in ["none", "a%20b", ""] {
        let uri = format!("/v1/connections?service={name}");
        ask(&director, get(&uri)).await.problem(404);
        ask(&director, delete(&uri)).await.problem(404);
    }
}

#[tokio::test]
async fn connections_end_by_filter_and_all_only_when_that_is_said() {
    let director = Director::default();
    for query in ["", "?templates=true", "?all=true&service=web", "?all=maybe"] {
        let uri = format!("/v1/connections{query}");
        ask(&director, delete(&uri)).await.problem(400);
    }
    assert_eq!(director.calls(), []);
    let end = async |query: &str| {
        let answer = ask(&director, delete(&format!("/v1/connections{query}"))).await;
        answer.success(200)["ended"].clone()
    };
    assert_eq!(end("?client=10.9.8.7&templates=true").await, json!(1));
    assert_eq!(end("?client=10.9.8.7").await, json!(0));
    assert_eq!(end("?all=true").await, json!(3));
}
