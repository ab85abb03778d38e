//! The set of destinations that `lblcr` keeps for a VIP.
//!
//! It grows by one when its least loaded member has no room, and shrinks by one, the most loaded, when it did not change for a day.

use core::ops::ControlFlow;

use super::cache::{Entry, LOCALITY_TIME, MEMBERS, Set, elapsed};
use crate::least::overhead;
use crate::record::{NONE, Record};
use crate::{Flow, Scan, Standing, Tables};

/// The least loaded member that takes connections, [`NONE`] without one.
#[inline(always)]
pub(super) fn least_loaded<T: Tables>(
    tables: &T,
    record: Record,
    entry: Entry,
    flow: &Flow,
) -> u32 {
    let set = entry.set(tables);
    let mut least = Search::new(record, entry, set, flow, Wanted::Least);
    tables.scan(MEMBERS, &mut least);
    least.destination()
}

/// Takes the most loaded member away if there are several and the set did not change for long. It may be the one that is the
/// least loaded of those that take connections.
#[inline(always)]
pub(super) fn shrink<T: Tables>(tables: &T, record: Record, entry: Entry, flow: &Flow) {
    let set = entry.set(tables);
    if elapsed(set.modified, flow.tick) <= LOCALITY_TIME as i32 {
        return;
    }
    let mut most = Search::new(record, entry, set, flow, Wanted::Most);
    tables.scan(MEMBERS, &mut most);
    if most.members <= 1 || most.destination() == NONE {
        return;
    }
    let new = Set {
        modified: flow.tick,
        ..set
    };
    // Who changes the set meanwhile has changed it: then nobody need go.
    if entry.replace_set(tables, set, new) {
        entry.set_member(tables, (most.picked >> 32) as u32, NONE);
    }
}

/// Adds a member, unless it is one.
#[inline(always)]
pub(super) fn insert<T: Tables>(tables: &T, entry: Entry, flow: &Flow, member: u32) {
    let set = entry.set(tables);
    let mut search = Contains {
        entry,
        member,
        found: false,
    };
    tables.scan(MEMBERS, &mut search);
    if search.found {
        return;
    }
    let new = Set {
        modified: flow.tick,
        added: set.added.wrapping_add(1),
    };
    // Another processor may add one at the same time, and this one is then added by a later connection.
    if entry.replace_set(tables, set, new) {
        entry.set_member(tables, set.added % MEMBERS, member);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Least,
    Most,
}

/// Looks through the members, the newest first; of equals the first is taken.
struct Search {
    record: Record,
    entry: Entry,
    service: u32,
    added: u32,
    wanted: Wanted,
    /// How many members there are.
    members: u64,
    /// The one: its index in the upper half, its destination in the lower one.
    picked: u64,
    weight: i64,
    overhead: i64,
}

impl Search {
    #[inline(always)]
    const fn new(record: Record, entry: Entry, set: Set, flow: &Flow, wanted: Wanted) -> Self {
        Self {
            record,
            entry,
            service: flow.service,
            added: set.added,
            wanted,
            members: 0,
            picked: NONE as u64,
            weight: 0,
            overhead: 0,
        }
    }

    #[inline(always)]
    const fn destination(&self) -> u32 {
        self.picked as u32
    }

    /// Whether a member may be the one. IPVS looks for the most loaded among all that have a weight.
    #[inline(always)]
    const fn admits(&self, standing: Standing, overloaded: bool) -> bool {
        let takes_connections = standing.available && !overloaded;
        standing.service == self.service
            && standing.weight > 0
            && (takes_connections || matches!(self.wanted, Wanted::Most))
    }

    #[inline(always)]
    const fn prefers(&self, weight: i64, overhead: i64) -> bool {
        let own = self.overhead.wrapping_mul(weight);
        let others = overhead.wrapping_mul(self.weight);
        match self.wanted {
            Wanted::Least => own > others,
            Wanted::Most => own < others,
        }
    }
}

impl<T: Tables> Scan<T> for Search {
    #[inline(always)]
    fn step(&mut self, tables: &T, round: u32) -> ControlFlow<()> {
        let index = self.added.wrapping_sub(1).wrapping_sub(round) % MEMBERS;
        let destination = self.entry.member(tables, index);
        if destination == NONE {
            return ControlFlow::Continue(());
        }
        self.members = self.members.wrapping_add(1);
        let Some(standing) = tables.standing(destination) else {
            return ControlFlow::Continue(());
        };
        let Some(load) = tables.live(destination) else {
            return ControlFlow::Continue(());
        };
        let weight = i64::from(standing.weight);
        let overhead = i64::from(overhead(self.record, load) as i32);
        if self.admits(standing, load.overloaded)
            && (self.destination() == NONE || self.prefers(weight, overhead))
        {
            self.picked = u64::from(index) << 32 | u64::from(destination);
            self.weight = weight;
            self.overhead = overhead;
        }
        ControlFlow::Continue(())
    }
}

/// Looks for a member.
struct Contains {
    entry: Entry,
    member: u32,
    found: bool,
}

impl<T: Tables> Scan<T> for Contains {
    #[inline(always)]
    fn step(&mut self, tables: &T, index: u32) -> ControlFlow<()> {
        if self.entry.member(tables, index) != self.member {
            return ControlFlow::Continue(());
        }
        self.found = true;
        ControlFlow::Break(())
    }
}
