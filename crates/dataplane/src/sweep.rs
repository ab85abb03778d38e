//! Ending connections whose time is over.
//!
//! Packets end them too, where they need the room, so that the table stays usable when no daemon runs; the
//! sweep is what keeps the counts of active and inactive connections right.

use std::{mem::offset_of, ops::Range, sync::atomic::Ordering};

use dray_abi::{Live, Meta, SLOTS_PER_BUCKET, Slot4, Slot6};
use dray_model::Sweep;
use dray_packet::tcp;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::{KernelDataPlane, clock, mapped::Mapped};

pub(crate) fn sweep(plane: &mut KernelDataPlane, parts: u32) -> Sweep {
    let parts = parts.max(1);
    let part = plane.next_part % parts;
    plane.next_part = (part + 1) % parts;
    if part == 0 {
        plane.ports.refresh(&plane.maps);
    }
    let mut sweep = Sweep::default();
    let tables = &plane.maps;
    sweep_table(
        plane,
        &tables.connections4,
        size_of::<Slot4>(),
        stretch(tables.connections4.len(), part, parts),
        &mut sweep,
    );
    sweep_table(
        plane,
        &tables.connections6,
        size_of::<Slot6>(),
        stretch(tables.connections6.len(), part, parts),
        &mut sweep,
    );
    sweep
}

/// One of `parts` stretches of about the same length.
fn stretch(buckets: u32, part: u32, parts: u32) -> Range<u32> {
    let cut = |part: u32| (u64::from(buckets) * u64::from(part) / u64::from(parts)) as u32;
    cut(part)..cut(part + 1)
}

fn sweep_table<B: FromBytes + IntoBytes + Immutable>(
    plane: &KernelDataPlane,
    table: &Mapped<B>,
    slot_size: usize,
    buckets: Range<u32>,
    sweep: &mut Sweep,
) {
    let settings = plane.maps.settings();
    let tick = plane.tick();
    for bucket in buckets {
        for slot in 0..SLOTS_PER_BUCKET {
            let Some(word) = table.word(bucket, slot * slot_size) else {
                continue;
            };
            let meta = Meta(word.load(Ordering::Acquire));
            if !meta.is_live() {
                continue;
            }
            if !settings.is_over(meta, tick) {
                sweep.alive += 1;
            } else if word
                .compare_exchange(meta.0, Meta::FREE.0, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
            {
                sweep.ended += 1;
                let unit = Live::one(tcp::is_active(meta.state()));
                if let Some(live) = plane
                    .maps
                    .live
                    .word(meta.destination(), offset_of!(Live, active_inactive))
                {
                    live.fetch_sub(unit, Ordering::Relaxed);
                }
            }
        }
    }
}

impl KernelDataPlane {
    /// Now, by the clock that the packets of this instance are timed by.
    pub(crate) fn tick(&self) -> u32 {
        // A private instance starts its clock at 1; the kernel's is not kept there.
        match self.maps.settings().clock {
            0 => clock::now(),
            own => own,
        }
    }
}
