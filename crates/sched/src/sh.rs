//! `sh`: the client's address chooses the destination, by a table of 256 buckets.

#[cfg(feature = "host")]
mod table;

use core::ops::ControlFlow;

use crate::hash::hash32;
use crate::record::{NONE, Record, Takes};
use crate::{Flow, Scan, Tables};
#[cfg(feature = "host")]
pub(crate) use table::table;

/// The kernel's `IP_VS_SH_TAB_SIZE`.
const BUCKETS: u32 = 256;

#[inline(always)]
pub(crate) fn pick<T: Tables>(tables: &T, record: Record, flow: &Flow) -> u32 {
    own_or_fallback(tables, record, flow, Takes::Now, record.fallback())
}

/// The client's own destination, or the one that `sh-fallback` would find, whether or not that flag is set.
#[inline(always)]
pub(crate) fn stateless<T: Tables>(tables: &T, record: Record, flow: &Flow) -> u32 {
    own_or_fallback(tables, record, flow, Takes::Always, true)
}

#[inline(always)]
fn own_or_fallback<T: Tables>(
    tables: &T,
    record: Record,
    flow: &Flow,
    takes: Takes,
    fallback: bool,
) -> u32 {
    let bucket = bucket(record, flow);
    let Some(entry) = record.slot(tables, BUCKETS, bucket) else {
        return NONE;
    };
    if takes.connections(tables, entry) {
        return entry.destination();
    }
    if !fallback {
        return NONE;
    }
    probe(tables, record, bucket, takes)
}

#[inline(always)]
fn bucket(record: Record, flow: &Flow) -> u32 {
    hash32::<8>(flow.client.wrapping_add(port(record, flow)))
}

#[inline(always)]
fn port(record: Record, flow: &Flow) -> u32 {
    if record.port() {
        u32::from(flow.client_port)
    } else {
        0
    }
}

/// Looks through all buckets as IPVS does. It adds the client's bucket to the offset twice, so the first one looked into is
/// `2 * bucket`, not the next one.
#[inline(always)]
fn probe<T: Tables>(tables: &T, record: Record, bucket: u32, takes: Takes) -> u32 {
    let mut probe = Probe {
        record,
        takes,
        first: bucket.wrapping_mul(2),
        found: NONE,
    };
    tables.scan(BUCKETS, &mut probe);
    probe.found
}

struct Probe {
    record: Record,
    takes: Takes,
    first: u32,
    found: u32,
}

impl<T: Tables> Scan<T> for Probe {
    #[inline(always)]
    fn step(&mut self, tables: &T, index: u32) -> ControlFlow<()> {
        let bucket = self.first.wrapping_add(index) % BUCKETS;
        let Some(entry) = self.record.slot(tables, BUCKETS, bucket) else {
            return ControlFlow::Break(());
        };
        if !self.takes.connections(tables, entry) {
            return ControlFlow::Continue(());
        }
        self.found = entry.destination();
        ControlFlow::Break(())
    }
}
