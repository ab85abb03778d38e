//! Links, and what the kernel says when it refuses.

use std::{error::Error, os::fd::AsFd};

use dray_net::NetError;

use crate::{
    namespace::Namespace,
    network::{OTHER_MAC, PEER_MAC, Watched, Wire, ip, run},
};

fn cause(error: &NetError) -> String {
    error.source().expect("a cause").to_string()
}

#[test]
fn a_link_is_found_as_it_was_made() {
    run(async {
        let (here, there) = (Namespace::new(), Namespace::new());
        let netlink = here.netlink();
        netlink.add_veth("left", "right").await.expect("add veth");
        netlink.add_bridge("switch").await.expect("add bridge");
        netlink.set_mac("left", OTHER_MAC).await.expect("set mac");
        netlink
            .set_master("left", "switch")
            .await
            .expect("set master");
        netlink.set_up("left").await.expect("up");

        let (left, right) = (
            netlink.link("left").await.expect("left"),
            netlink.link("right").await.expect("right"),
        );
        assert_eq!(
            (left.mac, left.up, left.carrier, left.mtu),
            (OTHER_MAC, true, false, 1500)
        );
        assert_eq!(
            left.master,
            Some(netlink.link("switch").await.expect("switch").index)
        );
        assert_eq!(
            (left.parent, right.parent),
            (Some(right.index), Some(left.index))
        );
        assert!(left.ethernet && !netlink.link("lo").await.expect("lo").ethernet);
        let mut names: Vec<_> = netlink
            .links()
            .await
            .expect("links")
            .into_iter()
            .map(|link| link.name)
            .collect();
        names.sort();
        assert_eq!(names, ["left", "lo", "right", "switch"]);

        netlink.move_to("right", there.as_fd()).await.expect("move");
        assert_eq!(netlink.link("left").await.expect("left").parent, None);
        there.netlink().set_up("right").await.expect("up");
        assert!(netlink.link("left").await.expect("left").carrier);

        netlink.delete_link("left").await.expect("delete");
        let error = netlink.link("left").await.expect_err("gone");
        assert_eq!(error.to_string(), "failed to find interface left");
        assert!(
            cause(&error).starts_with("No such device"),
            "{}",
            cause(&error)
        );
    });
}

#[test]
fn a_refusal_says_what_was_tried_and_why_the_kernel_refused() {
    run(async {
        let wire = Wire::new().await;
        let netlink = &wire.on_director;
        let network = (ip("192.0.2.0"), 24);
        let error = netlink
            .add_route(network, Some(ip("203.0.113.1")), "eth0")
            .await
            .expect_err("no such gateway");
        assert_eq!(
            error.to_string(),
            "failed to add a route to 192.0.2.0/24 by 203.0.113.1 on eth0"
        );
        assert!(
            cause(&error).ends_with("Nexthop has invalid gateway"),
            "{}",
            cause(&error)
        );

        let error = netlink.add_veth("eth0", "other").await.expect_err("taken");
        assert_eq!(error.to_string(), "failed to add veth eth0 with peer other");
        assert!(
            cause(&error).starts_with("File exists"),
            "{}",
            cause(&error)
        );
    });
}

#[test]
fn a_bridge_that_takes_or_lets_go_of_a_port_is_no_news_for_its_neighbours() {
    run(async {
        let wire = Wire::new().await;
        wire.on_peer.add_bridge("switch").await.expect("add bridge");
        let mut peer = Watched::new(&wire.peer);
        let director = ip("10.0.0.1");
        peer.follow([director]);
        peer.until(
            |now| now.get(&director).is_some_and(is_resolved),
            "the director",
        )
        .await;
        wire.on_peer
            .set_master("eth0", "switch")
            .await
            .expect("set master");
        wire.on_peer.delete_link("switch").await.expect("delete");
        // An address followed later shows that what came before was taken in.
        wire.on_peer
            .add_neighbour("eth0", ip("10.0.0.9"), PEER_MAC)
            .await
            .expect("add neighbour");
        peer.follow([director, ip("10.0.0.9")]);
        peer.until(
            |now| now.get(&ip("10.0.0.9")).is_some_and(is_resolved),
            "the other",
        )
        .await;
        assert!(
            peer.now().get(&director).is_some_and(is_resolved),
            "{:?}",
            peer.now()
        );
    });
}

fn is_resolved(resolution: &dray_model::Resolution) -> bool {
    matches!(resolution, dray_model::Resolution::Resolved(_))
}
