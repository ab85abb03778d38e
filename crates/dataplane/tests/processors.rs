//! Packets on several processors and interfaces at once: what they share stays exact.

mod common;

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    thread,
};

use common::{service, world::*};
use dray_dataplane::{Capacity, KernelDataPlane, Options, open};
use dray_model::{DataPlane as _, DestinationId, Live, Mac};
use dray_testkit::eventually;
use rustix::thread::{CpuSet, sched_setaffinity};

/// Where the packets of each cable come from. They are handled on the processor that they are sent on.
const CLIENTS: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 3, 1)];
const ROUNDS: u16 = 8;
/// New connections of each cable in a round: fewer than its queue holds.
const BURST: u16 = 64;
const DESTINATIONS: u32 = 4;

#[test]
fn two_processors_lose_no_count_and_share_the_turns() {
    World::run(|world| {
        let second = Mac([2, 0, 0, 0, 0, 2]);
        world.add_cable("eth1", second, "far1");
        world.lead_to_vip(second, "far1", &CLIENTS[1].to_string(), 101);
        let (mut plane, _) = open(&Options {
            interfaces: vec!["eth0".to_owned(), "eth1".to_owned()],
            capacity: Capacity {
                connections: 4096,
                ..CAPACITY
            },
            ..world.options()
        })
        .expect("a data plane");
        plane.set_policy(&Default::default());
        for number in 1..=DESTINATIONS {
            add_destination(&mut plane, number, world.index("eth0"));
        }
        publish(&mut plane, service(DNS), &[4, 3, 2, 1]);

        let counters = |number| plane.counters(DestinationId(number));
        for round in 0..ROUNDS {
            thread::scope(|scope| {
                for (processor, client) in CLIENTS.into_iter().enumerate() {
                    scope.spawn(move || burst(processor, client, round));
                }
            });
            let sent = 2 * CLIENTS.len() as u64 * u64::from(BURST) * u64::from(round + 1);
            eventually!(
                (1..=DESTINATIONS)
                    .map(|number| counters(number).packets)
                    .sum::<u64>()
                    == sent
            );
        }

        let each = CLIENTS.len() as u32 * u32::from(BURST * ROUNDS) / DESTINATIONS;
        for number in 1..=DESTINATIONS {
            let found = counters(number);
            assert_eq!(
                (found.connections, found.packets),
                (u64::from(each), 2 * u64::from(each))
            );
            assert_eq!(found.bytes, found.packets * (20 + 8 + 5));
            assert_eq!(
                plane.live(DestinationId(number)),
                Live {
                    active: 0,
                    inactive: each,
                    ..Live::default()
                }
            );
        }
        let listed = plane.connections(&|_| true, usize::MAX);
        let clients: BTreeSet<SocketAddr> =
            listed.iter().map(|connection| connection.client).collect();
        assert_eq!(
            (listed.len(), clients.len()),
            (
                (each * DESTINATIONS) as usize,
                (each * DESTINATIONS) as usize
            )
        );
    });
}

#[test]
fn a_flow_that_found_the_table_full_may_come_by_another_interface() {
    World::run(|world| {
        let second = Mac([2, 0, 0, 0, 0, 2]);
        world.add_cable("eth1", second, "far1");
        world.lead_to_vip(second, "far1", &CLIENTS[1].to_string(), 101);
        // One bucket: eight connections.
        let (mut plane, _) = open(&Options {
            interfaces: vec!["eth0".to_owned(), "eth1".to_owned()],
            capacity: Capacity {
                connections: 1,
                ..CAPACITY
            },
            ..world.options()
        })
        .expect("a data plane");
        plane.set_policy(&Default::default());
        for number in 1..=DESTINATIONS {
            add_destination(&mut plane, number, world.index("eth0"));
        }
        publish(&mut plane, service(DNS), &[4, 3, 2, 1]);

        for port in 1..=8 {
            place(&plane, 1000 + port);
        }
        let before: Vec<u32> = (1..=8).map(|port| place(&plane, 2000 + port)).collect();
        let full = plane
            .reasons()
            .into_iter()
            .find(|count| count.name == "table-full");
        assert_eq!(full.map(|count| count.packets), Some(8));
        plane.forget_connections();
        world.ip(&format!("rule del from {} lookup 100", CLIENTS[0]));
        world.ip(&format!("rule add from {} lookup 101", CLIENTS[0]));
        let after: Vec<u32> = (1..=8).map(|port| place(&plane, 2000 + port)).collect();
        assert_eq!(after, before);
        assert_eq!(plane.connections(&|_| true, usize::MAX).len(), 8);
    });
}

/// Sends a datagram from a port of the first client; the destination that it goes to.
fn place(plane: &KernelDataPlane, port: u16) -> u32 {
    let packets = || (1..=DESTINATIONS).map(|number| plane.counters(DestinationId(number)).packets);
    let before: Vec<u64> = packets().collect();
    let socket = UdpSocket::bind((CLIENTS[0], port)).expect("a socket");
    socket
        .send_to(b"query", "10.0.0.100:53")
        .expect("the way to the VIP");
    eventually!(!packets().eq(before.iter().copied()));
    let changed = packets()
        .zip(&before)
        .position(|(now, before)| now != *before);
    changed.expect("one that has more now") as u32 + 1
}

/// Sends two datagrams from each of so many ports, on this processor if there is one of that number.
fn burst(processor: usize, client: Ipv4Addr, round: u16) {
    let mut processors = CpuSet::new();
    processors.set(processor);
    let _ = sched_setaffinity(None, &processors);
    for port in 0..BURST {
        let socket = UdpSocket::bind((client, 10_000 + round * BURST + port)).expect("a socket");
        for _ in 0..2 {
            socket
                .send_to(b"query", "10.0.0.100:53")
                .expect("the way to the VIP");
        }
    }
}
