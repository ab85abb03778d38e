//! What the director does at the moment.

use dray_api::v1::{Neighbours, NextHop, Status, Vips};
use serde_json::json;

use crate::support::{
    ask::{ask, get, post},
    director::Director,
    samples,
};

#[tokio::test]
async fn status_is_what_the_backend_says() {
    let body = ask(&Director::default(), get("/v1/status"))
        .await
        .success(200);
    let mut status: Status = serde_json::from_value(body.clone()).expect("a status");
    assert_eq!(
        (status.configuration.revision, status.configuration.base),
        (1, 1)
    );
    status.configuration = Default::default();
    assert_eq!(status, samples::status());
    assert_eq!(body["configuration"]["pending"], json!(null));
}

#[tokio::test]
async fn counters_are_those_of_the_status_without_the_rest() {
    let body = ask(&Director::default(), get("/v1/counters"))
        .await
        .success(200);
    let service = &body["services"][0];
    assert_eq!(service["service"], json!("web"));
    assert_eq!(service["refused"], json!(1));
    assert_eq!(service["destinations"][0]["real"], json!("10.77.0.11"));
    assert_eq!(service["destinations"][0]["port"], json!(80));
    assert_eq!(service["destinations"][0]["traffic"]["packets"], json!(340));
    assert_eq!(service["scheduler"], json!(null));
    assert_eq!(body["reasons"][0]["name"], json!("not-ours"));
}

#[tokio::test]
async fn vips_are_those_of_services_and_marks_and_the_local_addresses() {
    let body = ask(&Director::default(), get("/v1/vips"))
        .await
        .success(200);
    let vips: Vips = serde_json::from_value(body).expect("VIPs");
    let found: Vec<_> = vips
        .vips
        .iter()
        .map(|vip| {
            (
                vip.vip.to_string(),
                vip.services.join(","),
                vip.interface.as_deref(),
            )
        })
        .collect();
    let wanted = [
        ("10.77.0.100".to_owned(), "web".to_owned(), Some("eth0")),
        ("10.77.0.101".to_owned(), "marked".to_owned(), None),
        ("10.77.0.200".to_owned(), String::new(), None),
        ("2001:db8::100".to_owned(), "six".to_owned(), None),
    ];
    assert_eq!(found, wanted);
}

#[tokio::test]
async fn neighbours_are_told_once_with_the_real_servers_behind_them() {
    let body = ask(&Director::default(), get("/v1/neighbours"))
        .await
        .success(200);
    assert_eq!(
        body["neighbours"],
        json!([{
            "address": "10.77.0.254",
            "gateway": true,
            "mac": "02:00:00:00:00:11",
            "interface": 2,
            "vlan": 7,
            "reals": ["10.77.0.11"],
            "problem": "no route to it",
        }])
    );
}

#[test]
fn a_neighbour_without_a_next_hop_is_there_and_a_local_destination_is_not() {
    let mut status = samples::status();
    let destinations = &mut status.services[0].destinations;
    let mut other = destinations[0].clone();
    other.real = "10.77.0.12".parse().expect("an address");
    other.gateway = None;
    other.next_hop = None::<NextHop>;
    let mut local = other.clone();
    local.local = true;
    local.real = "10.77.0.1".parse().expect("an address");
    destinations.extend([other, local]);
    let neighbours = Neighbours::from(&status).neighbours;
    let found: Vec<_> = neighbours
        .iter()
        .map(|each| (each.address.to_string(), each.gateway, each.interface))
        .collect();
    let wanted = [
        ("10.77.0.12".to_owned(), false, None),
        ("10.77.0.254".to_owned(), true, Some(2)),
    ];
    assert_eq!(found, wanted);
}

#[tokio::test]
async fn zero_is_for_one_service_that_is_there_or_for_all() {
    let director = Director::default();
    ask(&director, post("/v1/zero", "")).await.success(204);
    ask(&director, post("/v1/zero?service=web", ""))
        .await
        .success(204);
    ask(&director, post("/v1/zero?service=none", ""))
        .await
        .problem(404);
    ask(&director, post("/v1/zero?service=a%20b", ""))
        .await
        .problem(404);
    let calls: Vec<_> = director.calls().into_iter().map(|(_, call)| call).collect();
    assert_eq!(calls, ["zero all", "zero web"]);
}

#[tokio::test]
async fn a_refused_reload_carries_every_error_with_its_place() {
    let director = Director::with_a_broken_file();
    let problem = ask(&director, post("/v1/reload", "")).await.problem(422);
    assert_eq!(problem, samples::bad_config());
    assert_eq!(problem.errors[0].line, 3);
    let director = Director::default();
    ask(&director, post("/v1/reload", "")).await.success(200);
    assert_eq!(
        director.calls(),
        [("the test".to_owned(), "reload".to_owned())]
    );
}

#[tokio::test]
async fn stop_takes_its_mode_from_the_body() {
    let director = Director::default();
    for (mode, call) in [
        ("withdraw", "stop Withdraw"),
        ("keep-forwarding", "stop KeepForwarding"),
    ] {
        let body = json!({"mode": mode}).to_string();
        let answer = ask(&director, post("/v1/stop", &body)).await.success(200);
        assert_eq!(answer, json!({"mode": mode}));
        assert_eq!(director.calls().last().expect("a call").1, call);
    }
}

#[tokio::test]
async fn stop_without_a_mode_that_it_knows_stops_nothing() {
    let director = Director::default();
    for (body, status, place) in [
        ("", 400, ""),
        ("{}", 422, ""),
        (r#"{"mode":"burn"}"#, 422, "/mode"),
        (r#"{"mode":"withdraw","now":true}"#, 422, "/now"),
    ] {
        let problem = ask(&director, post("/v1/stop", body)).await.problem(status);
        if let Some(field) = problem.fields.first() {
            assert_eq!(field.path, place, "{body}");
        }
    }
    assert_eq!(director.calls(), []);
}
