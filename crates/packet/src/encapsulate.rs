//! A client's packet becomes the payload of a packet to a real server, as Linux's IPVS does it.
//!
//! ```text
//! link │ packet ──▶ (overhead) │ link │ packet ──▶ link │ outer IP │ GRE, UDP and GUE │ packet
//!                   the caller's room                to_ipv4, to_ipv6
//! ```
//!
//! The outer header takes over from the inner one: TTL or hop limit (already counted down), DSCP, ECN but for "congestion
//! experienced", which starts anew as ECT(0), and "don't fragment". IPv6's flow label is 0.

use zerocopy::transmute;

use crate::{
    Frame, Obstacle,
    checksum::{self, Sum},
    ethernet, ipv4, ipv6,
    tunnel::{Family, GRE, Gre, GreChecksum, Gue, Kind, UDP, Udp, overhead},
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
        const DONT_FRAGMENT: u8 = 0x40;
        let [first, second, c, d, e, f, flags, last]: [u8; 8] = frame.read(offset)?;
        match first >> 4 {
            4 => Some(Self {
                family: Family::Ipv4,
                tos: second,
                hops: frame.read(offset + 8)?,
                dont_fragment: flags & DONT_FRAGMENT != 0,
                length: u16::from_be_bytes([c, d]) as u32,
            }),
            6 => Some(Self {
                family: Family::Ipv6,
                tos: first << 4 | second >> 4,
                hops: last,
                dont_fragment: false,
                length: u16::from_be_bytes([e, f]) as u32 + size_of::<ipv6::Header>() as u32,
            }),
            _ => None,
        }
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

/// Writes the headers of an IPv4 tunnel. [`overhead`] bytes were put in front of the frame; `link` is how long the link layer
/// is, which moves to the front. `sum` is that of the inner packet's bytes if the tunnel has checksums.
///
/// # Errors
/// [`Obstacle::Truncated`] and [`Obstacle::TooLong`].
#[inline(always)]
pub fn to_ipv4(
    frame: &Frame<'_>,
    link: usize,
    outer: &Outer<[u8; 4]>,
    inner: &Inner,
    sum: Option<Sum>,
) -> Result<(), Obstacle> {
    const HEADER: usize = size_of::<ipv4::Header>();
    let overhead = overhead(outer.kind, sum.is_some(), Family::Ipv4);
    let length = length(inner, overhead)?;
    let id_fragment = if inner.dont_fragment {
        ipv4::WHOLE
    } else {
        let [high, low] = outer.identification;
        [high, low, 0, 0]
    };
    let [high, low] = length.to_be_bytes();
    // By words, because the compiler would write a header's fields byte by byte.
    let mut header = [
        [0x45, inner.outer_tos(), high, low],
        id_fragment,
        [inner.hops, protocol(outer.kind, inner.family), 0, 0],
        outer.source,
        outer.destination,
    ]
    .map(u32::from_ne_bytes);
    let [first, second] = Sum::of_words(header).checksum();
    header[2] |= u32::from_ne_bytes([0, 0, first, second]);
    let payload = length - HEADER as u16;
    let addresses = {
        let ([a, b, c, d], [e, f, g, h]) = (outer.source, outer.destination);
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    };
    let pseudo = Sum::pseudo_header([addresses], UDP, payload);
    ethernet::shift(frame, overhead, 0, link, ethernet::IPV4)
        .and_then(|()| frame.write_words(link, header))
        .and_then(|()| between(frame, link + HEADER, outer, inner, payload, pseudo, sum))
        .ok_or(Obstacle::Truncated)
}

/// Writes the headers of an IPv6 tunnel, likewise.
///
/// # Errors
/// As for [`to_ipv4`].
#[inline(always)]
pub fn to_ipv6(
    frame: &Frame<'_>,
    link: usize,
    outer: &Outer<[[u8; 8]; 2]>,
    inner: &Inner,
    sum: Option<Sum>,
) -> Result<(), Obstacle> {
    const HEADER: usize = size_of::<ipv6::Header>();
    let overhead = overhead(outer.kind, sum.is_some(), Family::Ipv6);
    let payload = length(inner, overhead - HEADER)?;
    let tos = inner.outer_tos();
    let ([a, b], [c, d]) = (outer.source, outer.destination);
    let header = ipv6::Header {
        version_class_flow: [0x60 | tos >> 4, tos << 4, 0, 0],
        payload_length: payload.to_be_bytes(),
        next_hop_limit: [protocol(outer.kind, inner.family), inner.hops],
        addresses: [a, b, c, d],
    };
    let pseudo = Sum::pseudo_header([a, b, c, d].map(u64::from_le_bytes), UDP, payload);
    ethernet::shift(frame, overhead, 0, link, ethernet::IPV6)
        .and_then(|()| frame.write(link, header))
        .and_then(|()| between(frame, link + HEADER, outer, inner, payload, pseudo, sum))
        .ok_or(Obstacle::Truncated)
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

/// Writes what lies between the outer header and the packet, at `at`. `payload` is what the outer header carries, in bytes.
#[inline(always)]
fn between<A>(
    frame: &Frame<'_>,
    at: usize,
    outer: &Outer<A>,
    inner: &Inner,
    payload: u16,
    pseudo: Sum,
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
            sum.map(|sum| sum.and(pseudo)),
        ),
    }
}

#[inline(always)]
fn gre(frame: &Frame<'_>, at: usize, inner: &Inner, sum: Option<Sum>) -> Option<()> {
    let ether_type = inner.family.ether_type();
    let Some(sum) = sum else {
        let flags = [0; 2];
        return frame.write(at, Gre { flags, ether_type });
    };
    let flags = Gre::CHECKSUM;
    let header = Gre { flags, ether_type };
    let checksum = GreChecksum {
        checksum: sum.and(Sum::of::<1>(transmute!(header))).checksum(),
        reserved: [0; 2],
    };
    frame.write(at, header)?;
    frame.write(at + size_of::<Gre>(), checksum)
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
    let gue = Gue {
        version_length: 0,
        protocol: inner.family.protocol(),
        flags: [0; 2],
    };
    let mut udp = Udp {
        source: source_port(outer.flow).to_be_bytes(),
        destination: outer.port,
        length: length.to_be_bytes(),
        checksum: [0; 2],
    };
    if let Some(sum) = sum {
        let headers = Sum::of::<2>(transmute!(udp)).and(Sum::of::<1>(transmute!(gue)));
        udp.checksum = checksum::not_zero(sum.and(headers).checksum());
    }
    frame.write(at, udp)?;
    frame.write(at + size_of::<Udp>(), gue)
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
