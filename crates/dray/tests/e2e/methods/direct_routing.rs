//! Direct routing, to real servers of the director's own network.

use dray_lab::{Family, Lab, Topology};

use super::{
    traffic::{Pair, Ports, assert_method_shown},
    wire,
};
use crate::site::start;

#[test]
fn direct_routing_carries_all_traffic_of_both_families() {
    let lab = Lab::up(Topology::one_arm(2).named("methods-dr")).unwrap();
    lab.serve_http(80).unwrap();
    lab.serve_dns(53).unwrap();
    let pairs = Family::BOTH.map(|family| Pair {
        clients: family,
        real_servers: family,
        ports: Ports { web: 80, dns: 53 },
        forward: "dr",
        settings: &[],
    });
    let director = lab.director(0);
    let services = pairs.iter().flat_map(|pair| pair.services(2, None));
    let config = services.fold(director.config(), |config, service| config.service(service));
    start(director, config);
    assert_method_shown(director, "dr");
    for pair in pairs {
        assert!(
            wire::watch(&lab, || pair.ask_a_little(&lab))
                .flows()
                .count()
                > 20
        );
        pair.assert_carries(&lab);
    }
}
