//! The packets that Linux answers with on its own account.

use std::net::IpAddr;

use crate::{
    frame::{IpFields, Packet, Transport, checksum, icmp_packet, ip_packet, tcp_packet},
    scenario::IcmpKind,
};

const TCP: u8 = 6;
const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

/// The flag "don't fragment".
const DONT_FRAGMENT: u16 = 0x4000;

/// TTL and hop limit of what the director sends.
const TTL: u8 = 64;

/// The reset that a segment without a socket is answered with (RFC 9293 section 3.10.7.1): none for a reset.
pub(super) fn reset(packet: &Packet, flags: u8) -> Option<Vec<u8>> {
    if flags & RST != 0 {
        return None;
    }
    let body = &packet.body;
    let number = |at: usize| Some(u32::from_be_bytes(body.get(at..at + 4)?.try_into().ok()?));
    let header = usize::from(*body.get(12)? >> 4) * 4;
    let (numbers, flags) = if flags & ACK != 0 {
        ((number(8)?, 0), RST)
    } else {
        let taken = u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
        let length = body.len().saturating_sub(header) as u32;
        let acknowledged = number(4)?.wrapping_add(taken).wrapping_add(length);
        ((0, acknowledged), RST | ACK)
    };
    segment(packet, numbers, flags, 0)
}

/// What a listening socket answers: to a SYN a SYN with ACK, to an ACK a reset, to anything else nothing.
pub(super) fn listener(packet: &Packet, flags: u8) -> Option<Vec<u8>> {
    if flags & RST != 0 {
        return None;
    }
    if flags & ACK != 0 {
        return reset(packet, flags);
    }
    if flags & SYN == 0 || flags & FIN != 0 {
        return None;
    }
    let sequence = u32::from_be_bytes(packet.body.get(4..8)?.try_into().ok()?);
    // A real stack's first sequence number is random; nobody who compares frames can look at it.
    segment(packet, (0, sequence.wrapping_add(1)), SYN | ACK, 0xffff)
}

fn segment(packet: &Packet, numbers: (u32, u32), flags: u8, window: u16) -> Option<Vec<u8>> {
    let Transport::Ports {
        source,
        destination,
        ..
    } = packet.transport
    else {
        return None;
    };
    let addresses = (packet.destination, packet.source);
    let content = tcp_packet(
        addresses,
        (destination, source),
        numbers,
        flags,
        window,
        &[],
    );
    let fields = IpFields {
        ttl: TTL,
        tos: packet.tos,
        identification: 0,
        fragment: DONT_FRAGMENT,
    };
    Some(ip_packet(addresses, TCP, &content, fields))
}

/// The reply to an echo request, and to nothing else.
pub(super) fn echo(packet: &Packet, number: u8) -> Option<Vec<u8>> {
    let reply = match (packet.destination, number) {
        (IpAddr::V4(_), 8) => 0,
        (IpAddr::V6(_), 128) => 129,
        _ => return None,
    };
    let body = &packet.body;
    let rest = u32::from_be_bytes(body.get(4..8)?.try_into().ok()?);
    Some(message(
        (packet.destination, packet.source),
        (reply, 0),
        rest,
        &body[8..],
        packet.tos,
    ))
}

/// Nobody listens on the port.
pub(super) fn port_unreachable(data: &[u8], packet: &Packet, from: IpAddr) -> Vec<u8> {
    let kind = if packet.source.is_ipv4() {
        (3, 3)
    } else {
        (1, 4)
    };
    error(data, packet, from, kind, 0)
}

/// Nobody knows the protocol.
pub(super) fn protocol_unreachable(data: &[u8], packet: &Packet, from: IpAddr) -> Vec<u8> {
    if packet.source.is_ipv4() {
        return error(data, packet, from, (3, 2), 0);
    }
    // The pointer is to the header's field that names the protocol.
    error(data, packet, from, (4, 1), 6)
}

/// The packet may go no further.
pub(super) fn time_exceeded(data: &[u8], packet: &Packet, from: IpAddr) -> Vec<u8> {
    let kind = if packet.source.is_ipv4() {
        (11, 0)
    } else {
        (3, 0)
    };
    error(data, packet, from, kind, 0)
}

/// An ICMP error about a packet, as much of which is quoted as RFC 1812 section 4.3.2.3 and RFC 4443 section 2.4 (c) allow.
fn error(data: &[u8], packet: &Packet, from: IpAddr, kind: (u8, u8), rest: u32) -> Vec<u8> {
    let (room, tos) = match packet.source {
        // Precedence "internetwork control".
        IpAddr::V4(_) => (576 - 20 - 8, packet.tos & 0x1e | 0xc0),
        IpAddr::V6(_) => (1280 - 40 - 8, 0),
    };
    let quoted = &data[..data.len().min(room)];
    message((from, packet.source), kind, rest, quoted, tos)
}

fn message(
    addresses: (IpAddr, IpAddr),
    (number, code): (u8, u8),
    rest: u32,
    content: &[u8],
    tos: u8,
) -> Vec<u8> {
    let (protocol, content) = icmp_packet(addresses, IcmpKind { number, code }, rest, content);
    let fields = IpFields {
        ttl: TTL,
        tos,
        identification: 0,
        fragment: 0,
    };
    ip_packet(addresses, protocol, &content, fields)
}

/// The packet with its TTL or hop limit counted down.
pub(super) fn one_hop_further(data: &[u8], packet: &Packet) -> Vec<u8> {
    let mut data = data.to_vec();
    if packet.destination.is_ipv4() {
        let header = usize::from(data[0] & 15) * 4;
        data[8] -= 1;
        data[10..12].fill(0);
        let sum = checksum(&data[..header]).to_be_bytes();
        data[10..12].copy_from_slice(&sum);
    } else {
        data[7] -= 1;
    }
    data
}
