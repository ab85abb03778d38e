//! Routes, which decide who the neighbour is.

use std::net::{IpAddr, Ipv4Addr};

use dray_model::{NextHop, Resolution, Unresolved, Way};
use rtnetlink::packet_route::route::{RouteAttribute, RouteMetric, RouteScope};

use super::no_answer;
use crate::network::{OTHER_MAC, PEER_MAC, Watched, Wire, entry, ip, rtnetlink, run};

#[test]
fn a_route_decides_who_the_neighbour_is() {
    run(async {
        let wire = Wire::new().await;
        wire.on_director.set_up("lo").await.expect("up");
        let mut director = Watched::new(&wire.director);
        let unresolved = Resolution::Unresolved;
        let (v4, v6) = (ip("192.0.2.7"), ip("2001:db8::7"));
        let own = [ip("10.0.0.1"), ip("fd00::1")];
        director.follow([v4, v6, own[0], own[1]]);
        for address in [v4, v6] {
            director
                .sees(address, &unresolved(Unresolved::NoRoute))
                .await;
        }
        for address in own {
            director.sees(address, &unresolved(Unresolved::Local)).await;
        }

        // The peer is the gateway.
        let gateways = [ip("10.0.0.2"), ip("fd00::2")];
        for (network, prefix, gateway) in [
            ("192.0.2.0", 24, gateways[0]),
            ("2001:db8::", 64, gateways[1]),
        ] {
            wire.on_director
                .add_route((ip(network), prefix), Some(gateway), "eth0")
                .await
                .expect("add route");
        }
        for (address, gateway) in [(v4, gateways[0]), (v6, gateways[1])] {
            let behind = Way {
                gateway: Some(gateway),
                shared: None,
                ..wire.way(gateway, PEER_MAC).await
            };
            director.sees(address, &Resolution::Resolved(behind)).await;
            assert!(
                entry(&wire.director, gateway)
                    .await
                    .is_some_and(|entry| entry.managed),
                "{gateway}"
            );
            assert_eq!(entry(&wire.director, address).await, None);
        }

        // A more exact route, and the peer takes the addresses: now they are neighbours.
        for (address, prefix) in [(v4, 32), (v6, 128)] {
            wire.on_peer
                .add_address("eth0", address, prefix)
                .await
                .expect("add address");
            wire.on_director
                .add_route((address, prefix), None, "eth0")
                .await
                .expect("add route");
            director
                .sees(address, &wire.resolved_alone(address, PEER_MAC).await)
                .await;
        }
        wire.on_director
            .add_address("eth0", v4, 32)
            .await
            .expect("add address");
        director.sees(v4, &unresolved(Unresolved::Local)).await;
    });
}

#[test]
fn a_gateway_that_falls_silent_or_moves_takes_what_is_behind_it_along() {
    run(async {
        let wire = Wire::new().await;
        wire.hasten();
        let gateway = ip("10.0.0.2");
        wire.on_director
            .add_route((ip("192.0.2.0"), 24), Some(gateway), "eth0")
            .await
            .expect("add route");
        let mut director = Watched::new(&wire.director);
        let far = [ip("192.0.2.7"), ip("192.0.2.8")];
        director.follow(far);
        let behind = async |mac| {
            Resolution::Resolved(Way {
                gateway: Some(gateway),
                shared: None,
                ..wire.way(gateway, mac).await
            })
        };
        for address in far {
            director.sees(address, &behind(PEER_MAC).await).await;
        }
        wire.on_peer
            .set_mac("eth0", OTHER_MAC)
            .await
            .expect("set mac");
        for address in far {
            director.sees(address, &behind(OTHER_MAC).await).await;
        }
        wire.on_peer
            .remove_address("eth0", gateway, 24)
            .await
            .expect("remove address");
        for address in far {
            director.sees(address, &no_answer()).await;
        }
    });
}

#[test]
fn another_gateway_and_another_source_are_seen_at_once() {
    run(async {
        let wire = Wire::new().await;
        let gateways = [ip("10.0.0.2"), ip("10.0.0.3")];
        wire.on_director
            .add_neighbour("eth0", gateways[1], OTHER_MAC)
            .await
            .expect("add neighbour");
        let mut director = Watched::new(&wire.director);
        let far = ip("192.0.2.7");
        director.follow([far]);
        let default = |gateway| {
            rtnetlink::RouteMessageBuilder::<Ipv4Addr>::new().gateway(match gateway {
                IpAddr::V4(gateway) => gateway,
                IpAddr::V6(_) => unreachable!("the gateways are IPv4"),
            })
        };
        for (gateway, mac, source) in [
            (gateways[0], PEER_MAC, "10.0.0.1"),
            (gateways[1], OTHER_MAC, "10.0.0.1"),
            (gateways[1], OTHER_MAC, "10.0.0.9"),
        ] {
            let own = ip(source);
            if source != "10.0.0.1" {
                wire.on_director
                    .add_address("eth0", own, 24)
                    .await
                    .expect("add address");
            }
            let IpAddr::V4(preferred) = own else {
                unreachable!("the sources are IPv4")
            };
            rtnetlink(&wire.director)
                .route()
                .add(default(gateway).pref_source(preferred).build())
                .replace()
                .execute()
                .await
                .expect("replace the default route");
            let way = Way {
                gateway: Some(gateway),
                source: Some(own),
                shared: None,
                ..wire.way(gateway, mac).await
            };
            director.sees(far, &Resolution::Resolved(way)).await;
        }
    });
}

#[test]
fn the_mtu_is_that_of_the_interface_or_less_if_the_route_says_so() {
    run(async {
        let wire = Wire::new().await;
        let mut director = Watched::new(&wire.director);
        let peers = [ip("10.0.0.2"), ip("fd00::2")];
        director.follow(peers);
        for mtu in [1500, 2000, 1300] {
            wire.on_director
                .set_mtu("eth0", mtu)
                .await
                .expect("set the MTU");
            for peer in peers {
                let way = wire.way(peer, PEER_MAC).await;
                director.sees(peer, &with_mtu(way, mtu)).await;
            }
        }
        for (peer, length) in peers.into_iter().zip([32, 128]) {
            let mut route = rtnetlink::RouteMessageBuilder::<IpAddr>::new()
                .destination_prefix(peer, length)
                .expect("a prefix")
                .output_interface(wire.interface().await);
            let metrics = RouteAttribute::Metrics(vec![RouteMetric::Mtu(1280)]);
            route.get_mut().attributes.push(metrics);
            route.get_mut().header.scope = RouteScope::Link;
            rtnetlink(&wire.director)
                .route()
                .add(route.build())
                .execute()
                .await
                .expect("add route");
            let alone = Way {
                shared: Some(length),
                ..wire.way(peer, PEER_MAC).await
            };
            director.sees(peer, &with_mtu(alone, 1280)).await;
        }
    });
}

fn with_mtu(way: Way, mtu: u32) -> Resolution {
    Resolution::Resolved(Way {
        next: NextHop { mtu, ..way.next },
        ..way
    })
}
