//! Neighbours that answer, move, fall silent, or are not there.

use dray_model::{Resolution, Unresolved};

use super::no_answer;
use crate::network::{OTHER_MAC, PEER_MAC, Watched, Wire, entry, ip, run};

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

fn no_link() -> Resolution {
    Resolution::Unresolved(Unresolved::NoLink {
        interface: "eth0".into(),
    })
}
