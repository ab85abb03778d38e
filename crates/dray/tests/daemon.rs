//! A whole daemon, its API and the command line, without the kernel.

use std::{
    collections::BTreeSet, fs, net::IpAddr, num::NonZeroU32, path::Path, sync::atomic::Ordering,
    time::Duration,
};

use dray_api::{
    CallError, ClaimError, RuntimeDir,
    v1::{Family, Mark, Persistence, ServiceIdentity, Standing, StopMode},
};
use dray_model::{Connection, Counters, Live, Protocol, ServiceAddress, Sweep, Template};
use dray_testkit::eventually;

#[path = "daemon/site.rs"]
mod site;
#[path = "daemon/starts.rs"]
mod starts;

use site::{Site, text};

const CONFIG: &str = r#"
[director]
interfaces = ["eth0"]

[[service]]
name = "web"
address = "tcp://10.77.0.100:80"
scheduler = "wrr"
forward = "dr"
real = [{ address = "10.77.0.11", weight = 3 }, { address = "10.77.0.12", weight = 0 }]
"#;

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
async fn a_reload_puts_the_file_in_force_and_says_what_changed() {
    let site = Site::new(CONFIG);
    let daemon = site.start().await;
    let more = CONFIG.replace("weight = 0", "weight = 7")
        + "[[service]]\nname = \"dns\"\naddress = \"udp://10.77.0.100:53\"\nscheduler = \"mh\"\nforward = \"dr\"\n\
           real = [{ address = \"10.77.0.11\" }]\n";
    site.write(&more);
    let said = site.dray(["reload"]).await;
    assert_eq!((said.err.as_str(), said.status.code()), ("", Some(0)));
    let wanted = "2 services (1 added, 1 changed, 0 removed), 3 real servers: in force\n";
    assert_eq!(said.out, format!("{}: {wanted}", site.config().display()));
    let status = daemon.client.status().await.expect("a status");
    assert_eq!(status.services[0].destinations[1].weight, 7);
    assert_eq!(status.services[1].name, "dns");
    stop(&site, daemon).await;
}

#[tokio::test]
async fn a_broken_file_changes_nothing_and_is_explained_as_check_does() {
    let site = Site::new(CONFIG);
    site.resolve([11, 12]);
    let daemon = site.start().await;
    let before = (
        site.dataplane.actual(),
        daemon.client.status().await.expect("a status").services,
    );
    let broken = Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/tests/broken");
    let mut seen = 0;
    for file in fs::read_dir(broken).expect("the broken files of the data model") {
        let file = file.expect("readable").path();
        if file.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        seen += 1;
        fs::copy(&file, site.config()).expect("copies");
        match daemon.client.reload().await {
            Err(CallError::Refused(problem)) => {
                assert_eq!(problem.status, 422, "{}", file.display());
                assert!(!problem.errors.is_empty(), "{}", file.display());
                for error in problem.errors {
                    assert!(
                        error.line > 0 && error.column > 0,
                        "{}: {error:?}",
                        file.display()
                    );
                    assert!(
                        !error.cause.is_empty() && !error.cure.is_empty(),
                        "{}: {error:?}",
                        file.display()
                    );
                }
            }
            other => panic!("{}: expected a refusal, got {other:?}", file.display()),
        }
        let now = (
            site.dataplane.actual(),
            daemon.client.status().await.expect("a status").services,
        );
        assert_eq!(now, before, "{}", file.display());
    }
    assert!(seen >= 25, "only {seen} broken files");

    let check = tokio::process::Command::new(env!("CARGO_BIN_EXE_dray"))
        .args(["check", text(&site.config())])
        .output()
        .await
        .expect("it runs");
    let reload = site.dray(["reload"]).await;
    assert_eq!((reload.status.code(), reload.out.as_str()), (Some(1), ""));
    let rendered = String::from_utf8(check.stderr).expect("text");
    assert!(
        reload.err.starts_with(&rendered),
        "{}\ninstead of\n{rendered}",
        reload.err
    );
    assert!(reload.err.contains("nothing was changed"), "{}", reload.err);
    stop(&site, daemon).await;
}

#[tokio::test]
async fn a_missing_file_changes_nothing() {
    let site = Site::new(CONFIG);
    let daemon = site.start().await;
    fs::remove_file(site.config()).expect("removes");
    let said = site.dray(["reload"]).await;
    assert_eq!(said.status.code(), Some(1));
    assert!(said.err.contains(text(&site.config())), "{}", said.err);
    assert_eq!(
        daemon
            .client
            .status()
            .await
            .expect("a status")
            .services
            .len(),
        1
    );
    stop(&site, daemon).await;
}

#[tokio::test]
async fn what_needs_a_new_start_is_refused_and_named() {
    let site = Site::new(CONFIG);
    let daemon = site.start().await;
    site.write(&CONFIG.replace(r#"["eth0"]"#, r#"["eth0", "eth1"]"#));
    let said = site.dray(["reload"]).await;
    assert_eq!(said.status.code(), Some(1));
    assert!(
        said.err.contains("interfaces") && said.err.contains("dray stop"),
        "{}",
        said.err
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

#[tokio::test]
async fn stopping_leaves_the_data_plane_and_the_vips_and_the_next_daemon_takes_them_over() {
    let site = Site::new(CONFIG);
    site.resolve([11, 12]);
    let daemon = site.start().await;
    let before = site.dataplane.actual();
    let said = site.dray(["stop"]).await;
    assert_eq!(
        (said.out.as_str(), said.status.code()),
        ("the daemon has stopped; forwarding goes on\n", Some(0))
    );
    daemon.ended().await.expect("a clean end");
    assert_eq!(site.dataplane.actual(), before);
    assert_eq!(site.net.vips("eth0"), BTreeSet::from([vip()]));
    assert!(!site.withdrawn.load(Ordering::Relaxed));

    let next = site.start().await;
    assert_eq!(site.dataplane.actual(), before);
    let added = next.client.status().await.expect("a status").director.vips;
    assert_eq!(added.len(), 1, "the ledger remembers who added the VIP");
    next.client.stop(StopMode::Withdraw).await.expect("stopped");
    next.ended().await.expect("a clean end");
    assert_eq!(site.net.vips("eth0"), BTreeSet::new());
}

#[tokio::test]
async fn withdrawing_takes_everything_away_before_it_answers() {
    let site = Site::new(CONFIG);
    let daemon = site.start().await;
    let said = site.dray(["stop", "--withdraw"]).await;
    assert_eq!(
        (said.out.as_str(), said.status.code()),
        ("the daemon has stopped; forwarding has ended\n", Some(0))
    );
    assert!(site.withdrawn.load(Ordering::Relaxed));
    assert_eq!(site.net.vips("eth0"), BTreeSet::new());
    assert!(site.dataplane.actual().services.is_empty());
    daemon.ended().await.expect("a clean end");
}

#[tokio::test]
async fn a_vip_that_was_there_before_is_left_alone() {
    let site = Site::new(CONFIG);
    site.net.put_vip("eth0", vip());
    let daemon = site.start().await;
    assert_eq!(
        daemon
            .client
            .status()
            .await
            .expect("a status")
            .director
            .vips,
        []
    );
    daemon
        .client
        .stop(StopMode::Withdraw)
        .await
        .expect("stopped");
    daemon.ended().await.expect("a clean end");
    assert_eq!(site.net.vips("eth0"), BTreeSet::from([vip()]));
}

#[tokio::test]
async fn a_daemon_that_was_cut_off_is_replaced_and_its_data_plane_taken_over() {
    let site = Site::new(CONFIG);
    site.resolve([11, 12]);
    let daemon = site.start().await;
    let before = site.dataplane.actual();
    daemon.kill().await;
    let next = site.start().await;
    assert_eq!(site.dataplane.actual(), before);
    let services = next
        .client
        .status()
        .await
        .expect("the new daemon answers")
        .services;
    assert_eq!(services[0].destinations[0].standing, Standing::Eligible);
    stop(&site, next).await;
}

#[tokio::test]
async fn a_second_daemon_in_the_same_runtime_directory_is_refused() {
    let site = Site::new(CONFIG);
    let daemon = site.start().await;
    assert!(matches!(
        RuntimeDir::claim(&site.runtime_dir()),
        Err(ClaimError::Taken { .. })
    ));
    let said = site.dray(["run", "--config", text(&site.config())]).await;
    assert_eq!(said.status.code(), Some(1));
    assert!(said.err.contains("another daemon"), "{}", said.err);
    daemon
        .client
        .status()
        .await
        .expect("the first one still answers");
    stop(&site, daemon).await;
}

async fn stop(site: &Site, daemon: site::Daemon) {
    daemon
        .client
        .stop(StopMode::KeepForwarding)
        .await
        .expect("stopped");
    daemon.ended().await.expect("a clean end");
    assert!(!RuntimeDir::socket(&site.runtime_dir()).exists());
}

fn web() -> ServiceAddress {
    ServiceAddress {
        protocol: Protocol::Tcp,
        vip: vip(),
        port: 80,
    }
}

fn vip() -> IpAddr {
    real(100)
}

fn real(number: u8) -> IpAddr {
    IpAddr::from([10, 77, 0, number])
}
