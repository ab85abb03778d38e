//! Destinations, their next hops, and what is counted for them.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// What a packet reads of a destination.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Destination {
    /// The number of its next hop; 0 when it has none.
    pub hop: u32,
    /// Fills the word.
    pub reserved: u32,
}

/// Who a destination is: read and written by user space only, so that a new daemon finds its way.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct DestinationInfo {
    /// The real server (IPv4 as IPv4-mapped IPv6).
    pub real: [u8; 16],
    /// The service that it belongs or belonged to.
    pub service: crate::ServiceKey,
    /// 1 when the entry is in use.
    pub used: u32,
    /// Fills the entry.
    pub reserved: [u32; 2],
}

/// Where frames for a destination go. Never written while a destination names it.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Hop {
    /// Destination address of the frame.
    pub destination: [u8; 6],
    /// Source address of the frame.
    pub source: [u8; 6],
    /// The port that it leaves by.
    pub port: u32,
    /// VLAN identifier of the frame (1 to 4094), 0 for an untagged one.
    pub vlan: u32,
    /// 1 when the entry is in use.
    pub used: u32,
    /// Fills the entry.
    pub reserved: [u32; 2],
}

/// Connections of a destination now, and ever. Changed by atomic addition only.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Live {
    /// Connections in the low half an active state, in the high half any other.
    pub active_inactive: u64,
    /// Connections given to it, ever.
    pub connections: u64,
}

impl Live {
    /// One active connection, as added to [`Live::active_inactive`].
    pub const ACTIVE: u64 = 1;
    /// One inactive connection.
    pub const INACTIVE: u64 = 1 << 32;

    /// One connection, active or not.
    #[inline(always)]
    pub const fn one(active: bool) -> u64 {
        if active { Self::ACTIVE } else { Self::INACTIVE }
    }

    /// Active and inactive connections in such a word.
    #[inline(always)]
    pub const fn split(word: u64) -> (u32, u32) {
        (word as u32, (word >> 32) as u32)
    }
}

/// Packets and bytes, of one destination on one processor.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Counters {
    /// Packets.
    pub packets: u64,
    /// Bytes from the IP header on, as IPVS counts them.
    pub bytes: u64,
}
