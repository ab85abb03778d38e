//! Marks: rules give them to packets, and services take packets by them.

mod common;

use std::num::NonZeroU32;

use common::*;
use dray_model::{DataPlane as _, Family, MAX_MARK_RULES, MarkRule, Protocol};
use dray_sched::Kind;
use dray_testkit::frames::TcpFlags;

const SYN: TcpFlags = TcpFlags::SYN;
const ACK: TcpFlags = TcpFlags::ACK;
const CLIENT: &str = "192.0.2.1:4000";

/// A rule for all IPv4 packets.
fn rule(mark: u32) -> MarkRule {
    MarkRule {
        mark: NonZeroU32::new(mark).unwrap(),
        family: Family::Ipv4,
        destination: None,
        source: None,
        protocol: None,
        ports: None,
        source_ports: None,
        interface: None,
    }
}

fn prefix(text: &str) -> Option<(std::net::IpAddr, u8)> {
    let (address, length) = text.split_once('/').unwrap();
    Some((address.parse().unwrap(), length.parse().unwrap()))
}

fn set(director: &mut Director, rules: &[MarkRule]) {
    let plane = director.private.data_plane();
    plane.set_mark_rules(rules).expect("rules");
}

/// A director with services of the marks 1 to 3, with a real server each, of the same number.
fn director() -> Director {
    let mut director = Director::new();
    for mark in 1..=3 {
        director.service(&format!("mark {mark}"), Kind::RoundRobin, &[1]);
    }
    director
}

#[test]
fn a_marks_service_takes_packets_of_every_address_port_and_protocol() {
    let mut director = director();
    set(&mut director, &[rule(2)]);
    for vip in ["10.0.0.100:80", "10.0.0.100:81", "10.9.9.9:65535"] {
        assert_eq!(director.forwarded(&tcp(CLIENT, vip, SYN)), 2, "{vip}");
        assert_eq!(director.forwarded(&tcp(CLIENT, vip, ACK)), 2, "{vip}");
        assert_eq!(director.forwarded(&udp(CLIENT, vip)), 2, "{vip}");
    }
    assert_eq!(director.list().len(), 6);
}

#[test]
fn the_first_rule_that_fits_counts() {
    let mut director = director();
    let rules = [
        MarkRule {
            destination: prefix("10.0.0.0/24"),
            ports: Some(80..=89),
            protocol: Some(Protocol::Tcp),
            ..rule(1)
        },
        MarkRule {
            source: prefix("192.0.2.0/25"),
            source_ports: Some(4000..=4999),
            ..rule(2)
        },
        MarkRule {
            destination: prefix("10.0.0.0/8"),
            ..rule(3)
        },
    ];
    set(&mut director, &rules);
    for (client, vip, destination) in [
        (CLIENT, "10.0.0.100:80", 1),
        (CLIENT, "10.0.0.255:89", 1),
        (CLIENT, "10.0.0.100:79", 2),
        (CLIENT, "10.0.0.100:90", 2),
        (CLIENT, "10.0.1.0:80", 2),
        ("192.0.2.127:4999", "198.51.100.1:7", 2),
        ("192.0.2.128:4000", "10.0.1.0:80", 3),
        ("192.0.2.1:3999", "10.255.255.255:80", 3),
        ("192.0.2.1:5000", "10.0.0.100:90", 3),
    ] {
        let found = director.forwarded(&tcp(client, vip, SYN));
        assert_eq!(found, destination, "{client} {vip}");
    }
    assert_eq!(
        director.forwarded(&udp("192.0.2.200:1", "10.0.0.100:80")),
        3
    );
    let other = tcp("192.0.2.128:4000", "11.0.0.1:80", SYN);
    assert_eq!(
        director.fate_of(&other),
        Fate::passed("not-a-service", &incoming(&other))
    );
}

#[test]
fn families_have_rules_and_services_of_their_own() {
    let mut director = director();
    director.service("mark 1 ipv6", Kind::RoundRobin, &[1]);
    let six = MarkRule {
        family: Family::Ipv6,
        destination: prefix("fd00::100/128"),
        ..rule(1)
    };
    set(&mut director, std::slice::from_ref(&six));
    let (four, to_six) = (
        tcp(CLIENT, "10.0.0.100:80", SYN),
        tcp("[2001:db8::1]:4000", "[fd00::100]:80", SYN),
    );
    assert_eq!(director.forwarded(&to_six), 4);
    assert_eq!(director.fate_of(&four).reasons, ["not-a-service"]);
    set(&mut director, &[six, rule(1)]);
    assert_eq!(director.forwarded(&four), 1);
    let elsewhere = tcp("[2001:db8::1]:4000", "[fd00::101]:80", SYN);
    assert_eq!(director.fate_of(&elsewhere).reasons, ["not-a-service"]);
}

#[test]
fn a_marks_service_comes_before_the_one_of_the_address() {
    let mut director = director();
    director.service("tcp://10.0.0.100:80", Kind::RoundRobin, &[1]);
    set(&mut director, &[rule(1)]);
    assert_eq!(director.forwarded(&tcp(CLIENT, "10.0.0.100:80", SYN)), 1);
}

#[test]
fn a_mark_without_a_service_leaves_the_packet_to_the_one_of_its_address() {
    let mut director = director();
    director.service("tcp://10.0.0.100:80", Kind::RoundRobin, &[1]);
    set(&mut director, &[rule(77)]);
    assert_eq!(director.forwarded(&tcp(CLIENT, "10.0.0.100:80", SYN)), 4);
    let other = tcp(CLIENT, "10.0.0.100:81", SYN);
    assert_eq!(director.fate_of(&other).reasons, ["not-a-service"]);
}

#[test]
fn a_connection_stays_whatever_the_rules_become() {
    let mut director = director();
    set(&mut director, &[rule(1)]);
    let (syn, ack) = (
        tcp(CLIENT, "10.0.0.100:80", SYN),
        tcp(CLIENT, "10.0.0.100:80", ACK),
    );
    assert_eq!(director.forwarded(&syn), 1);
    set(&mut director, &[rule(2)]);
    assert_eq!(director.forwarded(&ack), 1);
    set(&mut director, &[]);
    assert_eq!(director.forwarded(&ack), 1);
    let new = tcp("192.0.2.2:4000", "10.0.0.100:80", SYN);
    assert_eq!(director.fate_of(&new).reasons, ["not-a-service"]);
}

#[test]
fn a_rule_may_be_for_packets_of_one_interface() {
    let mut director = director();
    let by_second = MarkRule {
        interface: Some("port1".to_owned()),
        ..rule(1)
    };
    set(&mut director, &[by_second, rule(2)]);
    let frame = tcp(CLIENT, "10.0.0.100:80", SYN);
    assert_eq!(director.forwarded(&frame), 2);
    let other = tcp("192.0.2.2:4000", "10.0.0.100:80", SYN);
    let fate = director.reply(&other);
    assert_eq!(
        (fate.verdict, &fate.frame[..6]),
        (REDIRECT, &mac_of(1).0[..])
    );
}

#[test]
fn sets_of_rules_follow_one_another() {
    let mut director = director();
    for round in 0..20_u32 {
        let mark = 1 + round % 3;
        let rules = vec![rule(mark); 1 + (round as usize * 37) % MAX_MARK_RULES];
        set(&mut director, &rules);
        let client = format!("192.0.2.1:{}", 5000 + round);
        assert_eq!(
            director.forwarded(&tcp(&client, "10.0.0.100:80", SYN)),
            mark
        );
    }
}

#[test]
fn the_last_of_as_many_rules_as_there_may_be_counts() {
    let mut director = director();
    let never = MarkRule {
        destination: prefix("203.0.113.1/32"),
        ..rule(1)
    };
    let mut rules = vec![never; MAX_MARK_RULES - 1];
    rules.push(rule(3));
    set(&mut director, &rules);
    assert_eq!(director.forwarded(&tcp(CLIENT, "10.0.0.100:80", SYN)), 3);
}

#[test]
fn rules_that_cannot_be_are_refused_and_the_old_ones_stay() {
    let mut director = director();
    set(&mut director, &[rule(1)]);
    let plane = director.private.data_plane();
    let many = vec![rule(2); MAX_MARK_RULES + 1];
    let text = plane.set_mark_rules(&many).unwrap_err().to_string();
    assert!(text.contains("256"), "{text}");
    let nowhere = MarkRule {
        interface: Some("eth7".to_owned()),
        ..rule(2)
    };
    let error = plane.set_mark_rules(&[nowhere]).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        cause.contains("`eth7`") && cause.contains("port0, port1"),
        "{cause}"
    );
    assert_eq!(director.forwarded(&tcp(CLIENT, "10.0.0.100:80", SYN)), 1);
}

#[test]
fn a_marks_template_is_for_all_its_vips_ports_and_protocols() {
    let mut director = Director::new();
    let options = persistent(360, Family::Ipv4);
    director.service_with("mark 258", Kind::RoundRobin, options, &[1; 3]);
    set(&mut director, &[rule(258)]);
    for vip in ["10.0.0.100:80", "10.0.0.101:443"] {
        assert_eq!(director.forwarded(&tcp(CLIENT, vip, SYN)), 3);
        assert_eq!(director.forwarded(&udp(CLIENT, vip)), 3);
    }
    let templates = director.templates();
    assert_eq!(templates.len(), 1, "{templates:?}");
    let template = &templates[0];
    assert_eq!(
        (template.protocol, template.port, template.children),
        (0, 0, 4)
    );
    assert_eq!(
        template.vip.to_string(),
        "0.0.1.2",
        "the mark as an address, as in IPVS's listing"
    );
}

#[test]
fn a_new_daemon_finds_a_marks_service() {
    let mut director = director();
    director.service("mark 4294967295 ipv6", Kind::RoundRobin, &[1]);
    let services = director.observe().services;
    let found: Vec<String> = services.keys().map(ToString::to_string).collect();
    assert_eq!(
        found,
        ["mark 1", "mark 2", "mark 3", "mark 4294967295 ipv6"]
    );
}
