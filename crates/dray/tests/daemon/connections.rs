//! `dray connections`: connections and templates, listed and filtered.

use std::time::Duration;

use dray_model::{Connection, Template};

use crate::{CONFIG, real, site::Site, stop, vip, web};

#[tokio::test]
async fn templates_are_listed_apart_from_connections() {
    let site = Site::new(CONFIG);
    site.resolve([11, 12]);
    let daemon = site.start().await;
    let template = |client: &str| Template {
        protocol: 6,
        client: client.parse().expect("an address"),
        vip: vip(),
        port: 80,
        destination: site
            .dataplane
            .destination(web(), real(11))
            .expect("it is there"),
        state: "ASSURED",
        expires: Duration::from_secs(359),
        children: 2,
    };
    site.dataplane
        .set_templates(vec![template("192.0.2.0"), template("198.51.100.0")]);
    let said = site
        .dray(["connections", "--templates", "--json", "--limit", "1"])
        .await;
    assert!(said.err.contains("more than 1"), "{}", said.err);
    let listed: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(
        listed["templates"][0],
        serde_json::json!({
            "client": "192.0.2.0",
            "protocol": "tcp",
            "vip": "10.77.0.100",
            "port": 80,
            "service": "web",
            "real": "10.77.0.11",
            "state": "ASSURED",
            "expires_seconds": 359,
            "connections": 2,
        })
    );
    let table = site.dray(["connections", "--templates"]).await.out;
    assert!(table.contains("198.51.100.0"), "{table}");
    stop(&site, daemon).await;
}

#[tokio::test]
async fn connections_are_filtered_and_limited() {
    let site = Site::new(CONFIG);
    site.resolve([11, 12]);
    let daemon = site.start().await;
    let destination = site
        .dataplane
        .destination(web(), real(11))
        .expect("it is there");
    let connection = |client: &str, state| Connection {
        service: web(),
        client: client.parse().expect("an address"),
        destination,
        local: None,
        state,
        expires: Duration::from_secs(897),
        age: Duration::from_secs(3),
    };
    site.dataplane.set_connections(vec![
        connection("10.1.0.1:1000", "ESTABLISHED"),
        connection("10.1.0.1:1001", "FIN_WAIT"),
        connection("10.2.0.1:1002", "ESTABLISHED"),
    ]);
    let cases: &[(&[&str], &[&str])] = &[
        (&[], &["10.1.0.1:1000", "10.1.0.1:1001", "10.2.0.1:1002"]),
        (
            &["--client", "10.1.0.0/16"],
            &["10.1.0.1:1000", "10.1.0.1:1001"],
        ),
        (
            &["--client", "10.1.0.0/16", "--state", "established"],
            &["10.1.0.1:1000"],
        ),
        (
            &[
                "--service",
                "web",
                "--real",
                "10.77.0.11",
                "--state",
                "FIN_WAIT",
            ],
            &["10.1.0.1:1001"],
        ),
        (&["--real", "10.77.0.12"], &[]),
        (&["--service", "web", "--client", "10.3.0.0/16"], &[]),
    ];
    for (filters, clients) in cases {
        let said = site
            .dray(["connections"].iter().chain(*filters).copied())
            .await;
        assert_eq!(
            (said.err.as_str(), said.status.code()),
            ("", Some(0)),
            "{filters:?}"
        );
        let listed: Vec<_> = said
            .out
            .lines()
            .skip(1)
            .filter_map(|line| line.split_whitespace().nth(3))
            .collect();
        assert_eq!(listed, *clients, "{filters:?}\n{}", said.out);
    }
    let limited = site.dray(["connections", "--limit", "2", "--json"]).await;
    let json: serde_json::Value = serde_json::from_str(&limited.out).expect("JSON");
    assert_eq!(json["connections"].as_array().map(Vec::len), Some(2));
    assert!(limited.err.contains("more than 2"), "{}", limited.err);
    for name in ["not a name", "wbe"] {
        let said = site.dray(["connections", "--service", name]).await;
        assert_eq!(
            (said.status.code(), said.out.as_str()),
            (Some(1), ""),
            "{name}"
        );
        let words = format!("there is no service {name:?}");
        assert!(said.err.contains(&words), "{}", said.err);
    }
    stop(&site, daemon).await;
}
