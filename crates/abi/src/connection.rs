//! The connection table: buckets of slots, one table for each address family.
//!
//! A connection's home bucket comes from a keyed hash of its key; when that is full it goes into one other
//! bucket, and [`Slot4::spilled`] of the home bucket's first slot remembers that somebody had to.
//!
//! A slot is claimed, changed and freed by compare-and-swap of its [`Meta`] word alone:
//!
//! ```text
//!          claim                 publish                 refresh, change of state
//!   free ────────▶ BUSY (key is written) ────────▶ live ─────────────────────────▶ live
//!    ▲                                              │
//!    └──────────────── sweep, or claimed by another when its time is over ◀───────┘
//! ```

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Slots in a bucket; a power of two.
pub const SLOTS_PER_BUCKET: usize = 8;

/// A bucket of the IPv4 table: four cache lines.
pub type Bucket4 = [Slot4; SLOTS_PER_BUCKET];

/// A bucket of the IPv6 table: eight cache lines.
pub type Bucket6 = [Slot6; SLOTS_PER_BUCKET];

/// One IPv4 connection: half a cache line.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Slot4 {
    /// A [`Meta`] word.
    pub meta: u64,
    /// Client and VIP (4 + 4 bytes, network order), then client port, service port (2 + 2 bytes, network
    /// order), protocol number and three zero bytes, as they lie in memory.
    pub key: [u64; 2],
    /// The tick of the first packet.
    pub since: u32,
    /// The persistence template that the connection belongs to: 1 + its place in the table of templates (bucket × 8 + slot),
    /// lowest byte first; 0 for none. With [`Meta::TRANSLATED`] the [`Translation`](crate::Translation) instead, which then
    /// names the template.
    pub template: [u8; 3],
    /// In a bucket's first slot: not zero once a connection of this home went elsewhere.
    pub spilled: u8,
}

/// One IPv6 connection: a cache line.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Slot6 {
    /// A [`Meta`] word.
    pub meta: u64,
    /// Client and VIP (16 + 16 bytes, network order), then ports and protocol as in [`Slot4::key`].
    pub key: [u64; 5],
    /// The tick of the first packet.
    pub since: u32,
    /// As [`Slot4::template`].
    pub template: [u8; 3],
    /// As [`Slot4::spilled`].
    pub spilled: u8,
    /// Fills the cache line.
    pub reserved: u64,
}

/// What a slot says of its connection, in one word, so that it changes in one piece.
///
/// ```text
///  63                              32 31                      8 7     5 4     0
/// ┌──────────────────────────────────┬─────────────────────────┬───────┬───────┐
/// │ tick at which its time is over   │ destination             │ flags │ state │
/// └──────────────────────────────────┴─────────────────────────┴───────┴───────┘
/// ```
/// Zero is a free slot: a live one always names a destination, and those are numbered from 1. Slots of templates,
/// fragments and cached destinations have the same word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta(pub u64);

impl Meta {
    /// A free slot.
    pub const FREE: Self = Self(0);
    /// The state of a slot that is being written; it has no destination.
    const BUSY: u64 = 0x1f;
    const STATE: u8 = 0x1f;

    /// The state number of a return slot: not a connection, but where the replies of a translated one are found. Its key is
    /// a reply's as it comes from the real server; it ends with its connection.
    pub const RETURN: u8 = 12;
    /// How far ahead the time of a return slot is over, in ticks: more than three years.
    pub const RETURN_TIME: u32 = 0x6000_0000;

    /// Flag of a connection: a packet of the real server's was seen (IPVS's NOOUTPUT is off).
    pub const REPLIED: u8 = 1 << 5;
    /// Flag of a connection: it belongs to a persistence template.
    pub const CONTROLLED: u8 = 1 << 6;
    /// Flag of a connection: its packets get other addresses; the slot names its [`Translation`](crate::Translation).
    pub const TRANSLATED: u8 = 1 << 7;
    /// Flag of a template: its real server is gone or quiesced, so that nobody may find it any more.
    pub const RETIRED: u8 = 1 << 5;

    /// A live connection. `destination` is at most [`MAX_DESTINATION`](crate::MAX_DESTINATION); higher bits are cut off.
    /// `state` is the state with its flags.
    #[inline(always)]
    pub const fn new(over: u32, destination: u32, state: u8) -> Self {
        Self(
            ((over as u64) << 32)
                | (((destination & crate::MAX_DESTINATION) as u64) << 8)
                | state as u64,
        )
    }

    /// A slot that is being written since `tick`.
    #[inline(always)]
    pub const fn busy(tick: u32) -> Self {
        Self(((tick as u64) << 32) | Self::BUSY)
    }

    /// The tick at which its time is over: the last packet's, and what its state allows.
    #[inline(always)]
    pub const fn over(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The destination's number, 0 when the slot holds no connection.
    #[inline(always)]
    pub const fn destination(self) -> u32 {
        (self.0 >> 8) as u32 & crate::MAX_DESTINATION
    }

    /// The state's number, 0 to 31: IPVS's for TCP (0 to 10), 11 for UDP, 12 for a [return slot](Meta::RETURN), 16 plus
    /// IPVS's for SCTP (16 to 29).
    #[inline(always)]
    pub const fn state(self) -> u8 {
        self.0 as u8 & Self::STATE
    }

    /// The flags, in their place.
    #[inline(always)]
    pub const fn flags(self) -> u8 {
        self.0 as u8 & !Self::STATE
    }

    /// Whether the slot is free, so that anybody may claim it.
    #[inline(always)]
    pub const fn is_free(self) -> bool {
        self.0 == 0
    }

    /// Whether the slot holds a connection (neither free nor being written).
    #[inline(always)]
    pub const fn is_live(self) -> bool {
        self.destination() != 0
    }

    /// Whether its time is over at `tick`.
    #[inline(always)]
    pub const fn is_over(self, tick: u32) -> bool {
        tick.wrapping_sub(self.over()) as i32 > 0
    }
}
