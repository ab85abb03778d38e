//! Following next hops.

use std::net::{IpAddr, Ipv4Addr};

use dray_model::{Mac, NextHop, Resolution, Unresolved, Way};
use rtnetlink::packet_route::{
    neighbour::NeighbourState,
    route::{RouteAttribute, RouteMetric, RouteScope},
};

use crate::network::{
    Entry, OTHER_MAC, PEER_MAC, Watched, Wire, entry, ip, remember, rtnetlink, run, soon,
};

fn no_answer() -> Resolution {
    Resolution::Unresolved(Unresolved::NoAnswer {
        interface: "eth0".into(),
    })
}

fn no_link() -> Resolution {
    Resolution::Unresolved(Unresolved::NoLink {
        interface: "eth0".into(),
    })
}

#[test]
fn a_neighbour_is_resolved_and_kept_by_the_kernel() {
    run(async {
        let wire = Wire::new().await;
        let mut director = Watched::new(&wire.director);
        let peers = [ip("10.0.0.2"), ip("fd00::2")];
        director.follow(peers);
        for peer in peers {
            director
                .sees(peer, &wire.resolved(peer, PEER_MAC).await)
                .await;
            assert!(
                entry(&wire.director, peer)
                    .await
                    .is_some_and(|entry| entry.managed),
                "{peer}"
            );
        }
    });
}

#[test]
fn a_neighbour_that_announces_another_ethernet_address_is_followed() {
    run(async {
        let wire = Wire::new().await;
        wire.peer.set("ipv4/conf/eth0/arp_notify", 1);
        let mut director = Watched::new(&wire.director);
        let peer = ip("10.0.0.2");
        director.follow([peer]);
        director
            .sees(peer, &wire.resolved(peer, PEER_MAC).await)
            .await;

        wire.on_peer
            .set_mac("eth0", OTHER_MAC)
            .await
            .expect("set mac");
        director
            .sees(peer, &wire.resolved(peer, OTHER_MAC).await)
            .await;
    });
}

#[test]
fn a_neighbour_that_changes_its_ethernet_address_in_silence_is_found_by_asking() {
    run(async {
        let wire = Wire::new().await;
        wire.hasten();
        let mut director = Watched::new(&wire.director);
        let peers = [ip("10.0.0.2"), ip("fd00::2")];
        director.follow(peers);
        for peer in peers {
            director
                .sees(peer, &wire.resolved(peer, PEER_MAC).await)
                .await;
        }

        wire.on_peer
            .set_mac("eth0", OTHER_MAC)
            .await
            .expect("set mac");
        for peer in peers {
            director
                .sees(peer, &wire.resolved(peer, OTHER_MAC).await)
                .await;
        }
    });
}

#[test]
fn a_neighbour_that_falls_silent_is_no_answer_until_it_comes_back() {
    run(async {
        let wire = Wire::new().await;
        wire.hasten();
        let mut director = Watched::new(&wire.director);
        let peer = ip("10.0.0.2");
        director.follow([peer]);
        director
            .sees(peer, &wire.resolved(peer, PEER_MAC).await)
            .await;

        wire.on_peer
            .remove_address("eth0", peer, 24)
            .await
            .expect("remove address");
        director.sees(peer, &no_answer()).await;
        wire.on_peer
            .add_address("eth0", peer, 24)
            .await
            .expect("add address");
        director
            .sees(peer, &wire.resolved(peer, PEER_MAC).await)
            .await;
    });
}

#[test]
fn an_address_that_nobody_has_is_no_answer() {
    run(async {
        let wire = Wire::new().await;
        wire.hasten();
        let mut director = Watched::new(&wire.director);
        let nobody = [ip("10.0.0.77"), ip("fd00::77")];
        director.follow(nobody);
        for nobody in nobody {
            director.sees(nobody, &no_answer()).await;
        }
    });
}

#[test]
fn a_lost_carrier_and_an_interface_that_is_off_are_no_way_until_they_are_back() {
    run(async {
        let wire = Wire::new().await;
        let mut director = Watched::new(&wire.director);
        let peer = ip("10.0.0.2");
        director.follow([peer]);
        let resolved = wire.resolved(peer, PEER_MAC).await;
        director.sees(peer, &resolved).await;

        wire.on_peer.set_down("eth0").await.expect("down");
        director.sees(peer, &no_link()).await;
        wire.on_peer.set_up("eth0").await.expect("up");
        director.sees(peer, &resolved).await;

        // Switched off, the interface takes its routes along.
        wire.on_director.set_down("eth0").await.expect("down");
        director
            .sees(peer, &Resolution::Unresolved(Unresolved::NoRoute))
            .await;
        wire.on_director.set_up("eth0").await.expect("up");
        director.sees(peer, &resolved).await;
    });
}

#[test]
fn the_directors_own_ethernet_address_is_followed_too() {
    run(async {
        let wire = Wire::new().await;
        let mut director = Watched::new(&wire.director);
        let peer = ip("10.0.0.2");
        director.follow([peer]);
        director
            .sees(peer, &wire.resolved(peer, PEER_MAC).await)
            .await;

        wire.on_director
            .set_mac("eth0", OTHER_MAC)
            .await
            .expect("set mac");
        let source_is = |now: &Resolution, mac| matches!(now, Resolution::Resolved(way) if way.next.source == mac);
        director
            .until(
                |now| now.get(&peer).is_some_and(|now| source_is(now, OTHER_MAC)),
                "another source",
            )
            .await;
    });
}

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
fn a_permanent_entry_is_used_and_left_to_the_operator() {
    run(async {
        let wire = Wire::new().await;
        let address = ip("10.0.0.9");
        wire.on_director
            .add_neighbour("eth0", address, OTHER_MAC)
            .await
            .expect("add neighbour");
        let permanent = Some(Entry {
            state: NeighbourState::Permanent,
            managed: false,
        });

        let mut director = Watched::new(&wire.director);
        director.follow([address]);
        director
            .sees(address, &wire.resolved(address, OTHER_MAC).await)
            .await;
        assert_eq!(entry(&wire.director, address).await, permanent);

        director.follow([]);
        director.until(|now| now.is_empty(), "nothing").await;
        assert_eq!(entry(&wire.director, address).await, permanent);
    });
}

#[test]
fn an_entry_that_the_operator_makes_permanent_meanwhile_is_his() {
    run(async {
        let wire = Wire::new().await;
        let mut director = Watched::new(&wire.director);
        let peer = ip("10.0.0.2");
        director.follow([peer]);
        director
            .sees(peer, &wire.resolved(peer, PEER_MAC).await)
            .await;

        wire.on_director
            .add_neighbour("eth0", peer, OTHER_MAC)
            .await
            .expect("add neighbour");
        director
            .sees(peer, &wire.resolved(peer, OTHER_MAC).await)
            .await;
        director.follow([]);
        director.until(|now| now.is_empty(), "nothing").await;
        let permanent = Entry {
            state: NeighbourState::Permanent,
            managed: false,
        };
        assert_eq!(entry(&wire.director, peer).await, Some(permanent));
    });
}

#[test]
fn an_entry_is_given_back_when_its_address_is_not_followed_any_more() {
    run(async {
        let wire = Wire::new().await;
        let (peer, other) = (ip("10.0.0.2"), ip("fd00::2"));
        remember(&wire.director, peer, PEER_MAC).await;
        let mut director = Watched::new(&wire.director);
        director.follow([peer, other]);
        for address in [peer, other] {
            director
                .sees(address, &wire.resolved(address, PEER_MAC).await)
                .await;
            assert!(
                entry(&wire.director, address)
                    .await
                    .is_some_and(|entry| entry.managed),
                "{address}"
            );
        }
        director.follow([other]);
        director
            .until(|now| now.get(&peer).is_none(), "one address")
            .await;
        assert!(
            entry(&wire.director, peer)
                .await
                .is_none_or(|entry| !entry.managed)
        );
        assert!(
            entry(&wire.director, other)
                .await
                .is_some_and(|entry| entry.managed)
        );
    });
}

#[test]
fn an_entry_that_is_still_waiting_for_its_answer_is_given_back_too() {
    run(async {
        let wire = Wire::new().await;
        let nobody = ip("10.0.0.77");
        let mut director = Watched::new(&wire.director);
        director.follow([nobody]);
        let pending = Unresolved::Pending {
            interface: "eth0".into(),
        };
        director
            .sees(nobody, &Resolution::Unresolved(pending))
            .await;
        director.follow([]);
        director.until(|now| now.is_empty(), "nothing").await;
        assert!(
            entry(&wire.director, nobody)
                .await
                .is_none_or(|entry| !entry.managed)
        );
    });
}

#[test]
fn a_new_daemon_takes_over_the_entries_of_the_one_before() {
    run(async {
        let wire = Wire::new().await;
        let (kept, dropped) = (ip("10.0.0.2"), ip("fd00::2"));
        let mut before = Watched::new(&wire.director);
        before.follow([kept, dropped]);
        for address in [kept, dropped] {
            before
                .sees(address, &wire.resolved(address, PEER_MAC).await)
                .await;
        }
        drop(before);
        assert!(
            entry(&wire.director, dropped)
                .await
                .is_some_and(|entry| entry.managed)
        );

        let mut after = Watched::new(&wire.director);
        after.follow([kept]);
        after.sees(kept, &wire.resolved(kept, PEER_MAC).await).await;
        assert!(
            entry(&wire.director, kept)
                .await
                .is_some_and(|entry| entry.managed)
        );
        assert!(
            entry(&wire.director, dropped)
                .await
                .is_none_or(|entry| !entry.managed)
        );
    });
}

#[test]
fn an_entry_that_is_deleted_is_made_again() {
    run(async {
        let wire = Wire::new().await;
        let mut director = Watched::new(&wire.director);
        let peer = ip("10.0.0.2");
        director.follow([peer]);
        director
            .sees(peer, &wire.resolved(peer, PEER_MAC).await)
            .await;

        // The peer has another Ethernet address by then, so the director must really have asked again.
        wire.on_peer
            .set_mac("eth0", OTHER_MAC)
            .await
            .expect("set mac");
        wire.on_director
            .remove_neighbour("eth0", peer)
            .await
            .expect("remove neighbour");
        director
            .sees(peer, &wire.resolved(peer, OTHER_MAC).await)
            .await;
        assert!(
            entry(&wire.director, peer)
                .await
                .is_some_and(|entry| entry.managed)
        );
    });
}

#[test]
fn changes_are_seen_as_they_happen_and_not_only_at_the_next_full_read() {
    run(async {
        let wire = Wire::new().await;
        wire.on_director.set_up("lo").await.expect("up");
        let mut director = Watched::new(&wire.director);
        let address = ip("10.0.0.9");
        director.follow([address]);
        // Full reads alone, one in ten seconds, would need ten minutes for these.
        let changes = async {
            for n in 0..20 {
                let mac = Mac([2, 0, 0, 0, 1, n]);
                wire.on_director
                    .add_neighbour("eth0", address, mac)
                    .await
                    .expect("add neighbour");
                director
                    .sees(address, &wire.resolved(address, mac).await)
                    .await;
                wire.on_director
                    .add_address("eth0", address, 32)
                    .await
                    .expect("add address");
                director
                    .sees(address, &Resolution::Unresolved(Unresolved::Local))
                    .await;
                wire.on_director
                    .remove_address("eth0", address, 32)
                    .await
                    .expect("remove address");
                director
                    .sees(address, &wire.resolved(address, mac).await)
                    .await;
            }
        };
        soon("sixty changes", changes).await;
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

#[test]
fn ten_thousand_addresses_are_followed() {
    run(async {
        let wire = Wire::new().await;
        let addresses: Vec<IpAddr> = (0..10_000u32)
            .map(|n| Ipv4Addr::from_bits(u32::from(Ipv4Addr::new(10, 1, 0, 0)) + n).into())
            .collect();
        wire.on_director
            .add_route((ip("10.1.0.0"), 16), None, "eth0")
            .await
            .expect("add route");
        // Permanent entries, as the kernel's limit of others is the whole machine's (gc_thresh3).
        for address in &addresses {
            wire.on_director
                .add_neighbour("eth0", *address, PEER_MAC)
                .await
                .expect("add neighbour");
        }
        let mut director = Watched::new(&wire.director);
        let start = std::time::Instant::now();
        director.follow(addresses.iter().copied());
        let of_the_network = Resolution::Resolved(Way {
            shared: Some(16),
            ..wire.way(addresses[0], PEER_MAC).await
        });
        director
            .until(|now| now.len() == addresses.len(), "all addresses")
            .await;
        println!("10,000 addresses were first read in {:?}", start.elapsed());
        assert!(director.now().iter().all(|(_, now)| *now == of_the_network));

        let changed = addresses[4_321];
        let elsewhere = Resolution::Resolved(Way {
            shared: Some(16),
            ..wire.way(changed, OTHER_MAC).await
        });
        wire.on_director
            .add_neighbour("eth0", changed, OTHER_MAC)
            .await
            .expect("add neighbour");
        director.sees(changed, &elsewhere).await;
    });
}
