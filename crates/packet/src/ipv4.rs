//! IPv4 (RFC 791), with options, as far as a director looks.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::{
    Frame, Refusal, TransportProtocol, checksum,
    segment::{self, transport},
};

/// The header's fixed part, as it lies in the packet (all numbers in network order).
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
pub struct Header {
    /// Version (4 bits) and header length in 32-bit words (4 bits).
    pub version_ihl: u8,
    /// DSCP and ECN.
    pub tos: u8,
    /// Length of the packet, header included.
    pub length: [u8; 2],
    /// Identification.
    pub id: [u8; 2],
    /// Flags (3 bits) and fragment offset (13 bits).
    pub fragment: [u8; 2],
    /// Time to live and protocol.
    pub ttl_protocol: [u8; 2],
    /// Header checksum.
    pub checksum: [u8; 2],
    /// Source, then destination.
    pub addresses: [u8; 8],
}

/// Offset of the TTL in the header.
const TTL: usize = 8;
/// Offset of the checksum in the header.
const CHECKSUM: usize = 10;

/// A packet from a client to a VIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The connection table's key: client and VIP, then ports and protocol (see `dray_abi::Slot4::key`).
    pub key: [u64; 2],
    /// TCP's flags; 0 for UDP.
    pub flags: u8,
    /// Time to live.
    pub ttl: u8,
    /// Bytes of the packet, IP header included.
    pub length: u16,
    checksum: [u8; 2],
}

impl Packet {
    /// The client's address.
    #[inline(always)]
    pub const fn client(&self) -> [u8; 4] {
        (self.key[0] as u32).to_le_bytes()
    }

    /// The VIP.
    #[inline(always)]
    pub const fn vip(&self) -> [u8; 4] {
        ((self.key[0] >> 32) as u32).to_le_bytes()
    }

    /// Client port and service port, each as it lies in the packet.
    #[inline(always)]
    pub const fn ports(&self) -> [[u8; 2]; 2] {
        segment::ports(self.key[1])
    }

    /// TCP or UDP.
    #[inline(always)]
    pub const fn protocol(&self) -> TransportProtocol {
        segment::protocol(self.key[1])
    }
}

/// Reads the packet at `offset`.
///
/// # Errors
/// When it is a fragment, neither TCP nor UDP, or cut short.
#[inline(always)]
pub fn parse(frame: &Frame<'_>, offset: usize) -> Result<Packet, Refusal> {
    let header: Header = frame.read(offset).ok_or(Refusal::Truncated)?;
    let header_length = (header.version_ihl & 0xf) as usize * 4;
    let length = u16::from_be_bytes(header.length);
    if header.version_ihl >> 4 != 4
        || header_length < size_of::<Header>()
        || (length as usize) < header_length
    {
        return Err(Refusal::Truncated);
    }
    if u16::from_be_bytes(header.fragment) & 0x3fff != 0 {
        return Err(Refusal::Fragment);
    }
    let [ttl, protocol] = header.ttl_protocol;
    let protocol = TransportProtocol::from_number(protocol).ok_or(Refusal::OtherProtocol)?;
    let (tail, flags) = transport(frame, offset + header_length, protocol)?;
    Ok(Packet {
        key: [u64::from_le_bytes(header.addresses), tail],
        flags,
        ttl,
        length,
        checksum: header.checksum,
    })
}

/// Takes one from the TTL and mends the header checksum. The TTL must be at least 1.
#[inline(always)]
pub fn decrement_ttl(frame: &Frame<'_>, offset: usize, packet: &Packet) -> Option<()> {
    frame.write(offset + TTL, packet.ttl.wrapping_sub(1))?;
    frame.write(
        offset + CHECKSUM,
        checksum::after_ttl_decrement(packet.checksum),
    )
}

#[cfg(test)]
mod tests {
    use etherparse::{IpFragOffset, Ipv4Header, Ipv4Options, PacketBuilder, TcpHeader};
    use proptest::prelude::*;

    use super::*;

    fn tcp_packet(ttl: u8, options: &[u8]) -> Vec<u8> {
        let mut tcp = TcpHeader::new(40000, 80, 1, 1024);
        tcp.syn = true;
        let mut ip = Ipv4Header::new(
            0,
            ttl,
            etherparse::IpNumber::TCP,
            [192, 0, 2, 1],
            [10, 0, 0, 100],
        )
        .unwrap();
        ip.options = Ipv4Options::try_from(options).unwrap();
        let builder =
            PacketBuilder::ip(etherparse::IpHeaders::Ipv4(ip, Default::default())).tcp_header(tcp);
        let mut bytes = Vec::new();
        builder.write(&mut bytes, b"data").unwrap();
        bytes
    }

    fn parse_bytes(bytes: &[u8]) -> Result<Packet, Refusal> {
        let mut bytes = bytes.to_vec();
        parse(&Frame::from(&mut bytes[..]), 0)
    }

    #[test]
    fn a_syn_is_read_whole() {
        let packet = parse_bytes(&tcp_packet(64, &[])).unwrap();
        assert_eq!(
            (packet.client(), packet.vip()),
            ([192, 0, 2, 1], [10, 0, 0, 100])
        );
        assert_eq!(
            (packet.ports(), packet.flags, packet.length),
            ([[0x9c, 0x40], [0, 80]], crate::tcp::SYN, 44)
        );
    }

    #[test]
    fn options_move_the_ports_and_nothing_else() {
        let plain = parse_bytes(&tcp_packet(64, &[])).unwrap();
        let with_options = parse_bytes(&tcp_packet(64, &[1; 40])).unwrap();
        assert_eq!(with_options.key, plain.key);
        assert_eq!(with_options.length, 84);
    }

    #[test]
    fn fragments_are_refused_the_first_one_too() {
        for (offset, more) in [(0, true), (185, false)] {
            let mut bytes = tcp_packet(64, &[]);
            let mut ip = Ipv4Header::from_slice(&bytes).unwrap().0;
            ip.fragment_offset = IpFragOffset::try_new(offset).unwrap();
            ip.more_fragments = more;
            bytes[..20].copy_from_slice(&ip.to_bytes());
            assert_eq!(parse_bytes(&bytes), Err(Refusal::Fragment));
        }
    }

    #[test]
    fn every_truncation_is_refused() {
        let whole = tcp_packet(64, &[1; 8]);
        for length in 0..48 {
            assert_eq!(
                parse_bytes(&whole[..length]),
                Err(Refusal::Truncated),
                "{length}"
            );
        }
    }

    #[test]
    fn a_header_shorter_than_its_fixed_part_is_refused() {
        let mut bytes = tcp_packet(64, &[]);
        bytes[0] = 0x44;
        assert_eq!(parse_bytes(&bytes), Err(Refusal::Truncated));
    }

    proptest! {
        #[test]
        fn the_checksum_stays_right_when_the_ttl_goes_down(ttl in 1u8.., options in prop::collection::vec(any::<u8>(), 0..=10)) {
            let options: Vec<u8> = options.iter().flat_map(|byte| [*byte; 4]).collect();
            let mut bytes = tcp_packet(ttl, &options);
            let frame = Frame::from(&mut bytes[..]);
            let packet = parse(&frame, 0).unwrap();
            decrement_ttl(&frame, 0, &packet).unwrap();
            let header = Ipv4Header::from_slice(&bytes).unwrap().0;
            prop_assert_eq!(header.time_to_live, ttl - 1);
            prop_assert_eq!(header.header_checksum, header.calc_header_checksum());
        }

        #[test]
        fn no_bytes_make_it_read_past_the_end(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = parse_bytes(&bytes);
        }
    }
}
