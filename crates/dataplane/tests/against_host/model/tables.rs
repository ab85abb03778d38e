//! What a scheduler picks from.

use std::cell::Cell;

use dray_sched::{
    Flow, LOCALITY_BUCKETS, LOCALITY_SLOTS, LOCALITY_WORDS, Load, Place, Scan, Standing, Tables,
};

use super::Model;
use crate::packet::Key;

/// An empty cache of localities.
pub(super) fn no_locality() -> Vec<Cell<u64>> {
    let words = LOCALITY_BUCKETS * LOCALITY_SLOTS * LOCALITY_WORDS;
    vec![Cell::new(0); words as usize]
}

impl Model {
    /// The destination that the service's scheduler picks. An ICMP error goes to the client of the packet that it is about, and
    /// by that address what goes by destinations.
    pub(super) fn pick(&self, key: &Key, service: usize, is_error: bool) -> Option<u32> {
        let vip = if is_error { key.client } else { key.vip };
        let flow = Flow {
            client: number(key.client, key.family),
            client_port: key.client_port,
            vip: number(vip, key.family),
            vip_words: words(vip),
            service: service as u32,
            tick: self.now as u32,
            // For connections that find the table full.
            hash: 0,
        };
        dray_sched::pick(&View(self, service), 0, &flow)
    }

    fn locality_word(&self, place: Place, word: u32) -> Option<&Cell<u64>> {
        let inside = place.slot < LOCALITY_SLOTS && word < LOCALITY_WORDS;
        let index = (place.bucket * LOCALITY_SLOTS + place.slot) * LOCALITY_WORDS + word;
        self.locality.get(index as usize).filter(|_| inside)
    }
}

/// The tables as a service's scheduler sees them: its record begins at index 0.
struct View<'a>(&'a Model, usize);

impl View<'_> {
    fn cell(&self, index: u32) -> Option<&Cell<u64>> {
        self.0.services[self.1].record.get(index as usize)
    }
}

impl Tables for View<'_> {
    fn word(&self, index: u32) -> Option<u64> {
        self.cell(index).map(Cell::get)
    }

    fn advance(&self, index: u32) -> Option<u64> {
        let word = self.cell(index)?;
        Some(word.replace(word.get() + 1))
    }

    fn replace(&self, index: u32, old: u64, new: u64) -> bool {
        exchange(self.cell(index), old, new)
    }

    fn live(&self, destination: u32) -> Option<Load> {
        let target = self.0.destinations.get(&destination)?;
        Some(Load {
            active: target.active,
            inactive: target.inactive,
            overloaded: target.overloaded,
        })
    }

    fn standing(&self, destination: u32) -> Option<Standing> {
        let target = self.0.destinations.get(&destination)?;
        Some(Standing {
            service: target.service,
            weight: target.weight,
            available: target.available && (target.hop.is_some() || target.local),
        })
    }

    fn locality(&self, place: Place, word: u32) -> Option<u64> {
        self.0.locality_word(place, word).map(Cell::get)
    }

    fn set_locality(&self, place: Place, word: u32, value: u64) {
        if let Some(word) = self.0.locality_word(place, word) {
            word.set(value);
        }
    }

    fn replace_locality(&self, place: Place, word: u32, old: u64, new: u64) -> bool {
        exchange(self.0.locality_word(place, word), old, new)
    }

    fn random(&self) -> u32 {
        unreachable!("the kernel's random numbers are its own")
    }

    fn scan<S: Scan<Self>>(&self, count: u32, scan: &mut S) {
        for index in 0..count {
            if scan.step(self, index).is_break() {
                break;
            }
        }
    }
}

fn exchange(word: Option<&Cell<u64>>, old: u64, new: u64) -> bool {
    word.is_some_and(|word| word.get() == old && word.replace(new) == old)
}

/// An address as schedulers hash it.
fn number(address: [u8; 16], family: u8) -> u32 {
    let bits = u128::from_be_bytes(address);
    if family == 4 {
        return bits as u32;
    }
    (bits >> 96) as u32 ^ (bits >> 64) as u32 ^ (bits >> 32) as u32 ^ bits as u32
}

/// An address as it lies in memory.
fn words(address: [u8; 16]) -> [u64; 2] {
    let (head, tail) = address.split_at(8);
    [head, tail].map(|half| u64::from_ne_bytes(half.try_into().expect("eight bytes")))
}
