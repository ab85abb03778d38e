//! IPv6, alone and beside IPv4.

use dray_lab::{Family, Lab, Topology, VirtualService};

use crate::site::{assert_nothing_dropped, assert_served, assert_shares, start, status, vip, web};

#[test]
fn a_service_of_ipv6_is_balanced_beside_one_of_ipv4() {
    let lab = Lab::up(Topology::one_arm(3).named("ipv6")).unwrap();
    lab.serve_http(80).unwrap();
    let director = lab.director(0);
    let config = director
        .config()
        .service(web(Family::V6, &[2, 1, 1]))
        .service(VirtualService::tcp("old", Family::V4, 80).weights(&[0, 1, 3]));
    start(director, config);
    let load = |family| {
        lab.client(0)
            .http(vip(&lab, 0, family, 80))
            .connections(1_000)
            .requests(2_000)
            .run()
            .unwrap()
    };
    let new = load(Family::V6);
    let old = load(Family::V4);
    assert_served(&new);
    assert_shares(&new, &[("real1", 2), ("real2", 1), ("real3", 1)]);
    assert_served(&old);
    assert_shares(&old, &[("real2", 1), ("real3", 3)]);
    for service in status(director).services {
        assert_eq!(service.traffic.connections, 1_000, "{}", service.name);
    }
    assert_nothing_dropped(director);
}
