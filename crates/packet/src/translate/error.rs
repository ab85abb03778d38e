//! ICMP errors about translated connections, either way. What an error quotes went the other way, so its addresses and ports are
//! those of the new key in each other's place.
//!
//! The error's own source is a router on the way or the other end. It becomes the new source when the quoted packet's
//! destination does: whom the receiver is not to know of, or cannot reach, does not tell it of errors either.

use crate::{
    Frame, Obstacle,
    checksum::Change,
    icmp::{Header, ICMPV6},
    ipv4, ipv6,
};

/// Offset of the checksum in an ICMP header.
const CHECKSUM: usize = 2;

/// Makes the ICMP error at `offset`, which [`icmp::parse4`](crate::icmp::parse4) has read, one about the connection whose
/// packets that go the same way carry `key`. The quoted packet's transport checksum stays what it is.
///
/// # Errors
/// [`Obstacle::Truncated`].
#[inline(always)]
pub fn error4(frame: &Frame<'_>, offset: usize, key: &[u64; 2]) -> Result<(), Obstacle> {
    rewrite4(frame, offset, key).ok_or(Obstacle::Truncated)
}

/// The same of an ICMPv6 error, which [`icmp::parse6`](crate::icmp::parse6) has read.
///
/// # Errors
/// [`Obstacle::Truncated`].
#[inline(always)]
pub fn error6(frame: &Frame<'_>, offset: usize, key: &[u64; 5]) -> Result<(), Obstacle> {
    error6_by(frame, offset, key, |walk| walk.through(frame))
}

/// The same; `drive` drives a walk over extension headers to its end.
///
/// # Errors
/// [`Obstacle::Truncated`].
#[inline(always)]
pub fn error6_by(
    frame: &Frame<'_>,
    offset: usize,
    key: &[u64; 5],
    drive: impl Fn(ipv6::Walk) -> ipv6::Walk,
) -> Result<(), Obstacle> {
    rewrite6(frame, offset, key, drive).ok_or(Obstacle::Truncated)
}

#[inline(always)]
fn rewrite4(frame: &Frame<'_>, offset: usize, key: &[u64; 2]) -> Option<()> {
    let [addresses, tail] = *key;
    let (outer, upper) = ipv4::header(frame, offset).ok()?;
    let quote = upper.offset + size_of::<Header>();
    let (inner, carried) = ipv4::header(frame, quote).ok()?;
    let (source, quoted_destination) = (addresses as u32, (inner.key[0] >> 32) as u32);
    let own_source = if quoted_destination == source {
        outer.key[0] as u32
    } else {
        source
    };
    // The quoted header's checksum makes up for its addresses, so that only the ports change the message's.
    let ports = write_ports(frame, carried.offset, tail)?;
    let at = upper.offset + CHECKSUM;
    frame.write(at, ports.mend(frame.read(at)?))?;
    ipv4::replace_addresses(frame, quote, addresses.rotate_left(32))?;
    ipv4::replace_addresses(frame, offset, addresses >> 32 << 32 | own_source as u64)?;
    Some(())
}

#[inline(always)]
fn rewrite6(
    frame: &Frame<'_>,
    offset: usize,
    key: &[u64; 5],
    drive: impl Fn(ipv6::Walk) -> ipv6::Walk,
) -> Option<()> {
    let [a, b, c, d, tail] = *key;
    let (outer, upper) = ipv6::header_by(frame, offset, &drive).ok()?;
    if upper.protocol != ICMPV6 {
        return None;
    }
    let quote = upper.offset + size_of::<Header>();
    let (inner, carried) = ipv6::header_by(frame, quote, &drive).ok()?;
    let own_source = if inner.vip() == [a, b].map(u64::to_le_bytes) {
        [outer.key[0], outer.key[1]]
    } else {
        [a, b]
    };
    let ports = write_ports(frame, carried.offset, tail)?;
    let quoted = ipv6::replace_addresses(frame, quote, [c, d, a, b])?;
    let own = ipv6::replace_addresses(frame, offset, [own_source[0], own_source[1], c, d])?;
    let at = upper.offset + CHECKSUM;
    let checksum = ports.and(quoted).and(own).mend(frame.read(at)?);
    frame.write(at, checksum)
}

/// Gives what is quoted at `at` the ports of `tail` in each other's place, and what that changes.
#[inline(always)]
fn write_ports(frame: &Frame<'_>, at: usize, tail: u64) -> Option<Change> {
    let old = u32::from_le_bytes(frame.read(at)?);
    let new = (tail as u32).rotate_left(16);
    frame.write(at, new.to_le_bytes())?;
    Some(Change::of(old as u64, new as u64))
}

#[cfg(test)]
mod tests;
