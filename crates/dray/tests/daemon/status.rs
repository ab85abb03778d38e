//! What `dray status` shows of services, real servers and traffic.

use std::{num::NonZeroU32, time::Duration};

use dray_api::v1::{Family, Mark, Persistence, ServiceIdentity, Standing};
use dray_model::{Connection, Counters, Live, Sweep};
use dray_testkit::eventually;

use crate::{CONFIG, real, site::Site, stop, web};

#[tokio::test]
async fn status_says_what_is_configured_and_why_a_destination_is_not_eligible() {
    let site = Site::new(CONFIG);
    let daemon = site.start().await;
    let status = daemon.client.status().await.expect("a status");
    let [web] = &status.services[..] else {
        panic!("one service, not {:?}", status.services)
    };
    assert_eq!(
        (
            web.name.as_str(),
            web.scheduler.as_str(),
            web.forward.to_string().as_str()
        ),
        ("web", "wrr", "dr")
    );
    let standings: Vec<_> = web
        .destinations
        .iter()
        .map(|found| (found.weight, found.standing))
        .collect();
    assert_eq!(
        standings,
        [(3, Standing::NotEligible), (0, Standing::NotEligible)]
    );
    assert!(
        web.destinations[0]
            .why
            .as_ref()
            .is_some_and(|why| why.contains("not known"))
    );

    site.resolve([11, 12]);
    eventually!(async {
        let status = daemon.client.status().await.expect("a status");
        status.services[0].destinations[0].standing == Standing::Eligible
    });
    let said = site.dray(["status"]).await;
    assert_eq!((said.err.as_str(), said.status.code()), ("", Some(0)));
    for words in [
        "TCP  10.77.0.100:80  wrr",
        "02:00:00:00:00:0b eth0",
        "quiesced",
        "native XDP",
    ] {
        assert!(said.out.contains(words), "{words}:\n{}", said.out);
    }
    stop(&site, daemon).await;
}

#[tokio::test]
async fn counters_reach_the_status() {
    let site = Site::new(CONFIG);
    site.resolve([11, 12]);
    let daemon = site.start().await;
    let destination = site
        .dataplane
        .destination(web(), real(11))
        .expect("it is there");
    site.dataplane.set_live(
        destination,
        Live {
            active: 5,
            inactive: 2,
            persistent: 3,
            overloaded: true,
        },
    );
    site.dataplane.set_counters(
        destination,
        Counters {
            connections: 40,
            packets: 400,
            bytes: 4_000,
            reply_packets: 300,
            reply_bytes: 90_000,
        },
    );
    let status = daemon.client.status().await.expect("a status");
    for traffic in [
        status.services[0].traffic,
        status.services[0].destinations[0].traffic,
    ] {
        assert_eq!(
            (traffic.active, traffic.inactive, traffic.persistent),
            (5, 2, 3)
        );
        assert_eq!(
            (traffic.connections, traffic.packets, traffic.bytes),
            (40, 400, 4_000)
        );
        assert_eq!((traffic.reply_packets, traffic.reply_bytes), (300, 90_000));
    }
    assert_eq!(
        status.services[0].destinations[0].standing,
        Standing::Overloaded
    );
    let json = site.dray(["status", "--json"]).await;
    let json: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(
        json["services"][0]["destinations"][0]["traffic"]["bytes"],
        4_000
    );
    stop(&site, daemon).await;
}

#[tokio::test]
async fn options_of_services_reach_the_status() {
    let site = Site::new(
        r#"
[director]
interfaces = ["eth0"]
manage_vips = false

[[mark]]
mark = 5
destination = ["10.77.0.100"]

[[service]]
name = "shop"
mark = 5
scheduler = "sh"
flags = ["sh-fallback", "sh-port"]
persistent = "6m"
netmask = "255.255.255.0"
real = [{ address = "10.77.0.11", upper_threshold = 9, lower_threshold = 4 }]
"#,
    );
    site.resolve([11]);
    let daemon = site.start().await;
    let status = daemon.client.status().await.expect("a status");
    let [shop] = &status.services[..] else {
        panic!("not one service: {status:?}")
    };
    let mark = Mark {
        mark: NonZeroU32::new(5).expect("5 is not 0"),
        family: Family::Ipv4,
    };
    assert_eq!(shop.identity, ServiceIdentity::Mark(mark));
    assert_eq!(shop.scheduler_flags, ["sh-fallback", "sh-port"]);
    let persistence = Persistence {
        timeout_seconds: 360,
        mask: "255.255.255.0".to_owned(),
        engine: None,
    };
    assert_eq!(shop.persistence, Some(persistence));
    let destination = &shop.destinations[0];
    assert_eq!(
        (destination.upper_threshold, destination.lower_threshold),
        (9, 4)
    );
    let table = site.dray(["status"]).await.out;
    for words in ["FWM  5", "sh (sh-fallback,sh-port)", "persistent 360 mask"] {
        assert!(table.contains(words), "{table}");
    }
    stop(&site, daemon).await;
}

#[tokio::test]
async fn methods_reach_the_status_and_local_addresses_the_connections() {
    let site = Site::new(
        r#"
[director]
interfaces = ["eth0"]
max_translations = 2048

[director.tunnel]
source4 = "172.16.0.0/18"

[director.fullnat]
addresses = ["10.77.0.200-10.77.0.203"]

[[service]]
name = "web"
address = "tcp://10.77.0.100:80"
client_address = "toa"
mss = 1400
real = [
  { address = "10.77.0.11" },
  { address = "10.77.0.12", forward = "tun", tunnel = "gre" },
  { address = "10.77.0.13:8080", forward = "nat" },
  { address = "10.77.0.14:8081", forward = "fullnat" },
]
"#,
    );
    site.resolve([11, 12, 13, 14]);
    site.dataplane.set_sweep(Sweep {
        alive: 5,
        ended: 0,
        translated: 3,
    });
    let daemon = site.start().await;
    let locals = site.dataplane.local_addresses();
    assert_eq!(
        (locals.addresses.len(), locals.ports),
        (4, 1024..=65_535),
        "the data plane has them"
    );
    assert!(site.net.vips("eth0").contains(&real(203)));

    let destination = site
        .dataplane
        .destination(web(), real(14))
        .expect("it is there");
    site.dataplane.set_connections(vec![Connection {
        service: web(),
        client: "10.1.0.1:1000".parse().expect("an address"),
        destination,
        local: Some((real(201), 4096).into()),
        state: "ESTABLISHED",
        expires: Duration::from_secs(897),
        age: Duration::from_secs(3),
    }]);
    let connections = site.dray(["connections"]).await.out;
    assert!(
        connections.contains("fullnat  10.77.0.201:4096  10.77.0.14:8081"),
        "{connections}"
    );

    // A round of sweeps later the translations are counted.
    eventually!(async {
        let status = daemon.client.status().await.expect("a status");
        status.director.translation_table.connections > 0
    });
    let said = site.dray(["status"]).await;
    for words in [
        "room for 2048",
        "10.77.0.200 and 3 more, ports 1024-65535",
        "web, toa 254, mss 1400",
        "tun gre",
        "tunnel from 172.16.0.0/18, MTU 1476",
        "-> 10.77.0.13:8080  nat",
        "-> 10.77.0.14:8081  fullnat",
    ] {
        assert!(said.out.contains(words), "{words}:\n{}", said.out);
    }
    stop(&site, daemon).await;
}
