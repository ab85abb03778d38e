//! Ending connections, and what counts towards a real server until they end.

use std::time::Duration;

use dray_control::{ConnectionFilter, Ended, Handle, RealLive, RealName};
use dray_model::{Connection, DestinationId, Live, Template};

use crate::site::{Site, address, desired, real, service};

/// Two services with the same two real servers.
async fn start(site: &Site) -> Handle {
    site.resolve_all();
    let wanted = desired(vec![
        service(0, &[(1, 1), (2, 1)]),
        service(1, &[(1, 1), (2, 1)]),
    ]);
    site.start(wanted).await.0
}

fn destination(site: &Site, service: u8, number: u8) -> DestinationId {
    let found = site.dataplane.destination(address(service), real(number));
    found.expect("a destination")
}

fn connection(destination: DestinationId, client: &str, state: &'static str) -> Connection {
    Connection {
        service: address(0),
        client: client.parse().unwrap(),
        destination,
        local: None,
        state,
        expires: Duration::from_secs(800),
        age: Duration::from_secs(100),
    }
}

fn template(destination: DestinationId, client: &str, children: u32) -> Template {
    Template {
        protocol: 6,
        client: client.parse().unwrap(),
        vip: address(0).vip,
        port: 80,
        destination,
        state: "ASSURED",
        expires: Duration::from_secs(300),
        children,
    }
}

fn name(service_number: Option<u8>, number: u8) -> RealName {
    RealName {
        service: service_number.map(|number| service(number, &[]).name),
        real: real(number).to_string().parse().unwrap(),
    }
}

/// Gives each of the four destinations a connection of each of a few clients.
fn fill(site: &Site) {
    let mut connections = Vec::new();
    for service in 0..2 {
        for number in 1..=2 {
            let id = destination(site, service, number);
            for port in 4000..4010 {
                let client = format!("192.0.2.{number}:{port}");
                connections.push(connection(id, &client, "ESTABLISHED"));
            }
            connections.push(connection(id, "198.51.100.1:5000", "FIN_WAIT"));
            let live = Live {
                active: 10,
                inactive: 1,
                ..Live::default()
            };
            site.dataplane.set_live(id, live);
        }
    }
    site.dataplane.set_connections(connections);
}

#[tokio::test(start_paused = true)]
async fn connections_end_by_every_filter() {
    let all = ConnectionFilter::default();
    for (name, filter, ended) in [
        ("all", all.clone(), 44),
        (
            "client",
            ConnectionFilter {
                client: Some(("192.0.2.1".parse().unwrap(), 32)),
                ..all.clone()
            },
            20,
        ),
        (
            "service",
            ConnectionFilter {
                service: Some(service(1, &[]).name),
                ..all.clone()
            },
            22,
        ),
        (
            "a service that is not there",
            ConnectionFilter {
                service: Some(service(9, &[]).name),
                ..all.clone()
            },
            0,
        ),
        (
            "real",
            ConnectionFilter {
                real: Some(real(1)),
                ..all.clone()
            },
            22,
        ),
        (
            "real of a service",
            ConnectionFilter {
                real: Some(real(1)),
                service: Some(service(0, &[]).name),
                ..all.clone()
            },
            11,
        ),
        (
            "state",
            ConnectionFilter {
                state: Some("fin_wait".to_owned()),
                ..all.clone()
            },
            4,
        ),
    ] {
        let site = Site::new();
        let handle = start(&site).await;
        fill(&site);
        let shown = handle.connections(filter.clone(), 100).await.unwrap();
        assert_eq!(shown.list.len(), ended, "{name}");
        let answer = handle.end_connections(filter.clone(), false).await.unwrap();
        let wanted = Ended {
            connections: ended as u64,
            templates: 0,
        };
        assert_eq!(answer, wanted, "{name}");
        assert_eq!(site.dataplane.all_connections().len(), 44 - ended, "{name}");
        let left = handle.connections(filter, 100).await.unwrap();
        assert_eq!(left.list, [], "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_ended_no_longer_counts() {
    let site = Site::new();
    let handle = start(&site).await;
    fill(&site);
    let whole = RealLive {
        destinations: 2,
        active: 20,
        inactive: 2,
        templates: 0,
    };
    assert_eq!(handle.live(vec![name(None, 1)]).await.unwrap(), whole);
    let ended = handle
        .end_reals(vec![name(Some(0), 1)], true)
        .await
        .unwrap();
    assert_eq!(ended.connections, 11);
    let half = RealLive {
        active: 10,
        inactive: 1,
        ..whole
    };
    assert_eq!(handle.live(vec![name(None, 1)]).await.unwrap(), half);
    let gone = handle.live(vec![name(Some(0), 1)]).await.unwrap();
    assert!(gone.is_idle());
    assert_eq!(gone.destinations, 1);
    assert_eq!(
        handle.live(vec![name(None, 2)]).await.unwrap(),
        whole,
        "the other one"
    );
    let both = vec![name(None, 1), name(Some(1), 1), name(Some(1), 2)];
    assert_eq!(handle.live(both).await.unwrap().active, 20, "each once");
    let unknown = vec![name(Some(9), 1), name(None, 9)];
    assert_eq!(handle.live(unknown).await.unwrap(), RealLive::default());
}

#[tokio::test(start_paused = true)]
async fn a_real_server_without_a_port_is_the_one_at_the_services() {
    let site = Site::new();
    site.resolve_all();
    let mut mixed = service(0, &[(1, 1), (1, 1)]);
    for (real, port) in mixed.reals.iter_mut().zip([80, 8080]) {
        real.forward = dray_model::Forward::Nat;
        real.port = port;
    }
    let (handle, _task) = site.start(desired(vec![mixed])).await;
    let destinations = site.dataplane.actual().destinations;
    for (id, destination) in destinations {
        let live = Live {
            active: u32::from(destination.port),
            ..Live::default()
        };
        site.dataplane.set_live(id, live);
    }
    for service_number in [None, Some(0)] {
        for (text, active) in [("10.77.0.11", 80), ("10.77.0.11:8080", 8080)] {
            let real = RealName {
                real: text.parse().unwrap(),
                ..name(service_number, 1)
            };
            let live = handle.live(vec![real]).await.unwrap();
            assert_eq!((live.destinations, live.active), (1, active), "{text}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn templates_end_when_they_are_meant_too() {
    let site = Site::new();
    let handle = start(&site).await;
    let [one, two] = [1, 2].map(|number| destination(&site, 0, number));
    site.dataplane.set_templates(vec![
        template(one, "192.0.2.1", 0),
        template(one, "192.0.2.2", 3),
        template(two, "192.0.2.3", 0),
    ]);
    let ended = handle.end_reals(vec![name(None, 1)], false).await.unwrap();
    assert_eq!(ended, Ended::default());

    let by_state = ConnectionFilter {
        state: Some("ASSURED".to_owned()),
        ..ConnectionFilter::default()
    };
    let ended = handle.end_connections(by_state, true).await.unwrap();
    assert_eq!(ended, Ended::default(), "states are of connections");

    let ended = handle.end_reals(vec![name(None, 1)], true).await.unwrap();
    assert_eq!((ended.connections, ended.templates), (0, 2));
    let left: Vec<(String, u16)> = (site.dataplane.all_templates().iter())
        .map(|template| (template.client.to_string(), template.port))
        .collect();
    let wanted = [("192.0.2.2", u16::MAX), ("192.0.2.3", 80)];
    assert_eq!(left, wanted.map(|(client, port)| (client.to_owned(), port)));
}

#[tokio::test(start_paused = true)]
async fn the_table_is_gone_through_in_parts_and_templates_come_first() {
    let site = Site::new();
    let handle = start(&site).await;
    fill(&site);
    let all = ConnectionFilter::default();
    handle.end_connections(all, true).await.unwrap();
    let parts = site.dataplane.endings();
    let of = parts[0].of;
    assert!(of >= 100, "small parts");
    assert!(parts.iter().all(|part| part.of == of));
    let numbers: Vec<u32> = parts.iter().map(|part| part.number).collect();
    let wanted: Vec<u32> = (0..of).chain(0..of).collect();
    assert_eq!(
        numbers, wanted,
        "the table of templates, then that of connections"
    );
}

#[tokio::test(start_paused = true)]
async fn others_are_answered_while_connections_end() {
    let site = Site::new();
    let handle = start(&site).await;
    fill(&site);
    let ending = tokio::spawn({
        let handle = handle.clone();
        async move {
            handle
                .end_connections(ConnectionFilter::default(), true)
                .await
        }
    });
    // The ending has been asked for once its first part is done.
    while site.dataplane.endings().is_empty() {
        tokio::task::yield_now().await;
    }
    let wanted = desired(vec![
        service(0, &[(1, 7), (2, 1)]),
        service(1, &[(1, 1), (2, 1)]),
    ]);
    handle.replace(wanted).await.unwrap();
    assert!(!ending.is_finished(), "the change did not wait for it");
    assert_eq!(site.weights(0), [1, 7]);
    assert_eq!(ending.await.unwrap().unwrap().connections, 44);
}

#[tokio::test(start_paused = true)]
async fn an_ending_is_carried_out_although_nobody_waits_for_it() {
    let site = Site::new();
    let handle = start(&site).await;
    fill(&site);
    let ending = tokio::spawn({
        let handle = handle.clone();
        async move {
            handle
                .end_connections(ConnectionFilter::default(), false)
                .await
        }
    });
    while site.dataplane.endings().is_empty() {
        tokio::task::yield_now().await;
    }
    ending.abort();
    dray_testkit::eventually!(async site.dataplane.all_connections().is_empty());
}
