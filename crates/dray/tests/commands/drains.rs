//! Drains, and who waits for them.

use serde_json::json;

use crate::Director;

#[tokio::test]
async fn a_real_server_without_connections_is_empty_at_once() {
    let director = Director::start().await;
    let said = director
        .dray("drain 10.77.0.11 --service web --deadline 10m")
        .await;
    assert_eq!(said.status.code(), Some(0), "{}", said.err);
    assert!(
        said.err
            .starts_with("dray: draining service web, real server 10.77.0.11: "),
        "{}",
        said.err
    );
    assert!(
        said.out
            .starts_with("service web, real server 10.77.0.11: empty after "),
        "{}",
        said.out
    );
    let drains = director.json("drain list --json").await;
    assert_eq!(drains["drains"][0]["state"], "empty");
    assert!(director.ok("drain list").await.contains("empty"));
    director.stop().await;
}

#[tokio::test]
async fn a_drain_begins_without_waiting() {
    let director = Director::start().await;
    let drain = director
        .json("real drain 10.77.0.12 --deadline 1h30m --then move --no-wait --json")
        .await;
    assert_eq!(
        (&drain["real"], &drain["service"], &drain["then"]),
        (&json!("10.77.0.12"), &json!(null), &json!("move"))
    );
    let reals = director.json("real list --json").await;
    assert_eq!(reals["reals"][1]["weight"], 0);
    director.stop().await;
}

#[tokio::test]
async fn a_drain_of_nothing_is_refused() {
    let director = Director::start().await;
    let said = director.fails("drain 10.77.0.99 --deadline 5m").await;
    assert!(said.contains("10.77.0.99"), "{said}");
    let said = director.fails("drain cancel 99").await;
    assert!(said.contains("99"), "{said}");
    for line in [
        "drain",
        "drain 10.77.0.11",
        "drain 10.77.0.11 --deadline soon",
        "drain 10.77.0.11 --deadline 5m list",
    ] {
        let said = director.dray(line).await;
        assert_eq!(said.status.code(), Some(2), "{line}: {}", said.err);
    }
    director.stop().await;
}
