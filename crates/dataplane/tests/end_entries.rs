//! Connections and templates that somebody wants to end: they go at once, whole, and no other does.

mod common;

use common::*;
use dray_dataplane::Occupancy;
use dray_model::{Connection, DataPlane as _, Family, Part, ServiceOptions, Template};
use dray_sched::Kind;
use dray_testkit::frames::{Frame, TcpFlags};

const SYN: TcpFlags = TcpFlags::SYN;
const ACK: TcpFlags = TcpFlags::ACK;
const RST: TcpFlags = TcpFlags::RST;
const WEB: &str = "10.0.0.100:80";
const WEB6: &str = "[fd00::100]:80";

fn segment(host: u8, port: u16, flags: TcpFlags) -> Frame {
    tcp(&format!("192.0.2.{host}:{port}"), WEB, flags)
}

fn end(director: &mut Director, which: impl Fn(&Connection) -> bool) -> u64 {
    director
        .private
        .data_plane()
        .end_connections(Part::WHOLE, &which)
}

fn end_templates(director: &mut Director, which: impl Fn(&Template) -> bool) -> u64 {
    director
        .private
        .data_plane()
        .end_templates(Part::WHOLE, &which)
}

fn occupancy(director: &mut Director) -> Occupancy {
    director.private.data_plane().occupancy()
}

#[test]
fn only_the_connections_that_are_meant_end() {
    let mut director = Director::new();
    director.service(&format!("tcp://{WEB}"), Kind::RoundRobin, &[1; 2]);
    director.service(&format!("tcp://{WEB6}"), Kind::RoundRobin, &[1]);
    for port in 4000..4010 {
        director.forwarded(&segment(1, port, SYN));
    }
    director.forwarded(&tcp("[2001:db8::1]:4000", WEB6, SYN));
    assert_eq!(end(&mut director, |found| found.destination.0 == 2), 5);
    assert_eq!(director.list().len(), 6);
    assert_eq!((director.live(1), director.live(2)), ((5, 0), (0, 0)));
    let of_ipv6 = |found: &Connection| found.client.is_ipv6();
    assert_eq!(end(&mut director, of_ipv6), 1);
    assert_eq!(director.live(3), (0, 0));
    assert_eq!(end(&mut director, |_| false), 0);
    assert_eq!(director.list().len(), 5);
}

#[test]
fn active_and_inactive_connections_are_counted_off_as_what_they_are() {
    let mut director = Director::new();
    director.service(&format!("tcp://{WEB}"), Kind::RoundRobin, &[1]);
    for port in 4000..4006 {
        director.forwarded(&segment(1, port, SYN));
        director.forwarded(&segment(1, port, ACK));
    }
    for port in 4000..4002 {
        director.forwarded(&segment(1, port, RST));
    }
    assert_eq!(director.live(1), (4, 2));
    assert_eq!(end(&mut director, |found| found.state == "CLOSE"), 2);
    assert_eq!(director.live(1), (4, 0));
    assert_eq!(end(&mut director, |found| found.state == "ESTABLISHED"), 4);
    assert_eq!(director.live(1), (0, 0));
}

#[test]
fn the_next_segment_of_an_ended_connection_is_the_hosts_and_the_next_syn_is_scheduled_anew() {
    let mut director = Director::new();
    director.service(&format!("tcp://{WEB}"), Kind::RoundRobin, &[1; 2]);
    let first = director.forwarded(&segment(1, 4000, SYN));
    end(&mut director, |_| true);
    let ack = incoming(&segment(1, 4000, ACK));
    assert_eq!(director.fate(&ack).verdict, PASS);
    let second = director.forwarded(&segment(1, 4000, SYN));
    assert_ne!(second, first);
}

#[test]
fn the_next_datagram_of_an_ended_connection_is_scheduled_anew() {
    let mut director = Director::new();
    director.service("udp://10.0.0.100:53", Kind::RoundRobin, &[1; 2]);
    let datagram = udp("192.0.2.1:4000", "10.0.0.100:53");
    let first = director.forwarded(&datagram);
    assert_eq!(director.forwarded(&datagram), first);
    end(&mut director, |_| true);
    assert_ne!(director.forwarded(&datagram), first);
}

#[test]
fn translated_connections_end_whole() {
    let mut director = Director::new();
    director.locals(&["10.2.0.1"], 2000..=2999);
    let tcp80 = format!("tcp://{WEB}");
    let reals = [Real::nat("10.1.0.1:8080"), Real::fullnat("10.1.0.2:8080")];
    director.service_to(&tcp80, Kind::RoundRobin, ServiceOptions::default(), &reals);
    for port in 4000..4020 {
        director.forwarded(&segment(1, port, SYN));
    }
    let Occupancy {
        connections,
        returns,
        translations,
        ..
    } = occupancy(&mut director);
    assert_eq!((connections, returns, translations), (20, 20, 20));
    // The return slots are in the same table, and are no connections.
    assert_eq!(end(&mut director, |_| true), 20);
    assert_eq!(occupancy(&mut director), Occupancy::default());
    assert_eq!((director.live(1), director.live(2)), ((0, 0), (0, 0)));
    let late = tcp("10.1.0.1:8080", "192.0.2.1:4001", SYN | ACK);
    assert_eq!(director.reply(&late).verdict, PASS);
}

#[test]
fn connections_that_end_relieve_an_overloaded_real_server() {
    let mut director = Director::new();
    director.service(&format!("tcp://{WEB}"), Kind::LeastConnection, &[1]);
    director.limit(1, 4, 2);
    for port in 4000..4004 {
        director.forwarded(&segment(1, port, SYN));
    }
    assert!(director.all_live(1).overloaded);
    end(&mut director, |found| found.client.port() > 4000);
    assert!(!director.all_live(1).overloaded);
    assert_eq!(director.forwarded(&segment(1, 5000, SYN)), 1);
}

#[test]
fn the_parts_together_are_the_whole_table() {
    let mut director = Director::new();
    director.service(&format!("tcp://{WEB}"), Kind::RoundRobin, &[1]);
    director.service(&format!("tcp://{WEB6}"), Kind::RoundRobin, &[1]);
    for port in 4000..4200 {
        director.forwarded(&segment(1, port, SYN));
        director.forwarded(&tcp(&format!("[2001:db8::1]:{port}"), WEB6, SYN));
    }
    let plane = director.private.data_plane();
    let ended: Vec<u64> = Part::all(7)
        .map(|part| plane.end_connections(part, &|_| true))
        .collect();
    assert_eq!(ended.iter().sum::<u64>(), 400);
    assert!(ended.iter().all(|ended| *ended > 0), "{ended:?}");
    assert_eq!(
        plane.end_connections(Part { number: 7, of: 7 }, &|_| true),
        0
    );
    assert_eq!(director.list(), []);
}

/// A director with two real servers behind a persistent service; `rr` gives the newest first.
fn sticky() -> Director {
    let mut director = Director::new();
    let options = persistent(360, Family::Ipv4);
    director.service_with(&format!("tcp://{WEB}"), Kind::RoundRobin, options, &[1; 2]);
    director
}

#[test]
fn a_template_stays_when_its_connections_end_and_goes_when_it_is_meant() {
    let mut director = sticky();
    let first = director.forwarded(&segment(1, 4000, SYN));
    end(&mut director, |_| true);
    assert_eq!(director.forwarded(&segment(1, 4001, SYN)), first);
    end(&mut director, |_| true);
    assert_eq!(end_templates(&mut director, |_| true), 1);
    assert_eq!(director.all_live(first).persistent, 0);
    assert_ne!(director.forwarded(&segment(1, 4002, SYN)), first);
}

#[test]
fn a_template_with_connections_is_found_by_nobody_and_ends_with_the_last_of_them() {
    let mut director = sticky();
    let first = director.forwarded(&segment(1, 4000, SYN));
    director.forwarded(&segment(1, 4001, SYN));
    assert_eq!(end_templates(&mut director, |_| true), 1);
    assert_eq!(end_templates(&mut director, |_| true), 0, "hidden before");
    let hidden = director.templates().remove(0);
    assert_eq!((hidden.port, hidden.children), (u16::MAX, 2));
    assert_ne!(director.forwarded(&segment(1, 4002, SYN)), first);
    assert_eq!(
        director.forwarded(&segment(1, 4000, ACK)),
        first,
        "its connections go on"
    );

    end(&mut director, |found| found.client.port() == 4000);
    assert_eq!(director.all_live(first).persistent, 1);
    end(&mut director, |found| found.client.port() == 4001);
    assert_eq!(director.all_live(first).persistent, 0);
    assert_eq!(director.templates().len(), 1, "the new one");
}

#[test]
fn only_the_templates_that_are_meant_end() {
    let mut director = sticky();
    for host in 1..=6 {
        director.forwarded(&segment(host, 4000, SYN));
    }
    end(&mut director, |_| true);
    assert_eq!(
        end_templates(&mut director, |found| found.destination.0 == 1),
        3
    );
    let left: Vec<u32> = (director.templates().iter())
        .map(|template| template.destination.0)
        .collect();
    assert_eq!(left, [2; 3]);
    assert_eq!(director.all_live(1).persistent, 0);
    assert_eq!(director.all_live(2).persistent, 3);
}
