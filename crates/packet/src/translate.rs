//! Packets of translated connections (NAT and FULLNAT): other addresses and ports, and checksums that are right again without
//! the payload being looked at.
//!
//! ```text
//! same family:    link │ IP │ TCP … ──▶ link │ IP' │ TCP' …                    packet4, packet6
//! a later piece:  link │ IP │ …     ──▶ link │ IP' │ …                         fragment4, fragment6
//! ICMP error:     link │ IP │ ICMP │ IP │ ports … ──▶ all of it'               error4, error6
//! other family:   link │ IPv4 │ TCP … ──▶ link │ IPv6 │ TCP' …   (20 more)     cross::to_ipv6, cross::to_ipv4
//! ```
//!
//! A *new key* says what the packet shall be: source, destination, ports and protocol, laid out as [`ipv4::Packet::key`] or
//! [`ipv6::Packet::key`]. The TTL or hop limit is the caller's to count down, before.

pub mod cross;
mod error;
mod transport;

pub use error::{error4, error6, error6_by};

use crate::{
    Frame, Obstacle,
    checksum::{Change, Folded, Sum},
    ipv4, ipv6, segment,
};
use transport::Segment;

/// What the checksums of a packet change by that gets a new key: the same for all packets of a connection that go the same way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The IPv4 header's; without meaning for IPv6, which has none.
    header: Folded,
    /// The transport header's, for the pseudo-header's part and the ports.
    transport: Folded,
}

impl Changes {
    /// From one key to another of the same family. The order of the words in a key is all the same to the transport header's,
    /// and so is the side that comes first.
    #[inline(always)]
    pub const fn between<const N: usize>(old: &[u64; N], new: &[u64; N]) -> Self {
        let mut transport = Change::of(old[0], new[0]);
        let header = transport.folded();
        let mut word = 1;
        while word < N {
            transport = transport.and(Change::of(old[word], new[word]));
            word += 1;
        }
        Self {
            header,
            transport: transport.folded(),
        }
    }

    /// Those of the packets that go the other way.
    #[inline(always)]
    pub const fn back(self) -> Self {
        Self {
            header: self.header.back(),
            transport: self.transport.back(),
        }
    }

    /// Both in one number, as a translation keeps them.
    #[inline(always)]
    pub const fn bits(self) -> u32 {
        self.header.bits() as u32 | (self.transport.bits() as u32) << 16
    }

    /// Those of such a number.
    #[inline(always)]
    pub const fn from_bits(bits: u32) -> Self {
        Self {
            header: Folded::from_bits(bits as u16),
            transport: Folded::from_bits((bits >> 16) as u16),
        }
    }
}

/// What is left to do after a packet was rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Mended {
    /// Nothing.
    Whole,
    /// It is a UDP datagram that came without a checksum, and so it is still. IPVS gives it one, and over IPv6 it must have one:
    /// [`complete4`] and [`complete6`] write it.
    Bare,
}

/// Makes the IPv4 packet at `offset` carry `key`, whole or the first fragment. `packet` is what was parsed there, and `changes`
/// what leads from its key to the new one.
///
/// # Errors
/// [`Obstacle::Truncated`]; [`Obstacle::Fragment`] for the first fragment of an SCTP packet whose ports change, because its
/// checksum depends on how long the whole packet is.
#[inline(always)]
pub fn packet4(
    frame: &Frame<'_>,
    offset: usize,
    packet: &ipv4::Packet,
    key: &[u64; 2],
    changes: Changes,
) -> Result<Mended, Obstacle> {
    let [addresses, tail] = *key;
    let mended = Segment::of4(packet, offset).rewrite(frame, changes.transport, tail)?;
    ipv4::write_addresses(frame, offset, addresses, changes.header).ok_or(Obstacle::Truncated)?;
    Ok(mended)
}

/// Makes the IPv6 packet at `offset` carry `key`, likewise.
///
/// # Errors
/// As for [`packet4`].
#[inline(always)]
pub fn packet6(
    frame: &Frame<'_>,
    offset: usize,
    packet: &ipv6::Packet,
    key: &[u64; 5],
    changes: Changes,
) -> Result<Mended, Obstacle> {
    let [a, b, c, d, tail] = *key;
    let mended = Segment::of6(packet, offset).rewrite(frame, changes.transport, tail)?;
    ipv6::write_addresses(frame, offset, [a, b, c, d]).ok_or(Obstacle::Truncated)?;
    Ok(mended)
}

/// Gives the IPv4 packet at `offset`, a fragment other than the first, the addresses of `key`.
///
/// # Errors
/// [`Obstacle::Truncated`].
#[inline(always)]
pub fn fragment4(frame: &Frame<'_>, offset: usize, key: &[u64; 2]) -> Result<(), Obstacle> {
    ipv4::replace_addresses(frame, offset, key[0]).ok_or(Obstacle::Truncated)?;
    Ok(())
}

/// Gives the IPv6 packet at `offset`, a fragment other than the first, the addresses of `key`.
///
/// # Errors
/// [`Obstacle::Truncated`].
#[inline(always)]
pub fn fragment6(frame: &Frame<'_>, offset: usize, key: &[u64; 5]) -> Result<(), Obstacle> {
    let [a, b, c, d, _] = *key;
    ipv6::write_addresses(frame, offset, [a, b, c, d]).ok_or(Obstacle::Truncated)
}

/// Writes the checksum of a [`Mended::Bare`] datagram that is IPv4 now and carries `key`. It starts at `upper` in the frame,
/// has `length` bytes up to the IP packet's end, and they add up to `sum` (see [`Summing`](crate::checksum::Summing)).
#[inline(always)]
pub fn complete4(
    frame: &Frame<'_>,
    upper: usize,
    key: &[u64; 2],
    length: u16,
    sum: Sum,
) -> Option<()> {
    let [addresses, tail] = *key;
    let pseudo = Sum::pseudo_header([addresses], segment::protocol(tail).number(), length);
    transport::complete(frame, upper, pseudo.and(sum))
}

/// The same for one that is IPv6 now.
#[inline(always)]
pub fn complete6(
    frame: &Frame<'_>,
    upper: usize,
    key: &[u64; 5],
    length: u16,
    sum: Sum,
) -> Option<()> {
    let [a, b, c, d, tail] = *key;
    let pseudo = Sum::pseudo_header([a, b, c, d], segment::protocol(tail).number(), length);
    transport::complete(frame, upper, pseudo.and(sum))
}

#[cfg(test)]
mod tests;
