//! What differs between IPv4 and IPv6, so that everything after the parsers is written once.

use aya_ebpf::maps::Array;
use dray_abi::{SLOTS_PER_BUCKET, ServiceKey, Slot4, Slot6};
use dray_packet::{
    Frame, TransportProtocol,
    hash::{self, Place},
    ipv4, ipv6,
};
use dray_sched::Flow;

use crate::{constants, maps};

/// The link layer of the frame at hand.
pub(crate) struct Link {
    /// Where the IP header starts.
    pub(crate) offset: usize,
    /// The outer tag's VLAN identifier, 0 when there is none.
    pub(crate) vlan: u16,
    /// VLAN tags, 0 to 2.
    pub(crate) tags: usize,
}

/// A client's packet, of either family.
pub(crate) trait Packet: Copy {
    /// A slot of the family's connection table.
    type Slot: Slot<Packet = Self>;

    fn place(&self) -> Place;
    fn bucket(number: u32) -> Option<*mut Self::Slot>;
    fn buckets() -> u32;
    fn protocol(&self) -> TransportProtocol;
    fn flags(&self) -> u8;
    /// Client port and service port, each as it lies in the packet.
    fn ports(&self) -> [[u8; 2]; 2];
    fn length(&self) -> u64;
    /// Time to live, or hop limit.
    fn hops_left(&self) -> u8;
    fn take_hop(&self, frame: &Frame<'_>, offset: usize) -> Option<()>;
    fn vip(&self) -> [u8; 16];
    /// What a scheduler hashes: the client's address as a number, IPv6's folded as IPVS folds it.
    fn client_number(&self) -> u32;
    fn flow_hash(&self) -> u32;

    #[inline(always)]
    fn service(&self) -> ServiceKey {
        let [_, port] = self.ports();
        ServiceKey {
            vip: self.vip(),
            port,
            protocol: self.protocol().number(),
            reserved: 0,
        }
    }

    #[inline(always)]
    fn client_port(&self) -> u16 {
        let [port, _] = self.ports();
        u16::from_be_bytes(port)
    }

    #[inline(always)]
    fn flow(&self) -> Flow {
        Flow {
            client: self.client_number(),
            client_port: self.client_port(),
            hash: self.flow_hash(),
        }
    }
}

/// A slot of a connection table. Pointers, because packets on other processors use the same slot.
pub(crate) trait Slot {
    type Packet;

    fn meta(slot: *mut Self) -> *mut u64;
    fn since(slot: *mut Self) -> *mut u32;
    fn spilled(slot: *mut Self) -> *mut u32;
    /// Whether the slot has the key of this packet's connection.
    ///
    /// # Safety
    /// `slot` points to a slot of the table.
    unsafe fn has(slot: *mut Self, packet: &Self::Packet) -> bool;
    /// Gives the slot that key.
    ///
    /// # Safety
    /// `slot` points to a slot of the table that the caller has claimed.
    unsafe fn write(slot: *mut Self, packet: &Self::Packet);
}

macro_rules! slot {
    ($slot:ty, $packet:ty, [$($word:literal),*]) => {
        impl Slot for $slot {
            type Packet = $packet;

            #[inline(always)]
            fn meta(slot: *mut Self) -> *mut u64 {
                // SAFETY: no access; the field lies in the slot.
                unsafe { &raw mut (*slot).meta }
            }

            #[inline(always)]
            fn since(slot: *mut Self) -> *mut u32 {
                // SAFETY: as above.
                unsafe { &raw mut (*slot).since }
            }

            #[inline(always)]
            fn spilled(slot: *mut Self) -> *mut u32 {
                // SAFETY: as above.
                unsafe { &raw mut (*slot).spilled }
            }

            #[inline(always)]
            unsafe fn has(slot: *mut Self, packet: &$packet) -> bool {
                // SAFETY: the caller's; volatile, as another processor may be writing the key.
                unsafe {
                    $((&raw const (*slot).key[$word]).read_volatile() == packet.key[$word])&&*
                }
            }

            #[inline(always)]
            unsafe fn write(slot: *mut Self, packet: &$packet) {
                // SAFETY: the caller's.
                unsafe { $((&raw mut (*slot).key[$word]).write_volatile(packet.key[$word]);)* }
            }
        }
    };
}

slot!(Slot4, ipv4::Packet, [0, 1]);
slot!(Slot6, ipv6::Packet, [0, 1, 2, 3, 4]);

/// What the two families' packets have under the same names.
macro_rules! common {
    ($slot:ty, $table:ident, $buckets:ident, $place:ident, $hops:ident, $take:path) => {
        type Slot = $slot;

        #[inline(always)]
        fn place(&self) -> Place {
            Place::$place(&self.key, &constants::hash_key().multipliers)
        }

        #[inline(always)]
        fn bucket(number: u32) -> Option<*mut $slot> {
            first_slot(&maps::$table, number)
        }

        #[inline(always)]
        fn buckets() -> u32 {
            constants::$buckets()
        }

        #[inline(always)]
        fn protocol(&self) -> TransportProtocol {
            Self::protocol(self)
        }

        #[inline(always)]
        fn flags(&self) -> u8 {
            self.flags
        }

        #[inline(always)]
        fn ports(&self) -> [[u8; 2]; 2] {
            Self::ports(self)
        }

        #[inline(always)]
        fn length(&self) -> u64 {
            self.length as u64
        }

        #[inline(always)]
        fn hops_left(&self) -> u8 {
            self.$hops
        }

        #[inline(always)]
        fn take_hop(&self, frame: &Frame<'_>, offset: usize) -> Option<()> {
            $take(frame, offset, self)
        }

        #[inline(always)]
        fn flow_hash(&self) -> u32 {
            hash::of_flow(&self.key)
        }
    };
}

impl Packet for ipv4::Packet {
    common!(Slot4, CONNECTIONS4, buckets4, of4, ttl, ipv4::decrement_ttl);

    #[inline(always)]
    fn vip(&self) -> [u8; 16] {
        ServiceKey::mapped(Self::vip(self))
    }

    #[inline(always)]
    fn client_number(&self) -> u32 {
        u32::from_be_bytes(self.client())
    }
}

impl Packet for ipv6::Packet {
    common!(
        Slot6,
        CONNECTIONS6,
        buckets6,
        of6,
        hop_limit,
        ipv6::decrement_hop_limit
    );

    #[inline(always)]
    fn vip(&self) -> [u8; 16] {
        let [[a, b, c, d, e, f, g, h], [i, j, k, l, m, n, o, p]] = Self::vip(self);
        [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
    }

    #[inline(always)]
    fn client_number(&self) -> u32 {
        let [high, low] = self.client().map(u64::from_be_bytes);
        let folded = high ^ low;
        (folded >> 32) as u32 ^ folded as u32
    }
}

#[inline(always)]
fn first_slot<S>(table: &Array<[S; SLOTS_PER_BUCKET]>, number: u32) -> Option<*mut S> {
    table.get_ptr_mut(number).map(|bucket| bucket.cast())
}
