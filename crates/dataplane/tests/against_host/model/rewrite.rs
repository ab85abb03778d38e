//! Other addresses and ports in a frame's bytes.
//!
//! Nothing is mended: every checksum is computed from all that it covers (RFC 791, 9293, 768, 9260, 792, 4443), as it was and as
//! it becomes. One that was right becomes the right one; one that was wrong stays as wrong as it was.

use dray_abi::Reason;
use dray_packet::{Frame, TransportProtocol, ethernet, ipv4, ipv6};
use dray_testkit::frames::{internet_checksum, sctp_checksum};

use crate::packet::{Key, Packet};

const ICMPV6: u8 = 58;
const ICMP_HEADER: usize = 8;
/// Where in a header its checksum is.
const IPV4_CHECKSUM: usize = 10;
const ICMP_CHECKSUM: usize = 2;
const UDP_CHECKSUM: usize = 6;

/// Makes the packet at `offset`, whole or the first fragment, one of the key `new`, of the same family.
pub(super) fn packet(
    bytes: &mut [u8],
    offset: usize,
    packet: &Packet,
    new: &Key,
) -> Result<(), Reason> {
    let segment = Segment::of(packet, offset);
    let old = packet.key();
    let moves = (old.client_port, old.port) != (new.client_port, new.port);
    if segment.protocol == TransportProtocol::Sctp && !segment.is_whole && moves {
        // Its checksum is over what is in the other fragments.
        return Err(Reason::TunnelChecksum);
    }
    let before = segment.right_checksum(bytes, offset);
    change_network(bytes, offset, new);
    write_ports(bytes, segment.at, (new.client_port, new.port));
    segment.correct(bytes, offset, before)
}

/// Gives the packet at `offset`, a fragment other than the first, the addresses of `new`.
pub(super) fn fragment(bytes: &mut [u8], offset: usize, new: &Key) {
    change_network(bytes, offset, new);
}

/// Makes the ICMP error at `offset` one about a connection whose packets that go the same way have the key `new`.
pub(super) fn error(bytes: &mut [u8], offset: usize, new: &Key) {
    let (outer, message) = header(bytes, offset);
    let length = offset + outer.length() as usize - message;
    let quote = message + ICMP_HEADER;
    let (inner, ports) = header(bytes, quote);
    let pseudo = (new.family == 6).then_some(ICMPV6);
    let right = |bytes: &[u8]| {
        let covered = padded(bytes, message, length);
        checksum(bytes, offset, pseudo, covered, ICMP_CHECKSUM)
    };
    let before = right(bytes);
    // What was sent back is about a packet that went the other way.
    let back = new.reversed();
    if new.family == 4 {
        change_header4(bytes, quote, |bytes| write_addresses(bytes, quote, &back));
    } else {
        write_addresses(bytes, quote, &back);
    }
    write_ports(bytes, ports, (back.client_port, back.port));
    // Where the quoted packet went keeps its address: then so does who tells of it. Otherwise the receiver is not to know of
    // either, and the address that it knows stands for both.
    let source = if inner.key().vip == back.vip {
        outer.key().client
    } else {
        new.client
    };
    let told = Key {
        client: source,
        ..*new
    };
    change_network(bytes, offset, &told);
    let after = right(bytes);
    correct(bytes, message + ICMP_CHECKSUM, before, after);
}

/// Makes the packet at `offset` one of the key `new`, of the other family (RFC 7915 sections 4.1 and 5.1, of what has neither
/// options nor fragments).
pub(super) fn cross(
    bytes: &mut Vec<u8>,
    offset: usize,
    packet: &Packet,
    new: &Key,
) -> Result<(), Reason> {
    let segment = Segment::of(packet, offset);
    let plain = if packet.family() == 4 { 20 } else { 40 };
    if segment.at != offset + plain || !segment.is_whole {
        return Err(Reason::OtherFamily);
    }
    let before = segment.right_checksum(bytes, offset);
    let hops = packet.hops_left() - 1;
    let protocol = segment.protocol.number();
    let (header, ether_type) = if new.family == 6 {
        let class = bytes[offset + 1];
        let mut header = vec![0x60 | class >> 4, class << 4, 0, 0];
        header.extend((segment.length as u16).to_be_bytes());
        header.extend([protocol, hops]);
        header.extend([new.client, new.vip].concat());
        (header, ethernet::IPV6)
    } else {
        let class = bytes[offset] << 4 | bytes[offset + 1] >> 4;
        let mut header = vec![0x45, class];
        header.extend((20 + segment.length as u16).to_be_bytes());
        // "Don't fragment".
        header.extend([0, 0, 0x40, 0, hops, protocol, 0, 0]);
        header.extend([&new.client[12..], &new.vip[12..]].concat());
        let checksum = internet_checksum(&header);
        write16(&mut header, IPV4_CHECKSUM, checksum);
        (header, ethernet::IPV4)
    };
    bytes[offset - 2..offset].copy_from_slice(&ether_type);
    let segment = Segment {
        at: offset + header.len(),
        ..segment
    };
    bytes.splice(offset..offset + plain, header);
    write_ports(bytes, segment.at, (new.client_port, new.port));
    segment.correct(bytes, offset, before)
}

/// What an IP packet carries.
struct Segment {
    at: usize,
    length: usize,
    /// The packet is no fragment.
    is_whole: bool,
    protocol: TransportProtocol,
}

impl Segment {
    fn of(packet: &Packet, offset: usize) -> Self {
        let at = packet.upper(offset);
        Self {
            at,
            length: offset + packet.length() as usize - at,
            is_whole: !packet.more_fragments(),
            protocol: packet.protocol(),
        }
    }

    /// Where its checksum is.
    fn field(&self) -> usize {
        match self.protocol {
            TransportProtocol::Tcp => 16,
            TransportProtocol::Udp => UDP_CHECKSUM,
            TransportProtocol::Sctp => 8,
        }
    }

    /// The checksum that it should have, as a number whose first byte is the highest.
    fn right_checksum(&self, bytes: &[u8], network: usize) -> u32 {
        let mut covered = padded(bytes, self.at, self.length);
        if self.protocol == TransportProtocol::Sctp {
            covered[self.field()..][..4].fill(0);
            return u32::from_be_bytes(sctp_checksum(&covered));
        }
        let protocol = Some(self.protocol.number());
        checksum(bytes, network, protocol, covered, self.field()).into()
    }

    /// Writes the checksum; before the change `before` was the right one.
    fn correct(&self, bytes: &mut [u8], network: usize, before: u32) -> Result<(), Reason> {
        let after = self.right_checksum(bytes, network);
        let at = self.at + self.field();
        match self.protocol {
            TransportProtocol::Tcp => correct(bytes, at, before as u16, after as u16),
            TransportProtocol::Udp if read16(bytes, at) != 0 => {
                correct(bytes, at, before as u16, after as u16);
                write16(bytes, at, not_none(read16(bytes, at)));
            }
            // Nobody can give one to a fragment.
            TransportProtocol::Udp if !self.is_whole => {}
            TransportProtocol::Udp => {
                if bytes.len() < self.at + self.length {
                    return Err(Reason::TunnelChecksum);
                }
                write16(bytes, at, not_none(after as u16));
            }
            TransportProtocol::Sctp => {
                let field = &mut bytes[at..at + 4];
                let stored = u32::from_be_bytes(field.try_into().expect("four bytes"));
                // 0 says that the two ends do without (RFC 9653).
                if stored != 0 {
                    // A CRC is linear: what was wrong with it is its difference from the right one.
                    field.copy_from_slice(&(stored ^ before ^ after).to_be_bytes());
                }
            }
        }
        Ok(())
    }
}

/// Gives the IP header at `offset` the addresses of `new`, and takes one from its TTL or hop limit.
fn change_network(bytes: &mut [u8], offset: usize, new: &Key) {
    if new.family == 6 {
        bytes[offset + 7] -= 1;
        return write_addresses(bytes, offset, new);
    }
    change_header4(bytes, offset, |bytes| {
        bytes[offset + 8] -= 1;
        write_addresses(bytes, offset, new);
    });
}

/// Changes the IPv4 header at `offset`, and its checksum.
pub(super) fn change_header4(bytes: &mut [u8], offset: usize, change: impl FnOnce(&mut [u8])) {
    let length = usize::from(bytes[offset] & 0xf) * 4;
    let right = |bytes: &[u8]| {
        let covered = padded(bytes, offset, length);
        checksum(bytes, offset, None, covered, IPV4_CHECKSUM)
    };
    let before = right(bytes);
    change(bytes);
    let after = right(bytes);
    correct(bytes, offset + IPV4_CHECKSUM, before, after);
}

/// The IP header at `offset`, and where what it carries starts.
pub(super) fn header(bytes: &mut [u8], offset: usize) -> (Packet, usize) {
    let is_v4 = bytes[offset] >> 4 == 4;
    let frame = Frame::from(bytes);
    let header = if is_v4 {
        ipv4::header(&frame, offset).map(|(packet, upper)| (Packet::V4(packet), upper))
    } else {
        ipv6::header(&frame, offset).map(|(packet, upper)| (Packet::V6(packet), upper))
    };
    let (packet, upper) = header.expect("it was read");
    (packet, upper.offset)
}

fn write_addresses(bytes: &mut [u8], offset: usize, key: &Key) {
    let (at, first) = if key.family == 4 { (12, 12) } else { (8, 0) };
    let addresses = [&key.client[first..], &key.vip[first..]].concat();
    bytes[offset + at..][..addresses.len()].copy_from_slice(&addresses);
}

fn write_ports(bytes: &mut [u8], at: usize, (source, destination): (u16, u16)) {
    write16(bytes, at, source);
    write16(bytes, at + 2, destination);
}

/// The Internet checksum of what it covers, in which its own place, at `field`, counts as 0. With a protocol it covers a
/// pseudo-header, too, of the addresses in the IP header at `network`.
pub(super) fn checksum(
    bytes: &[u8],
    network: usize,
    protocol: Option<u8>,
    mut covered: Vec<u8>,
    field: usize,
) -> u16 {
    covered[field..field + 2].fill(0);
    let mut all = Vec::new();
    if let Some(protocol) = protocol {
        let addresses = if bytes[network] >> 4 == 4 {
            12..20
        } else {
            8..40
        };
        all.extend(&bytes[network..][addresses]);
        all.extend((covered.len() as u32).to_be_bytes());
        all.extend([0, 0, 0, protocol]);
    }
    all.extend(covered);
    internet_checksum(&all)
}

/// Changes the checksum at `at`: before what it covers changed `before` was the right one, now `after` is.
pub(super) fn correct(bytes: &mut [u8], at: usize, before: u16, after: u16) {
    let stored = read16(bytes, at);
    let corrected = if stored == before {
        after
    } else {
        // The difference of the two in one's complement arithmetic.
        let sum = u32::from(stored) + u32::from(after) + u32::from(!before);
        (sum % 0xffff) as u16
    };
    write16(bytes, at, corrected);
}

/// A UDP checksum as it is sent: 0 says that there is none (RFC 768).
fn not_none(checksum: u16) -> u16 {
    if checksum == 0 { 0xffff } else { checksum }
}

/// So many bytes from `at` on; what the frame does not have is 0.
pub(super) fn padded(bytes: &[u8], at: usize, length: usize) -> Vec<u8> {
    let end = (at + length).min(bytes.len());
    let mut part = bytes[at..end].to_vec();
    part.resize(length, 0);
    part
}

pub(super) fn read16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

pub(super) fn write16(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_be_bytes());
}
