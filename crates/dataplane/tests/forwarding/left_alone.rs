//! What is left to the host, untouched.

use dray_model::Mac;
use dray_sched::Kind;
use dray_testkit::frames::{Extension, Frame, TcpFlags};

use super::{BROADCAST, CLIENT, CLIENT6, WEB, WEB6, director, leaving, openers, shared};
use crate::common::*;

#[test]
fn more_ipv6_extension_headers_than_six_are_left_to_the_host() {
    let mut director = shared();
    let mut frame = udp(CLIENT6, WEB6);
    for count in 1..=8 {
        frame = frame.extension(Extension::DestinationOptions(Vec::new()));
        let wanted = if count <= 6 {
            Fate::sent(&leaving(&frame, 4))
        } else {
            Fate::passed("other-protocol", &incoming(&frame))
        };
        assert_eq!(director.fate_of(&frame), wanted, "{count} headers");
    }
}

#[test]
fn a_frame_for_another_address_is_left_to_the_host() {
    let mut director = shared();
    let multicast = Mac([0x33, 0x33, 0, 0, 0, 1]);
    for address in [BROADCAST, multicast, ROUTER, OTHER_PORT] {
        for (_, opener) in openers() {
            let bytes = opener.macs(ROUTER, address).bytes();
            assert_eq!(
                director.fate(&bytes),
                Fate::passed("other-host", &bytes),
                "{address}"
            );
        }
    }
    for byte in 0..6 {
        let mut almost = OWN;
        almost.0[byte] ^= 0x80;
        let bytes = tcp(CLIENT, WEB, TcpFlags::SYN).macs(ROUTER, almost).bytes();
        assert_eq!(
            director.fate(&bytes),
            Fate::passed("other-host", &bytes),
            "{almost}"
        );
    }
}

#[test]
fn what_is_not_ip_is_left_to_the_host() {
    let mut director = shared();
    let arp = [0x08, 0x06];
    let length_field = [0x00, 0x40];
    for ether_type in [arp, length_field, [0x88, 0xcc], [0x86, 0xde], [0x08, 0x01]] {
        let mut bytes = incoming(&tcp(CLIENT, WEB, TcpFlags::SYN));
        bytes[12..14].copy_from_slice(&ether_type);
        assert_eq!(
            director.fate(&bytes),
            Fate::passed("not-ip", &bytes),
            "{ether_type:x?}"
        );
    }
    let bytes = incoming(&udp(CLIENT, WEB).service_vlan(1).vlan(2).vlan(3));
    assert_eq!(director.fate(&bytes), Fate::passed("not-ip", &bytes));
}

#[test]
fn icmp_and_other_protocols_are_left_to_the_host() {
    let mut director = shared();
    let address = |text: &str| text.parse::<std::net::SocketAddr>().unwrap().ip();
    for (client, vip, echo) in [
        (address(CLIENT), address(WEB), 8),
        (address(CLIENT6), address(WEB6), 128),
    ] {
        let echo = Frame::icmp(client, vip, echo, 0, [0, 1, 0, 1]).payload(b"ping");
        let mut frames = vec![echo];
        for protocol in [2, 4, 33, 41, 47, 50, 51, 59, 89, 136, 255] {
            frames.push(Frame::other(client, vip, protocol).payload(&[0; 64]));
        }
        for frame in frames {
            let fate = director.fate_of(&frame);
            assert_eq!(
                fate,
                Fate::passed("other-protocol", &incoming(&frame)),
                "{frame:?}"
            );
        }
    }
}

#[test]
fn a_frame_cut_short_anywhere_in_its_headers_is_left_to_the_host() {
    let mut director = shared();
    for (destination, opener) in openers() {
        let mut forms = vec![
            opener.clone(),
            opener.clone().vlan(7),
            opener.clone().service_vlan(8).vlan(9),
        ];
        if destination <= 2 {
            forms.push(opener.clone().ipv4_options(&[1; 40]));
        } else {
            let options = Extension::DestinationOptions(vec![1; 30]);
            forms.push(
                opener
                    .clone()
                    .extension(Extension::HopByHop(vec![]))
                    .extension(options),
            );
        }
        for frame in forms {
            let whole = incoming(&frame);
            // The kernel takes no frame shorter than an Ethernet header.
            for length in 14..whole.len() {
                let cut = &whole[..length];
                assert_eq!(
                    director.fate(cut),
                    Fate::passed("truncated", cut),
                    "{length} bytes of {frame:?}"
                );
            }
            assert_eq!(director.fate(&whole).verdict, TX, "{frame:?}");
        }
    }
}

#[test]
fn an_ip_header_that_makes_no_sense_is_left_to_the_host() {
    let mut director = shared();
    let spoiled = |frame: &Frame, at: usize, value: u8| {
        let mut bytes = incoming(frame);
        bytes[frame.network_offset() + at] = value;
        bytes
    };
    let (v4, v6) = (udp(CLIENT, WEB), udp(CLIENT6, WEB6));
    let mut nonsense: Vec<Vec<u8>> = Vec::new();
    // Versions other than 4 and 6 where those belong; header lengths below 20 bytes; a packet shorter than its header.
    nonsense.extend(
        (0..16)
            .filter(|version| *version != 4)
            .map(|version| spoiled(&v4, 0, version << 4 | 5)),
    );
    nonsense.extend(
        (0..16)
            .filter(|version| *version != 6)
            .map(|version| spoiled(&v6, 0, version << 4)),
    );
    nonsense.extend((0..5).map(|words| spoiled(&v4, 0, 4 << 4 | words)));
    nonsense.push(spoiled(&v4, 3, 19));
    for bytes in nonsense {
        assert_eq!(director.fate(&bytes), Fate::passed("truncated", &bytes));
    }
}

#[test]
fn what_no_service_has_is_left_to_the_host() {
    let mut director = Director::new();
    director.service("tcp://10.0.0.100:80", Kind::RoundRobin, &[1]);
    director.service("udp://[fd00::100]:53", Kind::RoundRobin, &[1]);
    for frame in [
        tcp(CLIENT, "10.0.0.100:81", TcpFlags::SYN),
        tcp(CLIENT, "10.0.0.101:80", TcpFlags::SYN),
        // 20480 is 80 with its bytes the other way round.
        tcp(CLIENT, "10.0.0.100:20480", TcpFlags::SYN),
        udp(CLIENT, "10.0.0.100:80"),
        udp(CLIENT6, "[fd00::100]:54"),
        udp(CLIENT6, "[fd00::101]:53"),
        tcp(CLIENT6, "[fd00::100]:53", TcpFlags::SYN),
        // IPv6 from an IPv4-mapped VIP is not the IPv4 service.
        tcp(CLIENT6, "[::ffff:10.0.0.101]:80", TcpFlags::SYN),
        // What the VIP itself sends.
        tcp("10.0.0.100:80", CLIENT, TcpFlags::SYN),
    ] {
        let fate = director.fate_of(&frame);
        assert_eq!(
            fate,
            Fate::passed("not-a-service", &incoming(&frame)),
            "{frame:?}"
        );
    }
}

#[test]
fn tcp_that_cannot_open_a_connection_is_left_to_the_host() {
    let mut director = director();
    let (syn, ack, fin, rst) = (TcpFlags::SYN, TcpFlags::ACK, TcpFlags::FIN, TcpFlags::RST);
    for (client, service) in [(CLIENT, WEB), (CLIENT6, WEB6)] {
        for flags in [
            ack,
            fin,
            rst,
            fin | ack,
            rst | ack,
            TcpFlags::PSH,
            TcpFlags::NONE,
            syn | rst,
            syn | rst | ack,
        ] {
            let frame = tcp(client, service, flags);
            let fate = director.fate_of(&frame);
            assert_eq!(
                fate,
                Fate::passed("no-connection", &incoming(&frame)),
                "{flags:?}"
            );
        }
    }
    for destination in [1, 3] {
        assert_eq!(director.live(destination), (0, 0));
        assert_eq!(director.counters(destination), Default::default());
    }
}

#[test]
fn connections_from_port_20_are_left_to_the_host() {
    let mut director = shared();
    for frame in [
        tcp("192.0.2.1:20", WEB, TcpFlags::SYN),
        udp("192.0.2.1:20", WEB),
        tcp("[2001:db8::1]:20", WEB6, TcpFlags::SYN),
        udp("[2001:db8::1]:20", WEB6),
    ] {
        let fate = director.fate_of(&frame);
        assert_eq!(
            fate,
            Fate::passed("client-port-20", &incoming(&frame)),
            "{frame:?}"
        );
    }
}
