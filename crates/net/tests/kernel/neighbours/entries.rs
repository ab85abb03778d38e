//! The kernel's neighbour entries: whose they are, kept and given back.

use dray_model::{Resolution, Unresolved};
use rtnetlink::packet_route::neighbour::NeighbourState;

use crate::network::{Entry, OTHER_MAC, PEER_MAC, Watched, Wire, entry, ip, remember, run};

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
