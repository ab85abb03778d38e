//! The packet inside a tunnel's packet, at the real server. What is read comes from the network and may be anything.
//!
//! ```text
//! link │ outer IP │ GRE, UDP and GUE │ packet ──▶ (take_off) │ link │ packet
//! ```
//!
//! [`parse4`] or [`parse6`] says what the packet is, the caller whether its source may send such, [`Checked`] whether its
//! bytes are right, and [`take_off`] makes it the packet inside.

mod congestion;

use crate::{
    Frame, Refusal,
    checksum::Sum,
    ethernet, ipv4, ipv6,
    tunnel::{Family, GRE, Gre, GreChecksum, Gue, Kind, UDP, Udp},
};

/// A tunnel's packet. `A` is an address as it lies in the outer header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tunnelled<A> {
    /// Who sent it.
    pub source: A,
    /// To whom.
    pub destination: A,
    /// The tunnel's kind.
    pub kind: Kind,
    /// The inner packet's version of IP.
    pub inner: Family,
    /// Bytes from the outer header to the inner packet.
    pub overhead: usize,
    /// Whether a router on the way experienced congestion.
    pub congested: bool,
    /// What has to be summed up, if there is a checksum. Without one, IPv6's UDP is accepted too (RFC 6935, RFC 6936).
    pub checked: Option<Checked>,
}

/// Bytes that have a checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Where in the frame they start.
    pub offset: usize,
    /// How many they are, at least eight.
    pub length: usize,
    pseudo: Sum,
}

impl Checked {
    /// Whether they are right, given their sum (see [`Summing`](crate::checksum::Summing)).
    #[inline(always)]
    pub const fn is_right(&self, sum: Sum) -> bool {
        sum.and(self.pseudo).is_right()
    }
}

/// Reads the tunnel's IPv4 packet at `offset`. GUE comes to the UDP port `port`, as it lies in the packet.
///
/// # Errors
/// [`Refusal::OtherProtocol`] when it is none of a tunnel, or has what is not understood here; [`Refusal::Fragment`] when it is a fragment
/// of one, which the host has to put together first; [`Refusal::Truncated`] when it is cut short or makes no sense.
#[inline(always)]
pub fn parse4(
    frame: &Frame<'_>,
    offset: usize,
    port: [u8; 2],
) -> Result<Tunnelled<[u8; 4]>, Refusal> {
    let (packet, upper) = ipv4::header(frame, offset)?;
    let kind = kind(upper.protocol)?;
    if packet.more_fragments() || packet.is_later_fragment() {
        return Err(Refusal::Fragment);
    }
    let end = offset + packet.length as usize;
    let (at, inner, checked) = match kind {
        Kind::Ipip => (upper.offset, ipip(upper.protocol)?, None),
        Kind::Gre => gre(frame, upper.offset, end)?,
        Kind::Gue => {
            let pseudo = |length| Sum::pseudo_header([packet.key[0]], UDP, length);
            gue(frame, upper.offset, end, port, pseudo)?
        }
    };
    check_inner(frame, at, end, inner)?;
    Ok(Tunnelled {
        source: packet.client(),
        destination: packet.vip(),
        kind,
        inner,
        overhead: at - offset,
        congested: congestion::is_experienced4(frame, offset),
        checked,
    })
}

/// Reads the tunnel's IPv6 packet at `offset`, likewise.
///
/// # Errors
/// As for [`parse4`].
#[inline(always)]
pub fn parse6(
    frame: &Frame<'_>,
    offset: usize,
    port: [u8; 2],
) -> Result<Tunnelled<[[u8; 8]; 2]>, Refusal> {
    parse6_by(frame, offset, port, |walk| walk.through(frame))
}

/// The same; `drive` drives a walk over extension headers to its end.
///
/// # Errors
/// As for [`parse4`].
#[inline(always)]
pub fn parse6_by(
    frame: &Frame<'_>,
    offset: usize,
    port: [u8; 2],
    drive: impl FnOnce(ipv6::Walk) -> ipv6::Walk,
) -> Result<Tunnelled<[[u8; 8]; 2]>, Refusal> {
    let (packet, upper) = ipv6::header_by(frame, offset, drive)?;
    let kind = kind(upper.protocol)?;
    if packet.more_fragments() || packet.is_later_fragment() {
        return Err(Refusal::Fragment);
    }
    let end = offset + packet.length as usize;
    let (at, inner, checked) = match kind {
        Kind::Ipip => (upper.offset, ipip(upper.protocol)?, None),
        Kind::Gre => gre(frame, upper.offset, end)?,
        Kind::Gue => {
            let [a, b, c, d, _] = packet.key;
            let pseudo = |length| Sum::pseudo_header([a, b, c, d], UDP, length);
            gue(frame, upper.offset, end, port, pseudo)?
        }
    };
    check_inner(frame, at, end, inner)?;
    Ok(Tunnelled {
        source: packet.client(),
        destination: packet.vip(),
        kind,
        inner,
        overhead: at - offset,
        congested: congestion::is_experienced6(frame, offset),
        checked,
    })
}

/// Moves the link layer, `link` bytes, to the packet inside. It starts [`Tunnelled::overhead`] bytes into the frame then, and
/// the caller takes those off. The packet inside tells of congestion if the tunnel's does (RFC 6040 section 4.2).
///
/// # Errors
/// [`Refusal::Truncated`], also when the packet inside must be dropped, because it would not understand.
#[inline(always)]
pub fn take_off<A>(
    frame: &Frame<'_>,
    link: usize,
    tunnelled: &Tunnelled<A>,
) -> Result<(), Refusal> {
    let Tunnelled {
        inner, overhead, ..
    } = *tunnelled;
    if tunnelled.congested {
        congestion::tell(frame, link + overhead, inner).ok_or(Refusal::Truncated)?;
    }
    ethernet::shift(frame, 0, overhead, link, inner.ether_type()).ok_or(Refusal::Truncated)
}

#[inline(always)]
fn kind(protocol: u8) -> Result<Kind, Refusal> {
    match protocol {
        GRE => Ok(Kind::Gre),
        UDP => Ok(Kind::Gue),
        other if Family::of_protocol(other).is_some() => Ok(Kind::Ipip),
        _ => Err(Refusal::OtherProtocol),
    }
}

#[inline(always)]
fn ipip(protocol: u8) -> Result<Family, Refusal> {
    Family::of_protocol(protocol).ok_or(Refusal::OtherProtocol)
}

/// Where the packet in the GRE packet starts, its family, and what has to be summed up. The outer packet ends at `end`.
#[inline(always)]
fn gre(
    frame: &Frame<'_>,
    at: usize,
    end: usize,
) -> Result<(usize, Family, Option<Checked>), Refusal> {
    let header: Gre = frame.read(at).ok_or(Refusal::Truncated)?;
    let inner = match header.ether_type {
        ethernet::IPV4 => Family::Ipv4,
        ethernet::IPV6 => Family::Ipv6,
        _ => return Err(Refusal::OtherProtocol),
    };
    let start = at + size_of::<Gre>();
    match header.flags {
        [0, 0] => Ok((start, inner, None)),
        Gre::CHECKSUM => {
            let checked = Checked {
                offset: at,
                length: end.wrapping_sub(at),
                pseudo: Sum::default(),
            };
            Ok((start + size_of::<GreChecksum>(), inner, Some(checked)))
        }
        _ => Err(Refusal::OtherProtocol),
    }
}

/// The same for a UDP datagram with GUE; `pseudo` makes the pseudo-header's sum of the datagram's length.
#[inline(always)]
fn gue(
    frame: &Frame<'_>,
    at: usize,
    end: usize,
    port: [u8; 2],
    pseudo: impl FnOnce(u16) -> Sum,
) -> Result<(usize, Family, Option<Checked>), Refusal> {
    const OPTIONS: u8 = 0x1f;
    let udp: Udp = frame.read(at).ok_or(Refusal::Truncated)?;
    if udp.destination != port {
        return Err(Refusal::OtherProtocol);
    }
    let length = u16::from_be_bytes(udp.length);
    if at + length as usize != end {
        return Err(Refusal::Truncated);
    }
    let at_gue = at + size_of::<Udp>();
    let gue: Gue = frame.read(at_gue).ok_or(Refusal::Truncated)?;
    // Another version or a control message; and what a flag means that is not known may change the packet.
    if gue.version_length & !OPTIONS != 0 || gue.flags != [0; 2] {
        return Err(Refusal::OtherProtocol);
    }
    let inner = Family::of_protocol(gue.protocol).ok_or(Refusal::OtherProtocol)?;
    let start = at_gue + size_of::<Gue>() + (gue.version_length & OPTIONS) as usize * 4;
    let checked = (udp.checksum != [0; 2]).then(|| Checked {
        offset: at,
        length: length as usize,
        pseudo: pseudo(length),
    });
    Ok((start, inner, checked))
}

/// Refuses what is not the start of such a packet, or does not lie before `end`.
#[inline(always)]
fn check_inner(frame: &Frame<'_>, at: usize, end: usize, inner: Family) -> Result<(), Refusal> {
    let (version, least) = match inner {
        Family::Ipv4 => (4, size_of::<ipv4::Header>()),
        Family::Ipv6 => (6, size_of::<ipv6::Header>()),
    };
    let first: u8 = frame.read(at).ok_or(Refusal::Truncated)?;
    if first >> 4 != version || end < at + least || !frame.reaches(at + least) {
        return Err(Refusal::Truncated);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
