//! IPv6 (RFC 8200), with extension headers, as far as a director looks.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::{
    Frame, Refusal, TransportProtocol,
    segment::{self, transport},
};

/// The fixed header, as it lies in the packet (all numbers in network order).
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
pub struct Header {
    /// Version (4 bits), traffic class (8), flow label (20).
    pub version_class_flow: [u8; 4],
    /// Length of what follows this header.
    pub payload_length: [u8; 2],
    /// Type of the next header, and the hop limit.
    pub next_hop_limit: [u8; 2],
    /// Source, then destination, as two words each.
    pub addresses: [[u8; 8]; 4],
}

/// Offset of the hop limit in the header.
const HOP_LIMIT: usize = 7;
/// Extension headers that are walked; a packet with more is not balanced.
const MAX_EXTENSIONS: usize = 6;
/// How far from the start of the frame the transport header may lie.
const MAX_OFFSET: usize = 2048;

/// A packet from a client to a VIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The connection table's key: client and VIP, then ports and protocol (see `dray_abi::Slot6::key`).
    pub key: [u64; 5],
    /// TCP's flags; 0 for UDP.
    pub flags: u8,
    /// Hop limit.
    pub hop_limit: u8,
    /// Bytes of the packet, all headers included.
    pub length: u32,
}

impl Packet {
    /// The client's address, as its two halves lie in the packet.
    #[inline(always)]
    pub const fn client(&self) -> [[u8; 8]; 2] {
        [self.key[0].to_le_bytes(), self.key[1].to_le_bytes()]
    }

    /// The VIP, likewise.
    #[inline(always)]
    pub const fn vip(&self) -> [[u8; 8]; 2] {
        [self.key[2].to_le_bytes(), self.key[3].to_le_bytes()]
    }

    /// Client port and service port, each as it lies in the packet.
    #[inline(always)]
    pub const fn ports(&self) -> [[u8; 2]; 2] {
        segment::ports(self.key[4])
    }

    /// TCP or UDP.
    #[inline(always)]
    pub const fn protocol(&self) -> TransportProtocol {
        segment::protocol(self.key[4])
    }
}

/// Reads the packet at `offset`.
///
/// # Errors
/// When it is a fragment, neither TCP nor UDP, or cut short.
#[inline(always)]
pub fn parse(frame: &Frame<'_>, offset: usize) -> Result<Packet, Refusal> {
    let header: Header = frame.read(offset).ok_or(Refusal::Truncated)?;
    let [version_class, ..] = header.version_class_flow;
    if version_class >> 4 != 6 {
        return Err(Refusal::Truncated);
    }
    let [next, hop_limit] = header.next_hop_limit;
    let (protocol, at) = find_transport(frame, next, offset + size_of::<Header>())?;
    let (tail, flags) = transport(frame, at, protocol)?;
    let [client_high, client_low, vip_high, vip_low] = header.addresses.map(u64::from_le_bytes);
    let length = size_of::<Header>() as u32 + u16::from_be_bytes(header.payload_length) as u32;
    Ok(Packet {
        key: [client_high, client_low, vip_high, vip_low, tail],
        flags,
        hop_limit,
        length,
    })
}

/// Takes one from the hop limit, which must be at least 1.
#[inline(always)]
pub fn decrement_hop_limit(frame: &Frame<'_>, offset: usize, packet: &Packet) -> Option<()> {
    frame.write(offset + HOP_LIMIT, packet.hop_limit.wrapping_sub(1))
}

/// Walks the extension headers (RFC 8200 section 4) to TCP or UDP and says where it lies.
#[inline(always)]
fn find_transport(
    frame: &Frame<'_>,
    first: u8,
    offset: usize,
) -> Result<(TransportProtocol, usize), Refusal> {
    const HOP_BY_HOP: u8 = 0;
    const ROUTING: u8 = 43;
    const FRAGMENT: u8 = 44;
    const DESTINATION_OPTIONS: u8 = 60;

    if let Some(protocol) = TransportProtocol::from_number(first) {
        return Ok((protocol, offset));
    }
    let (mut next, mut at) = (first, offset);
    for _ in 0..MAX_EXTENSIONS {
        match next {
            HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS => {
                if at > MAX_OFFSET {
                    return Err(Refusal::OtherProtocol);
                }
                let [following, length]: [u8; 2] = frame.read(at).ok_or(Refusal::Truncated)?;
                at += (length as usize + 1) * 8;
                next = following;
            }
            FRAGMENT => return Err(Refusal::Fragment),
            _ => break,
        }
    }
    if at > MAX_OFFSET {
        return Err(Refusal::OtherProtocol);
    }
    let protocol = TransportProtocol::from_number(next).ok_or(Refusal::OtherProtocol)?;
    Ok((protocol, at))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A UDP packet behind these extension headers: (type, payload in 8-byte units beyond the first).
    fn packet(extensions: &[(u8, u8)]) -> Vec<u8> {
        let mut chain = extensions.iter().map(|(kind, _)| *kind).chain([17]);
        let first = chain.next().unwrap();
        let mut bytes = vec![0x60, 0, 0, 0, 0, 0, first, 64];
        bytes.extend([0x20; 16]);
        bytes.extend([0xfd; 16]);
        for ((_, more), next) in extensions.iter().zip(chain) {
            bytes.extend([next, *more]);
            bytes.extend(vec![0; *more as usize * 8 + 6]);
        }
        bytes.extend([0x9c, 0x40, 0, 53, 0, 8, 0, 0]);
        let payload = (bytes.len() - 40) as u16;
        bytes[4..6].copy_from_slice(&payload.to_be_bytes());
        bytes
    }

    fn parse_bytes(bytes: &[u8]) -> Result<Packet, Refusal> {
        let mut bytes = bytes.to_vec();
        parse(&Frame::from(&mut bytes[..]), 0)
    }

    #[test]
    fn extension_headers_are_walked() {
        let plain = parse_bytes(&packet(&[])).unwrap();
        let behind = parse_bytes(&packet(&[(0, 0), (60, 3), (43, 1), (60, 0)])).unwrap();
        assert_eq!(behind.key, plain.key);
        assert_eq!(
            (plain.ports(), plain.length, behind.length),
            ([[0x9c, 0x40], [0, 53]], 48, 48 + 8 + 32 + 16 + 8)
        );
    }

    #[test]
    fn a_fragment_is_refused_wherever_its_header_stands() {
        assert_eq!(parse_bytes(&packet(&[(44, 0)])), Err(Refusal::Fragment));
        assert_eq!(
            parse_bytes(&packet(&[(0, 0), (44, 0)])),
            Err(Refusal::Fragment)
        );
    }

    #[test]
    fn too_many_or_unknown_extensions_are_another_protocol() {
        assert_eq!(
            parse_bytes(&packet(&[(60, 0); 7])),
            Err(Refusal::OtherProtocol)
        );
        assert!(parse_bytes(&packet(&[(60, 0); 6])).is_ok());
        assert_eq!(
            parse_bytes(&packet(&[(50, 0)])),
            Err(Refusal::OtherProtocol)
        );
    }

    #[test]
    fn every_truncation_is_refused() {
        let whole = packet(&[(0, 1), (60, 0)]);
        for length in 0..whole.len() {
            assert_eq!(
                parse_bytes(&whole[..length]),
                Err(Refusal::Truncated),
                "{length}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_read_past_the_end(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some(first) = bytes.first_mut() {
                *first = 0x60;
            }
            let _ = parse_bytes(&bytes);
        }
    }
}
