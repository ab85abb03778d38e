//! Clients behind a VLAN tag, real servers without.

use dray_lab::{Direction, Family, Lab, Topology, VirtualService};

use crate::site::{assert_nothing_dropped, assert_served, assert_shares, start, vip};

#[test]
fn a_tagged_clients_packets_reach_real_servers_untagged() {
    balance(Topology::one_arm(3).client_vlan(10).named("vlan"));
}

#[test]
fn a_tagged_clients_packets_leave_by_the_other_interface_untagged() {
    balance(
        Topology::two_arms(3)
            .client_vlan(4094)
            .named("vlan-two-arms"),
    );
}

fn balance(topology: Topology) {
    let real_servers = topology.real_server_network(0);
    let lab = Lab::up(topology).unwrap();
    lab.serve_http(80).unwrap();
    lab.serve_dns(53).unwrap();
    let director = lab.director(0);
    let config = director
        .config()
        .service(VirtualService::tcp("web4", Family::V4, 80).weights(&[3, 1, 1]))
        .service(VirtualService::tcp("web6", Family::V6, 80).weights(&[3, 1, 1]))
        .service(VirtualService::udp("dns4", Family::V4, 53).weights(&[3, 1, 1]))
        .service(VirtualService::udp("dns6", Family::V6, 53).weights(&[3, 1, 1]));
    start(director, config);
    let capture = lab.capture_headers_at_director(0, real_servers).unwrap();
    let shares = [("real1", 3), ("real2", 1), ("real3", 1)];
    for family in Family::BOTH {
        let client = lab.client(0);
        let web = client.http(vip(&lab, 0, family, 80));
        let report = web.connections(500).requests(1_000).run().unwrap();
        assert_served(&report);
        assert_shares(&report, &shares);
        let dns = client.dns(vip(&lab, 0, family, 53));
        let report = dns.connections(500).requests(1_000).run().unwrap();
        assert_served(&report);
        assert_shares(&report, &shares);
    }
    let frames = capture.stop().unwrap();
    let vips = Family::BOTH.map(|family| lab.topology().vip(0, family));
    let forwarded: Vec<_> = frames
        .iter()
        .filter(|frame| frame.direction == Direction::In)
        .filter(|frame| {
            frame
                .flow()
                .is_some_and(|flow| vips.contains(&flow.destination.ip()))
        })
        .collect();
    // At least one packet for each request.
    assert!(forwarded.len() >= 4_000, "{}", forwarded.len());
    for frame in forwarded {
        assert_eq!(frame.vlan, None);
        assert!(matches!(frame.bytes[12..14], [0x08, 0x00] | [0x86, 0xdd]));
    }
    assert_nothing_dropped(director);
}
