//! Where the first fragment of a packet went, so that the others follow (RFC 791, RFC 8200 section 4.5).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::SLOTS_PER_BUCKET;

/// Buckets of the table of fragments; a power of two.
pub const FRAGMENT_BUCKETS: u32 = 2048;

/// How long a fragmented packet's way is remembered: 30 s, as the kernel waits for fragments (`ipfrag_time`), in ticks.
pub const FRAGMENT_TIME: u32 = (30_000_000_000_u64 >> crate::TICK_SHIFT) as u32;

/// A bucket of the table of fragments.
pub type FragmentBucket = [Fragment; SLOTS_PER_BUCKET];

/// One fragmented packet: a cache line.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Fragment {
    /// A [`Meta`](crate::Meta) word with state 0.
    pub meta: u64,
    /// Source and destination (16 + 16 bytes, network order, IPv4 as IPv4-mapped IPv6), identification (4 bytes, network
    /// order, IPv4's in the last two), the protocol's number (IPv4) or 0, and three zero bytes.
    pub key: [u64; 5],
    /// The [`Translation`](crate::Translation) of its connection (1 + its place); 0 when its addresses stay.
    pub translation: u32,
    /// 1 when it is a reply of a translated connection.
    pub is_reply: u32,
    /// The tick at which that translation was made: another may have its place by now.
    pub since: u32,
    /// Fills the cache line.
    pub reserved: u32,
}
