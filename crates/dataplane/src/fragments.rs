//! What is remembered of fragmented packets.

use std::{mem::offset_of, sync::atomic::Ordering};

use dray_abi::{Fragment, Meta, SLOTS_PER_BUCKET};

use crate::maps::Maps;

/// Forgets the ways that lead to a destination, whose number is about to be free.
pub(crate) fn forget(maps: &Maps, destination: u32) {
    for bucket in 0..maps.fragments.len() {
        for slot in 0..SLOTS_PER_BUCKET {
            let offset = slot * size_of::<Fragment>() + offset_of!(Fragment, meta);
            let Some(word) = maps.fragments.word(bucket, offset) else {
                continue;
            };
            let seen = word.load(Ordering::Acquire);
            if Meta(seen).destination() == destination {
                // When it fails, a packet has claimed the slot for another way.
                let _ =
                    word.compare_exchange(seen, Meta::FREE.0, Ordering::AcqRel, Ordering::Relaxed);
            }
        }
    }
}
