//! What is fixed when the maps are made, and what a new daemon must find again.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A tick is 2^26 ns (67.1 ms) of CLOCK_MONOTONIC_COARSE; 32 bits of them last nine years.
pub const TICK_SHIFT: u32 = 26;

/// The tick at so many nanoseconds of CLOCK_MONOTONIC_COARSE.
#[inline(always)]
pub const fn ticks_of_nanoseconds(nanoseconds: u64) -> u32 {
    (nanoseconds >> TICK_SHIFT) as u32
}

/// How long so many ticks last.
pub const fn duration_of_ticks(ticks: u32) -> core::time::Duration {
    core::time::Duration::from_nanos((ticks as u64) << TICK_SHIFT)
}

/// Multipliers of the connection table's hash: secret, odd, made once when the table is.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct HashKey {
    /// One for each 32-bit word of a key (eight of addresses, one of ports), one for the protocol and one
    /// that scatters.
    pub multipliers: [u64; 11],
}

/// What the pinned maps were made for: compared before they are used again.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Identity {
    /// [`ABI_VERSION`](crate::ABI_VERSION) of the program that made them.
    pub abi_version: u32,
    /// Possible processors when they were made.
    pub processors: u32,
    /// Buckets of the IPv4 connection table.
    pub buckets4: u32,
    /// Buckets of the IPv6 connection table.
    pub buckets6: u32,
    /// Entries of the destination maps.
    pub destinations: u32,
    /// Entries of the service map.
    pub services: u32,
    /// Words of the arena.
    pub words: u32,
    /// Entries of the hop map.
    pub hops: u32,
    /// Buckets of the table of templates.
    pub template_buckets: u32,
    /// Buckets of the table of translations.
    pub translation_buckets: u32,
    /// A hash of who made them (the runtime directory).
    pub owner: u64,
    /// Connections that the tables were made for.
    pub connections: u64,
    /// The hash's key.
    pub hash_key: HashKey,
}
