//! What `lblc` and `lblcr` remember: the destinations that serve a VIP of a mark.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::SLOTS_PER_BUCKET;

/// Buckets of the table; a power of two.
pub const LOCALITY_BUCKETS: u32 = 1024;

/// Members of an `lblcr` set. The kernel's sets have no limit; one that is full gives up its oldest member.
pub const LOCALITY_MEMBERS: usize = 16;

/// A bucket of the table.
pub type LocalityBucket = [Locality; SLOTS_PER_BUCKET];

/// One VIP of one service: two cache lines.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Locality {
    /// 0: free; 1: being written; else 2 + the service's number in the low half. In the high half the tick of the last use. Changes by compare-and-swap.
    pub word: u64,
    /// The VIP (16 bytes, network order, IPv4 as IPv4-mapped IPv6).
    pub vip: [u64; 2],
    /// The tick at which a member was last added or taken out.
    pub modified: u32,
    /// How many members were ever added.
    pub added: u32,
    /// Numbers of destinations: of the member added as number n (from 0) at n modulo [`LOCALITY_MEMBERS`], 0 where there is none.
    /// One that is no longer the service's is not to be used. `lblc` uses the first place only.
    pub members: [u32; LOCALITY_MEMBERS],
    /// Fills the cache lines.
    pub reserved: [u64; 4],
}
