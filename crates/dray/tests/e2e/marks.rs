//! Marks: several ports of a VIP, or several VIPs, as one service.

use std::{collections::BTreeSet, net::TcpStream};

use dray_lab::{DirectorConfig, Family, Lab, Topology, VirtualService};

use crate::site::{assert_nothing_dropped, assert_served, service, start, vip};

#[test]
fn a_client_gets_the_same_real_server_for_both_ports_of_a_mark() {
    for family in Family::BOTH {
        let lab = Lab::up(Topology::one_arm(3).clients(6).named("marks")).unwrap();
        lab.serve_http(80).unwrap();
        lab.serve_http(443).unwrap();
        let director = lab.director(0);
        start(director, config(director.config(), family));
        let server = |client, port| {
            let load = lab.client(client).http(vip(&lab, 0, family, port));
            let report = load.connections(10).requests(10).run().unwrap();
            assert_served(&report);
            assert_eq!(report.servers.len(), 1, "{report:?}");
            report.servers.into_keys().next().unwrap()
        };
        let mut servers = BTreeSet::new();
        for client in 0..6 {
            // Whichever port a client asks first.
            let [first, second] = if client % 2 == 0 {
                [80, 443]
            } else {
                [443, 80]
            };
            let chosen = server(client, first);
            assert_eq!(server(client, second), chosen, "client {client}");
            servers.insert(chosen);
        }
        assert_eq!(servers.len(), 3, "{servers:?}");
        assert_eq!(service(director).traffic.connections, 120);

        // A port without a mark is the host's own.
        let other = vip(&lab, 0, family, 81);
        let refused = lab
            .client(0)
            .namespace()
            .run(|| Ok(TcpStream::connect(other).is_err()));
        assert!(refused.unwrap());
        assert_nothing_dropped(director);
    }
}

#[test]
fn a_marks_rules_change_under_load_and_no_request_fails() {
    let lab = Lab::up(Topology::one_arm(3).named("new-marks")).unwrap();
    lab.serve_http(80).unwrap();
    let director = lab.director(0);
    let by_mark = config(director.config(), Family::V4);
    let by_address = director
        .config()
        .service(VirtualService::tcp("web", Family::V4, 80).weights(&[1, 1, 1]));
    start(director, by_mark.clone());
    let vip = vip(&lab, 0, Family::V4, 80);
    let load = lab.client(0).http(vip).concurrency(8).start().unwrap();
    for config in [by_address.clone(), by_mark.clone(), by_address, by_mark] {
        load.wait_for(50).unwrap();
        director.reload(config).unwrap();
        director.wait_until_eligible().unwrap();
    }
    load.wait_for(50).unwrap();
    assert_served(&load.stop().unwrap());
    assert_nothing_dropped(director);
}

/// Ports 80 and 443 as one persistent service over three real servers.
fn config(config: DirectorConfig, family: Family) -> DirectorConfig {
    let shop = VirtualService::marked("shop", family, 7)
        .scheduler("rr")
        .set("persistent", "\"6m\"")
        .weights(&[1, 1, 1]);
    config
        .mark(7, family, 80)
        .mark(7, family, 443)
        .service(shop)
}
