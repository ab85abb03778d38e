//! Rules that give packets a mark.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Rules of one director.
pub const MAX_RULES: u32 = 256;

/// Entries of the map: two sets, so that one is written while packets read the other.
pub const RULE_ROOM: u32 = 2 * MAX_RULES;

/// A rule fits a packet when every part does. The first one that fits gives the mark.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Rule {
    /// The source address under `source_mask` (network order as it lies in memory; IPv4 as IPv4-mapped IPv6).
    pub source: [u64; 2],
    /// Bits of the source that count.
    pub source_mask: [u64; 2],
    /// The destination address under `destination_mask`.
    pub destination: [u64; 2],
    /// Bits of the destination that count.
    pub destination_mask: [u64; 2],
    /// The lowest and the highest source port, host byte order.
    pub source_ports: [u16; 2],
    /// The lowest and the highest destination port.
    pub ports: [u16; 2],
    /// The mark, not 0.
    pub mark: u32,
    /// The port (of the director) that the packet comes in by; `u32::MAX` for any.
    pub port: u32,
    /// Protocol number; 0 for any.
    pub protocol: u8,
    /// 4 or 6.
    pub family: u8,
    /// Fills the word.
    pub reserved: [u8; 6],
}
