//! A client's packet becomes the payload of a packet to a real server, as Linux's IPVS does it.
//!
//! ```text
//! packet ──▶ (overhead) │ packet ──▶ outer IP │ GRE, UDP and GUE │ packet
//!            the caller's room       to_ipv4, to_ipv6
//! ```
//!
//! The outer header takes over from the inner one: TTL or hop limit (already counted down), DSCP, ECN but for "congestion
//! experienced", which starts anew as ECT(0), and "don't fragment". IPv6's flow label is 0.

use crate::{
    Frame, Obstacle,
    checksum::{self, Sum},
    ipv4, ipv6,
    tunnel::{Family, GRE, Gre, Kind, UDP, overhead},
};

/// What the outer header takes over from a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inner {
    /// Its version of IP.
    pub family: Family,
    /// DSCP and ECN.
    pub tos: u8,
    /// Time to live, or hop limit.
    pub hops: u8,
    /// IPv4's "don't fragment"; false for IPv6.
    pub dont_fragment: bool,
    /// Bytes of the packet, as its header says.
    pub length: u32,
}

impl Inner {
    /// That of the packet at `offset`; `None` when the frame ends before, or it is no IP packet.
    #[inline(always)]
    pub fn read(frame: &Frame<'_>, offset: usize) -> Option<Self> {
        match Family::of_packet(frame, offset)? {
            Family::Ipv4 => Self::ipv4(frame, offset),
            Family::Ipv6 => Self::ipv6(frame, offset),
        }
    }

    /// That of the IPv4 packet at `offset`.
    #[inline(always)]
    pub fn ipv4(frame: &Frame<'_>, offset: usize) -> Option<Self> {
        const DONT_FRAGMENT: u8 = 0x40;
        let header = frame.part::<{ size_of::<ipv4::Header>() }>(offset)?;
        Some(Self {
            family: Family::Ipv4,
            tos: header.load::<1, u8>(),
            hops: header.load::<8, u8>(),
            dont_fragment: header.load::<6, u8>() & DONT_FRAGMENT != 0,
            length: header.load::<2, u16>().swap_bytes() as u32,
        })
    }

    /// That of the IPv6 packet at `offset`.
    #[inline(always)]
    pub fn ipv6(frame: &Frame<'_>, offset: usize) -> Option<Self> {
        let header = frame.part::<{ size_of::<ipv6::Header>() }>(offset)?;
        Some(Self {
            family: Family::Ipv6,
            tos: header.load::<0, u8>() << 4 | header.load::<1, u8>() >> 4,
            hops: header.load::<7, u8>(),
            dont_fragment: false,
            length: header.load::<4, u16>().swap_bytes() as u32 + size_of::<ipv6::Header>() as u32,
        })
    }

    /// The outer header's DSCP and ECN (RFC 3168 section 9.1.1, "full functionality").
    #[inline(always)]
    const fn outer_tos(&self) -> u8 {
        const ECN: u8 = 3;
        const CONGESTION_EXPERIENCED: u8 = 3;
        const CAPABLE: u8 = 2;
        if self.tos & ECN == CONGESTION_EXPERIENCED {
            self.tos & !ECN | CAPABLE
        } else {
            self.tos
        }
    }
}

/// A tunnel, and what it has to know of a packet's flow. `A` is an address as it lies in an outer header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outer<A> {
    /// Its kind.
    pub kind: Kind,
    /// Source of its packets.
    pub source: A,
    /// The real server.
    pub destination: A,
    /// The UDP port that GUE goes to, as it lies in the packet.
    pub port: [u8; 2],
    /// A hash of the packet's flow, from which GUE has the UDP port that it comes from.
    pub flow: u32,
    /// IPv4's identification of a packet that may be fragmented on its way, as it lies in it.
    pub identification: [u8; 2],
}

/// Writes the headers of an IPv4 tunnel at `offset`, [`overhead`] bytes before the packet. `sum` is that of the inner packet's bytes
/// if the tunnel has checksums.
///
/// # Errors
/// [`Obstacle::Truncated`] and [`Obstacle::TooLong`].
#[inline(always)]
pub fn to_ipv4(
    frame: &Frame<'_>,
    offset: usize,
    outer: &Outer<[u8; 4]>,
    inner: &Inner,
    sum: Option<Sum>,
) -> Result<(), Obstacle> {
    const HEADER: usize = size_of::<ipv4::Header>();
    let length = length(inner, overhead(outer.kind, sum.is_some(), Family::Ipv4))?;
    let payload = length - HEADER as u16;
    let id_fragment = if inner.dont_fragment {
        u32::from_le_bytes(ipv4::WHOLE)
    } else {
        u16::from_le_bytes(outer.identification) as u32
    };
    let [high, low] = length.to_be_bytes();
    // All headers by words: the compiler would write fields byte by byte.
    let [first, third] = [
        [0x45, inner.outer_tos(), high, low],
        [inner.hops, protocol(outer.kind, inner.family), 0, 0],
    ]
    .map(u32::from_le_bytes);
    let [source, destination] = [outer.source, outer.destination].map(u32::from_le_bytes);
    let sum_of_header = Sum::of_words([first, id_fragment, third, source, destination]);
    let header = frame.part::<HEADER>(offset).ok_or(Obstacle::Truncated)?;
    header.store::<0, u32>(first);
    header.store::<4, u32>(id_fragment);
    header.store::<8, u16>(third as u16);
    header.store::<10, u16>(u16::from_le_bytes(sum_of_header.checksum()));
    header.store::<12, u32>(source);
    header.store::<16, u32>(destination);
    let pseudo = || Sum::pseudo_header([source as u64 | (destination as u64) << 32], UDP, payload);
    between(frame, offset + HEADER, outer, inner, payload, pseudo, sum).ok_or(Obstacle::Truncated)
}

/// Writes the headers of an IPv6 tunnel, likewise.
///
/// # Errors
/// As for [`to_ipv4`].
#[inline(always)]
pub fn to_ipv6(
    frame: &Frame<'_>,
    offset: usize,
    outer: &Outer<[[u8; 8]; 2]>,
    inner: &Inner,
    sum: Option<Sum>,
) -> Result<(), Obstacle> {
    const HEADER: usize = size_of::<ipv6::Header>();
    let payload = length(
        inner,
        overhead(outer.kind, sum.is_some(), Family::Ipv6) - HEADER,
    )?;
    let tos = inner.outer_tos();
    let [high, low] = payload.to_be_bytes();
    let [first, second] = [
        [0x60 | tos >> 4, tos << 4, 0, 0],
        [high, low, protocol(outer.kind, inner.family), inner.hops],
    ]
    .map(u32::from_le_bytes);
    let ([a, b], [c, d]) = (outer.source, outer.destination);
    let addresses = [a, b, c, d].map(u64::from_le_bytes);
    let header = frame.part::<HEADER>(offset).ok_or(Obstacle::Truncated)?;
    header.store::<0, u32>(first);
    header.store::<4, u32>(second);
    header.store::<8, u64>(addresses[0]);
    header.store::<16, u64>(addresses[1]);
    header.store::<24, u64>(addresses[2]);
    header.store::<32, u64>(addresses[3]);
    let pseudo = || Sum::pseudo_header(addresses, UDP, payload);
    between(frame, offset + HEADER, outer, inner, payload, pseudo, sum).ok_or(Obstacle::Truncated)
}

/// The length of a packet with `more` bytes before the inner one.
#[inline(always)]
fn length(inner: &Inner, more: usize) -> Result<u16, Obstacle> {
    let length = inner.length + more as u32;
    if length > u16::MAX as u32 {
        return Err(Obstacle::TooLong);
    }
    Ok(length as u16)
}

/// What the outer header says that it carries.
#[inline(always)]
const fn protocol(kind: Kind, inner: Family) -> u8 {
    match kind {
        Kind::Ipip => inner.protocol(),
        Kind::Gre => GRE,
        Kind::Gue => UDP,
    }
}

/// Writes what lies between the outer header and the packet, at `at`. `payload` is what the outer header carries, in bytes, and
/// `pseudo` the sum of the pseudo-header.
#[inline(always)]
fn between<A>(
    frame: &Frame<'_>,
    at: usize,
    outer: &Outer<A>,
    inner: &Inner,
    payload: u16,
    pseudo: impl FnOnce() -> Sum,
    sum: Option<Sum>,
) -> Option<()> {
    match outer.kind {
        Kind::Ipip => Some(()),
        Kind::Gre => gre(frame, at, inner, sum),
        Kind::Gue => gue(
            frame,
            at,
            outer,
            inner,
            payload,
            sum.map(|sum| sum.and(pseudo())),
        ),
    }
}

#[inline(always)]
fn gre(frame: &Frame<'_>, at: usize, inner: &Inner, sum: Option<Sum>) -> Option<()> {
    let [high, low] = inner.family.ether_type();
    let word = |[first, second]: [u8; 2]| u32::from_le_bytes([first, second, high, low]);
    let Some(sum) = sum else {
        frame.part::<4>(at)?.store::<0, u32>(word([0; 2]));
        return Some(());
    };
    let first = word(Gre::CHECKSUM);
    let checksum = sum.and(Sum::of_words([first])).checksum();
    let header = frame.part::<8>(at)?;
    header.store::<0, u32>(first);
    header.store::<4, u32>(u16::from_le_bytes(checksum) as u32);
    Some(())
}

#[inline(always)]
fn gue<A>(
    frame: &Frame<'_>,
    at: usize,
    outer: &Outer<A>,
    inner: &Inner,
    length: u16,
    sum: Option<Sum>,
) -> Option<()> {
    let [source, length] = [source_port(outer.flow), length].map(u16::to_be_bytes);
    let ([a, b], [c, d], [e, f]) = (source, outer.port, length);
    let [ports, length, gue] = [
        [a, b, c, d],
        [e, f, 0, 0],
        [0, inner.family.protocol(), 0, 0],
    ]
    .map(u32::from_le_bytes);
    let header = frame.part::<12>(at)?;
    header.store::<0, u32>(ports);
    header.store::<4, u32>(length);
    header.store::<8, u32>(gue);
    if let Some(sum) = sum {
        let checksum = sum.and(Sum::of_words([ports, length, gue])).checksum();
        header.store::<6, u16>(u16::from_le_bytes(checksum::not_zero(checksum)));
    }
    Some(())
}

/// The UDP port that a flow of this hash comes from, as Linux chooses it from its default range of local ports.
#[inline(always)]
pub const fn source_port(flow: u32) -> u16 {
    const LOWEST: u32 = 32768;
    const HIGHEST: u32 = 60999;
    let hash = flow ^ flow << 16;
    (((hash as u64 * (HIGHEST - LOWEST) as u64) >> 32) as u32 + LOWEST) as u16
}

#[cfg(test)]
mod tests;
