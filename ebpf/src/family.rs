//! What differs between IPv4 and IPv6, so that everything after the parsers is written once.

use aya_ebpf::maps::Array;
use dray_abi::{SLOTS_PER_BUCKET, ServiceKey, Slot4, Slot6};
use dray_packet::{Frame, TransportProtocol, hash::Place, ipv4, ipv6};
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
pub(crate) trait Packet {
    type Slot: Slot<Key = Self::Key>;
    type Key;

    fn key(&self) -> Self::Key;
    fn place(key: &Self::Key) -> Place;
    fn bucket(number: u32) -> Option<*mut Self::Slot>;
    fn buckets() -> u32;
    fn protocol(&self) -> TransportProtocol;
    fn flags(&self) -> u8;
    fn ports(&self) -> [u8; 4];
    fn length(&self) -> u64;
    /// Time to live, or hop limit.
    fn hops_left(&self) -> u8;
    fn take_hop(&self, frame: &Frame<'_>, offset: usize) -> Option<()>;
    fn vip(&self) -> [u8; 16];
    /// What a scheduler hashes: the client's address as a number, IPv6's folded as IPVS folds it.
    fn client_number(&self) -> u32;
    fn flow_hash(key: &Self::Key) -> u32;

    #[inline(always)]
    fn service(&self) -> ServiceKey {
        let [_, _, high, low] = self.ports();
        ServiceKey {
            vip: self.vip(),
            port: [high, low],
            protocol: self.protocol().number(),
            reserved: 0,
        }
    }

    #[inline(always)]
    fn client_port(&self) -> u16 {
        let [high, low, _, _] = self.ports();
        u16::from_be_bytes([high, low])
    }

    #[inline(always)]
    fn flow(&self, key: &Self::Key) -> Flow {
        Flow {
            client: self.client_number(),
            client_port: self.client_port(),
            hash: Self::flow_hash(key),
        }
    }
}

/// A slot of a connection table. Pointers, because packets on other processors use the same slot.
pub(crate) trait Slot {
    type Key;

    fn meta(slot: *mut Self) -> *mut u64;
    fn since(slot: *mut Self) -> *mut u32;
    fn spilled(slot: *mut Self) -> *mut u32;
    /// # Safety
    /// `slot` points to a slot of the table.
    unsafe fn has(slot: *mut Self, key: &Self::Key) -> bool;
    /// # Safety
    /// `slot` points to a slot of the table that the caller has claimed.
    unsafe fn write(slot: *mut Self, key: &Self::Key);
}

macro_rules! slot {
    ($slot:ty, [$($word:literal),*]) => {
        impl Slot for $slot {
            type Key = [u64; [$($word),*].len()];

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
            unsafe fn has(slot: *mut Self, key: &Self::Key) -> bool {
                // SAFETY: the caller's; volatile, as another processor may be writing the key.
                unsafe { $((&raw const (*slot).key[$word]).read_volatile() == key[$word])&&* }
            }

            #[inline(always)]
            unsafe fn write(slot: *mut Self, key: &Self::Key) {
                // SAFETY: the caller's.
                unsafe { $((&raw mut (*slot).key[$word]).write_volatile(key[$word]);)* }
            }
        }
    };
}

slot!(Slot4, [0, 1]);
slot!(Slot6, [0, 1, 2, 3, 4]);

impl Packet for ipv4::Packet {
    type Slot = Slot4;
    type Key = [u64; 2];

    #[inline(always)]
    fn key(&self) -> Self::Key {
        ipv4::Packet::key(self)
    }

    #[inline(always)]
    fn place(key: &Self::Key) -> Place {
        Place::of4(key, &constants::hash_key().multipliers)
    }

    #[inline(always)]
    fn bucket(number: u32) -> Option<*mut Slot4> {
        first_slot(&maps::CONNECTIONS4, number)
    }

    #[inline(always)]
    fn buckets() -> u32 {
        constants::buckets4()
    }

    #[inline(always)]
    fn protocol(&self) -> TransportProtocol {
        self.protocol
    }

    #[inline(always)]
    fn flags(&self) -> u8 {
        self.flags
    }

    #[inline(always)]
    fn ports(&self) -> [u8; 4] {
        self.ports
    }

    #[inline(always)]
    fn length(&self) -> u64 {
        self.length as u64
    }

    #[inline(always)]
    fn hops_left(&self) -> u8 {
        self.ttl
    }

    #[inline(always)]
    fn take_hop(&self, frame: &Frame<'_>, offset: usize) -> Option<()> {
        ipv4::decrement_ttl(frame, offset, self)
    }

    #[inline(always)]
    fn vip(&self) -> [u8; 16] {
        ServiceKey::mapped(self.vip)
    }

    #[inline(always)]
    fn client_number(&self) -> u32 {
        u32::from_be_bytes(self.client)
    }

    #[inline(always)]
    fn flow_hash(key: &Self::Key) -> u32 {
        dray_packet::hash::of_flow(key)
    }
}

impl Packet for ipv6::Packet {
    type Slot = Slot6;
    type Key = [u64; 5];

    #[inline(always)]
    fn key(&self) -> Self::Key {
        ipv6::Packet::key(self)
    }

    #[inline(always)]
    fn place(key: &Self::Key) -> Place {
        Place::of6(key, &constants::hash_key().multipliers)
    }

    #[inline(always)]
    fn bucket(number: u32) -> Option<*mut Slot6> {
        first_slot(&maps::CONNECTIONS6, number)
    }

    #[inline(always)]
    fn buckets() -> u32 {
        constants::buckets6()
    }

    #[inline(always)]
    fn protocol(&self) -> TransportProtocol {
        self.protocol
    }

    #[inline(always)]
    fn flags(&self) -> u8 {
        self.flags
    }

    #[inline(always)]
    fn ports(&self) -> [u8; 4] {
        self.ports
    }

    #[inline(always)]
    fn length(&self) -> u64 {
        self.length as u64
    }

    #[inline(always)]
    fn hops_left(&self) -> u8 {
        self.hop_limit
    }

    #[inline(always)]
    fn take_hop(&self, frame: &Frame<'_>, offset: usize) -> Option<()> {
        ipv6::decrement_hop_limit(frame, offset, self)
    }

    #[inline(always)]
    fn vip(&self) -> [u8; 16] {
        self.vip
    }

    #[inline(always)]
    fn client_number(&self) -> u32 {
        let folded = u128::from_be_bytes(self.client);
        (folded >> 96) as u32 ^ (folded >> 64) as u32 ^ (folded >> 32) as u32 ^ folded as u32
    }

    #[inline(always)]
    fn flow_hash(key: &Self::Key) -> u32 {
        dray_packet::hash::of_flow(key)
    }
}

#[inline(always)]
fn first_slot<S>(table: &Array<[S; SLOTS_PER_BUCKET]>, number: u32) -> Option<*mut S> {
    table.get_ptr_mut(number).map(|bucket| bucket.cast())
}
