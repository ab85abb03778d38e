//! Services and real servers: list, show, add, edit, quiesce, remove.

use serde_json::json;

use crate::Director;

#[tokio::test]
async fn a_service_is_added_edited_shown_and_removed() {
    let director = Director::start().await;
    let added = director
        .json("service add dns --address udp://10.77.0.101:53 --scheduler sh --flags sh-port,sh-fallback --json")
        .await;
    let mut dns = json!({
        "name": "dns", "address": "udp://10.77.0.101:53", "scheduler": "sh", "flags": ["sh-fallback", "sh-port"],
    });
    assert_eq!(added, dns);
    assert_eq!(
        director
            .ok("service edit dns --persistent 6m --unset flags --one-packet false")
            .await,
        "service dns: changed\n"
    );
    dns.as_object_mut().expect("an object").remove("flags");
    dns["persistent"] = json!("6m");
    assert_eq!(director.json("service show dns --json").await, dns);
    assert!(
        director
            .ok("service list")
            .await
            .contains("dns   udp://10.77.0.101:53")
    );
    let shown = director.ok("service show dns").await;
    assert!(
        shown.starts_with("[[service]]\nname = \"dns\"\n"),
        "{shown}"
    );
    assert_eq!(
        director.ok("service remove dns").await,
        "service dns: removed\n"
    );
    let services = director.json("service list --json").await;
    let names: Vec<_> = services["services"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|each| each["name"].clone())
        .collect();
    assert_eq!(names, ["web", "tls"]);
    director.stop().await;
}

#[tokio::test]
async fn a_real_server_is_added_edited_and_removed() {
    let director = Director::start().await;
    assert_eq!(
        director
            .json("real add 10.77.0.13:8080 --service web --weight 5 --forward nat --json")
            .await,
        json!({"service": "web", "address": "10.77.0.13:8080", "weight": 5, "forward": "nat"})
    );
    assert_eq!(
        director
            .ok("real edit 10.77.0.13:8080 --service web --weight 1 --upper-threshold 1_000")
            .await,
        "service web, real server 10.77.0.13:8080: changed\n"
    );
    let reals = director.json("real list --service web --json").await;
    assert_eq!(
        reals["reals"][2],
        json!({"service": "web", "address": "10.77.0.13:8080", "forward": "nat", "upper_threshold": 1000})
    );
    assert_eq!(
        director
            .json("real remove 10.77.0.13:8080 --service web --json")
            .await,
        json!({"service": "web", "address": "10.77.0.13:8080"})
    );
    assert!(!director.ok("real list").await.contains("10.77.0.13"));
    director.stop().await;
}

#[tokio::test]
async fn a_real_server_is_quiesced_in_every_service_or_in_one() {
    let director = Director::start().await;
    assert_eq!(
        director.ok("real quiesce 10.77.0.11").await,
        "service web, real server 10.77.0.11: quiesced\nservice tls, real server 10.77.0.11: quiesced\n"
    );
    director
        .ok("real quiesce 10.77.0.12:80 --service web")
        .await;
    let reals = director.json("real list --json").await;
    let weights: Vec<_> = reals["reals"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|real| real["weight"].as_u64())
        .collect();
    assert_eq!(weights, [Some(0), Some(0), Some(0), None]);
    let said = director.fails("real quiesce 10.77.0.99").await;
    assert!(
        said.contains("no service has the real server 10.77.0.99"),
        "{said}"
    );
    director.stop().await;
}

#[tokio::test]
async fn an_error_names_the_flag_and_what_to_do_and_changes_nothing() {
    let director = Director::start().await;
    let before = director.ok("save").await;
    for (line, words) in [
        (
            "real edit 10.77.0.11 --service web --weight 70000",
            "service web, real server 10.77.0.11: --weight: ",
        ),
        (
            "real add 10.77.0.13 --service web --weight 70000",
            "service web, real server 10.77.0.13: --weight: ",
        ),
        (
            "service edit web --scheduler wr",
            "service web: --scheduler: ",
        ),
        (
            "service add new --address tcp://10.77.0.100",
            "service new: --address: ",
        ),
        ("service edit nobody --scheduler rr", "nobody"),
        ("service add web --address tcp://10.77.0.100:81", "web"),
        (
            "real edit 10.77.0.99 --service web --weight 1",
            "10.77.0.99",
        ),
        ("service edit web", "--scheduler"),
        ("real edit 10.77.0.11 --service web", "--weight"),
    ] {
        let said = director.fails(line).await;
        assert!(said.starts_with("dray: "), "{line}: {said}");
        assert!(said.contains(words), "{line}: {said}");
    }
    assert_eq!(director.ok("save").await, before);
    director.stop().await;
}
