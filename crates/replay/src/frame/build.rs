//! Building frames, byte for byte as the recordings' harness builds them.

use std::net::IpAddr;

use dray_model::Mac;

use crate::{
    Endpoint,
    scenario::{IcmpKind, Kind, PacketStep, Payload, Scenario, Segment, Side},
    site::{CLIENT_PORT, ROUTER, SERVER_PORT, SOME_REAL},
};

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
const SCTP: u8 = 132;

/// The flag "don't fragment" where the fragment offset is.
const DONT_FRAGMENT: u16 = 0x4000;

/// A step's packet cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// Neither the step nor the scenario has a destination.
    #[error("it has no `dst`, and the scenario has none either")]
    NoDestination,
    /// Source and destination are of two families.
    #[error("source {0} and destination {1} are of different address families")]
    Families(IpAddr, IpAddr),
    /// A reply is made of the frame that it answers.
    #[error("a reply is built from the frame that it answers")]
    Reply,
    /// The source ports end.
    #[error("there are not {0} ports from the first source port on")]
    Ports(u32),
    /// The packet is longer than IP can say.
    #[error("the packet would have {0} bytes, more than IP allows")]
    TooLong(usize),
}

/// The frames that a step sends: one, or as many as it repeats. Not for replies.
///
/// # Errors
/// When the packet cannot be built.
pub fn frames(scenario: &Scenario, step: &PacketStep) -> Result<Vec<Vec<u8>>, BuildError> {
    let (to, from) = match step.from {
        Side::Client => (CLIENT_PORT, ROUTER),
        Side::Real => (SERVER_PORT, SOME_REAL),
    };
    let built = match (&step.payload, step.repeat) {
        (Payload::Segment(segment), Some(count)) => (0..count)
            .map(|index| {
                packet(
                    &from_next_port(segment, index, count)?,
                    scenario.destination,
                )
            })
            .collect::<Result<_, _>>()?,
        (payload, _) => vec![payload_bytes(payload, scenario.destination)?],
    };
    Ok(built
        .iter()
        .map(|packet| ethernet(to, from, packet))
        .collect())
}

fn from_next_port(segment: &Segment, index: u32, count: u32) -> Result<Segment, BuildError> {
    let port = u16::try_from(u32::from(segment.source.port()) + index)
        .map_err(|_| BuildError::Ports(count))?;
    Ok(Segment {
        source: Endpoint::new(segment.source.address, port),
        ..segment.clone()
    })
}

/// A frame around an IP packet.
pub fn ethernet(to: Mac, from: Mac, packet: &[u8]) -> Vec<u8> {
    let kind: u16 = if packet.first().is_some_and(|first| first >> 4 == 6) {
        0x86dd
    } else {
        0x0800
    };
    [&to.0[..], &from.0, &kind.to_be_bytes(), packet].concat()
}

fn payload_bytes(payload: &Payload, destination: Option<Endpoint>) -> Result<Vec<u8>, BuildError> {
    match payload {
        Payload::Segment(segment) => packet(segment, destination),
        Payload::Raw(packet) => Ok(packet.clone()),
        Payload::Reply(_) => Err(BuildError::Reply),
    }
}

/// The IP packet of a description; `destination` is for one that names none.
///
/// # Errors
/// When it has no destination, or one of another family, or is too long.
pub fn packet(segment: &Segment, destination: Option<Endpoint>) -> Result<Vec<u8>, BuildError> {
    let destination = segment
        .destination
        .or(destination)
        .ok_or(BuildError::NoDestination)?;
    let (from, to) = (segment.source.address, destination.address);
    if from.is_ipv4() != to.is_ipv4() {
        return Err(BuildError::Families(from, to));
    }
    let (protocol, content) = transport(segment, destination)?;
    if content.len() > usize::from(u16::MAX) - 20 {
        return Err(BuildError::TooLong(content.len()));
    }
    let fragment = if segment.may_fragment {
        0
    } else {
        DONT_FRAGMENT
    };
    Ok(ip_packet(
        (from, to),
        protocol,
        &content,
        IpFields {
            ttl: segment.ttl.unwrap_or(64),
            tos: segment.tos.unwrap_or(0),
            identification: segment.identification.unwrap_or(0),
            fragment,
        },
    ))
}

/// What an IP header says beside addresses and protocol.
#[derive(Clone, Copy, Debug)]
pub struct IpFields {
    /// TTL or hop limit.
    pub ttl: u8,
    /// TOS byte or traffic class.
    pub tos: u8,
    /// IPv4's identification.
    pub identification: u16,
    /// IPv4's flags and fragment offset.
    pub fragment: u16,
}

/// An IP packet; both addresses are of one family.
pub fn ip_packet(
    (from, to): (IpAddr, IpAddr),
    protocol: u8,
    content: &[u8],
    fields: IpFields,
) -> Vec<u8> {
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let mut head = vec![0x45, fields.tos];
            head.extend((20 + content.len() as u16).to_be_bytes());
            head.extend(fields.identification.to_be_bytes());
            head.extend(fields.fragment.to_be_bytes());
            head.extend([fields.ttl, protocol, 0, 0]);
            head.extend(from.octets());
            head.extend(to.octets());
            let sum = checksum(&head).to_be_bytes();
            head[10..12].copy_from_slice(&sum);
            [&head, content].concat()
        }
        _ => {
            let mut head = (6_u32 << 28 | u32::from(fields.tos) << 20)
                .to_be_bytes()
                .to_vec();
            head.extend((content.len() as u16).to_be_bytes());
            head.extend([protocol, fields.ttl]);
            head.extend(octets(from));
            head.extend(octets(to));
            [&head, content].concat()
        }
    }
}

/// The transport header and payload, with its checksum.
fn transport(segment: &Segment, destination: Endpoint) -> Result<(u8, Vec<u8>), BuildError> {
    let addresses = (segment.source.address, destination.address);
    let ports = (segment.source.port(), destination.port());
    let payload = vec![b'x'; usize::from(segment.length.unwrap_or(0))];
    Ok(match &segment.kind {
        Kind::Tcp(flags) => {
            let acknowledged = if flags.bits() & 16 == 0 { 0 } else { 0x2000 };
            let numbers = (0x1000, acknowledged);
            (
                TCP,
                tcp_packet(addresses, ports, numbers, flags.bits(), 0xffff, &payload),
            )
        }
        Kind::Udp => {
            let mut bytes = ports_bytes(ports);
            bytes.extend((8 + payload.len() as u16).to_be_bytes());
            bytes.extend([0, 0]);
            bytes.extend(payload);
            (UDP, summed(bytes, 6, Some((addresses, UDP))))
        }
        Kind::Sctp(chunk) => (SCTP, sctp_packet(ports, *chunk, &payload)),
        Kind::Icmp(kind) => {
            let content = match &segment.about {
                Some(about) => {
                    let mut quoted = payload_bytes(&about.payload, None)?;
                    quoted.truncate(usize::from(about.quote.unwrap_or(576)));
                    quoted
                }
                None => payload,
            };
            icmp_packet(addresses, *kind, segment.rest.unwrap_or(0), &content)
        }
    })
}

/// A TCP segment without options; `numbers` are the sequence and acknowledgment numbers.
pub fn tcp_packet(
    addresses: (IpAddr, IpAddr),
    ports: (u16, u16),
    numbers: (u32, u32),
    flags: u8,
    window: u16,
    payload: &[u8],
) -> Vec<u8> {
    let mut bytes = ports_bytes(ports);
    bytes.extend(numbers.0.to_be_bytes());
    bytes.extend(numbers.1.to_be_bytes());
    bytes.extend([0x50, flags]);
    bytes.extend(window.to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend(payload);
    summed(bytes, 16, Some((addresses, TCP)))
}

/// An ICMP or, between IPv6 addresses, ICMPv6 message with its protocol number.
pub fn icmp_packet(
    addresses: (IpAddr, IpAddr),
    kind: IcmpKind,
    rest: u32,
    content: &[u8],
) -> (u8, Vec<u8>) {
    let mut bytes = vec![kind.number, kind.code, 0, 0];
    bytes.extend(rest.to_be_bytes());
    bytes.extend(content);
    if addresses.0.is_ipv6() {
        (ICMPV6, summed(bytes, 2, Some((addresses, ICMPV6))))
    } else {
        (ICMP, summed(bytes, 2, None))
    }
}

/// An SCTP packet with one chunk (RFC 9260 sections 3.1 and 3.2): verification tag 0, and CRC32c.
fn sctp_packet(ports: (u16, u16), chunk: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = ports_bytes(ports);
    bytes.extend([0; 8]);
    bytes.extend([chunk, 0]);
    bytes.extend((4 + payload.len() as u16).to_be_bytes());
    bytes.extend(payload);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let sum = crc32c(&bytes).to_le_bytes();
    bytes[8..12].copy_from_slice(&sum);
    bytes
}

/// SCTP's checksum (RFC 9260 appendix A), to be written lowest byte first.
pub(super) fn crc32c(bytes: &[u8]) -> u32 {
    let step = |sum: u32, _| {
        if sum & 1 == 0 {
            sum >> 1
        } else {
            sum >> 1 ^ 0x82f6_3b78
        }
    };
    !bytes
        .iter()
        .fold(!0, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), step))
}

fn ports_bytes((from, to): (u16, u16)) -> Vec<u8> {
    [from.to_be_bytes(), to.to_be_bytes()].concat()
}

/// The bytes with their checksum at `place`, which holds zeros; over a pseudo-header too if there are addresses. A sum of
/// zero is sent as 0xffff.
fn summed(mut bytes: Vec<u8>, place: usize, pseudo: Option<((IpAddr, IpAddr), u8)>) -> Vec<u8> {
    let mut all = match pseudo {
        Some((addresses, protocol)) => pseudo_header(addresses, protocol, bytes.len()),
        None => Vec::new(),
    };
    all.extend(&bytes);
    let sum = match checksum(&all) {
        0 => 0xffff,
        sum => sum,
    };
    bytes[place..place + 2].copy_from_slice(&sum.to_be_bytes());
    bytes
}

pub(super) fn pseudo_header((from, to): (IpAddr, IpAddr), protocol: u8, length: usize) -> Vec<u8> {
    let mut bytes = [octets(from), octets(to)].concat();
    if from.is_ipv6() {
        bytes.extend((length as u32).to_be_bytes());
        bytes.extend([0, 0, 0, protocol]);
    } else {
        bytes.extend([0, protocol]);
        bytes.extend((length as u16).to_be_bytes());
    }
    bytes
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// The Internet checksum (RFC 1071); 0 over bytes that have theirs in them.
pub fn checksum(bytes: &[u8]) -> u16 {
    let sum: u64 = bytes
        .chunks(2)
        .map(|pair| u64::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u64::from(*low)))
        .sum();
    let mut sum = sum;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// The answer of a real server to a frame that it was sent: source and destination swapped, and of TCP the flags replaced.
/// `None` when the frame is too short for that.
pub fn answer(forwarded: &[u8], flags: u8) -> Option<Vec<u8>> {
    let mut frame = forwarded.to_vec();
    let first = *frame.get(14)?;
    let (address, width, protocol, transport) = if first >> 4 == 6 {
        (14 + 8, 16, 14 + 6, 14 + 40)
    } else {
        (14 + 12, 4, 14 + 9, 14 + usize::from(first & 15) * 4)
    };
    let protocol = *frame.get(protocol)?;
    let header = match protocol {
        TCP => 18,
        SCTP => 12,
        _ => 4,
    };
    if frame.len() < transport + header {
        return None;
    }
    swap(&mut frame, 0, 6);
    swap(&mut frame, address, width);
    swap(&mut frame, transport, 2);
    if protocol == TCP {
        // Swapping changes no such checksum; the flags do (RFC 1624).
        let old = u16::from_be_bytes([frame[transport + 16], frame[transport + 17]]);
        let sum = u32::from(!old) + u32::from(!u16::from(frame[transport + 13])) + u32::from(flags);
        let sum = (sum & 0xffff) + (sum >> 16);
        let sum = !((sum + (sum >> 16)) as u16);
        frame[transport + 13] = flags;
        frame[transport + 16..transport + 18].copy_from_slice(&sum.to_be_bytes());
    }
    if protocol == SCTP {
        frame[transport + 8..transport + 12].fill(0);
        let sum = crc32c(&frame[transport..]).to_le_bytes();
        frame[transport + 8..transport + 12].copy_from_slice(&sum);
    }
    Some(frame)
}

/// Swaps two neighbouring fields of `width` bytes, the first of which begins at `at`.
fn swap(frame: &mut [u8], at: usize, width: usize) {
    let (first, second) = frame[at..at + 2 * width].split_at_mut(width);
    first.swap_with_slice(second);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_rfc_1071() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(checksum(&bytes), !0xddf2);
        assert_eq!(checksum(&[0x12]), !0x1200);
    }

    #[test]
    fn crc32c_is_that_of_rfc_3720() {
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }
}
