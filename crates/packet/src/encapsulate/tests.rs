//! Tunnels against those of a real kernel's IPVS, and their checksums from scratch.

use proptest::prelude::*;

use super::*;
use crate::{
    TransportProtocol, ethernet, ipv4,
    sample::{self, flow4, flow6, framed, hex, payload, plain_sum, u16_at},
};

const DIRECTOR: [u8; 4] = [10, 254, 0, 1];

/// The packet in an IPv4 tunnel.
fn tunnelled4(frame: &[u8], outer: &Outer<[u8; 4]>, checksum: bool) -> Result<Vec<u8>, Obstacle> {
    let mut bytes = frame.to_vec();
    let (link, inner, sum) = read(&mut bytes, checksum);
    let room = overhead(outer.kind, checksum, Family::Ipv4);
    bytes.splice(0..0, vec![0xa5; room]);
    let frame = Frame::from(&mut bytes[..]);
    ethernet::shift(&frame, room, 0, link, ethernet::IPV4).unwrap();
    to_ipv4(&frame, link, outer, &inner, sum)?;
    Ok(bytes)
}

fn tunnelled6(
    frame: &[u8],
    outer: &Outer<[[u8; 8]; 2]>,
    checksum: bool,
) -> Result<Vec<u8>, Obstacle> {
    let mut bytes = frame.to_vec();
    let (link, inner, sum) = read(&mut bytes, checksum);
    let room = overhead(outer.kind, checksum, Family::Ipv6);
    bytes.splice(0..0, vec![0xa5; room]);
    let frame = Frame::from(&mut bytes[..]);
    ethernet::shift(&frame, room, 0, link, ethernet::IPV6).unwrap();
    to_ipv6(&frame, link, outer, &inner, sum)?;
    Ok(bytes)
}

fn read(bytes: &mut [u8], checksum: bool) -> (usize, Inner, Option<Sum>) {
    let frame = Frame::from(bytes);
    let link = ethernet::parse(&frame).unwrap().length();
    let inner = Inner::read(&frame, link).unwrap();
    let sum = checksum.then(|| sample::sum(&frame, link, inner.length as usize));
    (link, inner, sum)
}

/// What a real kernel's IPVS made of packets, from the outer IP header on. The UDP ports that GUE comes from are the
/// kernel's, whose hash is secret.
#[test]
fn tunnels_are_byte_for_byte_those_of_linux() {
    struct Case {
        kind: Kind,
        checksum: bool,
        destination: [u8; 4],
        source_port: Option<u16>,
        packet: &'static str,
        expected: &'static str,
    }
    let cases = [
        Case {
            kind: Kind::Ipip,
            checksum: false,
            destination: [10, 1, 1, 208],
            source_port: None,
            packet: "450000280000400040060577c63364b20a00007446931b5900001000000000005002ffff089d0000",
            expected: "4500003c000040003f0424ef0afe00010a0101d0 \
                45000028000040003f060677c63364b20a00007446931b5900001000000000005002ffff089d0000",
        },
        Case {
            kind: Kind::Ipip,
            checksum: false,
            destination: [10, 1, 1, 208],
            source_port: None,
            packet: "45000040000040008406c15ec63364b20a00007446931b5900001000000020005018ffff42c90000 \
                787878787878787878787878787878787878787878787878",
            expected: "45000054000040008304e0d60afe00010a0101d0 \
                45000040000040008306c25ec63364b20a00007446931b5900001000000020005018ffff42c90000 \
                787878787878787878787878787878787878787878787878",
        },
        Case {
            kind: Kind::Gre,
            checksum: false,
            destination: [10, 1, 1, 24],
            source_port: None,
            packet: "45100046000040007e06b551cb0071f70a00005975df1b5b00001000000020005018ffff98140000 \
                787878787878787878787878787878787878787878787878787878787878",
            expected: "4510005e000040007d2fe7490afe00010a010118 00000800 \
                45100046000040007d06b651cb0071f70a00005975df1b5b00001000000020005018ffff98140000 \
                787878787878787878787878787878787878787878787878787878787878",
        },
        Case {
            kind: Kind::Gue,
            checksum: false,
            destination: [10, 1, 1, 122],
            source_port: Some(0x8f6a),
            packet: "4510002c00004000310602ddcb0071af0a0000308fed1b5c00001000000020005018ffff9cae0000 \
                78787878",
            expected: "4510004c00004000301134180afe00010a01017a 8f6a17c000380000 00040000 \
                4510002c00004000300603ddcb0071af0a0000308fed1b5c00001000000020005018ffff9cae0000 \
                78787878",
        },
        Case {
            kind: Kind::Gue,
            checksum: true,
            destination: [10, 1, 0, 128],
            source_port: Some(0x8ac6),
            packet: "450000280000400040060593c63364740a0000962e4b1b5d00001000000000005002ffff20fd0000",
            expected: "45000048000040003f1126260afe00010a010080 8ac617c000347cd4 00040000 \
                45000028000040003f060693c63364740a0000962e4b1b5d00001000000000005002ffff20fd0000",
        },
        // Congestion was experienced: the outer header starts anew.
        Case {
            kind: Kind::Gue,
            checksum: true,
            destination: [10, 1, 0, 128],
            source_port: Some(0x8ac6),
            packet: "4503003400004000 31061484c63364740a0000962e4b1b5d00001000000020005018ffff2e080000 \
                787878787878787878787878",
            expected: "4502005400004000301135180afe00010a010080 8ac617c000407cc8 00040000 \
                4503003400004000 30061584c63364740a0000962e4b1b5d00001000000020005018ffff2e080000 \
                787878787878787878787878",
        },
    ];
    for case in cases {
        let mut packet = hex(case.packet);
        let frame = Frame::from(&mut packet[..]);
        ipv4::decrement_ttl(&frame, 0).unwrap();
        let outer = Outer {
            kind: case.kind,
            source: DIRECTOR,
            destination: case.destination,
            port: 6080u16.to_be_bytes(),
            flow: case.source_port.map_or(0, flow_from),
            identification: [0xde, 0xad],
        };
        let frame = tunnelled4(&framed(0, &packet), &outer, case.checksum).unwrap();
        assert_eq!(frame, framed(0, &hex(case.expected)));
    }
}

/// A hash that gives this UDP port.
fn flow_from(port: u16) -> u32 {
    (0..=u32::MAX)
        .step_by(0x1_0000)
        .find(|flow| source_port(*flow) == port)
        .unwrap()
}

#[test]
fn a_flow_comes_from_one_of_the_kernels_local_ports() {
    assert_eq!(source_port(0), 32768);
    assert_eq!(source_port(0xffff_0000), 60998);
    let ports: Vec<u16> = (0..1000).map(source_port).collect();
    assert!(ports.iter().all(|port| (32768..60999).contains(port)));
    let different: std::collections::BTreeSet<u16> = ports.into_iter().collect();
    assert!(different.len() > 400, "{}", different.len());
}

/// One that came out as 0 would say that there is none.
#[test]
fn a_udp_checksum_of_zero_is_sent_as_its_other_form() {
    let flow = [sample::End {
        address: [10, 0, 0, 1],
        port: 53,
    }; 2];
    let inner = framed(0, &sample::packet4(&flow, TransportProtocol::Udp, 0, b""));
    let checksum = |destination: u16| {
        let [high, low] = destination.to_be_bytes();
        let outer = Outer {
            kind: Kind::Gue,
            source: DIRECTOR,
            destination: [10, 1, high, low],
            port: 6080u16.to_be_bytes(),
            flow: 7,
            identification: [0; 2],
        };
        u16_at(&tunnelled4(&inner, &outer, true).unwrap(), 14 + 20 + 6)
    };
    let checksums: Vec<u16> = (0..=u16::MAX).map(checksum).collect();
    assert!(!checksums.contains(&0) && checksums.contains(&0xffff));
}

#[test]
fn overhead_is_what_the_headers_have() {
    for (kind, checksum, bytes) in [
        (Kind::Ipip, false, 0),
        (Kind::Ipip, true, 0),
        (Kind::Gre, false, 4),
        (Kind::Gre, true, 8),
        (Kind::Gue, false, 12),
        (Kind::Gue, true, 12),
    ] {
        assert_eq!(overhead(kind, checksum, Family::Ipv4), 20 + bytes);
        assert_eq!(overhead(kind, checksum, Family::Ipv6), 40 + bytes);
    }
}

fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![Kind::Ipip, Kind::Gre, Kind::Gue])
}

/// A packet of either family, with this traffic class.
fn packet() -> impl Strategy<Value = Vec<u8>> {
    (any::<bool>(), flow4(), flow6(), payload(), any::<u8>()).prop_map(
        |(six, flow4, flow6, payload, tos)| {
            if six {
                let mut bytes = sample::packet6(&flow6, TransportProtocol::Udp, 0, &payload);
                bytes[0] |= tos >> 4;
                bytes[1] = tos << 4;
                bytes
            } else {
                let mut bytes = sample::packet4(&flow4, TransportProtocol::Udp, 0, &payload);
                bytes[1] = tos;
                bytes
            }
        },
    )
}

/// Asserts what lies between the outer header, whose addresses are these, and the inner packet.
fn assert_between(
    kind: Kind,
    checksum: bool,
    addresses: &[u8],
    protocol: u8,
    payload: &[u8],
    inner: &[u8],
) -> Result<(), TestCaseError> {
    let number = if inner[0] >> 4 == 4 { 4 } else { 41 };
    match kind {
        Kind::Ipip => {
            prop_assert_eq!(protocol, number);
            prop_assert_eq!(payload, inner);
        }
        Kind::Gre => {
            let ether_type = if number == 4 { 0x0800 } else { 0x86dd };
            prop_assert_eq!((protocol, u16_at(payload, 2)), (47, ether_type));
            let flags = if checksum { 0x8000 } else { 0 };
            prop_assert_eq!(u16_at(payload, 0), flags);
            prop_assert!(!checksum || plain_sum(payload) == 0xffff);
            prop_assert!(!checksum || u16_at(payload, 6) == 0);
            prop_assert_eq!(&payload[if checksum { 8 } else { 4 }..], inner);
        }
        Kind::Gue => {
            prop_assert_eq!((protocol, u16_at(payload, 2)), (17, 6080));
            prop_assert_eq!(usize::from(u16_at(payload, 4)), payload.len());
            prop_assert_eq!(&payload[8..12], [0, number, 0, 0]);
            prop_assert_eq!(&payload[12..], inner);
            let mut covered = addresses.to_vec();
            covered.extend([0, 17]);
            covered.extend(&payload[4..6]);
            covered.extend(payload);
            prop_assert_eq!(u16_at(payload, 6) != 0, checksum);
            prop_assert!(!checksum || plain_sum(&covered) == 0xffff);
        }
    }
    Ok(())
}

fn outer_tos(tos: u8) -> u8 {
    if tos & 3 == 3 { tos - 1 } else { tos }
}

proptest! {
    #[test]
    fn a_packet_of_either_family_goes_into_an_ipv4_tunnel(
        inner in packet(), kind in kind(), checksum: bool, tags in 0..=2usize,
        addresses: [[u8; 4]; 2], flow: u32, identification: [u8; 2],
    ) {
        let [source, destination] = addresses;
        let checksum = checksum && kind != Kind::Ipip;
        let port = 6080u16.to_be_bytes();
        let outer = Outer { kind, source, destination, port, flow, identification };
        let frame = tunnelled4(&framed(tags, &inner), &outer, checksum).unwrap();
        let link = 14 + 4 * tags;
        let packet = &frame[link..];
        prop_assert_eq!(&frame[..link], &framed(tags, packet)[..link]);
        prop_assert_eq!(packet[0], 0x45);
        prop_assert_eq!(plain_sum(&packet[..20]), 0xffff);
        prop_assert_eq!(usize::from(u16_at(packet, 2)), packet.len());
        prop_assert_eq!(&packet[12..20], addresses.concat());
        prop_assert_eq!(packet[8], 64);
        let (tos, id, flags) = if inner[0] >> 4 == 4 {
            (inner[1], [0, 0], 0x4000)
        } else {
            (inner[0] << 4 | inner[1] >> 4, identification, 0)
        };
        prop_assert_eq!((packet[1], &packet[4..6], u16_at(packet, 6)), (outer_tos(tos), &id[..], flags));
        assert_between(kind, checksum, &packet[12..20], packet[9], &packet[20..], &inner)?;
    }

    #[test]
    fn a_packet_of_either_family_goes_into_an_ipv6_tunnel(
        inner in packet(), kind in kind(), checksum: bool, tags in 0..=2usize,
        addresses: [[[u8; 8]; 2]; 2], flow: u32,
    ) {
        let [source, destination] = addresses;
        let checksum = checksum && kind != Kind::Ipip;
        let port = 6080u16.to_be_bytes();
        let outer = Outer { kind, source, destination, port, flow, identification: [0; 2] };
        let frame = tunnelled6(&framed(tags, &inner), &outer, checksum).unwrap();
        let link = 14 + 4 * tags;
        let packet = &frame[link..];
        prop_assert_eq!(&frame[..link], &framed(tags, packet)[..link]);
        let tos = if inner[0] >> 4 == 4 { inner[1] } else { inner[0] << 4 | inner[1] >> 4 };
        let class = u32::from(outer_tos(tos)) << 20 | 6 << 28;
        prop_assert_eq!(&packet[..4], class.to_be_bytes());
        prop_assert_eq!(usize::from(u16_at(packet, 4)) + 40, packet.len());
        prop_assert_eq!(packet[7], 64);
        prop_assert_eq!(&packet[8..40], addresses.concat().concat());
        assert_between(kind, checksum, &packet[8..40], packet[6], &packet[40..], &inner)?;
    }

    #[test]
    fn what_no_header_can_say_is_refused(length in 0..=u16::MAX, flow in flow4()) {
        let mut bytes = [vec![0; 60], framed(0, &sample::packet4(&flow, TransportProtocol::Udp, 0, b""))].concat();
        let inner = Inner { family: Family::Ipv4, tos: 0, hops: 9, dont_fragment: true, length: length.into() };
        let outer = Outer { kind: Kind::Gue, source: [0; 4], destination: [0; 4], port: [0; 2], flow: 0, identification: [0; 2] };
        let result = to_ipv4(&Frame::from(&mut bytes[..]), 14, &outer, &inner, None);
        prop_assert_eq!(result == Err(Obstacle::TooLong), length > u16::MAX - 32);
        let outer = Outer { kind: Kind::Gue, source: [[0; 8]; 2], destination: [[0; 8]; 2], port: [0; 2], flow: 0, identification: [0; 2] };
        let result = to_ipv6(&Frame::from(&mut bytes[..]), 14, &outer, &inner, None);
        prop_assert_eq!(result == Err(Obstacle::TooLong), length > u16::MAX - 12);
    }

    #[test]
    fn a_frame_that_ends_too_early_is_refused(kind in kind(), length in 0..46usize) {
        let mut bytes = vec![0; length.min(14 + overhead(kind, false, Family::Ipv4) - 1)];
        let inner = Inner { family: Family::Ipv4, tos: 0, hops: 9, dont_fragment: true, length: 20 };
        let outer = Outer { kind, source: [0; 4], destination: [0; 4], port: [0; 2], flow: 0, identification: [0; 2] };
        let result = to_ipv4(&Frame::from(&mut bytes[..]), 14, &outer, &inner, None);
        prop_assert_eq!(result, Err(Obstacle::Truncated));
    }
}

#[test]
fn what_is_no_ip_packet_is_not_read() {
    let mut bytes = [0x50; 40];
    assert_eq!(Inner::read(&Frame::from(&mut bytes[..]), 0), None);
    let mut bytes = [0x45; 8];
    assert_eq!(Inner::read(&Frame::from(&mut bytes[..]), 0), None);
}
