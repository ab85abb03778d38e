//! Thresholds: a real server with too many connections gets no new ones until it has few enough.

mod common;

use common::*;
use dray_model::KernelRules;
use dray_sched::Kind;
use dray_testkit::frames::{Frame, TcpFlags};

const SYN: TcpFlags = TcpFlags::SYN;
const ACK: TcpFlags = TcpFlags::ACK;
const FIN: TcpFlags = TcpFlags::FIN;
const WEB: &str = "10.0.0.100:80";

/// A director with two real servers behind `rr`: 2, 1, 2 and so on.
fn director() -> Director {
    let mut director = Director::new();
    director.service(&format!("tcp://{WEB}"), Kind::RoundRobin, &[1, 1]);
    director
}

fn segment(port: u16, flags: TcpFlags) -> Frame {
    tcp(&format!("192.0.2.1:{port}"), WEB, flags)
}

/// Destinations of new connections from these ports.
fn open(director: &mut Director, ports: std::ops::Range<u16>) -> Vec<u32> {
    ports
        .map(|port| director.forwarded(&segment(port, SYN)))
        .collect()
}

/// Ends a connection: the client resets it, and its time passes.
fn close(director: &mut Director, ports: std::ops::Range<u16>) {
    for port in ports {
        for flags in [ACK, TcpFlags::RST] {
            director.forwarded(&segment(port, flags));
        }
    }
    director.advance(seconds(11));
    director.sweep();
}

#[test]
fn a_real_server_at_its_upper_threshold_gets_no_new_connections() {
    let mut director = director();
    director.limit(2, 2, 0);
    assert_eq!(open(&mut director, 1..4), [2, 1, 2]);
    assert!(director.all_live(2).overloaded);
    assert_eq!(open(&mut director, 4..8), [1, 1, 1, 1]);
    assert!(!director.all_live(1).overloaded);
}

#[test]
fn when_all_are_overloaded_there_is_none_to_give() {
    let mut director = director();
    director.limit(1, 1, 0);
    director.limit(2, 1, 0);
    open(&mut director, 1..3);
    let fate = director.fate_of(&segment(3, SYN));
    assert_eq!((fate.verdict, fate.reasons), (DROP, vec!["no-destination"]));
    assert_eq!(
        director.forwarded(&segment(1, ACK)),
        2,
        "what there is goes on"
    );
}

#[test]
fn every_scheduler_passes_over_an_overloaded_real_server() {
    for kind in [
        Kind::RoundRobin,
        Kind::WeightedRoundRobin,
        Kind::LeastConnection,
        Kind::WeightedLeastConnection,
        Kind::ShortestExpectedDelay,
        Kind::NeverQueue,
        Kind::Failover,
        Kind::Overflow,
        Kind::PowerOfTwo,
    ] {
        let mut director = Director::new();
        director.service(&format!("tcp://{WEB}"), kind, &[1, 100]);
        director.limit(2, 1, 0);
        // Until the heavy one has its connection.
        let mut ports = 1..200;
        while ports
            .next()
            .is_some_and(|port| director.forwarded(&segment(port, SYN)) != 2)
        {}
        assert!(director.all_live(2).overloaded, "{kind:?}");
        let later = open(&mut director, 1000..1002);
        assert_eq!(later, [1, 1], "{kind:?}");
    }
}

#[test]
fn without_a_lower_threshold_three_quarters_of_the_upper_one_count() {
    let mut director = director();
    director.limit(2, 4, 0);
    director.weigh(1, 0);
    open(&mut director, 1..5);
    assert!(director.all_live(2).overloaded);
    close(&mut director, 1..2);
    assert!(
        director.all_live(2).overloaded,
        "three of four are not fewer than three quarters"
    );
    close(&mut director, 2..3);
    assert!(!director.all_live(2).overloaded);
    assert_eq!(open(&mut director, 10..11), [2]);
}

#[test]
fn a_lower_threshold_is_gone_below() {
    let mut director = director();
    director.limit(2, 4, 2);
    director.weigh(1, 0);
    open(&mut director, 1..5);
    close(&mut director, 1..3);
    assert!(
        director.all_live(2).overloaded,
        "two are not fewer than two"
    );
    close(&mut director, 3..4);
    assert!(!director.all_live(2).overloaded);
}

#[test]
fn inactive_connections_count_too() {
    let mut director = director();
    director.limit(2, 1, 0);
    open(&mut director, 1..2);
    for flags in [ACK, FIN | ACK] {
        director.forwarded(&segment(1, flags));
    }
    assert_eq!(director.live(2), (0, 1));
    assert_eq!(open(&mut director, 2..4), [1, 1]);
}

#[test]
fn datagrams_count_as_connections() {
    let mut director = Director::new();
    director.service("udp://10.0.0.100:53", Kind::RoundRobin, &[1, 1]);
    director.limit(2, 2, 0);
    let destinations: Vec<u32> = (1..6)
        .map(|port| director.forwarded(&udp(&format!("192.0.2.1:{port}"), "10.0.0.100:53")))
        .collect();
    assert_eq!(destinations, [2, 1, 2, 1, 1]);
    director.advance(seconds(301));
    director.sweep();
    assert!(!director.all_live(2).overloaded);
}

#[test]
fn a_packet_that_takes_the_place_of_an_ended_connection_relieves_its_real_server() {
    let mut director = director();
    director.limit(2, 1, 0);
    open(&mut director, 1..2);
    for flags in [ACK, TcpFlags::RST] {
        director.forwarded(&segment(1, flags));
    }
    director.weigh(1, 0);
    let fate = director.fate_of(&segment(2, SYN));
    assert_eq!(fate.reasons, ["no-destination"]);
    // The client begins its closed connection anew: the old one counts until the new one has its place.
    director.weigh(1, 1);
    assert_eq!(director.forwarded(&segment(1, SYN)), 1);
    assert_eq!(director.live(2), (0, 0));
    assert!(!director.all_live(2).overloaded);
}

#[test]
fn newer_kernels_judge_an_edit_at_once() {
    let mut director = director();
    director.weigh(1, 0);
    open(&mut director, 1..4);
    director.limit(2, 3, 0);
    assert!(director.all_live(2).overloaded, "3 of 3");
    director.limit(2, 4, 0);
    assert!(
        director.all_live(2).overloaded,
        "3 are not below three quarters of 4"
    );
    director.limit(2, 5, 0);
    assert!(!director.all_live(2).overloaded);
    director.limit(2, 2, 0);
    assert!(director.all_live(2).overloaded);
    director.limit(2, 0, 0);
    assert!(!director.all_live(2).overloaded);
}

#[test]
fn linux_6_1_176_clears_by_an_edit_and_sets_by_a_connection() {
    let mut director = director();
    director.policy(|policy| policy.ipvs.rules = KernelRules::V6_1_176);
    director.weigh(1, 0);
    open(&mut director, 1..4);
    director.limit(2, 3, 0);
    assert!(
        !director.all_live(2).overloaded,
        "until the next connection"
    );
    open(&mut director, 4..5);
    assert!(director.all_live(2).overloaded);
    director.limit(2, 2, 0);
    assert!(director.all_live(2).overloaded);
    director.limit(2, 3, 0);
    assert!(
        !director.all_live(2).overloaded,
        "raised, though still beyond"
    );
}
