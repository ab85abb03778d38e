//! `mh`: the client's address chooses the destination, by a Maglev table, which a change of the destinations hardly changes for
//! the clients of the others.

#[cfg(feature = "host")]
mod table;

use core::ops::ControlFlow;

use crate::hash::hsiphash;
use crate::record::{Listed, NONE, Record, Takes};
use crate::{Flow, Scan, Tables};
#[cfg(feature = "host")]
pub(crate) use table::table;

/// The kernel's table size (`CONFIG_IP_VS_MH_TAB_INDEX` 12, the default).
pub(crate) const SLOTS: u32 = 4093;

/// The key of a client's slot and of where a destination's walk through the table begins.
pub(crate) const KEY: u64 = 2_654_435_761;

#[inline(always)]
pub(crate) fn pick<T: Tables>(tables: &T, record: Record, flow: &Flow) -> u32 {
    own_or_fallback(tables, record, flow, Takes::Now)
}

/// The client's own destination or, if it takes no connections, that of the next slot whose destination does.
///
/// `mh-fallback`'s own probes hash anew each time and so may miss the only destination left; this walk does not.
#[inline(always)]
pub(crate) fn stateless<T: Tables>(tables: &T, record: Record, flow: &Flow) -> u32 {
    let destination = own_or_fallback(tables, record, flow, Takes::Always);
    if destination != NONE {
        return destination;
    }
    let mut walk = Walk {
        record,
        first: slot(0, key(record, flow)),
        found: NONE,
    };
    tables.scan(SLOTS, &mut walk);
    walk.found
}

#[inline(always)]
fn own_or_fallback<T: Tables>(tables: &T, record: Record, flow: &Flow, takes: Takes) -> u32 {
    let key = key(record, flow);
    let slot = slot(0, key);
    let Some(entry) = record.slot(tables, SLOTS, slot) else {
        return NONE;
    };
    if takes.connections(tables, entry) {
        return entry.destination();
    }
    if !record.fallback() {
        return NONE;
    }
    let mut probe = Rehash {
        record,
        takes,
        key,
        first: slot,
        found: NONE,
    };
    tables.scan(SLOTS, &mut probe);
    probe.found
}

/// What is hashed of a client.
#[inline(always)]
fn key(record: Record, flow: &Flow) -> u32 {
    let port = if record.port() {
        u32::from(flow.client_port)
    } else {
        0
    };
    flow.client.wrapping_add(port)
}

#[inline(always)]
fn slot(offset: u32, key: u32) -> u32 {
    hsiphash(KEY, offset.wrapping_add(key)) % SLOTS
}

/// The probes of `mh-fallback`.
struct Rehash {
    record: Record,
    takes: Takes,
    key: u32,
    first: u32,
    found: u32,
}

impl<T: Tables> Scan<T> for Rehash {
    #[inline(always)]
    fn step(&mut self, tables: &T, index: u32) -> ControlFlow<()> {
        let offset = index.wrapping_add(self.first) % SLOTS;
        let entry = self.record.slot(tables, SLOTS, slot(offset, self.key));
        settle(tables, entry, self.takes, &mut self.found)
    }
}

struct Walk {
    record: Record,
    first: u32,
    found: u32,
}

impl<T: Tables> Scan<T> for Walk {
    #[inline(always)]
    fn step(&mut self, tables: &T, index: u32) -> ControlFlow<()> {
        let slot = index.wrapping_add(self.first) % SLOTS;
        let entry = self.record.slot(tables, SLOTS, slot);
        settle(tables, entry, Takes::Always, &mut self.found)
    }
}

/// Ends a search at an entry that takes connections, or at an empty slot: then the whole table is empty.
#[inline(always)]
fn settle<T: Tables>(
    tables: &T,
    entry: Option<Listed>,
    takes: Takes,
    found: &mut u32,
) -> ControlFlow<()> {
    let Some(entry) = entry else {
        return ControlFlow::Break(());
    };
    if !takes.connections(tables, entry) {
        return ControlFlow::Continue(());
    }
    *found = entry.destination();
    ControlFlow::Break(())
}
