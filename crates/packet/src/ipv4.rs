//! IPv4 (RFC 791), with options, as far as a director looks.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::{
    Frame, Refusal, TransportProtocol, Upper,
    checksum::{self, Change, Folded},
    frame::Part,
    segment::{self, transport},
};

/// The header's fixed part, as it lies in the packet (all numbers in network order).
#[repr(C)]
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
pub struct Header {
    /// Version (4 bits) and header length in 32-bit words (4 bits).
    pub version_ihl: u8,
    /// DSCP and ECN.
    pub tos: u8,
    /// Length of the packet, header included.
    pub length: [u8; 2],
    /// Identification (2 bytes), then flags (3 bits) and fragment offset (13 bits).
    pub id_fragment: [u8; 4],
    /// Time to live and protocol.
    pub ttl_protocol: [u8; 2],
    /// Header checksum.
    pub checksum: [u8; 2],
    /// Source, then destination.
    pub addresses: [u8; 8],
}

/// "Don't fragment" and nothing else in [`Header::id_fragment`].
pub(crate) const WHOLE: [u8; 4] = [0, 0, 0x40, 0];

/// Offset of the TTL in the header.
const TTL: usize = 8;
/// Offset of the checksum in the header.
const CHECKSUM: usize = 10;
/// Offset of the addresses in the header.
const ADDRESSES: usize = 12;
/// The longest header, which is all ones, so that it is a mask too.
const LONGEST: u16 = 0x3f;

/// The fragment offset in [`Header::id_fragment`] as a number.
const FRAGMENT_OFFSET: u32 = u32::from_le_bytes([0, 0, 0x1f, 0xff]);
/// "More fragments", likewise.
const MORE_FRAGMENTS: u32 = u32::from_le_bytes([0, 0, 0x20, 0]);
/// "Don't fragment", likewise.
const DONT_FRAGMENT: u32 = u32::from_le_bytes([0, 0, 0x40, 0]);

/// A packet from a client to a VIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The connection table's key: client and VIP, then ports and protocol (see `dray_abi::Slot4::key`).
    pub key: [u64; 2],
    /// TCP's flags, or the event that an SCTP packet is (see [`sctp`](crate::sctp)); 0 for UDP.
    pub flags: u8,
    /// Time to live.
    pub ttl: u8,
    /// Bytes of the packet, IP header included.
    pub length: u16,
    /// Bytes of the IP header, options included.
    pub(crate) header_length: u16,
    /// [`Header::id_fragment`] as a number, first byte lowest.
    pub(crate) id_fragment: u32,
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

    /// TCP, UDP or SCTP. It has no meaning for a packet of [`header`] that is none of them.
    #[inline(always)]
    pub const fn protocol(&self) -> TransportProtocol {
        segment::protocol(self.key[1])
    }

    /// Where in the frame what it carries starts; its IP header starts at `offset`.
    #[inline(always)]
    pub const fn upper(&self, offset: usize) -> usize {
        offset + (self.header_length & LONGEST) as usize
    }

    /// Whether its header has options.
    #[inline(always)]
    pub const fn has_options(&self) -> bool {
        self.header_length as usize != size_of::<Header>()
    }

    /// Whether it is a fragment other than the first one, which has no ports.
    #[inline(always)]
    pub const fn is_later_fragment(&self) -> bool {
        self.id_fragment & FRAGMENT_OFFSET != 0
    }

    /// Whether it is a fragment other than the last one.
    #[inline(always)]
    pub const fn more_fragments(&self) -> bool {
        self.id_fragment & MORE_FRAGMENTS != 0
    }

    /// Whether it may be fragmented on its way: "don't fragment" is not set.
    #[inline(always)]
    pub const fn may_be_fragmented(&self) -> bool {
        self.id_fragment & DONT_FRAGMENT == 0
    }

    /// What [`recall`] has to be told of it.
    #[inline(always)]
    pub const fn gist(&self) -> u32 {
        let protocol = (self.key[1] >> 32) as u8;
        u32::from_le_bytes([self.header_length as u8, self.flags, protocol, 0])
    }

    /// What all fragments of a packet have in common: a key of the table of fragments (see `dray_abi::Fragment::key`).
    #[inline(always)]
    pub const fn fragment_key(&self) -> [u64; 5] {
        const MAPPED: u64 = 0xffff << 16;
        [
            0,
            MAPPED | self.key[0] << 32,
            0,
            MAPPED | self.key[0] >> 32 << 32,
            (self.id_fragment as u16 as u64) << 16 | self.key[1] >> 32 << 32,
        ]
    }
}

/// Reads the packet at `offset`; the first fragment of one counts as whole.
///
/// # Errors
/// When it is a later fragment, neither TCP, UDP nor SCTP, or cut short.
#[inline(always)]
pub fn parse(frame: &Frame<'_>, offset: usize) -> Result<Packet, Refusal> {
    let (header, header_length) = read(frame, offset)?;
    let id_fragment = u32::from_le_bytes(header.id_fragment);
    if id_fragment & FRAGMENT_OFFSET != 0 {
        return Err(Refusal::Fragment);
    }
    let [ttl, protocol] = header.ttl_protocol;
    let protocol = TransportProtocol::from_number(protocol).ok_or(Refusal::OtherProtocol)?;
    let length = u16::from_be_bytes(header.length);
    let end = offset + length as usize;
    let (tail, flags) = transport(frame, offset + header_length, end, protocol)?;
    Ok(Packet {
        key: [u64::from_le_bytes(header.addresses), tail],
        flags,
        ttl,
        length,
        header_length: header_length as u16,
        id_fragment,
    })
}

/// Reads the packet at `offset` again that [`parse`] has read there, by its [gist](Packet::gist): nothing is looked at that is
/// known to be right.
///
/// # Errors
/// [`Refusal::Truncated`] when the frame has become shorter.
#[inline(always)]
pub fn recall(frame: &Frame<'_>, offset: usize, gist: u32) -> Result<Packet, Refusal> {
    let header: Header = frame.read(offset).ok_or(Refusal::Truncated)?;
    let [header_length, flags, protocol, _] = gist.to_le_bytes();
    let mut packet = Packet {
        key: [u64::from_le_bytes(header.addresses), 0],
        flags,
        ttl: header.ttl_protocol[0],
        length: u16::from_be_bytes(header.length),
        header_length: header_length as u16,
        id_fragment: u32::from_le_bytes(header.id_fragment),
    };
    let ports: Part<'_, 4> = frame.part(packet.upper(offset)).ok_or(Refusal::Truncated)?;
    packet.key[1] = segment::tail(ports.load::<0, u32>(), protocol);
    Ok(packet)
}

/// Reads the IP header alone, whatever the packet carries and whichever fragment it is: the key's ports are 0. Says also
/// what is carried, which a later fragment has only a part of.
///
/// # Errors
/// [`Refusal::Truncated`] when the header is cut short or makes no sense.
#[inline(always)]
pub fn header(frame: &Frame<'_>, offset: usize) -> Result<(Packet, Upper), Refusal> {
    let (header, header_length) = read(frame, offset)?;
    let [ttl, protocol] = header.ttl_protocol;
    let length = u16::from_be_bytes(header.length);
    if (length as usize) < header_length {
        return Err(Refusal::Truncated);
    }
    let packet = Packet {
        key: [
            u64::from_le_bytes(header.addresses),
            segment::tail(0, protocol),
        ],
        flags: 0,
        ttl,
        length,
        header_length: header_length as u16,
        id_fragment: u32::from_le_bytes(header.id_fragment),
    };
    let upper = Upper {
        protocol,
        offset: offset + header_length,
    };
    Ok((packet, upper))
}

/// Takes one from the TTL and mends the header checksum. The TTL must be at least 1.
#[inline(always)]
pub fn decrement_ttl(frame: &Frame<'_>, offset: usize) -> Option<()> {
    Hops::of(frame, offset).map(Hops::take)
}

/// The TTL of a packet in a frame, with the checksum that it is part of.
#[derive(Clone, Copy)]
pub struct Hops<'a>(Part<'a, 4>);

impl<'a> Hops<'a> {
    /// That of the packet at `offset`.
    #[inline(always)]
    pub fn of(frame: &Frame<'a>, offset: usize) -> Option<Self> {
        frame.part(offset + TTL).map(Self)
    }

    /// The TTL.
    #[inline(always)]
    pub fn left(self) -> u8 {
        self.0.load::<0, u32>() as u8
    }

    /// Takes one from it, of which there must be at least 1.
    #[inline(always)]
    pub fn take(self) {
        let word = self.0.load::<0, u32>();
        self.0.store::<0, u32>(checksum::after_ttl_decrement(word));
    }
}

/// Gives the header at `offset` these addresses, source and destination as a key has them, and mends its checksum. Gives
/// what they changed by.
#[inline(always)]
pub(crate) fn replace_addresses(
    frame: &Frame<'_>,
    offset: usize,
    addresses: u64,
) -> Option<Change> {
    let old = frame.read(offset + ADDRESSES).map(u64::from_le_bytes)?;
    let change = Change::of(old, addresses);
    write_addresses(frame, offset, addresses, change.folded())?;
    Some(change)
}

/// The same where it is known what they change by.
#[inline(always)]
pub(crate) fn write_addresses(
    frame: &Frame<'_>,
    offset: usize,
    addresses: u64,
    change: Folded,
) -> Option<()> {
    let part = frame.part::<{ ADDRESSES + 8 - CHECKSUM }>(offset + CHECKSUM)?;
    let checksum = change.mend(part.load::<0, u16>().to_le_bytes());
    part.store::<0, u16>(u16::from_le_bytes(checksum));
    part.store::<{ ADDRESSES - CHECKSUM }, u64>(addresses);
    Some(())
}

/// Mends the checksum of the header at `offset`.
#[inline(always)]
pub(crate) fn mend_checksum(frame: &Frame<'_>, offset: usize, change: Change) -> Option<()> {
    let at = offset + CHECKSUM;
    frame.write(at, change.mend(frame.read(at)?))
}

/// The fixed part of a header, and the length of all of it.
#[inline(always)]
fn read(frame: &Frame<'_>, offset: usize) -> Result<(Header, usize), Refusal> {
    let header: Header = frame.read(offset).ok_or(Refusal::Truncated)?;
    let header_length = (header.version_ihl & 0xf) as usize * 4;
    if header.version_ihl >> 4 != 4 || header_length < size_of::<Header>() {
        return Err(Refusal::Truncated);
    }
    Ok((header, header_length))
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

    /// A fragment of packet 0x1234; `offset` counts 8 bytes.
    fn fragment(offset: u16, more: bool) -> Vec<u8> {
        let mut bytes = tcp_packet(64, &[]);
        let mut ip = Ipv4Header::from_slice(&bytes).unwrap().0;
        ip.identification = 0x1234;
        ip.dont_fragment = false;
        ip.fragment_offset = IpFragOffset::try_new(offset).unwrap();
        ip.more_fragments = more;
        bytes[..20].copy_from_slice(&ip.to_bytes());
        bytes
    }

    fn header_of(bytes: &[u8]) -> Result<(Packet, Upper), Refusal> {
        let mut bytes = bytes.to_vec();
        header(&Frame::from(&mut bytes[..]), 0)
    }

    #[test]
    fn the_first_fragment_is_read_like_a_whole_packet_and_tells_that_more_follow() {
        let whole = parse_bytes(&tcp_packet(64, &[])).unwrap();
        let first = parse_bytes(&fragment(0, true)).unwrap();
        assert_eq!((first.key, first.flags), (whole.key, whole.flags));
        assert!(first.more_fragments() && !first.is_later_fragment());
        assert!(!whole.more_fragments() && !whole.is_later_fragment());
    }

    #[test]
    fn later_fragments_are_refused_and_have_the_key_of_the_first_one() {
        let first = parse_bytes(&fragment(0, true)).unwrap();
        for (offset, more) in [(1, true), (185, true), (185, false), (0x1fff, false)] {
            let bytes = fragment(offset, more);
            assert_eq!(parse_bytes(&bytes), Err(Refusal::Fragment));
            let (later, _) = header_of(&bytes).unwrap();
            assert!(later.is_later_fragment());
            assert_eq!(later.more_fragments(), more);
            assert_eq!(later.fragment_key(), first.fragment_key());
            assert_eq!(later.ports(), [[0, 0]; 2]);
        }
    }

    #[test]
    fn a_fragments_key_is_as_the_table_has_it() {
        let key = parse_bytes(&fragment(0, true)).unwrap().fragment_key();
        let mut expected = vec![0; 10];
        expected.extend([0xff, 0xff, 192, 0, 2, 1]);
        expected.extend([0; 10]);
        expected.extend([0xff, 0xff, 10, 0, 0, 100]);
        expected.extend([0, 0, 0x12, 0x34, 6, 0, 0, 0]);
        assert_eq!(key.map(u64::to_le_bytes).concat(), expected);
    }

    #[test]
    fn only_dont_fragment_forbids_fragmenting() {
        assert!(parse_bytes(&fragment(0, true)).unwrap().may_be_fragmented());
        let mut bytes = fragment(0, false);
        bytes[6] |= 0x40;
        assert!(!parse_bytes(&bytes).unwrap().may_be_fragmented());
    }

    #[test]
    fn a_header_is_read_whatever_it_carries() {
        let mut bytes = tcp_packet(64, &[1; 8]);
        bytes[9] = 1;
        let (packet, upper) = header_of(&bytes).unwrap();
        assert_eq!(
            upper,
            Upper {
                protocol: 1,
                offset: 28
            }
        );
        assert_eq!((packet.length, packet.ttl), (52, 64));
        assert_eq!(parse_bytes(&bytes), Err(Refusal::OtherProtocol));
    }

    #[test]
    fn padding_behind_the_packet_is_no_part_of_it() {
        let mut bytes = tcp_packet(64, &[]);
        bytes[2..4].copy_from_slice(&39u16.to_be_bytes());
        assert_eq!(parse_bytes(&bytes), Err(Refusal::Truncated));
        bytes[2..4].copy_from_slice(&19u16.to_be_bytes());
        assert_eq!(header_of(&bytes), Err(Refusal::Truncated));
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
            decrement_ttl(&frame, 0).unwrap();
            let header = Ipv4Header::from_slice(&bytes).unwrap().0;
            prop_assert_eq!(header.time_to_live, ttl - 1);
            prop_assert_eq!(header.header_checksum, header.calc_header_checksum());
        }

        #[test]
        fn no_bytes_make_it_read_past_the_end(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = parse_bytes(&bytes);
            let _ = header_of(&bytes);
        }
    }
}
