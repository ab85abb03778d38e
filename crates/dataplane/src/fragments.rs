//! What is remembered of fragmented packets.

use std::{mem::offset_of, sync::atomic::Ordering};

use dray_abi::{Fragment, Meta, SLOTS_PER_BUCKET};

use crate::maps::Maps;

/// Forgets the ways that lead to destinations of these numbers.
pub(crate) fn forget(maps: &Maps, is_freed: impl Fn(u32) -> bool) {
    for bucket in 0..maps.fragments.len() {
        for slot in 0..SLOTS_PER_BUCKET {
            let offset = slot * size_of::<Fragment>() + offset_of!(Fragment, meta);
            let Some(word) = maps.fragments.word(bucket, offset) else {
                continue;
            };
            let seen = word.load(Ordering::Acquire);
            if is_freed(Meta(seen).destination()) {
                // When it fails, a packet has claimed the slot for another way.
                let _ =
                    word.compare_exchange(seen, Meta::FREE.0, Ordering::AcqRel, Ordering::Relaxed);
            }
        }
    }
}
