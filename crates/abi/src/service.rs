//! Virtual services.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// What identifies a virtual service.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct ServiceKey {
    /// The VIP (IPv4 as IPv4-mapped IPv6, RFC 4291 section 2.5.5.2).
    pub vip: [u8; 16],
    /// The port, network order.
    pub port: [u8; 2],
    /// Protocol number of the IP header.
    pub protocol: u8,
    /// Zero.
    pub reserved: u8,
}

impl ServiceKey {
    /// The IPv4-mapped IPv6 address of an IPv4 one.
    #[inline(always)]
    pub const fn mapped(address: [u8; 4]) -> [u8; 16] {
        let [a, b, c, d] = address;
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d]
    }
}

/// A virtual service.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Service {
    /// Index of its scheduling record's first word in the arena; 0 when it has none. Storing another
    /// index here is what makes a change of the service visible, whole.
    pub record: u64,
    /// New connections that found no real server. Changed by atomic addition.
    pub refused: u64,
}
