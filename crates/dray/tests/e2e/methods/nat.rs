//! NAT: the director is the real servers' gateway to the clients, who never learn of them.

use dray_lab::{Family, Gateway, Lab, PAGE, Topology, VirtualService};

use super::{
    traffic::{Pair, Ports, assert_method_shown},
    wire,
};
use crate::{
    site::{assert_nothing_dropped, assert_served, start, vip},
    tshark::Packet,
};

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

#[test]
fn a_largest_segment_size_reaches_both_ends_and_both_keep_to_it() {
    const MSS: u16 = 1_300;
    const OPTION: &str = "02040514";
    let topology = Topology::two_arms(1).gateway(Gateway::Director);
    let lab = Lab::up(topology.named("methods-mss")).unwrap();
    lab.serve_http(80).unwrap();
    let director = lab.director(0);
    let services = Family::BOTH.map(|family| {
        VirtualService::tcp(&format!("web-{family:?}"), family, 80)
            .forward("nat")
            .set("mss", MSS)
            .weights(&[1])
    });
    let services = services.into_iter();
    start(
        director,
        services.fold(director.config(), |config, service| config.service(service)),
    );
    for (family, headers) in Family::BOTH.into_iter().zip([40, 60]) {
        let load = || lab.client(0).http(vip(&lab, 0, family, 80));
        let sent = wire::watch(&lab, || {
            let upload = load().with(|http| http.upload(20_000));
            assert_served(&upload.run().unwrap());
            assert_served(&load().with(|http| http.path(PAGE)).run().unwrap());
        });
        for packets in [&sent.to_real_servers, &sent.to_clients] {
            let syns: Vec<_> = of_flows(packets).filter(|packet| packet.is_syn()).collect();
            assert_eq!(syns.len(), 2);
            for syn in syns {
                let options = syn.only("tcp.options").unwrap();
                assert!(options.starts_with(OPTION), "{syn:?}");
            }
            let longest = of_flows(packets).map(|packet| packet.lengths()[0]).max();
            assert_eq!(longest, Some(u32::from(MSS) + headers));
        }
    }
    assert_nothing_dropped(director);
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
