//! IP packets as forwarding sees them, whatever they carry.

use dray_packet::{Frame, ipv4, ipv6};

/// A time to live or hop limit in a frame.
pub(crate) trait Hops: Copy {
    fn left(self) -> u8;
    /// Counts it down.
    fn take(self);
}

/// What forwarding needs to know of an IP packet, whatever it carries.
pub(crate) trait Datagram {
    /// Time to live or hop limit, where it lies in the frame.
    type Hops<'a>: Hops;
    /// That of the packet at `offset`.
    fn hops<'a>(&self, frame: &Frame<'a>, offset: usize) -> Option<Self::Hops<'a>>;
    /// Time to live, or hop limit.
    fn hops_left(&self) -> u8;
    /// Bytes from the IP header on.
    fn length(&self) -> u32;
    /// Whether nobody on the way may fragment it.
    fn stays_whole(&self) -> bool;
}

macro_rules! datagram {
    ($packet:ty, $left:ident, $hops:ident) => {
        impl Hops for $hops::Hops<'_> {
            #[inline(always)]
            fn left(self) -> u8 {
                Self::left(self)
            }

            #[inline(always)]
            fn take(self) {
                Self::take(self);
            }
        }

        impl Datagram for $packet {
            type Hops<'a> = $hops::Hops<'a>;

            #[inline(always)]
            fn hops<'a>(&self, frame: &Frame<'a>, offset: usize) -> Option<$hops::Hops<'a>> {
                $hops::Hops::of(frame, offset)
            }

            #[inline(always)]
            fn hops_left(&self) -> u8 {
                self.$left
            }

            #[inline(always)]
            fn length(&self) -> u32 {
                self.length as u32
            }

            #[inline(always)]
            fn stays_whole(&self) -> bool {
                !self.may_be_fragmented()
            }
        }
    };
}

datagram!(ipv4::Packet, ttl, ipv4);
datagram!(ipv6::Packet, hop_limit, ipv6);
