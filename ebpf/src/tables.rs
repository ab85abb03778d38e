//! The maps as the schedulers see them.

use core::{ffi::c_void, mem::offset_of};

use aya_ebpf::helpers::{bpf_get_prandom_u32, bpf_loop};
use dray_abi::{Destination, LOCALITY_BUCKETS, Live, Locality, SLOTS_PER_BUCKET, TICK_SHIFT};
use dray_sched::{
    LOCALITY_SLOTS, LOCALITY_TIME, LOCALITY_WORDS, Load, Place, Scan, Standing, Tables,
};

use crate::{atomic, maps};

/// The arena of scheduling records, what counts towards destinations, and the locality cache.
pub(crate) struct Arena;

impl Tables for Arena {
    #[inline(always)]
    fn word(&self, index: u32) -> Option<u64> {
        maps::RECORDS.get(index).copied()
    }

    #[inline(always)]
    fn advance(&self, index: u32) -> Option<u64> {
        let word = maps::RECORDS.get_ptr_mut(index)?;
        // SAFETY: a word of a map's value.
        Some(unsafe { atomic::add(word, 1) })
    }

    #[inline(always)]
    fn replace(&self, index: u32, old: u64, new: u64) -> bool {
        let Some(word) = maps::RECORDS.get_ptr_mut(index) else {
            return false;
        };
        // SAFETY: a word of a map's value.
        unsafe { atomic::replace(word, old, new) }
    }

    #[inline(always)]
    fn live(&self, destination: u32) -> Option<Load> {
        let live = maps::LIVE.get_ptr(destination)?;
        // SAFETY: a word of a map's value.
        let connections = unsafe { atomic::load(&raw const (*live).active_inactive) };
        // SAFETY: as above, of 32 bits; packets on other processors may be writing it.
        let overloaded = unsafe { (&raw const (*live).overloaded).read_volatile() };
        let (active, inactive) = Live::split(connections);
        Some(Load {
            active,
            inactive,
            overloaded: overloaded != 0,
        })
    }

    #[inline(always)]
    fn standing(&self, destination: u32) -> Option<Standing> {
        let entry = maps::DESTINATIONS.get_ptr(destination)?;
        // Its two words; user space stores each of them whole.
        let words = entry.cast::<[u64; 2]>();
        // SAFETY: a word of a map's value.
        let way = unsafe { atomic::load(&raw const (*words)[0]) };
        // SAFETY: as above.
        let place = unsafe { atomic::load(&raw const (*words)[1]) };
        let hop = way as u32;
        let flags = (way >> 32) as u16;
        let reachable = hop != 0 || flags & Destination::LOCAL != 0;
        Some(Standing {
            service: (place >> 32) as u32,
            weight: place as u32,
            available: flags & Destination::AVAILABLE != 0 && reachable,
        })
    }

    #[inline(always)]
    fn locality(&self, place: Place, word: u32) -> Option<u64> {
        let word = locality_word(place, word)?;
        // SAFETY: a word of a map's value.
        Some(unsafe { atomic::load(word) })
    }

    #[inline(always)]
    fn set_locality(&self, place: Place, word: u32, value: u64) {
        if let Some(word) = locality_word(place, word) {
            // SAFETY: a word of a map's value.
            unsafe { atomic::store(word, value) };
        }
    }

    #[inline(always)]
    fn replace_locality(&self, place: Place, word: u32, old: u64, new: u64) -> bool {
        let Some(word) = locality_word(place, word) else {
            return false;
        };
        // SAFETY: a word of a map's value.
        unsafe { atomic::replace(word, old, new) }
    }

    #[inline(always)]
    fn random(&self) -> u32 {
        // SAFETY: the helper may be called at any time.
        unsafe { bpf_get_prandom_u32() }
    }

    #[inline(always)]
    fn scan<S: Scan<Self>>(&self, count: u32, scan: &mut S) {
        // SAFETY: `step::<S>` takes what is passed here, which lives until the helper returns.
        unsafe {
            bpf_loop(
                count,
                step::<S> as *mut c_void,
                core::ptr::from_mut(scan).cast(),
                0,
            )
        };
    }
}

extern "C" fn step<S: Scan<Arena>>(index: u64, scan: *mut c_void) -> i64 {
    // SAFETY: the `scan` of `Arena::scan`, which nobody else uses meanwhile.
    let scan = unsafe { &mut *scan.cast::<S>() };
    scan.step(&Arena, index as u32).is_break() as i64
}

/// Where a word of the locality cache lies.
#[inline(always)]
fn locality_word(place: Place, word: u32) -> Option<*mut u64> {
    let bucket = maps::LOCALITY.get_ptr_mut(place.bucket)?;
    if place.slot >= LOCALITY_SLOTS || word >= LOCALITY_WORDS {
        return None;
    }
    let offset = forgotten(place.slot * LOCALITY_WORDS + word) % (LOCALITY_SLOTS * LOCALITY_WORDS);
    // SAFETY: inside the bucket, by the check above and the assertions below.
    Some(unsafe { bucket.cast::<u64>().add(offset as usize) })
}

/// The same number, of which the optimiser knows nothing any more: it keeps the bound that follows. The verifier of
/// Linux 6.1 needs that, because it loses the bounds of the parts that a number is put together from.
#[inline(always)]
fn forgotten(number: u32) -> u32 {
    let mut number = u64::from(number);
    // SAFETY: the register keeps its value, and nothing else is touched.
    unsafe {
        core::arch::asm!("{0} = {0}", inout(reg) number, options(pure, nomem, nostack, preserves_flags));
    }
    number as u32
}

// The schedulers know the locality cache by words and a destination by its two words: what they take for which is what it is.
const _: () = {
    assert!(LOCALITY_BUCKETS == dray_sched::LOCALITY_BUCKETS);
    assert!(SLOTS_PER_BUCKET == LOCALITY_SLOTS as usize);
    assert!(size_of::<Locality>() == 8 * LOCALITY_WORDS as usize);
    assert!(offset_of!(Locality, vip) == 8);
    assert!(offset_of!(Locality, modified) == 24 && offset_of!(Locality, added) == 28);
    assert!(offset_of!(Locality, members) == 32);
    assert!(LOCALITY_TIME as u64 == (24 * 3600 * 1_000_000_000_u64) >> TICK_SHIFT);
    assert!(offset_of!(Destination, flags) == 4);
    assert!(offset_of!(Destination, weight) == 8);
    assert!(offset_of!(Destination, service) == 12);
};
