//! IPv6 (RFC 8200), with extension headers, as far as a director looks.

use core::{num::NonZeroU32, ops::ControlFlow};

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::{
    Frame, Refusal, TransportProtocol, Upper,
    checksum::Change,
    frame::Part,
    segment::{self, transport},
};

/// The fixed header, as it lies in the packet (all numbers in network order).
#[repr(C)]
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
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
/// Offset of the addresses in the header.
const ADDRESSES: usize = 8;
/// Extension headers that are walked; a packet with more is not balanced.
const MAX_EXTENSIONS: u32 = 6;
/// How far from the start of the frame the transport header may lie.
const MAX_OFFSET: usize = 2048;

/// The fragment offset in a Fragment header as a number.
const FRAGMENT_OFFSET: u64 = u64::from_le_bytes([0, 0, 0xff, 0xf8, 0, 0, 0, 0]);
/// "More fragments", likewise.
const MORE_FRAGMENTS: u64 = u64::from_le_bytes([0, 0, 0, 1, 0, 0, 0, 0]);

/// A packet from a client to a VIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The connection table's key: client and VIP, then ports and protocol (see `dray_abi::Slot6::key`).
    pub key: [u64; 5],
    /// TCP's flags, or the event that an SCTP packet is (see [`sctp`](crate::sctp)); 0 for UDP.
    pub flags: u8,
    /// Hop limit.
    pub hop_limit: u8,
    /// Bytes of the packet, all headers included.
    pub length: u32,
    /// Bytes of the IP header, extension headers included.
    pub(crate) header_length: u16,
    /// The Fragment header (RFC 8200 section 4.5) as a number, first byte lowest; 0 when there is none.
    pub(crate) fragment: u64,
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

    /// TCP, UDP or SCTP. It has no meaning for a packet of [`header`] that is none of them.
    #[inline(always)]
    pub const fn protocol(&self) -> TransportProtocol {
        segment::protocol(self.key[4])
    }

    /// Where in the frame what it carries starts; its IP header starts at `offset`.
    #[inline(always)]
    pub const fn upper(&self, offset: usize) -> usize {
        offset + (self.header_length as usize & (2 * MAX_OFFSET - 1))
    }

    /// Whether it has extension headers.
    #[inline(always)]
    pub const fn has_extensions(&self) -> bool {
        self.header_length as usize != size_of::<Header>()
    }

    /// Whether it has a Fragment header, be it the only fragment (RFC 6946).
    #[inline(always)]
    pub const fn has_fragment_header(&self) -> bool {
        self.fragment != 0
    }

    /// Whether it is a fragment other than the first one, which has no ports.
    #[inline(always)]
    pub const fn is_later_fragment(&self) -> bool {
        self.fragment & FRAGMENT_OFFSET != 0
    }

    /// Whether it is a fragment other than the last one.
    #[inline(always)]
    pub const fn more_fragments(&self) -> bool {
        self.fragment & MORE_FRAGMENTS != 0
    }

    /// Whether it may be fragmented on its way: never, in IPv6.
    #[inline(always)]
    pub const fn may_be_fragmented(&self) -> bool {
        false
    }

    /// What [`recall`] has to be told of it; none for one with extension headers, which has to be parsed again.
    #[inline(always)]
    pub const fn gist(&self) -> Option<NonZeroU32> {
        if self.has_extensions() {
            return None;
        }
        let protocol = (self.key[4] >> 32) as u8;
        NonZeroU32::new(u32::from_le_bytes([
            self.header_length as u8,
            self.flags,
            protocol,
            0,
        ]))
    }

    /// What all fragments of a packet have in common: a key of the table of fragments (see `dray_abi::Fragment::key`).
    #[inline(always)]
    pub const fn fragment_key(&self) -> [u64; 5] {
        let [a, b, c, d, _] = self.key;
        [a, b, c, d, self.fragment >> 32]
    }
}

/// Reads the packet at `offset`; the first fragment of one counts as whole.
///
/// # Errors
/// When it is a later fragment, neither TCP, UDP nor SCTP, or cut short.
#[inline(always)]
pub fn parse(frame: &Frame<'_>, offset: usize) -> Result<Packet, Refusal> {
    parse_by(frame, offset, |walk| walk.through(frame))
}

/// The same; `drive` drives a walk over extension headers to its end.
///
/// # Errors
/// As for [`parse`].
#[inline(always)]
pub fn parse_by(
    frame: &Frame<'_>,
    offset: usize,
    drive: impl FnOnce(Walk) -> Walk,
) -> Result<Packet, Refusal> {
    let header = read(frame, offset)?;
    let [next, hop_limit] = header.next_hop_limit;
    let (protocol, at, fragment) = find_transport(next, offset + size_of::<Header>(), drive)?;
    let length = length(&header);
    let end = offset + length as usize;
    let (tail, flags) = transport(frame, at, end, protocol)?;
    let [client_high, client_low, vip_high, vip_low] = header.addresses.map(u64::from_le_bytes);
    Ok(Packet {
        key: [client_high, client_low, vip_high, vip_low, tail],
        flags,
        hop_limit,
        length,
        header_length: (at - offset) as u16,
        fragment,
    })
}

/// Reads the packet at `offset` again that [`parse`] has read there, by its [gist](Packet::gist): nothing is looked at that is
/// known to be right.
///
/// # Errors
/// [`Refusal::Truncated`] when the frame has become shorter.
#[inline(always)]
pub fn recall(frame: &Frame<'_>, offset: usize, gist: NonZeroU32) -> Result<Packet, Refusal> {
    const HEADER: usize = size_of::<Header>();
    let header: Header = frame.read(offset).ok_or(Refusal::Truncated)?;
    let ports: Part<'_, 4> = frame.part(offset + HEADER).ok_or(Refusal::Truncated)?;
    let [header_length, flags, protocol, _] = gist.get().to_le_bytes();
    let [client_high, client_low, vip_high, vip_low] = header.addresses.map(u64::from_le_bytes);
    let tail = segment::tail(ports.load::<0, u32>(), protocol);
    Ok(Packet {
        key: [client_high, client_low, vip_high, vip_low, tail],
        flags,
        hop_limit: header.next_hop_limit[1],
        length: length(&header),
        header_length: header_length as u16,
        fragment: 0,
    })
}

/// Reads the IP header and extension headers alone, whatever the packet carries and whichever fragment it is: the key's
/// ports are 0. Says also what is carried, which a later fragment has only a part of.
///
/// # Errors
/// [`Refusal::Truncated`] when a header is cut short or makes no sense, [`Refusal::OtherProtocol`] when there are too many.
#[inline(always)]
pub fn header(frame: &Frame<'_>, offset: usize) -> Result<(Packet, Upper), Refusal> {
    header_by(frame, offset, |walk| walk.through(frame))
}

/// The same; `drive` drives a walk to its end.
///
/// # Errors
/// As for [`header`].
#[inline(always)]
pub fn header_by(
    frame: &Frame<'_>,
    offset: usize,
    drive: impl FnOnce(Walk) -> Walk,
) -> Result<(Packet, Upper), Refusal> {
    let header = read(frame, offset)?;
    let [next, hop_limit] = header.next_hop_limit;
    let (upper, fragment) = drive(Walk::new(next, offset + size_of::<Header>())).end()?;
    let length = length(&header);
    if offset + (length as usize) < upper.offset {
        return Err(Refusal::Truncated);
    }
    let [client_high, client_low, vip_high, vip_low] = header.addresses.map(u64::from_le_bytes);
    let tail = segment::tail(0, upper.protocol);
    let packet = Packet {
        key: [client_high, client_low, vip_high, vip_low, tail],
        flags: 0,
        hop_limit,
        length,
        header_length: (upper.offset - offset) as u16,
        fragment,
    };
    Ok((packet, upper))
}

/// Takes one from the hop limit, which must be at least 1.
#[inline(always)]
pub fn decrement_hop_limit(frame: &Frame<'_>, offset: usize) -> Option<()> {
    Hops::of(frame, offset).map(Hops::take)
}

/// The hop limit of a packet in a frame.
#[derive(Clone, Copy)]
pub struct Hops<'a>(Part<'a, 1>);

impl<'a> Hops<'a> {
    /// That of the packet at `offset`.
    #[inline(always)]
    pub fn of(frame: &Frame<'a>, offset: usize) -> Option<Self> {
        frame.part(offset + HOP_LIMIT).map(Self)
    }

    /// The hop limit.
    #[inline(always)]
    pub fn left(self) -> u8 {
        self.0.load::<0, u8>()
    }

    /// Takes one from it, of which there must be at least 1.
    #[inline(always)]
    pub fn take(self) {
        self.0.store::<0, u8>(self.left().wrapping_sub(1));
    }
}

/// Gives the header at `offset` these addresses, source and destination as a key has them. Gives what they changed by.
#[inline(always)]
pub(crate) fn replace_addresses(
    frame: &Frame<'_>,
    offset: usize,
    addresses: [u64; 4],
) -> Option<Change> {
    let old: [[u8; 8]; 4] = frame.read(offset + ADDRESSES)?;
    write_addresses(frame, offset, addresses)?;
    Some(change(old.map(u64::from_le_bytes), addresses))
}

/// The same where it is known what they change by.
#[inline(always)]
pub(crate) fn write_addresses(frame: &Frame<'_>, offset: usize, addresses: [u64; 4]) -> Option<()> {
    let part = frame.part::<32>(offset + ADDRESSES)?;
    part.store::<0, u64>(addresses[0]);
    part.store::<8, u64>(addresses[1]);
    part.store::<16, u64>(addresses[2]);
    part.store::<24, u64>(addresses[3]);
    Some(())
}

/// What these addresses change by.
#[inline(always)]
pub(crate) const fn change(old: [u64; 4], new: [u64; 4]) -> Change {
    Change::of(old[0], new[0])
        .and(Change::of(old[1], new[1]))
        .and(Change::of(old[2], new[2]))
        .and(Change::of(old[3], new[3]))
}

#[inline(always)]
fn read(frame: &Frame<'_>, offset: usize) -> Result<Header, Refusal> {
    let header: Header = frame.read(offset).ok_or(Refusal::Truncated)?;
    let [version_class, ..] = header.version_class_flow;
    if version_class >> 4 != 6 {
        return Err(Refusal::Truncated);
    }
    Ok(header)
}

#[inline(always)]
fn length(header: &Header) -> u32 {
    size_of::<Header>() as u32 + u16::from_be_bytes(header.payload_length) as u32
}

/// Where the transport header lies, which most often follows at once, and the Fragment header.
#[inline(always)]
fn find_transport(
    first: u8,
    offset: usize,
    drive: impl FnOnce(Walk) -> Walk,
) -> Result<(TransportProtocol, usize, u64), Refusal> {
    if let Some(protocol) = TransportProtocol::from_number(first) {
        return Ok((protocol, offset, 0));
    }
    let (upper, fragment) = drive(Walk::new(first, offset)).end()?;
    if fragment & FRAGMENT_OFFSET != 0 {
        return Err(Refusal::Fragment);
    }
    let protocol = TransportProtocol::from_number(upper.protocol).ok_or(Refusal::OtherProtocol)?;
    Ok((protocol, upper.offset, fragment))
}

/// A walk over extension headers (RFC 8200 section 4) to what is carried, in steps, so that the kernel's loop helper can drive
/// it as well as a loop. A later fragment's ends behind its Fragment header: what follows are bytes from the middle of
/// something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walk {
    next: u8,
    /// The frame ended inside a header.
    truncated: bool,
    at: u16,
    /// As [`Packet::fragment`].
    fragment: u64,
}

impl Walk {
    /// Steps that are enough.
    pub const STEPS: u32 = MAX_EXTENSIONS;

    /// From a header of type `first` at `offset`.
    #[inline(always)]
    const fn new(first: u8, offset: usize) -> Self {
        Self {
            next: first,
            truncated: false,
            at: offset as u16,
            fragment: 0,
        }
    }

    /// Walks over one header, until there is none.
    #[inline(always)]
    pub fn step(&mut self, frame: &Frame<'_>) -> ControlFlow<()> {
        const HOP_BY_HOP: u8 = 0;
        const ROUTING: u8 = 43;
        const FRAGMENT: u8 = 44;
        const DESTINATION_OPTIONS: u8 = 60;

        let is_fragment = self.next == FRAGMENT;
        let is_extension =
            is_fragment || matches!(self.next, HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS);
        let at = self.at();
        if !is_extension || at > MAX_OFFSET {
            return ControlFlow::Break(());
        }
        let Some(header) = frame.read::<[u8; 8]>(at) else {
            self.truncated = true;
            return ControlFlow::Break(());
        };
        let [next, length, ..] = header;
        self.next = next;
        if !is_fragment {
            self.at += (u16::from(length) + 1) * 8;
            return ControlFlow::Continue(());
        }
        self.at += 8;
        self.fragment = u64::from_le_bytes(header);
        if self.fragment & FRAGMENT_OFFSET != 0 {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    /// Walks to the end.
    #[inline(always)]
    pub fn through(mut self, frame: &Frame<'_>) -> Self {
        for _ in 0..Self::STEPS {
            if self.step(frame).is_break() {
                break;
            }
        }
        self
    }

    /// What is carried, and the Fragment header.
    #[inline(always)]
    fn end(self) -> Result<(Upper, u64), Refusal> {
        if self.truncated {
            return Err(Refusal::Truncated);
        }
        let offset = self.at();
        if offset > MAX_OFFSET {
            return Err(Refusal::OtherProtocol);
        }
        let upper = Upper {
            protocol: self.next,
            offset,
        };
        Ok((upper, self.fragment))
    }

    /// Where it is, at most one header beyond [`MAX_OFFSET`].
    ///
    /// The bits that are always 0 are taken away before anything is compared: Linux 6.1's verifier forgets what it
    /// learned of a number by a comparison when the number lies on the stack, but not what a mask says of it.
    #[inline(always)]
    const fn at(&self) -> usize {
        (self.at & 0x1fff) as usize
    }
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

    /// A packet with these extension headers, the Fragment header among them with this offset (in 8 bytes), "more" and
    /// identification 0x01020304.
    fn fragment(extensions: &[(u8, u8)], offset: u16, more: bool) -> Vec<u8> {
        let mut bytes = packet(extensions);
        let mut at = 40;
        for (_, length) in extensions.iter().take_while(|(kind, _)| *kind != 44) {
            at += (usize::from(*length) + 1) * 8;
        }
        bytes[at + 2..at + 4].copy_from_slice(&(offset << 3 | u16::from(more)).to_be_bytes());
        bytes[at + 4..at + 8].copy_from_slice(&[1, 2, 3, 4]);
        bytes
    }

    fn header_of(bytes: &[u8]) -> Result<(Packet, Upper), Refusal> {
        let mut bytes = bytes.to_vec();
        header(&Frame::from(&mut bytes[..]), 0)
    }

    const PLACES: [&[(u8, u8)]; 3] = [&[(44, 0)], &[(0, 0), (44, 0)], &[(0, 1), (44, 0), (60, 0)]];

    #[test]
    fn the_first_fragment_is_read_like_a_whole_packet_and_tells_that_more_follow() {
        let whole = parse_bytes(&packet(&[])).unwrap();
        for extensions in PLACES {
            let first = parse_bytes(&fragment(extensions, 0, true)).unwrap();
            assert_eq!(first.key, whole.key);
            assert!(first.more_fragments() && !first.is_later_fragment());
            let only = parse_bytes(&fragment(extensions, 0, false)).unwrap();
            assert!(!only.more_fragments() && only.has_fragment_header());
        }
        assert!(!whole.more_fragments() && !whole.has_fragment_header());
    }

    #[test]
    fn later_fragments_are_refused_and_have_the_key_of_the_first_one() {
        for extensions in PLACES {
            let first = parse_bytes(&fragment(extensions, 0, true)).unwrap();
            for (offset, more) in [(1, true), (181, true), (0x1fff, false)] {
                let bytes = fragment(extensions, offset, more);
                assert_eq!(parse_bytes(&bytes), Err(Refusal::Fragment));
                let (later, _) = header_of(&bytes).unwrap();
                assert!(later.is_later_fragment());
                assert_eq!(later.more_fragments(), more);
                assert_eq!(later.fragment_key(), first.fragment_key());
                assert_eq!(later.ports(), [[0, 0]; 2]);
            }
        }
    }

    #[test]
    fn a_fragments_key_is_as_the_table_has_it() {
        let key = parse_bytes(&fragment(&[(44, 0)], 0, true))
            .unwrap()
            .fragment_key();
        let mut expected = vec![0x20; 16];
        expected.extend([0xfd; 16]);
        expected.extend([1, 2, 3, 4, 0, 0, 0, 0]);
        assert_eq!(key.map(u64::to_le_bytes).concat(), expected);
    }

    #[test]
    fn a_header_is_read_whatever_it_carries() {
        let mut bytes = packet(&[(60, 1)]);
        bytes[40] = 58;
        let (packet, upper) = header_of(&bytes).unwrap();
        assert_eq!(
            upper,
            Upper {
                protocol: 58,
                offset: 56
            }
        );
        assert_eq!((packet.length, packet.hop_limit), (64, 64));
        assert_eq!(parse_bytes(&bytes), Err(Refusal::OtherProtocol));
    }

    #[test]
    fn padding_behind_the_packet_is_no_part_of_it() {
        let mut bytes = packet(&[(60, 0)]);
        bytes[4..6].copy_from_slice(&15u16.to_be_bytes());
        assert_eq!(parse_bytes(&bytes), Err(Refusal::Truncated));
        bytes[4..6].copy_from_slice(&7u16.to_be_bytes());
        assert_eq!(header_of(&bytes), Err(Refusal::Truncated));
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
            let _ = header_of(&bytes);
        }
    }
}
