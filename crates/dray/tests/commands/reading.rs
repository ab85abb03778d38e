//! Commands that look: events, counters, connections.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::Director;

#[tokio::test]
async fn events_are_one_object_a_line() {
    let director = Director::start().await;
    let mut follower = Command::new(env!("CARGO_BIN_EXE_dray"))
        .args(["events", "--json", "--runtime-dir"])
        .arg(director.site.runtime_dir())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("it runs");
    let mut lines = BufReader::new(follower.stdout.take().expect("a pipe")).lines();
    // Nothing says when it has begun to listen: things happen until it has told of one.
    let mut weight = 0;
    let event = loop {
        tokio::select! {
            line = lines.next_line() => break line.expect("readable").expect("a line"),
            () = async {
                weight += 1;
                director.ok(&format!("real edit 10.77.0.11 --service web --weight {weight}")).await;
            } => {}
        }
    };
    let event: Value = serde_json::from_str(&event).expect("JSON");
    assert!(event["event"].is_string(), "{event}");
    follower.kill().await.expect("it ends");
    director.stop().await;
}

#[tokio::test]
async fn counters_are_zeroed() {
    let director = Director::start().await;
    assert_eq!(director.ok("zero").await, "all counters are 0\n");
    assert_eq!(
        director.json("zero --service web --json").await,
        json!({"service": "web"})
    );
    let said = director.fails("zero --service nobody").await;
    assert!(said.contains("nobody"), "{said}");
    director.stop().await;
}

#[tokio::test]
async fn connections_are_listed_and_ended() {
    let director = Director::start().await;
    assert_eq!(
        director.json("connection list --service web --json").await,
        director.json("connections --json").await
    );
    assert_eq!(
        director.ok("connection kill --service web").await,
        "0 connections ended\n"
    );
    assert_eq!(
        director
            .json("connection kill --all --templates --json")
            .await,
        json!({"ended": 0})
    );
    let said = director.fails("connection kill").await;
    assert!(said.contains("--all"), "{said}");
    director.stop().await;
}

#[tokio::test]
async fn colours_are_for_terminals() {
    let director = Director::start().await;
    for line in [
        "status",
        "service list",
        "real list",
        "connection list",
        "history",
        "drain list",
    ] {
        let out = director.ok(line).await;
        assert!(!out.contains('\u{1b}'), "{line}: {out}");
    }
    director.stop().await;
}
