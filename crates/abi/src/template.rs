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

impl Template {
    /// State of a template: a connection of it was established.
    pub const ASSURED: u8 = 1;

    /// What IPVS sets the timeout to when a template's time is over while it has connections: 60 s, in ticks.
    pub const RENEWAL: u32 = (60_000_000_000_u64 >> crate::TICK_SHIFT) as u32;

    /// What becomes of a template with connections whose time is over (since before `tick`): the tick at which its time
    /// is over next, which is not before `tick`, and its timeout from now on.
    ///
    /// IPVS tries again each 60 s, and has given up the timeout of the service then; with `keep` the timeout stays
    /// and is what the template waits.
    #[inline(always)]
    pub const fn renewed(over: u32, tick: u32, timeout: u32, keep: bool) -> (u32, u32) {
        let wait = if keep && timeout != 0 {
            timeout
        } else {
            Self::RENEWAL
        };
        let rounds = tick.wrapping_sub(over).div_ceil(wait);
        (over.wrapping_add(rounds.wrapping_mul(wait)), wait)
    }
}

#[cfg(test)]
mod tests {
    use super::Template;

    #[test]
    fn a_template_with_connections_waits_a_minute_and_another_until_it_is_not_over() {
        let minute = Template::RENEWAL;
        assert_eq!(
            Template::renewed(1000, 1001, 5000, false),
            (1000 + minute, minute)
        );
        let late = 1000 + 2 * minute + 5;
        assert_eq!(
            Template::renewed(1000, late, 5000, false),
            (1000 + 3 * minute, minute)
        );
    }

    #[test]
    fn a_template_that_keeps_its_timeout_waits_that_long() {
        assert_eq!(Template::renewed(1000, 1001, 5000, true), (6000, 5000));
    }

    #[test]
    fn ticks_may_wrap_around() {
        let over = u32::MAX - 3;
        assert_eq!(Template::renewed(over, 2, 100, true), (96, 100));
    }
}
