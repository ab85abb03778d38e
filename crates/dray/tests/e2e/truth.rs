//! What the commands say while traffic runs, against what the clients know.

use std::{collections::BTreeMap, net::IpAddr};

use dray_api::v1::{Connection, Protocol, XdpMode};
use dray_lab::{Family, Lab, Topology, VirtualService, wait};

use crate::site::{
    Kept, assert_served, connections, destination, service, start, status, vip, web,
};

#[test]
fn open_connections_are_counted_and_listed_where_they_are() {
    let lab = Lab::up(Topology::one_arm(3).named("truth")).unwrap();
    lab.serve_http(80).unwrap();
    let director = lab.director(0);
    start(
        director,
        director.config().service(web(Family::V4, &[3, 1, 1])),
    );
    let vip = vip(&lab, 0, Family::V4, 80);
    let client = lab.topology().client(0, Family::V4);
    let kept: Vec<Kept> = (0..20).map(|_| Kept::open(&lab, vip)).collect();
    let mut on: BTreeMap<IpAddr, u32> = BTreeMap::new();
    for kept in &kept {
        let index: u8 = kept.server.trim_start_matches("real").parse().unwrap();
        *on.entry(lab.topology().real_server(index - 1, Family::V4))
            .or_default() += 1;
    }
    let wanted: Vec<u32> = on.values().copied().collect();
    assert_eq!(wanted, [12, 4, 4]);

    let web = service(director);
    assert_eq!((web.traffic.active, web.traffic.inactive), (20, 0));
    assert_eq!(web.traffic.connections, 20);
    for (&real, &connections) in &on {
        let traffic = destination(&web, real).traffic;
        assert_eq!((traffic.active, traffic.inactive), (connections, 0));
        assert_eq!(traffic.connections, u64::from(connections));
        // SYN, ACK, request, ACK, each with at least 40 bytes of headers.
        assert!(traffic.packets >= 3 * traffic.connections);
        assert!(traffic.bytes >= 40 * traffic.packets);
    }

    let listed = connections(director, &[]);
    assert!(!listed.more);
    assert_eq!(listed.connections.len(), 20);
    for connection in &listed.connections {
        let Connection {
            protocol,
            virtual_,
            service,
            state,
            ..
        } = connection;
        assert_eq!(
            (*protocol, *virtual_, service.as_deref(), state.as_str()),
            (Protocol::Tcp, vip, Some("web"), "ESTABLISHED")
        );
        assert_eq!(connection.client.ip(), client);
        assert!(
            (1..=900).contains(&connection.expires_seconds),
            "{connection:?}"
        );
    }
    for (real, &count) in &on {
        let listed = connections(director, &["--real", &real.to_string()]).connections;
        assert_eq!(listed.len(), count as usize);
        assert!(
            listed
                .iter()
                .all(|connection| connection.real == Some(*real))
        );
    }
    let some = connections(director, &["--limit", "5"]);
    assert!(some.more && some.connections.len() == 5);
    let none = connections(director, &["--client", "10.77.0.2"]);
    assert!(none.connections.is_empty());

    drop(kept);
    wait::until("closed connections to be inactive", || {
        let traffic = service(director).traffic;
        assert_eq!(traffic.active + traffic.inactive, 20);
        Ok((traffic.inactive == 20).then_some(()))
    })
    .unwrap();
    let listed = connections(director, &[]).connections;
    assert!(
        listed
            .iter()
            .all(|connection| connection.state != "ESTABLISHED")
    );
}

#[test]
fn rates_rise_under_load_and_counters_match_what_the_client_did() {
    let lab = Lab::up(Topology::one_arm(2).named("rates")).unwrap();
    lab.serve_http(80).unwrap();
    lab.serve_dns(53).unwrap();
    let director = lab.director(0);
    let dns = VirtualService::udp("dns", Family::V6, 53).weights(&[1, 1]);
    let config = director
        .config()
        .service(web(Family::V4, &[1, 1]))
        .service(dns);
    start(director, config);
    let now = status(director);
    assert!(now.problems.is_empty(), "{:?}", now.problems);
    assert!(
        now.director
            .interfaces
            .iter()
            .all(|interface| interface.xdp == XdpMode::Native)
    );
    assert!(
        now.services
            .iter()
            .all(|service| service.traffic.packets == 0)
    );

    let client = lab.client(0);
    let load = client
        .http(vip(&lab, 0, Family::V4, 80))
        .concurrency(8)
        .start()
        .unwrap();
    wait::until("rates of a running load", || {
        let rates = status(director).services[0].traffic.per_second;
        let rise = rates.connections > 0
            && rates.packets > rates.connections
            && rates.bytes > rates.packets;
        Ok(rise.then_some(()))
    })
    .unwrap();
    let report = load.stop().unwrap();
    assert_served(&report);
    let queries = client.dns(vip(&lab, 0, Family::V6, 53));
    let queries = queries.connections(10).requests(50).run().unwrap();
    assert_served(&queries);

    let after = status(director);
    let [web, dns] = &after.services[..] else {
        panic!("two services, not {:?}", after.services)
    };
    assert_eq!(web.traffic.connections, report.connections());
    assert_eq!((dns.traffic.connections, dns.traffic.packets), (10, 50));
    let udp = connections(director, &["--service", "dns", "--state", "UDP"]).connections;
    assert_eq!(udp.len(), 10);
    assert!(
        udp.iter()
            .all(|connection| connection.client.ip() == lab.topology().client(0, Family::V6))
    );
    for service in &after.services {
        let sum: u64 = service
            .destinations
            .iter()
            .map(|found| found.traffic.packets)
            .sum();
        assert_eq!(service.traffic.packets, sum, "{}", service.name);
    }
}
