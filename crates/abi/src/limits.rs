//! Limits that the layouts set.

/// The highest number of a destination: 24 bits of a connection's [`Meta`](crate::Meta) word.
pub const MAX_DESTINATION: u32 = 0xff_ffff;

/// Interfaces of one director.
pub const MAX_PORTS: u32 = 64;

/// Slots for each connection that the table is made for. With a third of the slots taken, about one
/// connection in 20,000 finds both of its buckets full.
pub const SLOTS_PER_CONNECTION: u32 = 3;
