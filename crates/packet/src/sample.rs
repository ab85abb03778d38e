//! Packets for tests, made by another library, and checksums recomputed from scratch the plain way.

use etherparse::{IpHeaders, Ipv4Header, Ipv4Options, Ipv6Header, PacketBuilder, TcpHeader};
use proptest::prelude::*;

use crate::{
    Frame, TransportProtocol,
    checksum::{Sum, Summing},
};

/// Source or destination of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End<A> {
    pub(crate) address: A,
    pub(crate) port: u16,
}

/// From one end to another.
pub(crate) type Flow4 = [End<[u8; 4]>; 2];
/// Likewise.
pub(crate) type Flow6 = [End<[u8; 16]>; 2];

pub(crate) fn flow4() -> impl Strategy<Value = Flow4> {
    prop::array::uniform2(any::<([u8; 4], u16)>().prop_map(|(address, port)| End { address, port }))
}

pub(crate) fn flow6() -> impl Strategy<Value = Flow6> {
    prop::array::uniform2(
        any::<([u8; 16], u16)>().prop_map(|(address, port)| End { address, port }),
    )
}

pub(crate) fn protocol() -> impl Strategy<Value = TransportProtocol> {
    prop::sample::select(vec![
        TransportProtocol::Tcp,
        TransportProtocol::Udp,
        TransportProtocol::Sctp,
    ])
}

pub(crate) fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..200)
}

/// A key as a packet of this flow has it.
pub(crate) fn key4(flow: &Flow4, protocol: TransportProtocol) -> [u64; 2] {
    let addresses = [flow[0].address, flow[1].address].concat();
    [word(&addresses), tail(flow[0].port, flow[1].port, protocol)]
}

/// Likewise.
pub(crate) fn key6(flow: &Flow6, protocol: TransportProtocol) -> [u64; 5] {
    let addresses = [flow[0].address, flow[1].address].concat();
    let mut words = addresses.chunks(8).map(word);
    let mut next = || words.next().unwrap();
    let tail = tail(flow[0].port, flow[1].port, protocol);
    [next(), next(), next(), next(), tail]
}

fn word(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().unwrap())
}

fn tail(source: u16, destination: u16, protocol: TransportProtocol) -> u64 {
    let ports = [source.to_be_bytes(), destination.to_be_bytes()].concat();
    u64::from(u32::from_le_bytes(ports.try_into().unwrap())) | u64::from(protocol.number()) << 32
}

/// A packet with this many 4-byte words of IPv4 options.
pub(crate) fn packet4(
    flow: &Flow4,
    protocol: TransportProtocol,
    options: usize,
    payload: &[u8],
) -> Vec<u8> {
    let number = protocol.number().into();
    let [source, destination] = flow.map(|end| end.address);
    let mut ip = Ipv4Header::new(0, 64, number, source, destination).unwrap();
    ip.dont_fragment = true;
    ip.options = Ipv4Options::try_from(&[1; 40][..4 * options]).unwrap();
    built(
        IpHeaders::Ipv4(ip, Default::default()),
        flow.map(|end| end.port),
        protocol,
        payload,
    )
}

/// A packet with this many IPv6 extension headers.
pub(crate) fn packet6(
    flow: &Flow6,
    protocol: TransportProtocol,
    extensions: usize,
    payload: &[u8],
) -> Vec<u8> {
    const DESTINATION_OPTIONS: u8 = 60;
    let [source, destination] = flow.map(|end| end.address);
    let ip = Ipv6Header {
        source,
        destination,
        next_header: protocol.number().into(),
        hop_limit: 64,
        ..Default::default()
    };
    let mut bytes = built(
        IpHeaders::Ipv6(ip, Default::default()),
        flow.map(|end| end.port),
        protocol,
        payload,
    );
    for _ in 0..extensions {
        let next = std::mem::replace(&mut bytes[6], DESTINATION_OPTIONS);
        bytes.splice(40..40, [next, 0, 1, 4, 0, 0, 0, 0]);
    }
    let length = (bytes.len() - 40) as u16;
    bytes[4..6].copy_from_slice(&length.to_be_bytes());
    bytes
}

fn built(ip: IpHeaders, ports: [u16; 2], protocol: TransportProtocol, payload: &[u8]) -> Vec<u8> {
    let [source, destination] = ports;
    let mut bytes = vec![];
    let builder = PacketBuilder::ip(ip);
    match protocol {
        TransportProtocol::Tcp => {
            let header = TcpHeader::new(source, destination, 1000, 1024);
            builder.tcp_header(header).write(&mut bytes, payload)
        }
        TransportProtocol::Udp => builder.udp(source, destination).write(&mut bytes, payload),
        TransportProtocol::Sctp => {
            let mut segment = ports.map(u16::to_be_bytes).concat();
            segment.extend([1, 2, 3, 4, 0, 0, 0, 0]);
            segment.extend(payload);
            let checksum = crc32c(&segment).to_le_bytes();
            segment[8..12].copy_from_slice(&checksum);
            builder.write(&mut bytes, protocol.number().into(), &segment)
        }
    }
    .unwrap();
    bytes
}

/// The packet in a frame with so many VLAN tags.
pub(crate) fn framed(tags: usize, packet: &[u8]) -> Vec<u8> {
    let mut bytes = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    for tag in 0..tags {
        bytes.extend([0x81, 0, 0, tag as u8 + 1]);
    }
    bytes.extend(if packet[0] >> 4 == 4 {
        [8, 0]
    } else {
        [0x86, 0xdd]
    });
    bytes.extend(packet);
    bytes
}

/// RFC 1071's own way: words of two bytes, an odd last byte padded with zero.
pub(crate) fn plain_sum(bytes: &[u8]) -> u16 {
    let mut sum = 0u32;
    for pair in bytes.chunks(2) {
        sum += u32::from(u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)]));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// A bit at a time.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            crc >> 1 ^ if crc & 1 != 0 { 0x82f6_3b78 } else { 0 }
        })
    })
}

/// Asserts that an IP packet's lengths are those of its bytes, and that every checksum is right.
pub(crate) fn assert_sound(packet: &[u8]) {
    let (mut protocol, mut at, addresses) = if packet[0] >> 4 == 4 {
        let header = usize::from(packet[0] & 0xf) * 4;
        assert_eq!(usize::from(u16_at(packet, 2)), packet.len(), "total length");
        assert_eq!(plain_sum(&packet[..header]), 0xffff, "IP checksum");
        (packet[9], header, &packet[12..20])
    } else {
        assert_eq!(packet[0] >> 4, 6);
        assert_eq!(
            usize::from(u16_at(packet, 4)) + 40,
            packet.len(),
            "payload length"
        );
        (packet[6], 40, &packet[8..40])
    };
    while packet[0] >> 4 == 6 && protocol == 60 {
        protocol = packet[at];
        at += 8 * (usize::from(packet[at + 1]) + 1);
    }
    let segment = &packet[at..];
    let mut covered = addresses.to_vec();
    covered.extend([0, protocol]);
    covered.extend((segment.len() as u16).to_be_bytes());
    covered.extend(segment);
    match protocol {
        1 => assert_eq!(plain_sum(segment), 0xffff, "ICMP checksum"),
        6 | 58 => assert_eq!(plain_sum(&covered), 0xffff, "TCP or ICMPv6 checksum"),
        17 => {
            assert_eq!(usize::from(u16_at(segment, 4)), segment.len(), "UDP length");
            assert_ne!(u16_at(segment, 6), 0, "UDP without checksum");
            assert_eq!(plain_sum(&covered), 0xffff, "UDP checksum");
        }
        132 => {
            let mut without = segment.to_vec();
            without[8..12].fill(0);
            assert_eq!(crc32c(&without).to_le_bytes(), segment[8..12], "CRC32c");
        }
        other => panic!("protocol {other}"),
    }
}

/// The sum of these bytes of a frame.
pub(crate) fn sum(frame: &Frame<'_>, offset: usize, length: usize) -> Sum {
    let mut summing = Summing::new(offset, length);
    for number in 0..Summing::steps(length) {
        let _ = summing.step(number, frame);
    }
    summing.sum().unwrap()
}

/// Bytes in hexadecimal digits, blanks left out.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<char> = digits.chars().filter(|digit| *digit != ' ').collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}
