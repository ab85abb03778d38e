//! One service with real servers next door by direct routing and one in another network by a tunnel, on a narrow way.

use dray_lab::{Family, Lab, Topology, VirtualService};

use super::{
    traffic::{Pair, Ports},
    tunnels::unpack_tunnels,
};
use crate::site::{start, status};

#[test]
fn a_service_mixes_direct_routing_with_a_tunnel_across_a_router() {
    let topology = Topology::one_arm(3).remote(1).server_mtu(1_400);
    let lab = Lab::up(topology.named("methods-mixed")).unwrap();
    lab.serve_http(80).unwrap();
    lab.serve_dns(53).unwrap();
    unpack_tunnels(&lab);
    let director = lab.director(0);
    let pairs = Family::BOTH.map(|family| Pair {
        clients: family,
        real_servers: family,
        ports: Ports { web: 80, dns: 53 },
        forward: "dr",
        settings: &[],
    });
    let services = pairs.iter().flat_map(|pair| pair.services(2, None));
    let config = services.fold(director.config(), |config, service| {
        config.service(by_tunnel(service))
    });
    start(director, config);
    for service in status(director).services {
        let methods = service.destinations.iter();
        let methods: Vec<_> = methods.map(|real| real.forward.to_string()).collect();
        assert_eq!(methods, ["dr", "dr", "tun ipip"]);
    }
    for pair in pairs {
        pair.assert_carries(&lab);
        // One to each real server.
        pair.assert_carries_much(&lab, 3);
    }
}

/// The service with the third real server, which is remote.
fn by_tunnel(service: VirtualService) -> VirtualService {
    service.real_server(2, 1).set_real("forward", "\"tun\"")
}
