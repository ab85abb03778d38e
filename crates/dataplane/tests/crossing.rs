//! FULLNAT between families: an IPv6 client's packets become IPv4 ones for an IPv4 real server, and the reverse.

mod common;

use common::*;
use dray_model::{Rewrite, ServiceOptions};
use dray_sched::Kind;
use dray_testkit::frames::{Frame, IcmpError, TcpFlags};

const SYN: TcpFlags = TcpFlags::SYN;
const ACK: TcpFlags = TcpFlags::ACK;

/// A client and a service of one family, a real server and a local address of the other.
#[derive(Clone, Copy)]
struct Ends {
    client: &'static str,
    service: &'static str,
    real: &'static str,
    local: &'static str,
    address: &'static str,
}

const TO_IPV6: Ends = Ends {
    client: "192.0.2.1:4000",
    service: "10.0.0.100:80",
    real: "[fd00:1::7]:8080",
    local: "[fd00:9::1]:5000",
    address: "fd00:9::1",
};
const TO_IPV4: Ends = Ends {
    client: "[2001:db8::1]:4000",
    service: "[fd00::100]:80",
    real: "10.1.0.7:8080",
    local: "10.9.0.1:5000",
    address: "10.9.0.1",
};
const BOTH: [Ends; 2] = [TO_IPV6, TO_IPV4];

fn director(ends: Ends, real: Real) -> Director {
    let mut director = Director::new();
    for protocol in ["tcp", "udp"] {
        let identity = format!("{protocol}://{}", ends.service);
        director.service_to(
            &identity,
            Kind::RoundRobin,
            ServiceOptions::default(),
            &[real],
        );
    }
    director.locals(&[ends.address], 5000..=5000);
    director
}

/// A frame of the other family is the director's own: it has the identification that it writes.
fn to_real(frame: &Frame, destination: u32) -> Fate {
    Fate::sent(&made(frame).macs(OWN, mac_of(destination)).bytes())
}

fn to_client(frame: &Frame) -> Fate {
    Fate::redirected(&made(frame).macs(OWN, ROUTER).bytes())
}

fn made(frame: &Frame) -> Frame {
    frame.clone().ttl(63)
}

#[test]
fn a_connection_runs_both_ways() {
    for ends in BOTH {
        let mut director = director(ends, Real::fullnat(ends.real));
        let syn = director.fate_of(&tcp(ends.client, ends.service, SYN));
        assert_eq!(syn, to_real(&tcp(ends.local, ends.real, SYN), 1));
        let answer = director.reply(&tcp(ends.real, ends.local, SYN | ACK));
        assert_eq!(
            answer,
            to_client(&tcp(ends.service, ends.client, SYN | ACK))
        );
        for length in [0, 1, 555] {
            let payload = vec![9; length];
            let data = tcp(ends.client, ends.service, ACK).payload(&payload);
            let wanted = tcp(ends.local, ends.real, ACK).payload(&payload);
            assert_eq!(director.fate_of(&data), to_real(&wanted, 1));
            let data = tcp(ends.real, ends.local, ACK).payload(&payload);
            let wanted = tcp(ends.service, ends.client, ACK).payload(&payload);
            assert_eq!(director.reply(&data), to_client(&wanted));
        }
        assert_eq!(director.state(), "ESTABLISHED");
        director.advance(seconds(100_000));
        director.sweep();
        let sweep = director.sweep();
        assert_eq!((sweep.alive, sweep.ended, sweep.translated), (0, 0, 0));
    }
}

#[test]
fn a_tagged_frame_crosses_with_its_link_layer() {
    for ends in BOTH {
        let mut director = director(ends, Real::fullnat(ends.real).by(2, Some(30)));
        for vlans in [&[7][..], &[7, 8]] {
            let tagged = |frame: Frame| vlans.iter().rev().fold(frame, |frame, id| frame.vlan(*id));
            let syn = tagged(tcp(ends.client, ends.service, SYN)).macs(ROUTER, OWN);
            let wanted = made(&tcp(ends.local, ends.real, SYN)).vlan(30);
            let wanted = wanted.macs(OTHER_PORT, mac_of(1)).bytes();
            assert_eq!(
                director.fate(&syn.bytes()),
                Fate::redirected(&wanted),
                "{vlans:?}"
            );
        }
    }
}

#[test]
fn datagrams_run_both_ways_with_a_checksum() {
    for ends in BOTH {
        let mut director = director(ends, Real::fullnat(ends.real));
        for length in 0..20 {
            let payload = vec![0x5a; length];
            let asked = director.fate_of(&udp(ends.client, ends.service).payload(&payload));
            assert_eq!(
                asked,
                to_real(&udp(ends.local, ends.real).payload(&payload), 2)
            );
            let told = director.reply(&udp(ends.real, ends.local).payload(&payload));
            assert_eq!(
                told,
                to_client(&udp(ends.service, ends.client).payload(&payload))
            );
        }
    }
    let mut director = director(TO_IPV6, Real::fullnat(TO_IPV6.real));
    for length in 0..20 {
        let payload = vec![0x5a; length];
        let bare = udp(TO_IPV6.client, TO_IPV6.service)
            .payload(&payload)
            .without_udp_checksum();
        let whole = udp(TO_IPV6.local, TO_IPV6.real).payload(&payload);
        assert_eq!(director.fate_of(&bare), to_real(&whole, 2), "{length}");
    }
}

#[test]
fn the_largest_packet_is_reckoned_in_the_clients_family() {
    for (ends, largest) in [(TO_IPV6, 1380_usize), (TO_IPV4, 1420)] {
        let mut real = Real::fullnat(ends.real);
        real.hop.mtu = 1400;
        let mut director = director(ends, real);
        director.fate_of(&tcp(ends.client, ends.service, SYN));
        let header = if ends.client.starts_with('[') { 60 } else { 40 };
        let fits = tcp(ends.client, ends.service, ACK).payload(&vec![0; largest - header]);
        assert_eq!(director.fate_of(&fits).verdict, TX);
        assert_eq!(director.count("too-big"), 0);
        let big = tcp(ends.client, ends.service, ACK).payload(&vec![0; largest - header + 1]);
        let answer = director.fate_of(&big);
        assert_eq!((answer.verdict, answer.reasons), (TX, vec!["too-big"]));
        let at = if header == 60 { 54 + 6 } else { 34 + 6 };
        assert_eq!(answer.frame[at..at + 2], (largest as u16).to_be_bytes());
    }
}

#[test]
fn what_cannot_cross_is_dropped_with_a_reason() {
    let mut director = director(TO_IPV6, Real::fullnat(TO_IPV6.real));
    director.fate_of(&tcp(TO_IPV6.client, TO_IPV6.service, SYN));
    let with_options = tcp(TO_IPV6.client, TO_IPV6.service, ACK).ipv4_options(&[1; 4]);
    let fate = director.fate_of(&with_options);
    assert_eq!(
        fate,
        Fate::dropped("other-family", &incoming(&with_options))
    );
    let long = udp(TO_IPV6.client, TO_IPV6.service).payload(&[0; 100]);
    for piece in long.macs(ROUTER, OWN).fragments(48) {
        assert_eq!(director.fate(&piece), Fate::dropped("other-family", &piece));
    }
    let router = "203.0.113.1".parse().unwrap();
    let vip = "10.0.0.100".parse().unwrap();
    let about = tcp(TO_IPV6.service, TO_IPV6.client, ACK);
    let error = Frame::icmp_error(router, vip, IcmpError::HostUnreachable, &about);
    assert_eq!(
        director.fate_of(&error),
        Fate::dropped("other-family", &incoming(&error))
    );
}

#[test]
fn the_clients_address_is_told_in_its_own_family() {
    for ends in BOTH {
        let mut real = Real::fullnat(ends.real);
        if let Rewrite::FullNat { address_option, .. } = &mut real.hop.rewrite {
            *address_option = Some(254);
        }
        let mut director = director(ends, real);
        director.fate_of(&tcp(ends.client, ends.service, SYN));
        director.reply(&tcp(ends.real, ends.local, SYN | ACK).sequence(41));
        let client: std::net::SocketAddr = ends.client.parse().unwrap();
        let [high, low] = client.port().to_be_bytes();
        let option = match client.ip() {
            std::net::IpAddr::V4(address) => [&[254, 8, high, low][..], &address.octets()].concat(),
            std::net::IpAddr::V6(address) => {
                [&[254, 20, high, low][..], &address.octets()].concat()
            }
        };
        let ack = director.fate_of(&tcp(ends.client, ends.service, ACK).acknowledgement(42));
        let wanted = tcp(ends.local, ends.real, ACK)
            .acknowledgement(42)
            .tcp_options(&option);
        assert_eq!(ack, to_real(&wanted, 1));
    }
}
