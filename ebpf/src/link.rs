//! The link layer of frames: Ethernet, with VLAN tags or without.

use dray_packet::ethernet::{self, Ethernet, TAG_LENGTH};

/// The link layer of the frame at hand, in one number: what all of a packet's way needs to know of it takes one register. In the
/// low half where the IP header starts, in the high half the outer tag's VLAN identifier.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub(crate) struct Link(pub(crate) u32);

impl Link {
    #[inline(always)]
    pub(crate) fn of(ethernet: &Ethernet) -> Self {
        Self((ethernet.vlan as u32) << 16 | ethernet.length() as u32)
    }

    /// That of frames with one tag of this VLAN, or with none if it is 0.
    #[inline(always)]
    pub(crate) fn to(vlan: u32) -> Self {
        if vlan == 0 {
            Self(ethernet::LENGTH as u32)
        } else {
            Self(vlan << 16 | (ethernet::LENGTH + TAG_LENGTH) as u32)
        }
    }

    /// Where the IP header starts.
    #[inline(always)]
    pub(crate) fn offset(self) -> usize {
        /// Up to two tags; a mask, for the verifier.
        const LONGEST: u32 = 0x1f;
        (self.0 & LONGEST) as usize
    }

    /// The outer tag's VLAN identifier, 0 when there is none.
    #[inline(always)]
    pub(crate) fn vlan(self) -> u16 {
        (self.0 >> 16) as u16
    }
}
