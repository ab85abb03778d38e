//! Persistence templates: which destination the next connection of a client gets.
//!
//! They lie in buckets like connections, in a table of their own, so that packets of connections never look there. A
//! template lives while it has connections, and for its timeout after the last one was made.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::SLOTS_PER_BUCKET;

/// A bucket of the table of templates.
pub type TemplateBucket = [Template; SLOTS_PER_BUCKET];

/// One template: a cache line.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Template {
    /// A [`Meta`](crate::Meta) word; the state is 0 (IPVS's NONE) or 1 (ASSURED: a connection of it was established).
    pub meta: u64,
    /// The client's network and the VIP (16 + 16 bytes, network order, IPv4 as IPv4-mapped IPv6; of a mark, the mark as an
    /// IPv4 address), two zero bytes, the virtual port (network order, 0 for every port), the protocol's number (0 for a
    /// mark), and three zero bytes. With a persistence engine the client's network gives way to a keyed hash of it and of what the engine found,
    /// and the byte after the protocol's number is 1.
    pub key: [u64; 5],
    /// The tick at which it was made.
    pub since: u32,
    /// No meaning.
    pub reserved: [u8; 3],
    /// In a bucket's first slot: not zero once a template of this home went elsewhere.
    pub spilled: u8,
    /// How long it lasts after a new connection, in ticks.
    pub timeout: u32,
    /// Connections that belong to it. Changed by atomic addition.
    pub children: u32,
}
