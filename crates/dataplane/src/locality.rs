//! What `lblc` and `lblcr` remember: which destinations serve a VIP of a mark.

use std::{mem::offset_of, sync::atomic::Ordering};

use dray_abi::{LOCALITY_MEMBERS, Locality, SLOTS_PER_BUCKET};

use crate::maps::Maps;

/// The word of an entry that is being written.
const BUSY: u64 = 1;

/// How often an entry that a packet is writing is tried: each try outlasts the packet.
const TRIES: u32 = 1000;

/// Takes a destination, whose number is about to be free, out of every entry.
pub(crate) fn forget(maps: &Maps, destination: u32) {
    for bucket in 0..maps.locality.len() {
        for slot in 0..SLOTS_PER_BUCKET {
            let entry = Entry { maps, bucket, slot };
            if entry.names(destination) {
                entry.take_out(destination);
            }
        }
    }
}

struct Entry<'a> {
    maps: &'a Maps,
    bucket: u32,
    slot: usize,
}

impl Entry<'_> {
    fn read(&self) -> Locality {
        let bucket = self.maps.locality.read(self.bucket).unwrap_or_default();
        bucket[self.slot]
    }

    /// Whether it may name the destination, by a look that packets may disturb.
    fn names(&self, destination: u32) -> bool {
        let entry = self.read();
        entry.word != 0 && entry.members.contains(&destination)
    }

    fn take_out(&self, destination: u32) {
        let offset = self.slot * size_of::<Locality>();
        let Some(word) = self.maps.locality.word(self.bucket, offset) else {
            return;
        };
        for _ in 0..TRIES {
            let seen = word.load(Ordering::Acquire);
            if seen == 0 {
                return;
            }
            let claimed = seen & u64::from(u32::MAX) != BUSY
                && word
                    .compare_exchange(seen, BUSY, Ordering::AcqRel, Ordering::Relaxed)
                    .is_ok();
            if claimed {
                self.write(without(&self.read(), destination));
                word.store(seen, Ordering::Release);
                return;
            }
            std::thread::yield_now();
        }
    }

    fn write(&self, (length, members): (u32, [u32; LOCALITY_MEMBERS])) {
        let base = self.slot * size_of::<Locality>();
        let half = |offset| self.maps.locality.half(self.bucket, base + offset);
        if let Some(half) = half(offset_of!(Locality, length)) {
            half.store(length, Ordering::Relaxed);
        }
        for (member, index) in members.into_iter().zip(0..) {
            if let Some(half) = half(offset_of!(Locality, members) + index * size_of::<u32>()) {
                half.store(member, Ordering::Relaxed);
            }
        }
    }
}

/// The members but for one, and how many they are.
fn without(entry: &Locality, destination: u32) -> (u32, [u32; LOCALITY_MEMBERS]) {
    let mut members = [0; LOCALITY_MEMBERS];
    let present = entry.members.iter().take(entry.length as usize);
    let others = present.filter(|member| **member != destination);
    let mut length = 0;
    for (place, member) in members.iter_mut().zip(others) {
        *place = *member;
        length += 1;
    }
    (length, members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_others_keep_their_order() {
        let mut entry = Locality {
            length: 3,
            ..Locality::default()
        };
        entry.members[..4].copy_from_slice(&[7, 5, 9, 5]);
        let (length, members) = without(&entry, 5);
        assert_eq!((length, &members[..4]), (2, &[7, 9, 0, 0][..]));
    }
}
