//! Interfaces that come, go and change.

use dray_dataplane::{KernelDataPlane, Opened, Options, open};
use dray_model::{Action, DataPlane as _, DestinationId, HopId, Mac, XdpMode};
use dray_testkit::eventually;

use super::packets;
use crate::common::world::*;

#[test]
fn an_interface_that_was_made_anew_under_the_same_number_is_attached_to_again() {
    World::run(|world| {
        populate(&mut world.open().0, world.index("eth0"));
        let index = world.index("eth0");
        world.ip("link del eth0");
        world.ip(&format!(
            "link add eth0 index {index} address {OWN} type veth peer name far0"
        ));
        world.ip("link set eth0 up");
        world.ip("link set far0 up");
        assert!(!world.has_xdp("eth0"), "the pinned link is dead");
        assert_eq!(world.open().1, Opened::Adopted);
        assert!(world.has_xdp("eth0"));
    });
}

#[test]
fn an_interface_that_came_back_is_a_port_again() {
    World::run(|world| {
        populate(&mut world.open().0, world.index("eth0"));
        world.ip("link delete eth0");
        world.add_cable("eth0", OWN, "far0");
        world.lead_to_vip(OWN, "far0", "192.0.2.1", 101);
        let (mut plane, how) = world.open();
        assert_eq!(how, Opened::Adopted);
        assert!(world.has_xdp("eth0"));
        // Its next hops named the interface that is gone.
        let eth0 = world.index("eth0");
        for number in 1..=2 {
            let mac = Mac([2, 1, 0, 0, 0, number as u8]);
            let hop = hop(mac, eth0);
            apply(
                &mut plane,
                Action::WriteHop {
                    id: HopId(number + 2),
                    hop,
                },
            );
            apply(
                &mut plane,
                Action::SetDestination {
                    id: DestinationId(number),
                    destination: destination(
                        [10, 0, 0, number as u8].into(),
                        Some(HopId(number + 2)),
                    ),
                },
            );
        }
        world.send(6);
        eventually!(packets(&plane) == 6);
        assert_eq!(count(&plane, "no-next-hop"), 0);
    });
}

#[test]
fn a_packet_for_an_interface_that_is_gone_is_dropped_and_says_why() {
    World::run(|world| {
        world.add_cable("eth1", Mac([2, 0, 0, 0, 0, 2]), "far1");
        let both = Options {
            interfaces: vec!["eth0".to_owned(), "eth1".to_owned()],
            ..world.options()
        };
        let (mut plane, _) = open(&both).unwrap();
        populate(&mut plane, world.index("eth1"));
        world.send(3);
        eventually!(packets(&plane) == 3);
        assert_eq!(count(&plane, "no-next-hop"), 0);
        world.ip("link delete eth1");
        world.send(3);
        eventually!(count(&plane, "no-next-hop") == 3);
    });
}

#[test]
fn an_interface_that_is_no_port_any_more_is_let_go() {
    World::run(|world| {
        world.add_cable("eth1", Mac([2, 0, 0, 0, 0, 2]), "far1");
        let both = Options {
            interfaces: vec!["eth0".to_owned(), "eth1".to_owned()],
            ..world.options()
        };
        let (plane, _) = open(&both).unwrap();
        let status: Vec<_> = plane
            .interfaces()
            .into_iter()
            .map(|port| (port.name, port.index, port.mode))
            .collect();
        let native = |name: &str| (name.to_owned(), world.index(name), XdpMode::Native);
        assert_eq!(status, [native("eth0"), native("eth1")]);
        drop(plane);
        let (plane, how) = world.open();
        assert_eq!((how, plane.interfaces().len()), (Opened::Adopted, 1));
        assert!(world.has_xdp("eth0") && !world.has_xdp("eth1"));
    });
}

#[test]
fn an_interface_without_native_xdp_is_used_by_the_generic_one() {
    World::run(|world| {
        world.ip("link add br0 type bridge");
        let bridge = Options {
            interfaces: vec!["br0".to_owned()],
            ..world.options()
        };
        for how in [Opened::Fresh, Opened::Adopted] {
            let (plane, opened) = open(&bridge).unwrap();
            assert_eq!(
                (opened, plane.interfaces()[0].mode),
                (how, XdpMode::Generic)
            );
        }
    });
}

#[test]
fn an_interface_may_change_its_address() {
    World::run(|world| {
        let (mut plane, _) = world.open();
        populate(&mut plane, world.index("eth0"));
        plane.set_policy(&Default::default());
        world.send(2);
        eventually!(packets(&plane) == 2);
        world.ip("link set eth0 address 02:00:00:00:00:77");
        world.ip("neigh replace 10.0.0.100 lladdr 02:00:00:00:00:77 dev far0 nud permanent");
        plane.sweep(1);
        world.send(2);
        eventually!(packets(&plane) == 4);
    });
}

fn count(plane: &KernelDataPlane, reason: &str) -> u64 {
    let found = plane
        .reasons()
        .into_iter()
        .find(|count| count.name == reason);
    found.expect("a reason").packets
}
