//! Translations: what becomes of the packets of a connection whose addresses are changed (NAT, FULLNAT).
//!
//! A translated connection has three entries, which end together:
//!
//! ```text
//!   connection slot (client → VIP)  ──▶ Translation ◀──  return slot (real server → client or local address)
//! ```
//!
//! Both slots are found by a packet's own key, in the connection table of the packet's family, so that either direction costs one
//! lookup. A packet of the client's leaves with the return slot's key turned round; one of the real server's with
//! the connection's turned round.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::SLOTS_PER_BUCKET;

/// A bucket of the table of translations.
pub type TranslationBucket = [Translation; SLOTS_PER_BUCKET];

/// The translation of one connection: two cache lines. It is found by its place alone: 1 + bucket × 8 + slot, of 24 bits.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Translation {
    /// A [`Meta`](crate::Meta) word with state 0: free, being written, or the connection's destination. Its time is never over.
    pub meta: u64,
    /// The connection's key, as in its slot (of IPv4 the last three words are 0).
    pub client: [u64; 5],
    /// The return slot's key, likewise.
    pub server: [u64; 5],
    /// Where the client's packets last came from: the Ethernet address in the low 48 bits, first byte lowest, and the VLAN
    /// identifier above, 0 for none.
    pub last_hop: u64,
    /// The port that they came in by.
    pub last_port: u32,
    /// The tick at which it was made.
    pub since: u32,
    /// What the checksums of the client's packets change by, as `dray_packet::translate::Changes` has it in one number; those of
    /// the real server's change back by it.
    pub changes: u32,
    /// 1 + the place of the connection's slot in the table of `client_family`.
    pub connection: u32,
    /// 1 + the place of the return slot in the table of `server_family`; 0 when it has none any more.
    pub answers: u32,
    /// The persistence template that the connection belongs to (1 + its place); 0 for none.
    pub template: u32,
    /// FULLNAT with an address option: one more than the sequence number of the real server's SYN (host order), as
    /// long as [`Translation::TELLS_ADDRESS`].
    pub acknowledged: u32,
    /// 4 or 6: the client's.
    pub client_family: u8,
    /// 4 or 6: the real server's.
    pub server_family: u8,
    /// [`Translation::TELLS_ADDRESS`].
    pub flags: u8,
    /// In a bucket's first slot: not zero once a translation of this home went elsewhere.
    pub spilled: u8,
}

impl Translation {
    /// Flag: `acknowledged` is known, and packets of the client's that acknowledge no more than it get the address option.
    pub const TELLS_ADDRESS: u8 = 1;
}

/// Room for local addresses of each family.
pub const LOCAL_ADDRESSES: u32 = 256;

/// An address of the director's that FULLNAT's packets come from, in network order (IPv4 as IPv4-mapped IPv6). The IPv4 ones come
/// first in their map, the IPv6 ones from entry [`LOCAL_ADDRESSES`] on.
pub type LocalAddress = [u8; 16];
