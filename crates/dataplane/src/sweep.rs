//! Ending what is over: connections, then the templates that they belonged to, and what `lblc` remembers.
//!
//! Packets end connections and templates too, where they need the room, so that the tables stay usable when no daemon
//! runs; the sweep is what keeps the counts right.
//!
//! What belongs to translated connections ends with them. Where something seems to have lost its connection, a packet may
//! just be putting the two together, or taking them apart: only what is an orphan still when all packets that were under way are
//! done is freed.

use std::ops::Range;

use dray_abi::{Destination, Meta, Settings, Template};
use dray_model::Sweep;

use crate::{
    KernelDataPlane, clock,
    ending::Why,
    grace, locality,
    mapped::Mapped,
    maps::Maps,
    slots::{self, ConnectionBucket},
    translations::Orphan,
};

pub(crate) fn sweep(plane: &mut KernelDataPlane, parts: u32) -> Sweep {
    let parts = parts.max(1);
    let part = plane.next_part % parts;
    plane.next_part = (part + 1) % parts;
    if part == 0 {
        plane.ports.refresh(&plane.maps);
    }
    plane.freed.forget(&plane.maps);
    let settings = plane.maps.settings();
    let expire = settings.options & Settings::EXPIRE_NODEST_CONN != 0;
    let ends_removed = plane.leftovers.end_in_next(parts, expire);
    let maps = &plane.maps;
    let mut sweeper = Sweeper {
        maps,
        settings,
        tick: plane.tick(),
        ends_removed,
        found: Sweep::default(),
        orphans: Vec::new(),
    };
    let of = |buckets| stretch(buckets, part, parts);
    sweeper.connections(&maps.connections4, of(maps.connections4.len()));
    sweeper.connections(&maps.connections6, of(maps.connections6.len()));
    sweeper.templates(of(maps.templates.len()));
    sweeper.translations(of(maps.translations.len()));
    sweeper.free_orphans();
    locality::sweep(maps, of(maps.locality.len()), sweeper.tick);
    sweeper.found
}

/// One of `parts` stretches of about the same length.
pub(crate) fn stretch(buckets: u32, part: u32, parts: u32) -> Range<u32> {
    let cut = |part: u32| (u64::from(buckets) * u64::from(part) / u64::from(parts)) as u32;
    cut(part)..cut(part + 1)
}

/// What removed real servers leave behind, their connections and templates: sweeps end it in one round over the tables
/// after each removal, if `expire_nodest_conn` is on by then.
///
/// So does IPVS (`ip_vs_expire_nodest_conn_flush`). Of real servers that were removed before it came on, a connection
/// lasts until its next packet, its time, or the next removal of any.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Leftovers {
    /// Whether a real server was removed since the last sweep.
    removed: bool,
    /// How many parts of the tables the round still has to look at.
    parts: u32,
}

impl Leftovers {
    /// What an earlier daemon left: its round may have been under way.
    pub(crate) const UNKNOWN: Self = Self {
        removed: true,
        parts: 0,
    };

    /// Notes that a real server was removed.
    pub(crate) fn arise(&mut self) {
        self.removed = true;
    }

    /// Whether the next sweep, over one part in `parts`, ends them.
    fn end_in_next(&mut self, parts: u32, expire: bool) -> bool {
        if std::mem::take(&mut self.removed) && expire {
            self.parts = parts;
        }
        let ends = self.parts > 0;
        self.parts = self.parts.saturating_sub(1);
        ends
    }
}

struct Sweeper<'a> {
    maps: &'a Maps,
    settings: Settings,
    tick: u32,
    ends_removed: bool,
    found: Sweep,
    orphans: Vec<Orphan>,
}

impl Sweeper<'_> {
    fn connections<B: ConnectionBucket>(&mut self, table: &Mapped<B>, buckets: Range<u32>) {
        for slot in slots::connections(table, buckets) {
            let meta = slot.meta();
            if !meta.is_live() {
                continue;
            }
            if slots::is_return(meta) {
                if self.maps.is_orphan(&slot) {
                    self.orphans.push(Orphan::Return(slot.place, meta));
                }
                continue;
            }
            let why = if self.is_to_go(meta) {
                Why::Removed
            } else if meta.is_over(self.tick) {
                Why::Over
            } else {
                self.found.alive += 1;
                self.found.translated += u64::from(meta.flags() & Meta::TRANSLATED != 0);
                continue;
            };
            // When it fails, a packet has just revived it or taken its place.
            if self.maps.end_connection(&slot, meta, why) {
                self.found.ended += 1;
            }
        }
    }

    fn templates(&self, buckets: Range<u32>) {
        let keep = self.settings.options & Settings::KEEP_TEMPLATE_TIMEOUT != 0;
        for slot in slots::templates(&self.maps.templates, buckets) {
            let meta = slot.meta();
            if !meta.is_live() {
                continue;
            }
            let over = meta.is_over(self.tick);
            if slot.children() == 0 {
                if over || self.is_to_go(meta) {
                    self.maps.end_template(&slot, meta);
                }
            } else if over {
                let (over, timeout) =
                    Template::renewed(meta.over(), self.tick, slot.timeout(), keep);
                slot.renew(meta, over, timeout);
            }
        }
    }

    fn translations(&mut self, buckets: Range<u32>) {
        self.orphans
            .extend(self.maps.orphaned_translations(buckets));
    }

    fn free_orphans(&mut self) {
        if self.orphans.is_empty() {
            return;
        }
        grace::wait();
        for orphan in self.orphans.drain(..) {
            self.maps.free_orphan(orphan);
        }
    }

    /// Whether it ends before its time, because its real server was removed.
    fn is_to_go(&self, meta: Meta) -> bool {
        self.ends_removed && {
            let destination = self.maps.destinations.read(meta.destination());
            destination.is_some_and(|destination| destination.flags & Destination::AVAILABLE == 0)
        }
    }
}

impl KernelDataPlane {
    /// Now, by the clock that the packets of this instance are timed by.
    pub(crate) fn tick(&self) -> u32 {
        // A private instance's clock is never 0; the kernel's is not kept there.
        match self.maps.settings().clock {
            0 => clock::now(),
            own => own,
        }
    }
}

#[cfg(test)]
mod tests;
