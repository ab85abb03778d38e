//! `dh`: the VIP chooses the destination, by a table of 256 buckets. A service with one VIP gives all to one destination; it is for
//! those of marks.

#[cfg(feature = "host")]
mod table;

use core::ops::ControlFlow;

use crate::hash::hash32;
use crate::record::{NONE, Record, Takes};
use crate::{Flow, Scan, Tables};
#[cfg(feature = "host")]
pub(crate) use table::table;

/// The kernel's `IP_VS_DH_TAB_SIZE`.
const BUCKETS: u32 = 256;

/// The VIP's own destination and no other, whatever its weight, unless that is 0.
#[inline(always)]
pub(crate) fn pick<T: Tables>(tables: &T, record: Record, flow: &Flow) -> u32 {
    match record.slot(tables, BUCKETS, bucket(flow)) {
        Some(entry) if Takes::Now.connections(tables, entry) => entry.destination(),
        _ => NONE,
    }
}

/// The VIP's own destination or, if that is quiesced, the one of the next bucket whose destination is not.
#[inline(always)]
pub(crate) fn stateless<T: Tables>(tables: &T, record: Record, flow: &Flow) -> u32 {
    let mut walk = Walk {
        record,
        first: bucket(flow),
        found: NONE,
    };
    tables.scan(BUCKETS, &mut walk);
    walk.found
}

#[inline(always)]
fn bucket(flow: &Flow) -> u32 {
    hash32::<8>(flow.vip)
}

struct Walk {
    record: Record,
    first: u32,
    found: u32,
}

impl<T: Tables> Scan<T> for Walk {
    #[inline(always)]
    fn step(&mut self, tables: &T, index: u32) -> ControlFlow<()> {
        let bucket = self.first.wrapping_add(index) % BUCKETS;
        let Some(entry) = self.record.slot(tables, BUCKETS, bucket) else {
            return ControlFlow::Break(());
        };
        if !entry.usable() {
            return ControlFlow::Continue(());
        }
        self.found = entry.destination();
        ControlFlow::Break(())
    }
}
