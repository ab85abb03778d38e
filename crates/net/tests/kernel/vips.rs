//! VIPs of a director: there once, gone when removed, and known to the neighbours.

use std::error::Error;

use dray_model::{Net, Resolution};
use futures_util::TryStreamExt;
use rtnetlink::packet_route::address::{AddressAttribute, AddressFlags};

use crate::{
    capture::Capture,
    namespace::Namespace,
    network::{DIRECTOR_MAC, OTHER_MAC, Watched, Wire, ip, remember, rtnetlink, run},
};

#[test]
fn a_vip_is_added_once_as_a_host_address_and_removed_once() {
    run(async {
        let wire = Wire::new().await;
        let host = Watched::new(&wire.director).host;
        for (vip, prefix) in [(ip("10.0.0.100"), 32), (ip("fd00::64"), 128)] {
            assert!(host.add_vip("eth0", vip).await.expect("add"), "{vip}");
            assert!(
                !host.add_vip("eth0", vip).await.expect("add again"),
                "{vip}"
            );
            let (length, flags) = address(&wire.director, vip).await.expect("it is there");
            assert_eq!(length, prefix);
            assert!(
                !flags.contains(AddressFlags::Tentative),
                "{vip} is usable at once"
            );

            host.remove_vip("eth0", vip).await.expect("remove");
            assert!(address(&wire.director, vip).await.is_none(), "{vip}");
            host.remove_vip("eth0", vip).await.expect("remove again");
            host.remove_vip("eth9", vip)
                .await
                .expect("remove from an interface that is gone");
        }
        let own = (ip("10.0.0.1"), 24);
        assert!(
            address(&wire.director, own.0)
                .await
                .is_some_and(|(length, _)| length == own.1)
        );
    });
}

#[test]
fn the_hosts_own_packets_do_not_come_from_a_vip() {
    run(async {
        let wire = Wire::new().await;
        let mut director = Watched::new(&wire.director);
        for (vip, peer) in [("10.0.0.100", "10.0.0.101"), ("fd00::64", "fd00::65")] {
            director.host.add_vip("eth0", ip(vip)).await.expect("add");
            let peer = ip(peer);
            wire.on_director
                .add_neighbour("eth0", peer, OTHER_MAC)
                .await
                .expect("add neighbour");
            director.follow([peer]);
            director
                .sees(peer, &wire.resolved(peer, OTHER_MAC).await)
                .await;
        }
    });
}

#[test]
fn a_vip_for_an_interface_that_is_not_there_is_an_error_that_names_it() {
    run(async {
        let wire = Wire::new().await;
        let host = Watched::new(&wire.director).host;
        let error = host
            .add_vip("eth9", ip("10.0.0.100"))
            .await
            .expect_err("no such interface");
        assert_eq!(
            error.to_string(),
            "failed to add address 10.0.0.100/32 to eth9"
        );
        let cause = error.source().expect("a cause").to_string();
        assert!(cause.starts_with("No such device"), "{cause}");
    });
}

#[test]
fn a_vip_is_announced_to_all_twice() {
    run(async {
        let wire = Wire::new().await;
        wire.carries().await;
        let host = Watched::new(&wire.director).host;
        let mut peer = Capture::open(&wire.peer);
        host.add_vip("eth0", ip("10.0.0.100")).await.expect("add");
        host.add_vip("eth0", ip("fd00::64")).await.expect("add");

        let arp = [
            &[0, 1, 8, 0, 6, 4, 0, 1][..],
            &DIRECTOR_MAC.0,
            &[10, 0, 0, 100],
            &[0; 6],
            &[10, 0, 0, 100],
        ]
        .concat();
        let arp = [&[0xff; 6][..], &DIRECTOR_MAC.0, &[8, 6], &arp].concat();
        let is_advertisement = |frame: &[u8]| {
            frame.starts_with(&[0x33, 0x33, 0, 0, 0, 1])
                && frame.get(6..14) == Some(&[&DIRECTOR_MAC.0[..], &[0x86, 0xdd]].concat())
                && frame.get(54) == Some(&136)
                && frame.get(62..64) == Some(&[0xfd, 0])
                && frame.get(77) == Some(&0x64)
        };
        for _ in 0..2 {
            peer.next("an ARP announcement", |frame| frame == arp).await;
            peer.next("a neighbour advertisement", is_advertisement)
                .await;
        }
    });
}

#[test]
fn a_vip_that_was_removed_is_not_announced_again() {
    run(async {
        let wire = Wire::new().await;
        wire.carries().await;
        let host = Watched::new(&wire.director).host;
        let mut peer = Capture::open(&wire.peer);
        let (removed, kept) = (ip("10.0.0.100"), ip("10.0.0.101"));
        for vip in [removed, kept] {
            host.add_vip("eth0", vip).await.expect("add");
        }
        host.remove_vip("eth0", removed).await.expect("remove");

        // The second announcement of the removed VIP would come before that of the kept one.
        let mut announced = Vec::new();
        while announced.iter().filter(|last| **last == 101).count() < 2 {
            let is_announcement = |frame: &[u8]| {
                frame.get(12..14) == Some(&[8, 6]) && frame.get(28..30) == Some(&[10, 0])
            };
            announced.push(peer.next("an ARP announcement", is_announcement).await[31]);
        }
        assert_eq!(announced, [100, 101, 101]);
    });
}

#[test]
fn a_peer_that_remembers_the_vip_elsewhere_learns_where_it_is_now() {
    run(async {
        let wire = Wire::new().await;
        wire.carries().await;
        let vip = ip("10.0.0.100");
        // The director answers no question, so the peer can know only by the announcement.
        wire.director.set("ipv4/conf/eth0/arp_ignore", 8);
        remember(&wire.peer, vip, OTHER_MAC).await;
        let mut peer = Watched::new(&wire.peer);
        peer.follow([vip]);
        let at = |mac| move |now: Option<&Resolution>| matches!(now, Some(Resolution::Resolved(way)) if way.next.destination == mac);
        peer.until(|now| at(OTHER_MAC)(now.get(&vip)), "the VIP where it was")
            .await;

        let director = Watched::new(&wire.director).host;
        director.add_vip("eth0", vip).await.expect("add");
        peer.until(
            |now| at(DIRECTOR_MAC)(now.get(&vip)),
            "the VIP at the director",
        )
        .await;
    });
}

/// Prefix length and flags of an address of the namespace.
async fn address(namespace: &Namespace, address: std::net::IpAddr) -> Option<(u8, AddressFlags)> {
    let all: Vec<_> = rtnetlink(namespace)
        .address()
        .get()
        .execute()
        .try_collect()
        .await
        .expect("addresses");
    let this = AddressAttribute::Address(address);
    let message = all
        .into_iter()
        .find(|message| message.attributes.contains(&this))?;
    let flags = message
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            AddressAttribute::Flags(flags) => Some(*flags),
            _ => None,
        });
    Some((
        message.header.prefix_len,
        flags.unwrap_or(AddressFlags::empty()),
    ))
}
