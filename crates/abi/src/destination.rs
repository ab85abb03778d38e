//! Destinations, and what is counted for them.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// What a packet reads of a destination.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Destination {
    /// The number of its next hop; 0 when it has none. With the flags and the port it is one word, which is stored whole.
    pub hop: u32,
    /// [`Destination::AVAILABLE`] and the like.
    pub flags: u16,
    /// The real server's port, network order; 0 for that of the connection.
    pub port: [u8; 2],
    /// Its weight now; a second word with the number of its service.
    pub weight: u32,
    /// The number of its service.
    pub service: u32,
}

impl Destination {
    /// Its service has it: it was not removed.
    pub const AVAILABLE: u16 = 1;
    /// Its weight is 0.
    pub const QUIESCED: u16 = 1 << 1;
    /// The real server is the director itself.
    pub const LOCAL: u16 = 1 << 2;
    /// The forwarding method's place: its number in bits 4 to 6.
    pub const METHOD_SHIFT: u16 = 4;
    /// IPVS's number of masquerading.
    pub const NAT: u16 = 0;
    /// IPVS's number of tunnelling.
    pub const TUNNEL: u16 = 2;
    /// IPVS's number of direct routing.
    pub const DIRECT_ROUTING: u16 = 3;
    /// NAT with a source address of the director's: the number that IPVS with this method gives it.
    pub const FULLNAT: u16 = 5;

    /// The forwarding method: [`Destination::DIRECT_ROUTING`] and the like.
    #[inline(always)]
    pub const fn method(&self) -> u16 {
        self.flags >> Self::METHOD_SHIFT & 7
    }
}

/// Who a destination is: read and written by user space only, so that a new daemon finds its way.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct DestinationInfo {
    /// The real server (IPv4 as IPv4-mapped IPv6).
    pub real: [u8; 16],
    /// The service that it belongs or belonged to.
    pub service: crate::ServiceKey,
    /// 1 when the entry is in use.
    pub used: u32,
    /// With a tunnel its kind, as [`Hop::tunnel`](crate::Hop::tunnel): a destination need not have a next hop to tell it.
    pub tunnel: u8,
    /// As [`Hop::checksum`](crate::Hop::checksum).
    pub checksum: u8,
    /// As [`Hop::tunnel_port`](crate::Hop::tunnel_port).
    pub tunnel_port: [u8; 2],
    /// Fills the entry.
    pub reserved: u32,
}

/// Connections of a destination now, and ever, and how many it may have.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Live {
    /// Connections: in the low half those in an active state, in the high half all others. Changed by atomic addition.
    pub active_inactive: u64,
    /// Connections given to it, ever. Changed by atomic addition.
    pub connections: u64,
    /// From this many connections on it is overloaded; 0 for no limit.
    pub upper: u32,
    /// Below this many it is so no longer; 0 for three quarters of `upper`.
    pub lower: u32,
    /// Persistence templates that name it. Changed by atomic addition.
    pub persistent: u32,
    /// Not 0 while it is overloaded.
    pub overloaded: u32,
}

impl Live {
    /// One active connection, as added to [`Live::active_inactive`].
    pub const ACTIVE: u64 = 1;
    /// One inactive connection.
    pub const INACTIVE: u64 = 1 << 32;

    /// One connection, active or not.
    #[inline(always)]
    pub const fn one(active: bool) -> u64 {
        if active { Self::ACTIVE } else { Self::INACTIVE }
    }

    /// Active and inactive connections together in such a word.
    #[inline(always)]
    pub const fn total(word: u64) -> u32 {
        let (active, inactive) = Self::split(word);
        active.wrapping_add(inactive)
    }

    /// Active and inactive connections in such a word.
    #[inline(always)]
    pub const fn split(word: u64) -> (u32, u32) {
        (word as u32, (word >> 32) as u32)
    }

    /// Whether a destination with `total` connections is overloaded once one more was given to it, the new one counted.
    /// `was` is what it was before. (Linux 6.1.176 and 6.1.192 agree here.)
    #[inline(always)]
    pub const fn overloaded_after_bind(total: u32, upper: u32, was: bool) -> bool {
        was || upper != 0 && total >= upper
    }

    /// Whether a destination with `total` connections is still overloaded once one of its ended, that one not counted.
    ///
    /// Without `lower` the bound is three quarters of `upper`, as Linux 6.1.192 reckons it; 6.1.176's `4 * total < 3 * upper`
    /// says the same until it overflows.
    #[inline(always)]
    pub const fn overloaded_after_unbind(total: u32, upper: u32, lower: u32, was: bool) -> bool {
        was && !Self::is_below(total, upper, lower)
    }

    /// Whether a destination with `total` connections is overloaded after an edit of its thresholds.
    ///
    /// `old_upper` is the upper threshold before. Linux 6.1.176 (`old_rules`) clears the mark when the threshold is gone or
    /// was raised, and leaves it as it is otherwise; later kernels look at the number of connections.
    #[inline(always)]
    pub const fn overloaded_after_edit(
        total: u32,
        old_upper: u32,
        upper: u32,
        lower: u32,
        was: bool,
        old_rules: bool,
    ) -> bool {
        if upper == 0 {
            false
        } else if old_rules {
            was && upper <= old_upper
        } else {
            total >= upper || was && !Self::is_below(total, upper, lower)
        }
    }

    /// Whether `total` connections are few enough to take new ones again.
    #[inline(always)]
    const fn is_below(total: u32, upper: u32, lower: u32) -> bool {
        if lower != 0 {
            total < lower
        } else {
            upper == 0 || total < upper - upper / 4
        }
    }
}

/// Packets and bytes, of one destination on one processor.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Counters {
    /// Packets.
    pub packets: u64,
    /// Bytes from the IP header on, as IPVS counts them.
    pub bytes: u64,
    /// Packets of replies.
    pub reply_packets: u64,
    /// Bytes of those.
    pub reply_bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::Live;

    #[test]
    fn the_bound_without_a_lower_threshold_is_the_old_kernels_three_quarters() {
        for upper in 1..500_u32 {
            for total in 0..500 {
                let still = Live::overloaded_after_unbind(total, upper, 0, true);
                assert_eq!(still, 4 * total >= 3 * upper, "{total} of {upper}");
            }
        }
    }

    #[test]
    fn what_is_overloaded_stays_so_until_it_falls_below_the_lower_threshold() {
        assert!(!Live::overloaded_after_bind(9, 10, false));
        assert!(Live::overloaded_after_bind(10, 10, false));
        assert!(Live::overloaded_after_bind(3, 10, true));
        assert!(Live::overloaded_after_unbind(5, 10, 5, true));
        assert!(!Live::overloaded_after_unbind(4, 10, 5, true));
        assert!(!Live::overloaded_after_unbind(9, 10, 5, false));
        assert!(!Live::overloaded_after_unbind(9, 0, 0, true));
        assert!(
            Live::overloaded_after_unbind(9, 0, 3, true),
            "the lower one counts by itself, as in Linux"
        );
    }

    #[test]
    fn an_edit_is_judged_by_the_rules_of_the_kernel_that_is_followed() {
        let old =
            |old_upper, upper, was| Live::overloaded_after_edit(8, old_upper, upper, 0, was, true);
        assert!(!old(10, 5, false), "lowering sets nothing");
        assert!(old(10, 5, true));
        assert!(!old(5, 6, true), "raising clears, even when there are more");
        assert!(!old(5, 0, true));
        let new =
            |old_upper, upper, was| Live::overloaded_after_edit(8, old_upper, upper, 0, was, false);
        assert!(new(10, 5, false));
        assert!(new(5, 10, true), "8 is not below three quarters of 10");
        assert!(!new(5, 12, true));
        assert!(!new(5, 0, true));
    }
}
