//! Crossing families: a client's IPv6 packet becomes one for an IPv4 real server, its reply an IPv6 packet again, and the
//! reverse. The transport layer sees nothing of it but another pseudo-header, in which only the addresses differ.
//!
//! Neither options nor extension headers nor fragments cross, because there is nothing that they could become without loss.

use zerocopy::transmute;

use super::{Mended, Segment};
use crate::{Frame, Obstacle, checksum::Change, checksum::Sum, ethernet, ipv4, ipv6, segment};

/// Bytes that an IPv6 header is longer by than an IPv4 one.
pub const SURPLUS: usize = size_of::<ipv6::Header>() - size_of::<ipv4::Header>();

/// Whether the packet can become an IPv6 one.
///
/// # Errors
/// [`Obstacle::Fragment`] and [`Obstacle::Options`].
#[inline(always)]
pub fn check4(packet: &ipv4::Packet) -> Result<(), Obstacle> {
    if packet.more_fragments() || packet.is_later_fragment() {
        return Err(Obstacle::Fragment);
    }
    if packet.has_options() {
        return Err(Obstacle::Options);
    }
    Ok(())
}

/// Whether the packet can become an IPv4 one.
///
/// # Errors
/// [`Obstacle::Fragment`], [`Obstacle::Options`] and [`Obstacle::TooLong`].
#[inline(always)]
pub fn check6(packet: &ipv6::Packet) -> Result<(), Obstacle> {
    if packet.has_fragment_header() {
        return Err(Obstacle::Fragment);
    }
    if packet.has_extensions() {
        return Err(Obstacle::Options);
    }
    if packet.length - SURPLUS as u32 > u16::MAX as u32 {
        return Err(Obstacle::TooLong);
    }
    Ok(())
}

/// Makes an IPv4 packet, of which [`check4`] thinks well, the IPv6 packet that `key` says. [`SURPLUS`] bytes were put in front
/// of the frame since `packet` was parsed; `link` is how long the link layer is, which moves to the front. The IPv6 header
/// comes to lie behind it. A [`Mended::Bare`] datagram must be completed.
///
/// # Errors
/// [`Obstacle::Truncated`], and what [`check4`] says.
#[inline(always)]
pub fn to_ipv6(
    frame: &Frame<'_>,
    link: usize,
    packet: &ipv4::Packet,
    key: &[u64; 5],
) -> Result<Mended, Obstacle> {
    check4(packet)?;
    let [a, b, c, d, tail] = *key;
    let offset = link + SURPLUS;
    let old: ipv4::Header = frame.read(offset).ok_or(Obstacle::Truncated)?;
    let segment = Segment::of4(packet, offset);
    let [hops, protocol] = old.ttl_protocol;
    let header = ipv6::Header {
        version_class_flow: [0x60 | old.tos >> 4, old.tos << 4, 0, 0],
        payload_length: (segment.length() as u16).to_be_bytes(),
        next_hop_limit: [protocol, hops],
        addresses: [a, b, c, d].map(u64::to_le_bytes),
    };
    let change = Change::of(packet.key[0], 0)
        .and(Change::of(0, a))
        .and(Change::of(0, b))
        .and(Change::of(0, c))
        .and(Change::of(0, d));
    let change = change.and(segment.ports_change(tail));
    let mended = segment.rewrite(frame, change.folded(), tail)?;
    ethernet::shift(frame, SURPLUS, 0, link, ethernet::IPV6).ok_or(Obstacle::Truncated)?;
    frame.write(link, header).ok_or(Obstacle::Truncated)?;
    Ok(mended)
}

/// Makes an IPv6 packet, of which [`check6`] thinks well, the IPv4 packet that `key` says. The link layer, `link` bytes,
/// moves towards the packet: it starts [`SURPLUS`] bytes into the frame then, and the caller takes those off.
///
/// # Errors
/// [`Obstacle::Truncated`], and what [`check6`] says.
#[inline(always)]
pub fn to_ipv4(
    frame: &Frame<'_>,
    link: usize,
    packet: &ipv6::Packet,
    key: &[u64; 2],
) -> Result<Mended, Obstacle> {
    check6(packet)?;
    let [addresses, tail] = *key;
    let [class, flow, _, _]: [u8; 4] = frame.read(link).ok_or(Obstacle::Truncated)?;
    let [_, hops]: [u8; 2] = frame.read(link + 6).ok_or(Obstacle::Truncated)?;
    let [a, b, c, d, _] = packet.key;
    let segment = Segment::of6(packet, link);
    let mut header = ipv4::Header {
        version_ihl: 0x45,
        tos: class << 4 | flow >> 4,
        length: ((segment.length() + size_of::<ipv4::Header>()) as u16).to_be_bytes(),
        id_fragment: ipv4::WHOLE,
        ttl_protocol: [hops, segment::protocol(tail).number()],
        checksum: [0; 2],
        addresses: addresses.to_le_bytes(),
    };
    header.checksum = Sum::of::<5>(transmute!(header)).checksum();
    let change = Change::of(a, addresses)
        .and(Change::of(b, 0))
        .and(Change::of(c, 0))
        .and(Change::of(d, 0));
    let change = change.and(segment.ports_change(tail));
    let mended = segment.rewrite(frame, change.folded(), tail)?;
    ethernet::shift(frame, 0, SURPLUS, link, ethernet::IPV4).ok_or(Obstacle::Truncated)?;
    let written = frame.write(link + SURPLUS, header);
    written.ok_or(Obstacle::Truncated)?;
    Ok(mended)
}

#[cfg(test)]
mod tests;
