//! NAT: the director is the real servers' gateway to the clients, who never learn of them.

use dray_lab::{Family, Gateway, Lab, Topology};

use super::{
    traffic::{Pair, Ports, assert_method_shown},
    wire,
};
use crate::{site::start, tshark::Packet};

#[test]
fn nat_carries_all_traffic_of_both_families_to_other_ports() {
    let topology = Topology::two_arms(2).gateway(Gateway::Director);
    let lab = Lab::up(topology.named("methods-nat")).unwrap();
    let reals = Ports {
        web: 8_080,
        dns: 5_353,
    };
    lab.serve_http(reals.web).unwrap();
    lab.serve_dns(reals.dns).unwrap();
    let pairs = Family::BOTH.map(|family| Pair {
        clients: family,
        real_servers: family,
        ports: Ports { web: 80, dns: 53 },
        forward: "nat",
        settings: &[],
    });
    let director = lab.director(0);
    let services = pairs.iter().flat_map(|pair| pair.services(2, Some(reals)));
    let config = services.fold(director.config(), |config, service| config.service(service));
    start(director, config);
    assert_method_shown(director, "nat");
    for pair in pairs {
        assert_translated(&lab, pair, reals);
        pair.assert_carries(&lab);
    }
}

/// Real servers see the client and the port that they serve at, the client sees the VIP.
fn assert_translated(lab: &Lab, pair: Pair<'_>, reals: Ports) {
    let topology = lab.topology();
    let client = topology.client(0, pair.clients).to_string();
    let vip = topology.vip(0, pair.clients).to_string();
    let sent = wire::watch(lab, || pair.ask_a_little(lab));
    let to_real_servers: Vec<_> = of_flows(&sent.to_real_servers).collect();
    let to_clients: Vec<_> = of_flows(&sent.to_clients).collect();
    assert!(to_real_servers.len() > 20 && to_clients.len() > 10);
    for packet in to_real_servers {
        assert_eq!(packet.source(), Some(&client), "{packet:?}");
        let ports = [reals.web, reals.dns].map(|port| port.to_string());
        assert!(packet.port_to().is_some_and(|port| ports.contains(port)));
    }
    for packet in to_clients {
        assert_eq!(packet.source(), Some(&vip), "{packet:?}");
        assert_eq!(packet.destination(), Some(&client), "{packet:?}");
    }
}

fn of_flows(packets: &[Packet]) -> impl Iterator<Item = &Packet> {
    packets.iter().filter(|packet| packet.is_of_a_flow())
}
