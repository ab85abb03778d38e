//! Virtual services.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// What identifies a virtual service.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct ServiceKey {
    /// The VIP (IPv4 as IPv4-mapped IPv6, RFC 4291 section 2.5.5.2); of a mark's service, the mark as an IPv4 address.
    pub vip: [u8; 16],
    /// The port, network order; 0 for every port, and for a mark.
    pub port: [u8; 2],
    /// Protocol number of the IP header; 0 for a mark.
    pub protocol: u8,
    /// 4 or 6 for a mark, by the family of its packets; else 0.
    pub mark_family: u8,
}

impl ServiceKey {
    /// The IPv4-mapped IPv6 address of an IPv4 one.
    #[inline(always)]
    pub const fn mapped(address: [u8; 4]) -> [u8; 16] {
        let [a, b, c, d] = address;
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d]
    }

    /// The key of a mark's service; `family` is 4 or 6.
    #[inline(always)]
    pub const fn of_mark(mark: u32, family: u8) -> Self {
        Self {
            vip: Self::mapped(mark.to_be_bytes()),
            port: [0; 2],
            protocol: 0,
            mark_family: family,
        }
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
    /// How it treats clients: a [`ServiceOptions`] word.
    pub options: u64,
    /// New connections that found no real server. Changed by atomic addition.
    pub refused: u64,
    /// Fills the entry.
    pub reserved: u64,
}

/// How a service treats clients, in one word.
///
/// ```text
///  63                              32 31                  8 7     0
/// ┌──────────────────────────────────┬─────────────────────┬───────┐
/// │ mask or prefix length            │ seconds             │ flags │
/// └──────────────────────────────────┴─────────────────────┴───────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceOptions(pub u64);

impl ServiceOptions {
    /// Clients are persistent: templates are made, which last so many seconds.
    pub const PERSISTENT: u64 = 1;
    /// One-packet scheduling.
    pub const ONE_PACKET: u64 = 1 << 1;
    /// The persistence engine for SIP.
    pub const SIP: u64 = 1 << 2;

    /// The word. `seconds` has 24 bits; `mask` is a number (255.255.255.0 is `0xffff_ff00`), or the prefix length for IPv6.
    #[inline(always)]
    pub const fn new(flags: u64, seconds: u32, mask: u32) -> Self {
        Self((mask as u64) << 32 | ((seconds & 0xff_ffff) as u64) << 8 | flags & 0xff)
    }

    /// Whether the flag is set.
    #[inline(always)]
    pub const fn has(self, flag: u64) -> bool {
        self.0 & flag != 0
    }

    /// A template's timeout, in seconds.
    #[inline(always)]
    pub const fn seconds(self) -> u32 {
        (self.0 >> 8) as u32 & 0xff_ffff
    }

    /// A template's timeout, in ticks. Rounded up, as those of connections are: one of the same timeout must not outlast it.
    #[inline(always)]
    pub const fn ticks(self) -> u32 {
        (self.seconds() as u64 * 1_000_000_000).div_ceil(1 << crate::TICK_SHIFT) as u32
    }

    /// The mask of clients' addresses as a number, or the prefix length for IPv6.
    #[inline(always)]
    pub const fn mask(self) -> u32 {
        (self.0 >> 32) as u32
    }
}
