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

use crate::{Frame, Obstacle, checksum::Change, checksum::Sum, ipv4, ipv6, segment};
use transport::Segment;

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

/// Makes the IPv4 packet at `offset` carry `key`, whole or the first fragment. `packet` is what was parsed there.
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
) -> Result<Mended, Obstacle> {
    let [addresses, tail] = *key;
    let change = Change::of(packet.key[0], addresses);
    let mended = Segment::of4(packet, offset).rewrite(frame, change, tail)?;
    ipv4::write_addresses(frame, offset, addresses, change).ok_or(Obstacle::Truncated)?;
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
) -> Result<Mended, Obstacle> {
    let [a, b, c, d, tail] = *key;
    let [e, f, g, h, _] = packet.key;
    let change = ipv6::change([e, f, g, h], [a, b, c, d]);
    let mended = Segment::of6(packet, offset).rewrite(frame, change, tail)?;
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
