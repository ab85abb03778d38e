//! Ports, and the checksums of the transport layer.

use super::Mended;
use crate::{
    Frame, Obstacle, TransportProtocol,
    checksum::{self, Change, Sum},
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

    /// Gives it the ports of `tail`, and mends its checksum, which covers `addresses` too.
    #[inline(always)]
    pub(super) fn rewrite(
        &self,
        frame: &Frame<'_>,
        addresses: Change,
        tail: u64,
    ) -> Result<Mended, Obstacle> {
        let (old, new) = (self.tail as u32, tail as u32);
        let change = addresses.and(Change::of(old as u64, new as u64));
        let mended = match segment::protocol(self.tail) {
            TransportProtocol::Tcp => self.mend_tcp(frame, change),
            TransportProtocol::Udp => self.mend_udp(frame, change),
            TransportProtocol::Sctp if old == new => Some(Mended::Whole),
            TransportProtocol::Sctp if !self.is_whole => return Err(Obstacle::Fragment),
            TransportProtocol::Sctp => self.mend_sctp(frame, old, new),
        };
        let mended = mended.ok_or(Obstacle::Truncated)?;
        let written = frame.write(self.at, new.to_le_bytes());
        written.ok_or(Obstacle::Truncated)?;
        Ok(mended)
    }

    #[inline(always)]
    fn mend_tcp(&self, frame: &Frame<'_>, change: Change) -> Option<Mended> {
        let at = self.at + TCP_CHECKSUM;
        frame.write(at, change.mend(frame.read(at)?))?;
        Some(Mended::Whole)
    }

    #[inline(always)]
    fn mend_udp(&self, frame: &Frame<'_>, change: Change) -> Option<Mended> {
        let at = self.at + UDP_CHECKSUM;
        let checksum: [u8; 2] = frame.read(at)?;
        if checksum == [0; 2] {
            // Nobody can give one to a fragment.
            return Some(if self.is_whole {
                Mended::Bare
            } else {
                Mended::Whole
            });
        }
        frame.write(at, checksum::not_zero(change.mend(checksum)))?;
        Some(Mended::Whole)
    }

    /// Addresses are not covered. A checksum of 0 says that the two ends do without (RFC 9653).
    #[inline(always)]
    fn mend_sctp(&self, frame: &Frame<'_>, old: u32, new: u32) -> Option<Mended> {
        let at = self.at + SCTP_CHECKSUM;
        let checksum: [u8; 4] = frame.read(at)?;
        if checksum != [0; 4] {
            let mended = crc32c::after_change(checksum, self.length as u16, old, new);
            frame.write(at, mended)?;
        }
        Some(Mended::Whole)
    }
}

/// Writes the checksum of the UDP datagram at `at`, whose bytes and pseudo-header add up to `sum`.
#[inline(always)]
pub(super) fn complete(frame: &Frame<'_>, at: usize, sum: Sum) -> Option<()> {
    frame.write(at + UDP_CHECKSUM, checksum::not_zero(sum.checksum()))
}
