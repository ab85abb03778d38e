//! What `lblc` and `lblcr` remember: which destinations serve a VIP of a mark. The layout is `dray_sched`'s.

use std::{
    mem::offset_of,
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
};

use dray_abi::{LOCALITY_MEMBERS, Locality, SLOTS_PER_BUCKET};
use dray_model::ServiceId;

use crate::maps::Maps;

const _: () =
    assert!(size_of::<Locality>() == dray_sched::LOCALITY_WORDS as usize * size_of::<u64>());

/// Frees the entries of these buckets that were not used for a day.
pub(crate) fn sweep(maps: &Maps, buckets: Range<u32>, tick: u32) {
    free_where(maps, buckets, |word| {
        dray_sched::locality_is_over(word, tick)
    });
}

/// Frees the entries of a service that has ended, or has another scheduler.
pub(crate) fn forget_service(maps: &Maps, service: ServiceId) {
    free_where(maps, 0..maps.locality.len(), |word| {
        dray_sched::locality_service(word) == Some(service.0)
    });
}

/// Takes the destinations of these numbers out of every entry.
pub(crate) fn forget(maps: &Maps, is_freed: impl Fn(u32) -> bool) {
    for bucket in 0..maps.locality.len() {
        for slot in 0..SLOTS_PER_BUCKET {
            take_out(maps, bucket, slot, &is_freed);
        }
    }
}

/// An empty place stays where it is, so that the others keep theirs, which say how old they are.
fn take_out(maps: &Maps, bucket: u32, slot: usize, is_freed: impl Fn(u32) -> bool) {
    let members = slot * size_of::<Locality>() + offset_of!(Locality, members);
    for index in 0..LOCALITY_MEMBERS {
        let offset = members + index * size_of::<u32>();
        let Some(member) = maps.locality.half(bucket, offset) else {
            continue;
        };
        let seen = member.load(Ordering::Relaxed);
        if is_freed(seen) {
            // A packet that puts another one there at this moment wins.
            let _ = member.compare_exchange(seen, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}

fn free_where(maps: &Maps, buckets: Range<u32>, ends: impl Fn(u64) -> bool) {
    for bucket in buckets {
        for slot in 0..SLOTS_PER_BUCKET {
            let offset = slot * size_of::<Locality>() + offset_of!(Locality, word);
            if let Some(word) = maps.locality.word(bucket, offset) {
                free_if(word, &ends);
            }
        }
    }
}

/// A packet that uses the entry at this moment wins.
fn free_if(word: &AtomicU64, ends: impl Fn(u64) -> bool) {
    let seen = word.load(Ordering::Relaxed);
    if ends(seen) {
        let _ = word.compare_exchange(seen, 0, Ordering::Relaxed, Ordering::Relaxed);
    }
}
