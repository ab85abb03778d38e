//! Maglev tables (Eisenbud et al., NSDI 2016): every destination walks through the table in an order of its own and claims free
//! slots in turns, so that all get their share and a change moves few.

use alloc::vec;
use alloc::vec::Vec;

use crate::build::Entry;
use crate::hash::{fold, hsiphash};
use crate::mh;
use crate::record::EMPTY;

/// The key of a walk's stride; where it begins has the key of the clients.
const STRIDE_KEY: u64 = 2_654_446_892;

/// A table being filled.
pub(crate) struct Table {
    slots: Vec<u16>,
    free: u32,
}

impl Table {
    /// `size` is a prime number.
    pub(crate) fn new(size: u32) -> Self {
        Self {
            slots: vec![EMPTY; size as usize],
            free: size,
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.free == 0
    }

    /// Gives the next free slot on `walk` to the destination at `position` of the list. The table must not be full.
    pub(crate) fn claim(&mut self, walk: &mut Walk, position: u16) {
        let size = self.slots.len() as u32;
        while self.slots[walk.slot as usize] != EMPTY {
            walk.slot += walk.stride;
            if walk.slot >= size {
                walk.slot -= size;
            }
        }
        self.slots[walk.slot as usize] = position;
        self.free -= 1;
    }

    pub(crate) fn into_slots(self) -> Vec<u16> {
        self.slots
    }
}

/// A destination's way through a table. It comes by every slot, because the size is prime.
pub(crate) struct Walk {
    slot: u32,
    stride: u32,
}

impl Walk {
    /// The kernel's offset and skip of a real server in a table of `size` slots.
    pub(crate) fn of(entry: &Entry, size: u32) -> Self {
        let key = fold(entry.address).wrapping_add(u32::from(entry.port));
        Self {
            slot: hsiphash(mh::KEY, key) % size,
            stride: hsiphash(STRIDE_KEY, key) % (size - 1) + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_begin_and_stride_as_the_kernels() {
        for (address, slot, stride) in [
            ("10.0.0.11", 4032, 1541),
            ("10.0.0.12", 870, 874),
            ("10.0.0.13", 2586, 2286),
        ] {
            let entry = Entry {
                destination: 1,
                weight: 1,
                eligible: true,
                limited: false,
                address: address.parse().unwrap(),
                port: 80,
            };
            let walk = Walk::of(&entry, mh::SLOTS);
            assert_eq!((walk.slot, walk.stride), (slot, stride), "{address}");
        }
    }
}
