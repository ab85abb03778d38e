//! Tunnels to real servers, byte by byte, and what the real servers' own program makes of them again.
//!
//! What a tunnel's frame must look like is never computed from the program's: the frame builder makes it, checksums from scratch.
//! Only a UDP port that was drawn from a range is taken over, and a random identification.

mod common;

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    num::NonZeroU16,
};

use common::*;
use dray_dataplane::{Decapsulator, Tunnels};
use dray_model::{Mac, Rewrite, ServiceOptions, Tunnel, TunnelChecksum};
use dray_sched::Kind;
use dray_testkit::frames::{Extension, Frame, IcmpError, TcpFlags};

const CLIENT: &str = "192.0.2.1:4000";
const CLIENT6: &str = "[2001:db8::1]:4000";
const WEB: &str = "10.0.0.100:80";
const WEB6: &str = "[fd00::100]:80";
const DNS: &str = "10.0.0.100:53";
const DNS6: &str = "[fd00::100]:53";
const GUE_PORT: NonZeroU16 = NonZeroU16::new(6080).unwrap();
/// The ports that GUE's packets come from: Linux's range of local ports.
const SOURCE_PORTS: std::ops::RangeInclusive<u16> = 32768..=60999;

/// The Ethernet address of the real server that takes packets out of tunnels.
const REAL: Mac = Mac([2, 1, 0, 0, 0, 0xff]);

/// Real server, outer source, and the bytes of the outer header.
const FAMILIES: [(&str, &str, u32); 2] = [
    ("10.1.1.208", "10.254.0.1", 20),
    ("fd00:1::208", "fd00:254::1", 40),
];

/// Every tunnel, and the bytes that it adds to the outer header.
fn tunnels() -> Vec<(Tunnel, u32)> {
    let mut tunnels = vec![(Tunnel::IpIp, 0)];
    for (checksum, more) in [
        (TunnelChecksum::None, 0),
        (TunnelChecksum::Full, 4),
        (TunnelChecksum::Remote, 4),
    ] {
        let port = GUE_PORT;
        tunnels.push((Tunnel::Gre { checksum }, 4 + more));
        tunnels.push((Tunnel::Gue { port, checksum }, 12));
    }
    tunnels
}

/// A tunnel to a real server, and the director's end.
#[derive(Clone, Copy, Debug)]
struct Case {
    tunnel: Tunnel,
    real: IpAddr,
    source: IpAddr,
    overhead: u32,
}

/// All kinds over both families.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (tunnel, between) in tunnels() {
        for (real, source, header) in FAMILIES {
            cases.push(Case {
                tunnel,
                real: real.parse().unwrap(),
                source: source.parse().unwrap(),
                overhead: header + between,
            });
        }
    }
    cases
}

impl Case {
    fn real(self) -> Real {
        let (real, source) = (self.real.to_string(), self.source.to_string());
        Real::tunnel(&real, &source, self.tunnel, self.overhead)
    }

    /// A director with a real server behind each of four services: IPv4 and IPv6, TCP and UDP.
    fn director(self) -> Director {
        director(self.real())
    }

    /// The tunnel's packet with this packet inside. Its TTL and the like are still the builder's.
    fn around(self, inner: &Frame, source_port: u16) -> Frame {
        let Self { real, source, .. } = self;
        let checksum = self.tunnel.has_checksum();
        match self.tunnel {
            Tunnel::IpIp => Frame::ipip(source, real, inner),
            Tunnel::Gre { .. } => Frame::gre(source, real, inner, checksum),
            Tunnel::Gue { port, .. } => {
                let source = SocketAddr::new(source, source_port);
                Frame::gue(source, SocketAddr::new(real, port.get()), inner, checksum)
            }
        }
    }

    /// What must leave for the destination when the packet comes in with a TTL of 64. What is drawn by chance is as in `frame`, the
    /// one that left, without VLAN tags.
    fn leaving(self, packet: &Frame, destination: u32, frame: &[u8]) -> Frame {
        let is_ipv4 = self.real.is_ipv4();
        let drawn = |at| u16::from_be_bytes([frame[at], frame[at + 1]]);
        let port = if matches!(self.tunnel, Tunnel::Gue { .. }) {
            drawn(14 + if is_ipv4 { 20 } else { 40 })
        } else {
            *SOURCE_PORTS.start()
        };
        assert!(SOURCE_PORTS.contains(&port), "{port}");
        let leaving = self
            .around(&packet.clone().ttl(63), port)
            .ttl(63)
            .macs(OWN, mac_of(destination));
        if is_ipv4 && !stays_whole(packet) {
            leaving.identification(drawn(14 + 4))
        } else {
            leaving
        }
    }
}

/// Whether an IPv4 packet may not be fragmented on its way; an IPv6 packet in an IPv4 tunnel may.
fn stays_whole(packet: &Frame) -> bool {
    let packet = packet.packet();
    packet[0] >> 4 == 4 && packet[6] & 0x40 != 0
}

/// What the real server makes of a frame that left: the one that its host gets.
struct RealServer(Decapsulator);

impl RealServer {
    fn new() -> Self {
        let directors = FAMILIES.map(|(_, source, _)| source.parse().unwrap());
        let tunnels = Tunnels {
            directors: directors.to_vec(),
            gue_port: GUE_PORT,
        };
        Self(Decapsulator::load(REAL, &tunnels).expect("it loads (root needed)"))
    }

    /// Whichever real server it was sent to.
    fn receive(&mut self, frame: &[u8]) -> (u32, Vec<u8>) {
        let frame = [&REAL.0, &frame[6..]].concat();
        let outcome = self.0.run(&frame).unwrap();
        (outcome.verdict, outcome.frame)
    }
}

fn director(real: Real) -> Director {
    let mut director = Director::new();
    for service in [
        format!("tcp://{WEB}"),
        format!("udp://{DNS}"),
        format!("tcp://{WEB6}"),
        format!("udp://{DNS6}"),
    ] {
        let options = ServiceOptions::default();
        director.service_to(&service, Kind::RoundRobin, options, &[real]);
    }
    director
}

/// The destination of each of its services, and a frame that opens a connection to it.
fn openers() -> [(u32, Frame); 4] {
    [
        (1, tcp(CLIENT, WEB, TcpFlags::SYN)),
        (2, udp(CLIENT, DNS)),
        (3, tcp(CLIENT6, WEB6, TcpFlags::SYN)),
        (4, udp(CLIENT6, DNS6)),
    ]
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|byte| (byte % 251) as u8).collect()
}

#[test]
fn every_tunnel_carries_packets_of_either_family_over_either_family() {
    for case in cases() {
        let mut director = case.director();
        for (destination, opener) in openers() {
            for length in [0, 1, 2, 7, 8, 9, 1000, 1459, 1460] {
                let packet = opener.clone().payload(&bytes(length));
                let fate = director.fate_of(&packet);
                let wanted = case.leaving(&packet, destination, &fate.frame);
                assert_eq!(
                    fate,
                    Fate::sent(&wanted.bytes()),
                    "{case:?}, {length} bytes"
                );
            }
        }
    }
}

#[test]
fn the_real_servers_program_gives_back_what_went_into_the_tunnel() {
    let mut real_server = RealServer::new();
    for case in cases() {
        let mut director = case.director();
        for (_, opener) in openers() {
            for length in [0, 1, 1000] {
                let packet = opener.clone().payload(&bytes(length));
                let (_, frame) = director.send(&packet);
                let wanted = packet.ttl(63).macs(OWN, REAL).bytes();
                assert_eq!(real_server.receive(&frame), (PASS, wanted), "{case:?}");
            }
        }
    }
}

#[test]
fn a_packet_that_may_be_fragmented_gives_the_tunnels_an_identification_of_its_own() {
    for case in cases().into_iter().filter(|case| case.real.is_ipv4()) {
        let mut director = case.director();
        let mut seen = BTreeSet::new();
        for (destination, packet) in [
            (2, udp(CLIENT, DNS).identification(1)),
            (4, udp(CLIENT6, DNS6)),
        ] {
            for _ in 0..20 {
                let fate = director.fate_of(&packet);
                let wanted = case.leaving(&packet, destination, &fate.frame);
                assert_eq!(fate, Fate::sent(&wanted.bytes()), "{case:?}");
                seen.insert(fate.frame[18..20].to_vec());
            }
        }
        assert!(seen.len() > 30, "hardly two alike: {seen:?}");
    }
}

#[test]
fn the_traffic_class_goes_along_but_congestion_begins_anew() {
    for case in cases() {
        let mut director = case.director();
        for (destination, opener) in openers() {
            for (inner, outer) in [
                (0xb8, 0xb8),
                (0xb9, 0xb9),
                (0xba, 0xba),
                (0xbb, 0xba),
                (3, 2),
            ] {
                let packet = opener.clone().traffic_class(inner);
                let fate = director.fate_of(&packet);
                let wanted = case
                    .leaving(&packet, destination, &fate.frame)
                    .traffic_class(outer);
                assert_eq!(fate, Fate::sent(&wanted.bytes()), "{case:?}, {inner:#x}");
            }
        }
    }
}

#[test]
fn the_outer_ttl_is_the_packets_own_one_less() {
    let case = cases()[0];
    let mut director = case.director();
    for ttl in [2, 3, 64, 255] {
        let packet = udp(CLIENT, DNS).ttl(ttl);
        let inner = packet.clone().ttl(ttl - 1);
        let wanted = case.around(&inner, 0).ttl(ttl - 1).macs(OWN, mac_of(2));
        assert_eq!(director.fate_of(&packet), Fate::sent(&wanted.bytes()));
    }
    for ttl in [0, 1] {
        let fate = director.fate_of(&udp(CLIENT, DNS).ttl(ttl));
        assert_eq!(fate.reasons, ["time-exceeded"], "TTL {ttl}");
    }
}

#[test]
fn a_packet_that_does_not_fit_into_the_tunnel_is_answered_and_one_that_does_goes() {
    for case in cases() {
        let mut real = case.real();
        real.hop.mtu = 1400;
        let mut director = director(real);
        for (destination, opener) in openers() {
            let header = opener.packet().len();
            let fits = opener.clone().payload(&bytes(1400 - header));
            let fate = director.fate_of(&fits);
            let wanted = case.leaving(&fits, destination, &fate.frame);
            assert_eq!(fate, Fate::sent(&wanted.bytes()), "{case:?}");
            let large = opener.payload(&bytes(1401 - header));
            let fate = director.fate_of(&large);
            assert_eq!((fate.verdict, fate.reasons), (TX, vec!["too-big"]));
            let at = if destination < 3 {
                14 + 20 + 6
            } else {
                14 + 40 + 6
            };
            let told = u16::from_be_bytes([fate.frame[at], fate.frame[at + 1]]);
            assert_eq!(told, 1400, "what the client's own packets may have");
        }
        let large = udp(CLIENT, DNS).identification(1).payload(&bytes(1400));
        let wanted = Fate::dropped("needs-fragmenting", &incoming(&large));
        assert_eq!(director.fate_of(&large), wanted);
    }
}

#[test]
fn vlan_tags_become_those_of_the_next_hop() {
    for case in cases() {
        for vlan in [None, Some(7)] {
            let mut director = director(case.real().by(1, vlan));
            for (destination, opener) in openers() {
                for packet in [
                    opener.clone(),
                    opener.clone().vlan(5),
                    opener.clone().service_vlan(3).vlan(9),
                ] {
                    let fate = director.fate_of(&packet);
                    let tags = if vlan.is_some() { 4 } else { 0 };
                    let untagged = [&fate.frame[..12], &fate.frame[12 + tags..]].concat();
                    let wanted = case.leaving(&opener, destination, &untagged);
                    let wanted = vlan.into_iter().fold(wanted, Frame::vlan);
                    assert_eq!(fate, Fate::sent(&wanted.bytes()), "{case:?}");
                }
            }
        }
    }
}

#[test]
fn a_tunnel_may_leave_by_another_interface() {
    let case = cases()[0];
    let mut director = director(case.real().by(2, None));
    let packet = udp(CLIENT, DNS);
    let fate = director.fate_of(&packet);
    let wanted = case.leaving(&packet, 2, &fate.frame);
    let wanted = wanted.macs(OTHER_PORT, mac_of(2));
    assert_eq!(fate, Fate::redirected(&wanted.bytes()));
}

#[test]
fn flows_come_from_different_sources_and_one_flow_from_the_same() {
    for (source, first, last) in [
        ("10.9.0.0", [10, 9, 0, 0], [10, 9, 63, 255]),
        ("fd00:9::", [0; 4], [0, 0, 0x3f, 0xff]),
    ] {
        let ipv4 = source.contains('.');
        let overhead = if ipv4 { 20 } else { 40 };
        let address = FAMILIES[usize::from(!ipv4)].0;
        let mut real = Real::tunnel(address, source, Tunnel::IpIp, overhead);
        if let Rewrite::Tunnel { spread, .. } = &mut real.hop.rewrite {
            *spread = 14;
        }
        let mut director = director(real);
        let at = if ipv4 { 14 + 12 } else { 14 + 8 };
        let end = if ipv4 { at + 4 } else { at + 16 };
        let mut sources = BTreeSet::new();
        for port in 1000..1200 {
            let packet = udp(&format!("192.0.2.1:{port}"), DNS);
            let (_, frame) = director.send(&packet);
            let (_, again) = director.send(&packet.payload(b"more"));
            assert_eq!(frame[at..end], again[at..end], "one flow");
            let low: [u8; 4] = frame[end - 4..end].try_into().unwrap();
            assert!((first..=last).contains(&low), "{low:?}");
            let fixed: IpAddr = source.parse().unwrap();
            if let IpAddr::V6(fixed) = fixed {
                assert_eq!(frame[at..end - 4], fixed.octets()[..12]);
            }
            sources.insert(low);
        }
        assert!(sources.len() > 190, "of 200 flows: {}", sources.len());
    }
}

#[test]
fn later_fragments_go_into_the_tunnel_of_the_first_one() {
    let mut real_server = RealServer::new();
    for case in cases() {
        let mut director = case.director();
        for (client, service, destination) in [(CLIENT, DNS, 2), (CLIENT6, DNS6, 4)] {
            let datagram = udp(client, service).identification(7).payload(&bytes(100));
            let arriving = datagram.clone().macs(ROUTER, OWN).fragments(24);
            let inside = datagram.ttl(63).macs(OWN, REAL).fragments(24);
            assert_eq!(arriving.len(), 5);
            for (piece, inside) in arriving.iter().zip(inside) {
                let fate = director.fate(piece);
                assert_eq!((fate.verdict, fate.reasons), (TX, vec![]), "{case:?}");
                assert_eq!(fate.frame[..6], mac_of(destination).0);
                assert_eq!(real_server.receive(&fate.frame), (PASS, inside), "{case:?}");
            }
        }
    }
}

#[test]
fn errors_about_a_connection_go_into_its_tunnel() {
    for case in cases() {
        let mut director = case.director();
        for (client, service, router, destination) in [
            (CLIENT, WEB, "203.0.113.1", 1),
            (CLIENT6, WEB6, "2001:db8:1::1", 3),
        ] {
            director.forwarded(&tcp(client, service, TcpFlags::SYN));
            let reply = tcp(service, client, TcpFlags::ACK).payload(&bytes(40));
            let vip = service.parse::<SocketAddr>().unwrap().ip();
            let error = IcmpError::TooBig(1300);
            let error = Frame::icmp_error(router.parse().unwrap(), vip, error, &reply);
            let fate = director.fate_of(&error);
            let wanted = case.leaving(&error, destination, &fate.frame);
            assert_eq!(fate, Fate::sent(&wanted.bytes()), "{case:?}");
        }
    }
}

#[test]
fn options_and_extension_headers_go_along() {
    let packets = [
        (2, udp(CLIENT, DNS).ipv4_options(&[1; 40])),
        (4, udp(CLIENT6, DNS6).extension(Extension::HopByHop(vec![]))),
    ];
    for case in cases() {
        let mut director = case.director();
        for (destination, packet) in &packets {
            let fate = director.fate_of(packet);
            let wanted = case.leaving(packet, *destination, &fate.frame);
            assert_eq!(fate, Fate::sent(&wanted.bytes()), "{case:?}");
        }
    }
}

#[test]
fn packets_larger_than_a_page_go_into_tunnels_that_do_not_sum_them_up() {
    let payload = bytes(8900);
    for case in cases() {
        let mut director = case.director();
        let packet = udp(CLIENT, DNS).payload(&payload);
        let fate = director.fate_of(&packet);
        if case.tunnel.has_checksum() {
            assert_eq!(
                (fate.verdict, fate.reasons),
                (DROP, vec!["tunnel-checksum"])
            );
        } else {
            let wanted = case.leaving(&packet, 2, &fate.frame);
            assert_eq!(fate, Fate::sent(&wanted.bytes()), "{case:?}");
        }
    }
}

/// A SYN's option that announces this maximum segment size, behind so many that do nothing.
fn announcing(mss: u16, nothing: usize) -> Vec<u8> {
    let mut options = vec![1; nothing];
    options.extend([2, 4]);
    options.extend(mss.to_be_bytes());
    options
}

#[test]
fn what_a_syn_announces_is_lowered_to_the_limit_whatever_the_method() {
    for tunnel in [None, Some(cases()[0]), Some(cases()[1])] {
        let mut real = match tunnel {
            Some(case) => case.real(),
            None => Real::direct("10.1.1.1".parse().unwrap(), 0),
        };
        real.hop.mss = NonZeroU16::new(1360);
        let mut director = director(real);
        let expect = |director: &mut Director, destination, sent: Frame, wanted: Frame| {
            let fate = director.fate_of(&sent);
            let wanted = match tunnel {
                Some(case) => case.leaving(&wanted, destination, &fate.frame),
                None => wanted.ttl(63).macs(OWN, mac_of(destination)),
            };
            assert_eq!(fate, Fate::sent(&wanted.bytes()));
        };
        for (destination, client, service) in [(1, CLIENT, WEB), (3, CLIENT6, WEB6)] {
            for nothing in [0, 1, 4, 36] {
                for (announced, left) in [
                    (1460, 1360),
                    (65535, 1360),
                    (1361, 1360),
                    (1360, 1360),
                    (536, 536),
                ] {
                    let syn = tcp(client, service, TcpFlags::SYN);
                    let sent = syn.clone().tcp_options(&announcing(announced, nothing));
                    let wanted = syn.tcp_options(&announcing(left, nothing));
                    expect(&mut director, destination, sent, wanted);
                }
            }
            let plain = tcp(client, service, TcpFlags::SYN);
            expect(&mut director, destination, plain.clone(), plain);
            let later = tcp(client, service, TcpFlags::ACK).tcp_options(&announcing(1460, 0));
            expect(&mut director, destination, later.clone(), later);
            let broken = tcp(client, service, TcpFlags::SYN).tcp_options(&[2, 40, 5, 180]);
            expect(&mut director, destination, broken.clone(), broken);
        }
    }
}

#[test]
fn a_syn_with_vlan_tags_is_lowered_too() {
    for (real, case) in [
        (Real::direct("10.1.1.1".parse().unwrap(), 0), None),
        (cases()[0].real(), Some(cases()[0])),
    ] {
        let mut real = real.by(1, Some(7));
        real.hop.mss = NonZeroU16::new(1360);
        let mut director = director(real);
        let syn = tcp(CLIENT, WEB, TcpFlags::SYN);
        let wanted = syn.clone().tcp_options(&announcing(1360, 0));
        let wanted = match case {
            Some(case) => case.around(&wanted.ttl(63), 0).ttl(63).macs(OWN, mac_of(1)),
            None => wanted.ttl(63).macs(OWN, mac_of(1)),
        };
        let wanted = Fate::sent(&wanted.vlan(7).bytes());
        let syn = syn.tcp_options(&announcing(1460, 0));
        for packet in [
            syn.clone(),
            syn.clone().vlan(5),
            syn.service_vlan(3).vlan(9),
        ] {
            assert_eq!(director.fate_of(&packet), wanted);
        }
    }
}
