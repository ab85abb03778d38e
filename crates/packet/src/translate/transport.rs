//! Ports, and the checksums of the transport layer.

use super::Mended;
use crate::{
    Frame, Obstacle, TransportProtocol,
    checksum::{self, Change, Folded, Sum},
    crc32c, ipv4, ipv6, segment,
};

/// Offset of the checksum in a TCP header.
const TCP_CHECKSUM: usize = 16;
/// In a UDP header.
const UDP_CHECKSUM: usize = 6;
/// In an SCTP header.
const SCTP_CHECKSUM: usize = 8;

/// What an IP packet carries, as far as it is rewritten.
pub(super) struct Segment {
    /// Where in the frame it starts.
    at: usize,
    /// Bytes up to the IP packet's end.
    length: usize,
    /// Whether it is all there: the packet is no fragment.
    is_whole: bool,
    /// Ports and protocol, as the last word of a key has them.
    tail: u64,
}

impl Segment {
    /// That of the IPv4 packet at `offset`.
    #[inline(always)]
    pub(super) fn of4(packet: &ipv4::Packet, offset: usize) -> Self {
        let at = packet.upper(offset);
        Self {
            at,
            length: (offset + packet.length as usize).wrapping_sub(at),
            is_whole: !packet.more_fragments(),
            tail: packet.key[1],
        }
    }

    /// That of the IPv6 packet at `offset`.
    #[inline(always)]
    pub(super) fn of6(packet: &ipv6::Packet, offset: usize) -> Self {
        let at = packet.upper(offset);
        Self {
            at,
            length: (offset + packet.length as usize).wrapping_sub(at),
            is_whole: !packet.more_fragments(),
            tail: packet.key[4],
        }
    }

    /// Bytes up to the IP packet's end.
    #[inline(always)]
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// What its ports change by when they become those of `tail`.
    #[inline(always)]
    pub(super) fn ports_change(&self, tail: u64) -> Change {
        Change::of(self.tail as u32 as u64, tail as u32 as u64)
    }

    /// Gives it the ports of `tail`, and mends its checksum, which covers addresses too: it changes by `change` in all.
    #[inline(always)]
    pub(super) fn rewrite(
        &self,
        frame: &Frame<'_>,
        change: Folded,
        tail: u64,
    ) -> Result<Mended, Obstacle> {
        let (old, new) = (self.tail as u32, tail as u32);
        let mended = match segment::protocol(self.tail) {
            TransportProtocol::Tcp => self.mend_tcp(frame, change, new),
            TransportProtocol::Udp => self.mend_udp(frame, change, new),
            TransportProtocol::Sctp if old == new => Some(Mended::Whole),
            TransportProtocol::Sctp if !self.is_whole => return Err(Obstacle::Fragment),
            TransportProtocol::Sctp => self.mend_sctp(frame, old, new),
        };
        mended.ok_or(Obstacle::Truncated)
    }

    #[inline(always)]
    fn mend_tcp(&self, frame: &Frame<'_>, change: Folded, ports: u32) -> Option<Mended> {
        let header = frame.part::<{ TCP_CHECKSUM + 2 }>(self.at)?;
        let checksum = header.load::<TCP_CHECKSUM, u16>().to_le_bytes();
        let mended = u16::from_le_bytes(change.mend(checksum));
        header.store::<TCP_CHECKSUM, u16>(mended);
        header.store::<0, u32>(ports);
        Some(Mended::Whole)
    }

    #[inline(always)]
    fn mend_udp(&self, frame: &Frame<'_>, change: Folded, ports: u32) -> Option<Mended> {
        let header = frame.part::<{ UDP_CHECKSUM + 2 }>(self.at)?;
        header.store::<0, u32>(ports);
        let checksum = header.load::<UDP_CHECKSUM, u16>().to_le_bytes();
        if checksum == [0; 2] {
            // Nobody can give one to a fragment.
            return Some(if self.is_whole {
                Mended::Bare
            } else {
                Mended::Whole
            });
        }
        let mended = u16::from_le_bytes(checksum::not_zero(change.mend(checksum)));
        header.store::<UDP_CHECKSUM, u16>(mended);
        Some(Mended::Whole)
    }

    /// Addresses are not covered. A checksum of 0 says that the two ends do without (RFC 9653).
    #[inline(always)]
    fn mend_sctp(&self, frame: &Frame<'_>, old: u32, new: u32) -> Option<Mended> {
        let header = frame.part::<{ SCTP_CHECKSUM + 4 }>(self.at)?;
        header.store::<0, u32>(new);
        let checksum = header.load::<SCTP_CHECKSUM, u32>().to_le_bytes();
        if checksum != [0; 4] {
            let mended = crc32c::after_change(checksum, self.length as u16, old, new);
            header.store::<SCTP_CHECKSUM, u32>(u32::from_le_bytes(mended));
        }
        Some(Mended::Whole)
    }
}

/// Writes the checksum of the UDP datagram at `at`, whose bytes and pseudo-header add up to `sum`.
#[inline(always)]
pub(super) fn complete(frame: &Frame<'_>, at: usize, sum: Sum) -> Option<()> {
    frame.write(at + UDP_CHECKSUM, checksum::not_zero(sum.checksum()))
}
