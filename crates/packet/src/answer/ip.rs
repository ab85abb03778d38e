//! The IP headers of answers, and who is answered at all.

use zerocopy::transmute;

use crate::{checksum::Sum, ipv4, ipv6};

/// Time to live, or hop limit, of an answer: Linux's default.
const TIME_TO_LIVE: u8 = 64;

/// Whether the packet's sender may be answered: it is one host that has an address, the packet is for one host, and it is
/// not the middle of a packet (RFC 1122 section 3.2.2).
#[inline(always)]
pub(super) fn answerable4(packet: &ipv4::Packet) -> bool {
    const THIS_HOST: u8 = 0;
    const LOOPBACK: u8 = 127;
    // From here on there is multicast, what is reserved, and broadcast.
    const MULTICAST: u8 = 224;
    let ([source, ..], [destination, ..]) = (packet.client(), packet.vip());
    source != THIS_HOST
        && source != LOOPBACK
        && source < MULTICAST
        && destination < MULTICAST
        && !packet.is_later_fragment()
}

/// Likewise (RFC 4443 section 2.4 (e)).
#[inline(always)]
pub(super) fn answerable6(packet: &ipv6::Packet) -> bool {
    const MULTICAST: u8 = 0xff;
    let [source_high, source_low] = packet.client();
    let [destination_high, _] = packet.vip();
    // The addresses :: and ::1.
    let no_host = source_high == [0; 8] && matches!(source_low, [0, 0, 0, 0, 0, 0, 0, 0 | 1]);
    !no_host
        && source_high[0] != MULTICAST
        && destination_high[0] != MULTICAST
        && !packet.is_later_fragment()
}

/// The header of an answer to a packet with the header `about`, of `length` bytes with its payload.
#[inline(always)]
pub(super) fn header4(
    about: &ipv4::Header,
    tos: u8,
    id_fragment: [u8; 4],
    protocol: u8,
    length: usize,
) -> ipv4::Header {
    let mut header = ipv4::Header {
        version_ihl: 0x45,
        tos,
        length: (length as u16).to_be_bytes(),
        id_fragment,
        ttl_protocol: [TIME_TO_LIVE, protocol],
        checksum: [0; 2],
        addresses: u64::from_le_bytes(about.addresses)
            .rotate_left(32)
            .to_le_bytes(),
    };
    header.checksum = Sum::of::<5>(transmute!(header)).checksum();
    header
}

/// Likewise; `length` is the payload's.
#[inline(always)]
pub(super) fn header6(about: &ipv6::Header, next: u8, length: usize) -> ipv6::Header {
    let [source_high, source_low, destination_high, destination_low] = about.addresses;
    ipv6::Header {
        version_class_flow: [0x60, 0, 0, 0],
        payload_length: (length as u16).to_be_bytes(),
        next_hop_limit: [next, TIME_TO_LIVE],
        addresses: [destination_high, destination_low, source_high, source_low],
    }
}
