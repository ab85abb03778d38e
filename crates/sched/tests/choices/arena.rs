//! The tables of a pick, in host memory.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use dray_sched::{
    CURSOR, LOCALITY_BUCKETS, LOCALITY_SLOTS, LOCALITY_WORDS, Load, Place, Scan, Standing, Tables,
};

/// One record, and what is known of all destinations, by number.
pub(crate) struct Arena {
    words: Vec<AtomicU64>,
    pub(crate) live: Vec<Load>,
    pub(crate) standing: Vec<Standing>,
    locality: Vec<AtomicU64>,
    random: AtomicU64,
}

impl Default for Arena {
    fn default() -> Self {
        let words = LOCALITY_BUCKETS * LOCALITY_SLOTS * LOCALITY_WORDS;
        Self {
            words: Vec::new(),
            live: Vec::new(),
            standing: Vec::new(),
            locality: (0..words).map(|_| AtomicU64::new(0)).collect(),
            random: AtomicU64::new(0),
        }
    }
}

/// Connections of a destination that is not overloaded.
pub(crate) const fn load((active, inactive): (u32, u32)) -> Load {
    Load {
        active,
        inactive,
        overloaded: false,
    }
}

impl Arena {
    /// Where the record begins: not at 0, so that a pick that forgets to add its index is found out.
    pub(crate) const RECORD: u32 = 3;

    pub(crate) fn publish(&mut self, record: &[u64]) {
        let padding = [u64::MAX; Self::RECORD as usize];
        let words = padding.iter().chain(record);
        self.words = words.map(|word| AtomicU64::new(*word)).collect();
    }

    /// The random numbers that come next.
    pub(crate) fn upcoming(&self) -> [u32; 2] {
        let state = self.random.load(Ordering::Relaxed);
        [state, state.wrapping_add(SPLIT_MIX)].map(split_mix)
    }

    /// What `lblc` and `lblcr` remember ends.
    pub(crate) fn forget_locality(&self) {
        for word in &self.locality {
            word.store(0, Ordering::Relaxed);
        }
    }

    /// The record as it was published, and its cursor now.
    pub(crate) fn record(&self) -> Option<(Vec<u64>, u64)> {
        let words: Vec<u64> = self
            .words
            .iter()
            .skip(Self::RECORD as usize)
            .map(|word| word.load(Ordering::Relaxed))
            .collect();
        let cursor = *words.get(CURSOR as usize)?;
        Some((words, cursor))
    }
}

impl Tables for Arena {
    fn word(&self, index: u32) -> Option<u64> {
        let word = self.words.get(index as usize)?;
        Some(word.load(Ordering::Relaxed))
    }

    fn advance(&self, index: u32) -> Option<u64> {
        let word = self.words.get(index as usize)?;
        Some(word.fetch_add(1, Ordering::Relaxed))
    }

    fn replace(&self, index: u32, old: u64, new: u64) -> bool {
        let word = self.words.get(index as usize);
        word.is_some_and(|word| exchange(word, old, new))
    }

    fn live(&self, destination: u32) -> Option<Load> {
        self.live.get(destination as usize).copied()
    }

    fn standing(&self, destination: u32) -> Option<Standing> {
        self.standing.get(destination as usize).copied()
    }

    fn locality(&self, place: Place, word: u32) -> Option<u64> {
        let word = self.locality.get(locality(place, word)?)?;
        Some(word.load(Ordering::Relaxed))
    }

    fn set_locality(&self, place: Place, word: u32, value: u64) {
        if let Some(index) = locality(place, word) {
            self.locality[index].store(value, Ordering::Relaxed);
        }
    }

    fn replace_locality(&self, place: Place, word: u32, old: u64, new: u64) -> bool {
        locality(place, word).is_some_and(|index| exchange(&self.locality[index], old, new))
    }

    fn random(&self) -> u32 {
        split_mix(self.random.fetch_add(SPLIT_MIX, Ordering::Relaxed))
    }

    fn scan<S: Scan<Self>>(&self, count: u32, scan: &mut S) {
        for index in 0..count {
            if let ControlFlow::Break(()) = scan.step(self, index) {
                break;
            }
        }
    }
}

fn exchange(word: &AtomicU64, old: u64, new: u64) -> bool {
    word.compare_exchange(old, new, Ordering::Relaxed, Ordering::Relaxed)
        .is_ok()
}

fn locality(place: Place, word: u32) -> Option<usize> {
    let Place { bucket, slot } = place;
    let inside = bucket < LOCALITY_BUCKETS && slot < LOCALITY_SLOTS && word < LOCALITY_WORDS;
    inside.then_some(((bucket * LOCALITY_SLOTS + slot) * LOCALITY_WORDS + word) as usize)
}

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014): the step of the state, and a number from it.
const SPLIT_MIX: u64 = 0x9e37_79b9_7f4a_7c15;

fn split_mix(state: u64) -> u32 {
    let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ mixed >> 31) >> 32) as u32
}
