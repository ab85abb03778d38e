//! ICMP and ICMPv6: errors about connections go to their real servers, everything else to the host.

mod common;

use common::*;
use dray_model::{IpvsOptions, KernelRules, NoDestination};
use dray_sched::Kind;
use dray_testkit::frames::{ChunkType, Extension, Frame, IcmpError, TcpFlags};

const CLIENT: &str = "192.0.2.1:4000";
const WEB: &str = "10.0.0.100:80";
const CLIENT6: &str = "[2001:db8::1]:4000";
const WEB6: &str = "[fd00::100]:80";
const ERRORS: [IcmpError; 4] = [
    IcmpError::HostUnreachable,
    IcmpError::PortUnreachable,
    IcmpError::TooBig(1400),
    IcmpError::TimeExceeded,
];

/// A director with services of two real servers each, for TCP, UDP and SCTP of both families.
fn director() -> Director {
    let mut director = Director::new();
    for address in [WEB, WEB6] {
        for protocol in ["tcp", "udp", "sctp"] {
            let address = format!("{protocol}://{address}");
            director.service(&address, Kind::RoundRobin, &[1, 1]);
        }
    }
    director
}

/// For each of its services: a packet that opens a connection, and one of the reply.
fn exchanges() -> Vec<(Frame, Frame)> {
    [(CLIENT, WEB), (CLIENT6, WEB6)]
        .into_iter()
        .flat_map(|(client, service)| {
            [
                (
                    tcp(client, service, TcpFlags::SYN),
                    tcp(service, client, TcpFlags::ACK),
                ),
                (udp(client, service), udp(service, client)),
                (
                    sctp(client, service, ChunkType::INIT),
                    sctp(service, client, ChunkType::INIT_ACK),
                ),
            ]
        })
        .collect()
}

fn is_ipv4(frame: &Frame) -> bool {
    frame.packet()[0] >> 4 == 4
}

/// A router's error about a packet of a real server's.
fn error(error: IcmpError, about: &Frame) -> Frame {
    let (router, vip) = if is_ipv4(about) {
        ("203.0.113.1", "10.0.0.100")
    } else {
        ("2001:db8:1::1", "fd00::100")
    };
    Frame::icmp_error(router.parse().unwrap(), vip.parse().unwrap(), error, about)
}

#[test]
fn an_error_about_a_connection_goes_to_its_real_server_and_changes_like_any_packet() {
    let mut director = director();
    for (request, reply) in exchanges() {
        let destination = director.forwarded(&request);
        for kind in ERRORS {
            let error = error(kind, &reply);
            let leaving = error.clone().ttl(63).macs(OWN, mac_of(destination));
            assert_eq!(director.fate_of(&error), Fate::sent(&leaving.bytes()));
        }
    }
}

#[test]
fn an_error_is_relayed_by_every_kernels_rules() {
    for rules in [KernelRules::V6_1_176, KernelRules::V6_1_192] {
        let mut director = director();
        director.policy(|policy| policy.ipvs.rules = rules);
        for (request, reply) in exchanges() {
            let destination = director.forwarded(&request);
            for length in [0, 1, 2, 3, 500] {
                let reply = reply.clone().payload(&vec![b'x'; length]);
                let error = error(IcmpError::PortUnreachable, &reply);
                assert_eq!(director.forwarded(&error), destination);
            }
        }
    }
}

#[test]
fn tags_options_and_extension_headers_do_not_hide_an_error() {
    let mut director = director();
    let destination = director.forwarded(&udp(CLIENT, WEB));
    let about = udp(WEB, CLIENT).ipv4_options(&[1; 8]);
    let plain = error(IcmpError::TimeExceeded, &about).ipv4_options(&[1; 20]);
    let leaving = plain.clone().ttl(63).macs(OWN, mac_of(destination));
    assert_eq!(
        director.fate_of(&plain.vlan(7)),
        Fate::sent(&leaving.bytes())
    );

    let destination = director.forwarded(&udp(CLIENT6, WEB6));
    let about = udp(WEB6, CLIENT6).extension(Extension::DestinationOptions(vec![1; 30]));
    let error = error(IcmpError::TimeExceeded, &about).extension(Extension::HopByHop(vec![1; 4]));
    assert_eq!(director.forwarded(&error), destination);
}

#[test]
fn the_real_server_is_counted_the_error_and_the_connection_is_not_refreshed() {
    let mut director = director();
    for (request, reply) in exchanges() {
        let destination = director.forwarded(&request);
        let before = director.all_live(destination);
        director.advance(seconds(1));
        let list = director.list();
        let error = error(IcmpError::TooBig(1400), &reply);
        director.forwarded(&error);
        assert_eq!(director.list(), list);
        assert_eq!(director.all_live(destination), before);
        let counters = director.counters(destination);
        let bytes = request.packet().len() + error.packet().len();
        assert_eq!((counters.packets, counters.bytes), (2, bytes as u64));
    }
}

#[test]
fn an_error_about_nothing_known_is_the_hosts() {
    let mut director = director();
    for (_, reply) in exchanges() {
        let error = error(IcmpError::PortUnreachable, &reply);
        assert_eq!(
            director.fate_of(&error),
            Fate::passed("other-protocol", &incoming(&error))
        );
    }
}

#[test]
fn echo_and_other_messages_are_the_hosts() {
    let mut director = director();
    director.forwarded(&udp(CLIENT, WEB));
    director.forwarded(&udp(CLIENT6, WEB6));
    let old = udp(WEB, CLIENT).packet();
    let new = udp(WEB6, CLIENT6).packet();
    for (kind, source, vip, quote) in [
        (8, "192.0.2.1", "10.0.0.100", &old),
        (5, "192.0.2.1", "10.0.0.100", &old),
        (12, "192.0.2.1", "10.0.0.100", &old),
        (128, "2001:db8::1", "fd00::100", &new),
        (135, "2001:db8::1", "fd00::100", &new),
    ] {
        let message = Frame::icmp(
            source.parse().unwrap(),
            vip.parse().unwrap(),
            kind,
            0,
            [0; 4],
        );
        let message = message.payload(quote);
        assert_eq!(
            director.fate_of(&message),
            Fate::passed("other-protocol", &incoming(&message)),
            "{kind}"
        );
    }
}

#[test]
fn an_error_at_the_end_of_its_time_is_dropped_in_silence() {
    let mut director = director();
    director.policy(|policy| policy.ipvs.no_destination = NoDestination::Icmp);
    for (request, reply) in exchanges() {
        director.forwarded(&request);
        let error = error(IcmpError::PortUnreachable, &reply).ttl(1);
        assert_eq!(
            director.fate_of(&error),
            Fate::dropped("time-to-live", &incoming(&error))
        );
    }
}

#[test]
fn an_error_that_does_not_fit_is_dropped_in_silence() {
    let mut director = director();
    let destination = director.forwarded(&udp(CLIENT, WEB));
    let hop = director.hop(destination, 1, None, 100);
    director.change(destination, |destination| destination.hop = Some(hop));
    let about = udp(WEB, CLIENT).payload(&[b'x'; 100]);
    let error = error(IcmpError::PortUnreachable, &about);
    assert_eq!(
        director.fate_of(&error),
        Fate::dropped("needs-fragmenting", &incoming(&error))
    );
}

#[test]
fn by_the_older_rules_a_wrong_checksum_ends_an_error() {
    let mut director = director();
    let destination = director.forwarded(&udp(CLIENT, WEB));
    let error = error(IcmpError::PortUnreachable, &udp(WEB, CLIENT));
    let mut wrong = incoming(&error);
    *wrong.last_mut().unwrap() ^= 1;

    director.policy(|policy| policy.ipvs.rules = KernelRules::V6_1_192);
    assert_eq!(director.forwarded_bytes(&wrong), destination);
    director.policy(|policy| policy.ipvs.rules = KernelRules::V6_1_176);
    assert_eq!(
        director.fate(&wrong),
        Fate::dropped("icmp-checksum", &wrong)
    );
    assert_eq!(director.forwarded(&error), destination);
}

#[test]
fn an_icmpv6_error_behind_a_fragment_header_is_dropped_and_echo_is_not() {
    let mut director = director();
    director.forwarded(&udp(CLIENT6, WEB6));
    let error = error(IcmpError::PortUnreachable, &udp(WEB6, CLIENT6));
    let error = error.extension(Extension::AtomicFragment);
    assert_eq!(
        director.fate_of(&error),
        Fate::dropped("icmp-fragment", &incoming(&error))
    );
    let (client, vip) = ("2001:db8::1".parse().unwrap(), "fd00::100".parse().unwrap());
    let echo = Frame::icmp(client, vip, 128, 0, [0; 4]).extension(Extension::AtomicFragment);
    assert_eq!(
        director.fate_of(&echo),
        Fate::passed("other-protocol", &incoming(&echo))
    );
}

#[test]
fn a_real_servers_error_about_a_clients_packet_is_a_reply() {
    let mut director = director();
    let destination = director.forwarded(&udp(CLIENT, WEB));
    let list = director.list();
    let error = Frame::icmp_error(
        "10.0.0.100".parse().unwrap(),
        "192.0.2.1".parse().unwrap(),
        IcmpError::PortUnreachable,
        &udp(CLIENT, WEB),
    );
    assert_eq!(director.reply(&error).reasons, ["reply"]);
    assert_eq!(director.list(), list);
    let counters = director.counters(destination);
    assert_eq!(
        (
            counters.packets,
            counters.reply_packets,
            counters.reply_bytes
        ),
        (1, 1, error.packet().len() as u64)
    );
}

#[test]
fn with_schedule_icmp_an_error_about_nothing_known_begins_a_connection_of_three_seconds() {
    for (index, (request, reply)) in exchanges().into_iter().enumerate() {
        let mut director = director();
        director.policy(|policy| policy.ipvs.schedule_icmp = true);
        let error = error(IcmpError::TooBig(1400), &reply);
        let destination = director.forwarded(&error);
        assert_eq!(destination as usize, 2 * index + 2, "the first in turn");
        assert_eq!(director.live(destination), (0, 1));
        assert_eq!(director.forwarded(&error), destination);
        director.advance(seconds(2));
        assert_eq!(director.sweep().alive, 1);
        director.advance(seconds(2));
        assert_eq!(director.sweep().ended, 1);
        assert_eq!(director.live(destination), (0, 0));
        assert_eq!(director.forwarded(&request), destination - 1);
    }
}

#[test]
fn with_schedule_icmp_an_error_that_finds_no_real_server_is_dropped_in_silence() {
    let mut director = Director::new();
    director.policy(|policy| {
        policy.ipvs = IpvsOptions {
            schedule_icmp: true,
            ..IpvsOptions::IPVS
        };
    });
    director.service("udp://10.0.0.100:80", Kind::RoundRobin, &[0]);
    let error = error(IcmpError::TooBig(1400), &udp(WEB, CLIENT));
    assert_eq!(
        director.fate_of(&error),
        Fate::dropped("no-destination", &incoming(&error))
    );
}

#[test]
fn with_schedule_icmp_an_error_about_no_service_is_the_hosts() {
    let mut director = director();
    director.policy(|policy| policy.ipvs.schedule_icmp = true);
    let error = error(IcmpError::TooBig(1400), &udp("10.0.0.100:9", CLIENT));
    assert_eq!(
        director.fate_of(&error),
        Fate::passed("not-a-service", &incoming(&error))
    );
}
