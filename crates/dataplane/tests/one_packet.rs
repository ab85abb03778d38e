//! One-packet scheduling: every datagram is scheduled anew and leaves no connection.

mod common;

use common::*;
use dray_model::{Family, ServiceOptions};
use dray_sched::Kind;
use dray_testkit::frames::TcpFlags;

const CLIENT: &str = "192.0.2.1:4000";
const DNS: &str = "10.0.0.100:53";

const ONE_PACKET: ServiceOptions = ServiceOptions {
    persistence: None,
    one_packet: true,
};

fn director(options: ServiceOptions) -> Director {
    let mut director = Director::new();
    director.service_with(&format!("udp://{DNS}"), Kind::RoundRobin, options, &[1; 3]);
    director
}

/// Destinations of so many datagrams of one client.
fn send(director: &mut Director, count: usize) -> Vec<u32> {
    (0..count)
        .map(|_| director.forwarded(&udp(CLIENT, DNS)))
        .collect()
}

#[test]
fn every_datagram_is_scheduled_and_counted_as_a_connection_that_has_ended() {
    let mut director = director(ONE_PACKET);
    assert_eq!(send(&mut director, 6), [3, 2, 1, 3, 2, 1]);
    assert_eq!(director.list(), []);
    for destination in 1..=3 {
        let counters = director.counters(destination);
        assert_eq!((counters.connections, counters.packets), (2, 2));
        assert_eq!(director.live(destination), (0, 0));
    }
}

#[test]
fn a_connection_that_there_is_goes_on() {
    let mut director = director(ServiceOptions::default());
    assert_eq!(send(&mut director, 2), [3, 3]);
    director.set_options(0, ONE_PACKET);
    assert_eq!(send(&mut director, 3), [3, 3, 3]);
    director.advance(seconds(301));
    director.sweep();
    assert_ne!(send(&mut director, 2), [3, 3]);
    assert_eq!(director.list(), []);
}

#[test]
fn with_persistence_datagrams_follow_the_template() {
    let options = ServiceOptions {
        one_packet: true,
        ..persistent(100, Family::Ipv4)
    };
    let mut director = director(options);
    assert_eq!(send(&mut director, 3), [3, 3, 3]);
    assert_eq!(director.list(), []);
    let templates = director.templates();
    assert_eq!((templates.len(), templates[0].children), (1, 0));
    director.advance(seconds(99));
    assert_eq!(send(&mut director, 1), [3]);
    director.advance(seconds(99));
    assert_eq!(send(&mut director, 1), [3], "each datagram makes it last");
    director.advance(seconds(102));
    assert_eq!(send(&mut director, 1), [2]);
}

#[test]
fn one_packet_scheduling_is_for_datagrams_only() {
    let mut director = Director::new();
    let web = "10.0.0.100:80";
    director.service_with(
        &format!("tcp://{web}"),
        Kind::RoundRobin,
        ONE_PACKET,
        &[1; 3],
    );
    for flags in [TcpFlags::SYN, TcpFlags::ACK, TcpFlags::ACK] {
        assert_eq!(director.forwarded(&tcp(CLIENT, web, flags)), 3);
    }
    assert_eq!(director.state(), "ESTABLISHED");
}

#[test]
fn a_datagram_leaves_its_real_server_as_overloaded_as_it_was() {
    let mut director = director(ONE_PACKET);
    director.limit(3, 1, 0);
    assert_eq!(send(&mut director, 4), [3, 2, 1, 3]);
    assert!(!director.all_live(3).overloaded);
}
