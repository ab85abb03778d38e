//! Programs that forward already get the parts that a new next hop needs, on interfaces that are really there.

mod common;

use common::world::*;
use dray_abi::Features;
use dray_dataplane::{KernelDataPlane, Opened};
use dray_model::{Action, DataPlane as _, DestinationId, Hop, HopId, Mac, Rewrite, Tunnel};
use dray_testkit::eventually;

fn packets(plane: &KernelDataPlane) -> u64 {
    (1..16)
        .map(|number| plane.counters(DestinationId(number)).packets)
        .sum()
}

/// Writes a next hop that needs the part of the program for tunnels.
fn write_tunnel(plane: &mut KernelDataPlane, interface: u32) {
    let direct = hop(Mac([2, 1, 0, 0, 0, 9]), interface);
    let rewrite = Rewrite::Tunnel {
        real: [198, 51, 100, 9].into(),
        source: [10, 0, 0, 1].into(),
        spread: 0,
        tunnel: Tunnel::IpIp,
    };
    let hop = Hop {
        mtu: 1480,
        rewrite,
        ..direct
    };
    apply(plane, Action::WriteHop { id: HopId(9), hop });
}

/// The number of the program that is attached to `eth0`.
fn program(world: &World) -> String {
    let shown = world.ip("link show eth0");
    let mut words = shown.split_whitespace();
    words.find(|word| word.starts_with("prog/xdp"));
    words.nth(1).expect("a program's number").to_owned()
}

#[test]
fn an_interface_goes_on_forwarding_with_more_of_the_program() {
    World::run(|world| {
        let (mut plane, _) = world.open();
        populate(&mut plane, world.index("eth0"));
        plane.set_policy(&Default::default());
        world.send(10);
        eventually!(packets(&plane) == 10);
        let before = program(world);
        assert_eq!(plane.features(), 0);
        write_tunnel(&mut plane, world.index("eth0"));
        assert_eq!(plane.features(), Features::TUNNEL);
        let after = program(world);
        assert_ne!(before, after, "a program with the new part");
        world.send(10);
        eventually!(packets(&plane) == 20);
        write_tunnel(&mut plane, world.index("eth0"));
        assert_eq!(program(world), after, "it has the part already");
    });
}

#[test]
fn an_adopted_data_plane_has_the_parts_that_its_next_hops_need() {
    World::run(|world| {
        let (mut first, _) = world.open();
        populate(&mut first, world.index("eth0"));
        write_tunnel(&mut first, world.index("eth0"));
        let applied = first.observe().unwrap();
        drop(first);
        let (mut second, how) = world.open();
        assert_eq!(
            (how, second.features()),
            (Opened::Adopted, Features::TUNNEL)
        );
        assert_eq!(second.observe().unwrap(), applied);
        apply(&mut second, Action::FreeHop { id: HopId(9) });
        drop(second);
        assert_eq!(world.open().0.features(), 0);
    });
}

#[test]
fn an_interface_that_is_gone_stands_in_nobodys_way() {
    World::run(|world| {
        let (mut plane, _) = world.open();
        let index = world.index("eth0");
        populate(&mut plane, index);
        world.ip("link delete eth0");
        write_tunnel(&mut plane, index);
        assert_eq!(plane.features(), Features::TUNNEL);
    });
}
