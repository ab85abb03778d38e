//! Tunnels to real servers: what lies between the outer IP header and the packet inside.
//!
//! ```text
//! IPIP (RFC 2003, 2473, 4213)   IP │ packet
//! GRE (RFC 2784)                IP │ flags 2, type 2 [, checksum 2, reserved 2] │ packet
//! GUE (draft-ietf-intarea-gue)  IP │ UDP 8 │ version, C, length 1, protocol 1, flags 2 │ packet
//! ```

use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use crate::{Frame, ethernet, ipv4, ipv6};

/// A kind of tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// IP in IP.
    Ipip,
    /// Generic routing encapsulation.
    Gre,
    /// Generic UDP encapsulation.
    Gue,
}

impl Kind {
    /// The kind of IPVS's number (`IP_VS_CONN_F_TUNNEL_TYPE_*`).
    #[inline(always)]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Ipip),
            1 => Some(Self::Gue),
            2 => Some(Self::Gre),
            _ => None,
        }
    }
}

/// A version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl Family {
    /// That of the IP packet at `offset`; `None` when the frame ends before, or it is none.
    #[inline(always)]
    pub fn of_packet(frame: &Frame<'_>, offset: usize) -> Option<Self> {
        match frame.read::<u8>(offset)? >> 4 {
            4 => Some(Self::Ipv4),
            6 => Some(Self::Ipv6),
            _ => None,
        }
    }

    /// The EtherType of its packets, which GRE uses too.
    #[inline(always)]
    pub const fn ether_type(self) -> [u8; 2] {
        match self {
            Self::Ipv4 => ethernet::IPV4,
            Self::Ipv6 => ethernet::IPV6,
        }
    }

    /// Its number as what an IP header or GUE carries.
    #[inline(always)]
    pub(crate) const fn protocol(self) -> u8 {
        match self {
            Self::Ipv4 => IPV4,
            Self::Ipv6 => IPV6,
        }
    }

    /// The family of that number.
    #[inline(always)]
    pub(crate) const fn of_protocol(protocol: u8) -> Option<Self> {
        match protocol {
            IPV4 => Some(Self::Ipv4),
            IPV6 => Some(Self::Ipv6),
            _ => None,
        }
    }

    /// Bytes of its header.
    #[inline(always)]
    const fn header_length(self) -> usize {
        match self {
            Self::Ipv4 => size_of::<ipv4::Header>(),
            Self::Ipv6 => size_of::<ipv6::Header>(),
        }
    }
}

/// Bytes that a tunnel puts before a packet: the outer header, `outer`, and what follows it. `checksum` says whether GRE has one;
/// GUE's is in the UDP header, and IPIP has none.
#[inline(always)]
pub const fn overhead(kind: Kind, checksum: bool, outer: Family) -> usize {
    let between = match kind {
        Kind::Ipip => 0,
        Kind::Gre if checksum => size_of::<Gre>() + size_of::<GreChecksum>(),
        Kind::Gre => size_of::<Gre>(),
        Kind::Gue => size_of::<Udp>() + size_of::<Gue>(),
    };
    outer.header_length() + between
}

/// IPv4 as what an IP header carries.
const IPV4: u8 = 4;
/// IPv6, likewise.
const IPV6: u8 = 41;
/// GRE.
pub(crate) const GRE: u8 = 47;
/// UDP.
pub(crate) const UDP: u8 = 17;

/// GRE's header.
#[repr(C)]
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, Unaligned)]
pub(crate) struct Gre {
    /// Checksum present (the highest bit), reserved, version.
    pub(crate) flags: [u8; 2],
    /// EtherType of the packet inside.
    pub(crate) ether_type: [u8; 2],
}

impl Gre {
    /// [`Gre::flags`] of a header that a checksum follows, and nothing else.
    pub(crate) const CHECKSUM: [u8; 2] = [0x80, 0];
}

/// What follows GRE's header if there is a checksum.
#[repr(C)]
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, Unaligned)]
pub(crate) struct GreChecksum {
    pub(crate) checksum: [u8; 2],
    pub(crate) reserved: [u8; 2],
}

/// A UDP header.
#[repr(C)]
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, Unaligned)]
pub(crate) struct Udp {
    pub(crate) source: [u8; 2],
    pub(crate) destination: [u8; 2],
    /// Of the datagram, this header included.
    pub(crate) length: [u8; 2],
    pub(crate) checksum: [u8; 2],
}

/// GUE's header, version 0.
#[repr(C)]
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, Unaligned)]
pub(crate) struct Gue {
    /// Version (2 bits), whether it is a control message (1), 32-bit words of options that follow (5).
    pub(crate) version_length: u8,
    /// What is inside.
    pub(crate) protocol: u8,
    pub(crate) flags: [u8; 2],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_the_numbers_of_ipvs() {
        let kinds = [0, 1, 2, 3, 255].map(Kind::from_number);
        let known = [Some(Kind::Ipip), Some(Kind::Gue), Some(Kind::Gre)];
        assert_eq!(kinds[..3], known);
        assert_eq!(kinds[3..], [None, None]);
    }
}
