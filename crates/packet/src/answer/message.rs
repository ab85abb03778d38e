//! ICMP errors (RFC 792, RFC 1191, RFC 4443), byte for byte as Linux makes them.

use zerocopy::{Immutable, IntoBytes, Unaligned, transmute};

use super::{Answer, ip};
use crate::{
    checksum::Sum,
    icmp::{self, ICMP, ICMPV6},
    ipv4, ipv6,
};

/// The longest IPv4 packet with an error: what every host must take (RFC 1122 section 3.2.2).
pub(super) const LONGEST4: usize = 576;
/// The longest IPv6 packet with an error: IPv6's smallest MTU.
pub(super) const LONGEST6: usize = 1280;

/// What lies before the quote.
#[repr(C)]
#[derive(IntoBytes, Immutable, Unaligned)]
pub(super) struct Message4 {
    ip: ipv4::Header,
    icmp: icmp::Header,
}

/// Likewise.
#[repr(C)]
#[derive(IntoBytes, Immutable, Unaligned)]
pub(super) struct Message6 {
    ip: ipv6::Header,
    icmp: icmp::Header,
}

impl Message4 {
    /// An error about a packet with the header `about`, of which `quote` bytes follow that add up to `sum`.
    #[inline(always)]
    pub(super) fn new(about: &ipv4::Header, answer: Answer, quote: usize, sum: Sum) -> Self {
        // The bits of the old TOS, and the precedence of "internetwork control" (RFC 1812 section 4.3.2.5).
        const OLD: u8 = 0x1e;
        const INTERNETWORK_CONTROL: u8 = 0xc0;
        let (kind, code, rest) = match answer {
            Answer::TimeExceeded => (11, 0, [0; 4]),
            Answer::TooBig(mtu) => {
                let [_, _, high, low] = mtu.to_be_bytes();
                (3, 4, [0, 0, high, low])
            }
            _ => (3, 3, [0; 4]),
        };
        let icmp = header(kind, code, rest, sum);
        let tos = about.tos & OLD | INTERNETWORK_CONTROL;
        let length = size_of::<Self>() + quote;
        let ip = ip::header4(about, tos, [0; 4], ICMP, length);
        Self { ip, icmp }
    }
}

impl Message6 {
    /// Likewise.
    #[inline(always)]
    pub(super) fn new(about: &ipv6::Header, answer: Answer, quote: usize, sum: Sum) -> Self {
        let (kind, code, rest) = match answer {
            Answer::TimeExceeded => (3, 0, [0; 4]),
            Answer::TooBig(mtu) => (2, 0, mtu.to_be_bytes()),
            _ => (1, 4, [0; 4]),
        };
        let length = size_of::<icmp::Header>() + quote;
        let ip = ip::header6(about, ICMPV6, length);
        let addresses = ip.addresses.map(u64::from_le_bytes);
        let pseudo = Sum::pseudo_header(addresses, ICMPV6, length as u16);
        let icmp = header(kind, code, rest, sum.and(pseudo));
        Self { ip, icmp }
    }
}

/// The header of a message, whose other bytes, as far as they are summed up, are `sum`.
#[inline(always)]
fn header(kind: u8, code: u8, rest: [u8; 4], sum: Sum) -> icmp::Header {
    let mut header = icmp::Header {
        kind,
        code,
        checksum: [0; 2],
        rest,
    };
    header.checksum = sum.and(Sum::of::<2>(transmute!(header))).checksum();
    header
}
