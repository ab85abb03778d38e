//! The table as a whole: who is found in it, listed, counted and swept.

use std::time::Duration;

use dray_model::{DataPlane as _, DestinationId};
use dray_sched::Kind;
use dray_testkit::frames::Extension;

use super::{ACK, CLIENT, CLIENT6, SYN, WEB, WEB6, director};
use crate::common::*;

#[test]
fn packets_count_with_the_bytes_of_their_ip_packets() {
    let mut director = Director::new();
    director.service("udp://10.0.0.100:80", Kind::RoundRobin, &[1]);
    director.service("udp://[fd00::100]:80", Kind::RoundRobin, &[1]);
    let (v4, v6) = (udp(CLIENT, WEB), udp(CLIENT6, WEB6));
    let options = Extension::DestinationOptions(vec![0; 6]);
    for frame in [
        v4.clone().payload(&[0; 100]),
        v4.clone().vlan(7),
        v4.ipv4_options(&[1; 4]),
    ] {
        director.forwarded(&frame);
    }
    for frame in [
        v6.clone().payload(&[0; 1000]),
        v6.clone().vlan(7),
        v6.extension(options),
    ] {
        // Ethernet's padding is nobody's bytes.
        let mut bytes = incoming(&frame);
        bytes.extend([0; 20]);
        assert_eq!(director.fate(&bytes).verdict, TX);
    }
    let (four, six) = (director.counters(1), director.counters(2));
    assert_eq!(
        (four.connections, four.packets, four.bytes),
        (1, 3, 128 + 28 + 32)
    );
    assert_eq!(
        (six.connections, six.packets, six.bytes),
        (1, 3, 1048 + 48 + 56)
    );
}

#[test]
fn a_listed_connection_tells_all_of_itself() {
    let mut director = Director::new();
    director.service("tcp://10.0.0.100:80", Kind::RoundRobin, &[1]);
    director.service("udp://[fd00::100]:80", Kind::RoundRobin, &[1]);
    director.advance(seconds(1000));
    director.forwarded(&tcp(CLIENT, WEB, SYN));
    director.advance(seconds(20));
    director.forwarded(&udp(CLIENT6, WEB6));
    director.advance(seconds(10));

    let mut listed = director.list();
    listed.sort_by_key(|connection| connection.client);
    let [four, six] = &listed[..] else {
        panic!("{listed:?}")
    };
    assert_eq!(
        (four.service, four.client),
        (service("tcp://10.0.0.100:80"), CLIENT.parse().unwrap())
    );
    assert_eq!(
        (four.destination, four.state),
        (DestinationId(1), "SYN_RECV")
    );
    assert_eq!(
        (six.service, six.client),
        (service("udp://[fd00::100]:80"), CLIENT6.parse().unwrap())
    );
    assert_eq!((six.destination, six.state), (DestinationId(2), "UDP"));
    let near =
        |left: Duration, right: u64| left.abs_diff(seconds(right)) < Duration::from_millis(250);
    assert!(near(four.age, 30) && near(four.expires, 30), "{four:?}");
    assert!(near(six.age, 10) && near(six.expires, 290), "{six:?}");
}

#[test]
fn a_listing_has_what_is_asked_for_and_no_more_than_its_limit() {
    let mut director = director();
    for port in 4000..4050 {
        director.forwarded(&tcp(&format!("192.0.2.1:{port}"), WEB, SYN));
        director.forwarded(&udp(&format!("192.0.2.1:{port}"), WEB));
    }
    let plane = director.private.data_plane();
    let of_three = plane.connections(
        &|connection| connection.destination == DestinationId(3),
        usize::MAX,
    );
    assert_eq!(of_three.len(), 17);
    assert!(
        of_three
            .iter()
            .all(|connection| connection.destination == DestinationId(3))
    );
    assert_eq!(
        plane
            .connections(&|connection| connection.state == "UDP", 10)
            .len(),
        10
    );
    assert_eq!(plane.connections(&|_| true, 0), []);
    assert_eq!(plane.connections(&|_| false, usize::MAX), []);
}

#[test]
fn connections_that_differ_in_anything_are_different_ones() {
    let mut director = Director::new();
    let mut services = Vec::new();
    for vip in [
        "10.0.0.100",
        "100.0.0.10",
        "192.0.2.1",
        "[fd00::100]",
        "[100::fd00]",
    ] {
        for (protocol, port) in [("tcp", 80), ("udp", 80), ("tcp", 4000), ("udp", 4000)] {
            director.service(
                &format!("{protocol}://{vip}:{port}"),
                Kind::RoundRobin,
                &[1],
            );
            services.push((protocol, format!("{vip}:{port}")));
        }
    }
    let clients4 = [
        "192.0.2.1:4000",
        "192.0.2.1:4001",
        "192.0.2.2:4000",
        "10.0.0.100:80",
        "192.0.2.1:80",
        "1.2.0.192:4000",
    ];
    let clients6 = [
        "[2001:db8::1]:4000",
        "[2001:db8::2]:4000",
        "[2001:db8:0:1::1]:4000",
        "[2001:db8::1]:41000",
        "[fd00::100]:4000",
    ];
    let mut connections = 0;
    for (destination, (protocol, service)) in (1..).zip(&services) {
        let clients = if service.starts_with('[') {
            &clients6[..]
        } else {
            &clients4[..]
        };
        for client in clients {
            let first = match *protocol {
                "tcp" => tcp(client, service, SYN),
                _ => udp(client, service),
            };
            assert_eq!(director.forwarded(&first), destination);
            connections += 1;
            assert_eq!(
                director.list().len(),
                connections,
                "{protocol} {client} {service}"
            );
        }
        assert_eq!(
            director.counters(destination).connections as usize,
            clients.len()
        );
    }
}

#[test]
fn a_sweep_in_parts_sees_every_connection_once() {
    let mut director = director();
    director.service("tcp://[fd00::100]:80", Kind::RoundRobin, &[1]);
    for port in 1001..=1500 {
        director.forwarded(&tcp(&format!("192.0.2.1:{port}"), WEB, SYN));
        director.forwarded(&tcp(&format!("[2001:db8::1]:{port}"), WEB6, SYN));
    }
    for parts in [1, 2, 7, 64] {
        let alive: u64 = (0..parts)
            .map(|_| director.private.data_plane().sweep(parts).alive)
            .sum();
        assert_eq!(alive, 1000, "{parts} parts");
    }
    director.advance(seconds(61));
    let ended: Vec<u64> = (0..10)
        .map(|_| director.private.data_plane().sweep(10).ended)
        .collect();
    assert_eq!(ended.iter().sum::<u64>(), 1000);
    assert!(
        ended.iter().all(|ended| (50..150).contains(ended)),
        "parts of about the same size: {ended:?}"
    );
    assert_eq!(director.list(), []);
    assert!((1..=7).all(|destination| director.live(destination) == (0, 0)));
}

#[test]
fn a_table_with_as_many_connections_as_it_was_made_for_finds_every_one() {
    let mut director = director();
    director.service("tcp://[fd00::100]:80", Kind::RoundRobin, &[1, 1, 1]);
    let count = CAPACITY.connections;
    let frame = |number: u32, flags| {
        let (host, port) = (number / 100, 10_000 + number % 100);
        let four = tcp(
            &format!("192.0.{}.{}:{port}", host / 256, host % 256),
            WEB,
            flags,
        );
        let six = tcp(&format!("[2001:db8::{host:x}]:{port}"), WEB6, flags);
        [four, six]
    };
    let places: Vec<[u32; 2]> = (0..count)
        .map(|number| frame(number, SYN).map(|frame| director.forwarded(&frame)))
        .collect();
    for (number, places) in (0..).zip(&places) {
        assert_eq!(
            frame(number, ACK).map(|frame| director.forwarded(&frame)),
            *places
        );
    }
    let full = director
        .counted()
        .iter()
        .map(|(_, count)| count)
        .sum::<u64>();
    // With a third of the slots taken, about one connection in 20,000 finds both of its buckets full: it counts with
    // each of its two packets.
    assert!(full <= 20, "{:?}", director.counted());
    assert_eq!(
        director.list().len() as u64,
        2 * u64::from(count) - full / 2
    );
}
