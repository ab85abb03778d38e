//! TCP resets, as a closed port sends them (RFC 9293 section 3.10.7.1).

use zerocopy::{Immutable, IntoBytes, Unaligned, transmute};

use super::ip;
use crate::{
    TransportProtocol,
    checksum::Sum,
    ipv4, ipv6,
    tcp::{self, ACK, FIN, RST, SYN},
};

/// A whole packet.
#[repr(C)]
#[derive(IntoBytes, Immutable, Unaligned)]
pub(super) struct Reset4 {
    ip: ipv4::Header,
    tcp: tcp::Header,
}

/// Likewise.
#[repr(C)]
#[derive(IntoBytes, Immutable, Unaligned)]
pub(super) struct Reset6 {
    ip: ipv6::Header,
    tcp: tcp::Header,
}

impl Reset4 {
    /// The reset for a segment of `length` bytes, header included, of a packet with the header `about`; `None` for a reset.
    #[inline(always)]
    pub(super) fn new(about: &ipv4::Header, segment: &tcp::Header, length: usize) -> Option<Self> {
        const PROTOCOL: u8 = TransportProtocol::Tcp.number();
        let mut tcp = reset(segment, length)?;
        let ip = ip::header4(about, 0, ipv4::WHOLE, PROTOCOL, size_of::<Self>());
        let addresses = [u64::from_le_bytes(ip.addresses)];
        let sum = Sum::pseudo_header(addresses, PROTOCOL, size_of::<tcp::Header>() as u16);
        tcp.checksum = sum.and(Sum::of::<5>(transmute!(tcp))).checksum();
        Some(Self { ip, tcp })
    }
}

impl Reset6 {
    /// Likewise.
    #[inline(always)]
    pub(super) fn new(about: &ipv6::Header, segment: &tcp::Header, length: usize) -> Option<Self> {
        const PROTOCOL: u8 = TransportProtocol::Tcp.number();
        let mut tcp = reset(segment, length)?;
        let ip = ip::header6(about, PROTOCOL, size_of::<tcp::Header>());
        let addresses = ip.addresses.map(u64::from_le_bytes);
        let sum = Sum::pseudo_header(addresses, PROTOCOL, size_of::<tcp::Header>() as u16);
        tcp.checksum = sum.and(Sum::of::<5>(transmute!(tcp))).checksum();
        Some(Self { ip, tcp })
    }
}

/// The segment, but for its checksum: a segment with an ACK is believed about the sequence number, another one is acknowledged.
#[inline(always)]
fn reset(segment: &tcp::Header, length: usize) -> Option<tcp::Header> {
    if segment.flags & RST != 0 {
        return None;
    }
    let [a, b, c, d] = segment.ports;
    let (sequence, acknowledgment, flags) = if segment.flags & ACK != 0 {
        (segment.acknowledgment, [0; 4], RST)
    } else {
        let header = (segment.data_offset >> 4) as usize * 4;
        let data = length.checked_sub(header)? as u32;
        let occupied = data + (segment.flags & SYN != 0) as u32 + (segment.flags & FIN != 0) as u32;
        let next = u32::from_be_bytes(segment.sequence).wrapping_add(occupied);
        ([0; 4], next.to_be_bytes(), RST | ACK)
    };
    Some(tcp::Header {
        ports: [c, d, a, b],
        sequence,
        acknowledgment,
        data_offset: 5 << 4,
        flags,
        window: [0; 2],
        checksum: [0; 2],
        urgent: [0; 2],
    })
}
