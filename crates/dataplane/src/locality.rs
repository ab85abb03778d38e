//! What `lblc` and `lblcr` remember: which destinations serve a VIP of a mark.

use std::{mem::offset_of, sync::atomic::Ordering};

use dray_abi::{LOCALITY_MEMBERS, Locality, SLOTS_PER_BUCKET};

use crate::maps::Maps;

/// Takes a destination, whose number is about to be free, out of every entry.
pub(crate) fn forget(maps: &Maps, destination: u32) {
    for bucket in 0..maps.locality.len() {
        for slot in 0..SLOTS_PER_BUCKET {
            take_out(maps, bucket, slot, destination);
        }
    }
}

/// An empty place stays where it is, so that the others keep theirs, which say how old they are.
fn take_out(maps: &Maps, bucket: u32, slot: usize, destination: u32) {
    let members = slot * size_of::<Locality>() + offset_of!(Locality, members);
    for index in 0..LOCALITY_MEMBERS {
        let offset = members + index * size_of::<u32>();
        if let Some(member) = maps.locality.half(bucket, offset) {
            // A packet that puts another one there at this moment wins.
            let _ = member.compare_exchange(destination, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}
