//! `lblc` and `lblcr`: every VIP keeps its destination, or a small set of them, as long as that has room. They are for caches: the
//! same address is to be asked of the same cache.
//!
//! ```text
//!   VIP ─▶ cache ─▶ its destination (lblc), the least loaded of its set (lblcr)
//!            ▲         │ has room: that one
//!            │         │ has not, takes no connections, or there is none
//!            └──────── wlc over the whole list; the choice is remembered
//! ```
//!
//! What is remembered is a cache in every sense: who finds no place in it is scheduled all the same, and two processors that write
//! at once may lose one of two choices.

mod cache;
mod set;

use core::ops::ControlFlow;

use crate::record::{Code, NONE, Record};
use crate::{Flow, Load, Scan, Standing, Tables, least};
use cache::Entry;
pub use cache::{
    LOCALITY_BUCKETS, LOCALITY_SLOTS, LOCALITY_TIME, LOCALITY_WORDS, locality_is_over,
    locality_service,
};

/// The choice of `lblc` and `lblcr`.
#[inline(always)]
pub(crate) fn pick<T: Tables>(tables: &T, record: Record, flow: &Flow) -> u32 {
    let kept = known(tables, record, flow);
    shrink(tables, record, flow);
    if kept != NONE && !has_to_give_way(tables, record, kept) {
        return kept;
    }
    let chosen = least::pick(tables, record, Code::WLC);
    if chosen != NONE {
        remember(tables, record, flow, chosen);
    }
    chosen
}

/// What the VIP has, if it takes connections; [`NONE`] otherwise.
#[inline(always)]
pub(crate) fn known<T: Tables>(tables: &T, record: Record, flow: &Flow) -> u32 {
    let Some(entry) = cache::look_up(tables, flow).entry() else {
        return NONE;
    };
    entry.touch(tables, flow);
    if record.code() == Code::LBLCR {
        set::least_loaded(tables, record, entry, flow)
    } else {
        only(tables, entry, flow)
    }
}

/// Takes the most loaded destination of an `lblcr` set away when its time has come.
#[inline(always)]
pub(crate) fn shrink<T: Tables>(tables: &T, record: Record, flow: &Flow) {
    if record.code() == Code::LBLCR
        && let Some(entry) = cache::look_up(tables, flow).entry()
    {
        set::shrink(tables, record, entry, flow);
    }
}

/// Gives the VIP a destination, or one more.
#[inline(always)]
pub(crate) fn remember<T: Tables>(tables: &T, record: Record, flow: &Flow, chosen: u32) {
    let home = cache::look_up(tables, flow);
    match home.entry() {
        Some(entry) if record.code() == Code::LBLCR => set::insert(tables, entry, flow, chosen),
        Some(entry) => entry.set_only(tables, chosen),
        None => home.remember(tables, flow, chosen),
    }
}

/// The destination of `lblc`, if it takes connections. IPVS does not ask here whether it is overloaded.
#[inline(always)]
fn only<T: Tables>(tables: &T, entry: Entry, flow: &Flow) -> u32 {
    let destination = entry.member(tables, 0);
    let takes_connections = |standing: Standing| {
        standing.available && standing.service == flow.service && standing.weight > 0
    };
    match tables.standing(destination) {
        Some(standing) if takes_connections(standing) => destination,
        _ => NONE,
    }
}

/// Whether a destination has more active connections than its weight while another one has less than half as many as its own.
#[inline(always)]
pub(crate) fn has_to_give_way<T: Tables>(tables: &T, record: Record, destination: u32) -> bool {
    // One after the other: what is undefined in the one that is none, the verifier does not let the compiler keep.
    let Some(load) = tables.live(destination) else {
        return true;
    };
    let Some(standing) = tables.standing(destination) else {
        return true;
    };
    if load.active as i32 <= standing.weight as i32 {
        return false;
    }
    let mut search = HalfIdle {
        record,
        found: false,
    };
    tables.scan(record.list_len(), &mut search);
    search.found
}

/// Looks for a destination with less than half as many active connections as its weight.
struct HalfIdle {
    record: Record,
    found: bool,
}

impl<T: Tables> Scan<T> for HalfIdle {
    #[inline(always)]
    fn step(&mut self, tables: &T, index: u32) -> ControlFlow<()> {
        let Some(entry) = self.record.entry(tables, index) else {
            return ControlFlow::Break(());
        };
        if !entry.usable() {
            return ControlFlow::Continue(());
        }
        let half_idle =
            |load: Load| (load.active.wrapping_mul(2) as i32) < entry.last_weight() as i32;
        if !tables.live(entry.destination()).is_some_and(half_idle) {
            return ControlFlow::Continue(());
        }
        self.found = true;
        ControlFlow::Break(())
    }
}
