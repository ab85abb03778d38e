//! The director's interfaces, each with all that a packet needs to know of the director: one entry, one look.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::Meta;

/// One of the director's interfaces.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Port {
    /// Its Ethernet address in the low 48 bits, first byte lowest: only frames sent to it are looked at.
    pub mac: u64,
    /// The kernel's number for it.
    pub interface: u32,
    /// 0: not in use; 1: native XDP; 2: generic XDP.
    pub used: u32,
    /// What holds for the director as a whole: the same in every port, but for what packets write.
    pub settings: Settings,
}

/// Settings that may change at any time, each one word.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Settings {
    /// Time without packets after which a connection ends, by state, in ticks.
    pub timeouts: [u32; 16],
    /// The tick at which a new connection last found the table full; 0 for never. Written by packets, of whatever
    /// port, in port 0's entry.
    pub full: u32,
    /// The clock of a private instance, in ticks (see the program's constant `OWN_CLOCK`).
    pub clock: u32,
}

impl Settings {
    /// Whether a connection has had no packet for longer than its state allows.
    #[inline(always)]
    pub fn is_over(&self, meta: Meta, tick: u32) -> bool {
        let idle = tick.wrapping_sub(meta.tick());
        // A packet on another processor may have stored a tick that is newer than ours.
        (idle as i32) > 0
            && self
                .timeouts
                .get(meta.state() as usize)
                .is_none_or(|timeout| idle > *timeout)
    }
}
