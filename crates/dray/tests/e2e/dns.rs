//! UDP: real name servers, over IPv4 and IPv6.

use dray_lab::{Family, Lab, Topology, VirtualService};

use crate::site::{assert_nothing_dropped, assert_served, assert_shares, start, status, vip};

#[test]
fn names_are_asked_over_udp_and_a_clients_port_stays_on_its_real_server() {
    let lab = Lab::up(Topology::one_arm(3).named("dns")).unwrap();
    lab.serve_dns(53).unwrap();
    let director = lab.director(0);
    let dns = |name, family| VirtualService::udp(name, family, 53).weights(&[2, 1, 1]);
    let config = director
        .config()
        .service(dns("old", Family::V4))
        .service(dns("new", Family::V6));
    start(director, config);
    for family in Family::BOTH {
        // The lab itself fails a request that another server answers than those before it on the same port.
        let report = lab
            .client(0)
            .dns(vip(&lab, 0, family, 53))
            .connections(1_000)
            .requests(3_000)
            .run()
            .unwrap();
        assert_served(&report);
        assert_shares(&report, &[("real1", 2), ("real2", 1), ("real3", 1)]);
    }
    for service in status(director).services {
        let traffic = service.traffic;
        // A query is a packet; the kernel may give a port again that is still in the table.
        assert_eq!(traffic.packets, 3_000, "{}", service.name);
        assert!((900..=1_000).contains(&traffic.connections), "{traffic:?}");
        assert_eq!(
            (traffic.active, u64::from(traffic.inactive)),
            (0, traffic.connections)
        );
    }
    assert_nothing_dropped(director);
}
